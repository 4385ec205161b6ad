"""The same client object goes on with the same session when the service behind it has ended, however that came."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import httpx2
import psycopg
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.checkout import ROOT
from tests.cli.conftest import WITHIN_S, Running, stopwatch
from tests.lifecycle.conftest import House, is_up
from tests.lifecycle.test_workers import worker_ids
from tests.mcp.wire import HANDSHAKE, MODERN, Wire
from tests.upstreams.npm_packages import NODE, program

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("A6", "B3")]

ENDS = (signal.SIGTERM, signal.SIGKILL)
SERVERS = ("own", "fast", "far")
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
servers:
  own: {tier: user, conceal: false}
  fast: {tier: user, conceal: false}
  far: {tier: user, conceal: false}
rate_limits: {base_per_s: {mcp: 100000}}
"""
CALLS = 2
OPEN_SESSIONS = 1_000
AT_ONCE = 16


def settle(house: House, **settings: object) -> None:
    house.settle(
        servers={
            "own": {"python": "mine:own"},
            "fast": {"python": "mine:fast"},
            "far": {"command": [sys.executable, "far.py"]},
        },
        **settings,
    )
    folder = house.gatetrail.folder
    (folder / "mine.py").write_text(MINE)
    (folder / "far.py").write_text(FAR)
    (folder / "policy.yaml").write_text(POLICY)


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
    program("@modelcontextprotocol/client/package.json")
    script = str(ROOT / "tests/upstreams/npm/going_on.js")
    process = await asyncio.create_subprocess_exec(NODE, script, str(generation), url, bearer, stdin=PIPE, stdout=PIPE)
    try:
        client = TypeScript(process)
        assert await client.told() == {"connected": True}
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(WITHIN_S):
            await process.wait()


async def clients_of(url: str, bearer: str, stack: AsyncExitStack) -> dict[str, AnyClient]:
    """One of each kind for each server."""
    opening: dict[str, Any] = {}
    for name in SERVERS:
        at = f"{url}/mcp/{name}"
        opening |= {f"python {name}": python(at, bearer)}
        opening |= {f"typescript {one} {name}": typescript(at, bearer, one) for one in (1, 2)}
    return {name: await stack.enter_async_context(one) for name, one in opening.items()}


def sessions_of(house: House) -> dict[str, dict[str, Any]]:
    listed = house.gatetrail("sessions", "--json", "--limit", "5000", "--config", "service.yaml")
    assert listed.code == 0, listed.err
    return {row["session_id"]: row for row in listed.objects}


def events_of(house: House, name: str) -> list[str]:
    asked = ("events", "--event", name, "--json", "--limit", "5000", "--config", "service.yaml")
    return [str(row["session_id"]) for row in house.gatetrail(*asked).objects]


def ended(service: Running, by: signal.Signals) -> None:
    """Not the client's doing: its socket stays open."""
    service.process.send_signal(by)
    assert service.process.wait(WITHIN_S) == (0 if by is signal.SIGTERM else -by)


@pytest.fixture
def one_house(house: House) -> House:
    settle(house)
    return house


async def test_every_client_goes_on_with_its_session_whatever_ends_the_service_and_whatever_serves_it(
    one_house: House, listener: tuple[socket.socket, str]
) -> None:
    held, url = listener
    bearer = one_house.token()
    service = one_house.serve(listener=held)
    is_up(service)
    async with AsyncExitStack() as stack:
        clients = await clients_of(url, bearer, stack)
        for client in clients.values():
            await client.call()
        before = sessions_of(one_house)
        assert len(before) == len(clients)
        for by in ENDS:
            ended(service, by)
            calls = [asyncio.create_task(client.call()) for client in clients.values()]
            service = one_house.serve(listener=held)  # the calls wait in its backlog meanwhile
            async with asyncio.timeout(WITHIN_S):
                answers = dict(zip(clients, await asyncio.gather(*calls), strict=True))
            assert {answers[name] for name in clients if "far" not in name} == {str(service.process.pid)}
            resumed = events_of(one_house, "session.resumed")
            assert sorted(resumed) == sorted([*before] * (1 + ENDS.index(by))), "each, once a restart"
        after = sessions_of(one_house)
        assert after.keys() == before.keys(), "nobody had to open another"
        assert {row["state"] for row in after.values()} == {"open"}
        assert {row["client_name"] for row in after.values()} >= {"agent"}
    assert service.end() == 0
    assert one_house.gatetrail("verify").code == 0


async def test_a_call_of_two_rounds_goes_on_after_the_service_was_killed(
    one_house: House, listener: tuple[socket.socket, str]
) -> None:
    held, url = listener
    service = one_house.serve(listener=held)
    is_up(service)
    bearer = one_house.token()
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire = Wire(http, f"{url}/mcp/own", MODERN, bearer)
        asked: dict[str, Any] = {"name": "release", "arguments": {"number": 7}}
        state = (await wire.ask("tools/call", asked)).result["requestState"]
        ended(service, signal.SIGKILL)
        service = one_house.serve(listener=held)
        is_up(service)
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire.http = http
        said: dict[str, Any] = {"sure": {"action": "accept", "content": {}}}
        answer = await wire.ask("tools/call", {**asked, "requestState": state, "inputResponses": said})
        assert answer.result["content"][0]["text"] == "released no 7"
    rows = [row["session_id"] for row in one_house.gatetrail("events", "--tool", "release", "--json").objects]
    assert len({*rows}) == 1, "one session of governance, before and after"
    assert service.end() == 0


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


async def test_a_thousand_open_sessions_go_on_after_the_service_was_killed(
    one_house: House, listener: tuple[socket.socket, str]
) -> None:
    held, url = listener
    bearer = one_house.token()
    service = one_house.serve(listener=held)
    is_up(service)
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        crowd = Crowd(http, f"{url}/mcp/own", bearer)
        session_ids = await asyncio.gather(*(crowd.opened() for _ in range(OPEN_SESSIONS)))
        ended(service, signal.SIGKILL)
    service = one_house.serve(listener=held)
    is_up(service)
    elapsed_s = stopwatch()
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        crowd = Crowd(http, f"{url}/mcp/own", bearer)
        answered = await asyncio.gather(*(crowd.answered(*one) for one in enumerate(session_ids)))
    assert answered.count(True) == OPEN_SESSIONS
    assert elapsed_s() < WITHIN_S
    assert len({*events_of(one_house, "session.resumed")}) == OPEN_SESSIONS
    assert service.end() == 0


async def until_ended_at(wire: Wire, statuses: set[int]) -> float:
    """Seconds until a worker no longer serves it."""
    elapsed_s = stopwatch()
    while (await wire.call("who")).status not in statuses:
        assert elapsed_s() < WITHIN_S
        await asyncio.sleep(0.02)
    return elapsed_s()


@pytest.fixture
async def workers(house: House) -> AsyncIterator[tuple[House, Running, str]]:
    settle(house)
    service = house.serve("--workers", "2")
    yield house, service, is_up(service)
    assert service.end() == 0


@asynccontextmanager
async def opened(house: House, url: str, server: str, *, user: str = "ann") -> AsyncGenerator[tuple[Wire, str]]:
    """A session, and the process that holds it."""
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        wire = Wire(http, f"{url}/mcp/{server}", HANDSHAKE, house.token(user))
        await wire.open()
        yield wire, (await wire.call("who")).result["content"][0]["text"]


async def test_another_worker_goes_on_with_the_sessions_of_one_that_was_killed_and_an_end_reaches_all(
    workers: tuple[House, Running, str],
) -> None:
    house, service, url = workers
    processes = worker_ids(service)
    async with (
        AsyncExitStack() as stack,
        opened(house, url, "own") as (wire, holder),
        opened(house, url, "fast") as (doomed, _),
    ):
        victim = int(holder)
        assert victim in processes
        clients: list[AnyClient] = [
            await stack.enter_async_context(python(f"{url}/mcp/{server}", house.token())) for server in ("own", "fast")
        ]
        for client in clients:
            await client.call()
        os.kill(victim, signal.SIGKILL)
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire.http = http
            answers = [(await wire.call("who")).result["content"][0]["text"] for _ in range(CALLS)]
            assert victim not in {int(answer) for answer in answers}
            assert len({*answers}) == 1, "whoever takes it up holds it"
            assert wire.session_id in events_of(house, "session.resumed")
            for client in clients:
                assert int(await client.call()) != victim

        # An administrator ends a session that some worker holds in memory.
        assert house.gatetrail("sessions", "--end", str(doomed.session_id), "--json").objects == [
            {"session_id": doomed.session_id, "ended": True}
        ]
        assert await until_ended_at(doomed, {404}) < 1.0
        again = house.gatetrail("sessions", "--end", str(doomed.session_id))
        assert (again.code, again.out) == (1, "")
        assert events_of(house, "session.ended") == [doomed.session_id]
        row = sessions_of(house)[str(doomed.session_id)]
        assert (row["state"], row["reason"]) == ("ended", "an administrator ended it")


@pytest.mark.parametrize("store", ["sqlite", "memory"])
async def test_sessions_live_where_the_settings_say(
    house: House, listener: tuple[socket.socket, str], store: str, tmp_path: Path, dsn: str
) -> None:
    settle(house, sessions={"store": store})
    held, url = listener
    service = house.serve(listener=held)
    is_up(service)
    async with opened(house, url, "own") as (wire, _):
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT count(*) FROM mcp_sessions").fetchone() == (0,)
        ended(service, signal.SIGKILL)
        service = house.serve(listener=held)
        is_up(service)
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire.http = http
            assert (await wire.call("who")).status == (200 if store == "sqlite" else 404)
            if store == "sqlite":
                assert (tmp_path / "data/sessions.sqlite3").stat().st_mode & 0o077 == 0
                assert house.gatetrail("sessions", "--end", str(wire.session_id), "--config", "service.yaml").code == 0
                assert await until_ended_at(wire, {404}) < 1.0
            else:
                refused = house.gatetrail("sessions", "--config", "service.yaml")
                assert (refused.code, refused.errors) == (
                    2,
                    ["sessions.store is memory: nobody but the process that holds them knows its sessions"],
                )
    assert service.end() == 0
