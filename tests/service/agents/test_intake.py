"""Who has shown nothing yet takes little: neither memory, nor time, nor a look at what he sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import orjson
import pytest

from gatetrail.events.model import LifecycleReported
from gatetrail.service.agents import intake
from gatetrail.service.agents.claude_code import MAX_OPENINGS, MAX_STRANGE_OPENINGS, ClaudeCode
from tests.service.agents.conftest import PATH, Agent, agent_of, denial_in, payload_of
from tests.service.api.conftest import WITHIN_S, Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("A9")]


@asynccontextmanager
async def begun(service: Service, length: int, sent: bytes) -> AsyncGenerator[asyncio.StreamReader]:
    """A report of which only the beginning is sent."""
    address = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    token = service.as_user()["Authorization"]
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: {token}\r\nContent-Length: {length}\r\n\r\n"
    )
    writer.write(head.encode() + sent)
    try:
        yield reader
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(WITHIN_S):
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        return head + await reader.readexactly(int(lengths[0].partition(b":")[2]))


async def test_a_report_that_does_not_arrive_is_denied_and_recorded(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "ARRIVES_WITHIN_S", 0.3)
    before = await service.head_seq()
    async with begun(service, 1_000, b'{"hook_event_name":') as reader:
        answer = await answer_of(reader)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"permissionDecision":"deny"' in answer
    assert b"did not arrive within 0.3 s" in answer
    assert [type(event) for event in await service.events(before)] == [LifecycleReported]


async def test_large_reports_that_are_held_keep_out_large_ones_and_no_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_HELD_BYTES", 1_000_000)
    agent = agent_of(service, "s-held")
    large = {"command": "x" * 300_000}
    async with begun(service, 4_000_000, b"[" + b"1," * 400_000), asyncio.timeout(WITHIN_S):
        while "too many reports" not in (denial_in(await agent.asks(tool_input=large)) or ""):
            continue  # what was begun is being read
        assert denial_in(await agent.asks(use_id="toolu_2")) is None
    async with asyncio.timeout(WITHIN_S):
        while denial_in(await agent.asks(tool_input=large)) is not None:
            continue  # its end has not been noticed yet


async def test_what_a_stranger_sends_is_looked_at_only_when_that_is_cheap(service: Service) -> None:
    """What is not looked at may have asked for a tool."""
    stranger = Agent(service, "s-costly", {"Authorization": "Bearer not.a.token"})
    assert (await stranger.report("Stop", more=[[]] * 100)).status_code == 401
    costly: list[object] = ["[" * MAX_STRANGE_OPENINGS, "x" * (1 << 20)]
    for more in costly:
        assert "has not decided" in (denial_in(await stranger.report("Stop", more=more)) or "")


async def test_a_report_of_nothing_but_lists_is_not_read(service: Service) -> None:
    body = orjson.dumps(payload_of("PreToolUse", tool_input={"lists": [[]] * MAX_OPENINGS}))
    reason = denial_in(await agent_of(service, "s-lists").post(body)) or ""
    assert f"more than {MAX_OPENINGS} opening braces" in reason


async def test_who_is_let_in_is_read_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bytes] = []

    def looked_at(_agent: ClaudeCode, body: bytes) -> bool:
        looks.append(body)
        return False

    monkeypatch.setattr(ClaudeCode, "is_harmless", looked_at)
    assert denial_in(await agent_of(service, "s-once").asks()) is None
    assert (await agent_of(service, "s-once").report("Stop")).status_code == 200
    assert looks == []
