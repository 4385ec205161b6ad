"""Texts that cannot be mistaken for something else: no second line, no colours, nothing written backwards."""

from __future__ import annotations

import re

import orjson

_UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""Control characters of both sets, line and paragraph separators, marks that turn the direction of writing."""

UNSEEN = re.compile(f"[{_UNSEEN}]")

_UNSEEN_UTF8 = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf"
)
"""The same in UTF-8, without those below U+0020: JSON escapes these by itself (RFC 8259 section 7)."""


def shown(character: str) -> str:
    """A character of `UNSEEN` as JSON would write it."""
    return f"\\u{ord(character):04x}"


def visible(text: str) -> str:
    r"""The text with its unseen characters as `\u001b` and the like. Backslashes stay as they are."""
    if text.isprintable():
        return text
    return UNSEEN.sub(lambda found: shown(found[0]), text)


def json_line(value: dict[str, object]) -> bytes:
    """JSON on one line whose unseen characters are escaped: the same values, harmless on a terminal.

    Raises ValueError for what JSON cannot hold.
    """
    try:
        line = orjson.dumps(value)
    except orjson.JSONEncodeError as problem:
        raise ValueError(f"it cannot be written as JSON: {problem}") from problem
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNSEEN_UTF8.sub(lambda found: shown(found[0].decode()).encode(), line)


def as_text(value: object) -> str:
    """A text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as problem:
        raise ValueError(f"it cannot be written as JSON: {problem}") from problem
