"""Mutants of rules that count events, or different values, in a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siem.golden import Event, Golden, NearMiss
from siem.proof.meaning import MEANINGS, Alternative, Counting, counted, fits
from siem.proof.mutations.edits import (
    SECOND_US,
    Edit,
    at_us,
    by_id,
    earlier,
    edited,
    renamed,
    saying,
    time_us,
    twin,
    with_after,
)
from siem.proof.mutations.mutant import Mutant, Turn
from siem.proof.mutations.role import Role, spoiled


@dataclass(frozen=True, slots=True)
class Counted:
    """One rule, and the record that it is asked of."""

    rule: str
    events: Sequence[Event]
    alternative: Alternative
    counting: Counting

    def around(self, events: Sequence[Event]) -> Counted:
        """The same in a part of the record, three windows long, since so many questions are asked of it."""
        span_us = self.counting.within_s * SECOND_US
        begin_us, end_us = min(map(time_us, events)) - 2 * span_us, max(map(time_us, events)) + span_us
        part = [event for event in self.events if begin_us <= time_us(event) <= end_us]
        return Counted(self.rule, part, self.alternative, self.counting)

    def _group(self, event: Event) -> tuple[object, ...]:
        return tuple(event.get(key) for key in self.counting.group_by)

    def firsts(self, matches: Sequence[Event]) -> Sequence[Event]:
        """The first match of each group: with it the count is just reached."""
        firsts: dict[tuple[object, ...], Event] = {}
        for event in sorted(matches, key=time_us, reverse=True):
            firsts[self._group(event)] = event
        return [firsts[group] for group in sorted(firsts, key=str)]

    def _window(self, match: Event) -> Sequence[Event]:
        begin_us = time_us(match) - self.counting.within_s * SECOND_US
        group = [event for event in counted(self.rule, self.events) if self._group(event) == self._group(match)]
        return sorted((one for one in group if begin_us <= time_us(one) <= time_us(match)), key=time_us)

    def spoiled(self, match: Event) -> Iterator[Mutant]:
        window = self._window(match)
        found, key = str(match["event_id"]), self.counting.values_of
        begin_us = time_us(match) - self.counting.within_s * SECOND_US
        group = " ".join(str(part) for part in self._group(match))
        yield from spoiled(self.rule, self.events, found, self._role(f"the last of {group}", [match]))
        for shared in self.counting.group_by:
            yield self._lost(f"all of {group} without {shared}", edited(self.events, window, renamed(shared)), match)
        if key is not None:
            rest = [event for event in window if event is not match and event.get(key) != match[key]]
            yield from spoiled(self.rule, self.events, found, self._role(f"the others of {group}", rest, begin_us))
            same = edited(self.events, rest, saying(**{key: match[key]}))
            yield self._lost(f"the others of {group} have the same {key}", same, match)
            return
        yield from spoiled(self.rule, self.events, found, self._role(f"the first of {group}", window[:1], begin_us))
        middle = window[len(window) // 2 :][:1]
        yield from spoiled(self.rule, self.events, found, self._role(f"one amid {group}", middle, begin_us))
        yield self._stretched(match, window, group)

    def _role(self, name: str, events: Sequence[Event], begin_us: int | None = None) -> Role:
        values_of = self.counting.values_of
        keys = self.counting.group_by
        role = Role(name, events, self.alternative, keys, not_before_us=begin_us)
        if values_of is None:
            return role
        return Role(name, events, {**self.alternative, values_of: frozenset()}, keys, not_before_us=begin_us)

    def _stretched(self, match: Event, window: Sequence[Event], group: str) -> Mutant:
        """The pause before the last one is longer, so that the first one is just too long ago."""
        by_us = self.counting.within_s * SECOND_US + 1 - (time_us(match) - time_us(window[0]))
        late = [event for event in self.events if "@timestamp" in event and time_us(event) >= time_us(match)]
        moved = edited(self.events, late, earlier(-by_us))
        return self._lost(f"a longer pause within {group}", moved, match)

    def mended(self, missed: Sequence[Event], miss: NearMiss) -> Mutant:
        """With as many more as it lacks, another value, or with all that counted, in one group or in time."""
        fit = [event for event in missed if fits(event, self.alternative)]
        last = max(fit or missed, key=time_us)
        window = self._window(last)
        more = [twin(last, f"near miss of {self.rule}, {one}") for one in range(self.counting.at_least - len(window))]
        begin_us = time_us(last) - self.counting.within_s * SECOND_US
        around = [event for event in counted(self.rule, self.events) if self._group(event) == self._group(last)]
        late = [event for event in (*missed, *around) if time_us(event) < begin_us]
        others = [event for event in counted(self.rule, self.events) if begin_us <= time_us(event) < time_us(last)]
        fitting = saying(**{key: min(words) for key, words in self.alternative.items()})
        ways = [
            with_after(self.events, last, *more),
            edited(self.events, [event for event in missed if event not in fit], fitting),
            edited(self.events, [*missed, *others[-1:]], self._in_group_of(last)),
            edited(self.events, late, lambda event: at_us(event, begin_us)),
        ]
        if self.counting.values_of is not None:
            ways.append(edited(self.events, [last], saying(**{self.counting.values_of: "another"})))
        what = f"near miss ({miss.why}), and what it lacks is there"
        return self._mutant(what, ways, [*missed, *more], Turn.FOUND)

    def _in_group_of(self, event: Event) -> Edit:
        return saying(**{key: event.get(key, f"a {key}") for key in self.counting.group_by})

    def _lost(self, what: str, events: Sequence[Event], match: Event) -> Mutant:
        return self._mutant(what, [events], [match], Turn.LOST)

    def _mutant(self, what: str, ways: Sequence[Sequence[Event]], target: Sequence[Event], turn: Turn) -> Mutant:
        ids = frozenset(str(event["event_id"]) for event in target)
        return Mutant(self.rule, what, self.events, ways, ids, turn)


def counted_mutants(rule: str, events: Sequence[Event], golden: Golden) -> Iterator[Mutant]:
    """Of a COUNT or DISTINCT rule: of each group that is found, and of each near miss."""
    meaning = MEANINGS[rule]
    assert meaning.counting is not None, f"{rule} counts nothing"
    (alternative,) = meaning.alternatives
    whole, known = Counted(rule, events, alternative, meaning.counting), by_id(events)
    for match in whole.firsts([known[one] for one in golden.matches]):
        yield from whole.around([match]).spoiled(match)
    for miss in golden.near_misses:
        missed = [known[one] for one in miss.event_ids]
        yield whole.around(missed).mended(missed, miss)
