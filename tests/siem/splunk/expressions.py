"""Expressions of `eval`, as far as props.conf uses them: our reading of Splunk's, not Splunk.

Source: help.splunk.com, Search Reference, "Evaluation functions" and the command `eval`. A comparison with null is not
true; `.` with null is null; a field that has several values is a tuple. Values of JSON are texts, as automatic
extraction gives them; a text that is a number is compared with a number as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tests.siem.splunk.tokens import Tokens

Value = str | float | bool | tuple[str, ...] | None
Fields = Mapping[str, Value]
Evaluate = Callable[[Fields], Value]


@dataclass(frozen=True, slots=True)
class Expression:
    """One, read."""

    value: Evaluate
    """For the fields of an event."""
    fields: frozenset[str]
    """Those that it reads."""


@cache
def expression(text: str) -> Expression:
    """Raises ValueError for what it does not know."""
    reader = _Reader(text)
    value = reader.either()
    if reader.tokens.next:
        raise ValueError(f"more follows: {reader.tokens.next}")
    return Expression(value, frozenset(reader.fields))


class _Reader:
    """From the loosest binding to the tightest: OR, AND, comparison, `.`."""

    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text)
        self.fields: set[str] = set()

    def either(self) -> Evaluate:
        parts = self._joined("OR", self._both)
        return parts[0] if len(parts) == 1 else lambda fields: any(part(fields) is True for part in parts)

    def _both(self) -> Evaluate:
        parts = self._joined("AND", self._compared)
        return parts[0] if len(parts) == 1 else lambda fields: all(part(fields) is True for part in parts)

    def _compared(self) -> Evaluate:
        left = self._linked()
        if self.tokens.next not in {"==", "!="}:
            return left
        wanted = self.tokens.take()[1] == "=="
        right = self._linked()
        return lambda fields: _same(left(fields), right(fields), wanted=wanted)

    def _linked(self) -> Evaluate:
        parts = self._joined(".", self._one)
        return parts[0] if len(parts) == 1 else lambda fields: _linked([part(fields) for part in parts])

    def _joined(self, word: str, one: Callable[[], Evaluate]) -> list[Evaluate]:
        parts = [one()]
        while self.tokens.next.upper() == word:
            self.tokens.take()
            parts.append(one())
        return parts

    def _one(self) -> Evaluate:
        kind, text = self.tokens.take()
        if kind == "text":
            return lambda _: text[1:-1]
        if kind == "number":
            return lambda _: float(text)
        if kind == "word" and self.tokens.next == "(":
            function, given = FUNCTIONS[text], self.tokens.listed(self.either)
            return lambda fields: function(given, fields)
        if kind in {"word", "quoted"}:
            return self._field(text.strip("'"))
        raise ValueError(f"not understood: {text}")

    def _field(self, name: str) -> Evaluate:
        self.fields.add(name)
        return lambda fields: fields.get(name)


def _same(left: Value, right: Value, *, wanted: bool) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, float) or isinstance(right, float):
        return (_number(left) == _number(right)) is wanted
    return (left == right) is wanted


def _number(value: Value) -> float | None:
    try:
        return float(value) if isinstance(value, str | float) else None
    except ValueError:
        return None


def _linked(values: Sequence[Value]) -> Value:
    return "".join(value for value in values if isinstance(value, str)) if None not in values else None


def _case(given: Sequence[Evaluate], fields: Fields) -> Value:
    pairs = zip(given[::2], given[1::2], strict=True)
    return next((value(fields) for condition, value in pairs if condition(fields) is True), None)


def _if(given: Sequence[Evaluate], fields: Fields) -> Value:
    condition, yes, no = given
    return yes(fields) if condition(fields) is True else no(fields)


def _coalesce(given: Sequence[Evaluate], fields: Fields) -> Value:
    return next((value for one in given if (value := one(fields)) is not None), None)


def _in(given: Sequence[Evaluate], fields: Fields) -> Value:
    wanted, *others = (one(fields) for one in given)
    return None if wanted is None else wanted in others


FUNCTIONS: Mapping[str, Callable[[Sequence[Evaluate], Fields], Value]] = {
    "case": _case,
    "coalesce": _coalesce,
    "if": _if,
    "in": _in,
    "null": lambda _given, _fields: None,
    "true": lambda _given, _fields: True,
}
