"""The detection rules are of the shape that Kibana imports, and ask what the rules mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from siem.golden import Event, corpus, golden
from siem.packages.elastic.detection import NEW_TERMS, detection_rule, detection_rules
from siem.packages.schedule import LATE_S
from siem.proof import node
from siem.proof.asking import time_of
from siem.proof.grammars import eql, esql
from siem.proof.matchers import dsl, kuery
from siem.proof.matchers.values import NotUnderstood
from siem.proof.matchers.window import complete
from siem.rule import Rule, Window
from siem.schema import keys
from siem.sources import rules, seconds
from tests.require import require_or_skip
from tests.siem.attack import ATTACK
from tests.siem.elastic.rule_shapes import SHAPES

pytestmark = [pytest.mark.requirement("E7"), pytest.mark.requirement("E12")]

ALARMS = [rule for rule in rules() if rule.is_alarm]
COUNTING = [rule for rule in ALARMS if rule.window is not None]
FIRST_SEEN = [rule for rule in ALARMS if rule.name in NEW_TERMS]
WEEK = timedelta(days=7)


def searched(search: str) -> Sequence[Event]:
    """The events of the corpus that a search in Kibana's language finds."""
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed")
    (query,) = kuery.to_dsl([search])
    assert not isinstance(query, NotUnderstood), query
    matches = dsl.compiled(query)
    return [event for event in corpus() if matches(event)]


def group_of(event: Event, fields: Sequence[str]) -> tuple[Any, ...] | None:
    """None where a field is missing: Elasticsearch counts no such event."""
    return tuple(event[field] for field in fields) if all(field in event for field in fields) else None


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_each_alarm_is_a_rule_that_kibana_takes(rule: Rule) -> None:
    made = detection_rule(rule)
    jsonschema.validate(made, SHAPES[made["type"]])
    assert made["rule_id"] == rule.id
    assert set(made["investigation_fields"]["field_names"]) <= keys().keys()


def test_every_alarm_has_one_rule_and_every_rule_its_own_id() -> None:
    made = detection_rules()
    assert [one["rule_id"] for one in made] == [rule.id for rule in ALARMS]
    assert len({one["rule_id"] for one in made}) == len(made)


def test_first_seen_sequence_and_count_have_rules_of_their_own_type() -> None:
    types = {rule.name: detection_rule(rule)["type"] for rule in ALARMS}
    assert {types[rule.name] for rule in COUNTING} == {"threshold"}
    assert {types[rule.name] for rule in FIRST_SEEN} == {"new_terms"}
    assert types["denied_burst_then_allowed"] in {"eql", "esql"}


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_techniques_stand_under_their_tactics_with_their_names(rule: Rule) -> None:
    made = detection_rule(rule)["threat"]
    named = {tag.removeprefix("attack.") for tag in rule.tags if tag.startswith("attack.t1")}
    found: set[str] = set()
    for one in made:
        tactic = one["tactic"]["name"].lower().replace(" ", "-")
        assert f"attack.{tactic}" in rule.tags
        for technique in one.get("technique", ()):
            below = technique.get("subtechnique", ())
            for each in below or (technique,):
                known = ATTACK[each["id"].lower()]
                full = f"{technique['name']}: {each['name']}" if below else each["name"]
                assert full == known.name
                assert tactic in known.tactics
                found.add(each["id"].lower())
    assert found == named


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_a_rule_looks_back_to_its_last_run_at_least(rule: Rule) -> None:
    made = detection_rule(rule)
    assert seconds(made["from"].removeprefix("now-")) >= seconds(made["interval"])


