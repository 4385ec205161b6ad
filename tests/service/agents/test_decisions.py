"""An agent's own tools pass the same four gates, and what the agent says of itself counts for nothing."""

from __future__ import annotations

import asyncio

import pytest

from gatetrail.identity.tiers import Tier
from gatetrail.words import GateName, ReasonCode
from tests.service.agents.conftest import Agent, agent_of, denial_in
from tests.service.api.conftest import Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("A9")]


async def test_silence_leaves_an_allowed_use_to_the_agents_own_rules(service: Service) -> None:
    agent = agent_of(service, "s-allowed")
    answer = await agent.asks(tool_input={"command": "ls"})
    assert denial_in(answer) is None
    (decided,) = await agent.decisions()
    assert answer.headers["gatetrail-decision"] == decided.execution_id
    assert (decided.decision, decided.server_name, decided.tool_name) == ("allow", "claude-code", "Bash")
    assert (decided.method, decided.call_id, decided.user_id) == ("hooks/pre_tool_use", "toolu_1", "ann")
    assert (decided.client_id, decided.context_id) == ("claude-code", "s-allowed")
    assert await agent.rows() == [("Bash", "pending", None)]


async def test_the_decision_is_in_the_record_before_the_answer_leaves(service: Service) -> None:
    agent = agent_of(service, "s-before")
    for number in range(5):
        answer = await agent.asks(use_id=f"toolu_{number}")
        assert len(await agent.rows()) == number + 1
        assert answer.headers["gatetrail-decision"] in {one.execution_id for one in await agent.decisions()}


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("Write", ("scope gate", "requires tier admin, caller has user")),
        ("mcp__ledger__post", ("scope gate", "requires scope ledger")),
        ("WebFetch", ("blocklist gate", "the web is not for this agent")),
    ],
)
async def test_a_denial_tells_the_agent_gate_reason_and_decision(
    service: Service, tool: str, words: tuple[str, str]
) -> None:
    agent = agent_of(service, f"s-denied-{tool}")
    answer = await agent.asks(tool)
    reason = denial_in(answer) or ""
    (decided,) = await agent.decisions()
    assert all(word in reason for word in words)
    assert f"(decision {decided.execution_id})" in reason
    assert answer.headers["gatetrail-decision"] == decided.execution_id
    assert await agent.rows() == [(tool, "denied", None)]


async def test_what_an_agent_says_of_itself_raises_nothing(service: Service) -> None:
    agent = agent_of(service, "s-claims")
    answer = await agent.asks(
        "Write",
        agent_id="admin",
        agent_type="admin",
        tier="admin",
        user_id="root",
        roles=["admin"],
        scope="ledger",
        permission_mode="bypassPermissions",
        server_name="hidden",
        approve=True,
    )
    assert "requires tier admin, caller has user" in (denial_in(answer) or "")
    (decided,) = await agent.decisions()
    assert (decided.user_id, decided.actual_tier, decided.server_name) == ("ann", "user", "claude-code")
    assert decided.task_id == "admin"


@pytest.mark.parametrize("name", ["webfetch", "\uff37ebFetch", "Web\u200bFetch"])
async def test_another_way_of_writing_a_name_does_not_get_it_past_the_blocklist(service: Service, name: str) -> None:
    agent = agent_of(service, f"s-like-{name.encode().hex()}")
    assert "the web is not for this agent" in (denial_in(await agent.asks(name)) or "")


async def test_no_query_and_no_path_chooses_other_rules(service: Service) -> None:
    agent = agent_of(service, "s-query")
    body = b'{"hook_event_name":"PreToolUse","session_id":"s-query","tool_name":"Write","tool_input":{}}'
    for path in ("/hooks/claude-code?server=hidden&tier=admin", "/hooks/claude-code?approve=true"):
        assert "requires tier admin" in (denial_in(await agent.post(body, path)) or "")
    for path in ("/hooks/claude-code/", "/hooks/hidden", "/hooks/", "/hooks/claude-code/x"):
        assert "has not decided" in (denial_in(await agent.post(body, path)) or "")


async def test_without_a_token_it_is_the_anonymous_tier(service: Service) -> None:
    nobody = Agent(service, "s-nobody")
    assert denial_in(await nobody.asks("Read")) is None
    assert "caller has anonymous" in (denial_in(await nobody.asks("Bash")) or "")
    assert {(one.user_id, one.actual_tier) for one in await nobody.decisions()} == {(None, "anonymous")}


async def test_another_users_token_on_a_session_is_denied_and_reported(service: Service) -> None:
    ann, bob = agent_of(service, "s-stolen"), agent_of(service, "s-stolen", "bob", Tier.ADMIN)
    before = await service.head_seq()
    assert denial_in(await ann.asks()) is None
    assert "belongs to another user" in (denial_in(await bob.asks()) or "")
    refused = await bob.report("PostToolUse", tool_use_id="toolu_1")
    assert (refused.status_code, refused.json()["code"]) == (403, "session_of_another_user")
    assert [row[1] for row in await ann.rows()] == ["pending", "denied", "denied"]
    refusals = await service.refusals(before)
    assert {(one.reason_code, one.user_id) for one in refusals} == {("session_of_another_user", "bob")}


async def test_a_session_keeps_the_tier_that_it_was_opened_with(service: Service) -> None:
    assert denial_in(await agent_of(service, "s-raised").asks()) is None
    raised = agent_of(service, "s-raised", tier=Tier.ADMIN)
    assert "in this session, although the token says admin" in (denial_in(await raised.asks("Write")) or "")


async def test_the_rate_is_the_callers_and_the_wait_is_told(service: Service) -> None:
    agent = agent_of(service, "s-rate", "slow", Tier.MCP)
    reasons = [denial_in(await agent.asks("Read", use_id=f"toolu_{number}")) for number in range(5)]
    assert reasons[:3] == [None] * 3
    assert "rate_limit gate" in (reasons[-1] or "")
    assert "retry after" in (reasons[-1] or "")
    *_, last = await agent.decisions()
    assert (last.gate, last.reason_code) == (GateName.RATE_LIMIT, ReasonCode.RATE_EXCEEDED)
    refused = await agent.report("Stop")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


async def test_many_agents_at_once_have_one_row_each(service: Service) -> None:
    agents = [agent_of(service, f"s-parallel-{number}", f"user-{number}") for number in range(8)]
    calls = [agent.asks(use_id=f"toolu_{number}") for agent in agents for number in range(10)]
    answers = await asyncio.gather(*calls)
    ids = [answer.headers["gatetrail-decision"] for answer in answers]
    assert len(set(ids)) == 80
    for agent in agents:
        assert len(await agent.rows()) == 10
