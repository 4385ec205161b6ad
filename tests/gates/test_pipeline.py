from __future__ import annotations

import gc
import weakref
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.gates.decision import Decision
from gatetrail.gates.pipeline import OUTCOMES, Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Anonymous, Authenticated, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.words import GateName, GateOutcome, ReasonCode
from tests.gates.making import POLICY, call, caller, gates_for

ALL_GATES = """
scanner: {caller_burst: {limit: 1000, window_ms: 1000}}
blocklist: [{id: no-read, tools: [blocked], reason: closed}]
rate_limits: {base_per_s: {mcp: 0.001}, burst_multiplier: 1}
"""
ORDER = [GateName.SCOPE, GateName.SCANNER, GateName.BLOCKLIST, GateName.RATE_LIMIT]
NOW_US = 1_800_000_000_000_000

NAMES = st.sampled_from(["read", "blocked", "delete_invoice", "export", "ask", "", "\udcff", "é" * 99])
SERVERS = st.sampled_from(["finance", "open", "strict", "public", "model", "nowhere", ""])
TEXTS = st.none() | st.sampled_from(["/.env", "/mcp/x", "sqlmap/1", "curl/8", "\x00", "::1", "\udcff"])
CALLS = st.builds(
    Call,
    SERVERS,
    NAMES,
    st.just(Ids("a" * 32)),
    st.sampled_from(Kind),
    st.sampled_from(["tools/call", "tasks/get", "x"]),
    known=st.booleans(),
    origin=st.builds(Origin, TEXTS, TEXTS, TEXTS),
)
TIERS = st.sampled_from(Tier)
SCOPES = st.frozensets(st.sampled_from(["finance:read", "finance:export"]))


@st.composite
def proven_callers(draw: st.DrawFn) -> Authenticated:
    return caller(
        draw(TIERS),
        draw(st.sampled_from(["ann", "bob"])),
        token_tier=draw(TIERS),
        scopes=draw(SCOPES),
        department=draw(st.sampled_from([None, "finance", "it"])),
    )


PROVEN = proven_callers()
CALLERS: st.SearchStrategy[Caller] = (
    PROVEN | st.just(Anonymous()) | st.builds(Refused, st.sampled_from(IdentityRefusal), st.just("no"))
)


def outcomes(decision: Decision) -> tuple[GateOutcome, ...]:
    return decision.scope, decision.scanner, decision.blocklist, decision.rate_limit


@pytest.mark.requirement("B1", "B10")
@given(st.lists(st.tuples(CALLS, CALLERS), min_size=1, max_size=8))
def test_there_is_no_middle_state(asked: list[tuple[Call, Caller]]) -> None:
    gates = gates_for(ALL_GATES)
    for one, who in asked:
        decision = gates.decide(one, who, NOW_US, 0.0)
        assert decision.allowed is (decision.gate is GateName.NONE)
        assert decision.allowed is (decision.reason_code is ReasonCode.ALLOWED)
        assert outcomes(decision) == OUTCOMES[decision.gate]
        assert outcomes(decision).count(GateOutcome.DENY) == (0 if decision.allowed else 1)
        assert (decision.retry_after_ms is not None) is (decision.gate is GateName.RATE_LIMIT)
        assert decision.reason
        assert decision.policy_version == gates.policy.version
        assert decision.time_limit_ms > 0
        assert not decision.concealed or decision.gate is GateName.SCOPE
        assert not (decision.allowed and isinstance(who, Refused))


@pytest.mark.requirement("B1")
@given(st.sets(st.sampled_from(ORDER)))
def test_the_first_gate_that_denies_wins(denying: set[GateName]) -> None:
    gates = gates_for(ALL_GATES)
    tool = "blocked" if GateName.BLOCKLIST in denying else "read"
    agent = "nikto" if GateName.SCANNER in denying else "curl/8"
    if GateName.RATE_LIMIT in denying:
        gates.decide(call(), caller(), NOW_US, 0.0)
    who = caller(Tier.MCP if GateName.SCOPE in denying else Tier.USER)
    decision = gates.decide(call(tool, user_agent=agent), who, NOW_US, 0.0)
    first = next((gate for gate in ORDER if gate in denying), GateName.NONE)
    assert decision.gate is first
    assert outcomes(decision) == OUTCOMES[first]


