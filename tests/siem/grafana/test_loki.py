"""The queries of the dashboard on Loki: accepted by Grafana's grammar, and of keys and words that there are."""

from __future__ import annotations

import pytest

from siem.proof import node
from siem.proof.grammars.logql import read
from siem.proof.schema import keys
from tests.require import require_or_skip
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
