"""A service with its database, and callers."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from gatetrail import Authenticated, Call, CallDenied, Ids, Tier
from gatetrail import Gatetrail as Gate
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.identity.caller import AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.policy.identity import IdentityPolicy
from gatetrail.settings import ServiceSettings
from tests.cli.conftest import WITHIN_S, Gatetrail, Running
from tests.mcp.wire import HANDSHAKE, Answer, Wire

SECRET = "a secret of the dashboard's tests, long enough"
CLOCK = SystemClock()
IDS = IdMaker(CLOCK)
POLICY = """
identity: {leeway_s: 0}
servers:
  desk:
    tier: user
    conceal: false
    tools:
      fire: {tier: admin}
      payroll: {data_domains: [payroll]}
blocklist:
  - {id: payroll-stays, data_domains: [payroll], reason: salaries are not for agents}
rate_limits: {base_per_s: {mcp: 1000}}
scanner:
  caller_burst: {limit: 500000, window_ms: 10000}
  anonymous_burst: {limit: 500000, window_ms: 10000}
"""
SERVER = """
import anyio
from mcp.server import MCPServer

server = MCPServer("desk")

@server.tool()
async def greet(name: str = "you") -> str:
    return f"hello {name}"

@server.tool()
async def nap(seconds: float) -> str:
    await anyio.sleep(seconds)
    return "rested"

@server.tool()
async def break_down() -> str:
    raise RuntimeError("broken")

@server.tool()
async def payroll() -> str:
    return "never"

@server.tool()
async def fire() -> str:
    return "never"
"""
CONFIG = """
servers: {desk: {python: 'desk_server:server'}}
policy: policy.yaml
sinks: {lines: {type: file, path: events.jsonl}}
stream: {reconnect_ms: 300}
"""


RULES = IdentityPolicy(leeway_s=0)


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes calls through a gate of its own."""

    gate: Gate

    async def make(self, tool: str, user: str = "ann") -> None:
        """One call, allowed or not, to its end."""
        caller = Authenticated(user, Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
        with contextlib.suppress(CallDenied):
            async with self.gate.guard(Call("desk", tool, Ids(trace_id=secrets.token_hex(16))), caller):
                pass


@dataclass
class House:
    """One service at a time, always at the same address, on one database."""

    dsn: str
    command: Gatetrail
    port: str = "0"
    _running: Running | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the service and wait until it listens."""
        self._running = self.command.start("serve", "--port", self.port, "--config", "service.yaml")
        lines = self._running.err.wait_for(lambda lines: any("Listening on" in line for line in lines))
        found = re.search(r"Listening on http://127\.0\.0\.1:(\d+)", "\n".join(lines))
        assert found is not None
        self.port = found[1]

    def kill(self) -> None:
        """Without a warning."""
        assert self._running is not None
        self._running.process.send_signal(signal.SIGKILL)
        self._running.process.wait(WITHIN_S)

    def token(self, user: str, *roles: str, ttl_s: int = 3600) -> str:
        """For a user of tier user."""
        return mint(RULES, SECRET.encode(), CLOCK, IDS, user=user, tier=Tier.USER, roles=roles, ttl_s=ttl_s)

    @property
    def auditor(self) -> str:
        return self.token("olga", "auditor")

    async def call(self, tool: str, user: str = "ann", **arguments: Any) -> Answer:
        """Call a tool over HTTP, as a client does."""
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            wire = Wire(http, f"{self.url}/mcp/desk", HANDSHAKE, self.token(user))
            await wire.open()
            return await wire.call(tool, arguments)

    @asynccontextmanager
    async def side_door(self) -> AsyncGenerator[Calls]:
        """Another process's worth of calls into the same record, without HTTP."""
        settings = ServiceSettings(dsn=SecretStr(self.dsn), data_dir=self.command.folder / "side")
        async with Gate.open(self.command.folder / "policy.yaml", settings=settings) as gate:
            yield Calls(gate)

    async def deny(self, tool: str = "payroll", user: str = "ann") -> str:
        """Make a call that is denied; give the id of the decision."""
        answer = await self.call(tool, user)
        found = re.search(r"\(decision ([0-9a-f-]{36})\)", answer.body.decode())
        assert found is not None, answer.body
        return found[1]

    def totals(self) -> dict[str, int]:
        """What the database has: by decision and by how it ended."""
        statement = "SELECT status, count(*) FROM mcp_tool_executions GROUP BY 1"
        with psycopg.connect(self.dsn) as connection:
            by_status: dict[str, int] = dict(connection.execute(statement).fetchall())
        denied = by_status.pop("denied", 0)
        return {"allow": sum(by_status.values()), "deny": denied, **by_status}


@contextmanager
def opened(server_dsn: str) -> Generator[House]:
    """A fresh database with a running service; both are gone afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    folder = Path(tempfile.mkdtemp(prefix="gatetrail-desk-"))
    dsn = make_conninfo(server_dsn, dbname=name)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "service.yaml").write_text(CONFIG)
    (folder / "desk_server.py").write_text(SERVER)
    command = Gatetrail(
        folder, {"GATETRAIL_DSN": dsn, "GATETRAIL_DATA_DIR": str(folder / "data"), "GATETRAIL_JWT_SECRET": SECRET}
    )
    house = House(dsn, command)
    try:
        house.start()
        yield house
    finally:
        command.end_all()
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        shutil.rmtree(folder, ignore_errors=True)