@pytest.mark.requirement("B1")
def test_outcomes_stand_in_the_fixed_order() -> None:
    for position, gate in enumerate(ORDER):
        passed = (GateOutcome.PASS,) * position
        skipped = (GateOutcome.SKIPPED,) * (len(ORDER) - position - 1)
        assert OUTCOMES[gate] == (*passed, GateOutcome.DENY, *skipped)


def test_a_denied_call_takes_no_token() -> None:
    gates = gates_for(ALL_GATES)
    for denied in (call("delete_invoice"), call("blocked"), call(user_agent="nmap")):
        assert not gates.decide(denied, caller(), NOW_US, 0.0).allowed
    assert gates.decide(call(), caller(), NOW_US, 0.0).allowed
    assert gates.decide(call(), caller(), NOW_US, 0.0).gate is GateName.RATE_LIMIT


@pytest.mark.requirement("C1")
@given(CALLS, PROVEN, TIERS)
def test_a_higher_tier_never_loses_what_a_lower_one_may(one: Call, who: Authenticated, other: Tier) -> None:
    low, high = sorted((who.tier, other), key=lambda tier: tier.level)
    asked = [
        gates_for().decide(one, caller(tier, scopes=who.scopes, department=who.department), 0, 0.0)
        for tier in (low, high)
    ]
    assert asked[1].allowed or not asked[0].allowed


@pytest.mark.requirement("C2")
@given(CALLS, CALLERS)
def test_what_a_list_hides_can_never_be_called(one: Call, who: Caller) -> None:
    gates = gates_for()
    if one.kind in (Kind.TOOL, Kind.RESOURCE, Kind.PROMPT):
        decision = gates.decide(one, who, 0, 0.0)
        shown = gates.visible(who, one.server_name, one.kind, one.tool_name)
        assert shown or not decision.allowed or tier_above_proof(who)


def tier_above_proof(who: Caller) -> bool:
    """True for callers that the session door never makes: their tier is above their token's."""
    return not isinstance(who, (Anonymous, Refused)) and who.tier.level > who.token_tier.level


@given(CALLS, CALLERS)
def test_the_same_question_has_the_same_answer(one: Call, who: Caller) -> None:
    policy = parse_policy(POLICY + ALL_GATES, "test")
    watches = [count(0, 1000).__next__ for _ in range(2)]
    answers = [Gates(policy, GateState(), watch).decide(one, who, NOW_US, 0.0) for watch in watches]
    assert answers[0] == answers[1]
    assert answers[0].decision_us == 1


def test_a_decision_carries_what_the_handler_and_the_record_need() -> None:
    gates = gates_for("default_time_limit_ms: 1234\n")
    decision = gates.decide(call(), caller(), 0, 0.0)
    assert decision.allowed
    assert decision.data_domains == ("ledger",)
    assert decision.endpoint == "mcp"
    assert decision.time_limit_ms == 1234
    assert decision.required_tier is Tier.USER
    model = gates.decide(call(server="model"), Anonymous(), 0, 0.0)
    assert (model.endpoint, model.actual_tier) == ("inference", Tier.ANONYMOUS)


def test_gates_of_policies_before_leave_nothing_behind() -> None:
    """Each has memories of its own; a thousand changes of the policy must not keep a thousand of them."""
    state = GateState()

    def of(number: int) -> weakref.ref[Gates]:
        tried = parse_policy(f"servers: {{finance: {{time_limit_ms: {number + 1}}}}}", "tried")
        text = f"{ALL_GATES}servers: {{finance: {{tools: {{'x{number}*': {{}}}}}}}}"
        gates = Gates(parse_policy(text, "test"), state, shadow_policy=tried)
        decision = gates.decide(call("read"), caller(), NOW_US, float(number))
        gates.beside(call("read"), caller(), decision, NOW_US, float(number))
        return weakref.ref(gates)

    former = [of(number) for number in range(20)]
    gc.collect()
    assert [found for found in former if found() is not None] == []
