"""Analytic rules as they run: on a schedule, over events that come in late."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from siem.golden import Event, corpus, golden
from siem.packages.schedule import LATE_S, pause_s
from siem.packages.sentinel.analytics import alarms
from siem.packages.sentinel.told import WAITS_S, period_s
from siem.proof import node
from siem.proof.asking import microseconds, time_of
from siem.proof.matchers import kusto
from siem.rule import Rule, Window
from tests.require import require_or_skip

pytestmark = [pytest.mark.node, pytest.mark.requirement("E12")]

SECOND_US = 1_000_000
ENDS = {"tool_call.completed", "execution.orphaned"}
SHIFTS = (-1, 0, 1)
BASELINES = {"tool_new_for_user", "admin_tool_first_used", "allowed_after_policy_change"}
"""Rules whose findings depend on what may be older than the look-back: fewer are found than were planted."""


def arrivals_us() -> Iterator[tuple[Event, int]]:
    """Each event is late by up to ten minutes, and comes in after those before it: delivery is in order."""
    newest_us = 0
    for event in corpus():
        at_us = microseconds(event)
        assert at_us is not None
        late_us = zlib.crc32(event["event_id"].encode()) % (LATE_S - 1) * SECOND_US
        newest_us = max(newest_us, at_us + late_us) if at_us + LATE_S * SECOND_US > newest_us else at_us + late_us
        yield event, newest_us


def runs_of(rule: Rule, text: str, arrived: Sequence[tuple[Event, int]]) -> Iterator[kusto.Run]:
    """The runs that findings are for, with the one before and some after."""
    step_us, wait_us = pause_s(rule) * SECOND_US, WAITS_S.get(rule.name, 0) * SECOND_US
    wanted = findings(rule)
    first = {-(-(came_us + wait_us) // step_us) for event, came_us in arrived if event["event_id"] in wanted}
    for number in sorted({one + shift for one in first for shift in SHIFTS}):
        yield kusto.Run(text, number * step_us, period_s(rule) * SECOND_US)


@pytest.fixture(scope="module")
def told() -> Mapping[str, Counter[str]]:
    """How often each event was told, by rule. One process asks all."""
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    arrived = list(arrivals_us())
    runs = [(rule.name, run) for rule, text in alarms() for run in runs_of(rule, text, arrived)]
    found: dict[str, Counter[str]] = {rule.name: Counter() for rule, _ in alarms()}
    for (name, _), answer in zip(runs, kusto.told([run for _, run in runs], arrived), strict=True):
        assert isinstance(answer, frozenset), (name, answer)
        found[name].update(answer)
    return found


@pytest.mark.parametrize("rule", [rule for rule, _ in alarms()], ids=lambda rule: rule.name)
def test_a_finding_is_told_once_and_in_time(rule: Rule, told: Mapping[str, Counter[str]]) -> None:
    wanted, once = findings(rule), told[rule.name]
    assert set(once.values()) == {1}
    assert {*once} <= wanted
    if rule.window is not None:
        assert groups(once, rule.window) == groups(wanted, rule.window)
    elif rule.name not in BASELINES:
        assert {*once} >= golden()[rule.name].matches


def findings(rule: Rule) -> frozenset[str]:
    """What may be found. Of planted calls without an end more are open for a while than at the end of the record."""
    return ended_late() if rule.name == "call_without_outcome" else golden()[rule.name].matches


def ended_late() -> frozenset[str]:
    """Allowed calls that have no end, or one after more than a quarter of an hour."""
    ends = {one["execution_id"]: time_of(one) for one in corpus() if one["event_name"] in ENDS}
    allowed = [one for one in corpus() if one["event_name"] == "tool_call.decided" and one["decision"] == "allow"]
    late = timedelta(minutes=15)
    never = datetime.max.replace(tzinfo=UTC)
    open_ones = (one for one in allowed if ends.get(one["execution_id"], never) > time_of(one) + late)
    return frozenset(one["event_id"] for one in open_ones)


def groups(ids: Iterable[str], window: Window) -> set[tuple[object, ...]]:
    sought = {*ids}
    return {tuple(event[key] for key in window.group_by) for event in corpus() if event["event_id"] in sought}
