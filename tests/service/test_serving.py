"""The service starts on a port that it knows, and ends in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from gatetrail.errors import PortTaken, SettingsInvalid, Unavailable
from gatetrail.service.listening import listen, url_of
from gatetrail.service.serving import serving
from tests.mcp.wire import ERAS, HANDSHAKE, Wire

pytestmark = pytest.mark.anyio

PATIENCE_S = 10.0


class Sample:
    """An application with a slow answer, an endless stream, and a memory of what happened to it."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.story: list[str] = []

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        self.story.append("up")
        yield
        self.story.append("down")

    async def slow(self, _request: Request) -> Response:
        self.began.set()
        try:
            await self.may_go_on.wait()
        except asyncio.CancelledError:
            self.story.append("cancelled")
            raise
        self.story.append("answered")
        return PlainTextResponse("done")

    async def stream(self, _request: Request) -> Response:
        async def beats() -> AsyncGenerator[str]:
            while True:
                yield "data: beat\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(beats(), media_type="text/event-stream")

    @property
    def app(self) -> ASGIApp:
        routes = [Route("/slow", self.slow), Route("/stream", self.stream)]
        return Starlette(routes=routes, lifespan=self.lifespan)


async def test_port_0_takes_a_free_port_and_tells_which() -> None:
    async with serving(Sample().app) as url, httpx.AsyncClient(base_url=url) as http:
        assert url.startswith("http://127.0.0.1:")
        assert (await http.get("/nothing")).status_code == 404


async def test_a_call_in_flight_is_answered_before_the_application_ends() -> None:
    sample = Sample()
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        async with serving(sample.app) as url:
            asking = asyncio.create_task(http.get(f"{url}/slow"))
            await asyncio.wait_for(sample.began.wait(), PATIENCE_S)
            asyncio.get_running_loop().call_later(0.3, sample.may_go_on.set)
        assert (await asking).text == "done"
        assert sample.story == ["up", "answered", "down"]
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{url}/slow")


async def test_whoever_was_accepted_before_the_end_may_still_ask_a_while_later() -> None:
    sample = Sample()
    sample.may_go_on.set()

    def ask_later(_words: str) -> None:
        asyncio.get_running_loop().call_later(0.5, writer.write, b"GET /slow HTTP/1.1\r\nhost: here\r\n\r\n")

    async with asyncio.timeout(PATIENCE_S):
        async with serving(sample.app, tell=ask_later) as url:
            _, _, port = url.rpartition(":")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        assert (await reader.read()).endswith(b"done")
    assert sample.story == ["up", "answered", "down"]
    writer.close()


async def test_whoever_is_connected_and_asks_nothing_holds_nobody_up_for_long() -> None:
    sample = Sample()
    async with asyncio.timeout(PATIENCE_S):
        async with serving(sample.app, grace_s=60) as url:
            _, _, port = url.rpartition(":")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        assert await reader.read() == b""
    assert sample.story == ["up", "down"]
    writer.close()


async def test_an_open_event_stream_is_ended_and_holds_nobody_up() -> None:
    sample = Sample()
    received: list[str] = []

    async def listen_on(url: str, first: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as http, http.stream("GET", f"{url}/stream") as answer:
            async for line in answer.aiter_lines():
                received.append(line)
                first.set()

    async with asyncio.timeout(PATIENCE_S):
        async with serving(sample.app, grace_s=60) as url:
            first = asyncio.Event()
            listening = asyncio.create_task(listen_on(url, first))
            await first.wait()
        await listening  # its end was a proper one: httpx raises for a broken chunked answer
    assert sample.story == ["up", "down"]
    assert received[0] == "data: beat"


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_answered_by_a_stream_is_answered_to_its_end(era: str) -> None:
    began, may_go_on = asyncio.Event(), asyncio.Event()
    server = MCPServer("slow")

    @server.tool()
    async def nap() -> str:
        began.set()
        await may_go_on.wait()
        return "rested"

    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        async with serving(server.streamable_http_app(json_response=False)) as url:
            wire = Wire(http, f"{url}/mcp", era)
            await wire.open()
            calling = asyncio.create_task(wire.call("nap"))
            await asyncio.wait_for(began.wait(), PATIENCE_S)
            asyncio.get_running_loop().call_later(2.0, may_go_on.set)
        answer = await calling
    # The newer era chooses JSON for an answer that comes alone.
    assert answer.headers["content-type"].startswith("text/event-stream" if era == HANDSHAKE else "application/json")
    assert answer.result["content"][0]["text"] == "rested"


async def test_a_call_that_takes_longer_than_the_grace_is_cancelled() -> None:
    sample = Sample()
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http, asyncio.timeout(PATIENCE_S):
        async with serving(sample.app, grace_s=1) as url:
            asking = asyncio.create_task(http.get(f"{url}/slow"))
            await sample.began.wait()
        with pytest.raises(httpx.HTTPError):
            (await asking).raise_for_status()
    assert "cancelled" in sample.story


async def test_several_services_in_one_process_end_one_by_one() -> None:
    async with serving(Sample().app) as first, httpx.AsyncClient() as http:
        async with serving(Sample().app) as second:
            assert first != second
        async with http.stream("GET", f"{first}/stream") as answer:
            async for line in answer.aiter_lines():
                assert line == "data: beat"
                break


async def test_a_taken_port_is_told_with_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port} is in use by another program"):
            async with serving(Sample().app, port=port):
                pass


async def test_an_application_that_cannot_start_is_an_error_here_and_frees_the_port() -> None:
    @asynccontextmanager
    async def broken(_app: Starlette) -> AsyncGenerator[None]:
        raise RuntimeError("no")
        yield

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="failed while it started"):
        async with serving(Starlette(lifespan=broken), listener=listener):
            pass
    listen("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "a" * 70 + ".example"])
def test_an_address_that_is_not_ours_is_told(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="host: "):
        listen(host, 0).close()


def test_an_ipv6_address_stands_in_brackets() -> None:
    try:
        listener = listen("::1", 0)
    except SettingsInvalid:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url_of(listener).startswith("http://[::1]:")
