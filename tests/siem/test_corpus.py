"""The events of siem-samples: made anew byte for byte, in the shape that is promised, with what golden says in them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

import orjson
import pytest

from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.wire import GENESIS_HASH
from siem.corpus.every_kind import MODELS
from siem.corpus.expectation import ALLOWED, TIER, Expectation, keeps
from siem.corpus.make import PLACES, files
from siem.corpus.planted import RULES, Planted
from siem.corpus.policy import policy
from siem.files import different
from siem.golden import corpus, golden
from siem.places import CORPUS, EVENTS, EVERY_KIND
from tests.schema_watch import complaints

pytestmark = pytest.mark.requirement("E12")

HOUSES = 2


@pytest.mark.postgres
def test_the_stories_are_told_again_byte_for_byte(dsn: str) -> None:
    assert different(EVENTS, asyncio.run(files(dsn))) == [], "run: python -m siem.corpus"


@pytest.mark.parametrize("path", [CORPUS, EVERY_KIND], ids=["corpus", "every kind"])
def test_every_line_keeps_to_the_schemas(path: Path) -> None:
    assert not [*complaints(path.read_bytes().splitlines())]


def test_there_is_an_event_of_every_name_with_every_key() -> None:
    events = {event["event_name"]: event for event in map(orjson.loads, EVERY_KIND.read_bytes().splitlines())}
    for model in MODELS:
        for name in _names(model):
            assert {field.alias or key for key, field in model.model_fields.items()} == set(events.pop(name)), name
    assert not events
    assert set(MODELS) == {*get_args(get_args(Event)[0])}


def test_each_rule_has_cases_and_near_misses_in_the_file() -> None:
    known = {event["event_id"] for event in corpus()}
    assert len(known) == len(corpus())
    assert set(golden()) == {*RULES}
    for name, found in golden().items():
        missed = {one for miss in found.near_misses for one in miss.event_ids}
        assert found.matches, name
        assert missed, name
        assert found.matches | missed <= known, name
        assert not found.matches & missed, name


def test_what_came_to_the_file_are_chains_with_gaps_only_where_golden_says() -> None:
    gaps, ends = set[str](), dict[str, tuple[int, str]]()
    for event in corpus():
        seq, event_hash = ends.get(event["chain_id"], (event["seq"] - 1, GENESIS_HASH))
        if event["seq"] == seq + 1:
            assert event["prev_hash"] == event_hash
        else:
            gaps.add(event["event_id"])
        ends[event["chain_id"]] = event["seq"], event["event_hash"]
    assert gaps == golden()["journal_gap"].matches
    assert len(ends) == HOUSES


def test_only_addresses_for_documentation_occur() -> None:
    documentation = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")
    addresses = {event["src_ip"] for event in corpus() if "src_ip" in event}
    addresses |= {line.partition(",")[0] for line in PLACES.read_text().splitlines()[1:]}
    assert not {address for address in addresses if not address.startswith(documentation)}


def _names(model: type[Record]) -> tuple[str, ...]:
    names: tuple[str, ...] = get_args(model.model_fields["event_name"].annotation)
    return names


def test_nothing_is_planted_as_a_case_and_as_a_near_miss() -> None:
    planted = Planted()
    planted.case("call_denied", ["a", "b"], "both")
    planted.near_miss("call_denied", ["b"], "neither")
    with pytest.raises(ValueError, match=r"call_denied: 2 matches, 1 near misses, both: \{'b'\}"):
        planted.as_json()
    with pytest.raises(ValueError, match="there is no rule call_denyed"):
        planted.case("call_denyed", ["a"], "a slip")


@pytest.mark.parametrize(
    ("expected", "decision", "gate", "reason_code", "kept"),
    [
        (TIER, "deny", "scope", "tier_too_low", True),
        (TIER, "deny", "scope", "scope_missing", False),
        (TIER, "allow", "none", "allowed", False),
        (ALLOWED, "allow", "none", "allowed", True),
        (ALLOWED, "deny", "rate_limit", "rate_exceeded", False),
    ],
)
def test_a_step_is_held_against_what_its_script_expects(
    expected: Expectation, decision: str, gate: str, reason_code: str, kept: bool
) -> None:
    assert keeps(expected, {"decision": decision, "gate": gate, "reason_code": reason_code}) is kept


def test_a_change_of_the_policy_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the policy has no 'no such text'"):
        policy({"no such text": "another"})
