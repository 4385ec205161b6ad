"""JSON from strangers, read so that no two readers could understand it differently."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeGuard

MAX_OPENINGS = 256
"""Objects and lists in one text, which bounds their depth as well, before anything is parsed."""


def strict_object(content: bytes, max_openings: int = MAX_OPENINGS) -> dict[str, Any]:
    """The JSON object that the bytes hold. Raises ValueError, which repeats nothing of them.

    Refused are, beside what is no JSON: a key that stands twice in one object (RFC 8725, section 2.4, of
    readers who disagree), NaN and infinities, other encodings than UTF-8, and more than `max_openings` of `{` and `[`.
    """
    if content.count(b"{") + content.count(b"[") > max_openings:
        raise ValueError(f"holds more than {max_openings} objects and lists")
    try:
        value: object = json.loads(content.decode("utf-8"), object_pairs_hook=_without_twins, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("is not JSON in UTF-8") from None
    if not is_object(value):
        raise ValueError("is not a JSON object")
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("holds a key twice")
    return found


def _no_number(_word: str) -> NoReturn:
    raise ValueError("holds a number that is none")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value of a parsed text is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a value of a parsed text is a JSON list."""
    return isinstance(value, list)
