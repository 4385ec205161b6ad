"""The part of Elasticsearch's query DSL that our searches turn into, evaluated over events.

Meanings are those of Elastic's reference, "Query DSL", for the types of our index template: text is `keyword`, so that
`match`, `match_phrase` and `term` all compare whole values in their case. What it does not know it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from siem.golden import Event
from siem.proof.matchers.values import NotUnderstood, Test, comparable, equal, key_of, like, values

Matches = Callable[[Event], bool]
Dsl = Mapping[str, Any]

_BOOL = {"must", "filter", "should", "must_not", "minimum_should_match"}
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: bool(value > bound),
    "gte": lambda value, bound: bool(value >= bound),
    "lt": lambda value, bound: bool(value < bound),
    "lte": lambda value, bound: bool(value <= bound),
}
_ONE_TERM = re.compile(r"(?:\\.|[^\s\\+\-!(){}\[\]^\"~:/&|<>=])(?:\\.|[^\s\\!(){}\[\]^\"~:/&|<>=])*")


def compiled(query: Dsl) -> Matches:
    """Whether an event matches. Raises `NotUnderstood` for a query, a field or a value that it does not know."""
    ((name, body),) = query.items()
    if name not in _READERS:
        raise NotUnderstood(f"no query that this reader knows: {name}")
    return _READERS[name](body)


def _bool(body: Mapping[str, Any]) -> Matches:
    if body.keys() - _BOOL:
        raise NotUnderstood(f"bool has no {sorted(body.keys() - _BOOL)}")
    needed = _several(body, "must") + _several(body, "filter")
    should, never = _several(body, "should"), _several(body, "must_not")
    at_least = body.get("minimum_should_match", 0 if needed or not should else 1)
    if not isinstance(at_least, int):
        raise NotUnderstood(f"minimum_should_match is no whole number: {at_least!r}")
    return lambda event: (
        all(one(event) for one in needed)
        and not any(one(event) for one in never)
        and sum(one(event) for one in should) >= at_least
    )


def _several(body: Mapping[str, Any], name: str) -> list[Matches]:
    given: Dsl | Sequence[Dsl] = body.get(name, ())
    return [compiled(given)] if isinstance(given, Mapping) else [compiled(one) for one in given]


def _term(body: Mapping[str, Any]) -> Matches:
    field, wanted = _field(body, {"value", "query"})
    return _any_value(field, equal(key_of(field), wanted))


def _terms(body: Mapping[str, Any]) -> Matches:
    ((field, wanted),) = body.items()
    tests = [equal(key_of(field), one) for one in wanted]
    return _any_value(field, lambda value: any(test(value) for test in tests))


def _wildcard(body: Mapping[str, Any]) -> Matches:
    field, pattern = _field(body, {"value", "wildcard"})
    return _any_value(field, like(key_of(field), pattern))


def _prefix(body: Mapping[str, Any]) -> Matches:
    field, start = _field(body, {"value"})
    like(key_of(field), "*")
    return _any_value(field, lambda value: str(value).startswith(start))


def _exists(body: Mapping[str, Any]) -> Matches:
    field = key_of(body["field"]).name
    return lambda event: bool(values(event, field))


def _range(body: Mapping[str, Any]) -> Matches:
    ((field, bounds),) = body.items()
    key = key_of(field)
    if not bounds or bounds.keys() - _BOUNDS.keys():
        raise NotUnderstood(f"a range has gt, gte, lt and lte, not {sorted(bounds)}")
    tests = [(_BOUNDS[name], comparable(key, bound)) for name, bound in bounds.items()]
    return _any_value(field, lambda value: all(test(comparable(key, value), bound) for test, bound in tests))


def _query_string(body: Mapping[str, Any]) -> Matches:
    """Only as Kibana's language makes it: one field and one word with a wildcard."""
    fields: Sequence[str] = body.get("fields", ())
    text: str = body["query"]
    if len(fields) != 1 or set(body) != {"fields", "query"} or not _ONE_TERM.fullmatch(text):
        raise NotUnderstood(f"only one word in one field, not {dict(body)}")
    return _any_value(fields[0], like(key_of(fields[0]), text))


def _all(body: Mapping[str, Any]) -> Matches:
    if body:
        raise NotUnderstood(f"match_all takes nothing, not {dict(body)}")
    return lambda _event: True


def _field(body: Mapping[str, Any], names: set[str]) -> tuple[str, Any]:
    """The field and its value, given plainly or under one of these names."""
    ((field, given),) = body.items()
    if not isinstance(given, Mapping):
        return field, given
    options = cast("Mapping[str, Any]", given)
    if len(options) != 1 or options.keys() - names:
        raise NotUnderstood(f"{field} has options that this reader does not know: {sorted(options)}")
    return field, *options.values()


def _any_value(field: str, test: Test) -> Matches:
    return lambda event: any(test(value) for value in values(event, field))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Matches]] = {
    "bool": _bool,
    "term": _term,
    "match": _term,
    "match_phrase": _term,
    "terms": _terms,
    "wildcard": _wildcard,
    "prefix": _prefix,
    "exists": _exists,
    "range": _range,
    "query_string": _query_string,
    "match_all": _all,
}
