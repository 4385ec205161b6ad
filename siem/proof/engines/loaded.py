"""Which events a store holds, so that only the difference to the next question's is moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from siem.golden import Event


@dataclass(frozen=True, slots=True)
class Difference:
    """From what is loaded to what is wanted; both in the order of the record."""

    gone: Sequence[Event]
    come: Sequence[Event]


class Loaded:
    """Remembers events by identity: an event that was changed is another object (events are never changed in place)."""

    def __init__(self) -> None:
        self._events: Sequence[Event] = ()

    @property
    def empty(self) -> bool:
        return not self._events

    def turn_to(self, events: Sequence[Event]) -> Difference:
        """What is to be taken out and put in; from here on these events count as loaded."""
        held, wanted = {id(event) for event in self._events}, {id(event) for event in events}
        difference = Difference(
            gone=[event for event in self._events if id(event) not in wanted],
            come=[event for event in events if id(event) not in held],
        )
        self._events = tuple(events)
        return difference
