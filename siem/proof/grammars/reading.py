"""What a reader of a query language tells of one query, whatever the language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Word = str | float | bool
"""A constant as the query writes it: quoted text, a number or a truth value."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A key that is held against a constant, in a way that only finds something when the two are equal."""

    name: str
    word: Word


@dataclass(frozen=True, slots=True)
class Reading:
    """Of one query."""

    problems: tuple[str, ...] = ()
    """What the grammar says, with the place in the text; empty for a query that it accepts."""
    names: frozenset[str] = field(default=frozenset())
    """The keys of events that it asks for; not what it makes itself (aliases)."""
    compared: frozenset[Compared] = field(default=frozenset())


def together(readings: Iterable[Reading]) -> Reading:
    """One reading of several queries, problems in their order."""
    several = list(readings)
    return Reading(
        tuple(problem for one in several for problem in one.problems),
        frozenset(name for one in several for name in one.names),
        frozenset(compared for one in several for compared in one.compared),
    )
