"""Detection rules over the corpus, run by our reading of Datadog's pages on them; Datadog has not run them.

https://docs.datadoghq.com/security/cloud_siem/detect_and_monitor/custom_detection_rules/
Where addresses are, and what is too fast, Datadog alone knows; of travel only the search is tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from siem.golden import Event, corpus, golden
from siem.packages.datadog.detections import detection_rules
from siem.proof.matchers.datadog import compiled
from siem.rule import Rule
from siem.sources import rules

pytestmark = pytest.mark.requirement("E12")

DAY_S = 86_400

WEAKER = {
    "denied_burst_then_allowed": {"the call just before it was allowed", "the first of five a second too early"},
    "admin_tool_first_used": {"the first of its kind, a second before the record is a week old"},
}
"""Near misses that Datadog's rules tell of; `weaker` in the rules' sources says why."""


@pytest.fixture(scope="module")
def events() -> Sequence[Event]:
    """In the order of their time."""
    return sorted(corpus(), key=_seconds)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window], ids=lambda rule: rule.name)
def test_threshold_finds_what_was_planted_and_nothing_else(rule: Rule, events: Sequence[Event]) -> None:
    body = detection_rules()[rule.name]
    found = set(_over_threshold(body, events))
    assert found == golden()[rule.name].matches
    assert set(_over_threshold(body, [twice for event in events for twice in (event, event)])) == found


def test_sequence_finds_what_was_planted_and_is_no_weaker_than_it_says(events: Sequence[Event]) -> None:
    found = set(_sequences(detection_rules()["denied_burst_then_allowed"], events))
    _finds("denied_burst_then_allowed", found)


def test_new_admin_tools_are_those_that_were_planted(events: Sequence[Event]) -> None:
    _finds("admin_tool_first_used", set(_new_values(detection_rules()["admin_tool_first_used"], events)))


def test_new_tools_of_users_are_found_when_the_rule_is_learned_as_a_whole(events: Sequence[Event]) -> None:
    found = set(_new_values(detection_rules()["tool_new_for_user"], events))
    assert found >= golden()["tool_new_for_user"].matches


def test_travel_is_looked_for_among_all_calls_that_were_planted(events: Sequence[Event]) -> None:
    (asked,) = detection_rules()["impossible_travel"]["queries"]
    matches = compiled(asked["query"])
    assert golden()["impossible_travel"].matches <= {event["event_id"] for event in events if matches(event)}


def _finds(name: str, found: set[str]) -> None:
    """All that was planted, and of the near misses those alone that are known to be found."""
    planted = golden()[name]
    assert found >= planted.matches
    assert {miss.why for miss in planted.near_misses if found & set(miss.event_ids)} == WEAKER[name]


def _over_threshold(body: dict[str, Any], events: Sequence[Event]) -> Iterator[str]:
    (asked,), (case,) = body["queries"], body["cases"]
    (distinct,) = asked["distinctFields"]
    seen: defaultdict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in filter(compiled(asked["query"]), events):
        group = seen[_values(asked["groupByFields"], event)]
        group.append(event)
        recent = [one for one in group if _seconds(event) - _seconds(one) <= body["options"]["evaluationWindow"]]
        if len({_value(distinct, one) for one in recent}) >= int(case["condition"].removeprefix("counted >= ")):
            yield event["event_id"]


def _sequences(body: dict[str, Any], events: Sequence[Event]) -> Iterator[str]:
    options = body["options"]["sequenceDetectionOptions"]
    (burst, _), (move,) = options["steps"], options["stepTransitions"]
    denied, allowed = (compiled(asked["query"]) for asked in body["queries"])
    denials: defaultdict[str, dict[str, float]] = defaultdict(dict)
    bursts: dict[str, float] = {}
    for event in events:
        user, now = event.get("user_id", ""), _seconds(event)
        if denied(event):
            denials[user][event["event_id"]] = now
            recent = [at for at in denials[user].values() if now - at <= burst["evaluationWindow"]]
            if len(recent) >= int(burst["condition"].removeprefix("denied >= ")):
                bursts[user] = now
        elif allowed(event) and user in bursts and now - bursts[user] <= move["evaluationWindow"]:
            yield event["event_id"]


def _new_values(body: dict[str, Any], events: Sequence[Event]) -> Iterator[str]:
    """As if the rule had been made with the first event; nothing of the corpus is old enough to be forgotten."""
    (asked,) = body["queries"]
    learned_s = _seconds(events[0]) + body["options"]["newValueOptions"]["learningDuration"] * DAY_S
    seen: set[tuple[object, ...]] = set()
    for event in filter(compiled(asked["query"]), events):
        value = _values((*asked["groupByFields"], *asked["metrics"]), event)
        if value not in seen and _seconds(event) >= learned_s:
            yield event["event_id"]
        seen.add(value)


def _values(paths: Sequence[str], event: Event) -> tuple[object, ...]:
    return tuple(_value(path, event) for path in paths)


def _value(path: str, event: Event) -> object:
    """Searches ask that it is there; a key that is not would be Datadog's to leave out."""
    return event[path.removeprefix("@")]


def _seconds(event: Event) -> float:
    return datetime.fromisoformat(event["@timestamp"]).timestamp()
