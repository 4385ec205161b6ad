"""One request and its answer, watched: is it an endless event stream, is it over, does its client take it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from gatetrail.service.peer import Peer

_METHOD_HEADER = b"mcp-method"
_LISTENING = b"subscriptions/listen"


class Exchange:
    """To be made in the task that answers the request. `begin` is called when the answer turns out to be a stream."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        ending: asyncio.Event,
        begin: Callable[[Exchange], None],
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- an ASGI server runs each request in a task
        self.task: asyncio.Task[object] = task
        self.endless = _is_endless(scope)
        """A stream in answer to this request has no end of its own. Other streams are calls in flight."""
        self.was_cut = False
        self.left = False
        """The application is through with it."""
        self.peer: Peer | None = None
        """Who reads the stream, where that can be seen."""
        self._receive = receive
        self._send = send
        self._ending = ending
        self._begin = begin
        self._is_stream = False
        self._ended = False

    @property
    def is_over(self) -> bool:
        """The application is through, and nothing waits for the client in this process."""
        return self.left and (self.peer is None or self.peer.has_all)

    def cut(self) -> None:
        """Stop the application, if this is a stream that is still open."""
        if self._is_stream and self.endless and not self._ended and not self.left and not self.was_cut:
            self.was_cut = True
            self.task.cancel()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_event_stream(message):
            self._is_stream = True
            self._begin(self)
        elif message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)
        await self._send(message)
        if self.peer is not None:
            self.peer.sent(len(message.get("body", b"")))

    async def receive(self) -> Message:
        if not self._is_stream or not self.endless:
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
        if self._is_stream and self.endless and not self._ended and self._ending.is_set():
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_endless(scope: Scope) -> bool:
    """MCP answers a call with a stream that ends with the result, save the one method that listens for ever."""
    return scope["method"] != "POST" or (_METHOD_HEADER, _LISTENING) in scope["headers"]


def _is_event_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )
