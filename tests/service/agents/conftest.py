"""A service that agents report to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from gatetrail.events.model import Event, LifecycleReported, ToolCallCompleted, ToolCallDecided
from gatetrail.identity.tiers import Tier
from gatetrail.service.agents.samples import PAYLOADS
from tests.service.api.conftest import WITHIN_S, Service, module_dsn, serving_api

__all__ = ["module_dsn"]

Row = tuple[str, str, str | None]
PATH = "/hooks/claude-code"

POLICY = """
identity: {anonymous: true}
servers:
  claude-code:
    tier: user
    conceal: false
    tools:
      Read: {tier: anonymous}
      Write: {tier: admin}
      "mcp__ledger__*": {scopes: [ledger]}
  hidden: {tier: admin}
blocklist:
  - {id: no-web, tools: [WebFetch], servers: [claude-code], reason: the web is not for this agent}
rate_limits:
  base_per_s: {mcp: 100}
  burst_multiplier: 3
  tier_multipliers: {mcp: 0.01}
"""


def payload_of(name: str, **over: Any) -> dict[str, Any]:
    """A payload of one of the ten kinds with other keys; None takes a key away."""
    return {key: value for key, value in {**PAYLOADS[name], **over}.items() if value is not None}


@dataclass
class Agent:
    """An agent that reports, as one user, in one session."""

    service: Service
    session_id: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    http: httpx.AsyncClient | None = None

    async def post(self, body: bytes, path: str = PATH, **headers: str) -> httpx.Response:
        told = {"Content-Type": "application/json", **self.headers, **headers}
        return await (self.http or self.service.http).post(path, content=body, headers=told)

    async def report(self, name: str, **over: Any) -> httpx.Response:
        payload = payload_of(name, **{"session_id": self.session_id, **over})
        return await (self.http or self.service.http).post(PATH, json=payload, headers=dict(self.headers))

    async def asks(self, tool: str = "Bash", use_id: str | None = "toolu_1", **over: Any) -> httpx.Response:
        return await self.report("PreToolUse", tool_name=tool, tool_use_id=use_id, **over)

    async def lifecycle(self) -> list[LifecycleReported]:
        """What the record has of this session."""
        return [event for event in await self.events() if isinstance(event, LifecycleReported)]

    async def decisions(self) -> list[ToolCallDecided]:
        return [event for event in await self.events() if isinstance(event, ToolCallDecided)]

    async def outcomes(self) -> list[ToolCallCompleted]:
        return [event for event in await self.events() if isinstance(event, ToolCallCompleted)]

    async def events(self) -> Sequence[Event]:
        return [event for event in await self.service.events() if event.session_id == self.session_id]

    async def rows(self) -> list[Row]:
        """Tool, status and error class of every execution of this session."""
        async with await psycopg.AsyncConnection.connect(self.service.dsn) as connection:
            cursor = await connection.execute(
                "SELECT tool_name, status, error_class FROM mcp_tool_executions WHERE session_id = %s"
                " ORDER BY execution_id",
                [self.session_id],
            )
            return await cursor.fetchall()

    async def until(self, wanted: Callable[[Sequence[Row]], bool]) -> None:
        """Wait for executions to be as wanted."""
        async with asyncio.timeout(WITHIN_S):
            found = await self.rows()
            while not wanted(found):
                await asyncio.sleep(0.05)
                found = await self.rows()


def agent_of(service: Service, session: str, user: str = "ann", tier: Tier = Tier.USER, **claims: Any) -> Agent:
    return Agent(service, session, service.as_user(user, tier, **claims))


def denial_in(answer: httpx.Response) -> str | None:
    """Why a use was denied; None when nothing was said against it."""
    assert answer.status_code == 200, answer.text
    output = answer.json().get("hookSpecificOutput")
    if output is None:
        assert answer.json() == {}
        return None
    assert output["hookEventName"] == "PreToolUse"
    assert output["permissionDecision"] == "deny"
    return str(output["permissionDecisionReason"])


@pytest.fixture(scope="module")
async def service(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for the tests of one module."""
    async with serving_api(module_dsn, tmp_path_factory.mktemp("service"), POLICY) as running:
        yield running
