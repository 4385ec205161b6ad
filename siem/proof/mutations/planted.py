"""All changes of planted events, and who notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from siem.golden import Event, Golden
from siem.proof.engine import Engine, Scope
from siem.proof.mutations import baselines, health, sequences, single, travel
from siem.proof.mutations.counted import counted_mutants
from siem.proof.mutations.edits import SECOND_US, by_id, time_us
from siem.proof.mutations.mutant import Ask, Mutant, Turn, Verdict
from siem.proof.mutations.scene import Scene
from siem.rule import Rule

WHOLE_QUERIES = frozenset({"postgres", "sqlite", "eql"})
"""Who is asked about mutants one by one; the others would take too long, and count with one and the same window."""

NEAR_US: Mapping[str, int] = {"denied_burst_then_allowed": 3600 * SECOND_US}
"""Of rules that look at no more than this around an event, only that part of the record is asked, for speed."""

Spoiled = Callable[[Scene], Iterable[Mutant]]
Mended = Callable[[Scene, str], Mutant]

NATIVE: Mapping[str, tuple[Spoiled, Mended]] = {
    "denied_burst_then_allowed": (sequences.denied_burst_then_allowed, sequences.nearly_burst),
    "tool_new_for_user": (baselines.tool_new_for_user, baselines.nearly_new_for_user),
    "admin_tool_first_used": (baselines.admin_tool_first_used, baselines.nearly_first_used),
    "call_without_outcome": (sequences.call_without_outcome, sequences.nearly_without_outcome),
    "impossible_travel": (travel.impossible_travel, travel.nearly_travelled),
    "allowed_after_policy_change": (
        sequences.allowed_after_policy_change,
        sequences.nearly_after_policy_change,
    ),
    "journal_gap": (health.journal_gap, health.nearly_gap),
    "record_silent": (health.record_silent, health.nearly_silent),
}


def verdicts(rule: Rule, engines: Sequence[Engine], events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    """Of all mutants of the rule's planted events."""
    exact = [engine for engine in engines if engine.covers(rule) and engine.scope(rule) is Scope.EVENTS]
    if is_single(rule):
        yield from single.verdicts(rule, exact, events, golden)
        return
    asked = [_Asked(engine) for engine in exact if engine.name in WHOLE_QUERIES]
    names = tuple(one.engine.name for one in asked)
    for mutant in mutants(rule, events, golden):
        killed_by = tuple(one.engine.name for one in asked if one.notices(mutant, rule))
        yield Verdict(rule.name, mutant.what, names, killed_by)


class _Asked:
    """An engine, and what it found in the last record without changes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._last: tuple[Sequence[Event], frozenset[str]] = ((), frozenset())

    def notices(self, mutant: Mutant, rule: Rule) -> bool:
        if self._last[0] is not mutant.record:
            self._last = mutant.record, self.engine.found(rule, mutant.record)
        before = bool(self._last[1] & mutant.target)
        assert before is (mutant.turn is Turn.LOST), f"{rule.name}, {mutant.what}: not even without the change"
        return mutant.killed_by(lambda events: self.engine.found(rule, events))


def fooled(ask: Ask, rule: Rule, events: Sequence[Event], golden: Golden) -> bool:
    """Whether a question of another wording gives a wrong answer about at least one of the changes."""
    if is_single(rule):
        return single.fooled(ask, rule.name, events, golden)
    return any(not mutant.killed_by(ask) for mutant in mutants(rule, events, golden))


def is_single(rule: Rule) -> bool:
    """Whether it looks at one event at a time."""
    return rule.window is None and rule.name not in NATIVE


def mutants(rule: Rule, events: Sequence[Event], golden: Golden) -> Iterator[Mutant]:
    """Of a rule that looks at more than one event."""
    if rule.window is not None:
        yield from counted_mutants(rule.name, events, golden)
        return
    spoiled, mended = NATIVE[rule.name]
    known = by_id(events)
    for one in sorted(golden.matches):
        yield from spoiled(_scene(rule.name, events, known[one]))
    for miss in golden.near_misses:
        for one in miss.event_ids:
            yield mended(_scene(rule.name, events, known[one]), miss.why)


def _scene(rule: str, events: Sequence[Event], event: Event) -> Scene:
    if rule not in NEAR_US:
        return Scene(rule, events, event)
    part = [one for one in events if abs(time_us(one) - time_us(event)) <= NEAR_US[rule]]
    return Scene(rule, part, event)
