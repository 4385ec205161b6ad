"""What a client of the gate gets of an upstream, and what the upstream gets of the client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from mcp import Client, MCPError
from mcp.client import IncomingMessage
from mcp_types import ToolListChangedNotification

from gatetrail.identity.tiers import Tier
from gatetrail.upstreams import MountedServer, Upstream
from tests.mcp.wire import ERAS, HANDSHAKE, MODERN
from tests.upstreams.driving import QUICK, Script, mounted, until
from tests.upstreams.scripted import INSTRUCTIONS, SCHEMA

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A8")]


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_arrives_and_its_answer_comes_back_with_a_row(tmp_path: Path, era: str) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        wire = await house.wire(era)
        answer = await wire.call("echo", {"text": "hello"})
        assert answer.result["content"] == [{"type": "text", "text": "hello"}]
        assert [(event.tool_name, event.decision) for event in house.gate.decisions()] == [("echo", "allow")]
        assert house.outcomes() == [("echo", "success", None)]
    (call,) = [message for message in script.heard() if message.get("method") == "tools/call"]
    assert call["params"] == {"name": "echo", "arguments": {"text": "hello"}}


@pytest.mark.parametrize("era", ERAS)
async def test_the_list_is_filtered_by_the_policy_and_otherwise_unchanged(tmp_path: Path, era: str) -> None:
    async with mounted(tmp_path, Script(tmp_path).target()) as house:
        names: list[str] = []
        cursor: str | None = None
        wire = await house.wire(era)
        for _ in range(2):
            result = (await wire.ask("tools/list", {"cursor": cursor} if cursor else {})).result
            names += [tool["name"] for tool in result["tools"]]
            assert all(tool["inputSchema"] == SCHEMA for tool in result["tools"])
            cursor = result.get("nextCursor")
        assert cursor is None
        assert names == [
            "echo",
            "die",
            "hang",
            "fail",
            "variables",
            "noise",
            "grow",
            "refuse",
            "forbidden",
            "work",
        ]  # without nonsense


@pytest.mark.parametrize("era", ERAS)
async def test_a_denied_call_never_reaches_the_upstream(tmp_path: Path, era: str) -> None:
    script = Script(tmp_path)
    async with mounted(tmp_path, script.target()) as house:
        wire = await house.wire(era)
        error = (await wire.call("forbidden")).error
        assert error["code"] == 40303
        assert error["message"].startswith(
            "Denied by blocklist gate: blocked by entry 'not-by-agents': agents must not"
        )
        hidden, unknown = await wire.call("nonsense"), await wire.call("nowhere")
        assert hidden.error == {"code": -32602, "message": "Unknown tool: nonsense"}
        assert unknown.error == {"code": -32602, "message": "Unknown tool: nowhere"}
        await wire.call("echo")
        assert len(house.gate.decisions()) == 4
    assert script.calls() == ["echo"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_tools_own_error_is_failed_and_comes_through(tmp_path: Path, era: str) -> None:
    async with mounted(tmp_path, Script(tmp_path).target()) as house:
        wire = await house.wire(era, Tier.ADMIN)
        assert (await wire.call("fail")).result["isError"] is True
        assert house.outcomes() == [("fail", "failed", "tool_error")]


async def test_an_answer_that_is_no_mcp_is_told_as_such(tmp_path: Path) -> None:
    async with mounted(tmp_path, Script(tmp_path).target()) as house:
        wire = await house.wire(MODERN, Tier.ADMIN)
        error = (await wire.call("nonsense")).error
        assert error == {"code": 50202, "message": "upstream up gave an answer that is not valid MCP"}
        assert house.outcomes() == [("nonsense", "failed", "upstream_answer_invalid")]
        assert (await wire.call("echo")).result["content"]


async def test_the_handshake_says_what_the_upstream_says_and_we_pass_on(tmp_path: Path) -> None:
    async with mounted(tmp_path, Script(tmp_path).target()) as house:
        wire = house.site.client(HANDSHAKE, house.gate.token())
        opened = await wire.open()
        assert opened is not None
        assert opened.result["serverInfo"] == {"name": "scripted", "title": "A script", "version": "7"}
        assert opened.result["instructions"] == INSTRUCTIONS
        assert opened.result["capabilities"] == {"tools": {"listChanged": True}}
        assert (await wire.ask("ping")).result == {}
        for method in ("prompts/list", "resources/list", "resources/templates/list"):
            assert (await wire.ask(method)).error["code"] == -32601
        modern = await house.wire(MODERN)
        discovered = (await modern.ask("server/discover")).result
        assert (discovered["instructions"], discovered["capabilities"]) == (
            INSTRUCTIONS,
            {"tools": {"listChanged": True}},
        )


@pytest.mark.parametrize("era", ERAS)
async def test_of_meta_the_upstream_gets_what_is_meant_for_it(tmp_path: Path, era: str) -> None:
    async with mounted(tmp_path, Script(tmp_path).target()) as house:
        wire = await house.wire(era)
        meta = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "example.com/order": 7, "progressToken": "mine"}
        answer = await wire.ask("tools/call", {"name": "echo", "arguments": {}, "_meta": meta})
        # The progress token is the SDK's own, for its connection to the upstream.
        assert answer.result["_meta"]["example.com/seen"] == ["example.com/order", "progressToken", "traceparent"]


async def test_a_changed_list_is_told_to_clients_of_both_eras_and_holds_at_once(tmp_path: Path) -> None:
    told: list[IncomingMessage] = []

    async def hear(message: IncomingMessage) -> None:
        told.append(message)

    async with (
        mounted(tmp_path, Script(tmp_path).target()) as house,
        house.client("legacy", hear),
        house.client("auto") as newer,
        newer.listen(tools_list_changed=True) as changes,
    ):
        with pytest.raises(MCPError, match="Unknown tool: grown"):
            await newer.call_tool("grown", {})
        await newer.call_tool("grow", {})
        async with asyncio.timeout(10):
            await anext(aiter(changes))
        await until(lambda: any(isinstance(message, ToolListChangedNotification) for message in told))
        result = await newer.call_tool("grown", {})
        assert getattr(result.content[0], "text", "") == "unknown tool grown"


async def test_progress_is_told_where_the_transport_has_a_place_for_it(tmp_path: Path) -> None:
    """Ours answers HTTP with plain JSON, which has none; over stdio, or in memory as here, it has."""
    upstream = Upstream("up", Script(tmp_path).target(), QUICK)
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        told.append(progress)

    server = MountedServer(upstream)
    async with upstream.running(), Client(server, mode="legacy") as client:
        working = asyncio.create_task(client.call_tool("work", {}, progress_callback=hear))
        await until(lambda: len(told) == 3)
        await client.call_tool("finish", {})
        assert getattr((await working).content[0], "text", "") == "worked"
    assert told == [1, 2, 3]
