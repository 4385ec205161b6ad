"""Entries of the blocklist that do nothing are told by the record."""

from __future__ import annotations

import pytest

from gatetrail.policy.covering import covered_entries
from gatetrail.policy.load import parse_policy
from gatetrail.words import GateName, GateOutcome, ReasonCode
from tests.cli.conftest import Gatetrail
from tests.cli.recorded import allowed, denied, record

POLICY = """
blocklist:
  - {id: used, tools: [purge], reason: x}
  - {id: unused, tools: [wipe], reason: x}
  - {id: covered, tools: [PURGE], users: [ann], reason: x}
  - {id: over, tools: [drop], reason: x, expires_at: 2020-01-01T00:00:00Z}
  - {id: tried, tools: [send], reason: x, shadow: true}
"""
BLOCKED = {
    "gate": GateName.BLOCKLIST,
    "reason_code": ReasonCode.BLOCKED,
    "gate_scope": GateOutcome.PASS,
    "gate_scanner": GateOutcome.PASS,
    "gate_blocklist": GateOutcome.DENY,
}


@pytest.mark.postgres
@pytest.mark.requirement("B7")
def test_check_tells_which_entries_have_matched(gatetrail: Gatetrail, dsn: str) -> None:
    (gatetrail.folder / "policy.yaml").write_text(POLICY)
    record(dsn, [*(denied(rule_id="used", **BLOCKED) for _ in range(3)), denied(rule_id="unused"), *allowed()])
    ran = gatetrail("policy", "check", "policy.yaml", "--usage", "--since", "2000-01-01T00:00:00Z", "--json")
    assert ran.code == 0
    _, *found = ran.objects
    told = {one["rule_id"]: one for one in found}
    assert [one["rule_id"] for one in found] == ["used", "unused", "covered", "over", "tried"]
    assert {name: one["matches"] for name, one in told.items() if one["matches"]} == {"used": 3}
    assert told["used"]["last_at"].endswith("Z")
    assert [name for name, one in told.items() if one["expired"]] == ["over"]
    assert [name for name, one in told.items() if one["shadow"]] == ["tried"]
    assert {name: one["covered_by"] for name, one in told.items() if one["covered_by"]} == {"covered": "used"}


@pytest.mark.postgres
@pytest.mark.requirement("B7")
def test_usage_for_people_and_of_a_time_in_which_nothing_was(gatetrail: Gatetrail, dsn: str) -> None:
    (gatetrail.folder / "policy.yaml").write_text(POLICY)
    record(dsn, [denied(rule_id="used", **BLOCKED)])
    lines = gatetrail("policy", "check", "policy.yaml", "--usage", "--since", "2000-01-01T00:00:00Z").out.splitlines()
    assert lines[1].startswith("in use   used: matched 1, last ")
    assert lines[2] == "unused   unused: never since 2000-01-01T00:00:00.000000Z"
    assert lines[3].endswith("covered by 'used', which comes first")
    nothing = gatetrail("policy", "check", "policy.yaml", "--usage", "--since", "2090-01-01T00:00:00Z").out
    assert "in use" not in nothing


def test_since_is_for_usage(offline: Gatetrail) -> None:
    (offline.folder / "policy.yaml").write_text(POLICY)
    ran = offline("policy", "check", "policy.yaml", "--since", "1d")
    assert (ran.code, ran.errors) == (2, ["--since is for --usage"])


def test_an_entry_is_covered_only_by_one_that_denies_all_that_it_denies() -> None:
    text = """
blocklist:
  - {id: all-x, servers: [x], reason: x}
  - {id: tool-on-x, tools: [t], servers: [X], reason: x}
  - {id: tool, tools: [t], reason: x}
  - {id: ends, tools: [e], reason: x, expires_at: 2030-01-01T00:00:00Z}
  - {id: after-end, tools: [e], reason: x}
  - {id: secret, tools: [s], reason: x, arguments: [{secrets: true}]}
  - {id: secret-of-ann, tools: [s], users: [ann], reason: x, arguments: [{secrets: true}]}
  - {id: all-of-s, tools: [s], reason: x}
"""
    entries = parse_policy(text, "policy.yaml").document.blocklist
    assert covered_entries(entries) == {"tool-on-x": "all-x", "secret-of-ann": "secret"}
