"""Searches as trees: what plain Python says of an event, and the same search written in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from hypothesis import strategies as st

Event = Mapping[str, Any]

NASTY = ("an n", "AND", "a*n", "a?n", "a\\n", 'a"n', "a:n", "(a)", "ä/n", "-a", "*", "or")
TEXTS = {
    "decision": ("allow", "deny", "DENY", "den"),
    "gate": ("scope", "scanner", "rate_limit", "none"),
    "user_id": (
        "ann@example.com",
        "ann",
        "an n",
        "AND",
        "a*n",
        "a?n",
        "a\\n",
        'a"n',
        "a:n",
        "(a)",
        "ä/n",
        "-a",
        "*",
        "or",
    ),
    "event_name": ("tool_call.decided", "tool_call.completed", "policy.changed"),
}
NUMBERS = {"seq": (1, 2, 3, 10, 200), "latency_ms": (0, 0.5, 1, 12.25)}


@dataclass(frozen=True)
class Is:
    key: str
    value: str | float


@dataclass(frozen=True)
class Has:
    key: str


@dataclass(frozen=True)
class AtLeast:
    key: str
    bound: float


@dataclass(frozen=True)
class Begins:
    key: str
    start: str


@dataclass(frozen=True)
class Not:
    one: Search


@dataclass(frozen=True)
class AllOf:
    several: tuple[Search, ...]


@dataclass(frozen=True)
class AnyOf:
    several: tuple[Search, ...]


Search = Is | Has | AtLeast | Begins | Not | AllOf | AnyOf

events = st.fixed_dictionaries(
    {"event_id": st.uuids().map(str)},
    optional={key: st.sampled_from(values) for key, values in {**TEXTS, **NUMBERS}.items()},
)


def _one_of_a_key(key: str) -> st.SearchStrategy[Search]:
    if key in NUMBERS:
        numbers = st.sampled_from(NUMBERS[key])
        return st.builds(Is, st.just(key), numbers) | st.builds(AtLeast, st.just(key), numbers)
    begins = st.builds(Begins, st.just(key), st.sampled_from(("a", "tool", "d", "p")))
    return st.builds(Is, st.just(key), st.sampled_from(TEXTS[key])) | begins


single: st.SearchStrategy[Search] = st.sampled_from([*TEXTS, *NUMBERS]).flatmap(
    lambda key: _one_of_a_key(key) | st.builds(Has, st.just(key))
)
searches: st.SearchStrategy[Search] = st.recursive(
    single,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def holds(search: Search, event: Event) -> bool:
    match search:
        case Is(key, value):
            return bool(event.get(key) == value)
        case Has(key):
            return key in event
        case AtLeast(key, bound):
            return key in event and event[key] >= bound
        case Begins(key, start):
            return str(event.get(key, "")).startswith(start)
        case Not(one):
            return not holds(one, event)
        case AllOf(several):
            return all(holds(one, event) for one in several)
        case AnyOf(several):
            return any(holds(one, event) for one in several)
        case _:
            assert_never(search)


def lucene(search: Search) -> str:
    """Each part in parentheses of its own, so that nothing depends on precedence."""
    return _written(search, "{key}:>={bound}", "{key}:*", "")


def kuery(search: Search) -> str:
    return _written(search, "{key} >= {bound}", "{key}: *", "")


def datadog(search: Search) -> str:
    return _written(search, "@{key}:>={bound}", "@{key}:*", "@")


def _written(search: Search, at_least: str, has: str, before: str) -> str:
    match search:
        case Is(key, value):
            return f"{before}{key}:{json.dumps(value, ensure_ascii=False)}"
        case Has(key):
            return has.format(key=key)
        case AtLeast(key, bound):
            return at_least.format(key=key, bound=bound)
        case Begins(key, start):
            return f"{before}{key}:{start}*"
        case Not(one):
            return f"(NOT ({_written(one, at_least, has, before)}))"
        case AllOf(several):
            return " AND ".join(f"({_written(one, at_least, has, before)})" for one in several)
        case AnyOf(several):
            return " OR ".join(f"({_written(one, at_least, has, before)})" for one in several)
        case _:
            assert_never(search)
