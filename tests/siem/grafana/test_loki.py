"""The queries of the dashboard on Loki: accepted by Grafana's grammar, and of keys and words that there are."""

from __future__ import annotations

import pytest

from siem.golden import corpus, golden, traced
from siem.proof import node
from siem.proof.grammars.logql import read
from siem.schema import keys
from tests.require import require_or_skip
from tests.siem.grafana.lines import passing
from tests.siem.grafana.shipped import dashboard, panels

pytestmark = pytest.mark.requirement("E7")

DASHBOARD = dashboard("gatetrail-loki")
QUERIES = {panel["title"]: panel["targets"][0]["expr"] for panel in panels(DASHBOARD)}


@pytest.fixture(autouse=True, scope="module")
def grammar() -> None:
    require_or_skip((node.PACKAGES / "@grafana" / "lezer-logql").is_dir(), "lezer-logql is not installed: make peers")


def test_every_query_is_logql() -> None:
    readings = dict(zip(QUERIES, read([*QUERIES.values()]), strict=True))
    assert {title: reading.problems for title, reading in readings.items() if reading.problems} == {}


def test_keys_and_words_are_those_of_the_schema() -> None:
    for reading in read([*QUERIES.values()]):
        assert reading.names
        assert reading.names <= keys().keys()
        for compared in reading.compared:
            words = keys()[compared.name].words
            assert not words or compared.word in words, compared


@pytest.mark.parametrize(
    "broken",
    [
        '{job="gatetrail"} | json |',
        '{job="gatetrail" | json',
        'sum by (gate (count_over_time({job="gatetrail"}[5m]))',
        '{namespace="gatetrail"} | json',
    ],
)
def test_a_broken_query_is_found(broken: str) -> None:
    (reading,) = read([broken])
    assert reading.problems


def test_words_are_read_from_equalities_and_alternatives() -> None:
    (reading,) = read(['{job="gatetrail"} | json | gate=~"scope|hook" | decision!="allow" | event_name="audit.gap"'])
    assert {(one.name, one.word) for one in reading.compared} == {
        ("gate", "scope"),
        ("gate", "hook"),
        ("event_name", "audit.gap"),
    }


def test_the_variables_are_there() -> None:
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["loki", "trace_id"]
    assert {panel["datasource"]["uid"] for panel in panels(DASHBOARD)} == {"${loki}"}


RULES = {
    "Denials by gate": "call_denied",
    "Denials by gate and reason": "call_denied",
    "Rate-limited callers": "rate_limited",
    "Probes by address": "scanner_probe",
    "Privilege mismatches": "tier_too_low",
    "Sessions of another user": "session_of_another_user",
}
"""Panels that show what a rule finds."""
GROUPS = {
    "Sessions from several addresses": ("session_from_several_addresses", "src_ip"),
    "Sessions with several clients": ("session_with_several_clients", "client_id"),
}
"""Panels that count different values in a session: at least what the rule finds within its shorter window."""


@pytest.mark.parametrize("title", RULES)
def test_lines_that_a_panel_counts_are_what_a_rule_finds(title: str) -> None:
    found = {event["event_id"] for event in passing(QUERIES[title], corpus())}
    assert found == golden()[RULES[title]].matches


@pytest.mark.parametrize("title", GROUPS)
def test_sessions_that_a_rule_finds_are_shown(title: str) -> None:
    name, key = GROUPS[title]
    counted: dict[str, set[str]] = {}
    for event in passing(QUERIES[title], corpus()):
        counted.setdefault(event["session_id"], set()).add(event[key])
    shown = {session for session, values in counted.items() if len(values) > 1}
    meant = {event["session_id"] for event in corpus() if event["event_id"] in golden()[name].matches}
    assert meant
    assert meant <= shown


def test_trouble_and_a_trace_are_shown() -> None:
    trouble = passing(QUERIES["Gaps, sinks that failed, decisions that could not be recorded"], corpus())
    told = {event["event_id"] for event in trouble if event["event_name"] != "audit.sink_recovered"}
    assert told == golden()["audit_trouble"].matches
    query = QUERIES["All events of the trace"].replace("$trace_id", traced())
    assert {event["event_id"] for event in passing(query, corpus())} == golden()["trace_events"].matches


def test_without_a_trace_given_no_events_are_shown_as_one() -> None:
    assert passing(QUERIES["All events of the trace"].replace("$trace_id", ""), corpus()) == []


def test_every_panel_has_lines() -> None:
    for title, query in QUERIES.items():
        if "$trace_id" not in query:
            assert passing(query, corpus()), title
