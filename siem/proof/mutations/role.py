"""Planted events that a match needs, and all that would take them away from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siem.golden import Event
from siem.proof.meaning import Alternative
from siem.proof.mutations.edits import Edit, at_us, earlier, edited, renamed, saying, without
from siem.proof.mutations.mutant import Mutant, Turn
from siem.proof.mutations.single import others

ANOTHER = "00000000-0000-7000-8000-000000000000"
"""Whatever else a key may say; as an id it is read, too."""
MOST_WORDS = 3
"""Of a closed list: so many other words stand for all of them, since these mutants are asked about one by one."""


@dataclass(frozen=True, slots=True)
class Role:
    """One change of all these events at once has to lose the match."""

    name: str
    """What they are to the match, as the subject of a clause."""
    events: Sequence[Event]
    says: Alternative
    """What makes them what they are."""
    keys: Sequence[str] = ()
    """What they have to share with the match; to rename one or to say something else there loses it."""
    not_before_us: int | None = None
    """Earlier than this they do not count, in microseconds since 1970."""
    not_after_us: int | None = None


def spoiled(rule: str, events: Sequence[Event], match: str, role: Role) -> Iterator[Mutant]:
    """Each change alone."""
    for what, changed in _changed(events, match, role):
        yield Mutant(rule, f"{role.name}: {what}", events, [changed], frozenset({match}), Turn.LOST)


def undone(rule: str, events: Sequence[Event], match: str, role: Role) -> Iterator[Mutant]:
    """The other way round: these events spoil the match, and each change of them brings it back."""
    for what, changed in _changed(events, match, role):
        yield Mutant(rule, f"{role.name}: {what}", events, [changed], frozenset({match}), Turn.FOUND)


def _changed(events: Sequence[Event], match: str, role: Role) -> Iterator[tuple[str, Sequence[Event]]]:
    for what, edit in _edits(role):
        yield what, edited(events, role.events, edit)
    if match not in {event["event_id"] for event in role.events}:
        yield "taken away", without(events, role.events)


def _edits(role: Role) -> Iterator[tuple[str, Edit]]:
    for key, words in role.says.items():
        yield f"{key} renamed", renamed(key)
        for word in others(key, words)[:MOST_WORDS]:
            yield f"{key} says {word}", saying(**{key: word})
    for key in role.keys:
        yield f"{key} renamed", renamed(key)
        yield f"{key} says something else", saying(**{key: ANOTHER})
    if role.not_before_us is not None:
        limit_us = role.not_before_us - 1
        yield "a microsecond too early", lambda event: at_us(event, limit_us)
        yield "a day too early", lambda event: earlier(86_400_000_000)(at_us(event, limit_us))
    if role.not_after_us is not None:
        after_us = role.not_after_us + 1
        yield "a microsecond too late", lambda event: at_us(event, after_us)
