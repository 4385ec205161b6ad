"""A server with everything that the MCP conformance suite asks for, with our gate or without.

    python -m tests.conformance.everything [--gated]

It prints its URL as the only line on stdout and serves until it is told to stop (SIGTERM).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncGenerator
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
from starlette.types import ASGIApp

from tests.conformance import answering, asking
from tests.conformance.event_store import MemoryEventStore

RETRY_MS = 200


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
    """The same application behind our gate, for a caller who may do everything.

    The suite cannot send an Authorization header, so the caller comes from here.
    """
    # Until the adapter is there: fail loudly rather than serve the plain profile under this name.
    message = f"the gated profile of {server.name}"
    raise NotImplementedError(message)
    yield application(server)  # what makes this function a generator


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
