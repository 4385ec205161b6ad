"""An upstream kept up: started, watched, and started anew after a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import PARSE_ERROR, Implementation, ResourceListChangedNotification
from pydantic import ValidationError

from gatetrail.clock import Clock, rfc3339
from gatetrail.delivery.backoff import Backoff
from gatetrail.errors import GatetrailError
from gatetrail.upstreams.answers import UpstreamUnavailable
from gatetrail.upstreams.catalogue import Catalogue
from gatetrail.upstreams.link import Introduction, Link, Trouble, linked
from gatetrail.upstreams.state import Phase, UpstreamState
from gatetrail.upstreams.targets import CommandTarget, Limits, Revealed, Target
from gatetrail.upstreams.watch import Changes, ListChange, until_lost

log = logging.getLogger("gatetrail.upstreams")

STEADY_S = 10.0
"""Who stays up this long is believed: the next new try comes soon again."""
PATIENCE_S = 5.0
"""A call waits this long for a start that is under way."""


class Keeper:
    """Everything about one upstream but the asking."""

    def __init__(self, name: str, target: Target, limits: Limits, clock: Clock, jitter: Callable[[], float]) -> None:
        self.name = name
        self.doubted = asyncio.Event()
        """To be set by whoever has waited for an answer in vain."""
        self.catalogue = Catalogue(clock)
        self.introduction: Introduction | None = None
        """What it said of itself the last time that it was up; None: it never was."""
        self.on_introduction: Callable[[Introduction], None] = _ignore
        self.on_list_change: Callable[[ListChange], Awaitable[None]] = _ignore_change
        self.target = target
        self._limits = limits
        self._clock = clock
        self._backoff = Backoff(limits.retry_initial_ms, limits.retry_max_ms, jitter)
        self._us = Implementation(name="gatetrail", version=version("gatetrail"))
        self._link: Link | None = None
        self._entered = asyncio.Condition()
        self._phase, self._since, self._tries = Phase.ENDED, rfc3339(clock.now_us()), 0
        self._trouble: Trouble | None = None
        self._holders = 0
        self._running: tuple[asyncio.Task[None], anyio.CancelScope] | None = None

    @property
    def link(self) -> Link | None:
        """The connection, while it is open."""
        return self._link

    def state(self) -> UpstreamState:
        trouble = self._trouble
        return UpstreamState(
            self.name,
            self._phase,
            max(self._tries - 1, 0),
            self._since,
            trouble.reason if trouble else None,
            str(trouble) if trouble else None,
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep it up in the background, until the last of those who want it ends."""
        self._holders += 1
        if self._running is None:
            # Ended by a scope: a task's own cancellation is lost where the SDK happens to cancel scopes of its own.
            scope = anyio.CancelScope()
            task = asyncio.create_task(self._keep_up(scope), name=f"gatetrail upstream {self.name}")
            self._running = task, scope
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                (task, scope), self._running = self._running, None
                scope.cancel()
                await asyncio.wait([task])

    async def ready(self) -> Link:
        """The connection, waited for while a start is under way. Raises `UpstreamUnavailable`."""
        if self._phase is Phase.STARTING:
            await self._waited_for(lambda: self._phase is not Phase.STARTING)
        if self._link is None or self._link.lost.is_set():
            raise self.unavailable()
        return self._link

    async def successor(self, link: Link) -> Link:
        """The connection after this one. Raises `UpstreamUnavailable` when it does not come soon."""
        await self._waited_for(lambda: self._phase is Phase.UP and self._link is not link)
        if self._link is None or self._link is link:
            raise self.unavailable()
        return self._link

    def unavailable(self) -> UpstreamUnavailable:
        """Why it cannot be asked now, in words for a caller."""
        trouble = (self._link.trouble if self._link else None) or self._trouble
        return UpstreamUnavailable(self.name, trouble.reason if trouble else f"it is {self._phase.value}")

    async def _waited_for(self, holds: Callable[[], bool]) -> None:
        with anyio.move_on_after(PATIENCE_S):
            async with self._entered:
                await self._entered.wait_for(holds)

    async def _keep_up(self, scope: anyio.CancelScope) -> None:
        with scope:
            while True:
                self._tries += 1
                await self._enter(Phase.STARTING)
                self._trouble, pause_s = await self._connection()
                await self._enter(Phase.WAITING)
                log.warning("upstream %s: %s; new try in %.1f s", self.name, self._trouble, pause_s)
                await asyncio.sleep(pause_s)
        await self._enter(Phase.ENDED)

    async def _connection(self) -> tuple[Trouble, float]:
        """One connection from its start to its end: why it ended, or did not come about, and the pause after it."""
        try:
            link = Link(self._revealed())
        except (OSError, GatetrailError) as problem:
            return Trouble("its credentials cannot be read", str(problem)), self._backoff.next_s()
        trouble = await self._trouble_with(link)
        # A slow start that comes to nothing is no reason for a soon one.
        lasted_s = 0.0 if link.up_s is None else self._clock.monotonic_s() - link.up_s
        if lasted_s >= STEADY_S:
            self._backoff.reset()
        at_once = link.forgotten and lasted_s >= self._limits.retry_initial_ms / 1000
        return trouble, 0.0 if at_once else self._backoff.next_s()

    async def _trouble_with(self, link: Link) -> Trouble:
        changes = Changes(self._tell)
        limit_s = self._limits.start_limit_ms / 1000
        try:
            async with linked(self.name, self.target, link, limit_s, self._us, changes.hear):
                await self._up(link)
        except TimeoutError:
            late = f"it did not start within {self._limits.start_limit_ms} ms"
            link.lose(late)
            return Trouble(late)  # whatever was noted meanwhile: its end is our doing
        except Exception as problem:  # noqa: BLE001 -- whatever it does, it is tried again
            first = _first(problem)
            link.lose(_reason(first), _words(first))
        finally:
            self._link = None
        return link.trouble or Trouble("it ended")

    async def _up(self, link: Link) -> None:
        introduction = link.introduction()
        with anyio.fail_after(self._limits.start_limit_ms / 1000):
            await self.catalogue.fill(link.session, introduction.capabilities, self.name)
        self.introduction = introduction
        self.on_introduction(introduction)
        self._link, self._trouble = link, None
        link.up_s = self._clock.monotonic_s()
        self.doubted.clear()
        await self._enter(Phase.UP)
        log.info("upstream %s is up", self.name)
        await until_lost(self.name, link, self.doubted)

    async def _tell(self, change: ListChange) -> None:
        link = self._link
        if link is None:
            return
        if not isinstance(change, ResourceListChangedNotification):
            # Not for ever: while one change is told, no other is.
            with anyio.move_on_after(self._limits.start_limit_ms / 1000):
                await self.catalogue.fill(link.session, link.introduction().capabilities, self.name)
        await self.on_list_change(change)

    async def _enter(self, phase: Phase) -> None:
        async with self._entered:
            self._phase, self._since = phase, rfc3339(self._clock.now_us())
            self._entered.notify_all()

    def _revealed(self) -> Revealed:
        target = self.target
        return target.environment() if isinstance(target, CommandTarget) else target.headers()


def _first(problem: Exception) -> Exception:
    """Of a group, as the SDK's task groups raise it, the first that went wrong."""
    inner: Sequence[Exception] = getattr(problem, "exceptions", ())
    return _first(inner[0]) if inner else problem


def _reason(problem: Exception) -> str:
    match problem:
        case MCPError():
            return "it refused the handshake"
        case OSError():
            return "it cannot be started"
        case _:
            return "it does not speak MCP as we do"


def _words(problem: Exception) -> str:
    if isinstance(problem, ValidationError):  # its own text has parts of the upstream's, shortened past any mask
        return "; ".join(f"{'.'.join(map(str, flaw['loc']))}: {flaw['msg']}" for flaw in problem.errors()[:3])
    if isinstance(problem, MCPError) and problem.code == PARSE_ERROR:
        return "an answer that cannot be read"
    text = problem.message if isinstance(problem, MCPError) else str(problem)
    return text if isinstance(problem, MCPError | OSError) and text else f"{type(problem).__name__}: {text}"


def _ignore(_introduction: Introduction) -> None:
    """Nobody wants to know."""


async def _ignore_change(_change: ListChange) -> None:
    """Nobody wants to know."""
