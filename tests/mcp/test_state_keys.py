"""What a server gives its client to bring back in the next round of a call outlives the process that sealed it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastmcp import FastMCP
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.request_state import RequestStateSecurity
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

from gatetrail.mcp.state_keys import noting_keys_of_one_process, seal_state
from tests.mcp.conftest import make_gate, serve
from tests.mcp.wire import MODERN, Answer

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("A6")]

POLICY = "servers: {finance: {tier: user, conceal: false}}"
OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
ARGUMENTS = {"number": 7}
QUESTION = ElicitRequest(
    params=ElicitRequestFormParams(message="Sure?", requested_schema={"type": "object", "properties": {}})
)


def made(kind: type[Any], **options: Any) -> Any:
    server = kind("own", **options)

    async def release(number: int, ctx: Context) -> str | InputRequiredResult:
        if ctx.request_state is None:
            return InputRequiredResult(input_requests={"sure": QUESTION}, request_state=f"payment {number}")
        return f"released {ctx.request_state}"

    server.tool()(release)
    return server


async def rounds(folder: Path, servers: list[Any], keys: list[tuple[bytes, ...]]) -> list[Answer]:
    """One call in several rounds, each answered by another process."""
    answers: list[Answer] = []
    more: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        for number, (server, ring) in enumerate(zip(servers, keys, strict=True)):
            gate = make_gate(folder / str(number), POLICY, state_keys=ring)
            gate.adapter.install(server, name="finance")
            app = server.streamable_http_app(json_response=True)
            site = await stack.enter_async_context(serve(app))
            wire = site.client(MODERN, gate.token("ann"))
            answers.append(await wire.ask("tools/call", {"name": "release", "arguments": ARGUMENTS, **more}))
            state = answers[0].result.get("requestState")
            more = {"requestState": state, "inputResponses": {"sure": {"action": "accept", "content": {}}}}
    return answers


def of_one_process(kind: type[Any] = MCPServer) -> Any:
    with noting_keys_of_one_process():
        return made(kind)


async def test_a_call_of_two_rounds_goes_on_after_a_restart_and_after_a_change_of_the_key(tmp_path: Path) -> None:
    servers = [of_one_process() for _ in range(3)]
    first, second, rotated = await rounds(tmp_path, servers, [(OLD,), (OLD,), (NEW, OLD)])
    assert first.result["resultType"] == "input_required"
    assert "payment 7" not in first.result["requestState"], "sealed, so the client cannot read it"
    for later in (second, rotated):
        assert later.result["content"][0]["text"] == "released payment 7"


async def test_state_under_a_key_that_is_gone_is_refused(tmp_path: Path) -> None:
    _, second = await rounds(tmp_path, [of_one_process(), of_one_process()], [(OLD,), (NEW,)])
    assert second.error["message"] == "Invalid or expired requestState"


async def test_a_server_whose_author_chose_a_key_keeps_it(tmp_path: Path) -> None:
    with noting_keys_of_one_process():
        servers = [made(MCPServer, request_state_security=RequestStateSecurity(keys=[OTHER])) for _ in range(2)]
    assert not seal_state(servers[0]._lowlevel_server, [OLD], "finance")
    _, second = await rounds(tmp_path, servers, [(OLD,), (NEW,)])
    assert second.result["content"][0]["text"] == "released payment 7"


def test_a_server_of_which_nobody_knows_how_it_was_made_is_left_alone() -> None:
    assert not seal_state(made(MCPServer)._lowlevel_server, [OLD], "finance")


def test_a_fastmcp_is_given_keys_too_and_the_sdk_is_left_as_it_was() -> None:
    before = vars(RequestStateSecurity)["ephemeral"]
    server = of_one_process(FastMCP)
    assert vars(RequestStateSecurity)["ephemeral"] is before
    assert seal_state(server._mcp_server, [OLD], "finance")
    assert not seal_state(server._mcp_server, [OLD], "finance"), "once is enough"
