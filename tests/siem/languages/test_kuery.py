"""Our backend for Kibana's language, against the package that Kibana was built with and against plain Python."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

from siem.languages.kuery import KueryBackend
from siem.proof import node
from siem.proof.matchers import dsl, kuery
from siem.proof.matchers.values import NotUnderstood
from siem.rule import Rule
from siem.sources import rules
from tests.require import require_or_skip
from tests.siem.conditions import Condition, conditions, events, rule_of, rule_with

pytestmark = pytest.mark.requirement("E12")

KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"a": {"decision": "deny", "gate": ["scope", "hook"]}, "condition": "a"},
     "decision: deny and (gate: (scope or hook))"),
    ({"a": {"decision": "deny"}, "b": {"gate": "hook"}, "condition": "a and not b"},
     "decision: deny and not gate: hook"),
    ({"a": {"gate": "hook"}, "b": {"seq": 1}, "condition": "not (a or b)"}, "not (gate: hook or seq: 1)"),
    ({"a": {"gate": "hook"}, "b": {"seq": 1}, "c": {"seq": 2}, "condition": "a or b and not c"},
     "gate: hook or seq: 1 and not seq: 2"),
    ({"a": {"user_id|exists": True, "task_id": None}, "condition": "a"}, "user_id: * and (not task_id: *)"),
    ({"a": {"user_id|exists": False}, "condition": "not a"}, "not (not user_id: *)"),
    ({"a": {"latency_ms|gte": 5, "seq|lt": 9}, "condition": "a"}, "latency_ms >= 5 and seq < 9"),
    ({"a": {"tool_name|startswith": "run:"}, "condition": "a"}, "tool_name: run\\:*"),
    ({"a": {"tool_name": 'say "a" \\\\'}, "condition": "a"}, 'tool_name: "say \\"a\\" \\\\"'),
    ({"a": {"tool_name": "a\\*"}, "condition": "a"}, 'tool_name: "a*"'),
    ({"a": {"user_id": ["or", "NOT", "null", "17", ""]}, "condition": "a"},
     'user_id: ("or" or "NOT" or "null" or "17" or "")'),
    ({"a": {"src_ip|cidr": "10.0.0.0/8"}, "condition": "a"}, 'src_ip: "10.0.0.0/8"'),
]  # fmt: skip

UNSAID: list[dict[str, Any]] = [
    {"tool_name|re": "a.*"},
    {"tool_name|fieldref": "user_id"},
    {"tool_name": "a?c"},
    {"tool_name": "a b*"},
    {"tool_name": "{a}*"},
]


def text_of(detection: Mapping[str, Any]) -> str:
    return converted(rule_with(detection))


def converted(rule: Rule) -> str:
    (text,) = KueryBackend().convert(SigmaCollection.from_dicts([dict(rule.documents[-1])]))
    return str(text)


@pytest.mark.parametrize(("detection", "wanted"), KNOWN, ids=[wanted for _, wanted in KNOWN])
def test_condition_becomes_text(detection: dict[str, Any], wanted: str) -> None:
    assert text_of(detection) == wanted


@pytest.mark.parametrize("asked", UNSAID, ids=str)
def test_what_the_language_lacks_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises((SigmaError, NotImplementedError)):
        text_of({"a": asked, "condition": "a"})


@pytest.mark.node
def test_kibana_reads_the_text_of_every_rule() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    texts = [converted(rule) for rule in rules() if rule.kind == "match"] + [wanted for _, wanted in KNOWN]
    for text, read in zip(texts, kuery.to_dsl(texts), strict=True):
        assert not isinstance(read, NotUnderstood), f"{text}: {read}"


def said(condition: Condition) -> str | None:
    """The text; None where the language cannot say it."""
    try:
        return converted(rule_of(condition))
    except SigmaError:
        return None


tried = conditions.flatmap(lambda one: st.tuples(st.just(one), st.lists(events(one), min_size=1, max_size=4)))


@pytest.mark.node
@settings(max_examples=4, deadline=None)
@given(st.lists(tried, min_size=40, max_size=80))
def test_text_finds_what_the_condition_means(drawn: list[tuple[Condition, list[dict[str, Any]]]]) -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    texts = {text: one for one in drawn if (text := said(one[0])) is not None}
    for (text, (condition, on)), read in zip(texts.items(), kuery.to_dsl([*texts]), strict=True):
        assert not isinstance(read, NotUnderstood), f"{text}: {read}"
        for event in on:
            assert dsl.compiled(read)(event) is condition.holds(event), f"{text} on {event}"
