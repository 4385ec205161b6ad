"""Servers whose sessions outlive their process, and clients that go on with them."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.checkout import ROOT
from tests.cli.conftest import WITHIN_S, Running
from tests.lifecycle.conftest import House
from tests.mcp.wire import HANDSHAKE, MODERN, Wire
from tests.upstreams.npm_packages import NODE, program

SERVERS: dict[str, dict[str, object]] = {
    "own": {"python": "mine:own"},
    "fast": {"python": "mine:fast"},
    "far": {"command": [sys.executable, "far.py"]},
}
"""An MCPServer, a FastMCP, and a program that is mounted."""
MINE = """
import os
import anyio
from fastmcp import FastMCP
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

own, fast = MCPServer("own"), FastMCP("fast")

def who() -> str:
    return str(os.getpid())

async def nap(seconds: float) -> str:
    await anyio.sleep(seconds)
    return "rested"

for server in (own, fast):
    server.tool()(who)
    server.tool()(nap)

@own.tool()
async def release(number: int, ctx: Context) -> str | InputRequiredResult:
    if ctx.request_state is None:
        params = ElicitRequestFormParams(message="Sure?", requested_schema={"type": "object", "properties": {}})
        return InputRequiredResult(input_requests={"sure": ElicitRequest(params=params)}, request_state=f"no {number}")
    return f"released {ctx.request_state}"
"""
FAR = """
import os
from mcp.server import MCPServer

server = MCPServer("far")

@server.tool()
def who() -> str:
    return str(os.getpid())

server.run("stdio")
"""
POLICY = """
identity: {anonymous: false}
rate_limits: {base_per_s: {mcp: 100000}}
servers:"""
AT_ONCE = 16


def settle(house: House, *names: str, **settings: object) -> None:
    """A house with these of the servers."""
    house.settle(
        servers={name: server for name, server in SERVERS.items() if name in names},
        **settings,
    )
    folder = house.gatetrail.folder
    (folder / "mine.py").write_text(MINE)
    (folder / "far.py").write_text(FAR)
    (folder / "policy.yaml").write_text(
        "\n".join([POLICY, *(f"  {name}: {{tier: user, conceal: false}}" for name in names)])
    )


class Python:
    """A client of the official Python SDK, in the handshake era."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self) -> str:
        result = await self._client.call_tool("who", {})
        assert not result.is_error
        return str(getattr(result.content[0], "text", ""))


class TypeScript:
    """A client of the official TypeScript SDK, of either generation."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            line = await self._process.stdout.readline()
        assert line, "the client has ended"
        found: dict[str, Any] = json.loads(line)
        return found

    async def call(self) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(b"who\n")
        answer = await self.told()
        assert "content" in answer, answer
        return str(answer["content"][0]["text"])


AnyClient = Python | TypeScript


@asynccontextmanager
async def python(url: str, bearer: str) -> AsyncGenerator[Python]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=WITHIN_S) as http,
        Client(streamable_http_client(url, http_client=http), mode="legacy") as client,
    ):
        yield Python(client)


@asynccontextmanager
async def typescript(url: str, bearer: str, generation: int) -> AsyncGenerator[TypeScript]:
    """It may still have to connect."""
    program("@modelcontextprotocol/client/package.json")
    script = str(ROOT / "tests/upstreams/npm/going_on.js")
    process = await asyncio.create_subprocess_exec(NODE, script, str(generation), url, bearer, stdin=PIPE, stdout=PIPE)
    try:
        yield TypeScript(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(WITHIN_S):
            await process.wait()


async def clients_of(url: str, bearer: str, stack: AsyncExitStack) -> dict[str, AnyClient]:
    """One of each kind for each server, connected."""
    found: dict[str, AnyClient] = {}
    for name in SERVERS:
        for generation in (1, 2):
            opening = typescript(f"{url}/mcp/{name}", bearer, generation)
            found[f"typescript {generation} {name}"] = await stack.enter_async_context(opening)
    for name in SERVERS:
        found[f"python {name}"] = await stack.enter_async_context(python(f"{url}/mcp/{name}", bearer))
    for client in found.values():
        if isinstance(client, TypeScript):
            assert await client.told() == {"connected": True}
    return found


class Rounds:
    """A call of two rounds, in the era without sessions."""

    ASKED: dict[str, Any] = {"name": "release", "arguments": {"number": 7}}  # noqa: RUF012 -- never changed

    def __init__(self, url: str, bearer: str) -> None:
        self._url = url
        self._bearer = bearer
        self._state = ""

    async def begin(self) -> None:
        self._state = (await self._ask()).result["requestState"]

    async def end(self) -> str:
        said: dict[str, Any] = {"sure": {"action": "accept", "content": {}}}
        answer = await self._ask(requestState=self._state, inputResponses=said)
        return str(answer.result["content"][0]["text"])

    async def _ask(self, **more: Any) -> Any:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            return await Wire(http, self._url, MODERN, self._bearer).ask("tools/call", {**self.ASKED, **more})


class Crowd:
    """Many sessions, without the weight of an SDK."""

    def __init__(self, http: httpx.AsyncClient, url: str, bearer: str) -> None:
        self._http = http
        self._url = url
        self._bearer = bearer
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def opened(self) -> str:
        """The id of a new one, which has only shaken hands."""
        said = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "crowd", "version": "1"}}
        async with self._turn:
            message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": said}
            answer = await Wire(self._http, self._url, HANDSHAKE, self._bearer).post(message)
            return answer.headers["mcp-session-id"]

    async def answered(self, number: int, session_id: str) -> bool:
        """Whether it goes on; one in ten calls a tool."""
        wire = Wire(self._http, self._url, HANDSHAKE, self._bearer, session_id)
        async with self._turn:
            answer = await (wire.call("who") if number % 10 == 0 else wire.ask("ping"))
            return answer.status == HTTPStatus.OK and "result" in answer.message


@asynccontextmanager
async def opened(url: str, server: str, bearer: str) -> AsyncGenerator[tuple[Wire, str]]:
    """A session, and the process that holds it."""
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire = Wire(http, f"{url}/mcp/{server}", HANDSHAKE, bearer)
        await wire.open()
        yield wire, (await wire.call("who")).result["content"][0]["text"]


def sessions_of(house: House) -> dict[str, dict[str, Any]]:
    listed = house.gatetrail("sessions", "--json", "--limit", "5000", "--config", "service.yaml")
    assert listed.code == 0, listed.err
    return {row["session_id"]: row for row in listed.objects}


def events_of(house: House, *which: str) -> list[str]:
    """The sessions of such events."""
    asked = ("events", *which, "--json", "--limit", "5000", "--config", "service.yaml")
    return [str(row["session_id"]) for row in house.gatetrail(*asked).objects]


def ended(service: Running, by: signal.Signals) -> None:
    """Not the client's doing: its socket stays open."""
    service.process.send_signal(by)
    assert service.process.wait(WITHIN_S) == (0 if by is signal.SIGTERM else -by)
