"""An agent takes an answer that is no success for "the hook failed" and goes on: so there is none for who may not."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.service.agents.known import AGENTS, CLAUDE_CODE, HOOKS
from gatetrail.service.agents.report import MAX_PAYLOAD_BYTES, Agent
from gatetrail.service.problems import FAILED

TOO_LONG_KEY = "gatetrail.hook_too_long"
"""In the scope of a report that was too long to be read."""

MAX_PASSED_OVER_BYTES = 16 * MAX_PAYLOAD_BYTES
"""A client that still sends would miss the answer, so this much is let pass by."""
MAX_TOLD_BYTES = 65_536
_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR


class FailClosed:
    """Pure ASGI, outside of the identity layer: what may ask for permission gets 200 with a denial instead of an error.

    That holds for all that is not certainly one of the other moments: what cannot be read, what is too long, what is
    sent to a path of no agent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(HOOKS):
            await self._app(scope, receive, send)
            return
        body = await _body_of(receive)
        if body is None:
            return  # nobody is there any more
        if len(body) > MAX_PAYLOAD_BYTES:
            scope[TOO_LONG_KEY], body = True, b""
        agent = AGENTS.get(scope["path"], CLAUDE_CODE)
        if agent.is_harmless(body):
            await self._app(scope, _replayed(body, receive), send)
            return
        answer = _Answer(agent, send)
        try:
            await self._app(scope, _replayed(body, receive), answer.send)
        except Exception:
            await answer.fail()
            raise


class _Answer:
    """Passes a success on, and turns anything else into a denial when it is complete."""

    def __init__(self, agent: Agent, send: Send) -> None:
        self._agent = agent
        self._send = send
        self._held_status: int | None = None
        self._held = b""
        self._started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not HTTPStatus.OK <= message["status"] < HTTPStatus.MULTIPLE_CHOICES:
                self._held_status = message["status"]
                return
            self._started = True
        if self._held_status is None:
            await self._send(message)
            return
        self._held += message.get("body", b"")[: MAX_TOLD_BYTES - len(self._held)]
        if not message.get("more_body", False):
            await self._deny(_told(self._held_status, self._held))

    async def fail(self) -> None:
        """Deny, unless there is an answer already."""
        if not self._started:
            await self._deny(FAILED)

    async def _deny(self, why: str) -> None:
        self._started = True
        body = orjson.dumps(self._agent.denied(f"Denied by Gatetrail, which has not decided: {why}"))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self._send({"type": "http.response.start", "status": HTTPStatus.OK.value, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _told(status: int, body: bytes) -> str:
    """What a problem says; of anything else only what the status says."""
    try:
        detail = orjson.loads(body)["detail"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        detail = None
    return detail if isinstance(detail, str) else f"{status} {HTTPStatus(status).phrase}"


async def _body_of(receive: Receive) -> bytes | None:
    """The whole body, or its beginning, which is then longer than it may be; None when the client has gone."""
    body, passed_over_bytes = b"", 0
    while passed_over_bytes <= MAX_PASSED_OVER_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message.get("body", b"")
        if len(body) <= MAX_PAYLOAD_BYTES:
            body += chunk
        else:
            passed_over_bytes += len(chunk)
        if not message.get("more_body", False):
            break
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives what was read already, and then what is still to come."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
