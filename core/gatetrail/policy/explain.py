"""What the validator found, said as a person would: what is there, and what was expected."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gatetrail.call import clean
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.source import Location

MAX_SHOWN_CHARACTERS = 60

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "tuple_type": "a list",
    "list_type": "a list",
    "frozen_set_type": "a list",
    "set_type": "a list",
    "datetime_type": "a time such as 2026-01-31T08:00:00Z",
    "datetime_parsing": "a time such as 2026-01-31T08:00:00Z",
    "datetime_from_date_parsing": "a time such as 2026-01-31T08:00:00Z",
    "timezone_aware": "a time with its offset, such as 2026-01-31T08:00:00Z",
    "finite_number": "a finite number",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "string_too_long": ("max_length", "at most this many characters:"),
    "string_too_short": ("min_length", "at least this many characters:"),
}


def location_of(error: ErrorDetails) -> Location:
    """Where the value stands; the validator's own marks for keys and for missing parts are dropped."""
    location = error["loc"]
    return location[:-1] if location and location[-1] == "[key]" else location


def explain(error: ErrorDetails) -> str:
    """One line without the place."""
    kind, found, location = error["type"], error["input"], location_of(error)
    if kind == "extra_forbidden":
        return unknown_key(str(location[-1]), keys_at(location[:-1]))
    if kind == "enum":
        return _unknown_word(found, _type_at(error["loc"]))
    if kind == "missing":
        return "is missing"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"expected {words} {error.get('ctx', {}).get(key)}, got {shown(found)}"
    expected = _EXPECTED.get(kind)
    if expected is None:
        return f"{error['msg']}, got {shown(found)}"
    hint = "; put it in quotes" if expected == "text" and isinstance(found, int | float) else ""
    return f"expected {expected}, got {shown(found)}{hint}"


def unknown_key(key: str, known: Iterable[str]) -> str:
    """`unknown key; did you mean 'tier'?`, or all keys that there are."""
    known = sorted(known)
    close = difflib.get_close_matches(key.lower(), known, n=1)
    return f"unknown key; did you mean {close[0]!r}?" if close else f"unknown key; {one_of(known)}"


def one_of(words: Iterable[str]) -> str:
    """`expected one of admin, user`."""
    return f"expected one of {', '.join(words)}"


def shown(value: Any) -> str:
    """A value as it may stand in a message: its kind, and a short piece of it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:MAX_SHOWN_CHARACTERS]}"
        case str():
            return f"the text {clean(value, MAX_SHOWN_CHARACTERS)!r}"
        case list():
            return "a list"
        case _:
            return "keys and values"


def keys_at(location: Location) -> tuple[str, ...]:
    """The keys that the model at a place has."""
    model = _type_at(location)
    return tuple(field.alias or name for name, field in model.model_fields.items()) if _is_model(model) else ()


def _unknown_word(found: Any, kind: Any) -> str:
    words = [str(member.value) for member in kind] if _is_enum(kind) else []
    noun = kind.__name__.lower() if _is_enum(kind) else "word"
    close = difflib.get_close_matches(str(found).lower(), words, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"unknown {noun} {str(found)[:MAX_SHOWN_CHARACTERS]!r}{hint}; {one_of(words)}"


def _type_at(location: Location) -> Any:
    """The type that the model wants at a place, without `Annotated` and `None`."""
    wanted: Any = PolicyDocument
    for part in location:
        if part == "[key]":
            continue
        at_key = location[-1] == "[key]" and part == location[-2]
        wanted = _plain(_inner(wanted, part, as_key=at_key))
    return wanted


def _inner(outer: Any, part: str | int, *, as_key: bool) -> Any:
    if _is_model(outer):
        named = (field for name, field in outer.model_fields.items() if part == (field.alias or name))
        return next((field.annotation for field in named), None)
    arguments = get_args(outer)
    if get_origin(outer) is dict:
        return arguments[0 if as_key else 1]
    return arguments[0] if arguments else None


def _plain(wanted: Any) -> Any:
    if get_origin(wanted) is Annotated:
        return _plain(get_args(wanted)[0])
    if get_origin(wanted) in (Union, types.UnionType):
        return _plain(next(part for part in get_args(wanted) if part is not type(None)))
    return wanted


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)
