from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.call import Kind
from gatetrail.identity.caller import Anonymous, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import LEVELS, Tier, lowest
from gatetrail.words import GateName, ReasonCode
from tests.gates.making import call, caller, gates_for

EXPORTER = caller(scopes=frozenset({"finance:read", "finance:export"}))
FORGED = Refused(IdentityRefusal.SIGNATURE_INVALID, "the token's signature does not fit")
STRANGER = Refused(IdentityRefusal.SESSION_OF_ANOTHER_USER, "the session belongs to another user")


@pytest.mark.requirement("B2")
def test_a_denial_names_required_and_actual_tier() -> None:
    decision = gates_for().decide(call("delete_invoice"), caller(), 0, 0.0)
    assert not decision.allowed
    assert decision.gate is GateName.SCOPE
    assert decision.reason_code is ReasonCode.TIER_TOO_LOW
    assert decision.reason == "requires tier admin, caller has user"
    assert (decision.required_tier, decision.actual_tier) == (Tier.ADMIN, Tier.USER)


@pytest.mark.requirement("B2")
@pytest.mark.parametrize(
    ("who", "tool", "reason_code", "said"),
    [
        (caller(), "export", ReasonCode.SCOPE_MISSING, "finance:export, finance:read"),
        (
            caller(scopes=frozenset({"finance:read"})),
            "export",
            ReasonCode.SCOPE_MISSING,
            "caller lacks finance:export",
        ),
        (caller(Tier.ADMIN), "export", ReasonCode.SCOPE_MISSING, "caller lacks finance:export"),
        (caller(), "audit", ReasonCode.AUDIENCE_WRONG, "audience audit-api"),
        (caller(), "payroll", ReasonCode.DEPARTMENT_WRONG, "finance or people, caller has none"),
        (caller(department="it"), "payroll", ReasonCode.DEPARTMENT_WRONG, "caller has it"),
        (Anonymous(), "read", ReasonCode.TIER_TOO_LOW, "requires tier user, caller has anonymous"),
        (Anonymous(), "export", ReasonCode.TIER_TOO_LOW, "requires tier user"),
        (FORGED, "read", ReasonCode.IDENTITY_REFUSED, "signature"),
        (STRANGER, "read", ReasonCode.SESSION_OF_ANOTHER_USER, "another user"),
    ],
)
def test_what_is_missing_is_named(who: Caller, tool: str, reason_code: ReasonCode, said: str) -> None:
    decision = gates_for().decide(call(tool), who, 0, 0.0)
    assert decision.gate is GateName.SCOPE
    assert decision.reason_code is reason_code
    assert said in decision.reason


@pytest.mark.requirement("B2")
@pytest.mark.parametrize(
    ("who", "tool"),
    [
        (caller(), "read"),
        (caller(Tier.ADMIN), "delete_invoice"),
        (EXPORTER, "export"),
        (caller(audiences=frozenset({"gatetrail", "audit-api"})), "audit"),
        (caller(department="people"), "payroll"),
        (Anonymous(), "ask"),
    ],
)
def test_who_has_all_passes(who: Caller, tool: str) -> None:
    assert gates_for().decide(call(tool), who, 0, 0.0).allowed


@pytest.mark.requirement("C1")
@given(st.sampled_from(Tier), st.sampled_from(Tier))
def test_a_tier_passes_exactly_what_its_level_reaches(required: Tier, actual: Tier) -> None:
    gates = gates_for(f"  asked: {{tier: {required.value}}}\n")
    decision = gates.decide(call(server="asked"), caller(actual), 0, 0.0)
    assert decision.allowed is (LEVELS[actual] >= LEVELS[required])
    assert decision.required_tier is required
    assert decision.actual_tier is actual
    if not decision.allowed:
        assert decision.reason_code is ReasonCode.TIER_TOO_LOW


@pytest.mark.requirement("C1")
def test_six_tiers_have_six_levels() -> None:
    assert {tier.value: tier.level for tier in Tier} == {
        "admin": 100,
        "user": 50,
        "service": 40,
        "a2a": 30,
        "mcp": 20,
        "anonymous": 10,
    }
    assert lowest(Tier.ADMIN, Tier.SERVICE, Tier.USER) is Tier.SERVICE


