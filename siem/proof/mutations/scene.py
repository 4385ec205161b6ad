"""The record around one planted event, as the mutants of native rules ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from siem.golden import Event
from siem.proof.mutations.edits import Edit, edited, time_us, with_after, without
from siem.proof.mutations.mutant import Mutant, Turn
from siem.schema import keys

DECIDED = {"event_name": frozenset({"tool_call.decided"})}
ALLOWED = {**DECIDED, "decision": frozenset({"allow"})}
DENIED = {**DECIDED, "decision": frozenset({"deny"})}


@dataclass(frozen=True, slots=True)
class Scene:
    """One planted event, found or nearly found, in its record."""

    rule: str
    events: Sequence[Event]
    event: Event

    @property
    def id(self) -> str:
        return str(self.event["event_id"])

    @property
    def us(self) -> int:
        """When it was, in microseconds since 1970."""
        return time_us(self.event)

    def before(self, of: Mapping[str, frozenset[str]], *same: str) -> Sequence[Event]:
        """Events before it in the record that say this, and that have the same under these keys; the last one last."""
        return [
            event
            for event in self.events
            if event.get("seq", 0) < self.event["seq"]
            and all(event.get(key) in words for key, words in of.items())
            and all(event.get(key) == self.event.get(key) for key in same)
        ]

    def lost(self, what: str, events: Sequence[Event]) -> Mutant:
        """With these events it must not be found."""
        return Mutant(self.rule, what, self.events, [events], frozenset({self.id}), Turn.LOST)

    def found(self, why: str, *ways: Sequence[Event]) -> Mutant:
        """It is a near miss, and with the events of one of these ways it must be found."""
        what = f"near miss ({why}), and what it lacks is there"
        return Mutant(self.rule, what, self.events, ways, frozenset({self.id}), Turn.FOUND)

    def edited(self, edit: Edit, *changed: Event) -> Sequence[Event]:
        """The record with these changed; without any, the planted event itself."""
        return edited(self.events, changed or (self.event,), edit)

    def without(self, *gone: Event) -> Sequence[Event]:
        """The record without these."""
        return without(self.events, gone)

    def with_more(self, *added: Event) -> Sequence[Event]:
        """The record with these right before the planted event."""
        return with_after(without(self.events, [self.event]), self._just_before(), *added, self.event)

    def _just_before(self) -> Event:
        index = next(number for number, one in enumerate(self.events) if one["event_id"] == self.event["event_id"])
        return self.events[index - 1]


Scenes = Callable[[Scene], Sequence[Mutant]]
"""The mutants of one planted event."""


def other_words(key: str, *words: str) -> frozenset[str]:
    """What a key may say besides."""
    return keys()[key].words - {*words}
