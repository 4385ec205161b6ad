"""Native rules say what an analyst has to know, in every language that can ask them, and where a language cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
import pytest

from siem.places import NATIVE, SQL
from siem.proof import node
from siem.proof.engines import eql
from siem.proof.grammars import esql, kusto, spl, sumo
from siem.queries import NATIVE_FILES, Language, query
from siem.rule import Kind, Rule
from siem.schema import keys
from siem.sources import rules
from tests.require import require_or_skip
from tests.siem.native_tale import Tale, at

pytestmark = pytest.mark.requirement("E12")

RULES = {rule.name: rule for rule in rules() if rule.kind is Kind.NATIVE}
NAMES = {
    "denied_burst_then_allowed",
    "tool_new_for_user",
    "admin_tool_first_used",
    "call_without_outcome",
    "impossible_travel",
    "admin_call_off_hours",
    "allowed_after_policy_change",
    "journal_gap",
    "record_silent",
}
TAG = re.compile(r"(attack\.(t\d{4}(\.\d{3})?|[a-z-]+)|atlas\.aml\.t\d{4}(\.\d{3})?)")
DATADOG_WINDOWS_S = {0, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400}

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


def own(rule: Rule) -> Mapping[str, Any]:
    found: Mapping[str, Any] = rule.documents[0]["gatetrail"]
    return found


def texts(language: Language) -> Mapping[str, str]:
    found = {name: query(rule, language) for name, rule in RULES.items()}
    return {name: text for name, text in found.items() if text is not None}


# --- what a rule says of itself ---


def test_there_are_nine() -> None:
    assert set(RULES) == NAMES


def test_no_id_is_given_twice() -> None:
    documents = {(rule.name, document["id"]) for rule in rules() for document in rule.documents if rule.is_sigma}
    named = {str(document.get("name")): str(document["id"]) for rule in rules() for document in rule.documents}
    assert len(set(named.values())) == len(named)
    assert not {rule.id for rule in RULES.values()} & {found for _, found in documents}
    assert {UUID(rule.id).version for rule in RULES.values()} == {4}


@each_rule
def test_an_analyst_finds_what_to_do(rule: Rule) -> None:
    document = rule.documents[0]
    assert document["author"] == "Gatetrail"
    assert document["logsource"] == {"product": "gatetrail", "service": "audit"}
    assert rule.description.endswith(".")
    assert len(rule.description) > 200
    assert rule.false_positives
    assert rule.why_native
    assert "docs/audit-sql.md" in document["references"][0]


@each_rule
def test_tags_are_those_of_attack_and_atlas(rule: Rule) -> None:
    assert [tag for tag in rule.tags if not TAG.fullmatch(tag)] == []
    assert any(tag.startswith("attack.t") for tag in rule.tags)


@each_rule
def test_fields_are_keys_of_events(rule: Rule) -> None:
    assert set(rule.fields) <= set(keys())


# --- the languages ---


@each_rule
def test_what_a_language_lacks_is_said_and_nothing_else(rule: Rule) -> None:
    there = {language.name.lower() for language in NATIVE_FILES if query(rule, language)}
    assert set(own(rule).get("missing", ())) == {language.name.lower() for language in NATIVE_FILES} - there
    assert set(own(rule).get("weaker", ())) <= there


@each_rule
def test_every_file_is_one_of_a_language(rule: Rule) -> None:
    assert {path.name for path in (NATIVE / rule.name).iterdir()} <= {"rule.yml", *NATIVE_FILES.values()}


@each_rule
def test_every_rule_has_sql_and_every_query_names_its_rule(rule: Rule) -> None:
    assert (SQL / f"{rule.name}.sql").read_text("utf-8").startswith(f"-- {rule.name}, question {rule.question}: ")
    for language in NATIVE_FILES:
        text = query(rule, language)
        if text is None or language is Language.DATADOG:
            continue
        first = text.partition("\n")[0]
        where = first.partition("```")[2] if language is Language.SPL else first.removeprefix("// ")
        assert where.startswith((f"{rule.name}: ", f"{rule.name}, weaker: ")), f"{rule.name} in {language}"


def test_each_query_is_read_without_complaint() -> None:
    readers = {Language.SPL: spl.read, Language.ESQL: esql.read, Language.SUMO: sumo.read}
    problems = {
        (name, language.name): reader(text).problems
        for language, reader in readers.items()
        for name, text in texts(language).items()
    }
    assert {where: found for where, found in problems.items() if found} == {}


@pytest.mark.node
def test_microsoft_reads_kusto_without_complaint() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")
    found = texts(Language.KUSTO)
    problems = dict(zip(found, (reading.problems for reading in kusto.read(list(found.values()))), strict=True))
    assert {name: said for name, said in problems.items() if said} == {}


@each_rule
def test_every_search_in_splunk_begins_with_the_macro(rule: Rule) -> None:
    assert (query(rule, Language.SPL) or "").startswith("`gatetrail` ")


@pytest.mark.parametrize("name", texts(Language.DATADOG))
def test_datadog_gets_the_body_of_a_rule(name: str) -> None:
    body = orjson.loads(texts(Language.DATADOG)[name])
    options = body["options"]
    method = options["detectionMethod"]
    steps = options.get("sequenceDetectionOptions", {"steps": [], "stepTransitions": []})
    (case,) = body["cases"]
    assert case["status"] == RULES[name].severity.value
    assert {one["aggregation"] for one in body["queries"]} == {
        {"sequence_detection": "cardinality", "new_value": "new_value", "impossible_travel": "geo_data"}[method]
    }
    named = {one["name"] for one in body["queries"]}
    assert {step["condition"].partition(" ")[0] for step in steps["steps"]} <= named
    places = {step["name"] for step in steps["steps"]}
    assert all({move["parent"], move["child"]} <= places for move in steps["stepTransitions"])
    assert case.get("condition", "let_in > 0").partition(" ")[0] in places | ({"let_in"} if not places else set())
    windows_s = {one.get("evaluationWindow", 0) for one in (*steps["steps"], *steps["stepTransitions"], options)}
    assert windows_s <= DATADOG_WINDOWS_S


# --- EQL ---


def test_the_sequence_finds_the_call_after_five_denials_and_no_other() -> None:
    tale = Tale()
    found: set[str] = set()
    for user, denials, pause_s in (("four", 4, 0), ("five", 5, 0), ("six", 6, 0), ("slow", 5, 600)):
        for index in range(denials):
            tale.denied(at(seconds=index), user_id=user)
        call = tale.allowed(at(seconds=10 + pause_s), user_id=user)
        found |= {call} if user in {"five", "six"} else set()
        tale.allowed(at(seconds=11 + pause_s), user_id=user)
    for index in range(6):
        tale.denied(at(seconds=index), user_id=None)
    tale.allowed(at(seconds=10), user_id=None)
    events = [orjson.loads(line) for line in tale.lines()]
    assert eql.run(texts(Language.EQL)["denied_burst_then_allowed"], events) == found
