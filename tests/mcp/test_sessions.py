"""Sessions bind who opened them, in both eras."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.client import Client
from mcp.client.sse import sse_client

from gatetrail.events.model import SessionStarted
from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.mcp.conftest import Gate, Site, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import HANDSHAKE, MODERN

pytestmark = pytest.mark.anyio


def denied_by_its_session(gate: Gate, answer: Any, session_id: str) -> None:
    decision = gate.decisions()[-1]
    assert (decision.decision, decision.gate, decision.tool_name) == ("deny", GateName.SCOPE, "pay")
    assert decision.reason_code is ReasonCode.SESSION_TIER_TOO_LOW
    assert (decision.required_tier, decision.actual_tier) == ("admin", "user")
    assert decision.session_id == session_id
    assert answer.error["code"] == 40301
    assert answer.error["data"]["reason_code"] == "session_tier_too_low"
    assert "requires tier admin, caller has user" in answer.error["message"]
    assert decision.execution_id in answer.error["message"]


@pytest.mark.requirement("B3")
async def test_an_analysts_session_with_an_admin_token_cannot_call_an_admin_tool(
    gate: Gate, sample: Sample, site: Site
) -> None:
    wire = await site.opened(HANDSHAKE, gate.token("ann", Tier.USER))
    assert wire.session_id
    wire.token = gate.token("ann", Tier.ADMIN)
    denied_by_its_session(gate, await wire.call("pay", {"amount": 1}), wire.session_id)
    assert sample.ran == []
    fresh = await site.opened(HANDSHAKE, wire.token)
    assert (await fresh.call("pay", {"amount": 1})).result
    assert sample.ran == ["pay"]


@pytest.mark.requirement("B3")
async def test_an_analysts_session_claim_with_an_admin_token_cannot_call_an_admin_tool(
    gate: Gate, sample: Sample, site: Site
) -> None:
    wire = site.client(MODERN, gate.token("ann", Tier.USER, session_id="s-1"))
    await wire.call("get_invoice", {"number": 1})
    wire.token = gate.token("ann", Tier.ADMIN, session_id="s-1")
    denied_by_its_session(gate, await wire.call("pay", {"amount": 1}), "s-1")
    assert sample.ran == ["get_invoice"]
    wire.token = gate.token("ann", Tier.ADMIN, session_id="s-2")
    assert (await wire.call("pay", {"amount": 1})).result


@pytest.mark.requirement("B3")
async def test_the_older_sse_transport_binds_its_sessions_too(gate: Gate) -> None:
    sample = build("mcpserver")
    gate.adapter.install(sample.server, name=NAME)
    headers = {"Authorization": f"Bearer {gate.token('ann', Tier.USER)}"}
    async with (
        serve(sample.server.sse_app()) as site,
        Client(sse_client(f"{site.url}/sse", headers=headers), mode="legacy") as client,
    ):
        await client.call_tool("get_invoice", {"number": 1})
    (decision,) = gate.decisions()
    assert decision.session_id in {event.session_id for event in gate.events() if isinstance(event, SessionStarted)}
    assert decision.user_id == "ann"


@pytest.mark.requirement("B3")
async def test_another_users_token_on_a_session_is_a_denial_and_an_event(
    gate: Gate, sample: Sample, site: Site
) -> None:
    wire = await site.opened(HANDSHAKE, gate.token("ann"))
    unknown = site.client(HANDSHAKE, gate.token("mallory"))
    unknown.session_id = "0" * 32
    not_there = await unknown.call("get_invoice", {"number": 1})
    wire.token = gate.token("mallory")
    stolen = await wire.call("get_invoice", {"number": 1})
    assert (stolen.status, stolen.message) == (not_there.status, not_there.message)
    assert sample.ran == []
    (decision,), (refusal,) = gate.decisions(), gate.refusals()
    assert decision.decision == "deny"
    assert decision.reason_code is ReasonCode.SESSION_OF_ANOTHER_USER
    assert (decision.tool_name, decision.session_id) == ("get_invoice", wire.session_id)
    assert (refusal.reason_code, refusal.claimed_user_id) == ("session_of_another_user", "mallory")
    assert refusal.session_id == wire.session_id


@pytest.mark.requirement("B3")
async def test_another_users_session_claim_is_a_denial(gate: Gate, sample: Sample, site: Site) -> None:
    ann = site.client(MODERN, gate.token("ann", session_id="s-1"))
    await ann.call("get_invoice", {"number": 1})
    mallory = site.client(MODERN, gate.token("mallory", session_id="s-1"))
    refused = await mallory.call("get_invoice", {"number": 1})
    assert refused.error["code"] == 40301
    decision = gate.decisions()[-1]
    assert decision.reason_code is ReasonCode.SESSION_OF_ANOTHER_USER
    assert decision.session_id == "s-1", "the row names the session that was tried"
    assert sample.ran == ["get_invoice"]


@pytest.mark.requirement("B3")
async def test_a_session_begins_only_when_it_is_recorded(gate: Gate, sample: Sample, site: Site) -> None:
    gate.sessions.away = True
    wire = site.client(HANDSHAKE, gate.token())
    answer = await wire.open()
    assert answer is not None
    assert answer.status == 503
    assert wire.session_id is None
    gate.sessions.away = False
    assert await wire.open()
    assert wire.session_id
    started = [event for event in gate.events() if isinstance(event, SessionStarted)]
    assert [(event.session_id, event.user_id, event.session_tier) for event in started] == [
        (wire.session_id, "ann", "user")
    ]
    assert sample.ran == []


@pytest.mark.requirement("B3")
async def test_a_session_id_that_a_client_makes_up_binds_nothing(gate: Gate, sample: Sample, site: Site) -> None:
    wire = site.client(MODERN, gate.token("ann", Tier.USER))
    wire.session_id = "made-up"
    await wire.call("get_invoice", {"number": 1})
    assert gate.decisions()[-1].session_id != "made-up"
    assert "made-up" not in {event.session_id for event in gate.events() if isinstance(event, SessionStarted)}
    assert sample.ran == ["get_invoice"]


@pytest.mark.requirement("A5")
async def test_one_token_is_one_session_where_nothing_else_names_one(gate: Gate, site: Site) -> None:
    wire = site.client(MODERN, gate.token())
    await wire.call("get_invoice", {"number": 1})
    await wire.call("get_invoice", {"number": 2})
    first, second = gate.decisions()
    assert first.session_id
    assert first.session_id == second.session_id
