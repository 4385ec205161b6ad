"""What counts as breaking, change by change, and that nothing breaking is overlooked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.growth import Direction, breaking_changes
from tests.schema_watch import validator_of

OUTPUT, INPUT = Direction.OUTPUT, Direction.INPUT

EVENT: dict[str, Any] = {
    "$defs": {"Level": {"enum": ["info", "error"], "type": "string"}},
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 10},
        "level": {"$ref": "#/$defs/Level"},
        "count": {"type": "integer", "minimum": 0},
        "hash": {"type": "string", "pattern": "^[0-9]+$"},
        "roles": {"type": "array", "items": {"type": "string", "maxLength": 5}},
        "wait": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["id"],
}


def changed(**over: Any) -> dict[str, Any]:
    """The event with other keys; None takes a key away."""
    keys = {key: value for key, value in {**EVENT["properties"], **over}.items() if value is not None}
    return {**EVENT, "properties": keys}


TOLD: list[tuple[dict[str, Any], Direction, list[str]]] = [
    (changed(count=None), OUTPUT, ["/count: is gone"]),
    (changed(count=None), INPUT, ["/count: is gone"]),
    (changed(count={"type": "string"}), OUTPUT, ["/count: type integer became string"]),
    (changed(count={"type": "number", "minimum": 0}), OUTPUT, ["/count: type integer became number"]),
    (changed(count={"type": "number", "minimum": 0}), INPUT, []),
    (changed(count={"type": "integer", "minimum": 1}), OUTPUT, []),
    (changed(count={"type": "integer", "minimum": 1}), INPUT, ["/count: minimum 0 became 1"]),
    (changed(count={"type": "integer"}), OUTPUT, ["/count: minimum 0 became none"]),
    (changed(id={"type": "string", "maxLength": 11}), OUTPUT, ["/id: maxLength 10 became 11"]),
    (changed(id={"type": "string", "maxLength": 11}), INPUT, []),
    (changed(id={"type": "string", "maxLength": 9}), INPUT, ["/id: maxLength 10 became 9"]),
    (changed(level={"enum": ["info"], "type": "string"}), OUTPUT, ["/level: value 'error' is gone"]),
    (changed(level={"enum": ["info"], "type": "string"}), INPUT, ["/level: value 'error' is gone"]),
    (changed(level={"enum": ["info", "error", "loud"], "type": "string"}), OUTPUT, []),
    (changed(level={"enum": ["info", "error", "loud"], "type": "string"}), INPUT, []),
    (changed(level={"type": "string"}), OUTPUT, ["/level: the closed list error or info became open"]),
    (changed(level={"type": "string"}), INPUT, []),
    (
        changed(hash={"type": "string", "pattern": "^[0-9a-f]+$"}),
        OUTPUT,
        ["/hash: pattern ^[0-9]+$ became ^[0-9a-f]+$"],
    ),
    (changed(hash={"type": "string"}), INPUT, []),
    (
        changed(roles={"type": "array", "items": {"type": "string", "maxLength": 6}}),
        OUTPUT,
        ["/roles[]: maxLength 5 became 6"],
    ),
    (changed(wait={"type": "integer"}), OUTPUT, ["/wait: was null at times, is never now"]),
    (changed(wait={"type": "integer"}), INPUT, ["/wait: type null became integer"]),
    (changed(wait={"anyOf": [*EVENT["properties"]["wait"]["anyOf"], {"type": "string"}]}), INPUT, []),
    (changed(more={"type": "string"}), OUTPUT, []),
    (changed(more={"type": "string"}), INPUT, ["/more: was free, is checked now"]),
    ({**EVENT, "required": []}, OUTPUT, ["/id: may be missing now"]),
    ({**EVENT, "required": []}, INPUT, []),
    ({**EVENT, "required": ["id", "count"]}, OUTPUT, []),
    ({**EVENT, "required": ["id", "count"]}, INPUT, ["/count: is required now"]),
    ({**EVENT, "title": "Another", "description": "words", "examples": [1], "x-class": "public"}, OUTPUT, []),
    ({**EVENT, "x-class": "public"}, INPUT, []),
]


@pytest.mark.parametrize(("new", "direction", "told"), TOLD)
def test_a_change_is_named_where_it_breaks_somebody(new: dict[str, Any], direction: Direction, told: list[str]) -> None:
    assert breaking_changes(EVENT, new, direction) == told


def union(*names: str) -> dict[str, Any]:
    """A union of kinds told apart by their name."""
    kinds = {
        name: {"type": "object", "properties": {"name": {"const": name}, "x": {"type": "string"}}} for name in names
    }
    references = {name: f"#/$defs/{name}" for name in names}
    return {
        "$defs": kinds,
        "discriminator": {"propertyName": "name", "mapping": references},
        "oneOf": [{"$ref": reference} for reference in references.values()],
    }


@pytest.mark.parametrize("direction", Direction)
def test_a_kind_may_come_and_may_not_go(direction: Direction) -> None:
    assert breaking_changes(union("a", "b"), union("a", "b", "c"), direction) == []
    assert breaking_changes(union("a", "b"), union("b"), direction) == ["/a: is gone"]


def test_a_change_inside_a_kind_is_told_with_the_kind() -> None:
    other = union("a", "b")
    other["$defs"]["b"]["properties"]["x"] = {"type": "integer"}
    assert breaking_changes(union("a", "b"), other, OUTPUT) == ["/b/x: type string became integer"]


# Small schemas over few documents, so that a document which tells two of them apart is among them.
limits = st.none() | st.integers(0, 3)


def with_some(type_: str, **words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of a type, with some of these words."""

    def told(drawn: dict[str, Any]) -> dict[str, Any]:
        return {"type": type_, **{word: value for word, value in drawn.items() if value is not None}}

    return st.fixed_dictionaries(words).map(told)


