"""The common way to serve event streams, for comparison: sse-starlette, with a queue for each subscriber.

    python -m bench.stream_yardstick

Prints its port and ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

open_queues: set[asyncio.Queue[str]] = set()


async def stream(_request: Request) -> EventSourceResponse:
    """One subscriber."""
    queue: asyncio.Queue[str] = asyncio.Queue(500)

    async def events() -> AsyncGenerator[dict[str, str | int]]:
        yield {"retry": 3_000}
        open_queues.add(queue)
        try:
            while True:
                yield {"data": await queue.get()}
        finally:
            open_queues.discard(queue)

    return EventSourceResponse(events(), ping=2, sep="\n")


async def main() -> None:
    """Serve until stdin ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Route("/", stream)]), log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve([listener]))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = server.force_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
