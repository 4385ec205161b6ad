"""The token that a service is asked with, as somebody keeps it. Imports little: a hook reads it before each tool."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gatetrail.errors import WrongUse

TOKEN_VARIABLE = "GATETRAIL_TOKEN"  # noqa: S105 -- the name of it
_TOKEN = re.compile(r"[\x21-\x7e]+")
_MAX_TOKEN_BYTES = 65_536


def token_text(file: Path | None) -> str | None:
    """The token in a file, else in GATETRAIL_TOKEN; None where neither has one. Raises `WrongUse`."""
    if file is None:
        text, where = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not text.strip():
            return None
    else:
        text, where = _read(file), str(file)
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise WrongUse(f"{where}: holds no token; expected one line, as `gatetrail token mint` prints it")
    return token


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MAX_TOKEN_BYTES).decode("ascii", "replace")
    except OSError as problem:
        raise WrongUse(f"{file}: cannot be read: {problem.strerror or problem}") from None
