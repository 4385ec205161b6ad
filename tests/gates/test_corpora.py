"""Normal traffic passes the scanner and probes do not: every line of the corpora, through the gates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatetrail.call import Kind
from gatetrail.gates.decision import PASS, Decision, Deny
from gatetrail.gates.pipeline import Gates
from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.gates.corpora import lines
from tests.gates.making import call, caller, gates_for

ANN = caller(Tier.ADMIN)
GATES = gates_for("scanner: {lockout: {enabled: false}}\n")
"""Each line is seen as if it were the first."""


def with_arguments(line: dict[str, Any]) -> Decision:
    return GATES.decide(replace(call(line["tool"]), arguments=line["arguments"]), ANN, 0, 0.0)


def asked_for(gates: Gates, line: dict[str, Any]) -> list[Decision]:
    """What names that do not exist come to, one after the other."""
    return [
        gates.decide(call(name, known=False), ANN, 0, number * line["every_s"])
        for number, name in enumerate(line["tools"])
    ]


def shown(value: object) -> str:
    return ascii(value)[:200]


@pytest.mark.requirement("B4", "B5")
def test_all_normal_traffic_together_has_several_hundred_lines_and_the_probes_too() -> None:
    names = ("paths", "agents", "resources", "arguments", "names")
    assert sum(len(lines(f"benign/{name}")) for name in names) > 500
    assert sum(len(lines(f"probes/{name}")) for name in names) > 300


@pytest.mark.requirement("B4", "B5")
def test_normal_paths_and_agents_pass() -> None:
    scanner = GATES.scanner
    found = [
        line
        for line in (*lines("benign/paths"), *lines("benign/agents"))
        if scanner.inspect(line.get("path"), line.get("user_agent")) is not PASS
    ]
    assert found == []


@pytest.mark.requirement("B5")
def test_normal_resources_pass() -> None:
    found = [
        line
        for line in lines("benign/resources")
        if not GATES.decide(call(line["uri"], kind=Kind.RESOURCE, method="resources/read"), ANN, 0, 0.0).allowed
    ]
    assert found == []


@pytest.mark.requirement("B5")
def test_normal_arguments_pass() -> None:
    found = [
        shown((line, one.rule_id)) for line in lines("benign/arguments") if not (one := with_arguments(line)).allowed
    ]
    assert found == []


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("line", lines("benign/names"), ids=lambda line: line["why"])
def test_an_agent_that_errs_is_no_scan(line: dict[str, Any]) -> None:
    assert {one.gate for one in asked_for(gates_for(), line)} == {GateName.SCOPE}


@pytest.mark.requirement("B4", "B5")
def test_probes_are_found_by_path_and_by_agent() -> None:
    scanner = GATES.scanner
    missed: list[dict[str, Any]] = []
    for line in (*lines("probes/paths"), *lines("probes/agents")):
        result = scanner.inspect(line.get("path"), line.get("user_agent"))
        if not isinstance(result, Deny) or result.reason_code != line["reason_code"]:
            missed.append(line)
    assert missed == []


@pytest.mark.requirement("B5")
def test_probes_are_found_in_resource_uris() -> None:
    missed: list[dict[str, Any]] = []
    for line in lines("probes/resources"):
        decision = GATES.decide(call(line["uri"], kind=Kind.RESOURCE, method="resources/read"), ANN, 0, 0.0)
        if decision.reason_code != line["reason_code"]:
            missed.append(line)
    assert missed == []


@pytest.mark.requirement("B5")
def test_probes_are_found_in_arguments() -> None:
    missed: list[str] = []
    for line in lines("probes/arguments"):
        decision = with_arguments(line)
        if (decision.gate, decision.reason_code, decision.rule_id) != (
            GateName.SCANNER,
            line["reason_code"],
            line["rule_id"],
        ):
            missed.append(shown((line["arguments"], decision.rule_id)))
    assert missed == []


@pytest.mark.requirement("B5")
@pytest.mark.parametrize("line", lines("probes/names"), ids=lambda line: line["why"])
def test_trying_names_is_a_scan(line: dict[str, Any]) -> None:
    decisions = asked_for(gates_for(), line)
    codes = [one.reason_code for one in decisions]
    assert codes[:20] == [codes[0]] * 20 or ReasonCode.ENUMERATION not in codes[:20]
    assert codes[20] == line["reason_code"]
    assert decisions[20].gate is GateName.SCANNER
