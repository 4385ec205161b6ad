"""A service that trusts proxies of 127.0.0.1, and what signs and asks as they do."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from mcp.server import MCPServer
from pydantic import SecretStr

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.events.model import Event, IdentityRefused, ToolCallDecided
from gatetrail.identity.bearer import mint
from gatetrail.identity.signing import signed_headers
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.application import open_application
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings
from tests.mcp.wire import CLIENT, MODERN

SECRET = "a secret that is long enough for HS256"
INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
TARGET = "/mcp/finance"
WITHIN_S = 20.0
PAGE = 1_000

KEYS = {
    "edge": "edge: a key that is long enough for a proxy",
    "edge before": "edge: the key before, that is long enough",
    "edge at first": "edge: the key that was given up long ago",
    "office": "office: a key that is long enough for one",
    "far": "far: a key that is long enough for a proxy",
}
POLICY = """
identity:
  proxies:
    - {name: edge, networks: [127.0.0.1], ceiling_tier: service, default_tier: service, tiers: [admin, service]}
    - {name: office, networks: [127.0.0.1/32, "::1"], user_prefix: "office:"}
    - {name: far, networks: [10.9.0.0/16]}
    - {name: keyless, networks: [127.0.0.1]}
servers:
  finance:
    tier: mcp
    conceal: false
    tools:
      pay: {tier: admin}
      plan: {scopes: ["finance:plan"]}
      partner: {audience: partners}
      audit: {departments: [audit]}
scanner:
  anonymous_burst: {limit: 100000, window_ms: 10000}
  caller_burst: {limit: 100000, window_ms: 10000}
rate_limits: {base_per_s: {mcp: 100000}}
"""


def nonce() -> str:
    """Another each time."""
    return f"nonce-of-a-test-{time.time_ns()}-{next(_COUNT)}"


_COUNT = itertools.count()


def headers_of(
    user: str = "ann", *, proxy: str = "edge", key: str | None = None, late_s: float = 0.0, **said: Any
) -> dict[str, str]:
    """What a proxy adds to a request; `late_s` is how old the signature is."""
    given: dict[str, Any] = {
        "method": "POST",
        "target": TARGET,
        "timestamp_s": round(time.time() - late_s),
        "nonce": nonce(),
        **said,
    }
    return signed_headers(KEYS[key or proxy].encode(), proxy=proxy, user=user, **given)


def message_of(tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A whole call in one message, as the newest protocol has it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments or {}, "_meta": meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def mcp_headers(tool: str) -> dict[str, str]:
    return {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }


def build_server(ran: Callable[[str], None]) -> MCPServer:
    """A server whose tools tell that they ran."""
    server = MCPServer("finance")

    def add(name: str) -> None:
        def tool() -> str:
            ran(name)
            return f"{name} is done"

        server.add_tool(tool, name=name)

    for name in ("invoice", "pay", "plan", "partner", "audit"):
        add(name)
    return server


@dataclass
class Stand:
    """A running service and those who ask it."""

    gate: Gatetrail
    url: str
    inside: httpx.AsyncClient
    """From the proxies' network."""
    outside: httpx.AsyncClient
    ran: list[str]
    seen_seq: int = 0
    _events: list[Event] = field(default_factory=list[Event])

    def token(self, user: str = "ann", tier: Tier = Tier.SERVICE, **claims: Any) -> str:
        clock = SystemClock()
        identity = self.gate.policy.document.identity
        return mint(identity, SECRET.encode(), clock, IdMaker(clock), user=user, tier=tier, **claims)

    async def call(
        self,
        headers: Mapping[str, str] | list[tuple[str, str]],
        tool: str = "invoice",
        *,
        target: str = TARGET,
        http: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        """A tool call with these headers besides its own."""
        given = [*headers.items()] if isinstance(headers, Mapping) else headers
        body = json.dumps(message_of(tool)).encode()
        sent = [(name.encode(), value.encode()) for name, value in (*mcp_headers(tool).items(), *given)]
        return await (http or self.inside).post(f"{self.url}{target}", content=body, headers=sent)

    async def new_events(self) -> list[Event]:
        """What was recorded since the last look."""
        found: list[Event] = []
        while entries := await self.gate.journal.read(self.seen_seq, PAGE):
            self.seen_seq = entries[-1].seq
            found += [entry.event() for entry in entries]
        return found

    async def refusals(self) -> list[IdentityRefused]:
        return [event for event in await self.new_events() if isinstance(event, IdentityRefused)]

    async def decisions(self) -> list[ToolCallDecided]:
        return [event for event in await self.new_events() if isinstance(event, ToolCallDecided)]


def settings_of(dsn: str, folder: Path, **more: Any) -> ServiceSettings:
    keys: dict[str, Any] = {
        "edge": (SecretStr(KEYS["edge"]), SecretStr(KEYS["edge before"])),
        "office": SecretStr(KEYS["office"]),
        "far": SecretStr(KEYS["far"]),
    }
    given: dict[str, Any] = {
        "dsn": SecretStr(dsn),
        "data_dir": folder,
        "jwt_secret": SecretStr(SECRET),
        "proxy_keys": keys,
        **more,
    }
    return ServiceSettings(**given)


@asynccontextmanager
async def standing_by(dsn: str, folder: Path, policy: str = POLICY, **more: Any) -> AsyncGenerator[Stand]:
    """The service as `gatetrail serve` makes it, with one server; nobody but the tests asks it."""
    settings = settings_of(dsn, folder, **more)
    ran: list[str] = []
    async with (
        Gatetrail.open(parse_policy(policy, "policy.yaml"), settings=settings, sinks=False) as gate,
        open_application(gate, settings, {"finance": build_server(ran.append)}) as app,
        serving(app, grace_s=2) as url,
        httpx.AsyncClient(timeout=WITHIN_S) as inside,
        httpx.AsyncClient(timeout=WITHIN_S, transport=httpx.AsyncHTTPTransport(local_address=OUTSIDE)) as outside,
    ):
        stand = Stand(gate, url, inside, outside, ran)
        await stand.new_events()
        yield stand
