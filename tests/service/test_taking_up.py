"""Sessions that no worker holds yet: one of them takes each up, and all requests come to that one."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from gatetrail.mcp.resuming import ResumingSessionManager
from gatetrail.service.neighbours import Place
from gatetrail.service.serving import serving
from gatetrail.service.whereabouts import Whereabouts
from gatetrail.testing import MemorySessions
from tests.mcp.conftest import Gate, make_gate
from tests.mcp.processes import manager_of, process, resumed_by
from tests.mcp.servers import NAME, build
from tests.mcp.wire import HANDSHAKE, Wire

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "A6")]

PATIENCE_S = 20.0
WORKERS = 3
AT_ONCE = 4
SESSIONS = 4


@dataclass
class Worker:
    """One of several on one folder; behind one port the kernel chooses, here the test does."""

    gate: Gate
    manager: ResumingSessionManager
    url: str


@asynccontextmanager
async def workers(
    folder: Path, spool: Path, store: MemorySessions, count: int = WORKERS
) -> AsyncGenerator[list[Worker]]:
    async with AsyncExitStack() as stack:
        found: list[Worker] = []
        for number in range(count):
            gate = make_gate(spool / str(number), store=store)
            sample = build("mcpserver")
            gate.adapter.install(sample.server, name=NAME)
            app = sample.app()
            url = await stack.enter_async_context(serving(app, place=Place(folder, number)))
            found.append(Worker(gate, manager_of(app), url))
        yield found


async def sessions_from_before(folder: Path, store: MemorySessions, count: int) -> list[Wire]:
    """Of a service that is gone."""
    async with process(folder, store) as before:
        return [await before.site.opened(HANDSHAKE, before.gate.token("ann")) for _ in range(count)]


async def test_workers_that_are_asked_at_the_same_moment_take_a_session_up_once(
    open_folder: Path, tmp_path: Path
) -> None:
    store = MemorySessions()
    wires = await sessions_from_before(tmp_path / "before", store, SESSIONS)
    async with workers(open_folder, tmp_path, store) as serving_it, AsyncExitStack() as stack:
        asking = [
            replace(wire, http=await client(stack), url=f"{worker.url}/mcp", request_id=number)
            for wire in wires
            for number, worker in enumerate(serving_it * AT_ONCE)
        ]
        async with asyncio.timeout(PATIENCE_S):
            answers = await asyncio.gather(*(wire.call("get_invoice", {"number": 1}) for wire in asking))
        assert [answer.status for answer in answers] == [200] * len(asking)
        resumed = [session_id for worker in serving_it for session_id in resumed_by(worker.gate)]
        assert sorted(map(str, resumed)) == sorted(str(wire.session_id) for wire in wires)
        assert sum(worker.manager.held for worker in serving_it) == SESSIONS
        assert sum(len(worker.gate.decisions()) for worker in serving_it) == len(asking), "each call was decided once"


async def client(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE_S))


async def test_a_client_that_goes_in_the_middle_of_its_request_does_not_take_the_session_from_its_holder(
    open_folder: Path, tmp_path: Path
) -> None:
    async with (
        workers(open_folder, tmp_path, MemorySessions(), 2) as (holder, other),
        httpx.AsyncClient(timeout=PATIENCE_S) as http,
    ):
        wire = Wire(http, f"{holder.url}/mcp", HANDSHAKE, holder.gate.token("ann"))
        await wire.open()
        head = (
            f"POST /mcp HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {wire.token}\r\naccept: application/json\r\n"
            f"content-type: application/json\r\nmcp-session-id: {wire.session_id}\r\ncontent-length: 100\r\n\r\n{{"
        )
        host, port = other.url.removeprefix("http://").split(":")
        for _ in range(5):
            with socket.create_connection((host, int(port)), PATIENCE_S) as leaving:
                leaving.sendall(head.encode())
        wire.url = f"{other.url}/mcp"
        assert (await wire.call("get_invoice", {"number": 1})).result
        assert (holder.manager.held, other.manager.held) == (1, 0)
        assert resumed_by(other.gate) == []


async def test_a_session_of_a_worker_that_lives_and_says_nothing_stays_with_it(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.service.handover.LIMIT_S", 0.2)
    store, place = MemorySessions(), Place(open_folder, 1)
    (wire,) = await sessions_from_before(tmp_path / "before", store, 1)
    async with (
        workers(open_folder, tmp_path, store, 1) as (only,),
        httpx.AsyncClient(timeout=PATIENCE_S) as http,
    ):
        Whereabouts(place.sessions, 1).note(str(wire.session_id))
        with socket.socket(socket.AF_UNIX) as stopped:
            stopped.bind(str(place.socket_of(1)))
            stopped.listen()
            with pytest.raises(httpx.RemoteProtocolError):
                await replace(wire, http=http, url=f"{only.url}/mcp").ask("ping")
            assert only.manager.held == 0
        place.socket_of(1).unlink()
        assert (await replace(wire, http=http, url=f"{only.url}/mcp").ask("ping")).status == 200
        assert resumed_by(only.gate) == [wire.session_id]


async def test_sessions_begin_and_go_on_where_nothing_can_be_noted_about_them(
    open_folder: Path, tmp_path: Path
) -> None:
    store = MemorySessions()
    (known,) = await sessions_from_before(tmp_path / "before", store, 1)
    async with workers(open_folder, tmp_path, store, 1) as (only,), httpx.AsyncClient(timeout=PATIENCE_S) as http:
        shutil.rmtree(Place(open_folder, 0).sessions)
        wire = Wire(http, f"{only.url}/mcp", HANDSHAKE, only.gate.token("ann"))
        await wire.open()
        for one in (wire, replace(known, http=http, url=wire.url)):
            assert (await one.call("get_invoice", {"number": 1})).result


def test_a_worker_that_comes_back_leaves_alone_what_others_have_claimed_meanwhile(open_folder: Path) -> None:
    first, second = (Whereabouts(open_folder, number) for number in (0, 1))
    for session_id in ("a", "b"):
        first.note(session_id)
    assert not second.claim("a", None), "its holder was not found to be gone"
    assert second.claim("a", 0)
    assert not Whereabouts(open_folder, 2).claim("a", 0), "somebody was quicker"
    again = Whereabouts(open_folder, 0)
    assert again.elsewhere("a") == 1
    assert again.elsewhere("b") is None
    assert again.claim("b", None)
    assert second.elsewhere("b") == 0


def test_what_lies_in_the_folder_and_is_no_worker_is_nobodys(open_folder: Path) -> None:
    (open_folder / "a").symlink_to("/etc/passwd")
    (open_folder / "b").write_text("0")
    (open_folder / "c").mkdir()
    here = Whereabouts(open_folder, 0)
    assert [here.elsewhere(name) for name in ("a", "b", "c")] == [None, None, None]
