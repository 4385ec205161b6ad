"""What is deployed to Microsoft Sentinel, read by Microsoft's own language service and held against the table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from siem.languages.kusto_columns import EVENT_TIME, INGESTED_TIME, TABLE, TIME, columns
from siem.packages.schedule import LATE_S
from siem.packages.sentinel import files
from siem.packages.sentinel.analytics import alarms
from siem.packages.sentinel.asim import FILTERING, PARAMETERS, PLAIN, names, parser, stored
from siem.packages.sentinel.transform import transform
from siem.places import SAMPLES
from siem.proof.grammars import kusto
from siem.rule import Rule
from siem.schema import keys
from siem.sources import rules
from tests.siem.sentinel.asim_schema import CLOSED, CONDITIONAL, MANDATORY

pytestmark = [pytest.mark.node, pytest.mark.requirement("E7")]

RAW = {"source": {"TimeGenerated": "datetime", "RawData": "string", "FilePath": "string", "Computer": "string"}}
RULES = {name: yaml.safe_load(content) for name, content in files().items() if "/analytic-rules/" in name}
TEMPLATE: Mapping[str, Any] = json.loads(files()["sentinel/azuredeploy.json"])


TEXTS = {
    "transform": transform(),
    PLAIN: parser(PLAIN),
    FILTERING: parser(FILTERING),
    **{name: rule["query"] for name, rule in RULES.items()},
    **{f"stored {name}": f"let {name} = ({PARAMETERS[name]}) {{ {stored(name)} }};\n{name}()" for name in PARAMETERS},
}
"""What is stored as a function is asked as Log Analytics does: within its parameters."""


@pytest.fixture(scope="module")
def problems() -> Mapping[str, tuple[str, ...]]:
    """What the language service says against each text."""
    return {name: one.problems for name, one in zip(TEXTS, kusto.read([*TEXTS.values()], RAW), strict=True)}


@pytest.fixture(scope="module")
def given() -> Mapping[str, Mapping[str, str]]:
    """The columns of each text's answer."""
    return dict(zip(TEXTS, kusto.given([*TEXTS.values()], RAW), strict=True))


def of_type(kind: str) -> list[Mapping[str, Any]]:
    return [resource for resource in TEMPLATE["resources"] if resource["type"].endswith(f"/{kind}")]


def test_every_key_of_every_event_has_a_column_of_its_name_and_a_type_that_loses_nothing() -> None:
    assert set(columns()) == {*keys(), INGESTED_TIME, EVENT_TIME} - {TIME}
    assert columns()["seq"] == "long"
    assert columns()["latency_ms"] == "real"
    assert columns()["roles"] == "dynamic"


def test_the_names_of_columns_are_such_that_azure_takes_them() -> None:
    """Letters, digits and underscores, at most 45, and none that a workspace uses itself (Microsoft, custom tables)."""
    assert [name for name in columns() if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,44}", name)] == []
    taken = {"id", "type", "tenantid", "title", "uniqueid", "_resourceid", "_subscriptionid", "timestamp"}
    assert {name.lower() for name in columns()} & taken == set()


def test_no_text_has_a_problem(problems: Mapping[str, tuple[str, ...]]) -> None:
    assert {name: found for name, found in problems.items() if found} == {}


def test_the_transform_gives_the_table_and_nothing_else(given: Mapping[str, Mapping[str, str]]) -> None:
    types = {"boolean": "bool"}
    assert given["transform"] == {name: types.get(kind, kind) for name, kind in columns().items()}


def test_the_transform_uses_only_what_collection_rules_support() -> None:
    """One row in, at most one out (Microsoft, "Supported KQL features in Azure Monitor transformations")."""
    operators = set(re.findall(r"^\| (\w+)", transform(), re.MULTILINE))
    assert operators <= {"extend", "where", "project"}
    functions = set(re.findall(r"\b([a-z_]+)\(", transform()))
    assert functions <= {"parse_json", "isnotempty", "tostring", "tolong", "todouble", "tobool", "todatetime"}


