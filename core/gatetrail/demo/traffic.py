"""Real clients on real HTTP: each caller lists the tools that it is shown, then makes its calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from gatetrail.demo.party import Ask, Era, Party, Proof

AT_ONCE = 16
"""Requests that a hasty caller has open at the same time."""

LONGEST_WAIT_S = 2.0
"""How long a polite caller waits at most after it was told to."""

REQUEST_LIMIT_S = 60.0

Mint = Callable[[Proof], str]


@dataclass(slots=True)
class Stage:
    """Where the callers go, and what they leave."""

    url: str
    """Of the service, without a slash at the end."""
    mint: Mint
    version: str
    """What the clients call their own version."""
    called: Callable[[], None]
    """Told after each call."""
    troubles: list[str] = field(default_factory=list[str])
    """What went wrong that is no answer to a call."""
    stopped: anyio.Event = field(default_factory=anyio.Event)
    """Set from the moment when nobody shall begin another call."""
    pause_s: float = 0.0
    """How long a caller that is not hasty waits at least between two calls."""

    def server_url(self, server_name: str) -> str:
        return f"{self.url}/mcp/{server_name}"


async def play(stage: Stage, parts: Sequence[tuple[Party, int]]) -> None:
    """All callers at the same time, each to its end."""
    async with anyio.create_task_group() as group:
        for party, count in parts:
            group.start_soon(_play_part, stage, party, count)


async def _play_part(stage: Stage, party: Party, count: int) -> None:
    try:
        await _Actor(stage, party).perform(party.asks(count))
    except Exception as problem:  # noqa: BLE001 -- one caller's trouble is told at the end, and stops nobody
        stage.troubles.append(f"{party.name}: {_innermost(problem)}")


class _Actor:
    """One caller, with one HTTP client under its MCP clients."""

    def __init__(self, stage: Stage, party: Party) -> None:
        self._stage = stage
        self._party = party

    async def perform(self, asks: Sequence[Ask]) -> None:
        headers = {"user-agent": self._party.user_agent} if self._party.user_agent else {}
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=REQUEST_LIMIT_S))
            self._present(http, self._party.proof)
            clients = {
                name: await stack.enter_async_context(self._connected(name, http))
                for name in dict.fromkeys(ask.server_name for ask in asks)
            }
            if self._party.all_at_once:
                await self._hurry(clients, asks)
            else:
                await self._proceed(clients, asks, http)

    def _present(self, http: httpx2.AsyncClient, proof: Proof | None) -> None:
        if proof is not None:
            http.headers["authorization"] = f"Bearer {self._stage.mint(proof)}"

    @asynccontextmanager
    async def _connected(self, server_name: str, http: httpx2.AsyncClient) -> AsyncGenerator[Client]:
        transport = streamable_http_client(self._stage.server_url(server_name), http_client=http)
        info = Implementation(name=self._party.name, version=self._stage.version)
        async with Client(transport, mode=self._party.era.value, client_info=info) as client:
            if self._party.era is not Era.STRAIGHT:
                await client.list_tools()
            yield client

    async def _proceed(self, clients: Mapping[str, Client], asks: Sequence[Ask], http: httpx2.AsyncClient) -> None:
        for position, ask in enumerate(asks):
            if self._stage.stopped.is_set():
                return
            if position == 1:
                self._present(http, self._party.later_proof)
            wait_s = max(await self._call(clients, ask), self._stage.pause_s)
            with anyio.move_on_after(wait_s):
                await self._stage.stopped.wait()

    async def _hurry(self, clients: Mapping[str, Client], asks: Sequence[Ask]) -> None:
        limiter = anyio.CapacityLimiter(AT_ONCE)

        async def call(ask: Ask) -> None:
            async with limiter:
                if not self._stage.stopped.is_set():
                    await self._call(clients, ask)

        async with anyio.create_task_group() as group:
            for ask in asks:
                group.start_soon(call, ask)

    async def _call(self, clients: Mapping[str, Client], ask: Ask) -> float:
        """Make one call, whatever comes of it; for how many seconds a polite caller waits before the next."""
        try:
            await clients[ask.server_name].call_tool(ask.tool_name, dict(ask.arguments))
        except MCPError as refusal:
            return _wait_s(refusal)
        finally:
            self._stage.called()
        return 0.0


def _wait_s(refusal: MCPError) -> float:
    data: object = refusal.error.data
    wait_ms = cast("dict[str, object]", data).get("retry_after_ms") if isinstance(data, dict) else None
    return min(wait_ms / 1000, LONGEST_WAIT_S) if isinstance(wait_ms, int) else 0.0


def _innermost(problem: Exception) -> str:
    while isinstance(problem, ExceptionGroup):
        problem = cast("ExceptionGroup[Exception]", problem).exceptions[0]
    return f"{type(problem).__name__}: {problem}"
