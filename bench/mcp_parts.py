"""A server, a gate over memory, and requests that need no network: what the MCP benchmarks share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
from mcp.server.mcpserver import MCPServer

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.fields import Record
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.events.wire import GENESIS_HASH, seal
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.bearer import TokenVerifier, mint
from gatetrail.identity.tiers import Tier
from gatetrail.mcp import Adapter
from gatetrail.policy.load import parse_policy
from gatetrail.sessions import Sessions
from gatetrail.testing import MemoryJournal, MemorySessions

POLICY = """
servers:
  finance: {tier: user, tools: {pay: {tier: admin}}}
rate_limits: {base_per_s: {mcp: 10000000}}
scanner: {caller_burst: {limit: 10000000, window_ms: 1000}}
"""
SECRET = b"a secret that is long enough for HS256"
MODERN = "2026-07-28"


class SealingJournal(MemoryJournal):
    """Seals like the real one and keeps only the head, so that a long run does not fill the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.head_hash = GENESIS_HASH

    async def append(self, event: Record) -> int:
        self.count += 1
        self.head_hash = seal(event, self.count, "bench", self.head_hash).event_hash
        return self.count

    def forget(self) -> None:
        self.count = 0


class Parts:
    """Everything of one gate."""

    def __init__(self, folder: Path) -> None:
        clock = SystemClock()
        ids = IdMaker(clock)
        stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
        self.journal = SealingJournal()
        ledger = Ledger(self.journal, Spool(folder, stamp.instance_id))
        policy = parse_policy(POLICY, "policy.yaml")
        sessions = Sessions(MemorySessions(), stamp, ledger.commit_or_spool)
        dispatcher = Dispatcher(Gates(policy, GateState()), sessions, ledger, stamp, clock, ids)
        rules = policy.document.identity
        self.adapter = Adapter(dispatcher, TokenVerifier(rules, SECRET, clock), stamp, ids)
        self.token = mint(rules, SECRET, clock, ids, user="ann", tier=Tier.USER)


@contextlib.asynccontextmanager
async def app_of(parts: Parts | None) -> AsyncGenerator[Any]:
    """The application of a server with two trivial tools; with the gate when there are parts."""
    server = MCPServer("bench")

    @server.tool()
    async def add(a: int, b: int) -> int:
        return a + b

    @server.tool()
    async def pay(a: int, b: int) -> int:
        return a - b

    if parts is not None:
        parts.adapter.install(server, name="finance")
    app = server.streamable_http_app(json_response=True)
    async with server.session_manager.run():
        yield app


def modern_request(token: str, tool: str = "add") -> tuple[dict[str, Any], bytes]:
    """Scope and body of one tool call of 2026-07-28."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": {"a": 1, "b": 2}, "_meta": meta}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {
        "host": "127.0.0.1:8000",
        "user-agent": "bench/1",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": tool,
        "authorization": f"Bearer {token}",
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    return scope, body


async def exchange(app: Any, scope: dict[str, Any], body: bytes) -> tuple[int, bytes]:
    """Status and body of one request."""
    status = 0
    answered = b""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, answered
        status = message.get("status", status)
        answered += message.get("body", b"")

    await app(dict(scope), receive, send)
    return status, answered
