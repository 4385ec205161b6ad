"""Callers as people have them: one client of the MCP SDK each. Arguments and output as of `bench.raw_client`."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict

import orjson
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from bench.raw_client import LONGEST_S, MODERN, Load


class Callers:
    """All callers of one run."""

    def __init__(self) -> None:
        self.load = Load()
        self.counting = False
        self.stopping = False

    async def call(self, client: Client, start: int) -> None:
        """One caller that never pauses."""
        number = start
        while not self.stopping:
            number = number % 1000 + 1
            sent_s = time.perf_counter()
            result = await client.call_tool("add", {"a": number, "b": number * 7})
            self._count((time.perf_counter() - sent_s) * 1000)
            if result.structured_content != {"result": number * 8}:
                raise RuntimeError(f"expected {number * 8}, got {result}")

    def _count(self, latency_ms: float) -> None:
        self.load.answered += 1
        if self.counting:
            self.load.calls += 1
            self.load.latencies_ms.append(latency_ms)


async def run(port: int, token: str, clients: int, warm_up_s: float, window_s: float) -> Load:
    """Load the server; raises at the first answer that is not right."""
    callers = Callers()
    async with AsyncExitStack() as stack:
        connected: list[Client] = []
        for _ in range(clients):
            http = await stack.enter_async_context(create_mcp_http_client({"Authorization": f"Bearer {token}"}))
            transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
            client = await stack.enter_async_context(Client(transport))
            assert client.protocol_version == MODERN, client.protocol_version
            connected.append(client)
        async with asyncio.TaskGroup() as tasks:
            for index, client in enumerate(connected):
                tasks.create_task(callers.call(client, index * 7))
            await asyncio.sleep(warm_up_s)
            await _window(callers, window_s)
    return callers.load


async def _window(callers: Callers, window_s: float) -> None:
    print("begin", flush=True)
    callers.counting = True
    began_s = time.perf_counter()
    await asyncio.sleep(window_s)
    callers.load.window_s = time.perf_counter() - began_s
    callers.counting = False
    print("end", flush=True)
    callers.stopping = True


def main() -> None:
    port, token, clients, warm_up_s, window_s = sys.argv[1:]
    work = run(int(port), token, int(clients), float(warm_up_s), float(window_s))
    load = asyncio.run(asyncio.wait_for(work, LONGEST_S))
    print(orjson.dumps(asdict(load)).decode(), flush=True)


if __name__ == "__main__":
    main()
