"""All changes of rules, and who notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from siem.golden import Event, Golden
from siem.proof.asking import for_trace, time_of
from siem.proof.engine import Engine
from siem.proof.engines import eql
from siem.proof.engines.postgres import Postgres, text_of
from siem.proof.mutations import eql_texts, planted, sql_texts
from siem.proof.mutations.explained import explained
from siem.proof.mutations.mutant import Ask, Verdict
from siem.proof.mutations.sigma_rules import changed_rules
from siem.queries import Language, query
from siem.rule import Rule

MOST_TIMES = 5
"""So many of the matches' times stand for all from which or until which a question may be asked."""
TICK = timedelta(microseconds=1)
SIGMA_ENGINES = ("sqlite", "eql")
ON_CHANGED_EVENTS = " on changed events"
"""What an engine's name ends with that finds the right events in the record, and wrong ones in a changed record."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of the record, and what is to be found in it."""

    since: datetime | None
    until: datetime | None
    wanted: frozenset[str]


def verdicts(rule: Rule, engines: Sequence[Engine], events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    """Of all changes of the rule's Sigma text, SQL and hand-written EQL."""
    by_name = {engine.name: engine for engine in engines}
    if rule.is_sigma:
        asked = [by_name[name] for name in SIGMA_ENGINES if by_name[name].covers(rule)]
        yield from _sigma(rule, asked, events, golden)
    else:
        yield from _eql(rule, events, golden)
    postgres = by_name["postgres"]
    assert isinstance(postgres, Postgres)
    yield from _sql(rule, postgres, events, golden)


def parts(rule: Rule, events: Sequence[Event], golden: Golden) -> Sequence[Part]:
    """From or until times of matches, and a moment after or before; an outcome that comes later says nothing then."""
    times = {str(event["event_id"]): time_of(event) for event in events}
    ends = sorted({times[one] for one in golden.matches})
    chosen = {*ends[:: max(1, len(ends) // MOST_TIMES)], ends[-1]}
    found = [_part(times, golden, since=one) for end in sorted(chosen) for one in (end, end + TICK)]
    if rule.name != "call_without_outcome":
        found += [_part(times, golden, until=one) for end in sorted(chosen) for one in (end, end - TICK)]
    return found


def _part(
    times: dict[str, datetime], golden: Golden, since: datetime | None = None, until: datetime | None = None
) -> Part:
    wanted = (one for one in golden.matches if (since or times[one]) <= times[one] <= (until or times[one]))
    return Part(since, until, frozenset(wanted))


def _sigma(rule: Rule, asked: Sequence[Engine], events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    for changed in changed_rules(rule):
        killed_by: list[str] = []
        for engine in asked:
            ask = partial(engine.found, changed.rule)
            killed_by += _noticed(engine.name, ask, rule, events, golden)
        yield Verdict(rule.name, f"Sigma: {changed.what}", tuple(one.name for one in asked), tuple(killed_by))


def _eql(rule: Rule, events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    text = query(rule, Language.EQL)
    for changed in eql_texts.changed_texts(for_trace(text)) if text else ():
        killed_by = _noticed("eql", partial(eql.run, changed.text), rule, events, golden)
        yield Verdict(rule.name, f"EQL: {changed.what}", ("eql",), tuple(killed_by))


def _sql(rule: Rule, postgres: Postgres, events: Sequence[Event], golden: Golden) -> Iterator[Verdict]:
    asked_in = parts(rule, events, golden)
    for changed in sql_texts.changed_texts(text_of(rule.name)):
        ask, what = partial(postgres.asked, changed.text), f"SQL: {changed.what}"
        if ask(events) != golden.matches or any(
            ask(events, part.since, part.until) != part.wanted for part in asked_in
        ):
            killed_by = [postgres.name]
        else:
            killed_by = [] if explained(rule.name, what) else _noticed(postgres.name, ask, rule, events, golden)
        yield Verdict(rule.name, what, (postgres.name,), tuple(killed_by))


def _noticed(name: str, ask: Ask, rule: Rule, events: Sequence[Event], golden: Golden) -> list[str]:
    if ask(events) != golden.matches:
        return [name]
    return [f"{name}{ON_CHANGED_EVENTS}"] if planted.fooled(ask, rule, events, golden) else []
