"""An upstream behind a gate over a journal in memory, with real HTTP in front."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.streamable_http import streamable_http_client

from gatetrail.identity.tiers import Tier
from gatetrail.service.hosts import LOOPBACK
from gatetrail.service.mounting import http_app_of
from gatetrail.upstreams import CommandTarget, Limits, MountedServer, Phase, Revealed, Target, Upstream
from tests.mcp.conftest import Gate, Site, make_gate, serve
from tests.mcp.wire import Wire

WITHIN_S = 20.0
NAME = "up"
SCRIPT = Path(__file__).with_name("scripted.py")
POLICY = """
servers:
  up:
    tier: user
    tools:
      hang: {time_limit_ms: 300}
      nonsense: {tier: admin}
blocklist:
  - {id: not-by-agents, tools: [forbidden], reason: agents must not}
"""
QUICK = Limits(start_limit_ms=10_000, retry_initial_ms=20, retry_max_ms=100)


@dataclass(frozen=True, slots=True)
class House:
    """All of it, running."""

    gate: Gate
    upstream: Upstream
    site: Site

    async def wire(self, era: str, tier: Tier = Tier.USER) -> Wire:
        """A client that has shaken hands."""
        return await self.site.opened(era, self.gate.token(tier=tier))

    @asynccontextmanager
    async def client(self, mode: str, hear: MessageHandlerFnT | None = None) -> AsyncGenerator[Client]:
        """The SDK's client; `hear` is told of what the server tells without being asked."""
        headers = {"Authorization": f"Bearer {self.gate.token()}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=WITHIN_S) as http,
            Client(
                streamable_http_client(f"{self.site.url}/mcp", http_client=http), mode=mode, message_handler=hear
            ) as client,
        ):
            yield client

    async def up(self, restarts: int = 0) -> None:
        """Wait until it is up for the so-many-th time."""
        await until(lambda: self.upstream.state().phase is Phase.UP and self.upstream.state().restarts >= restarts)

    def outcomes(self) -> list[tuple[str, str, str | None]]:
        """Tool, status and error class of all calls that have ended."""
        return [(event.tool_name, event.execution_status, event.error_class) for event in self.gate.outcomes()]


@asynccontextmanager
async def mounted(
    folder: Path, target: Target, *, limits: Limits = QUICK, policy: str = POLICY, wait: bool = True
) -> AsyncGenerator[House]:
    """Serve an upstream at `/mcp`."""
    gate = make_gate(folder / "spool", policy)
    upstream = Upstream(NAME, target, limits, jitter=lambda: 0.0)
    server = MountedServer(upstream)
    gate.adapter.install(server, name=NAME)
    async with serve(http_app_of(server, "/mcp", LOOPBACK)) as site:
        house = House(gate, upstream, site)
        if wait:
            await house.up()
        yield house


@dataclass(frozen=True, slots=True)
class Script:
    """The scripted server, and what it heard."""

    folder: Path
    ways: str = ""
    token: str = "token-that-nobody-may-see"

    def target(self) -> CommandTarget:
        values = {"HEARD": str(self.folder / "heard"), "WAYS": self.ways, "TOKEN": self.token, **path()}
        return CommandTarget((sys.executable, "-IS", str(SCRIPT)), lambda: Revealed(values, frozenset({self.token})))

    def heard(self) -> list[dict[str, Any]]:
        """All messages, oldest first."""
        try:
            lines = (self.folder / "heard").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def calls(self) -> list[str]:
        """The tools that were called."""
        return [message["params"]["name"] for message in self.heard() if message.get("method") == "tools/call"]

    def processes(self) -> list[dict[str, Any]]:
        """The starts."""
        return [message for message in self.heard() if "started" in message]


def path() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


async def until(condition: Callable[[], object]) -> None:
    """Wait for something, with a bound."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 -- other processes tell of nothing
            await asyncio.sleep(0.005)


def lives(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
