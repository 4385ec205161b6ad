"""Holds what an engine finds against what was planted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from siem.golden import Event, Golden
from siem.proof.engine import Engine, Scope
from siem.proof.meaning import counted
from siem.rule import Rule

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one rule in one engine; proven when nothing is missing and nothing is extra."""

    missing: frozenset[str]
    """Event ids; with `Scope.GROUPS` the values of the group's keys, written one after the other."""
    extra: frozenset[str]

    @property
    def proven(self) -> bool:
        return not self.missing and not self.extra


def prove(rule: Rule, engine: Engine, events: Sequence[Event], golden: Golden) -> Outcome:
    """Ask the engine, and compare in the way that fits its scope. Raises whatever the engine raises."""
    found = engine.found(rule, events)
    wanted = golden.matches
    scope = engine.scope(rule)
    match scope:
        case Scope.EVENTS:
            pass
        case Scope.BASE:
            wanted = frozenset(str(event["event_id"]) for event in counted(rule.name, events))
        case Scope.GROUPS:
            found, wanted = groups(rule, found, events), groups(rule, wanted, events)
        case _:
            assert_never(scope)
    return Outcome(missing=wanted - found, extra=found - wanted)


def groups(rule: Rule, event_ids: frozenset[str], events: Sequence[Event]) -> frozenset[str]:
    """Whose events these are: the values of the keys that the rule groups by."""
    assert rule.window is not None, f"{rule.name} groups by nothing"
    keys = rule.window.group_by
    return frozenset(
        " ".join(str(event.get(key)) for key in keys) for event in events if event["event_id"] in event_ids
    )


def difference(rule: Rule, engine: Engine, outcome: Outcome, events: Sequence[Event], golden: Golden) -> str:
    """The same for people: what is missing and what is extra, with what it was planted for."""
    by_id = {str(event["event_id"]): event for event in events}
    whys = {one: case.why for case in golden.cases for one in case.event_ids}
    whys |= {one: f"no case: {miss.why}" for miss in golden.near_misses for one in miss.event_ids}
    lines = [f"{rule.name} in {engine.name} ({engine.scope(rule)}):"]
    for word, ids in (("missing", outcome.missing), ("extra", outcome.extra)):
        lines += [f"  {word} {line}" for line in _described(ids, by_id, whys)]
    return "\n".join(lines)


def _described(ids: frozenset[str], by_id: dict[str, Event], whys: dict[str, str]) -> Iterator[str]:
    ordered = sorted(ids, key=lambda one: (by_id.get(one, {}).get("@timestamp", ""), one))
    for one in ordered[:MOST_SHOWN]:
        event = by_id.get(one, {})
        facts = [event.get(key) for key in ("@timestamp", "event_name", "user_id", "gate", "reason_code")]
        yield f"{one} {' '.join(str(fact) for fact in facts if fact)}: {whys.get(one, 'planted for something else')}"
    if len(ordered) > MOST_SHOWN:
        yield f"… and {len(ordered) - MOST_SHOWN} more"
