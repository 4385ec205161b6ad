"""Limits of a server and of a tool, over MCP: a call that one of them refuses has taken nothing of any other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.server.mcpserver import MCPServer
from pydantic import SecretStr

from gatetrail import Authenticated, Gatetrail, Tier
from gatetrail.identity.caller import AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.mcp.answers import CODES
from gatetrail.policy.load import parse_policy
from gatetrail.settings import RateStoreSettings, RateStoreType, load_settings
from gatetrail.words import GateName

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("B9")]

OWN, OF_THE_SERVER, OF_THE_TOOL = 20, 6, 2
"""Calls that fit in; what comes in meanwhile is next to nothing. The client's own requests take of the first, too."""
POLICY = f"""
servers:
  bank:
    tier: user
    rate_per_s: {OF_THE_SERVER / 10_000}
    tools: {{pay: {{rate_per_s: {OF_THE_TOOL / 10_000}}}}}
rate_limits: {{base_per_s: {{mcp: {OWN / 10_000}}}, burst_multiplier: 10000}}
"""
ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)


@asynccontextmanager
async def a_bank(store: RateStoreSettings, dsn: str, folder: Path) -> AsyncGenerator[Client]:
    server: MCPServer = MCPServer("bank")

    @server.tool()
    def pay() -> str:
        return "paid"

    @server.tool()
    def look() -> str:
        return "seen"

    settings = load_settings(None, dsn=SecretStr(dsn), data_dir=folder, rate_store=store)
    async with Gatetrail.open(parse_policy(POLICY, "bank"), settings=settings, sinks=False) as gate:
        gate.install(server, name="bank", local_caller=ANN)
        async with Client(server) as client:
            yield client


async def outcome(client: Client, tool: str) -> str:
    """What was answered: the result, or whose limit it was."""
    try:
        result: Any = await client.call_tool(tool, {})
    except MCPError as problem:
        return "refused" if problem.error.code == CODES[GateName.RATE_LIMIT] else str(problem)
    return str(result.content[0].text)


@pytest.mark.parametrize("kind", [RateStoreType.MEMORY, RateStoreType.POSTGRES, RateStoreType.VALKEY])
async def test_a_refused_call_takes_nothing(
    kind: RateStoreType, dsn: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"valkey://127.0.0.1:{request.getfixturevalue('own_valkey').port}" if kind is RateStoreType.VALKEY else None
    store = RateStoreSettings(type=kind, url=SecretStr(url) if url else None, limit_ms=5_000)
    async with a_bank(store, dsn, tmp_path) as client:
        of_the_tool = [await outcome(client, "pay") for _ in range(2 * OWN)]
        of_the_server = [await outcome(client, "look") for _ in range(OF_THE_SERVER)]
    assert of_the_tool == ["paid"] * OF_THE_TOOL + ["refused"] * (2 * OWN - OF_THE_TOOL)
    assert of_the_server == ["seen"] * (OF_THE_SERVER - OF_THE_TOOL) + ["refused"] * OF_THE_TOOL
