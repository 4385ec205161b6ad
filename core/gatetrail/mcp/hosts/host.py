"""What the gate has to know of a server, whichever package it comes from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from mcp.server.lowlevel import Server

from gatetrail.call import Kind
from gatetrail.mcp.calls import Context

Body = Callable[[], Awaitable[Any]]


class Gate(Protocol):
    """What a host needs of the gate to guard what it would run without being asked over a wire."""

    def open_for(self, kind: Kind, name: str) -> bool:
        """True when this very thing was decided on and is about to start."""
        ...

    def take(self, kind: Kind, name: str) -> bool:
        """Use up the permit for this very thing, which starts now; False when there is none."""
        ...

    async def run(self, kind: Kind, name: str, arguments: Mapping[str, Any], body: Body) -> Any:
        """Decide on something that has no permit and, if allowed, run it. Raises `MCPError` for a denial."""
        ...

    async def admit(self, kind: Kind, name: str, arguments: Mapping[str, Any], body: Body) -> Any:
        """Decide and, if allowed, run something that takes the permit further down. Raises `MCPError`."""
        ...


class Host(Protocol):
    """One server with the gate in it."""

    @property
    def low(self) -> Server[Any]:
        """The low-level server that every message passes."""
        ...

    @property
    def app_factories(self) -> Sequence[tuple[object, str]]:
        """Objects and names of their methods that make an HTTP application."""
        ...

    async def resolve(self, kind: Kind, name: str, context: Context) -> str | None:
        """The name that the policy knows a thing by; None when the server has no such thing."""
        ...

    async def level(self, kind: Kind, context: Context) -> None:
        """Spend on a thing that exists and stays hidden what `resolve` spends on one that does not exist."""
        ...

    def learn(self, kind: Kind, names: Sequence[str]) -> None:
        """Take note of what the server's own list said, before it is filtered."""
        ...

    def guard(self, gate: Gate) -> None:
        """Put the gate beneath the handlers, for calls that come over no wire."""
        ...
