"""One connection to an upstream, from the handshake to its loss."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import anyio
from mcp.client import Client, ClientSession, IncomingMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    DiscoverRequest,
    DiscoverResult,
    EmptyResult,
    Icon,
    Implementation,
    PingRequest,
    RequestParams,
    ServerCapabilities,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from gatetrail.upstreams.answers import UNAVAILABLE
from gatetrail.upstreams.http import over_http
from gatetrail.upstreams.mask import Mask
from gatetrail.upstreams.stdio import over_stdio
from gatetrail.upstreams.targets import CommandTarget, Revealed, Target, UrlTarget
from gatetrail.upstreams.way import ATTEMPT

MODE = "auto"
"""The SDK asks for the newest protocol first and shakes hands with those who do not know it."""

MAX_DETAIL = 500

# The SDK logs what it cannot read, in the upstream's own words, which may be our credentials.
logging.getLogger("mcp.client").setLevel(logging.CRITICAL)


class Heard(Protocol):
    """Is told of whatever the upstream tells without being asked."""

    async def __call__(self, message: IncomingMessage) -> None: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an upstream is not up: our words, which anybody may read, and details for those who run the service."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


@dataclass(frozen=True, slots=True)
class Introduction:
    """What an upstream said of itself when it was connected to; told to our clients as it is."""

    capabilities: ServerCapabilities
    name: str | None
    version: str
    title: str | None
    description: str | None
    website_url: str | None
    icons: list[Icon] | None
    instructions: str | None


class Link:
    """One connection. Once lost it stays so."""

    def __init__(self, revealed: Revealed) -> None:
        self.values: Mapping[str, str] = revealed.values
        self.mask = Mask(revealed.secrets)
        self.lost = asyncio.Event()
        self.trouble: Trouble | None = None
        """Why it was lost."""
        self.up_s: float | None = None
        """On the monotonic clock: when calls could use it."""
        self.forgotten = False
        """The other side does not know the session any more."""
        self._client: Client | None = None

    def lose(self, reason: str, detail: str = "") -> None:
        """It cannot be used any more. The first reason counts; `detail` may be anybody's words."""
        if not self.lost.is_set():
            self.trouble = Trouble(reason, self.mask.line(detail, MAX_DETAIL))
            self.lost.set()

    def forget(self) -> None:
        """The other side has lost the session, and nothing else."""
        if (attempt := ATTEMPT.get()) is not None:
            attempt.untouched = True
        self.forgotten = self.forgotten or not self.lost.is_set()
        self.lose("it does not know our session any more")

    def open(self, client: Client) -> None:
        """It can be used from now on."""
        self._client = client

    @property
    def client(self) -> Client:
        if self._client is None:
            raise RuntimeError("a connection was used before it was open")
        return self._client

    @property
    def session(self) -> ClientSession:
        return self.client.session

    @property
    def is_modern(self) -> bool:
        """True from protocol version 2026-07-28 on."""
        return self.client.protocol_version in MODERN_PROTOCOL_VERSIONS

    def introduction(self) -> Introduction:
        """What the other side said of itself."""
        client = self.client
        info = client.server_info
        return Introduction(
            capabilities=client.server_capabilities,
            name=info.name if info else None,
            version=info.version if info else "",
            title=info.title if info else None,
            description=info.description if info else None,
            website_url=info.website_url if info else None,
            icons=info.icons if info else None,
            instructions=client.instructions,
        )

    async def answers(self, limit_s: float) -> bool:
        """Whether the upstream answers anything at all within the limit."""
        with anyio.move_on_after(limit_s):
            try:
                await self._ask_for_a_sign()
            except MCPError as problem:
                return problem.code not in {CONNECTION_CLOSED, UNAVAILABLE}
            except Exception:  # noqa: BLE001 -- an answer that cannot be read is an answer
                return True
            return True
        return False

    async def _ask_for_a_sign(self) -> None:
        if self.is_modern:
            await self.session.send_request(DiscoverRequest(params=RequestParams()), DiscoverResult)
        else:
            await self.session.send_request(PingRequest(), EmptyResult)


@asynccontextmanager
async def linked(
    name: str, target: Target, link: Link, limit_s: float, us: Implementation, heard: Heard
) -> AsyncGenerator[None]:
    """Start or connect, and shake hands in whichever way the upstream knows; ended with the block.

    Raises TimeoutError past the limit, OSError, `MCPError`, and what the SDK raises for answers that are no MCP.
    """
    # A scope of anyio, whose cancellation, unlike a task's, is not lost where the SDK cancels scopes of its own.
    with anyio.move_on_after(limit_s) as scope:
        transport = _transport(name, target, link)
        async with Client(transport, mode=MODE, message_handler=heard, client_info=us, cache=None) as client:
            link.open(client)
            scope.deadline = math.inf
            yield
    if scope.cancelled_caught:
        raise TimeoutError


def _transport(name: str, target: Target, link: Link) -> Any:
    match target:
        case CommandTarget():
            return over_stdio(name, target, link)
        case UrlTarget():
            return over_http(target, link)
        case _:
            assert_never(target)
