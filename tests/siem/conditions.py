"""Random Sigma conditions with what they mean, for the languages that have no second converter to be held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from hypothesis import strategies as st

from siem.rule import Kind, Rule
from siem.sources import rules

Event = Mapping[str, Any]

TEXT_KEYS = ("user_id", "tool_name", "gate")
NUMBER_KEYS = ("seq", "latency_ms")

LETTERS = "aB0 _-:.\"'\\()[]{}<>=!&|~^/@#+%,;ä"
TEXTS = st.text(alphabet=f"{LETTERS}*?", min_size=1, max_size=6)
PARTS = st.text(alphabet=LETTERS, min_size=1, max_size=6)
"""Of a text: a language may have no way to tell its wildcards from the same characters beside them."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One key and what is asked of it; `modifier` is Sigma's, or "" for equality."""

    key: str
    modifier: str
    value: Any

    def holds(self, event: Event) -> bool:
        """By the words of Sigma's specification."""
        found = event.get(self.key)
        if self.modifier == "exists":
            return (found is not None) is self.value
        return found is None if self.modifier == "null" else found is not None and MODIFIERS[self.modifier](found, self)

    @property
    def values(self) -> Sequence[Any]:
        """One of them is wanted."""
        return [self.value] if isinstance(self.value, str | int | None) else [*self.value]

    def detection(self) -> dict[str, Any]:
        """As a Sigma rule writes it."""
        if self.modifier == "null":
            return {self.key: None}
        return {f"{self.key}|{self.modifier}" if self.modifier else self.key: _escaped(self.value)}


MODIFIERS: Mapping[str, Callable[[Any, Leaf], bool]] = {
    "": lambda found, leaf: found in leaf.values,
    "startswith": lambda found, leaf: str(found).startswith(leaf.value),
    "endswith": lambda found, leaf: str(found).endswith(leaf.value),
    "contains": lambda found, leaf: leaf.value in str(found),
    "gte": lambda found, leaf: bool(found >= leaf.value),
    "lt": lambda found, leaf: bool(found < leaf.value),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions under one word: `and`, `or`, or `not` of the first alone."""

    word: str
    parts: tuple[Condition, ...]

    def holds(self, event: Event) -> bool:
        found = [part.holds(event) for part in self.parts]
        return all(found) if self.word == "and" else any(found) if self.word == "or" else not found[0]


Condition = Leaf | Group

_texts = st.one_of(
    st.builds(Leaf, st.sampled_from(TEXT_KEYS), st.just(""), TEXTS),
    st.builds(Leaf, st.sampled_from(TEXT_KEYS), st.sampled_from(("startswith", "endswith", "contains")), PARTS),
    st.builds(Leaf, st.sampled_from(TEXT_KEYS), st.just(""), st.lists(TEXTS, min_size=2, max_size=3, unique=True)),
    st.builds(Leaf, st.sampled_from(TEXT_KEYS), st.just("exists"), st.booleans()),
    st.builds(Leaf, st.sampled_from(TEXT_KEYS), st.just("null"), st.none()),
)
_numbers = st.builds(
    Leaf, st.sampled_from(NUMBER_KEYS), st.sampled_from(("", "gte", "lt")), st.integers(min_value=0, max_value=4)
)


def _groups(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Group, st.sampled_from(("and", "or")), several),
        st.builds(Group, st.just("not"), parts.map(lambda part: (part,))),
    )


conditions: st.SearchStrategy[Condition] = st.recursive(st.one_of(_texts, _numbers), _groups, max_leaves=6)


def values_of(condition: Condition) -> Sequence[str]:
    """The texts that the condition names, so that events can have them."""
    match condition:
        case Leaf():
            return [value for value in condition.values if isinstance(value, str)]
        case Group(parts=parts):
            return [text for part in parts for text in values_of(part)]
        case _:
            assert_never(condition)


def events(condition: Condition) -> st.SearchStrategy[dict[str, Any]]:
    """Events that lack keys, or have values that the condition names or that it does not."""
    named = values_of(condition)
    texts = st.one_of(st.sampled_from(named), st.sampled_from(named).map(lambda text: f"{text}x")) if named else TEXTS
    return st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(TEXT_KEYS, st.one_of(texts, TEXTS)),
            **dict.fromkeys(NUMBER_KEYS, st.integers(min_value=0, max_value=4)),
        },
    )


def rule_of(condition: Condition) -> Rule:
    """A MATCH rule that asks for it."""
    detection: dict[str, Any] = {}
    detection["condition"] = _written(condition, detection)
    return rule_with(detection)


def rule_with(detection: Mapping[str, Any]) -> Rule:
    """Any of our MATCH rules, with another detection."""
    rule = next(rule for rule in rules() if rule.kind is Kind.MATCH)
    return replace(rule, documents=({**rule.documents[-1], "detection": dict(detection)},))


def _written(condition: Condition, detection: dict[str, Any]) -> str:
    match condition:
        case Leaf():
            name = f"leaf{len(detection)}"
            detection[name] = condition.detection()
            return name
        case Group(word="not", parts=parts):
            return f"not ({_written(parts[0], detection)})"
        case Group(word=word, parts=parts):
            return f" {word} ".join(f"({_written(part, detection)})" for part in parts)
        case _:
            assert_never(condition)


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(f"\\{letter}" if letter in "\\*?" else letter for letter in value)
    return value if isinstance(value, int | None) else [_escaped(each) for each in value]
