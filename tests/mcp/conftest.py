"""A gate over a journal in memory, and real HTTP in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.model import Event, IdentityRefused, ScannerDetected, ToolCallCompleted, ToolCallDecided
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.bearer import TokenVerifier, mint
from gatetrail.identity.tiers import Tier
from gatetrail.mcp import Adapter, SessionLimits
from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy
from gatetrail.sessions import Sessions
from gatetrail.testing import MemoryJournal, MemorySessions
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import Wire

_LIMITS = SessionLimits()
SECRET = b"a secret that is long enough for HS256"
PATIENCE_S = 10.0

POLICY = """
servers:
  finance:
    tier: user
    tools:
      pay: {tier: admin}
      stuck: {time_limit_ms: 60}
      blocks: {time_limit_ms: 20}
    resources:
      "invoice://secret/*": {tier: admin}
    prompts:
      board_report: {tier: admin}
    methods: [acme/allowed]
"""


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything of one gate that a test looks at."""

    adapter: Adapter
    dispatcher: Dispatcher
    journal: MemoryJournal
    sessions: MemorySessions
    policy: Policy
    clock: SystemClock
    ids: IdMaker

    def token(self, user: str = "ann", tier: Tier = Tier.USER, **claims: Any) -> str:
        """A good token."""
        return mint(self.policy.document.identity, SECRET, self.clock, self.ids, user=user, tier=tier, **claims)

    def decisions(self) -> list[ToolCallDecided]:
        """All rows, oldest first."""
        return [event for event in self.events() if isinstance(event, ToolCallDecided)]

    def outcomes(self) -> list[ToolCallCompleted]:
        return [event for event in self.events() if isinstance(event, ToolCallCompleted)]

    def refusals(self) -> list[IdentityRefused]:
        return [event for event in self.events() if isinstance(event, IdentityRefused)]

    def probes(self) -> list[ScannerDetected]:
        return [event for event in self.events() if isinstance(event, ScannerDetected)]

    def events(self) -> list[Event]:
        return self.journal.events()

    async def outcome(self) -> ToolCallCompleted:
        """The first outcome, waited for."""
        with anyio.fail_after(PATIENCE_S):
            while not self.outcomes():
                await self.journal.wait_beyond(len(self.events()), PATIENCE_S)
        return self.outcomes()[0]


def make_gate(
    spool_folder: Path,
    policy: str = POLICY,
    store: MemorySessions | None = None,
    limits: SessionLimits = _LIMITS,
    state_keys: Sequence[bytes] = (),
) -> Gate:
    """A gate over twins in memory; two of them on one `store` are like two processes."""
    clock = SystemClock()
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
    journal, store = MemoryJournal(), store or MemorySessions()
    ledger = Ledger(journal, Spool(spool_folder, stamp.instance_id))
    loaded = parse_policy(policy, "policy.yaml")
    sessions = Sessions(store, stamp, ledger.commit_or_spool)
    dispatcher = Dispatcher(Gates(loaded, GateState()), sessions, ledger, stamp, clock, ids)
    verifier = TokenVerifier(loaded.document.identity, SECRET, clock)
    adapter = Adapter(dispatcher, verifier, stamp, ids, limits=limits, state_keys=state_keys)
    return Gate(adapter, dispatcher, journal, store, loaded, clock, ids)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return make_gate(tmp_path / "spool")


@pytest.fixture(params=("mcpserver", "lowlevel", "fastmcp"))
def sample(request: pytest.FixtureRequest, gate: Gate) -> Sample:
    """A gated sample server of each kind."""
    made = build(request.param)
    gate.adapter.install(made.server, name=NAME)
    return made


@dataclass(frozen=True, slots=True)
class Site:
    """A running HTTP server."""

    url: str
    http: httpx.AsyncClient

    def client(self, era: str, token: str | None = None) -> Wire:
        """A client of the MCP endpoint; not open yet."""
        return Wire(self.http, f"{self.url}/mcp", era, token)

    async def opened(self, era: str, token: str | None = None) -> Wire:
        wire = self.client(era, token)
        await wire.open()
        return wire


class QuietServer(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncGenerator[Site]:
    """Serve an application on a free port of 127.0.0.1 until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = QuietServer(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=2))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        with anyio.fail_after(PATIENCE_S):
            while not server.started:
                assert not task.done(), "the server ended while it started"
                await anyio.lowlevel.checkpoint()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
            yield Site(url, http)
    finally:
        server.should_exit = True
        await asyncio.wait([task], timeout=PATIENCE_S)
        listening.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def site(sample: Sample) -> AsyncIterator[Site]:
    """The sample's own application, served."""
    serving: AbstractAsyncContextManager[Site] = serve(sample.app())
    async with serving as running:
        yield running
