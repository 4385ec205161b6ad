"""Data on stdout: bytes of the record as they are, and JSON lines of our own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import orjson


def put_line(line: bytes) -> None:
    """One line as it is."""
    sys.stdout.buffer.write(line + b"\n")


def put_json(value: Mapping[str, Any]) -> None:
    """One object on one line; keys stay in their order."""
    put_line(orjson.dumps(value, default=str))


def put_text(text: str) -> None:
    """Some text, through the same buffer, so that nothing overtakes."""
    put_line(text.encode(sys.stdout.encoding or "utf-8", "replace"))


def flush() -> None:
    """Hand over what was put. Raises BrokenPipeError when the reader has gone."""
    sys.stdout.buffer.flush()
