"""Event streams have no end of their own; when the service ends, they are ended first, so that calls can finish."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CUT_AFTER_S = 0.5
"""A stream whose application does not listen for its client's going is cut after this long."""


class EndableStreams:
    """Pure ASGI. From `end` on, the applications of open event streams are told that their client has gone.

    Other requests notice nothing: a call in flight goes on and is answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ending = asyncio.Event()
        self._open: set[_Exchange] = set()

    def end(self) -> None:
        """End all open event streams, and each later one at its start. To be called in the loop that serves."""
        self._ending.set()
        asyncio.get_running_loop().call_later(CUT_AFTER_S, self._cut)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._ending)
        self._open.add(exchange)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not exchange.was_cut:
                raise
            exchange.task.uncancel()
        finally:
            self._open.discard(exchange)
        await exchange.complete()

    def _cut(self) -> None:
        for exchange in self._open:
            exchange.cut()


class _Exchange:
    """One request and its answer, watched."""

    def __init__(self, receive: Receive, send: Send, ending: asyncio.Event) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- an ASGI server runs each request in a task
        self.task: asyncio.Task[object] = task
        self.was_cut = False
        self._receive = receive
        self._send = send
        self._ending = ending
        self._is_stream = False
        self._ended = False

    def cut(self) -> None:
        """Stop the application, if this is a stream that is still open."""
        if self._is_stream and not self._ended:
            self.was_cut = True
            self.task.cancel()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_stream = _is_event_stream(message)
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)

    async def receive(self) -> Message:
        if not self._is_stream:
            return await self._receive()
        receiving = asyncio.ensure_future(self._receive())
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait((receiving, ending), return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else {"type": "http.disconnect"}
        finally:
            receiving.cancel()
            ending.cancel()

    async def complete(self) -> None:
        """Close a stream that its application left open, so that the client sees an end and no break."""
        if self._is_stream and not self._ended and self._ending.is_set():
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_event_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )
