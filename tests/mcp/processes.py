"""Processes that share a store of sessions, as far as sessions can tell: each has a gate, a server and a site."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gatetrail.events.model import SessionResumed
from gatetrail.mcp import SessionLimits
from gatetrail.mcp.resuming import ResumingSessionManager
from gatetrail.testing import MemorySessions
from tests.mcp.conftest import POLICY, Gate, Site, make_gate, serve
from tests.mcp.servers import NAME, Sample, build
from tests.mcp.wire import Wire


class Process:
    """A gate, a server behind it, and the site where it answers."""

    def __init__(self, gate: Gate, sample: Sample, site: Site, app: Any) -> None:
        self.gate = gate
        self.sample = sample
        self.site = site
        self.manager = manager_of(app)

    def resumed(self) -> list[str | None]:
        return resumed_by(self.gate)

    def held(self) -> int:
        """Sessions in its memory."""
        return self.manager.held

    def takes(self, wire: Wire) -> Wire:
        """The same client, which finds this process where the other was."""
        wire.http, wire.url = self.site.http, f"{self.site.url}/mcp"
        return wire


def manager_of(app: Any) -> ResumingSessionManager:
    """What holds the sessions of an application."""
    (manager,) = [
        found
        for route in app.routes
        for one in (getattr(route, "endpoint", None), getattr(getattr(route, "endpoint", None), "app", None))
        if isinstance(found := getattr(one, "session_manager", None), ResumingSessionManager)
    ]
    return manager


def resumed_by(gate: Gate) -> list[str | None]:
    return [event.session_id for event in gate.events() if isinstance(event, SessionResumed)]


@asynccontextmanager
async def process(
    folder: Path, store: MemorySessions, kind: str = "mcpserver", policy: str = POLICY, name: str = NAME, **limits: Any
) -> AsyncGenerator[Process]:
    gate = make_gate(folder / "spool", policy, store, SessionLimits(**limits))
    sample = build(kind)
    gate.adapter.install(sample.server, name=name)
    app: Any = sample.app()
    async with serve(app) as site:
        yield Process(gate, sample, site, app)
