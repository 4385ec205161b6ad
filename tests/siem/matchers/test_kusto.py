"""Queries for Sentinel find what was planted, as far as our reading of Kusto goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from siem.golden import Event, corpus, golden
from siem.proof import node
from siem.proof.asking import time_of
from siem.proof.matchers import kusto
from siem.proof.matchers.values import NotUnderstood
from siem.proof.matrix import cell
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules
from tests.require import require_or_skip

pytestmark = [pytest.mark.node, pytest.mark.requirement("E12")]

COVERED = {rule.name: rule for rule in rules() if kusto.covers(rule)}


@pytest.fixture(scope="module")
def found() -> Mapping[str, frozenset[str] | NotUnderstood]:
    """One process asks all."""
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    texts = [text_of(rule) for rule in COVERED.values()]
    return dict(zip(COVERED, kusto.found(texts, corpus()), strict=True))


def text_of(rule: Rule) -> str:
    text = query(rule, Language.KUSTO)
    assert text is not None
    return text


@pytest.mark.parametrize("name", COVERED)
def test_a_rule_finds_what_was_planted(name: str, found: Mapping[str, frozenset[str] | NotUnderstood]) -> None:
    ids = found[name]
    assert not isinstance(ids, NotUnderstood), ids
    wanted = golden()[name].matches
    assert ids <= wanted
    for event in corpus():
        if event["event_id"] in wanted - ids:
            assert cell(COVERED[name], Language.KUSTO).is_weaker
            assert depends_on_what_is_older_than_the_look_back(event)


def depends_on_what_is_older_than_the_look_back(event: Event) -> bool:
    """The rule runs once a day, so it sees at least thirteen days before each event and never more than fourteen."""
    of_user = [time_of(one) for one in corpus() if one.get("user_id") == event["user_id"]]
    return min(of_user) <= time_of(event) - timedelta(days=13)


ROWS: list[Event] = [
    {"@timestamp": "2026-03-02T09:00:00.000001Z", "event_id": "1", "user_id": "Ann", "seq": 1, "gate": "scope"},
    {"@timestamp": "2026-03-02T09:59:59.000001Z", "event_id": "2", "user_id": "ann", "seq": 2, "gate": "none"},
    {"@timestamp": "2026-03-02T10:00:00.000001Z", "event_id": "3", "seq": 3, "latency_ms": 1.5},
]  # fmt: skip


MEANINGS = {
    '| where user_id == "ann"': "2",
    '| where user_id =~ "ANN"': "12",
    '| where user_id in ("ann")': "2",
    '| where user_id in~ ("ANN", "x")': "12",
    '| where user_id != "ann"': "13",
    "| where isempty(user_id)": "3",
    "| where latency_ms > 1": "3",
    "| where isnull(latency_ms)": "12",
    "| where latency_ms < 5 or seq == 1": "13",
    "| where TimeGenerated >= ago(1s)": "23",
    "| where TimeGenerated between (ago(1h) .. ago(1s))": "12",
    "| where hourofday(TimeGenerated) == 10 and dayofweek(TimeGenerated) == 1d": "3",
    "| sort by seq asc | where seq - prev(seq) == 1": "23",
    "| sort by seq desc | where isnotnull(prev(seq, 2))": "1",
    "| sort by seq | where prev(seq) > seq": "12",
    "| extend n = seq * 2, m = n + 1 | where m == 5": "2",
    "| summarize arg_min(seq, *) by kind = gate": "123",
    "| summarize arg_max(seq, *) by server_name": "3",
    "| summarize n = count(), event_id = max(event_id) by server_name | where n == 3": None,
    "| join kind=leftanti (Gatetrail_CL | where seq > 1 | project event_id) on event_id": "1",
    "| join kind=inner (Gatetrail_CL | project event_id, other = seq) on event_id | where other == 2": "2",
    "| where unknown_function(seq)": None,
}
"""Which of the three events an operator leaves; None where it is not known."""


def test_kusto_is_read_as_its_pages_say() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    read = kusto.found([f"Gatetrail_CL\n{text}" for text in MEANINGS], ROWS)
    given = {text: None if isinstance(ids, NotUnderstood) else ids for text, ids in zip(MEANINGS, read, strict=True)}
    assert given == {text: None if wanted is None else frozenset(wanted) for text, wanted in MEANINGS.items()}
