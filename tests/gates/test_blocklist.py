from __future__ import annotations

import fnmatch
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Kind
from gatetrail.gates.blocklist import Blocklist
from gatetrail.gates.decision import PASS, Deny
from gatetrail.identity.caller import Anonymous
from gatetrail.identity.tiers import Tier
from gatetrail.policy.blocklist import BlockEntry
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller, gates_for

ENTRIES = """
blocklist:
  - {id: no-purge, tools: ["purge_*", "*wipe*"], reason: nobody purges}
  - {id: bob, users: [Bob], reason: left the company}
  - {id: ledger-it, data_domains: [LEDGER], departments: [it], reason: not theirs}
  - {id: closed, servers: ["pub*"], tools: [export], reason: closed, expires_at: 2026-01-01T00:00:00+01:00}
  - {id: later, servers: [public], tools: [export], reason: later}
  - {id: secret, tools: ["file:///secret/*"], reason: secret}
"""
EXPIRY_US = int(datetime(2025, 12, 31, 23, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.requirement("B6")
@pytest.mark.parametrize(
    ("tool", "server", "who", "rule"),
    [
        ("purge_all", "finance", caller(Tier.ADMIN), "no-purge"),
        ("PURGE_ALL", "finance", caller(), "no-purge"),
        ("do_wipe_now", "finance", caller(), "no-purge"),
        ("purge", "finance", caller(), None),
        ("read", "finance", caller(user="BOB"), "bob"),
        ("read", "finance", caller(user="bobby"), None),
        ("read", "finance", caller(department="IT"), "ledger-it"),
        ("read", "public", caller(department="it"), None),
        ("read", "finance", caller(department="finance"), None),
        ("export", "public", caller(), "closed"),
        ("read", "public", Anonymous(), None),
        ("export", "public", Anonymous(), "closed"),
    ],
)
def test_an_entry_denies_what_all_its_parts_fit(tool: str, server: str, who: Any, rule: str | None) -> None:
    decision = gates_for(ENTRIES).decide(call(tool, server), who, 0, 0.0)
    assert decision.rule_id == rule
    assert decision.allowed is (rule is None)
    if rule is not None:
        assert (decision.gate, decision.reason_code) == (GateName.BLOCKLIST, ReasonCode.BLOCKED)
        assert decision.reason.startswith(f"blocked by entry {rule!r}: ")


@pytest.mark.requirement("B6")
def test_an_entry_is_over_at_its_expiry_and_a_later_one_still_counts() -> None:
    gates = gates_for(ENTRIES)
    here = call("export", "public")
    assert gates.decide(here, caller(), EXPIRY_US - 1, 0.0).rule_id == "closed"
    assert gates.decide(here, caller(), EXPIRY_US, 0.0).rule_id == "later"
    assert gates.decide(here, caller(), EXPIRY_US - 1, 0.0).rule_id == "closed"


@pytest.mark.requirement("B6")
def test_resources_are_blocked_by_their_uri() -> None:
    gates = gates_for(ENTRIES)
    secret = call("file:///Secret/x", kind=Kind.RESOURCE, method="resources/read")
    assert gates.decide(secret, caller(Tier.ADMIN), 0, 0.0).rule_id == "secret"


def test_a_listing_is_not_blocked() -> None:
    gates = gates_for('blocklist: [{id: all, tools: ["*"], reason: maintenance}]\n')
    assert gates.decide(call("", kind=Kind.LISTING), caller(), 0, 0.0).allowed
    assert gates.decide(call(), caller(Tier.ADMIN), 0, 0.0).rule_id == "all"


NAMES = st.text("abAB", min_size=1, max_size=6)
PATTERNS = st.text("abAB*?", min_size=1, max_size=6)


def _some(names: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(names, max_size=2)


PARTS = st.fixed_dictionaries(
    {
        "tools": _some(PATTERNS),
        "servers": _some(PATTERNS),
        "users": _some(NAMES),
        "departments": _some(NAMES),
        "data_domains": _some(NAMES),
    }
).filter(lambda parts: any(parts.values()))


@pytest.mark.requirement("B6")
@given(st.lists(PARTS, max_size=12), NAMES, NAMES, NAMES, st.none() | NAMES, _some(NAMES))
def test_the_index_finds_what_looking_at_every_entry_finds(
    parts: list[dict[str, list[str]]],
    tool: str,
    server: str,
    user: str,
    department: str | None,
    domains: list[str],
) -> None:
    def fits(entry: dict[str, list[str]]) -> bool:
        def one_of(names: list[str], asked: list[str]) -> bool:
            return not names or any(
                fnmatch.fnmatchcase(name.lower(), pattern.lower()) for name in asked for pattern in names
            )

        return (
            one_of(entry["tools"], [tool])
            and one_of(entry["servers"], [server])
            and one_of(entry["users"], [user])
            and one_of(entry["departments"], [department] if department else [])
            and one_of(entry["data_domains"], domains)
        )

    entries = [
        BlockEntry.model_validate({"id": str(number), "reason": "x", **entry}) for number, entry in enumerate(parts)
    ]
    who = caller(user=user, department=department)
    result = Blocklist(entries).check(call(tool, server), who, tuple(domains), 0)
    expected = next((str(number) for number, entry in enumerate(parts) if fits(entry)), None)
    assert (result.rule_id if isinstance(result, Deny) else None) == expected
    assert (result is PASS) is (expected is None)


@pytest.mark.requirement("B7")
def test_long_names_are_not_kept() -> None:
    gates = gates_for('blocklist: [{id: one, tools: ["file:///secret/*"], reason: x}]\n')
    tracemalloc.start()
    try:
        for number in range(30):
            uri = f"file:///a/{number}/{'x' * 5_000}"
            gates.decide(call(uri, kind=Kind.RESOURCE, method="resources/read"), caller(), 0, 0.0)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 100_000
