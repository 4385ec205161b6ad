"""What stands in the rules: who they are, what they look for, what they tell an analyst."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import takewhile
from typing import Any, cast
from uuid import UUID

import pytest
from sigma.collection import SigmaCollection
from sigma.validation import SigmaValidator
from sigma.validators.core import validators
from sigma.validators.core.tags import NamespaceTagValidator

from siem.languages.sigma import base
from siem.places import ROOT
from siem.rule import Kind, Rule
from siem.schema import keys
from siem.sources import rules, seconds
from tests.siem.attack import ATLAS, ATTACK, TACTICS

pytestmark = pytest.mark.requirement("E12")

SIGMA = [rule for rule in rules() if rule.is_sigma]
NAMES = {
    "call_denied", "rate_limited", "rate_limited_often", "scanner_probe", "scanner_probes_by_address", "tier_too_low",
    "execution_orphaned", "session_of_another_user", "session_with_several_clients", "session_from_several_addresses",
    "tool_denied_often", "policy_changed", "trace_events", "audit_trouble",
}  # fmt: skip
COMMAND = re.compile(r"`(gatetrail [^`]+)`")
NEEDS_THE_NET = {"attacktag", "d3_fendtag"}
"""These fetch MITRE's lists; `tests/siem/attack.py` holds what we need of them."""

of_sigma = pytest.mark.parametrize("rule", SIGMA, ids=lambda rule: rule.name)
of_all = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)


class Namespaces(NamespaceTagValidator):
    """ATLAS has no namespace among Sigma's own."""

    allowed_namespace = {*NamespaceTagValidator.allowed_namespace, "atlas"}  # noqa: RUF012


def test_the_fourteen_are_there() -> None:
    assert {rule.name for rule in SIGMA} == NAMES


def test_ids_and_titles_are_of_one_rule_only() -> None:
    named = {(document["id"], document["name"], document["title"]) for rule in rules() for document in rule.documents}
    for part in zip(*named, strict=True):
        assert len(set(part)) == len(named)


@of_all
def test_rule_says_all_that_an_analyst_needs(rule: Rule) -> None:
    for document in rule.documents:
        assert str(UUID(document["id"])) == document["id"]
        assert (document["status"], document["author"], document["date"]) == ("test", "Gatetrail", date(2026, 11, 23))
        assert 5 < len(document["title"]) <= 60
        assert len(document["description"]) > 60
        assert document["falsepositives"]
        assert all(len(case) > 15 for case in document["falsepositives"])
    assert 1 <= rule.question <= 15
    assert rule.asked_by
    assert rule.window is None or seconds(rule.lookback) >= 2 * rule.window.timespan_s


@of_all
def test_tags_are_of_attack_and_atlas(rule: Rule) -> None:
    assert len(set(rule.tags)) == len(rule.tags) > 0
    spaces = [tag.partition(".")[::2] for tag in rule.tags]
    tactics = {name for space, name in spaces if space == "attack" and name in TACTICS}
    techniques = {name for space, name in spaces if space == "attack" and name not in TACTICS}
    assert {space for space, _ in spaces} <= {"attack", "atlas"}
    assert {name for space, name in spaces if space == "atlas"} <= ATLAS.keys()
    assert tactics
    for technique in techniques:
        assert ATTACK[technique].tactics & tactics, f"{technique} serves none of {sorted(tactics)}"


@of_all
def test_references_lead_somewhere(rule: Rule) -> None:
    for reference in (one for document in rule.documents for one in document["references"]):
        path, _, anchor = reference.partition("#")
        titles = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert not anchor or anchor in {_anchor(title) for title in titles}, reference


@of_all
def test_the_first_reference_is_the_rules_question(rule: Rule) -> None:
    first = rule.documents[-1]["references"][0]
    assert first.startswith(f"docs/audit-sql.md#{rule.question}-")


@of_all
def test_commands_that_an_analyst_is_told_to_run_are_there(rule: Rule) -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for command in (told for document in rule.documents for told in COMMAND.findall(document["description"])):
        words = " ".join(command.split()).split(" ")
        named = "gatetrail " + " ".join(takewhile(str.isalpha, takewhile(str.islower, words[1:])))
        section = re.search(rf"^#+ `?{named}`?$(.+?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, f"no command {named}"
        assert all(word in section[1] for word in words if word.startswith("--")), command


@of_all
def test_whoever_is_told_to_end_or_revoke_is_told_how(rule: Rule) -> None:
    assert "end the session" not in rule.description or "`gatetrail sessions --end SESSION_ID`" in rule.description
    assert "revoke" not in rule.description or "`gatetrail token revoke`" in rule.description


@of_all
def test_fields_are_keys_of_events(rule: Rule) -> None:
    for document in rule.documents:
        assert set(document["fields"]) <= keys().keys()
        assert len(set(document["fields"])) == len(document["fields"]) > 0
    if rule.window is not None:
        asked = {*rule.window.group_by, rule.window.counted} - {None}
        assert asked <= set(rule.fields)


@of_sigma
def test_what_is_looked_for_is_in_the_schema(rule: Rule) -> None:
    detection = base(rule)["detection"]
    events = {word for name, word in _asked(detection) if name == "event_name"}
    for name, word in _asked(detection):
        key = keys()[name]
        assert not key.words or word in key.words
        assert not events or key.events & events, f"{events} have no {name}"


@of_sigma
def test_pysigma_finds_nothing_wrong(rule: Rule) -> None:
    chosen = {validator for name, validator in validators.items() if name not in NEEDS_THE_NET}
    assert len(chosen) > 25
    collection = SigmaCollection.load_ruleset([rule.path])
    checker = SigmaValidator((chosen - {NamespaceTagValidator}) | {Namespaces})
    assert not collection.errors
    assert [str(issue) for issue in checker.validate_rules(iter(collection.rules))] == []  # type: ignore[arg-type]


def test_a_base_says_the_same_in_every_file() -> None:
    alone = {rule.name: rule.documents[-1] for rule in SIGMA}
    for rule in SIGMA:
        if rule.kind is not Kind.MATCH:
            shared = {**alone, **{base(other)["name"]: base(other) for other in SIGMA if other is not rule}}
            name = base(rule)["name"]
            assert len(rule.documents) == 2
            assert base(rule) == shared.get(name, base(rule))


def _asked(detection: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Each key with each word that it is compared with; with None where it need only be there."""
    for name, selection in detection.items():
        for key, wanted in selection.items() if name != "condition" else ():
            words = cast("list[object]", wanted if isinstance(wanted, list) else [wanted])
            yield from ((key.partition("|")[0], None if "|exists" in key else word) for word in words)


def _anchor(title: str) -> str:
    """As GitHub makes one of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