def test_a_session_that_lowers_the_tier_is_told_openly() -> None:
    lowered = caller(Tier.USER, token_tier=Tier.ADMIN)
    decision = gates_for().decide(call("delete_invoice"), lowered, 0, 0.0)
    assert decision.reason_code is ReasonCode.SESSION_TIER_TOO_LOW
    assert decision.reason.startswith("requires tier admin, caller has user in this session")
    assert not decision.concealed


@pytest.mark.requirement("C2")
def test_a_tool_beyond_the_proof_answers_like_one_that_does_not_exist() -> None:
    gates = gates_for()
    hidden = gates.decide(call("delete_invoice"), caller(), 0, 0.0)
    unknown = gates.decide(call("nothing", known=False), caller(), 0, 0.0)
    assert hidden.concealed
    assert unknown.concealed
    assert unknown.reason_code is ReasonCode.UNKNOWN_TOOL
    assert not gates.decide(call("drop", "open"), caller(), 0, 0.0).concealed
    assert gates.decide(call("drop", "open", known=False), caller(), 0, 0.0).concealed
    assert not gates.decide(call("delete_invoice"), FORGED, 0, 0.0).concealed


@pytest.mark.requirement("C2")
def test_a_list_shows_what_the_proof_reaches_whatever_the_session() -> None:
    gates = gates_for()
    lowered = caller(Tier.USER, token_tier=Tier.ADMIN)

    def visible(who: Caller, name: str, server: str = "finance") -> bool:
        return gates.visible(who, server, Kind.TOOL, name)

    assert visible(lowered, "delete_invoice")
    assert not visible(caller(), "delete_invoice")
    assert visible(caller(), "read")
    assert not visible(caller(), "export")
    assert visible(EXPORTER, "export")
    assert not visible(Anonymous(), "read")
    assert visible(Anonymous(), "ask")
    assert not visible(FORGED, "ask")
    assert not visible(caller(Tier.ADMIN), "other", "strict")
    assert visible(caller(), "listed", "strict")
    assert not visible(caller(Tier.ADMIN), "read", "nowhere")


def test_unlisted_tools_of_a_strict_server_do_not_exist() -> None:
    decision = gates_for().decide(call("other", "strict"), caller(Tier.ADMIN), 0, 0.0)
    assert (decision.reason_code, decision.concealed) == (ReasonCode.UNKNOWN_TOOL, True)
    assert gates_for().decide(call("listed", "strict"), caller(), 0, 0.0).allowed


def test_an_unknown_server_has_nothing_to_require() -> None:
    decision = gates_for().decide(call(server="nowhere"), caller(Tier.ADMIN), 0, 0.0)
    assert (decision.reason_code, decision.required_tier) == (ReasonCode.UNKNOWN_SERVER, None)
    assert gates_for().decide(call(server="nowhere"), FORGED, 0, 0.0).reason_code is (ReasonCode.IDENTITY_REFUSED)


def test_methods_pass_only_when_the_policy_names_them() -> None:
    gates = gates_for()
    allowed = call("tasks/get", kind=Kind.METHOD, method="tasks/get")
    denied = replace(allowed, method="tasks/cancel", tool_name="tasks/cancel")
    assert gates.decide(allowed, caller(), 0, 0.0).allowed
    assert not gates.decide(allowed, Anonymous(), 0, 0.0).allowed
    decision = gates.decide(denied, caller(Tier.ADMIN), 0, 0.0)
    assert decision.reason_code is ReasonCode.METHOD_NOT_ALLOWED
    assert (decision.required_tier, decision.concealed) == (None, False)


def test_a_listing_asks_for_no_tier_but_for_an_unrefused_identity() -> None:
    gates = gates_for()
    listing = call("", kind=Kind.LISTING, method="tools/list")
    assert gates.decide(listing, Anonymous(), 0, 0.0).allowed
    assert gates.decide(listing, FORGED, 0, 0.0).reason_code is ReasonCode.IDENTITY_REFUSED
    elsewhere = replace(listing, server_name="nowhere")
    assert gates.decide(elsewhere, caller(), 0, 0.0).reason_code is ReasonCode.UNKNOWN_SERVER
