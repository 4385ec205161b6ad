"""Data on stdout: bytes of the record as they are, and JSON lines of our own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from gatetrail.errors import Unavailable


class ReaderGone(Exception):
    """Whoever read our output has enough (`| head`)."""


def put_line(line: bytes) -> None:
    """One line as it is. Raises `ReaderGone`, as all of these do."""
    try:
        sys.stdout.buffer.write(line + b"\n")
    except OSError as problem:
        raise _trouble(problem) from None


def put_json(value: Mapping[str, Any]) -> None:
    """One object on one line; keys stay in their order."""
    import orjson

    put_line(orjson.dumps(value, default=str))


def put_text(text: str) -> None:
    """Some text, through the same buffer, so that nothing overtakes."""
    put_line(text.encode(sys.stdout.encoding or "utf-8", "replace"))


def put_sentence(text: str) -> None:
    """Some text for people, broken between words where a terminal is too narrow for it."""
    from gatetrail.cli.cells import Screen

    for line in Screen().folded(text):
        put_text(line)


def flush() -> None:
    """Hand over what was put."""
    try:
        sys.stdout.buffer.flush()
    except OSError as problem:
        raise _trouble(problem) from None


def give_up() -> None:
    """Python flushes stdout once more at its end, and would fail with an exit code of its own: let it go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _trouble(problem: OSError) -> Exception:
    give_up()
    if isinstance(problem, BrokenPipeError):
        return ReaderGone()
    return Unavailable(f"stdout cannot be written: {problem.strerror}")
