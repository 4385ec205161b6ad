"""Mutants of rules that look at one event at a time: many changed copies of planted events, asked about all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from siem.golden import Event, Golden, traced
from siem.proof.asking import time_of
from siem.proof.engine import Engine
from siem.proof.meaning import ANYTHING, MEANINGS, THE_TRACE, Alternative, Words, fits, says
from siem.proof.mutations.edits import at, by_id, renamed, saying, twin
from siem.proof.mutations.mutant import Ask, Turn, Verdict
from siem.rule import Rule
from siem.schema import keys

SATURDAY = 5
WORK_BEGINS, WORK_ENDS = 6, 20
"""Hours in UTC, of `admin_call_off_hours`."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One changed event, which must be found or must not."""

    what: str
    event: Event
    turn: Turn


def verdicts(rule: Rule, engines: Sequence[Engine], events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    """Of all copies."""
    made = [*copies(rule.name, events, golden)]
    asked = [engine for engine in engines if engine.covers(rule)]
    record = [*events, *(copy.event for copy in made)]
    found = {engine.name: engine.found(rule, record) for engine in asked}
    for copy in made:
        wanted = copy.turn is Turn.FOUND
        killed_by = tuple(name for name, ids in found.items() if (copy.event["event_id"] in ids) is wanted)
        yield Verdict(rule.name, copy.what, tuple(engine.name for engine in asked), killed_by)


def fooled(ask: Ask, name: str, events: Sequence[Event], golden: Golden) -> bool:
    """Whether a question of another wording gives a wrong answer about at least one copy."""
    made = [*copies(name, events, golden)]
    found = ask([*events, *(copy.event for copy in made)])
    return any((copy.event["event_id"] in found) is not (copy.turn is Turn.FOUND) for copy in made)


def copies(name: str, events: Sequence[Event], golden: Golden) -> Iterator[Copy]:
    """Of each kind of planted event, and of each near miss."""
    known = by_id(events)
    for number, edit in enumerate(_edits(name, known, golden)):
        own = twin(edit.event, f"copy {number} for {name}", after_us=0)
        yield Copy(edit.what, own, edit.turn)


def _edits(name: str, known: Mapping[str, Event], golden: Golden) -> Iterator[Copy]:
    alternatives = MEANINGS[name].alternatives
    for event, alternative in _kinds(alternatives, [known[one] for one in sorted(golden.matches)]):
        yield from _spoiled(event, alternative, alternatives)
    timed = name == "admin_call_off_hours"
    for miss in golden.near_misses:
        for one in miss.event_ids:
            event = at(known[one], _monday(known[one]) + timedelta(days=SATURDAY)) if timed else known[one]
            yield _mended(event, alternatives, miss.why)
    if timed:
        yield from _hours([known[one] for one in sorted(golden.matches)])


def _kinds(alternatives: Sequence[Alternative], matches: Sequence[Event]) -> Iterator[tuple[Event, Alternative]]:
    """One event for each way in which a match says what it has to."""
    seen: set[tuple[object, ...]] = set()
    for event in matches:
        alternative = next(one for one in alternatives if fits(event, one))
        kind = tuple(event[key] for key, words in alternative.items() if words is not ANYTHING)
        if kind not in seen:
            seen.add(kind)
            yield event, alternative


def _spoiled(event: Event, alternative: Alternative, alternatives: Sequence[Alternative]) -> Iterator[Copy]:
    name = event["event_name"]
    for key, words in alternative.items():
        yield Copy(f"{key} of {name} renamed", renamed(key)(event), Turn.LOST)
        for word in others(key, words):
            changed = saying(**{key: word})(event)
            if not any(fits(changed, one) for one in alternatives):
                yield Copy(f"{key} of {name} says {word}", changed, Turn.LOST)


def others(key: str, words: Words) -> Sequence[str]:
    """What else the key may say, of its closed list."""
    if words is THE_TRACE:
        return ["0" * 32]
    return sorted(keys()[key].words - words) if words is not ANYTHING else []


def _mended(event: Event, alternatives: Sequence[Alternative], why: str) -> Copy:
    """With the fewest changes that make it a match."""
    best = min(alternatives, key=lambda one: sum(not says(event, key, words) for key, words in one.items()))
    wrong = {key: _any(words) for key, words in best.items() if not says(event, key, words)}
    edit = saying(**wrong)
    what = f"near miss ({why}) says {', '.join(f'{key} {word}' for key, word in wrong.items())}"
    return Copy(what, edit(event), Turn.FOUND)


def _any(words: Words) -> str:
    if words is ANYTHING:
        return "0123456789abcdef"
    return traced() if words is THE_TRACE else min(words)


def _hours(matches: Sequence[Event]) -> Iterator[Copy]:
    """`admin_call_off_hours`: the same call on every day of the week, around the first and the last hour of work."""
    tick = timedelta(microseconds=1)
    for day in range(7):
        for hour in (WORK_BEGINS, WORK_ENDS):
            border = _monday(matches[0]) + timedelta(days=day, hours=hour)
            for moment in (border - tick, border):
                works = day < SATURDAY and WORK_BEGINS <= moment.hour < WORK_ENDS
                what = f"at {moment:%A %H:%M:%S.%f}"
                yield Copy(what, at(matches[0], moment), Turn.LOST if works else Turn.FOUND)


def _monday(event: Event) -> datetime:
    midnight = time_of(event).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())
