"""Our searches for Sumo Logic: their text, their quoting, and what they mean by our reading of its documentation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siem.languages.sumo import alert, extraction, quoted, search
from siem.rule import Rule
from siem.sources import RuleBroken, rules
from tests.siem.conditions import TEXTS, Condition, Group, conditions, events, rule_of, rule_with
from tests.siem.sumo.reading import Where, unquoted

pytestmark = pytest.mark.requirement("E12")

START = "_sourceCategory=mcp/governance/audit\n| json"

KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"a": {"decision": "deny", "gate": ["scope", "hook"]}, "condition": "a"},
     '"decision", "gate" nodrop\n| where decision = "deny" and gate in ("scope", "hook")'),
    ({"a": {"decision": "deny"}, "b": {"gate": "hook"}, "condition": "a or not b"},
     '"decision", "gate" nodrop\n| where decision = "deny" or !((!isEmpty(gate) and gate = "hook"))'),
    ({"a": {"user_id": None}, "b": {"gate|exists": True}, "condition": "a and not b"},
     '"gate", "user_id" nodrop\n| where isEmpty(user_id) and !(!isEmpty(gate))'),
    ({"a": {"tool_name|startswith": 'say "hi'}, "condition": "a"},
     '"tool_name" nodrop\n| where tool_name matches "say \\"hi*"'),
]  # fmt: skip

UNSAID: list[tuple[dict[str, Any], str]] = [
    ({"tool_name|re": "a.*"}, "Regular expression"),
    ({"tool_name|fieldref": "user_id"}, "Field reference"),
    ({"tool_name": "a?c"}, "wildcard for one character"),
    ({"tool_name": ""}, "empty text"),
    ({"tool_name": "two\nlines"}, "more than one line"),
    ({"@timestamp": "2026"}, "'@timestamp' as the name of a field"),
    ({"seq": 1}, "seq: 1, a number"),
    ({"seq|gte": 1}, "Comparison"),
    ({"src_ip|cidr": "10.0.0.0/8"}, "a network"),
]


@pytest.mark.parametrize(("detection", "wanted"), KNOWN)
def test_condition_becomes_search(detection: dict[str, Any], wanted: str) -> None:
    assert search(rule_with(detection)) == f"{START} {wanted}"


@pytest.mark.parametrize(("asked", "reason"), UNSAID, ids=[reason for _, reason in UNSAID])
def test_what_nobody_looked_up_is_refused_with_the_rules_name(asked: dict[str, Any], reason: str) -> None:
    rule = rule_with({"a": asked, "condition": "a"})
    with pytest.raises(RuleBroken, match=reason) as refused:
        search(rule)
    assert str(rule.path) in str(refused.value)


@given(TEXTS)
def test_quotes_end_where_the_text_ends(text: str) -> None:
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize("of_null", [None, False])
@given(data=st.data())
def test_search_means_the_condition_whatever_a_comparison_with_null_gives(
    data: st.DataObject, of_null: bool | None
) -> None:
    condition = data.draw(conditions)
    assume(not _has_numbers(condition))
    _, _, where = search(rule_of(condition)).split("\n| ")
    for event in data.draw(st.lists(events(condition), min_size=1, max_size=4)):
        assert Where(where.removeprefix("where "), event, of_null).holds() is condition.holds(event)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window], ids=lambda rule: rule.name)
def test_monitor_counts_without_slices(rule: Rule) -> None:
    window = rule.window
    assert window is not None
    assert f"| timeslice {window.timespan}\n" in search(rule)
    assert alert(rule) == search(rule).replace(f"| timeslice {window.timespan}\n", "").replace("_timeslice, ", "")
    assert alert(rule).endswith(f" >= {window.at_least}")


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.window], ids=lambda rule: rule.name)
def test_what_was_delivered_twice_counts_once(rule: Rule) -> None:
    assert rule.window is not None
    counted = rule.window.counted or "event_id"
    for text in (search(rule), alert(rule)):
        assert f'"{counted}"' in text.splitlines()[1]
        assert f"| count_distinct({counted}) as " in text
        assert "| count by " not in text


def test_keys_come_out_of_the_event_in_one_operator() -> None:
    assert extraction(["gate", "user_id"]) == 'json "gate", "user_id" nodrop'


def _has_numbers(condition: Condition) -> bool:
    if isinstance(condition, Group):
        return any(map(_has_numbers, condition.parts))
    return isinstance(condition.value, int) and not isinstance(condition.value, bool)
