"""Differences are told in sentences, each once, in bounds, and without secrets."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.differences import MAX_SENTENCE_BYTES, MAX_SENTENCES, differences
from gatetrail.policy.load import parse_policy, version_of
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.showing import lists_changed
from gatetrail.policy.value_texts import value_text

TIERS: st.SearchStrategy[str] = st.sampled_from(("admin", "user", "service", "anonymous"))
NAMES: st.SearchStrategy[str] = st.sampled_from(("pay", "close_books", "read*", "a b", "*"))
TOOLS: Any = st.dictionaries(
    NAMES, st.fixed_dictionaries({}, optional={"tier": TIERS, "time_limit_ms": st.integers(1, 9)}), max_size=3
)
SERVER: Any = st.fixed_dictionaries({"tools": TOOLS}, optional={"tier": TIERS})
SERVERS: Any = st.dictionaries(st.sampled_from(("finance", "hr")), SERVER)
BLOCKED: Any = st.lists(st.sampled_from(("x", "y", "z")), unique=True).map(
    lambda ids: [{"id": name, "tools": [name], "reason": "no"} for name in ids]
)
POLICIES: Any = st.fixed_dictionaries({"servers": SERVERS, "blocklist": BLOCKED})


def document(text: str) -> PolicyDocument:
    return parse_policy(text, "policy.yaml").document


def written(data: dict[str, Any]) -> PolicyDocument:
    return document(yaml.safe_dump(data, sort_keys=False))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "servers: {finance: {tools: {close_books: {tier: admin}}}}",
            "servers: {finance: {tools: {close_books: {tier: user}}}}",
            ("servers.finance.tools.close_books.tier: admin → user",),
        ),
        (
            "blocklist: []",
            "blocklist: [{id: x, tools: ['pay*'], reason: audit of May}]",
            ("blocklist entry 'x' added: tools pay*; reason 'audit of May'",),
        ),
        (
            "blocklist: [{id: x, tools: [pay], reason: r}]",
            "blocklist: [{id: x, tools: [pay], reason: r, expires_at: '2026-05-01T00:00:00Z'}]",
            ("blocklist entry 'x': expires_at: not set → 2026-05-01T00:00:00+00:00",),
        ),
        (
            "blocklist: [{id: x, tools: [pay], reason: r}]",
            "{version: 1}",
            ("blocklist entry 'x' removed: tools pay; reason r",),
        ),
        (
            "servers: {finance: {scopes: [a, b]}}",
            "servers: {finance: {scopes: [b, c]}}",
            ("servers.finance.scopes: a removed", "servers.finance.scopes: c added"),
        ),
        ("servers: {finance: {}}", "servers: {finance: {scopes: [a]}}", ("servers.finance.scopes: not set → a",)),
        (
            "rate_limits: {base_per_s: {mcp: 5}}",
            "rate_limits: {base_per_s: {mcp: 7.5, oauth: 1}}",
            ("rate_limits.base_per_s.mcp: 5.0 → 7.5", "rate_limits.base_per_s.oauth added: 1.0"),
        ),
        ("identity: {anonymous: true}", "identity: {anonymous: false}", ("identity.anonymous: true → false",)),
        (
            "servers: {finance: {tools: {'a*': {}, '*': {tier: admin}}}}",
            "servers: {finance: {tools: {'*': {tier: admin}, 'a*': {}}}}",
            ("servers.finance.tools: in another order",),
        ),
        (
            "redaction: {arguments: [{path: card.number}]}",
            "redaction: {arguments: [{path: card.number, action: drop}]}",
            ("redaction.arguments entry 'card.number': action: not set → drop",),
        ),
    ],
)
def test_each_difference_is_a_sentence(old: str, new: str, told: tuple[str, ...]) -> None:
    assert differences(document(old), document(new)) == told


@given(POLICIES, POLICIES)
def test_there_are_differences_exactly_when_the_versions_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = written(old), written(new)
    told = differences(before, after)
    assert bool(told) is (version_of(before) != version_of(after))
    assert len(told) <= MAX_SENTENCES
    assert all(len(sentence.encode()) <= MAX_SENTENCE_BYTES for sentence in told)


def test_many_differences_are_counted() -> None:
    entries = [{"id": f"e{number}", "tools": ["x" * 200], "reason": "ö" * 300} for number in range(500)]
    told = differences(PolicyDocument(), written({"blocklist": entries}))
    assert len(told) == MAX_SENTENCES
    assert told[-1] == "and 481 more differences"
    assert sum(len(sentence.encode()) for sentence in told) < 3_500


def test_long_lists_of_others_are_compared_in_linear_time() -> None:
    def of(first: int) -> PolicyDocument:
        users = tuple(f"u{first + number}" for number in range(50_000))
        return PolicyDocument(blocklist=(BlockEntry(id="a", users=users, reason="r"),))

    before, after, began_s = of(0), of(50_000), time.process_time()
    assert differences(before, after)[-1] == "and 99981 more differences"
    assert time.process_time() - began_s < 15, "a minute and more when each is compared with each"


@pytest.mark.parametrize(
    ("place", "value", "shown"),
    [
        ("hooks.url", "https://ann:pw@hooks.example.com/services/T0/B0/verysecret?x=1", "https://hooks.example.com/…"),
        ("hooks.headers.x", "Bearer abc", "(not told)"),
        ("hooks.secret", "abc", "(not told)"),
        ("proxies.hmac_key", "abc", "(not told)"),
        ("redaction.patterns", "emp-[0-9]{6}", "emp-[0-9]{6}"),
    ],
)
def test_secrets_are_not_told(place: str, value: str, shown: str) -> None:
    assert value_text(place, value) == shown


@pytest.mark.parametrize(
    ("new", "kinds"),
    [
        ("servers: {finance: {tools: {pay: {tier: user}}}}", {"finance": {"tool"}}),
        ("servers: {finance: {tools: {pay: {tier: admin, time_limit_ms: 5}}}}", {}),
        ("servers: {finance: {tier: admin, tools: {pay: {tier: admin}}}}", {"finance": {"tool", "resource", "prompt"}}),
        (
            "servers: {finance: {unlisted: deny, tools: {pay: {tier: admin}}}}",
            {"finance": {"tool", "resource", "prompt"}},
        ),
        ("servers: {finance: {tools: {pay: {tier: admin}}, prompts: {p: {scopes: [s]}}}}", {"finance": {"prompt"}}),
        ("servers: {finance: {tools: {pay: {tier: admin}}}, hr: {}}", {"hr": {"tool", "resource", "prompt"}}),
        ("{version: 1}", {"finance": {"tool", "resource", "prompt"}}),
        ("{servers: {finance: {tools: {pay: {tier: admin}}}}, blocklist: [{id: x, tools: [pay], reason: r}]}", {}),
    ],
)
def test_lists_change_only_with_what_decides_on_who_sees_a_name(new: str, kinds: dict[str, set[str]]) -> None:
    old = document("servers: {finance: {tools: {pay: {tier: admin}}}}")
    found = lists_changed(old, document(new))
    assert {name: {kind.value for kind in found[name]} for name in found} == kinds
