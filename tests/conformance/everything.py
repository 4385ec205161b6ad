"""A server with everything that the MCP conformance suite asks for, with our gate or without.

    python -m tests.conformance.everything [--gated]

It prints its URL as the only line on stdout and serves until it is told to stop (SIGTERM).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp_types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail import Gatetrail, Tier
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.settings import load_settings
from tests.conformance import answering, asking
from tests.conformance.event_store import MemoryEventStore

RETRY_MS = 200
POLICY = Path(__file__).with_name("policy.yaml")


def build() -> MCPServer:
    """The server as its author would write it, without any gate."""
    server = MCPServer(name="everything", version="1.0.0", tools=[answering.rich_schema_tool()])
    answering.add_to(server)
    asking.add_to(server)
    add_other_methods(server)
    return server


def add_other_methods(server: MCPServer) -> None:
    """Completion, and what clients before 2026-07-28 may send; MCPServer serves none of it itself."""
    low = server._lowlevel_server  # pyright: ignore[reportPrivateUsage]

    async def done(_context: ServerRequestContext[Any, Any], _params: object) -> EmptyResult:
        return EmptyResult()

    async def complete(_context: ServerRequestContext[Any, Any], params: CompleteRequestParams) -> CompleteResult:
        words = ("paris", "park", "party")
        fitting = [word for word in words if word.startswith(params.argument.value)]
        return CompleteResult(completion=Completion(values=fitting, total=len(fitting)))

    low.add_request_handler("completion/complete", CompleteRequestParams, complete)
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, done)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, done)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, done)


@contextlib.asynccontextmanager
async def plain(server: MCPServer) -> AsyncGenerator[ASGIApp]:
    """The server's own application."""
    yield application(server)


@contextlib.asynccontextmanager
async def gate(server: MCPServer) -> AsyncGenerator[ASGIApp]:
    """The same application behind our gate, on a database of its own, for a caller who may do what the suite does."""
    with tempfile.TemporaryDirectory(prefix="gatetrail-conformance-") as folder:
        Path(folder).chmod(0o755)
        secret = secrets.token_urlsafe(48)
        settings = load_settings(None, data_dir=Path(folder) / "data", jwt_secret=SecretStr(secret))
        async with Gatetrail.open(POLICY, settings=settings) as gatetrail:
            gatetrail.install(server, name=server.name)
            clock = SystemClock()
            identity = gatetrail.policy.document.identity
            token = mint(identity, secret.encode(), clock, IdMaker(clock), user="conformance", tier=Tier.USER)
            yield presenting(token, application(server))


def presenting(token: str, app: ASGIApp) -> ASGIApp:
    """Adds the token to each request, since the suite cannot send an Authorization header."""
    header = (b"authorization", f"Bearer {token}".encode())

    async def with_token(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], header]}
        await app(scope, receive, send)

    return with_token


def application(server: MCPServer) -> ASGIApp:
    return server.streamable_http_app(event_store=MemoryEventStore(), retry_interval=RETRY_MS)


async def serve(*, gated: bool) -> None:
    """Listen on a free port of the loopback interface, say which, and go on until told to stop."""
    wrap = gate if gated else plain
    async with wrap(build()) as app:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp\n")
            sys.stdout.flush()
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gated", action="store_true", help="put the gate in front")
    asyncio.run(serve(gated=parser.parse_args().gated))
