"""Whatever keeps the service from deciding, an agent is not told to go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from gatetrail.events.model import LifecycleReported
from gatetrail.service.agents.claude_code import MOMENTS
from gatetrail.service.agents.report import MAX_PAYLOAD_BYTES
from tests.service.agents.conftest import PATH, POLICY, Agent, agent_of, denial_in, payload_of
from tests.service.api.conftest import WITHIN_S, Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("A9")]

ASKS = orjson.dumps(payload_of("PreToolUse"))


async def test_a_refused_token_denies_a_use_and_is_reported(service: Service) -> None:
    before = await service.head_seq()
    stranger = Agent(service, "s-stranger", {"Authorization": "Bearer not.a.token"})
    assert "has not decided" in (denial_in(await stranger.asks()) or "")
    refused = await stranger.report("Stop")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert len(await service.refusals(before)) == 2


async def test_a_wrong_host_and_a_scanners_name_deny(service: Service) -> None:
    agent = agent_of(service, "s-host")
    assert "has not decided" in (denial_in(await agent.post(ASKS, Host="elsewhere.example")) or "")
    assert "scanner gate" in (denial_in(await agent.post(ASKS, **{"User-Agent": "sqlmap/1.8"})) or "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"PreToolUse"',
        b"{}",
        b"\xff\xfe",
        b'{"hook_event_name":"PreToolUse"}',
        b'{"hook_event_name":"pretooluse","session_id":"s","tool_name":"Bash","tool_input":{}}',
        b'{"hook_event_name":["Stop"],"session_id":"s","tool_name":"Bash","tool_input":{}}',
        b'{"hook_event_name":"Stop","session_id":"s"',
        b'{"hook_event_name":"Stop","session_id":"s","hook_event_name":"PreToolUse"}',
        orjson.dumps(payload_of("PreToolUse", session_id=7)),
        orjson.dumps(payload_of("PreToolUse", session_id="")),
        orjson.dumps(payload_of("PreToolUse", session_id="s" * 257)),
        orjson.dumps(payload_of("PreToolUse", tool_name=None)),
        orjson.dumps(payload_of("PreToolUse", tool_name={"Bash": 1})),
        orjson.dumps(payload_of("PreToolUse", tool_input=None)),
        orjson.dumps(payload_of("PreToolUse", tool_input=[1])),
        orjson.dumps(payload_of("PreToolUse", tool_input="rm -rf /")),
        orjson.dumps(payload_of("PreToolUse", tool_use_id=5)),
        orjson.dumps(payload_of("PreToolUse", tool_input={})).replace(b"{}", b'{"a":' * 70 + b"1" + b"}" * 70),
        orjson.dumps(payload_of("PreToolUse", tool_input={})).replace(b"{}", b'{"a":' * 3000 + b"1" + b"}" * 3000),
        orjson.dumps(payload_of("PreToolUse", tool_input={"content": "x" * MAX_PAYLOAD_BYTES})),
        orjson.dumps(payload_of("PreToolUse")).replace(b"make test", b"\\ud800"),
    ],
)
async def test_what_cannot_be_read_is_denied_and_recorded(service: Service, body: bytes) -> None:
    before = await service.head_seq()
    assert "has not decided" in (denial_in(await agent_of(service, "s-garbage", "gus").post(body)) or "")
    (event,) = [one for one in await service.events(before) if isinstance(one, LifecycleReported)]
    assert (event.event_name, event.user_id, event.level) == ("lifecycle.pre_tool_use", "gus", "warning")


async def test_a_body_longer_than_anybody_reads_is_denied_while_it_is_sent(service: Service) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * (1 << 20)

    answer = await service.http.post(PATH, content=endless(), headers=service.as_user())
    assert "longer than" in (denial_in(answer) or "")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = [*payload_of("PreToolUse"), "agent_id", "agent_type", "error", "prompt", "is_interrupt", "message"]


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """One of the ten with keys that say something else, or are not there."""
    over = draw(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4))
    payload = {**payload_of(draw(st.sampled_from([*MOMENTS]))), **over}
    for key in draw(st.sets(st.sampled_from(KEYS), max_size=2)):
        payload.pop(key, None)
    return json.dumps(payload).encode()


@st.composite
def cut_payloads(draw: st.DrawFn) -> bytes:
    """The beginning of one."""
    return draw(payloads())[: draw(st.integers(0, 200))]


async def test_no_payload_breaks_the_service_and_no_broken_one_is_let_through(service: Service) -> None:
    headers = {"Content-Type": "application/json", **service.as_user("fuzz")}

    def try_all() -> int:
        tried = 0
        with httpx.Client(base_url=service.url, timeout=WITHIN_S) as http:

            @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
            @given(payloads() | cut_payloads() | st.binary(max_size=200))
            def try_one(body: bytes) -> None:
                nonlocal tried
                answer = http.post(PATH, content=body, headers=headers)
                assert answer.status_code in {200, 403, 422, 429}, answer.text
                tried += 1
                if answer.status_code == 200 and answer.json() == {}:
                    payload = json.loads(body)
                    assert isinstance(payload["session_id"], str)
                    if payload["hook_event_name"] == "PreToolUse":
                        assert answer.headers["gatetrail-decision"]
                        assert isinstance(payload["tool_input"], dict)

            try_one()
        return tried

    assert await asyncio.to_thread(try_all) >= 100


async def test_without_a_journal_no_tool_is_used(dsn: str, tmp_path: Path) -> None:
    journal = {"append_limit_ms": 300}
    async with serving_api(dsn, tmp_path, POLICY, journal=journal) as service:
        agent = agent_of(service, "s-away")
        assert denial_in(await agent.asks(use_id="toolu_1")) is None
        with psycopg.connect(dsn, autocommit=True) as other, other.transaction():
            other.execute(sql.SQL("LOCK TABLE chain_head, mcp_sessions IN ACCESS EXCLUSIVE MODE"))
            assert "audit gate" in (denial_in(await agent.asks(use_id="toolu_2")) or "")
            assert (await agent.report("PostToolUse", tool_use_id="toolu_1")).status_code == 200
        await agent.until(lambda rows: [row[1] for row in rows] in (["success", "denied"], ["success", "failed"]))
