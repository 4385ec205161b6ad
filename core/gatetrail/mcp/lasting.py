"""Streams that an MCP client listens on for ever: for as long as it could open them."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.identity.lease import Holds, Lease

_LISTENING = (b"mcp-method", b"subscriptions/listen")


def is_listening(scope: Scope) -> bool:
    """Whether a stream in answer to this request has no end of its own; every other one ends with a call's result."""
    return scope["method"] == "GET" or (scope["method"] == "POST" and _LISTENING in scope["headers"])


class Lasting:
    """The answer to one request. If it is an event stream, it ends when the client's proof no longer holds.

    The application is told then that its client has gone, and nothing more of what it sends goes out.
    """

    def __init__(self, receive: Receive, send: Send, holds: Holds) -> None:
        self._receive = receive
        self._send = send
        self._holds = holds
        self._over = asyncio.get_running_loop().create_future()
        self._lease: Lease | None = None
        self._ended = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Have the application answer."""
        try:
            await app(scope, self._received, self._sent)
        finally:
            if self._lease is not None:
                self._lease.end()
        if self._over.done() and not self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _received(self) -> Message:
        receiving = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait((receiving, self._over), return_when=asyncio.FIRST_COMPLETED)
            return receiving.result() if receiving.done() else {"type": "http.disconnect"}
        finally:
            receiving.cancel()

    async def _sent(self, message: Message) -> None:
        if self._over.done():
            return
        if message["type"] == "http.response.start" and _is_event_stream(message):
            self._lease = Lease(self._holds, self._end)
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)


def _is_event_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )
