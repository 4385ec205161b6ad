"""One MCP server in a process of its own: without a gate, with the hand-written one, or with ours.

    python -m bench.mcp_server CONTESTANT DSN FOLDER

Prints one line of JSON, `{"port": …, "token": …}`, when it answers, and ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import orjson
import psycopg
import uvicorn
from mcp.server.mcpserver import MCPServer
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr
from starlette.types import ASGIApp

from bench.hand_written import POOL_SIZE, TABLE, hand_written_app
from gatetrail import Gatetrail
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.identity import IdentityPolicy
from gatetrail.policy.load import parse_policy
from gatetrail.runtime.collector import settle
from gatetrail.settings import ServiceSettings

SECRET = b"a secret of the benchmark, 32 bytes"
POLICY = """
servers:
  bench: {tier: user, tools: {delete_*: {tier: admin}}}
blocklist:
  - {id: purge, tools: [purge_*], reason: nobody purges}
rate_limits:
  base_per_s: {mcp: 10000000}
scanner:
  caller_burst: {limit: 1000000000, window_ms: 1000}
"""
SINK_NAME = "bench"


class Contestant(StrEnum):
    """What stands before the tool."""

    PLAIN = "plain"
    HAND_WRITTEN = "hand_written"
    GATED = "gated"
    """Gatetrail, all gates, journal and executions, no sink."""
    GATED_FILE = "gated_file"
    """The same, and every event into a file."""


def the_server() -> MCPServer:
    """The same for all contestants."""
    server = MCPServer("bench", log_level="WARNING")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    return server


@asynccontextmanager
async def application(contestant: Contestant, dsn: str, folder: Path) -> AsyncGenerator[ASGIApp]:
    """The contestant's ASGI application, for as long as the block lasts."""
    server = the_server()
    match contestant:
        case Contestant.PLAIN:
            yield server.streamable_http_app(json_response=True)
        case Contestant.HAND_WRITTEN:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                await connection.execute(TABLE.encode())
            async with AsyncConnectionPool(
                dsn, min_size=POOL_SIZE, max_size=POOL_SIZE, kwargs={"autocommit": True}, open=False
            ) as pool:
                yield hand_written_app(server, pool, SECRET)
        case Contestant.GATED | Contestant.GATED_FILE:
            sinks = {SINK_NAME: {"type": "file", "path": str(folder / "audit.jsonl")}}
            settings = ServiceSettings(
                dsn=SecretStr(dsn),
                data_dir=folder,
                jwt_secret=SecretStr(SECRET.decode()),
                sinks=sinks if contestant is Contestant.GATED_FILE else {},
            )
            async with Gatetrail.open(parse_policy(POLICY, "bench"), settings=settings) as gate:
                gate.install(server, name="bench")
                yield server.streamable_http_app(json_response=True)
        case _:
            assert_never(contestant)


async def serve(contestant: Contestant, dsn: str, folder: Path) -> None:
    """Answer until stdin is closed."""
    clock = SystemClock()
    token = mint(IdentityPolicy(), SECRET, clock, IdMaker(clock), user="ann", tier=Tier.USER)
    async with application(contestant, dsn, folder) as app:
        # As `gatetrail serve` does; all contestants alike.
        settle()
        config = uvicorn.Config(app, loop="asyncio", http="h11", ws="none", access_log=False, log_level="warning")
        server = uvicorn.Server(config)
        # With the protocol named: asyncio turns Nagle's delays off for no other sockets.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        serving = asyncio.create_task(server.serve([listening]))
        # Connections are queued from here on, whenever the server begins to take them.
        print(orjson.dumps({"port": listening.getsockname()[1], "token": token}).decode(), flush=True)
        closed = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
        await asyncio.wait([serving, closed], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving


def main() -> None:
    contestant, dsn, folder = sys.argv[1:]
    asyncio.run(serve(Contestant(contestant), dsn, Path(folder)))


if __name__ == "__main__":
    main()
