"""An agent takes an answer that is no success for "the hook failed" and goes on: so there is none for who may not."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatetrail.service.agents.intake import Intake
from gatetrail.service.agents.known import AGENTS, CLAUDE_CODE, HOOKS
from gatetrail.service.agents.report import Agent
from gatetrail.service.problems import FAILED

UNREAD_KEY = "gatetrail.hook_unread"
"""In the scope of a report that was not read to its end: why."""

MAX_TOLD_BYTES = 65_536
_FAILED = HTTPStatus.INTERNAL_SERVER_ERROR


class FailClosed:
    """Pure ASGI, outside of the identity layer: what may ask for permission gets 200 with a denial instead of an error.

    That holds for all that is not certainly one of the other moments: what cannot be read, what is too long, what is
    sent to a path of no agent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._intake = Intake()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(HOOKS):
            await self._app(scope, receive, send)
            return
        async with self._intake.body(receive) as body:
            if body is None:
                return  # nobody is there any more
            if body.why_unread is not None:
                scope[UNREAD_KEY] = body.why_unread
            answer = _Answer(AGENTS.get(scope["path"], CLAUDE_CODE), body.content, send)
            try:
                await self._app(scope, _replayed(body.content, receive), answer.send)
            except Exception:
                await answer.fail()
                raise


class _Answer:
    """Passes a success on, and turns anything else into a denial when it is complete, unless nothing was asked for.

    What was asked for is looked at only then: until somebody is refused, nobody knows who made us read it.
    """

    def __init__(self, agent: Agent, asked: bytes, send: Send) -> None:
        self._agent = agent
        self._asked = asked
        self._send = send
        self._held_status: int | None = None
        self._held = b""
        self._started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            is_success = HTTPStatus.OK <= message["status"] < HTTPStatus.MULTIPLE_CHOICES
            if not is_success and not self._agent.is_harmless(self._asked):
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
        """Deny, unless there is an answer already or nothing was asked for."""
        if not self._started and not self._agent.is_harmless(self._asked):
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
