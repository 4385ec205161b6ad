"""What the queries that are made from Sigma have in common, and where a language gives up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from siem.languages import elastic, kuery, kusto, splunk
from siem.proof import node
from siem.proof.grammars import esql
from siem.proof.grammars import kusto as kusto_grammar
from siem.queries import Language, query
from siem.rule import Kind, Rule
from siem.schema import keys
from siem.sources import RuleBroken, rules
from tests.require import require_or_skip
from tests.siem.conditions import rule_with

pytestmark = pytest.mark.requirement("E12")

RULES = [rule for rule in rules() if rule.is_sigma]
COUNTING = [rule for rule in RULES if rule.window is not None]
of_sigma = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
counting = pytest.mark.parametrize("rule", COUNTING, ids=lambda rule: rule.name)


def named(name: str) -> Rule:
    return next(rule for rule in RULES if rule.name == name)


def spl(rule: Rule) -> list[str]:
    text = splunk.spl(rule)
    assert text is not None
    return text.splitlines()


@of_sigma
def test_spl_begins_with_the_macro_and_shows_the_rules_fields(rule: Rule) -> None:
    lines = spl(rule)
    assert lines[0].startswith("`gatetrail` ")
    assert lines[-1].startswith("| table _time, event_id, ")
    assert set(rule.fields) <= set(lines[-1].removeprefix("| table ").split(", "))


@counting
def test_spl_looks_back_over_the_events_of_each_group_in_order(rule: Rule) -> None:
    window = rule.window
    assert window is not None
    lines = spl(rule)
    assert all(f"{key}=*" in lines[0] for key in window.group_by)
    assert lines[1:3] == ["| dedup event_id", "| sort 0 _time, seq"]
    assert " global=f " in lines[3]
    assert lines[3].endswith(f" BY {', '.join(window.group_by)}")
    assert lines[5].endswith(f" AND took_s <= {window.timespan_s}")
    if window.counted is None:
        assert f" window={window.at_least} " in lines[3]
        assert f" event_count = {window.at_least} " in lines[5]
    else:
        assert f"{window.counted}=*" in lines[0]
        assert f"| where {window.counted} != previous_value " in lines[5]


def test_alternatives_of_spl_stay_within_our_events() -> None:
    assert spl(named("audit_trouble"))[0].startswith("`gatetrail` (event_name IN (")


@of_sigma
def test_esql_is_read_and_bound_to_our_keys(rule: Rule) -> None:
    text = elastic.esql(rule)
    assert text is not None
    assert text.startswith("FROM logs-mcp_governance.audit-*")
    assert esql.read(text).problems == ()
    assert esql.read(text).names <= keys().keys()


@of_sigma
def test_searches_of_esql_give_the_newest_rows_and_as_many_as_there_may_be(rule: Rule) -> None:
    limited = "\n| SORT @timestamp DESC\n| LIMIT 10000\n| KEEP @timestamp, " in str(elastic.esql(rule))
    assert limited is not rule.is_alarm


@pytest.mark.parametrize("render", [splunk.spl, elastic.esql, kusto.kusto])
def test_two_values_are_told_apart_and_no_more(render: Callable[[Rule], str | None]) -> None:
    rule = named("session_with_several_clients")
    assert rule.window is not None
    assert render(rule) is not None
    assert render(replace(rule, window=replace(rule.window, at_least=3))) is None


@pytest.mark.node
def test_kusto_is_read_and_bound_to_our_table() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    texts = [kusto.kusto(rule) or "" for rule in RULES]
    for text, reading in zip(texts, kusto_grammar.read(texts), strict=True):
        assert text.startswith("Gatetrail_CL\n")
        assert reading.problems == (), text


@counting
def test_kusto_looks_back_over_the_events_of_each_group_in_order(rule: Rule) -> None:
    window = rule.window
    assert window is not None
    lines = str(kusto.kusto(rule)).splitlines()
    assert all(f"isnotempty({key})" in lines[1] for key in window.group_by)
    assert lines[2] == "| summarize arg_min(TimeGenerated, *) by event_id"
    assert lines[3] == f"| sort by {' asc, '.join(window.group_by)} asc, TimeGenerated asc, seq asc"
    for key in (*window.group_by, "TimeGenerated"):
        assert f"prev({key}, {window.at_least - 1})" in lines[4]
    assert lines[5] == f"| where took <= {window.timespan}"


@of_sigma
def test_eql_counts_events_and_no_values(rule: Rule) -> None:
    text = elastic.eql(rule)
    assert (text is None) is (rule.kind is Kind.DISTINCT)
    assert text is None or (
        f"with runs={rule.window.at_least}" in text if rule.window else text.startswith("any where")
    )


@counting
def test_searches_alone_find_what_is_counted(rule: Rule) -> None:
    alone = {other.name: other for other in RULES if other.window is None}
    base = next((alone[document["name"]] for document in rule.documents if document["name"] in alone), None)
    if base is not None:
        assert (elastic.lucene(rule), kuery.kuery(rule)) == (elastic.lucene(base), kuery.kuery(base))


@pytest.mark.parametrize("render", [splunk.spl, elastic.esql, elastic.eql, elastic.lucene, kuery.kuery, kusto.kusto])
@pytest.mark.parametrize("word", ['a"b', "a\\\\b", "a*", "a b", "a'b", "a`b", "a\nb"])
def test_words_that_need_quoting_are_refused(render: Callable[[Rule], str | None], word: str) -> None:
    with pytest.raises(RuleBroken, match="has not been tried"):
        render(rule_with({"a": {"user_id": word}, "condition": "a"}))


def test_a_correlation_names_a_rule_of_its_file() -> None:
    rule = named("rate_limited_often")
    with pytest.raises(RuleBroken, match="must name one rule of the same file"):
        splunk.spl(replace(rule, documents=rule.documents[-1:]))


MADE_OF_TEXT = re.compile(r"%\{(\w+)\}")
AS_TIME = re.compile(r"(\w+) = TO_DATETIME\(\1\)")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_times_of_esql_pass_through_text_as_numbers(rule: Rule) -> None:
    """`TO_DATETIME` reads text with three digits of a second and gives null for others; our times have nine of them."""
    text = query(rule, Language.ESQL) or ""
    assert not re.search(r"\b(\w+) = (?:MIN|MAX)\(@timestamp\)(?s:.*)TO_STRING\(\1\)", text)
    for name in {*MADE_OF_TEXT.findall(text)} & {*AS_TIME.findall(text)}:
        assert f"{name} = TO_LONG({name})" in text.partition(f"{name} = TO_DATETIME({name})")[0]
