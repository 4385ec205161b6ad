"""Clients of event streams that stop reading: they hold no place for long, and hold nobody up at the end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gatetrail.feed import Broadcaster, open_feed
from gatetrail.service import streams
from gatetrail.service.event_stream import EventStream
from gatetrail.service.listening import listen
from gatetrail.service.serving import serving
from gatetrail.settings import StreamSettings
from gatetrail.testing import MemoryJournal
from tests.delivery.driving import until
from tests.samples import decided, make_stamp

pytestmark = pytest.mark.anyio

WITHIN_S = 10.0
FAR_OFF_S = 60.0
CUT_AFTER_S = 0.3
STALLED_S = 0.6
BUFFER_BYTES = 4_096
CHUNK = b"data: " + b"x" * 30_000 + b"\n\n"
"""More than the kernel holds here for a client that reads nothing, less than makes a writer wait."""


class Sample:
    """Streams and a download, to be read or not."""

    def __init__(self) -> None:
        self.sent_chunks = 0
        self.left_count = 0

    async def stream(self, request: Request) -> Response:
        return StreamingResponse(self._chunks(int(request.query_params["chunks"])), media_type="text/event-stream")

    async def download(self, _request: Request) -> Response:
        return StreamingResponse(self._download(), media_type="application/octet-stream")

    async def _chunks(self, count: int) -> AsyncGenerator[bytes]:
        try:
            for _ in range(count):
                yield CHUNK
                self.sent_chunks += 1
            await asyncio.Event().wait()
        finally:
            self.left_count += 1

    async def _download(self) -> AsyncGenerator[bytes]:
        for _ in range(10):
            yield CHUNK
            self.sent_chunks += 1

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/stream", self.stream), Route("/download", self.download)])


@asynccontextmanager
async def served(app: Starlette, **over: Any) -> AsyncGenerator[str]:
    """An application whose kernel holds little for a client."""
    listener = listen("127.0.0.1", 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    async with asyncio.timeout(3 * WITHIN_S), serving(app, listener=listener, grace_s=FAR_OFF_S, **over) as url:
        yield url


@asynccontextmanager
async def asked(url: str, path: str) -> AsyncGenerator[socket.socket]:
    """A client that has asked and reads nothing by itself."""
    address = urlsplit(url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, (address.hostname, address.port))
        await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        yield client


async def all_of(client: socket.socket, *, begin_after_s: float = 0, pause_s: float = 0) -> bytes:
    """Everything until the peer closes."""
    read = bytearray()
    await asyncio.sleep(begin_after_s)
    async with asyncio.timeout(WITHIN_S):
        while some := await asyncio.get_running_loop().sock_recv(client, 16_384):
            read += some
            await asyncio.sleep(pause_s)
    return bytes(read)


@pytest.fixture
def quick_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CUT_AFTER_S", CUT_AFTER_S)


@pytest.mark.parametrize("chunks", [1, 100], ids=["little waits", "the writer waits"])
async def test_a_stream_that_nobody_reads_does_not_hold_up_the_end(
    chunks: int, caplog: pytest.LogCaptureFixture
) -> None:
    sample = Sample()
    async with AsyncExitStack() as stack:
        async with served(sample.app) as url:
            await stack.enter_async_context(asked(url, f"/stream?chunks={chunks}"))
            await until(lambda: sample.sent_chunks >= 1)
            began_s = time.monotonic()
        assert time.monotonic() - began_s < WITHIN_S
    assert sample.left_count == 1
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("quick_cut")
async def test_a_download_may_stand_still_for_a_while_at_the_end() -> None:
    sample = Sample()
    async with AsyncExitStack() as stack:
        async with served(sample.app) as url:
            client = await stack.enter_async_context(asked(url, "/download"))
            await until(lambda: sample.sent_chunks >= 1)
            reading = asyncio.create_task(all_of(client, begin_after_s=3 * CUT_AFTER_S))
        answer = await reading
    assert answer.endswith(b"0\r\n\r\n")
    assert answer.count(CHUNK) == 10


@pytest.mark.usefixtures("quick_cut")
async def test_a_stream_that_is_read_slowly_is_read_to_its_proper_end() -> None:
    sample = Sample()
    async with AsyncExitStack() as stack:
        async with served(sample.app) as url:
            client = await stack.enter_async_context(asked(url, "/stream?chunks=2"))
            await until(lambda: sample.sent_chunks == 2)
            reading = asyncio.create_task(all_of(client, pause_s=CUT_AFTER_S / 5))
        answer = await reading
    assert answer.endswith(b"0\r\n\r\n")
    assert answer.count(CHUNK) == 2


STAMP = make_stamp()


@asynccontextmanager
async def feeding(entries: int) -> AsyncGenerator[tuple[Broadcaster, str]]:
    """A feed behind `/`, whose clients may stand still for `STALLED_S`."""
    journal = MemoryJournal()
    for _ in range(entries):
        await journal.append(decided(STAMP))

    async with open_feed(journal, StreamSettings(gather_ms=0)) as feed:

        async def stream(_request: Request) -> Response:
            return EventStream(feed, "ann", lambda _: True, STAMP, after_seq=0)

        async with served(Starlette(routes=[Route("/", stream)]), stream_stalled_s=STALLED_S) as url:
            yield feed, url


async def test_who_reads_nothing_loses_its_place_and_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT", raising=False)
    async with feeding(entries=200) as (feed, url):
        tasks_before = len(asyncio.all_tasks())
        async with asked(url, "/"):
            await until(lambda: feed.state().connection_count == 1)
            await until(lambda: feed.state().connection_count == 0)
            await until(lambda: len(asyncio.all_tasks()) <= tasks_before)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this platform's TCP has no such limit")
async def test_where_the_kernel_can_it_drops_a_peer_whose_window_is_shut_although_little_waits() -> None:
    async with feeding(entries=6) as (feed, url), asked(url, "/"):
        await until(lambda: feed.state().connection_count == 1)
        await until(lambda: feed.state().connection_count == 0)


async def test_who_reads_keeps_its_place_however_long_nothing_comes() -> None:
    async with feeding(entries=6) as (feed, url), asked(url, "/") as client:
        read = bytearray()
        while read.count(b"\nid: ") + read.startswith(b"id: ") < 6:
            read += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 16_384), WITHIN_S)
        await asyncio.sleep(2 * STALLED_S)
        assert feed.state().connection_count == 1
