"""Searches in three languages find what plain Python finds; what cannot be read is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siem.packages.elastic.template import component_template
from siem.proof import node
from siem.proof.matchers import datadog, dsl, kuery, lucene
from siem.proof.matchers.values import ANALYSED, NotUnderstood
from siem.schema import Kind, keys
from tests.require import require_or_skip
from tests.siem.matchers import searching
from tests.siem.matchers.searching import Event, Search

pytestmark = pytest.mark.requirement("E12")
EARLIER = "2026-01-15T08:30:00.999999Z"
several_events = st.lists(searching.events, min_size=1, max_size=8)


def found(matches: Callable[[Event], bool], events: Sequence[Event]) -> list[bool]:
    return [matches(event) for event in events]


def expected(search: Search, events: Sequence[Event]) -> list[bool]:
    return [searching.holds(search, event) for event in events]


def lucene_of(text: str) -> Callable[[Event], bool]:
    return dsl.compiled(lucene.to_dsl(text))


@given(searching.searches, several_events)
def test_lucene_finds_what_python_finds(search: Search, events: list[Event]) -> None:
    assert found(lucene_of(searching.lucene(search)), events) == expected(search, events)


@given(searching.searches, several_events)
def test_datadog_finds_what_python_finds(search: Search, events: list[Event]) -> None:
    assert found(datadog.compiled(searching.datadog(search)), events) == expected(search, events)


@pytest.mark.node
@settings(max_examples=3, deadline=None)
@given(st.lists(searching.searches, min_size=20, max_size=40), several_events)
def test_kibanas_language_finds_what_python_finds(searches: list[Search], events: list[Event]) -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    for search, read in zip(searches, kuery.to_dsl([searching.kuery(one) for one in searches]), strict=True):
        assert not isinstance(read, NotUnderstood), read
        assert found(dsl.compiled(read), events) == expected(search, events), searching.kuery(search)


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("decision:deny OR decision:allow AND gate:none", {"decision": "allow", "gate": "none"}, {"decision": "deny"}),
        ("NOT decision:deny OR gate:none", {"gate": "none"}, {"decision": "allow"}),
        ("decision:deny gate:none", {"gate": "none"}, {}),
        ("+decision:deny gate:none", {"decision": "deny"}, {"gate": "none"}),
        ("-decision:deny", {}, {"decision": "deny"}),
        ("seq:[2 TO 4}", {"seq": 2}, {"seq": 4}),
        ("latency_ms:<10", {"latency_ms": 9.5}, {"latency_ms": 10}),
        ("_exists_:roles", {"roles": ["a"]}, {"roles": []}),
        ("roles:(a AND b)", {"roles": ["b", "a"]}, {"roles": ["a"]}),
        ('src_ip:"192.0.2.0/24"', {"src_ip": "192.0.2.77"}, {"src_ip": "192.0.3.1"}),
        (r"src_ip:2001\:db8\:\:1", {"src_ip": "2001:db8:0::1"}, {"src_ip": "fe80::1%eth0"}),
        ('@timestamp:["2026-01-15T08:30:01Z" TO *]', {"@timestamp": "2026-01-15T08:30:01.5Z"}, {"@timestamp": EARLIER}),
        (r"user_id:a\*n", {"user_id": "a*n"}, {"user_id": "ann"}),
        (r"user_id:a?n", {"user_id": "ann"}, {"user_id": "annn"}),
        ("*:*", {}, None),
    ],
)  # fmt: skip
def test_lucene_is_read_as_elasticsearch_reads_it(
    text: str, matching: dict[str, Any], other: dict[str, Any] | None
) -> None:
    matches = lucene_of(text)
    assert matches(matching)
    assert other is None or not matches(other)


@pytest.mark.parametrize(
    "text",
    [
        "decision:",
        "(decision:deny",
        "deny",
        "decision:deny && gate:none",
        "method:tools/call",
        "reason:/a.*/",
        "user_id:ann~1",
        "user_id:ann^2",
        "usr_id:ann",
        "seq:many",
        "seq:1*",
        "src_ip:somewhere",
        "decision:gate:none",
        "message:denied",
        "message:den*",
    ],
)
def test_what_is_not_understood_is_refused_in_lucene(text: str) -> None:
    with pytest.raises(NotUnderstood):
        lucene_of(text)


def test_keys_have_the_types_that_the_index_template_gives_them() -> None:
    properties = component_template()["template"]["mappings"]["properties"]
    types = {
        Kind.TEXT: "keyword",
        Kind.TEXTS: "keyword",
        Kind.ADDRESS: "ip",
        Kind.MOMENT: "date",
        Kind.WHOLE: "long",
        Kind.NUMBER: "double",
        Kind.TRUTH: "boolean",
    }
    for key in keys().values():
        given = properties[key.name]["type"]
        assert given == ("match_only_text" if key.name in ANALYSED else types[key.kind]), key.name


@pytest.mark.parametrize("text", ["@decision:(", "@decision:deny)", "@decision:deny AND (@gate:x OR", '@seq:>"5"', ""])
def test_a_broken_search_of_datadog_is_refused(text: str) -> None:
    if not text:
        assert datadog.compiled(text)({}), "an empty search finds all"
        return
    with pytest.raises(NotUnderstood):
        datadog.compiled(text)


def test_reserved_attributes_of_datadog_are_those_that_the_shipper_sets() -> None:
    assert datadog.compiled("source:gatetrail @decision:deny")({"decision": "deny"})
    assert not datadog.compiled("source:other")({"decision": "deny"})


@pytest.mark.node
def test_a_broken_search_of_kibana_is_refused() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    broken = ["decision: (deny", "decision: deny)", "seq > ", 'decision: "deny']
    assert [type(read) for read in kuery.to_dsl(broken)] == [NotUnderstood] * len(broken)
    (free,) = kuery.to_dsl(["deny"])
    assert not isinstance(free, NotUnderstood)
    with pytest.raises(NotUnderstood, match="multi_match"):
        dsl.compiled(free)


@pytest.mark.parametrize(
    "query",
    [
        {"fuzzy": {"user_id": "ann"}},
        {"bool": {"boost": 2}},
        {"bool": {"should": [], "minimum_should_match": "50%"}},
        {"match": {"user_id": {"query": "ann", "fuzziness": 1}}},
        {"range": {"seq": {"from": 1}}},
        {"range": {"seq": {}}},
        {"range": {"@timestamp": {"gte": "now-5m"}}},
        {"query_string": {"query": "ann*"}},
        {"query_string": {"fields": ["user_id"], "query": "ann* OR bob"}},
        {"match_all": {"boost": 1}},
        {"exists": {"field": "usr"}},
    ],
)
def test_an_unknown_query_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        dsl.compiled(query)
