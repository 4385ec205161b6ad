"""Event streams have no end of their own: here they get one, when the service ends or when nobody reads them."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from gatetrail.service.exchange import Exchange
from gatetrail.service.peer import Peer, TransportOf
from gatetrail.service.rest import REST_KEY, Rest

CUT_AFTER_S = 0.5
"""At the end, a stream whose application does not listen for its client's going is cut after this long, and the
connection of a client that takes nothing of its stream meanwhile is broken off."""
STALLED_S = 30.0
"""So long a client may take nothing of a stream before its connection is broken off. It can come back and resume."""
LOOKS = 4
"""So often is looked in that time; a standstill may be seen, and end, so much earlier or later."""


class EndableStreams:
    """Pure ASGI. From `end` on, the applications of open event streams are told that their client has gone.

    Before that, a client that takes nothing of its stream for `stalled_s` loses its connection. Other requests notice
    nothing of all this: a call in flight goes on and is answered, however slowly its client reads, as JSON or as a
    stream that ends with its result.
    """

    def __init__(self, app: ASGIApp, transport_of: TransportOf, *, stalled_s: float = STALLED_S) -> None:
        self._app = app
        self._transport_of = transport_of
        self._stalled_s = stalled_s
        self._ending = asyncio.Event()
        self._open: set[Exchange] = set()
        self._next_look: asyncio.TimerHandle | None = None

    def end(self) -> None:
        """End all open event streams, and each later one at its start. To be called in the loop that serves."""
        self._break_off_who_takes_nothing()
        self._ending.set()
        self._look_later()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._ending, lambda stream: self._begin(stream, scope))
        waiting: list[Rest] = []
        scope[REST_KEY] = waiting
        try:
            await self._app(scope, exchange.receive, exchange.send)
            while waiting:
                await waiting.pop().send(exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not exchange.was_cut:
                raise
            exchange.task.uncancel()
        finally:
            for rest in waiting:
                rest.drop()
            exchange.left = True
            if not self._ending.is_set():
                self._forget(exchange)
        await exchange.complete()

    def _begin(self, stream: Exchange, scope: Scope) -> None:
        transport = self._transport_of(scope)
        if transport is not None:
            stream.peer = Peer(transport)
            stream.peer.drop_when_silent(self._stalled_s)
        self._open.add(stream)
        if self._next_look is None:
            self._look_later()

    def _forget(self, exchange: Exchange) -> None:
        self._open.discard(exchange)
        if exchange.peer is not None:
            exchange.peer.drop_when_silent(0)

    def _look_later(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        delay_s = CUT_AFTER_S if self._ending.is_set() else self._stalled_s / LOOKS
        self._next_look = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        self._next_look = None
        self._break_off_who_takes_nothing()
        if self._ending.is_set():
            self._cut_who_does_not_listen()
        if self._open:
            self._look_later()

    def _break_off_who_takes_nothing(self) -> None:
        for exchange in self._open:
            limit_s = CUT_AFTER_S if self._ending.is_set() and exchange.endless else self._stalled_s
            if exchange.peer is not None and exchange.peer.look() >= limit_s:
                exchange.peer.abort()

    def _cut_who_does_not_listen(self) -> None:
        self._open = {exchange for exchange in self._open if not exchange.is_over}
        for exchange in self._open:
            exchange.cut()