@pytest.mark.parametrize("name", [PLAIN, FILTERING])
def test_a_parser_gives_what_the_schema_asks_for(name: str, given: Mapping[str, Mapping[str, str]]) -> None:
    assert {column: given[name].get(column) for column in MANDATORY} == MANDATORY
    assert {beside for column, beside in CONDITIONAL.items() if column in given[name]} <= given[name].keys()
    assert given[f"stored {name}"] == given[name]


@pytest.mark.parametrize("column", sorted(CLOSED))
def test_a_parser_says_only_words_of_the_schema(column: str) -> None:
    (written,) = re.findall(rf"^ +{column} = (.+?)(?:,\n +\w+ =|\n\|)", f"{parser(PLAIN)}\n|", re.MULTILINE | re.DOTALL)
    ours = {word for key in keys().values() for word in key.words or ()} | {"identity."}
    words = set(re.findall(r'"([^"]*)"', written)) - ours - {""}
    assert words <= CLOSED[column]
    assert words


def test_a_filtering_parser_takes_the_parameters_of_its_schema() -> None:
    assert names(FILTERING) == [
        "starttime",
        "endtime",
        "srcipaddr_has_any_prefix",
        "actorusername_has_any",
        "operation_has_any",
        "eventtype_in",
        "eventresult",
        "object_has_any",
        "newvalue_has_any",
        "disabled",
    ]
    unused = [name for name in names(FILTERING) if parser(FILTERING).count(name) < 2]
    assert unused == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_an_analytic_rule_gives_its_entities_and_its_event(name: str, given: Mapping[str, Mapping[str, str]]) -> None:
    entities = RULES[name].get("entityMappings", ())
    assert {one["columnName"] for entity in entities for one in entity["fieldMappings"]} <= given[name].keys()
    assert {"TimeGenerated", "event_id"} <= given[name].keys()


def test_every_alarm_is_a_rule_and_every_rule_stands_in_the_template() -> None:
    expected = {rule.id for rule, _ in alarms()}
    assert {rule["id"] for rule in RULES.values()} == expected
    deployed = {resource["name"]: resource["properties"] for resource in of_type("alertRules")}
    assert deployed.keys() == expected
    for rule in RULES.values():
        assert deployed[rule["id"]]["query"] == rule["query"].rstrip("\n")
        for key in ("severity", "incidentConfiguration", "eventGroupingSettings", "entityMappings", "customDetails"):
            assert deployed[rule["id"]].get(key) == rule.get(key)
        assert not deployed[rule["id"]]["enabled"]


def test_alarms_that_sentinel_cannot_express_are_known() -> None:
    assert {rule.name for rule in rules() if rule.is_alarm} - {rule.name for rule, _ in alarms()} == set()


def test_the_template_collects_into_the_table_that_it_makes() -> None:
    (table,) = of_type("tables")
    (collection,) = of_type("dataCollectionRules")
    (flow,) = collection["properties"]["dataFlows"]
    assert table["name"].endswith(f"/{TABLE}')]")
    assert flow["outputStream"] == f"Custom-{TABLE}"
    assert flow["transformKql"] == transform()
    assert set(flow["streams"]) == set(collection["properties"]["streamDeclarations"])
    assert {one["functionAlias"] for one in (of["properties"] for of in of_type("savedSearches"))} == set(PARAMETERS)


def shipped_name(rule: Rule) -> str:
    return f"sentinel/analytic-rules/{rule.name}.yaml"


MINUTES = {"m": 1, "h": 60, "d": 1440}


def minutes(span: str) -> int:
    return int(span[:-1]) * MINUTES[span[-1]]


def test_a_rule_looks_back_farther_than_it_runs_apart_and_no_farther_than_it_may() -> None:
    """Microsoft, "Create scheduled analytics rules": from two days on at most once an hour."""
    for rule in RULES.values():
        period, frequency = minutes(rule["queryPeriod"]), minutes(rule["queryFrequency"])
        assert 5 <= frequency <= period - LATE_S // 60
        assert period <= 14 * 1440
        assert frequency >= 60 or period < 2 * 1440


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_event_is_told_by_one_run_however_late_it_came(name: str) -> None:
    """The spans of coming in of two runs touch and do not overlap; a replay of old events is not told."""
    text, frequency = RULES[name]["query"], minutes(RULES[name]["queryFrequency"])
    (since,) = re.findall(r"ingestion_time\(\) > ago\((\d+)m\)", text)
    until = re.findall(r"ingestion_time\(\) <= ago\((\d+)m\)", text)
    assert int(since) - int(until[0] if until else 0) == frequency
    assert bool(until) == bool(re.search(r"[<.] *\(?ago\(5m\)", text.partition("distinct event_id;")[2]))
    assert f"event_time > ago({minutes(RULES[name]['queryPeriod'])}m)" in text
    assert "\n| join kind=leftsemi came_in on event_id\n" in text


