"""Several servers on one socket: a session's requests are answered where the session is, and nobody notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gatetrail.service.neighbours import Place, request_bytes
from gatetrail.service.serving import serving

pytestmark = pytest.mark.anyio

PATIENCE_S = 20.0
WORKERS = 3
LARGE_BYTES = 3 << 20


class Keeper:
    """A worker that opens a session for a POST without one, and knows its own sessions only."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.sessions: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            await (await self.answer(request))(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def answer(self, request: Request) -> Response:
        session_id = request.headers.get("mcp-session-id")
        body = await request.body()
        told = {
            "worker": self.number,
            "port": request.client.port if request.client else 0,
            "bytes": len(body),
            "query": request.url.query,
        }
        if session_id is None and request.method == "POST":
            session_id = f"{self.number}-{len(self.sessions)}"
            self.sessions.add(session_id)
            return JSONResponse(told, headers={"mcp-session-id": session_id})
        if session_id is not None and session_id not in self.sessions:
            return JSONResponse(told, 404)
        if request.method == "DELETE":
            self.sessions.discard(str(session_id))
        if request.method == "GET" and session_id is not None:
            return StreamingResponse(self.beats(), media_type="text/event-stream")
        return JSONResponse(told)

    async def beats(self) -> AsyncGenerator[str]:
        yield f"data: {self.number}\n\n"
        await asyncio.Event().wait()


@asynccontextmanager
async def workers(folder: Path, count: int = WORKERS) -> AsyncGenerator[tuple[list[str], list[AsyncExitStack]]]:
    """Their addresses, and how to end each alone. Behind one port the kernel chooses; here the test does."""
    stacks = [AsyncExitStack() for _ in range(count)]
    try:
        urls = [
            await stack.enter_async_context(serving(Keeper(number), place=Place(folder, number)))
            for number, stack in enumerate(stacks)
        ]
        yield urls, stacks
    finally:
        for stack in stacks:
            await stack.aclose()


@asynccontextmanager
async def client_of(url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as http:
        yield http


async def opened(url: str) -> str:
    """A session of this very worker."""
    async with client_of(url) as http:
        return str((await http.post("/")).headers["mcp-session-id"])


async def ask(url: str, session_id: str, method: str = "POST") -> tuple[int, int]:
    """Status, and the worker that answered."""
    async with client_of(url) as http:
        answer = await http.request(method, "/", headers={"mcp-session-id": session_id})
        return answer.status_code, answer.json()["worker"]


async def test_every_request_of_a_session_is_answered_by_its_holder_whichever_worker_it_came_to(
    open_folder: Path,
) -> None:
    async with workers(open_folder) as (urls, _):
        sessions = {await opened(url): number for number, url in enumerate(urls)}
        for session_id, holder in sessions.items():
            answers = await asyncio.gather(*(ask(url, session_id) for url in urls for _ in range(4)))
            assert set(answers) == {(200, holder)}


async def test_a_connection_that_was_handed_over_goes_on_with_its_address_and_may_change_hands_again(
    open_folder: Path,
) -> None:
    async with workers(open_folder) as (urls, _):
        sessions = [await opened(url) for url in urls]
        seen: list[dict[str, Any]] = []
        async with client_of(urls[0]) as http:
            for number in (0, 1, 1, 2, 0, 2):
                answer = await http.post("/?a=1&b=%20", headers={"mcp-session-id": sessions[number]})
                seen.append({"asked": number, **answer.json()})
        assert [one["worker"] for one in seen] == [one["asked"] for one in seen]
        assert len({one["port"] for one in seen}) == 1
        assert {one["query"] for one in seen} == {"a=1&b=%20"}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_request_arrives_whole(open_folder: Path, chunked: bool) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(LARGE_BYTES // 65_536):
            yield b"x" * 65_536

    async with workers(open_folder) as (urls, _), client_of(urls[0]) as http:
        content = pieces() if chunked else b"x" * LARGE_BYTES
        told = (await http.post("/", content=content, headers={"mcp-session-id": await opened(urls[1])})).json()
        assert (told["worker"], told["bytes"]) == (1, LARGE_BYTES)


async def test_the_stream_of_a_session_comes_from_its_holder(open_folder: Path) -> None:
    async with workers(open_folder) as (urls, _), asyncio.timeout(PATIENCE_S):
        headers = {"mcp-session-id": await opened(urls[2])}
        async with client_of(urls[0]) as http, http.stream("GET", "/", headers=headers) as answer:
            async for line in answer.aiter_lines():
                assert line == "data: 2"
                break


async def test_a_session_of_a_worker_that_is_gone_or_was_ended_is_answered_as_an_unknown_one(open_folder: Path) -> None:
    async with workers(open_folder) as (urls, stacks):
        kept, lost = await opened(urls[0]), await opened(urls[1])
        await stacks[1].aclose()
        assert await ask(urls[0], lost) == (404, 0)
        assert await ask(urls[2], lost) == (404, 2)
        assert await ask(urls[2], kept, "DELETE") == (200, 0)
        assert await ask(urls[2], kept) == (404, 2)
        assert await ask(urls[0], "../../etc/passwd") == (404, 0)
        async with serving(Keeper(1), place=Place(open_folder, 1)) as again:
            assert await ask(again, lost) == (404, 1)
            assert await ask(urls[0], await opened(again)) == (200, 1)


async def test_a_client_that_goes_while_it_is_handed_over_harms_nobody(open_folder: Path) -> None:
    async with workers(open_folder) as (urls, _):
        session_id = await opened(urls[1])
        host, port = urls[0].removeprefix("http://").split(":")
        head = f"POST / HTTP/1.1\r\nhost: a\r\nmcp-session-id: {session_id}\r\ncontent-length: 0\r\n\r\n".encode()
        for _ in range(30):
            with socket.create_connection((host, int(port)), PATIENCE_S) as client:
                client.sendall(head)
        assert await ask(urls[0], session_id) == (200, 1)


NAMES = st.from_regex(rb"x-[a-z]{1,12}", fullmatch=True)
VALUES = st.from_regex(rb"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True)


@given(
    method=st.sampled_from(["POST", "PUT", "DELETE"]),
    target=st.from_regex(rb"/[A-Za-z0-9/%._-]{0,40}", fullmatch=True),
    query=st.from_regex(rb"([A-Za-z0-9=&%+]{0,30})?", fullmatch=True),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=8),
    body=st.binary(max_size=2_000),
)
def test_a_request_stands_on_the_wire_again_as_it_was(
    method: str, target: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    sent = [(b"host", b"a"), *headers]
    chunked = (b"transfer-encoding", b"chunked")
    scope = {
        "method": method,
        "raw_path": target,
        "query_string": query,
        "http_version": "1.1",
        "headers": [*sent, chunked],
    }
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(request_bytes(scope, body))
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (method.encode(), target + (b"?" + query if query else b""))
    assert [*request.headers] == [*sent, (b"content-length", str(len(body)).encode())]
    received = b""
    while isinstance(event := reader.next_event(), h11.Data):
        received += event.data
    assert (received, type(event)) == (body, h11.EndOfMessage)
