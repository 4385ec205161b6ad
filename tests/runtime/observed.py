"""A whole service with two small servers of its own, over real HTTP, whose figures are looked at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
from mcp.server import MCPServer
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import SecretStr

from gatetrail.clock import IdMaker
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.application import open_application
from gatetrail.runtime.checks import Check
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings
from tests.mcp.wire import MODERN, Wire

SECRET = b"a secret that is long enough for HS256"
WITHIN_S = 20.0
POLICY = """
servers:
  finance:
    tier: user
    conceal: false
    tools: {pay: {tier: admin}, naps: {time_limit_ms: 30}}
blocklist:
  - {id: closed, tools: [closed], reason: closed for good}
"""


def finance() -> MCPServer:
    """A server with a tool for each way that a call can end."""
    server = MCPServer("finance")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def naps() -> None:
        await anyio.sleep_forever()

    @server.tool()
    async def fails() -> None:
        raise ValueError("never mind")

    @server.tool()
    async def pay() -> None: ...

    @server.tool()
    async def closed() -> None: ...

    _ = (add, naps, fails, pay, closed)
    return server


@dataclass(frozen=True)
class Service:
    """A service that is being served."""

    gate: Gatetrail
    http: httpx.AsyncClient

    async def call(self, tool: str, arguments: dict[str, Any] | None = None, *, user: str = "ann") -> None:
        """Call a tool, however that ends."""
        await Wire(self.http, "/mcp/finance", MODERN, self.token(user)).call(tool, arguments)

    def token(self, user: str) -> str:
        clock = self.gate.clock
        return mint(self.gate.policy.document.identity, SECRET, clock, IdMaker(clock), user=user, tier=Tier.USER)

    def headers(self, user: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(user)}"}

    async def samples(self) -> list[Sample]:
        answer = await self.http.get("/metrics")
        assert answer.status_code == 200
        return [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]

    async def values(self, name: str) -> Mapping[tuple[str, ...], float]:
        """By the values of the labels, which are in the order of their names."""
        found = [sample for sample in await self.samples() if sample.name == name]
        return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in found}


@asynccontextmanager
async def observed(
    dsn: str,
    folder: Path,
    *,
    checks: tuple[Check, ...] = (),
    driven: bool = True,
    more: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncGenerator[Service]:
    """The service as `gatetrail serve` makes it; with `driven` False as with --no-sinks; with `more` servers."""
    chosen = ServiceSettings(dsn=SecretStr(dsn), data_dir=folder, jwt_secret=SecretStr(SECRET.decode()), **settings)
    async with (
        Gatetrail.open(parse_policy(POLICY, "policy.yaml"), settings=chosen, sinks=driven) as gate,
        open_application(gate, chosen, {"finance": finance(), **(more or {})}, checks=checks) as app,
        serving(app, grace_s=2) as url,
        httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as http,
    ):
        yield Service(gate, http)