@pytest.mark.parametrize("rule", [rule for rule in ALARMS if rule.window is None], ids=lambda rule: rule.name)
def test_a_rule_sees_events_that_come_late(rule: Rule) -> None:
    """A count cannot look back further than its window; the others know an event again by its id."""
    made = detection_rule(rule)
    if made["type"] != "threshold":
        assert seconds(made["from"].removeprefix("now-")) - seconds(made["interval"]) >= LATE_S


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_the_grammar_of_its_language_takes_the_query(rule: Rule) -> None:
    made = detection_rule(rule)
    match made["language"]:
        case "kuery":
            searched(made["query"])
        case "eql":
            assert eql.read(made["query"]).problems == ()
        case "esql":
            assert esql.read(made["query"]).problems == ()
        case other:
            pytest.fail(f"no grammar for {other}")


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule.name)
def test_what_a_query_sums_up_is_told_once_for_each_event(rule: Rule) -> None:
    """Kibana makes the id of such an alert of the run; only suppression keeps it from coming again."""
    made = detection_rule(rule)
    if made["type"] != "esql":
        return
    if "| STATS" not in made["query"]:
        assert "METADATA _id" in made["query"]
        return
    assert made["alert_suppression"]["group_by"] == ["event_id"]
    assert "event_id" in made["query"].splitlines()[-1]
    hours = made["alert_suppression"]["duration"]["value"]
    assert hours * 3600 >= seconds(made["from"].removeprefix("now-"))


@pytest.mark.node
@pytest.mark.parametrize("rule", COUNTING, ids=lambda rule: rule.name)
def test_threshold_rules_find_the_groups_that_were_planted(rule: Rule) -> None:
    """All that are over within the window less one interval, and none besides those planted.

    A rule runs in steps: of a pattern that takes nearly the whole window, no single run may see both ends.
    """
    assert rule.window is not None
    made = detection_rule(rule)
    counted = searched(made["query"])
    found = over_threshold(made, counted)
    assert found <= groups_of(golden()[rule.name].matches, rule.window)
    shorter = replace(rule.window, timespan_s=rule.window.timespan_s - seconds(made["interval"]))
    never_missed = groups_of(complete(shorter, counted), rule.window)
    assert never_missed
    assert never_missed <= found


@pytest.mark.node
@pytest.mark.parametrize("rule", FIRST_SEEN, ids=lambda rule: rule.name)
def test_new_terms_find_what_was_planted_and_only_what_is_new(rule: Rule) -> None:
    """Kibana cannot ask for a record that is a week older; what it finds besides is all from such a first week."""
    made = detection_rule(rule)
    fields = made["new_terms_fields"]
    first: dict[tuple[Any, ...], Event] = {}
    for event in sorted(searched(made["query"]), key=time_of):
        group = group_of(event, fields)
        if group is not None:
            first.setdefault(group, event)
    found = {event["event_id"] for event in first.values()}
    assert golden()[rule.name].matches <= found
    for event in first.values():
        if event["event_id"] not in golden()[rule.name].matches:
            assert time_of(event) - oldest(event, of_user="user_id" in fields) < WEEK


def oldest(event: Event, *, of_user: bool) -> datetime:
    """The time of the first decision, of the event's user or of all."""
    return min(
        time_of(one)
        for one in corpus()
        if one["event_name"] == "tool_call.decided" and (not of_user or one.get("user_id") == event["user_id"])
    )


def groups_of(event_ids: frozenset[str], window: Window) -> set[tuple[Any, ...] | None]:
    """Of the events with these ids."""
    return {group_of(event, window.group_by) for event in corpus() if event["event_id"] in event_ids}


def over_threshold(made: Mapping[str, Any], events: Sequence[Event]) -> set[tuple[Any, ...]]:
    """The groups for which the rule gives an alert, when it runs by its schedule."""
    fields, every = made["threshold"]["field"], timedelta(seconds=seconds(made["interval"]))
    back = timedelta(seconds=seconds(made["from"].removeprefix("now-")))
    groups: dict[tuple[Any, ...], list[Event]] = {}
    for event in events:
        group = group_of(event, fields)
        if group is not None:
            groups.setdefault(group, []).append(event)
    return {
        group
        for group, members in groups.items()
        if any(
            reached(made["threshold"], [one for one in members if run - back <= time_of(one) <= run])
            for run in {first_run(time_of(event), every) for event in members}
        )
    }


def first_run(moment: datetime, every: timedelta) -> datetime:
    """The first run of a rule at that moment or after it."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return start + every * math.ceil((moment - start) / every)


def reached(threshold: Mapping[str, Any], events: Sequence[Event]) -> bool:
    """As the aggregations `terms` and `cardinality` count."""
    counted = all(
        len({event[one["field"]] for event in events if one["field"] in event}) >= one["value"]
        for one in threshold["cardinality"]
    )
    return len(events) >= threshold["value"] and counted
