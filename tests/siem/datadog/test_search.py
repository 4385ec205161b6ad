"""Our search backend against Vector's matcher, which reads the same language, and against plain Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siem.languages.datadog import Threshold, search, threshold
from siem.proof.matchers.datadog import compiled
from siem.rule import Kind, Rule
from siem.sources import RuleBroken, rules
from tests.siem.conditions import conditions, events, rule_of, rule_with

pytestmark = pytest.mark.requirement("E12")

KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"a": {"decision": "deny", "gate": ["scope", "scanner"]}, "condition": "a"},
     "@decision:deny AND @gate:(scope OR scanner)"),
    ({"a": {"decision": "deny"}, "b": {"gate": "scanner"}, "condition": "a and not b"},
     "@decision:deny AND NOT @gate:scanner"),
    ({"a": {"decision": "deny"}, "b": {"gate": "hook"}, "condition": "a or not b"},
     "(@decision:deny OR (NOT @gate:hook))"),
    ({"a": {"decision": "deny"}, "b": {"gate": "hook"}, "c": {"seq|gte": 3}, "condition": "a or (b and not c)"},
     "(@decision:deny OR (@gate:hook AND NOT @seq:>=3))"),
    ({"a": {"gate": ["hook", "scope"]}, "condition": "not a"}, "NOT @gate:(hook OR scope)"),
    ({"a": {"gate": "hook"}, "b": {"seq": 1}, "condition": "not (a or b)"}, "NOT (@gate:hook OR @seq:1)"),
    ({"a": {"user_id|exists": True}, "b": {"task_id": None}, "condition": "a and not b"},
     "@user_id:* AND NOT (NOT @task_id:*)"),
    ({"a": {"tool_name|startswith": "run report:"}, "condition": "a"}, r"@tool_name:run\ report\:*"),
    ({"a": {"tool_name": 'say "a*" \\\\'}, "condition": "a"}, '@tool_name:say\\ \\"a*\\"\\ \\\\'),
    ({"a": {"tool_name": "a\\*"}, "condition": "a"}, '@tool_name:"a*"'),
    ({"a": {"tool_name": 'say "a"'}, "condition": "a"}, r'@tool_name:"say \"a\""'),
    ({"a": {"user_id": "OR"}, "condition": "a"}, '@user_id:"OR"'),
    ({"a": {"src_ip|cidr": "10.0.0.0/8"}, "condition": "a"}, "CIDR(@src_ip,10.0.0.0/8)"),
]  # fmt: skip
"""Detections and what is asked beside `source:gatetrail`. Vector does not know CIDR(), which Datadog documents."""

UNSAID: list[tuple[dict[str, Any], str]] = [
    ({"tool_name|re": "a.*"}, "Regular expression"),
    ({"tool_name|fieldref": "user_id"}, "Field reference"),
    ({"tool_name": "a?c"}, "exactly one character"),
    ({"tool_name": "a\\**"}, "beside the same character"),
    ({"tool_name": ""}, "empty text"),
    ({"@timestamp": "2026"}, "'@timestamp' as the name of an attribute"),
    ({"seq": -1}, "-1, a negative number"),
]


@pytest.mark.parametrize(("detection", "wanted"), KNOWN, ids=[wanted for _, wanted in KNOWN])
def test_condition_becomes_search(detection: dict[str, Any], wanted: str) -> None:
    assert search(rule_with(detection)) == f"source:gatetrail AND {wanted}"


@pytest.mark.parametrize(("asked", "reason"), UNSAID, ids=[reason for _, reason in UNSAID])
def test_what_the_language_lacks_is_refused_with_the_rules_name(asked: dict[str, Any], reason: str) -> None:
    rule = rule_with({"a": asked, "condition": "a"})
    with pytest.raises(RuleBroken, match=reason) as refused:
        search(rule)
    assert str(rule.path) in str(refused.value)


def test_words_without_a_key_are_refused() -> None:
    with pytest.raises(RuleBroken, match="String value expressions"):
        search(rule_with({"a": ["probe"], "condition": "a"}))


@given(st.data())
def test_search_finds_what_the_condition_means(data: st.DataObject) -> None:
    condition = data.draw(conditions)
    matches = compiled(search(rule_of(condition)))
    for event in data.draw(st.lists(events(condition), min_size=1, max_size=4)):
        assert matches(event) is condition.holds(event), search(rule_of(condition))


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.is_sigma], ids=lambda rule: rule.name)
def test_matcher_reads_the_search_of_every_rule(rule: Rule) -> None:
    assert not compiled(threshold(rule).search)({"event_name": "nothing.of.ours"})


def test_match_rule_counts_one_event_within_its_lookback() -> None:
    rule = next(rule for rule in rules() if rule.name == "execution_orphaned")
    assert threshold(rule) == Threshold("source:gatetrail AND @event_name:execution.orphaned", (), 300, 1, None)


@pytest.mark.parametrize("kind", [Kind.COUNT, Kind.DISTINCT])
def test_what_is_counted_has_all_keys_of_its_group(kind: Kind) -> None:
    for rule in (rule for rule in rules() if rule.kind is kind):
        window = rule.window
        found = threshold(rule)
        assert window is not None
        assert (found.group_by, found.window_s, found.at_least) == (
            window.group_by, window.timespan_s, window.at_least,
        )  # fmt: skip
        assert found.counted == (window.counted if kind is Kind.DISTINCT else "event_id")
        assert found.search.startswith(search(rule))
        for key in (*window.group_by, *((window.counted,) if window.counted else ())):
            assert f"@{key}:*" in found.search
