"""Sessions in the memory of a process: how they come into it, how they leave it, and who is in the way of whom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock

import anyio
import pytest

from gatetrail.errors import DatabaseUnavailable
from gatetrail.testing import MemorySessions
from tests.mcp.conftest import PATIENCE_S
from tests.mcp.processes import process
from tests.mcp.wire import HANDSHAKE, Wire

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "A6")]

AT_ONCE = 12


@pytest.fixture
def store() -> MemorySessions:
    return MemorySessions()


@pytest.mark.parametrize("kind", ["mcpserver", "lowlevel", "fastmcp"])
async def test_an_idle_session_leaves_memory_and_comes_back_with_its_next_call(
    tmp_path: Path, store: MemorySessions, kind: str
) -> None:
    async with process(tmp_path, store, kind, idle_s=0.2) as one:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann"))
        assert one.held() == 1
        with anyio.fail_after(PATIENCE_S):
            while one.held():  # noqa: ASYNC110 -- the SDK's own timer makes it true
                await anyio.sleep(0.05)
        assert (await wire.call("get_invoice", {"number": 1})).result
        assert one.resumed() == [wire.session_id]
        assert one.held() == 1


async def test_memory_holds_so_many_sessions_and_the_idle_one_makes_room(tmp_path: Path, store: MemorySessions) -> None:
    async with process(tmp_path, store, in_memory=3) as one:
        wires = [await one.site.opened(HANDSHAKE, one.gate.token("ann")) for _ in range(5)]
        assert one.held() == 3
        for wire in (*wires, *wires):
            assert (await wire.call("get_invoice", {"number": 1})).result
            assert one.held() == 3


async def test_a_session_with_a_standing_stream_is_not_idle(tmp_path: Path, store: MemorySessions) -> None:
    async with process(tmp_path, store, idle_s=0.2, in_memory=1) as one:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann"))
        async with one.site.http.stream("GET", wire.url, headers=headers_of(wire)) as stream:
            assert stream.status_code == 200
            await asyncio.sleep(0.5)  # longer than it may be idle
            assert one.held() == 1
            other = one.site.client(HANDSHAKE, one.gate.token("ann"))
            answer = await other.open()
            assert answer is not None
            assert answer.status == 503, "nobody is cut off to make room"
            assert (await wire.call("get_invoice", {"number": 1})).result
            assert one.resumed() == []


async def test_where_all_sessions_in_memory_are_in_use_no_other_is_taken_up(
    tmp_path: Path, store: MemorySessions
) -> None:
    async with process(tmp_path / "1", store) as one, process(tmp_path / "2", store, in_memory=1) as other:
        busy, late = [await one.site.opened(HANDSHAKE, one.gate.token("ann")) for _ in range(2)]
        other.takes(busy)
        async with other.site.http.stream("GET", busy.url, headers=headers_of(busy)) as stream:
            assert stream.status_code == 200
            assert (await other.takes(late).ask("ping")).status == 503
            assert other.held() == 1
        with anyio.fail_after(PATIENCE_S):
            while (await late.ask("ping")).status != 200:  # noqa: ASYNC110 -- the server learns of the stream's end
                await anyio.sleep(0.05)
        assert other.held() == 1


async def test_many_requests_at_once_take_a_session_up_once(tmp_path: Path, store: MemorySessions) -> None:
    async with process(tmp_path / "1", store) as one, process(tmp_path / "2", store) as other:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann"))
        other.takes(wire)
        wires = [replace(wire, request_id=number) for number in range(AT_ONCE)]
        answers = await asyncio.gather(*(one.call("get_invoice", {"number": 1}) for one in wires))
        assert all(answer.result for answer in answers)
        assert other.resumed() == [wire.session_id]
        assert other.held() == 1


async def test_a_session_that_ends_while_it_is_taken_up_is_over(tmp_path: Path, store: MemorySessions) -> None:
    async with process(tmp_path / "1", store) as one, process(tmp_path / "2", store) as other:
        wire = await one.site.opened(HANDSHAKE, one.gate.token("ann"))
        other.takes(wire)
        lock: anyio.Lock = vars(other.manager)["_session_creation_lock"]
        async with asyncio.timeout(PATIENCE_S):
            async with lock:
                asked = asyncio.create_task(wire.ask("ping"))
                while not lock.statistics().tasks_waiting:  # noqa: ASYNC110 -- a lock tells nobody who waits for it
                    await asyncio.sleep(0.01)
                assert await one.gate.sessions.end(str(wire.session_id), "the client ended it")
                other.gate.dispatcher.sessions.forget(str(wire.session_id))
            assert (await asked).status == 404
        assert (other.held(), other.resumed()) == (0, [])


async def test_a_session_whose_opening_could_not_be_told_is_held_by_nobody(
    tmp_path: Path, store: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with process(tmp_path, store) as one:
        monkeypatch.setattr(store, "shake_hands", AsyncMock(side_effect=DatabaseUnavailable("between the two")))
        wire = one.site.client(HANDSHAKE, one.gate.token("ann"))
        answer = await wire.open()
        assert answer is not None
        assert (answer.status, wire.session_id) == (503, None)
        assert one.held() == 0
        monkeypatch.undo()
        assert await wire.open()
        assert (await wire.call("get_invoice", {"number": 1})).result


def headers_of(wire: Wire) -> dict[str, str]:
    return {
        "authorization": f"Bearer {wire.token}",
        "mcp-session-id": str(wire.session_id),
        "accept": "text/event-stream",
    }