@pytest.mark.parametrize("rule", [rule for rule, _ in alarms() if rule.window], ids=lambda rule: rule.name)
def test_a_group_has_one_row_of_a_run_and_one_incident(rule: Rule, given: Mapping[str, Mapping[str, str]]) -> None:
    assert rule.window is not None
    shipped = RULES[shipped_name(rule)]
    assert shipped["query"].rstrip().endswith(f"by {', '.join(rule.window.group_by)}")
    assert shipped["eventGroupingSettings"] == {"aggregationKind": "AlertPerResult"}
    assert set(shipped["customDetails"].values()) == {*rule.window.group_by} <= set(given[shipped_name(rule)])
    grouped = shipped["incidentConfiguration"]["groupingConfiguration"]
    assert grouped["enabled"]
    assert grouped["groupByCustomDetails"] == [*shipped["customDetails"]]
    assert all(re.fullmatch(r"[A-Za-z0-9]{1,20}", one) for one in grouped["groupByCustomDetails"])


def test_tactics_and_techniques_are_such_as_the_api_takes() -> None:
    """`AttackTactic` of API 2023-11-01, as far as rules name them: an unknown word fails the whole deployment."""
    known = {
        "CredentialAccess",
        "DefenseEvasion",
        "Execution",
        "Impact",
        "InitialAccess",
        "LateralMovement",
        "Persistence",
        "PrivilegeEscalation",
        "Reconnaissance",
    }
    assert {tactic for rule in RULES.values() for tactic in rule["tactics"]} <= known
    techniques = {technique for rule in RULES.values() for technique in rule["relevantTechniques"]}
    assert all(re.fullmatch(r"T\d{4}", technique) for technique in techniques)
    assert "T1562" in techniques
    assert "T1685" not in techniques


def test_a_query_is_no_longer_than_it_may_be() -> None:
    """Microsoft, limits of Microsoft Sentinel's rules, and of Azure Monitor's transformations."""
    assert max(len(rule["query"]) for rule in RULES.values()) <= 10_000
    assert len(transform()) <= 15_360


def test_a_line_is_a_record_whatever_dates_are_in_it() -> None:
    """With a format of time given the agent begins records at times of that format."""
    (collection,) = of_type("dataCollectionRules")
    (source,) = collection["properties"]["dataSources"]["logFiles"]
    assert source["format"] == "text"
    assert "settings" not in source


def test_who_acted_is_filtered_by_what_the_parser_says_of_it() -> None:
    """Whose identity was restricted did not act."""
    said = parser(FILTERING)
    assert said.index("ActorUsername = ") < said.index("ActorUsername has_any (actorusername_has_any)")
    assert said.count("actorusername_has_any") == 3


def test_the_custom_parser_of_the_page_is_asked_as_the_built_in_one_asks() -> None:
    """Microsoft, "Manage ASIM parsers": it calls with all parameters of the schema, by name."""
    page = (SAMPLES / "sentinel" / "README.md").read_text("utf-8")
    (text,) = re.findall(r"^  ```\n(.*?)^  ```", page, re.MULTILINE | re.DOTALL)
    passed = re.findall(r"(\w+)=\1\b", text)
    assert sorted(passed) == sorted(names(FILTERING))
    callable_parser = f"let {FILTERING} = ({PARAMETERS[FILTERING]}) {{ {stored(FILTERING)} }};"
    asked = f"let Im_AuditEventCustom = ({PARAMETERS[FILTERING]}, pack: bool = false) {{ {text} }};"
    (read,) = kusto.read([f"{callable_parser}\n{asked}\nIm_AuditEventCustom(eventresult='Failure', pack=true)"])
    assert read.problems == ()
