"""A subscription as Server-Sent Events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import assert_never

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gatetrail.errors import FeedFull, WrongUse
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditGap
from gatetrail.events.stamp import Stamp
from gatetrail.events.wire import canonical, keys_of
from gatetrail.feed import Broadcaster, Gap, GapReason, Heartbeat, Item, Past, Subscription, Wanted
from gatetrail.identity.lease import Holds, Lease
from gatetrail.service.problems import problem_of
from gatetrail.service.rest import leave_to_outermost
from gatetrail.words import Level

log = logging.getLogger("gatetrail.feed")

CHUNK_BYTES = 32_768
"""What waits is sent together, about so much at once."""
HIGHEST_SEQ = 2**63 - 1
COMMENT = b": heartbeat\n"
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Keep proxies from holding the stream back, storing it, or compressing it (nginx knows the second)."""


class EventStream(Response):
    """The answer to a request for the live stream.

    `id:` is the seq, `event:` the event's name, `data:` the journal's own bytes. What a reader has missed comes as
    `audit.gap` without an `id:`, in the shape of the event of that name, but it is no record of the journal. When
    nothing is to be told for a while, a comment comes, and with it an `id:` without data if the stream has moved on:
    a reader that comes back then needs not be shown anew what it did not want.

    `shown` gives an event as the reader may see it. `after_seq` says where to begin; the header `Last-Event-ID`
    goes over it, because a browser that comes back asks for the same address again. Answers 400 to an id that is
    none, and 429 when no place is free, as RFC 9457 problems. The place is held while this answer is being sent,
    and not a moment longer, however that ends. After `ends_in_s`, when what the reader has proven ends, the stream
    does, too; within a second when it no longer `holds`, and then what waits for the reader is not given any more.

    Written by hand, because `sse_starlette` keeps three tasks and a cancel scope for each stream: with it an idle
    subscriber takes 42 kB in all, and 30 is the budget.
    """

    media_type = "text/event-stream"

    def __init__(  # noqa: PLR0913 -- where from, for whom, which, until when
        self,
        feed: Broadcaster,
        user_id: str,
        wanted: Wanted,
        stamp: Stamp,
        *,
        past: Past | None = None,
        after_seq: int | None = None,
        shown: Callable[[Entry], Entry] = lambda entry: entry,
        ends_in_s: float | None = None,
        holds: Holds | None = None,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._feed = feed
        self._user_id = user_id
        self._wanted = wanted
        self._stamp = stamp
        self._past = past
        self._after_seq = after_seq
        self._shown = shown
        self._ends_in_s = ends_in_s
        self._holds = holds
        self._told_seq = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            after_seq = last_event_id(Headers(scope=scope))
        except WrongUse as problem:
            await problem_of(problem).answer()(scope, receive, send)
            return
        if after_seq is None:
            after_seq = self._after_seq
        if scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        subscription = self._feed.subscribe(self._user_id, after_seq, self._wanted, self._past)
        try:
            await subscription.__aenter__()
        except FeedFull as problem:
            await problem_of(problem).answer()(scope, receive, send)
            return
        frames = _Frames(self, subscription)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        except BaseException:
            frames.drop()
            raise
        await leave_to_outermost(frames, scope, receive, send)

    async def chunks(self, subscription: Subscription) -> AsyncGenerator[bytes]:
        """The body, in pieces; ends with the subscription."""
        yield b"retry: %d\n\n" % self._feed.settings.reconnect_ms
        try:
            async for item in subscription:
                yield self._chunk(item, subscription)
        except Exception:
            log.exception("an event stream of user %r ends early", self._user_id)

    def end_later(self, subscription: Subscription) -> asyncio.TimerHandle | None:
        """Have the subscription end when the reader's proof does, if it has an end."""
        if self._ends_in_s is None:
            return None
        return asyncio.get_running_loop().call_later(max(self._ends_in_s, 0), subscription.end)

    def lease(self, subscription: Subscription) -> Lease | None:
        """Have the subscription end when the reader would not be let in again."""
        if self._holds is None:
            return None

        def cut() -> None:
            subscription.leave()
            subscription.end()

        return Lease(self._holds, cut)

    def _chunk(self, item: Item, subscription: Subscription) -> bytes:
        chunk = bytearray(self._frame(item))
        for more in subscription.ready():
            chunk += self._frame(more)
            if len(chunk) >= CHUNK_BYTES:
                break
        return bytes(chunk)

    def _frame(self, item: Item) -> bytes:
        match item:
            case Entry(seq=seq, event_name=name):
                self._told_seq = seq
                return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, name.encode(), self._shown(item).line)
            case Gap():
                return b"event: audit.gap\ndata: %s\n\n" % canonical(keys_of(self._notice(item)))
            case Heartbeat(seq=seq) if seq <= self._told_seq:
                return COMMENT
            case Heartbeat(seq=seq):
                self._told_seq = seq
                return b"%sid: %d\n\n" % (COMMENT, seq)
            case _:
                assert_never(item)

    def _notice(self, gap: Gap) -> AuditGap:
        message = f"events {gap.first_seq} to {gap.last_seq} are not in this stream"
        return AuditGap(
            **self._stamp(Level.WARNING, message),
            sink_name=self._feed.name,
            first_missing_seq=gap.first_seq,
            last_missing_seq=gap.last_seq,
            reason=_sentence(gap.reason),
        )


class _Frames:
    """The rest of the answer, once it has begun."""

    __slots__ = ("_stream", "_subscription")

    def __init__(self, stream: EventStream, subscription: Subscription) -> None:
        self._stream = stream
        self._subscription = subscription

    async def send(self, receive: Receive, send: Send) -> None:
        watching = asyncio.create_task(_until_gone(receive, self._subscription))
        timer, lease = self._stream.end_later(self._subscription), self._stream.lease(self._subscription)
        try:
            async for chunk in self._stream.chunks(self._subscription):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.drop()
            if timer is not None:
                timer.cancel()
            if lease is not None:
                lease.end()
            watching.cancel()
            await asyncio.wait([watching])

    def drop(self) -> None:
        self._subscription.leave()


async def _until_gone(receive: Receive, subscription: Subscription) -> None:
    """Ends the subscription when the client leaves, or when the service ends and says that it did."""
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end()


def last_event_id(headers: Headers) -> int | None:
    """The position after which a client wants to go on; None when it says nothing. Raises `WrongUse`."""
    text = headers.get("last-event-id", "")
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= len(str(HIGHEST_SEQ)) and int(text) <= HIGHEST_SEQ:
        return int(text)
    raise WrongUse(f"Last-Event-ID: {text[:64]!r} is no position; expected the id of an event of this stream, a number")


def _sentence(reason: GapReason) -> str:
    match reason:
        case GapReason.SLOW:
            return "the reader was too slow; the journal has them"
        case GapReason.REMOVED:
            return "the journal no longer has them: removed by retention, or missing"
        case GapReason.SET_BACK:
            return "the journal ends before the position that was asked for: it is another one, or was set back"
        case _:
            assert_never(reason)
