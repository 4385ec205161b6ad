"""Events of every kind, made from the models' own fields, and their journal entries."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import Event
from gatetrail.events.wire import canonical, keys_of

MODELS: list[type[Record]] = list(get_args(get_args(Event)[0]))
"""Every kind of event."""

NASTY = "\n\r\t|=\\\"' \x00\x0b\x0c\x1b\x1c\x7f\x85\x9b\u2028\u2029\u202e\ufeff\u200d🦊"
"""What gets past careless writers, more often than chance would bring it."""

texts = st.text(st.sampled_from(NASTY) | st.characters(exclude_categories=["Cs"]), max_size=30)
addresses = st.ip_addresses().map(str) | st.just("fe80::1%eth0") | texts
moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1))  # noqa: DTZ001 -- hypothesis wants them without a zone


class Presence(StrEnum):
    """Which of the keys that may be absent are there."""

    ALL = "all"
    NONE = "none"
    SOME = "some"


@cache
def events(model: type[Record], presence: Presence = Presence.SOME) -> st.SearchStrategy[Record]:
    """Valid events of one kind."""
    hints = get_type_hints(model, include_extras=True)
    fields = {name: _field(name, hints[name], presence) for name in model.model_fields}
    return st.fixed_dictionaries(fields).map(lambda keys: model(**keys))


@cache
def any_events(presence: Presence = Presence.SOME) -> st.SearchStrategy[Record]:
    """Valid events of any kind."""
    return st.sampled_from(MODELS).flatmap(lambda model: events(model, presence))


def entry_of(event: Record, /, **more: object) -> Entry:
    """The event as the journal gives it, with keys besides that its model does not know."""
    keys = keys_of(event)
    return Entry(event.seq or 1, keys["event_name"], canonical({**keys, **more}))


def _field(name: str, hint: Any, presence: Presence) -> st.SearchStrategy[Any]:
    if name == "timestamp":
        return moments.map(lambda moment: rfc3339(int((moment - datetime(1970, 1, 1)).total_seconds() * 1e6)))  # noqa: DTZ001
    if name == "src_ip":
        return _optional(addresses, presence)
    return _values(hint, presence)


def _optional(values: st.SearchStrategy[Any], presence: Presence) -> st.SearchStrategy[Any]:
    return {Presence.ALL: values, Presence.NONE: st.none(), Presence.SOME: st.none() | values}[presence]


def _values(hint: Any, presence: Presence) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _constrained(arguments[0], arguments[1:], presence)
    if origin in {Union, UnionType}:
        inner = st.one_of(*(_values(one, presence) for one in arguments if one is not NoneType))
        return _optional(inner, presence) if NoneType in arguments else inner
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_values(arguments[0], presence), min_size=1, max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        members: list[Any] = list(hint)
        return st.sampled_from(members)
    if hint is str:
        return texts
    raise AssertionError(f"no strategy for {hint}")


def _constrained(hint: Any, constraints: tuple[Any, ...], presence: Presence) -> st.SearchStrategy[Any]:
    bounds = {
        type(one).__name__: one
        for constraint in constraints
        if isinstance(constraint, FieldInfo)
        for one in constraint.metadata
    }
    low = bounds["Ge"].ge if "Ge" in bounds else 0
    high = int(bounds["Le"].le) if "Le" in bounds else 2**53
    if hint == int | float:
        return st.integers(0, high * 1000).map(lambda thousandths: _number(thousandths / 1000))
    if hint is int:
        return st.integers(low, high)
    patterns: list[str] = [one.pattern for one in bounds.values() if getattr(one, "pattern", None)]
    return st.from_regex(patterns[0].strip("^$"), fullmatch=True) if patterns else _values(hint, presence)


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value