closed_list = st.none() | st.lists(st.sampled_from(["", "a", "ab"]), min_size=1, max_size=3, unique=True)
texts = with_some("string", minLength=limits, maxLength=limits)
patterns = with_some("string", pattern=st.sampled_from([None, "^a", "b$"]))
closed_texts = with_some("string", enum=closed_list)
numbers = with_some("integer", minimum=limits, maximum=limits) | with_some("number", exclusiveMaximum=limits)
alternatives = st.lists(texts | numbers | st.just({"type": "null"}), min_size=1, max_size=3).map(
    lambda ways: {"anyOf": ways}
)
arrays = with_some("array", maxItems=limits, items=st.none() | texts | numbers)
read_kinds = [texts, patterns, numbers, alternatives, arrays]
written_kinds = [*read_kinds, closed_texts]


def holding(
    inner: st.SearchStrategy[dict[str, Any]], free: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Objects whose key `x` may be described."""
    keys = st.fixed_dictionaries({}, optional={"x": inner})
    required = st.none() | st.lists(st.sampled_from("xy"), max_size=2, unique=True)
    return with_some("object", properties=keys, required=required, additionalProperties=free)


def pairs(
    kinds: list[st.SearchStrategy[dict[str, Any]]], free: st.SearchStrategy[Any]
) -> st.SearchStrategy[tuple[dict[str, Any], dict[str, Any]]]:
    """Two schemas that differ little enough for one to be a later version of the other."""
    return st.sampled_from(kinds).flatmap(lambda kind: st.tuples(holding(kind, free), holding(kind, free)))


LEAVES: tuple[object, ...] = (None, -1, 0, 1, 2, 3, 4, 1.5, "", "a", "b", "ab", "ba", "aba", "abab")
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"y": 1},
    {"x": []},
    *({"x": leaf} for leaf in LEAVES),
    *({"x": [leaf]} for leaf in LEAVES),
    *({"x": ["a"] * count, "y": leaf} for count, leaf in enumerate(LEAVES[:5])),
    *({"z": leaf} for leaf in LEAVES),
]


def told_apart(narrow: dict[str, Any], wide: dict[str, Any]) -> list[dict[str, Any]]:
    """Documents that are valid by the one and not by the other."""
    by_narrow, by_wide = validator_of(narrow), validator_of(wide)
    return [document for document in DOCUMENTS if by_narrow.is_valid(document) and not by_wide.is_valid(document)]


@given(pairs(written_kinds, st.sampled_from([None, True, False]) | texts | numbers))
def test_an_input_that_was_valid_stays_so_unless_a_change_is_told(
    old_and_new: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = old_and_new
    if not breaking_changes(old, new, INPUT):
        assert told_apart(old, new) == []


@given(pairs(read_kinds, st.none()))
def test_a_reader_of_the_old_gets_through_with_the_new_unless_a_change_is_told(
    old_and_new: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    old, new = old_and_new
    if not breaking_changes(old, new, OUTPUT):
        assert told_apart(new, old) == []


@given(pairs(written_kinds, st.none() | texts), st.sampled_from(Direction))
def test_what_is_the_same_breaks_nobody(both: tuple[dict[str, Any], dict[str, Any]], direction: Direction) -> None:
    assert breaking_changes(both[0], both[0], direction) == []
