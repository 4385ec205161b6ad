"""Several workers on one port: a request of an MCP session goes to the worker that holds the session."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from pathlib import Path
from typing import assert_never

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.errors import Unavailable
from gatetrail.service.handover import MAX_REQUEST_BYTES, Take, give, taking
from gatetrail.service.peer import TransportOf
from gatetrail.service.problems import problem_of
from gatetrail.service.whereabouts import Whereabouts
from gatetrail.sessions.taking_up import TAKING_UP_KEY, TakingUp

log = logging.getLogger("gatetrail.http")

_SESSION_HEADER = b"mcp-session-id"
_OF_THE_OLD_BODY = frozenset((b"content-length", b"transfer-encoding", b"expect"))


@dataclass(frozen=True, slots=True)
class Place:
    """This worker among those that answer on one port."""

    folder: Path
    """Of all of them, and of nobody else; its path is short, because sockets lie in it."""
    number: int

    def socket_of(self, number: int) -> Path:
        """Where a worker takes connections over."""
        return self.folder / f"worker-{number}"

    @property
    def sessions(self) -> Path:
        """Where the workers keep who holds which session."""
        return self.folder / "sessions"


class Moved(Enum):
    """What became of a connection that another worker should go on with."""

    GIVEN = auto()
    LOST = auto()
    """Nobody can know whether the worker will go on with it: it is over, and the client may ask anew."""
    NOBODY_THERE = auto()
    """The worker is gone; whoever is asked for one of its sessions goes on with it."""
    NOT_NOW = auto()
    """The worker lives, but could not take it; its session is as it was."""


BehindOf = Callable[[Scope], bytes]
"""What a client has sent on a connection behind the request that is being answered."""


class Neighbours:
    """Pure ASGI, outermost. The kernel gives a connection to any worker; a session is in the memory of one.

    A request on a session that another worker holds is handed over to it together with the connection itself, so the
    client notices nothing, its address stays what it was, and what it asks next on that connection comes to the right
    worker at once. When that worker is gone, this one takes the session up, if it can, and holds it from then on.
    Requests without a session, and all of the era that has none, are answered where they come in.
    """

    def __init__(self, app: ASGIApp, place: Place, transport_of: TransportOf, behind: BehindOf) -> None:
        self._app = app
        self._place = place
        self._transport_of = transport_of
        self._behind = behind
        self._whereabouts = Whereabouts(place.sessions, place.number)

    @asynccontextmanager
    async def taking(self, take: Take) -> AsyncGenerator[None]:
        """Take over from the others what is ours, while the block lasts."""
        async with taking(self._place.socket_of(self._place.number), take):
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        session_id = _session_in(scope)
        if session_id is None:
            await self._app(scope, receive, self._noting(send))
            return
        body = _Body(receive)
        holder = self._whereabouts.elsewhere(session_id)
        if holder is not None and await self._passed_on(holder, scope, body, send):
            return
        if await self._answered(scope, body, send, session_id, holder):
            return
        quicker = self._whereabouts.elsewhere(session_id)
        if quicker is None or not await self._passed_on(quicker, scope, body, send):
            await _busy("another worker", scope, body, send)

    async def _answered(self, scope: Scope, body: _Body, send: Send, session_id: str, gone: int | None) -> bool:
        """False: another worker was quicker to take the session up, and the request is still to be answered."""
        taking_up = scope[TAKING_UP_KEY] = TakingUp(lambda: self._whereabouts.claim(session_id, gone))

        async def watched(message: Message) -> None:
            if taking_up.lost:
                return
            # 404 is also what a caller gets whose session it is not.
            if (
                scope["method"] == "DELETE"
                and message.get("status", HTTPStatus.NOT_FOUND) < HTTPStatus.MULTIPLE_CHOICES
            ):
                self._whereabouts.forget(session_id)
            await send(message)

        await self._app(scope, body.again, watched)
        return not taking_up.lost

    async def _passed_on(self, holder: int, scope: Scope, body: _Body, send: Send) -> bool:
        """False: the worker is gone, and the request is still to be answered."""
        if not await body.read():
            await body.refuse(send)
            return True
        moved = await self._hand_over(holder, scope, body)
        match moved:
            case Moved.NOBODY_THERE:
                return False
            case Moved.NOT_NOW:
                await _busy(f"worker {holder}", scope, body, send)
            case Moved.GIVEN | Moved.LOST:
                await body.gone()
            case _:
                assert_never(moved)
        return True

    async def _hand_over(self, holder: int, scope: Scope, body: _Body) -> Moved:
        """Unless it is given, the connection is still ours, and the request with it."""
        transport = self._transport_of(scope)
        connection = None if transport is None else transport.get_extra_info("socket")
        descriptor = getattr(connection, "fileno", lambda: -1)()
        if transport is None or descriptor < 0:
            return Moved.NOT_NOW
        was_reading = transport.is_reading()
        transport.pause_reading()  # what comes from now on is for the holder to read
        request = request_bytes(scope, bytes(body.content)) + self._behind(scope)
        moved = await _moved(self._place.socket_of(holder), holder, descriptor, request)
        if moved is Moved.LOST:
            with socket.socket(fileno=os.dup(descriptor)) as same:
                same.shutdown(socket.SHUT_RDWR)  # what lies with the worker is the same connection
        if moved in {Moved.GIVEN, Moved.LOST}:
            transport.abort()
        elif was_reading:
            transport.resume_reading()
        return moved

    def _noting(self, send: Send) -> Send:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.BAD_REQUEST:
                session_id = _session_in(message)
                if session_id is not None:
                    self._whereabouts.note(session_id)
            await send(message)

        return noted


async def _busy(who: str, scope: Scope, body: _Body, send: Send) -> None:
    busy = f"{who} could not take a session's connection over"
    await problem_of(Unavailable(busy)).answer()(scope, body.again, send)


async def _moved(path: Path, holder: int, descriptor: int, request: bytes) -> Moved:
    try:
        return Moved.GIVEN if await give(path, descriptor, request) else Moved.NOBODY_THERE
    except TimeoutError:
        log.warning("worker %d does not say whether it has taken a connection over: it is closed", holder)
        return Moved.LOST
    except OSError as problem:
        log.warning("worker %d could not take a connection over: %s", holder, problem)
        return Moved.NOT_NOW


class _Body:
    """A request's body, which is kept as it is read: the request may be for somebody else."""

    def __init__(self, receive: Receive) -> None:
        self.content = bytearray()
        self._receive = receive
        self._whole = False
        self._has_gone = False
        self._told = False

    async def read(self) -> bool:
        """False: the client has gone, or it is too long to be handed over."""
        while not self._whole and not self._has_gone and len(self.content) <= MAX_REQUEST_BYTES:
            await self._next()
        self._told = False
        return self._whole and len(self.content) <= MAX_REQUEST_BYTES

    async def again(self) -> Message:
        """What `receive` gives, as if nobody had read."""
        if self._told or not (self.content or self._whole):
            self._told = True
            return await self._next()
        self._told = True
        return {"type": "http.request", "body": bytes(self.content), "more_body": not self._whole}

    async def refuse(self, send: Send) -> None:
        """Where it cannot be read whole: a client that is still there hears why."""
        if not self._has_gone:
            await PlainTextResponse("Request body too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)(
                {"type": "http"}, self._receive, send
            )

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            self._has_gone = True
        elif len(self.content) <= MAX_REQUEST_BYTES:
            self.content += message.get("body", b"")
            self._whole = not message.get("more_body", False)
        return message

    async def gone(self) -> None:
        """Until the server knows that the connection is no longer its own; else it would answer."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def request_bytes(scope: Scope, body: bytes) -> bytes:
    """The request as it stood on the wire, its body in one piece."""
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    lines = [b"%s %s HTTP/%s" % (scope["method"].encode(), target, scope["http_version"].encode())]
    lines += [b"%s: %s" % (name, value) for name, value in scope["headers"] if name not in _OF_THE_OLD_BODY]
    lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _session_in(message: Scope | Message) -> str | None:
    for name, value in message.get("headers", ()):
        if name.lower() == _SESSION_HEADER:
            return str(value.decode("latin-1"))
    return None
