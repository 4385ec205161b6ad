"""The table of rules and products says no more than what is proven."""

from __future__ import annotations

import pytest

from siem.proof.matrix import PRODUCTS, Proof, cell, table
from siem.queries import Language, query
from siem.rule import Rule
from siem.sources import rules

pytestmark = pytest.mark.requirement("E12")


def named(name: str) -> Rule:
    return next(rule for rule in rules() if rule.name == name)


def test_every_rule_has_a_row_and_every_question_a_heading() -> None:
    rows = [line for line in table().splitlines() if line.startswith(("| [", "|  |"))]
    assert len(rows) == len(rules())
    for rule, row in zip(rules(), rows, strict=True):
        assert f"[{rule.name}](" in row
        assert row.count(" | ") == 3 + len(PRODUCTS)
    assert sum(row.startswith("| [") for row in rows) == 15


@pytest.mark.parametrize(
    ("rule", "language", "proof"),
    [
        ("call_denied", Language.DATADOG, Proof.EXECUTED),
        ("call_denied", Language.EQL, Proof.EXECUTED),
        ("call_denied", Language.LUCENE, Proof.EVALUATED),
        ("call_denied", Language.KUERY, Proof.EVALUATED),
        ("rate_limited_often", Language.DATADOG, Proof.EVALUATED),
        ("impossible_travel", Language.DATADOG, Proof.PARSED),
        ("impossible_travel", Language.LUCENE, Proof.NOT_EXPRESSIBLE),
    ],
)
def test_the_word_follows_from_what_covers_the_rule(rule: str, language: Language, proof: Proof) -> None:
    assert cell(named(rule), language).proof is proof


def test_what_is_not_written_is_not_expressible_and_nothing_else_is() -> None:
    for rule in rules():
        for language in Language:
            is_absent = cell(rule, language).proof is Proof.NOT_EXPRESSIBLE
            assert is_absent == (query(rule, language) is None), f"{rule.name} in {language}"


def test_what_is_weaker_says_how() -> None:
    found = cell(named("tool_new_for_user"), Language.KUSTO)
    assert found.is_weaker
    assert found.note is not None
    assert "14 days" in found.note
    assert found.note in table()


def test_the_table_is_the_same_wherever_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    before = table()
    monkeypatch.setattr("siem.proof.node.installed", lambda: False)
    assert table() == before
