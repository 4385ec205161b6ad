"""A change, and what it must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from siem.golden import Event

Ask = Callable[[Sequence[Event]], frozenset[str]]
"""A question that was put together: what it finds in events."""


class Turn(StrEnum):
    """What a change must do to its target."""

    LOST = "lost"
    """None of the target's events is found any more."""
    FOUND = "found"
    """At least one of them is found now."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Events of which something was changed."""

    rule: str
    what: str
    """What was changed: a clause."""
    record: Sequence[Event]
    """The events without the change; there it is the other way round, in every engine."""
    ways: Sequence[Sequence[Event]]
    """Records with the change; where there are several, one of them has to do it."""
    target: frozenset[str]
    turn: Turn

    def killed_by(self, ask: Ask) -> bool:
        """Whether what is found shows the change."""
        wanted = self.turn is Turn.FOUND
        return any(bool(ask(events) & self.target) is wanted for events in self.ways)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one mutant; it survived when nobody killed it."""

    rule: str
    what: str
    asked: tuple[str, ...]
    """Engines."""
    killed_by: tuple[str, ...]

    @property
    def survived(self) -> bool:
        return not self.killed_by
