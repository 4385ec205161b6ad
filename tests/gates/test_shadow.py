"""What is only tried: it says what it would have said, and nothing follows from it."""

from __future__ import annotations

import pytest

from gatetrail.call import Kind
from gatetrail.gates.decision import Verdict
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.caller import Anonymous
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import PolicyDocument
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller

pytestmark = pytest.mark.requirement("D7")

NOW_US = 1_800_000_000_000_000


def gates(text: str, tried: str | None = None) -> Gates:
    shadow_policy = parse_policy(tried, "tried") if tried is not None else None
    return Gates(parse_policy(text, "test"), GateState(), shadow_policy=shadow_policy)


def both(made: Gates, *asked: object, now_s: float = 0.0, **words: object) -> tuple[GateName, Verdict | None]:
    """Who denied, and what a shadow says."""
    one = call(*asked, **words)  # type: ignore[arg-type]
    decision = made.decide(one, caller(), NOW_US, now_s)
    return decision.gate, made.beside(one, caller(), decision, NOW_US, now_s)


def test_a_marked_blocklist_entry_denies_nothing_and_says_what_it_would_have_denied() -> None:
    made = gates(
        """
servers: {finance: {}}
blocklist:
  - {id: no-exports, tools: ["export*"], reason: leaves the house, shadow: true}
"""
    )
    gate, verdict = both(made, "export_ledger")
    assert gate is GateName.NONE
    assert verdict is not None
    assert (verdict.gate, verdict.reason_code) == (GateName.BLOCKLIST, ReasonCode.BLOCKED)
    assert (verdict.rule_id, verdict.policy_version) == ("no-exports", None)
    assert both(made, "read") == (GateName.NONE, None)


def test_what_is_denied_anyway_is_no_news_of_an_entry() -> None:
    made = gates(
        """
servers: {finance: {tools: {export: {tier: admin}}}}
blocklist: [{id: no-exports, tools: [export], reason: leaves the house, shadow: true}]
"""
    )
    assert both(made, "export") == (GateName.SCOPE, None)


@pytest.mark.parametrize("where", ["{shadow: DEMAND}", "{tools: {read: {shadow: DEMAND}}}"])
@pytest.mark.parametrize(
    ("demand", "reason_code"),
    [
        ("{tier: admin}", ReasonCode.TIER_TOO_LOW),
        ('{scopes: ["finance:read"]}', ReasonCode.SCOPE_MISSING),
        ("{audience: audit-api}", ReasonCode.AUDIENCE_WRONG),
        ("{departments: [people]}", ReasonCode.DEPARTMENT_WRONG),
    ],
)
def test_a_marked_requirement_is_told_and_not_asked_for(where: str, demand: str, reason_code: ReasonCode) -> None:
    made = gates(f"servers: {{finance: {where.replace('DEMAND', demand)}}}")
    gate, verdict = both(made, "read")
    assert gate is GateName.NONE
    assert verdict is not None
    assert (verdict.gate, verdict.reason_code) == (GateName.SCOPE, reason_code)


@pytest.mark.parametrize(
    "text",
    [
        "servers: {finance: {tier: user, shadow: {tier: anonymous}}}",
        "servers: {finance: {scopes: [a], shadow: {scopes: []}}}",
        "servers: {finance: {tools: {'*': {tier: admin}, read: {tier: admin, shadow: {tier: anonymous}}}}}",
        # Entries that say nothing but `shadow` neither list a tool nor come before a glob.
        "servers: {finance: {unlisted: deny, tools: {read: {shadow: {tier: user}}}}}",
        "servers: {finance: {tools: {'rea*': {shadow: {tier: user}}, '*': {tier: admin}}}}",
        "servers: {finance: {tools: {read: {shadow: {scopes: [a]}}, '*': {tier: admin}}}}",
    ],
)
def test_a_mark_never_loosens(text: str) -> None:
    made = gates(text)
    gate, verdict = both(made, "read") if "tier: user, shadow" not in text else (GateName.SCOPE, None)
    assert (gate, verdict) == (GateName.SCOPE, None)
    decision = made.decide(call("read"), Anonymous(), NOW_US, 0.0)
    assert not decision.allowed
    assert made.beside(call("read"), Anonymous(), decision, NOW_US, 0.0) is None


def test_nothing_that_is_marked_is_shown_or_hidden() -> None:
    made = gates("servers: {finance: {tools: {read: {shadow: {tier: admin}}, '*': {tier: user}}}}")
    assert made.visible(caller(), "finance", Kind.TOOL, "read")


def test_marked_rates_have_buckets_of_their_own() -> None:
    made = gates("servers: {finance: {}}\nrate_limits: {shadow: {base_per_s: {mcp: 1}, burst_multiplier: 2}}")
    told = [both(made, "read")[1] for _ in range(4)]
    assert [verdict and verdict.reason_code for verdict in told] == [None, None, *[ReasonCode.RATE_EXCEEDED] * 2]
    assert both(made, "read", now_s=1.0) == (GateName.NONE, None)


def test_marked_bursts_have_windows_of_their_own() -> None:
    made = gates("servers: {finance: {}}\nscanner: {shadow: {caller_burst: {limit: 2, window_ms: 1000}}}")
    told = [both(made, "read")[1] for _ in range(3)]
    assert [verdict and verdict.reason_code for verdict in told] == [None, None, ReasonCode.BURST]


