"""Every moment that an agent reports is recorded, without what was said or came out; and outcomes find their calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from gatetrail.call import arguments_digest, canonical_arguments
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.events.model import ExecutionOrphaned
from gatetrail.events.verification import Intact
from gatetrail.service.agents.claude_code import MOMENTS
from gatetrail_sinks.postgres.verify import PostgresVerifier
from tests.service.agents.conftest import POLICY, Agent, agent_of, denial_in, payload_of
from tests.service.api.conftest import Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("A9", "D5")]

SAID = "the launch code is swordfish"


@pytest.mark.parametrize("name", MOMENTS)
async def test_every_moment_is_an_event_without_what_was_said(service: Service, name: str) -> None:
    agent = agent_of(service, f"s-moment-{name}")
    said = {"prompt": SAID, "tool_response": {"stdout": SAID}, "error": SAID, "message": SAID}
    said = {key: value for key, value in said.items() if key in payload_of(name)}
    answer = await agent.report(name, cwd="/home/ann/ledger", **said)
    assert (answer.status_code, answer.json()) == (200, {})
    (event,) = await agent.lifecycle()
    assert event.event_name == f"lifecycle.{MOMENTS[name].value}"
    assert (event.hook_source, event.user_id, event.client_id) == ("claude-code", "ann", "claude-code")
    assert (event.working_directory, event.permission_mode) == ("/home/ann/ledger", "default")
    assert SAID not in "".join(entry.line.decode() for entry in await service.entries())
    content = {
        key: value for key, value in payload_of(name, **said).items() if key in (*said, "last_assistant_message")
    }
    if content:
        assert event.content_digest == arguments_digest(content)
        assert event.content_bytes == len(canonical_arguments(content))


async def test_what_a_person_or_a_secret_could_be_known_by_is_redacted(service: Service) -> None:
    agent = agent_of(service, "s-secret")
    token = service.token("somebody")
    await agent.report("SessionStart", cwd=f"/home/ann/{token}", source=token)
    (event,) = await agent.lifecycle()
    assert token not in f"{event.working_directory}{event.lifecycle_reason}{event.message}"


async def test_a_report_ends_the_call_that_it_is_about(service: Service) -> None:
    agent = agent_of(service, "s-outcomes")
    for number in range(3):
        await agent.asks(use_id=f"toolu_{number}", tool_input={"command": "make"})
    await agent.report("PostToolUse", tool_use_id="toolu_1", tool_input={"command": "make"})
    await agent.report("PostToolUseFailure", tool_use_id="toolu_0", tool_input={"command": "make"})
    await agent.report("PostToolUseFailure", tool_use_id="toolu_2", is_interrupt=True)
    assert await agent.rows() == [
        ("Bash", "failed", "tool_failed"),
        ("Bash", "success", None),
        ("Bash", "failed", "interrupted"),
    ]
    ids = [one.execution_id for one in await agent.decisions()]
    assert [one.execution_id for one in await agent.outcomes()] == [ids[1], ids[0], ids[2]]
    assert all(one.latency_ms > 0 for one in await agent.outcomes())
    assert [one.execution_id for one in await agent.lifecycle()] == [*ids, ids[1], ids[0], ids[2]]


async def test_without_an_id_of_its_use_a_call_is_known_by_its_arguments(service: Service) -> None:
    agent = agent_of(service, "s-digest")
    for command in ("one", "two", "two"):
        await agent.asks(use_id=None, tool_input={"command": command})
    reports = [agent.report("PostToolUse", tool_use_id=None, tool_input={"command": "two"}) for _ in range(2)]
    await asyncio.gather(*reports)
    assert [row[1] for row in await agent.rows()] == ["pending", "success", "success"]
    assert len({one.execution_id for one in await agent.outcomes()}) == 2


async def test_a_report_that_comes_twice_or_fits_no_call_ends_nothing(service: Service) -> None:
    agent, other = agent_of(service, "s-twice"), agent_of(service, "s-other")
    await agent.asks(use_id="toolu_1")
    await asyncio.gather(*(agent.report("PostToolUse", tool_use_id="toolu_1") for _ in range(4)))
    await agent.asks(use_id="toolu_2")
    await agent.report("PostToolUse", tool_use_id="toolu_2", tool_name="Read")
    await other.report("PostToolUse", tool_use_id="toolu_2")
    assert [row[1] for row in await agent.rows()] == ["success", "pending"]
    assert len(await agent.outcomes()) == 1
    (stray,) = await other.lifecycle()
    assert (stray.execution_id, stray.call_id) == (None, "toolu_2")


@pytest.mark.parametrize("who", ["eve", None])
async def test_nobody_ends_the_calls_of_another_user(service: Service, who: str | None) -> None:
    session = f"s-ann-{who}"
    ann, other = agent_of(service, session), Agent(service, session)
    if who is not None:
        other = agent_of(service, session, who)
    await ann.asks()
    for moment in ("PostToolUse", "PostToolUseFailure", "SessionEnd"):
        refused = await other.report(moment, tool_use_id="toolu_1")
        assert refused.status_code == 403
        assert (await ann.rows())[0][1] == "pending"


async def test_an_outcome_before_its_call_ends_nothing_that_comes_later(service: Service) -> None:
    agent = agent_of(service, "s-early")
    await agent.report("PostToolUse", tool_use_id="toolu_1")
    assert denial_in(await agent.asks(use_id="toolu_1")) is None
    assert [row[1] for row in await agent.rows()] == ["pending"]


async def test_the_end_of_a_session_closes_what_nobody_will_report_on(service: Service) -> None:
    agent, other = agent_of(service, "s-end"), agent_of(service, "s-goes-on")
    await agent.asks(use_id="toolu_1")
    await agent.asks(use_id="toolu_2")
    await other.asks(use_id="toolu_3")
    await agent.report("PostToolUse", tool_use_id="toolu_1")
    await agent.report("SessionEnd")
    assert await agent.rows() == [("Bash", "success", None), ("Bash", "failed", "orphaned")]
    assert (await other.rows())[0][1] == "pending"


async def test_a_new_token_of_the_same_user_goes_on_with_the_agents_session(service: Service) -> None:
    first = agent_of(service, "s-agent", "carl", session_id="claim-1")
    second = agent_of(service, "s-agent", "carl", session_id="claim-2")
    await first.asks(use_id="toolu_9")
    await second.report("PostToolUse", tool_use_id="toolu_9")
    assert await Agent(service, "claim-1").rows() == [("Bash", "success", None)]


async def test_calls_outlive_their_process_and_are_ended_by_another(dsn: str, tmp_path: Path) -> None:
    async with serving_api(dsn, tmp_path, POLICY) as first:
        agent = agent_of(first, "s-lives")
        assert denial_in(await agent.asks()) is None
    async with serving_api(dsn, tmp_path, POLICY) as second:  # its start sweeps what processes left behind
        agent = agent_of(second, "s-lives")
        assert [row[1] for row in await agent.rows()] == ["pending"]
        await agent.report("PostToolUse", tool_use_id="toolu_1")
        assert [row[1] for row in await agent.rows()] == ["success"]
    assert isinstance(await PostgresVerifier(dsn).verify(lambda _checked: None), Intact)


async def test_what_is_not_reported_in_time_is_closed_once(dsn: str, tmp_path: Path) -> None:
    agents = {"report_within_s": 1}
    async with (
        serving_api(dsn, tmp_path / "one", POLICY, agents=agents) as one,
        serving_api(dsn, tmp_path / "two", POLICY, agents=agents) as two,
    ):
        agent = agent_of(one, "s-killed")
        await agent.asks()
        await agent.until(lambda rows: rows == [("Bash", "failed", "orphaned")])
        late = await agent_of(two, "s-killed").report("PostToolUse", tool_use_id="toolu_1")
        assert late.status_code == 200
        orphaned = [event for event in await agent.events() if isinstance(event, ExecutionOrphaned)]
        assert len(orphaned) == 1
        assert "never told how it ended" in orphaned[0].message
    assert isinstance(await PostgresVerifier(dsn).verify(lambda _checked: None), Intact)


async def test_parallel_agents_end_each_their_own(service: Service) -> None:
    async def works(number: int) -> None:
        agent = agent_of(service, f"s-busy-{number}", f"busy-{number}")
        for use in range(6):
            await agent.asks(use_id=f"toolu_{use}")
        await asyncio.gather(*(agent.report("PostToolUse", tool_use_id=f"toolu_{use}") for use in range(6)))
        assert [row[1] for row in await agent.rows()] == ["success"] * 6

    await asyncio.gather(*(works(number) for number in range(6)))


async def test_the_settings_may_approve_in_place_of_the_agents_own_rules(dsn: str, tmp_path: Path) -> None:
    agents = {"claude_code": {"server": "hidden", "approve": True}}
    async with serving_api(dsn, tmp_path, POLICY, agents=agents) as service:
        answer = await agent_of(service, "s-approved", roles=["x"]).asks("Read")
        reason = denial_in(answer) or ""
        assert "there is no such tool for this caller" in reason  # the tier is concealed on that server
        assert "admin" not in reason
    document = POLICY.replace("  hidden: {tier: admin}", "  hidden: {tier: user}")
    async with serving_api(dsn, tmp_path, document, agents=agents) as service:
        answer = await agent_of(service, "s-approved").asks("Read")
        assert answer.json()["hookSpecificOutput"]["permissionDecision"] == "allow"
        note = await agent_of(service, "s-approved").report("Stop")
        assert note.json() == {}
        unknown = await agent_of(service, IdMaker(SystemClock()).new_id()).report("SessionStart")
        assert unknown.status_code == 200


async def test_the_connections_for_reports_are_few(service: Service) -> None:
    agent = agent_of(service, "s-pool", "pool")
    await asyncio.gather(*(agent.asks(use_id=f"toolu_{use}") for use in range(20)))
    await asyncio.gather(*(agent.report("PostToolUse", tool_use_id=f"toolu_{use}") for use in range(20)))
    assert [row[1] for row in await agent.rows()] == ["success"] * 20
    async with await AsyncConnection.connect(service.dsn) as connection:
        found = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
        assert await found.fetchone() == (0,)
