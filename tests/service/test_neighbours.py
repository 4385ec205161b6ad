"""Several servers on one socket: a session's requests are answered where the session is, and nobody notices."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import threading
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

from gatetrail.service.handover import give
from gatetrail.service.neighbours import Place, request_bytes
from gatetrail.service.serving import serving
from gatetrail.service.whereabouts import Whereabouts

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
        if session_id is not None and (session_id not in self.sessions or request.url.path != "/"):
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


async def test_who_asks_for_a_session_in_vain_does_not_make_it_hard_to_find(open_folder: Path) -> None:
    async with workers(open_folder, 2) as (urls, _), client_of(urls[0]) as http:
        session_id = await opened(urls[1])
        # As the SDK answers a caller whose session it is not.
        assert (await http.post("/of/another", headers={"mcp-session-id": session_id})).status_code == 404
        assert await ask(urls[0], session_id) == (200, 1)


async def test_a_client_that_goes_while_it_is_handed_over_harms_nobody(open_folder: Path) -> None:
    async with workers(open_folder) as (urls, _):
        session_id = await opened(urls[1])
        for _ in range(30):
            with socket.create_connection(address(urls[0]), PATIENCE_S) as client:
                client.sendall(request_of(session_id))
        assert await ask(urls[0], session_id) == (200, 1)


def request_of(session_id: str, query: str = "") -> bytes:
    return f"POST /{query} HTTP/1.1\r\nhost: a\r\nmcp-session-id: {session_id}\r\ncontent-length: 0\r\n\r\n".encode()


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


async def test_requests_that_were_sent_at_once_are_answered_in_their_order_each_by_its_holder(
    open_folder: Path,
) -> None:
    async with workers(open_folder) as (urls, _), asyncio.timeout(PATIENCE_S):
        sessions = [await opened(url) for url in urls]
        asked = (1, 2, 0, 1)
        reader, writer = await asyncio.open_connection(*address(urls[0]))
        writer.write(b"".join(request_of(sessions[holder], f"?{turn}") for turn, holder in enumerate(asked)))
        answers = [await read_answer(reader) for _ in asked]
        writer.close()
        assert [(answer["worker"], answer["query"]) for answer in answers] == [
            (holder, str(turn)) for turn, holder in enumerate(asked)
        ]


async def read_answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
    answer: dict[str, Any] = json.loads(await reader.readexactly(int(length.partition(b":")[2])))
    return answer


async def test_what_a_client_asks_while_its_connection_changes_hands_reaches_the_new_holder(open_folder: Path) -> None:
    place = Place(open_folder, 1)
    async with serving(Keeper(0), place=Place(open_folder, 0)) as url, asyncio.timeout(PATIENCE_S):
        Whereabouts(place.sessions, 1).note("kept")
        with socket.socket(socket.AF_UNIX) as holder:
            holder.bind(str(place.socket_of(1)))
            holder.listen()
            _, writer = await asyncio.open_connection(*address(url))
            writer.write(request_of("kept"))
            giver, _ = await asyncio.to_thread(holder.accept)
            with giver:
                _, (descriptor,), _, _ = await asyncio.to_thread(socket.recv_fds, giver, 65_536, 1)
                with socket.socket(fileno=descriptor) as connection:
                    writer.write(request_of("kept", "?next"))
                    await asyncio.sleep(0.1)  # as long as the giver would need to read it
                    giver.send(b"+")
                    connection.settimeout(PATIENCE_S)
                    assert b"?next" in await asyncio.to_thread(connection.recv, 65_536)
            writer.close()


async def test_a_holder_that_has_taken_a_connection_and_hung_up_within_a_moment_has_it(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = threading.Event()
    send = socket.send_fds

    def send_and_be_slow(*arguments: Any) -> int:
        sent = send(*arguments)
        assert hung_up.wait(PATIENCE_S)
        return sent

    def take(holder: socket.socket) -> None:
        giver, _ = holder.accept()
        with giver:
            _, (descriptor,), _, _ = socket.recv_fds(giver, 65_536, 1)
            giver.send(b"+")
        socket.socket(fileno=descriptor).close()
        hung_up.set()

    monkeypatch.setattr(socket, "send_fds", send_and_be_slow)
    path = open_folder / "holder"
    with socket.socket(socket.AF_UNIX) as holder, socket.socket() as connection:
        holder.bind(str(path))
        holder.listen()
        taker = threading.Thread(target=take, args=(holder,))
        taker.start()
        assert await give(path, connection.fileno(), b"request")
        taker.join(PATIENCE_S)


async def test_a_holder_that_lives_but_cannot_take_a_connection_is_not_taken_for_a_dead_one(open_folder: Path) -> None:
    place = Place(open_folder, 1)
    async with serving(Keeper(0), place=Place(open_folder, 0)) as url, asyncio.timeout(PATIENCE_S):
        Whereabouts(place.sessions, 1).note("kept")
        with socket.socket(socket.AF_UNIX) as holder:
            holder.bind(str(place.socket_of(1)))
            holder.listen()
            async with client_of(url) as http:
                asking = asyncio.create_task(http.post("/", headers={"mcp-session-id": "kept"}))
                giver, _ = await asyncio.to_thread(holder.accept)
                giver.close()
                answer = await asking
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                # The connection is still the first worker's, and in order.
                assert (await http.post("/")).json()["worker"] == 0


async def test_a_worker_that_had_no_descriptors_left_for_a_while_takes_connections_again(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, refusals = asyncio.get_running_loop(), iter([OSError(errno.EMFILE, "Too many open files")])
    accept = loop.sock_accept

    async def accept_if_possible(listener: socket.socket) -> Any:
        for refusal in refusals:
            raise refusal
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", accept_if_possible)
    async with workers(open_folder, 2) as (urls, _), asyncio.timeout(PATIENCE_S):
        assert await ask(urls[0], await opened(urls[1])) == (200, 1)
        assert await ask(urls[1], await opened(urls[0])) == (200, 0)


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