def test_a_whole_policy_is_decided_beside_both_ways() -> None:
    made = gates(
        "servers: {finance: {tools: {pay: {tier: admin}}}}",
        "servers: {finance: {tools: {read: {tier: admin}}}}",
    )
    assert made.shadow_policy is not None
    version = made.shadow_policy.version
    gate, verdict = both(made, "read")
    assert gate is GateName.NONE
    assert verdict is not None
    assert (verdict.gate, verdict.policy_version) == (GateName.SCOPE, version)
    gate, verdict = both(made, "pay")
    assert gate is GateName.SCOPE
    assert verdict is not None
    assert (verdict.gate, verdict.reason_code, verdict.policy_version) == (GateName.NONE, ReasonCode.ALLOWED, version)
    assert both(made, "other") == (GateName.NONE, None)


def test_another_reason_to_deny_is_told_as_well() -> None:
    made = gates(
        "servers: {finance: {tools: {pay: {tier: admin}}}}",
        "servers: {finance: {}}\nblocklist: [{id: no-pay, tools: [pay], reason: for now}]",
    )
    gate, verdict = both(made, "pay")
    assert gate is GateName.SCOPE
    assert verdict is not None
    assert verdict.rule_id == "no-pay"


def test_what_is_marked_in_the_policy_that_is_tried_is_not_tried() -> None:
    tried = "servers: {finance: {}}\nblocklist: [{id: later, tools: [read], reason: later, shadow: true}]"
    assert both(gates("servers: {finance: {}}", tried), "read") == (GateName.NONE, None)


def test_the_whole_policy_is_told_before_an_entry_and_an_entry_where_the_policy_says_the_same() -> None:
    marked = "servers: {finance: {}}\nblocklist: [{id: soon, tools: ['*'], reason: soon, shadow: true}]"
    made = gates(marked, "servers: {finance: {tools: {pay: {tier: admin}}}}")
    _, verdict = both(made, "pay")
    assert verdict is not None
    assert verdict.gate is GateName.SCOPE
    _, verdict = both(made, "read")
    assert verdict is not None
    assert (verdict.rule_id, verdict.policy_version) == ("soon", None)


SAME_RATES = "rate_limits: {base_per_s: {mcp: 1}, burst_multiplier: 1}"


def test_the_same_limits_are_never_a_difference_although_the_shadow_counts_by_itself() -> None:
    """The bucket of the policy in force was used before the other one was tried."""
    state, text = GateState(), f"servers: {{finance: {{}}}}\n{SAME_RATES}"
    before = Gates(parse_policy(text, "test"), state)
    assert before.decide(call("read"), caller(), NOW_US, 0.0).allowed
    tried = parse_policy(f"servers: {{finance: {{tools: {{pay: {{tier: admin}}}}}}}}\n{SAME_RATES}", "tried")
    made = Gates(parse_policy(text, "test"), state, shadow_policy=tried)
    assert both(made, "read") == (GateName.RATE_LIMIT, None)
    assert both(made, "read", now_s=1.0) == (GateName.NONE, None)


def test_a_limit_of_one_tool_is_a_difference() -> None:
    tried = "servers: {finance: {tools: {read: {rate_per_s: 1}}}}\nrate_limits: {burst_multiplier: 1}"
    made = gates("servers: {finance: {}}\nrate_limits: {burst_multiplier: 1}", tried)
    assert both(made, "read") == (GateName.NONE, None)
    gate, verdict = both(made, "read")
    assert gate is GateName.NONE
    assert verdict is not None
    assert verdict.gate is GateName.RATE_LIMIT


def test_counts_of_a_shadow_outlive_its_policy() -> None:
    state, tried = GateState(), parse_policy(f"servers: {{finance: {{}}}}\n{SAME_RATES}", "tried")
    policy = parse_policy("servers: {finance: {}}", "test")
    assert both(Gates(policy, state, shadow_policy=tried), "read")[1] is None
    _, verdict = both(Gates(policy, state, shadow_policy=tried), "read")
    assert verdict is not None
    assert verdict.gate is GateName.RATE_LIMIT


def test_a_store_of_rates_that_is_away_is_away_for_what_is_tried_as_well() -> None:
    policy, looser = parse_policy("servers: {finance: {}}", "test"), "rate_limits: {base_per_s: {mcp: 999}}"
    for tried, gate in ((f"servers: {{finance: {{}}}}\n{looser}", None), ("servers: {}", GateName.SCOPE)):
        made = Gates(policy, GateState(rates_are_shared=True), shadow_policy=parse_policy(tried, "tried"))
        allowed = made.decide(call("read"), caller(), NOW_US, 0.0)
        away = made.limited(call("read"), caller(), allowed, None)
        assert away.reason_code is ReasonCode.RATE_STORE_AWAY
        verdict = made.beside(call("read"), caller(), away, NOW_US, 0.0)
        assert (verdict and verdict.gate) == gate


def test_a_policy_without_marks_is_decided_as_it_stands() -> None:
    made = gates("servers: {finance: {}}")
    assert not made.has_shadows
    assert PolicyDocument().rate_limits.shadow is None
    assert made.decide(call("read"), caller(Tier.USER), NOW_US, 0.0).shadow is None
