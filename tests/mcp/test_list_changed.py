"""Clients of both eras are told that their lists have changed, and see the new ones then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.subscriptions import PromptsListChanged, ResourcesListChanged, ToolsListChanged
from mcp_types import PromptListChangedNotification, ResourceListChangedNotification, ToolListChangedNotification

from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.testing import MemorySessions
from tests.mcp.conftest import PATIENCE_S, POLICY, Gate, Site
from tests.mcp.processes import process
from tests.mcp.servers import Sample
from tests.mcp.wire import HANDSHAKE

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D2")]

PAY_FOR_ALL = POLICY.replace("pay: {tier: admin}", "pay: {tier: user}")
PROMPTS_FOR_ALL = POLICY.replace("board_report: {tier: admin}", "board_report: {tier: user}")
SLOWER = POLICY.replace("time_limit_ms: 60", "time_limit_ms: 61")
HEARD_WITHIN_S = 0.5


@pytest.fixture
async def telling(gate: Gate) -> AsyncIterator[None]:
    """What a process does all the time."""
    task = asyncio.create_task(gate.adapter.announce_changes(again=False))
    yield
    task.cancel()
    await asyncio.wait([task])


def put_in_force(gate: Gate, text: str) -> None:
    before, after = gate.dispatcher.gates.policy, parse_policy(text, "policy.yaml")
    gate.dispatcher.adopt(gate.dispatcher.prepare(after))
    gate.adapter.policy_changed(before, after)


class Ears:
    """What a client of the handshake era was told."""

    def __init__(self) -> None:
        self.heard = asyncio.Queue[object]()

    async def __call__(self, message: Any) -> None:
        self.heard.put_nowait(message)

    async def next(self, within_s: float = PATIENCE_S) -> object:
        return await asyncio.wait_for(self.heard.get(), within_s)


@contextlib.asynccontextmanager
async def connected(site: Site, gate: Gate, mode: str, ears: Ears | None = None) -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {gate.token('ann', Tier.USER)}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S) as http,
        Client(streamable_http_client(f"{site.url}/mcp", http_client=http), mode=mode, message_handler=ears) as client,
    ):
        yield client


async def tools_of(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


async def until_the_stream_stands(gate: Gate, ears: Ears) -> None:
    """A client opens its stream some time after the handshake; what is told before that reaches nobody."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            put_in_force(gate, PROMPTS_FOR_ALL)
            put_in_force(gate, POLICY)
            with contextlib.suppress(TimeoutError):
                await ears.next(HEARD_WITHIN_S)
                break
    with contextlib.suppress(TimeoutError):
        while True:
            await ears.next(HEARD_WITHIN_S)


@pytest.mark.usefixtures("telling", "sample")
async def test_a_client_of_the_handshake_era_hears_on_its_stream(site: Site, gate: Gate) -> None:
    ears = Ears()
    async with connected(site, gate, "legacy", ears) as client:
        capabilities = client.server_capabilities
        assert capabilities.tools is not None
        assert capabilities.tools.list_changed
        assert capabilities.prompts is not None
        assert capabilities.prompts.list_changed
        assert capabilities.resources is not None
        assert capabilities.resources.list_changed
        assert "pay" not in await tools_of(client)
        await until_the_stream_stands(gate, ears)
        put_in_force(gate, SLOWER)  # shows nobody anything else, so nobody is told
        put_in_force(gate, PAY_FOR_ALL)
        assert isinstance(await ears.next(), ToolListChangedNotification)
        assert "pay" in await tools_of(client)
        put_in_force(gate, "servers: {}")
        told = {type(await ears.next()) for _ in range(3)}
        assert told == {ToolListChangedNotification, PromptListChangedNotification, ResourceListChangedNotification}
        assert ears.heard.empty()


@pytest.mark.usefixtures("telling", "sample")
async def test_a_client_of_2026_hears_on_the_stream_that_it_has_opened_for_it(site: Site, gate: Gate) -> None:
    async with connected(site, gate, "auto") as client:
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed
        assert "pay" not in await tools_of(client)
        listening = client.listen(tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True)
        async with asyncio.timeout(PATIENCE_S), listening as told:
            put_in_force(gate, SLOWER)
            put_in_force(gate, PAY_FOR_ALL)
            assert isinstance(await anext(told), ToolsListChanged)
            assert "pay" in await tools_of(client)
            put_in_force(gate, "servers: {}")
            kinds = {type(await anext(told)) for _ in range(3)}
            assert kinds == {ToolsListChanged, PromptsListChanged, ResourcesListChanged}


@pytest.mark.usefixtures("telling")
async def test_who_has_gone_is_told_nothing_and_keeps_nobody_waiting(site: Site, gate: Gate, sample: Sample) -> None:
    gone = Ears()
    async with connected(site, gate, "legacy", gone) as client:
        await tools_of(client)
    ears = Ears()
    async with connected(site, gate, "legacy", ears) as client:
        await tools_of(client)
        await until_the_stream_stands(gate, ears)
        put_in_force(gate, PAY_FOR_ALL)
        assert isinstance(await ears.next(), ToolListChangedNotification)
    assert sample.ran == []


async def test_a_client_that_only_listens_after_a_restart_hears_as_well(tmp_path: Path) -> None:
    """Its session is taken up by the stream that it opens anew, before it has said a word here."""
    store = MemorySessions()
    async with process(tmp_path / "1", store) as one:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann", Tier.USER))
    async with process(tmp_path / "2", store) as other, asyncio.timeout(PATIENCE_S):
        other.takes(wire)
        announcing = asyncio.create_task(other.gate.adapter.announce_changes(again=False))
        headers = {
            "accept": "text/event-stream",
            "authorization": f"Bearer {wire.token}",
            "mcp-session-id": str(wire.session_id),
            "mcp-protocol-version": HANDSHAKE,
        }
        async with wire.http.stream("GET", wire.url, headers=headers) as stream:
            assert stream.status_code == 200
            put_in_force(other.gate, PAY_FOR_ALL)
            told = [line async for line in _until_data(stream.aiter_lines())]
        announcing.cancel()
        await asyncio.wait([announcing])
    assert "notifications/tools/list_changed" in told[-1]


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data: {"):
            return
