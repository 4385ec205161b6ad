"""One upstream, as the server that stands for it asks it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import anyio
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, PARSE_ERROR, Request
from pydantic import BaseModel, ValidationError

from gatetrail.call import Kind
from gatetrail.clock import Clock, SystemClock
from gatetrail.upstreams.answers import (
    ANSWER_INVALID,
    UNAVAILABLE,
    UpstreamAnswerInvalid,
    UpstreamTimedOut,
    UpstreamUnavailable,
)
from gatetrail.upstreams.keeper import Keeper
from gatetrail.upstreams.link import MAX_DETAIL, Introduction, Link
from gatetrail.upstreams.state import UpstreamState
from gatetrail.upstreams.targets import Limits, Target
from gatetrail.upstreams.way import ATTEMPT, Attempt

Answer = TypeVar("Answer", bound=BaseModel)


class Upstream:
    """Can be asked at any time; answers, or fails soon, as long as `running` is open."""

    def __init__(
        self,
        name: str,
        target: Target,
        limits: Limits | None = None,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.keeper = Keeper(name, target, limits or Limits(), clock or SystemClock(), jitter)
        self._limit_ms = (limits or Limits()).time_limit_ms

    def state(self) -> UpstreamState:
        """How it is doing."""
        return self.keeper.state()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Keep it up in the background while the block lasts; neither its start nor trouble of it holds anybody up."""
        return self.keeper.running()

    async def ask(
        self, request: Request[Any, Any], answer: type[Answer], progress: ProgressFnT | None = None
    ) -> Answer:
        """Pass a request on and give the answer. Cancelled there when it is cancelled here, or out of time.

        Raises `UpstreamUnavailable`, `UpstreamTimedOut`, `UpstreamAnswerInvalid`, and the upstream's own `MCPError`.
        """
        limit_ms = self._limit_ms
        try:
            with anyio.move_on_after(None if limit_ms is None else limit_ms / 1000):
                return await self._ask(request, answer, progress)
        except anyio.get_cancelled_exc_class():
            self.keeper.doubted.set()
            raise
        self.keeper.doubted.set()
        raise UpstreamTimedOut(self.name, limit_ms or 0)

    async def knows(self, kind: Kind, name: str) -> bool | None:
        """Whether it has such a thing; None when that cannot be told now."""
        link, introduction = self.keeper.link, self.keeper.introduction
        capabilities = introduction.capabilities if introduction else None
        return await self.keeper.catalogue.knows(kind, name, link.session if link else None, capabilities)

    def schema_of(self, tool_name: str) -> Mapping[str, Any] | None:
        """A tool's input schema, as far as it is known."""
        return self.keeper.catalogue.schema_of(tool_name)

    async def introduced(self) -> Introduction:
        """What it said of itself, waited for while it starts. Raises `UpstreamUnavailable`."""
        if self.keeper.introduction is None:
            await self.keeper.ready()
        if self.keeper.introduction is None:
            raise self.keeper.unavailable()
        return self.keeper.introduction

    async def _ask(self, request: Request[Any, Any], answer: type[Answer], progress: ProgressFnT | None) -> Answer:
        link = await self.keeper.ready()
        attempt = Attempt()
        token = ATTEMPT.set(attempt)
        try:
            return await self._send(link, request, answer, progress)
        except UpstreamUnavailable:
            if not attempt.untouched:
                raise
        finally:
            ATTEMPT.reset(token)
        # It has not looked at the request (HTTP 404 for the session), so it may be asked a second time.
        return await self._send(await self.keeper.successor(link), request, answer, progress)

    async def _send(
        self, link: Link, request: Request[Any, Any], answer: type[Answer], progress: ProgressFnT | None
    ) -> Answer:
        try:
            return await link.session.send_request(request, answer, progress_callback=progress)
        except MCPError as problem:
            if problem.code == UNAVAILABLE or (problem.code == CONNECTION_CLOSED and link.trouble):
                self.keeper.doubted.set()
                reason = link.trouble.reason if link.trouble else link.mask.line(problem.message, MAX_DETAIL)
                raise UpstreamUnavailable(self.name, reason) from None
            if problem.code in {ANSWER_INVALID, PARSE_ERROR}:
                # The latter is what the SDK says of an answer; what we ask can be read by everybody.
                raise UpstreamAnswerInvalid(self.name) from None
            raise link.mask.error(problem) from None
        except ValidationError:
            raise UpstreamAnswerInvalid(self.name) from None
        except (RuntimeError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            # The SDK's words for a session that has just ended.
            raise UpstreamUnavailable(self.name, link.trouble.reason if link.trouble else "it ended") from None
