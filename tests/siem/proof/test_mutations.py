"""Whatever is changed of planted events or of a rule: the proof notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from siem.proof.engine import Engine
from siem.proof.mutations.explained import EXPLANATIONS
from siem.proof.mutations.judged import judged, unexplained
from siem.proof.mutations.mutant import Verdict
from siem.rule import Rule
from siem.sources import rules

pytestmark = [pytest.mark.requirement("E12"), pytest.mark.slow]

EVERY_RULE = [pytest.param(rule, id=rule.name) for rule in rules()]
Judge = Callable[[Rule], Sequence[Verdict]]


@pytest.fixture(scope="session")
def judge(asked: Mapping[str, Engine]) -> Judge:
    known: dict[str, Sequence[Verdict]] = {}

    def judge(rule: Rule) -> Sequence[Verdict]:
        if rule.name not in known:
            known[rule.name] = judged(rule, [*asked.values()])
        return known[rule.name]

    return judge


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_no_change_goes_unnoticed(judge: Judge, rule: Rule) -> None:
    verdicts = judge(rule)
    left = unexplained(verdicts)
    assert len(verdicts) >= 9
    assert not left, "\n".join(f"{one.rule} survives: {one.what} (asked: {', '.join(one.asked)})" for one in left)


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_every_engine_that_names_events_notices_something(judge: Judge, rule: Rule) -> None:
    verdicts = judge(rule)
    asked = {engine for verdict in verdicts for engine in verdict.asked}
    assert {engine for verdict in verdicts for engine in verdict.killed_by} >= asked


def test_every_explanation_is_needed(judge: Judge) -> None:
    survived = [verdict for rule in rules() for verdict in judge(rule) if verdict.survived]
    idle = [one.clause for one in EXPLANATIONS if not any(one.covers(left.rule, left.what) for left in survived)]
    assert not idle
