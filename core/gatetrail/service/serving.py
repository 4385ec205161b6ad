"""An application served over HTTP for as long as a block lasts, and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from gatetrail.errors import Unavailable
from gatetrail.service.listening import listen, url_of
from gatetrail.service.neighbours import Neighbours, Place
from gatetrail.service.peer import Transport
from gatetrail.service.streams import STALLED_S, EndableStreams

GRACE_S = 40.0
"""How long calls in flight may take at the end; more than the default time limit of a tool. Then they are cancelled."""
START_S = 5.0
"""How long a start that is no longer wanted may go on before it is ended."""
LAST_WORDS_S = 5.0
"""How long cancelled calls may take to record how they ended."""
LINGER_S = 0.2
"""So long everybody who is connected may begin another request, instead of finding the connection closed."""
LONGEST_LINGER_S = 2.0
"""So long, in all, whoever was accepted before the end and has asked nothing yet; its machine may be a busy one."""
LOOK_AGAIN_S = 0.02


def _quiet(_words: str) -> None:
    """For whoever wants to be told nothing."""


class Server(uvicorn.Server):
    """uvicorn that leaves signals alone, ends event streams first, and waits for what it has cancelled."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        grace_s: float = GRACE_S,
        stream_stalled_s: float = STALLED_S,
        place: Place | None = None,
        tell: Callable[[str], None] = _quiet,
    ) -> None:
        self._grace_s = grace_s
        self._tell = tell
        self._neighbours = None if place is None else Neighbours(app, place, self._transport_of, self._behind)
        self._taking = AsyncExitStack()
        self._streams = EndableStreams(self._neighbours or app, self._transport_of, stalled_s=stream_stalled_s)
        super().__init__(
            uvicorn.Config(
                self._streams,
                http="h11",  # not httptools if that happens to be installed: what h11 has read ahead can be asked for
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # else whoever connects from this machine is taken for who he says
                timeout_graceful_shutdown=max(1, round(grace_s)),
            )
        )
        self.ready = asyncio.Event()
        """Set when requests are answered."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to whoever runs us; uvicorn's own handling would end the process before the journal."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            raise Unavailable("a hosted server failed while it started; its own error stands above") from None
        if self._neighbours is not None:
            await self._taking.enter_async_context(self._neighbours.taking(self._take_over))
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end streams, let calls finish, end the application."""
        await self._taking.aclose()
        for server in self.servers:
            server.close()
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        self._streams.end()
        self._tell(f"Ending: nothing new is accepted; calls in flight get {self._grace_s:g} s to finish.")
        try:
            await self._linger()
            await super().shutdown(sockets)
        except asyncio.CancelledError:
            await self._cut_short()
            raise
        await self._last_words()

    async def _linger(self) -> None:
        await asyncio.sleep(LINGER_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_LINGER_S - LINGER_S):
                while any(map(_has_asked_nothing, self._connections())):  # noqa: ASYNC110 -- uvicorn tells nobody
                    await asyncio.sleep(LOOK_AGAIN_S)

    async def _cut_short(self) -> None:
        """Cancel the calls in flight; those of a session run in the application's lifespan, which ends here, too."""
        for task in self.server_state.tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self.lifespan.shutdown()
        await self._last_words()

    async def _last_words(self) -> None:
        if left := set(self.server_state.tasks):
            await asyncio.wait(left, timeout=LAST_WORDS_S)

    async def _take_over(self, connection: socket.socket, request: bytes) -> None:
        """Go on with another worker's connection as if it had come in here."""
        loop = asyncio.get_running_loop()
        _transport, protocol = await loop.connect_accepted_socket(self._new_protocol, connection)
        protocol.data_received(request)

    def _new_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        return made

    def _transport_of(self, scope: Scope) -> Transport | None:
        connection = self._connection_of(scope)
        return None if connection is None else connection.transport

    def _behind(self, scope: Scope) -> bytes:
        """What was read beyond this request already."""
        connection = self._connection_of(scope)
        return b"" if connection is None else bytes(connection.conn.trailing_data[0])

    def _connection_of(self, scope: Scope) -> H11Protocol | None:
        """What the server keeps beside this very scope: an application is told nothing of its connection."""
        for connection in self._connections():
            if getattr(connection.cycle, "scope", None) is scope:
                return connection
        return None

    def _connections(self) -> list[H11Protocol]:
        return [connection for connection in self.server_state.connections if isinstance(connection, H11Protocol)]


def _has_asked_nothing(connection: H11Protocol) -> bool:
    return getattr(connection, "cycle", None) is None


@asynccontextmanager
async def serving(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    listener: socket.socket | None = None,
    grace_s: float = GRACE_S,
    stream_stalled_s: float = STALLED_S,
    place: Place | None = None,
    tell: Callable[[str], None] = _quiet,
) -> AsyncGenerator[str]:
    """Serve an application in this loop until the block ends, and give its URL.

    The URL has no slash at its end; port 0 takes any free one; a `listener` of `listen` goes over both. At the
    end nothing new is accepted, event streams are ended, and calls in flight get up to `grace_s` seconds to finish.
    Who takes nothing of an event stream for `stream_stalled_s` seconds, which must be above 0, loses its connection.
    With a `place`, requests of sessions that another worker on the port holds are handed over to it. `tell` gets a
    sentence when the end begins.
    Raises `PortTaken`, `SettingsInvalid`, and `Unavailable` when the application's own start fails.
    """
    bound = listener or listen(host, port)
    url = url_of(bound)
    try:
        server = Server(app, grace_s=grace_s, stream_stalled_s=stream_stalled_s, place=place, tell=tell)
        running = asyncio.create_task(server.serve([bound]), name="gatetrail http")
        await _started(server, running)
        try:
            yield url
        finally:
            server.should_exit = True
            await _ended(running)
    finally:
        bound.close()


async def _started(server: Server, running: asyncio.Task[None]) -> None:
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        # A start that is cut short leaves a traceback of the application's lifespan; it is a matter of moments.
        await asyncio.wait((running, ready), timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        if not ready.done():
            running.cancel()
        await _ended(running)
        raise
    finally:
        ready.cancel()
    if running.done():
        running.result()


async def _ended(running: asyncio.Task[None]) -> None:
    """A second cancellation, such as another Ctrl-C, cuts the waiting short."""
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([running])
        raise
