"""Every rule, in every engine that can ask it, finds exactly what was planted in the shipped events."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from siem.golden import corpus, golden
from siem.proof.engine import Engine, Scope
from siem.proof.proof import difference, prove
from siem.proof.registry import engines
from siem.rule import Rule
from siem.sources import rules

pytestmark = pytest.mark.requirement("E12")

with engines("") as unopened:
    ASKED = [
        pytest.param(rule, engine.name, id=f"{rule.name}-{engine.name}")
        for rule in rules()
        for engine in unopened
        if engine.covers(rule)
    ]
    EXACT = {
        rule.name: {engine.name for engine in unopened if engine.covers(rule) and engine.scope(rule) is Scope.EVENTS}
        for rule in rules()
    }
EVERY_RULE = [pytest.param(rule, id=rule.name) for rule in rules()]


@pytest.mark.parametrize(("rule", "engine"), ASKED)
def test_what_was_planted_is_found_and_nothing_else(asked: Mapping[str, Engine], rule: Rule, engine: str) -> None:
    outcome = prove(rule, asked[engine], corpus(), golden()[rule.name])
    assert outcome.proven, difference(rule, asked[engine], outcome, corpus(), golden()[rule.name])


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_independent_engines_name_the_very_events(rule: Rule) -> None:
    assert "postgres" in EXACT[rule.name]
    if rule.is_sigma:
        assert len(EXACT[rule.name]) >= 2


@pytest.mark.parametrize("rule", EVERY_RULE)
def test_something_and_something_similar_is_planted(rule: Rule) -> None:
    planted = golden()[rule.name]
    known = {event["event_id"] for event in corpus()}
    missed = {one for miss in planted.near_misses for one in miss.event_ids}
    assert planted.matches
    assert missed
    assert planted.matches | missed <= known
    assert not planted.matches & missed
    assert planted.matches == {one for case in planted.cases for one in case.event_ids}


def test_every_planted_rule_is_a_rule() -> None:
    assert golden().keys() == {rule.name for rule in rules()}
