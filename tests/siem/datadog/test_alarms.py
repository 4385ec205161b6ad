"""Monitors, detection rules and the dashboard: what they ask, and that Vector can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import orjson
import pytest

from siem.languages.datadog import threshold
from siem.packages.datadog.dashboard import dashboard
from siem.packages.datadog.detections import detection_rules
from siem.packages.datadog.facets import TEXTS
from siem.packages.datadog.monitors import monitors
from siem.packages.schedule import LATE_S
from siem.proof.matchers.datadog import compiled
from siem.rule import Kind, Rule
from siem.schema import keys
from siem.sources import rules

pytestmark = pytest.mark.requirement("E7")

QUERY = re.compile(
    r'logs\((?P<search>"(?:[^"\\]|\\.)*")\)\.index\("\*"\)'
    r'\.rollup\("(?P<method>count|cardinality)"(?:, "@(?P<counted>\w+)")?\)'
    r'(?:\.by\("(?P<groups>[@\w,]+)"\))?'
    r'\.last\("(?P<number>\d+)(?P<unit>[mh])"\) >= (?P<at_least>\d+)'
)
"""A log alert's query, as the API's page on monitors describes it."""

ALARMS = [rule for rule in rules() if rule.is_alarm and rule.is_sigma]


def test_every_alarm_has_a_monitor_or_a_detection_rule() -> None:
    assert set(monitors()) == {rule.name for rule in ALARMS}
    counted = {rule.name for rule in rules() if rule.kind in {Kind.COUNT, Kind.DISTINCT}}
    assert counted <= set(detection_rules()) <= {rule.name for rule in rules() if rule.kind is not Kind.MATCH}


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_monitor_asks_for_the_threshold(rule: Rule) -> None:
    monitor = monitors()[rule.name]
    asked = QUERY.fullmatch(monitor["query"])
    wanted = threshold(rule)
    assert asked is not None
    assert orjson.loads(asked["search"]) == wanted.search
    assert (asked["counted"], int(asked["at_least"])) == (wanted.counted, wanted.at_least)
    assert (asked["groups"] or "").replace("@", "") == ",".join(wanted.group_by)
    late_s = 0 if rule.window else LATE_S
    assert int(asked["number"]) * {"m": 60, "h": 3600}[asked["unit"]] == wanted.window_s + late_s
    assert monitor["options"]["thresholds"]["critical"] == wanted.at_least
    assert monitor["options"]["on_missing_data"] == "resolve", "what counts values would stay in alarm without events"


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window], ids=lambda rule: rule.name)
def test_what_monitors_count_and_group_by_are_facets_and_what_came_twice_counts_once(rule: Rule) -> None:
    found = threshold(rule)
    assert found.counted is not None
    assert {*found.group_by, found.counted} <= set(TEXTS)
    (counted,) = detection_rules()[rule.name]["queries"]
    assert (counted["aggregation"], counted["distinctFields"]) == ("cardinality", [f"@{found.counted}"])


@pytest.mark.parametrize("name", sorted(monitors().keys() | detection_rules().keys()))
def test_rule_stands_on_the_map_of_attack(name: str) -> None:
    """Tags as https://docs.datadoghq.com/security/cloud_siem/detect_and_monitor/mitre_attack_map/ has them."""
    rule = next(rule for rule in rules() if rule.name == name)
    wanted = {tag.removeprefix("attack.t").partition(".")[0] for tag in rule.tags if re.match(r"attack\.t\d", tag)}
    for tags in (found[name]["tags"] for found in (monitors(), detection_rules()) if name in found):
        places = [re.fullmatch(r"(tactic:TA|technique:T)(\d{4})-[a-z-]+", tag) for tag in tags]
        assert "tactic:TA" in {place[1] for place in places if place}
        assert {place[2] for place in places if place and place[1] == "technique:T"} == wanted
        assert not [tag for tag in tags if tag.startswith("attack:")]


@pytest.mark.parametrize("name", sorted(monitors().keys() | detection_rules().keys()))
def test_message_says_what_to_do_and_notifies_nobody(name: str) -> None:
    rule = next(rule for rule in rules() if rule.name == name)
    for message in (found[name]["message"] for found in (monitors(), detection_rules()) if name in found):
        assert rule.id in message
        assert "@" not in message
        assert all(f"`{key}`" in message for key in rule.fields)


@pytest.mark.parametrize("body", detection_rules().values(), ids=detection_rules())
def test_detection_rule_has_searches_of_ours_and_fitting_times(body: dict[str, Any]) -> None:
    options = body["options"]
    for asked in body["queries"]:
        assert not compiled(asked["query"])({})
        assert {key.removeprefix("@") for key in asked.get("groupByFields", ())} <= set(keys())
    if "evaluationWindow" in options:
        assert options["evaluationWindow"] <= options["keepAlive"] <= options["maxSignalDuration"]


def test_dashboard_asks_only_for_what_there_is() -> None:
    for asked in _searches(dashboard()):
        assert not compiled(re.sub(r" \$\w+", "", asked))({})
        assert asked.startswith("source:gatetrail AND ")
    assert {facet.removeprefix("@") for facet in _values("facet", dashboard())} <= set(TEXTS)


def test_widgets_of_the_dashboard_do_not_overlap() -> None:
    cells = [
        (x, y)
        for widget in dashboard()["widgets"]
        for x in range(widget["layout"]["x"], widget["layout"]["x"] + widget["layout"]["width"])
        for y in range(widget["layout"]["y"], widget["layout"]["y"] + widget["layout"]["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 11


def _searches(body: Any) -> Iterator[str]:
    yield from _values("query_string", body)
    yield from (found for found in _values("query", body) if isinstance(found, str))


def _values(name: str, body: object) -> Iterator[Any]:
    """Of all members of this name, wherever they are."""
    if isinstance(body, dict):
        members = cast("dict[str, object]", body)
        yield from (members[name],) if name in members else ()
        yield from (found for value in members.values() for found in _values(name, value))
    elif isinstance(body, list):
        yield from (found for value in cast("list[object]", body) for found in _values(name, value))
