"""No query asks for a key that no event has, or for a word that a key never says; whoever does is told."""

from __future__ import annotations

import pytest

from siem.proof import node
from siem.proof.lint import Dialect, Source, all_sources, faults
from tests.require import require_or_skip

pytestmark = [pytest.mark.requirement("E12"), pytest.mark.node]

WRONG_KEY = {
    Dialect.SPL: '`gatetrail` gaet="scope"',
    Dialect.ESQL: 'FROM a | WHERE gaet == "scope"',
    Dialect.EQL: 'any where gaet == "scope"',
    Dialect.LUCENE: "gaet:scope",
    Dialect.KUERY: "gaet: scope",
    Dialect.DATADOG: "source:gatetrail @gaet:scope",
    Dialect.SUMO: '_sourceCategory=x | json "gaet" nodrop',
    Dialect.KUSTO: 'Gatetrail_CL | where gaet == "scope"',
    Dialect.SQL: "SELECT body->>'gaet' FROM audit_events",
    Dialect.LOGQL: '{job="gatetrail"} | json | gaet="scope"',
    Dialect.SIGMA: "detection: {selection: {gaet: scope}, condition: selection}",
    Dialect.NAMES: "user_id gaet",
}
WRONG_WORD = {
    Dialect.SPL: '`gatetrail` gate IN ("scope", "rate_limt")',
    Dialect.ESQL: 'FROM a | WHERE gate IN ("scope", "rate_limt")',
    Dialect.EQL: 'any where gate : "rate_limt"',
    Dialect.LUCENE: "gate:(scope OR rate_limt)",
    Dialect.KUERY: "gate: (scope or rate_limt)",
    Dialect.DATADOG: "source:gatetrail @gate:(scope OR rate_limt)",
    Dialect.SUMO: '_sourceCategory=x | json "gate" as g nodrop | where g = "rate_limt"',
    Dialect.KUSTO: 'Gatetrail_CL | where gate in~ ("scope", "rate_limt")',
    Dialect.SQL: "SELECT 1 FROM audit_events WHERE body->>'gate' = 'rate_limt'",
    Dialect.LOGQL: '{job="gatetrail"} | json | gate="rate_limt"',
    Dialect.SIGMA: "detection: {selection: [{gate: [scope, rate_limt]}], condition: selection}",
}


@pytest.fixture(autouse=True)
def needs_node() -> None:
    require_or_skip(node.installed(), "the packages of tests/siem/node are not installed (make peers)")


def test_nothing_below_siem_samples_asks_for_what_is_not_there() -> None:
    assert [str(fault) for fault in faults(all_sources())] == []


def test_all_languages_are_looked_at() -> None:
    assert {source.language for source in all_sources() if source.text} == set(Dialect)


@pytest.mark.parametrize("language", Dialect)
def test_a_wrong_key_is_told_with_the_right_one(language: Dialect) -> None:
    (fault,) = faults([Source("a file", language, WRONG_KEY[language])])
    assert str(fault).startswith(f"a file ({language}): ")
    assert "gaet" in fault.problem
    assert fault.problem.endswith("; 'gate' is near")


@pytest.mark.parametrize("language", [one for one in Dialect if one is not Dialect.NAMES])
def test_a_wrong_word_is_told_with_the_right_one(language: Dialect) -> None:
    (fault,) = faults([Source("a file", language, WRONG_WORD[language])])
    assert str(fault) == f"a file ({language}): gate never says 'rate_limt'; 'rate_limit' is near"


def test_a_constant_of_another_type_is_told() -> None:
    (fault,) = faults([Source("a file", Dialect.ESQL, "FROM a | WHERE user_id == 5")])
    assert fault.problem == "user_id is text, and never 5.0"


def test_a_reason_of_a_refused_identity_is_a_word_too() -> None:
    assert faults([Source("a file", Dialect.LUCENE, "reason_code:token_expired")]) == []
    (fault,) = faults([Source("a file", Dialect.LUCENE, "reason_code:token_exspired")])
    assert fault.problem == "reason_code never says 'token_exspired'; 'token_expired' is near"
