"""One contract for every place where sessions can live."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from gatetrail.clock import SystemClock
from gatetrail.errors import DatabaseUnavailable, DataFolderUnusable
from gatetrail.identity.tiers import Tier
from gatetrail.sessions import Handshake, Session, WholeSessionStore
from gatetrail.sessions.memory import SessionsInMemory
from gatetrail.sessions.sqlite import open_sqlite_sessions
from gatetrail.testing import ManualClock
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.sessions import CHANNEL, PostgresSessions

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3", "A6")]

WITHIN_S = 10.0
PROCESSES = 6
ANN = Session("s-1", "ann", Tier.USER, department="finance", client_id="agent", issuer="gatetrail")
SHAKEN = Handshake("finance", "2025-11-25", '{"capabilities": {}}', "wire")
Opening = Callable[[], AbstractAsyncContextManager[WholeSessionStore]]


@asynccontextmanager
async def in_postgres(dsn: str) -> AsyncGenerator[WholeSessionStore]:
    await migrate(dsn)
    async with open_pool(dsn, size=2) as pool:
        yield PostgresSessions(dsn, pool)


@asynccontextmanager
async def in_memory() -> AsyncGenerator[WholeSessionStore]:
    yield SessionsInMemory(SystemClock())


@pytest.fixture(params=["postgres", "sqlite", "memory"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    match request.param:
        case "postgres":
            dsn: str = request.getfixturevalue("dsn")
            return lambda: in_postgres(dsn)
        case "sqlite":
            return lambda: open_sqlite_sessions(tmp_path / "data/sessions.sqlite3", SystemClock())
        case _:
            return in_memory


@pytest.fixture
async def store(opening: Opening) -> AsyncIterator[WholeSessionStore]:
    async with opening() as one:
        yield one


async def test_the_first_to_open_a_session_is_bound_to_it(store: WholeSessionStore) -> None:
    assert await store.open(ANN) == (ANN, True)
    assert await store.open(replace(ANN, user_id="bob", tier=Tier.ADMIN)) == (ANN, False)
    assert await store.find("s-1") == ANN
    assert await store.find("s-2") is None


@pytest.mark.parametrize("opening", ["postgres", "sqlite"], indirect=True)
async def test_of_many_that_open_a_session_at_once_in_two_processes_one_has_opened_it(opening: Opening) -> None:
    async with opening() as here, opening() as there:
        callers = [
            replace(ANN, user_id=f"u-{number}", tier=tier)
            for number in range(4)
            for tier in Tier
            if tier.value != "anonymous"
        ]
        said = await asyncio.gather(*((here, there)[n % 2].open(caller) for n, caller in enumerate(callers)))
        (owner,) = [session for session, created in said if created]
        assert {session for session, _ in said} == {owner, await here.find("s-1"), await there.find("s-1")}


async def test_a_handshake_is_kept_with_its_session(store: WholeSessionStore) -> None:
    await store.open(ANN)
    await store.shake_hands("s-1", SHAKEN)
    await store.shake_hands("unknown", SHAKEN)
    assert await store.find("s-1") == replace(ANN, handshake=SHAKEN)
    assert await store.find("unknown") is None


async def test_what_has_ended_stays_ended(store: WholeSessionStore) -> None:
    await store.open(ANN)
    over = replace(ANN, ended_because="the client ended it")
    assert await store.end("s-1", "the client ended it") == over
    assert await store.end("s-1", "again") is None
    assert await store.end("unknown", "never") is None
    await store.used(["s-1"])
    await store.shake_hands("s-1", SHAKEN)
    assert await store.find("s-1") == over
    assert await store.open(ANN) == (over, False)


async def test_what_nobody_uses_ends_and_is_forgotten_later(store: WholeSessionStore) -> None:
    await store.open(ANN)
    await store.open(replace(ANN, session_id="s-2"))
    await asyncio.sleep(0.2)  # the store's own clock goes by
    await store.used(["s-2", "unknown"])
    (expired,) = await store.expire(0.1, 3_600, "unused")
    assert expired == replace(ANN, ended_because="unused")
    assert await store.expire(0.1 + 3_600, 3_600, "unused") == []
    assert await store.find("s-1") == expired
    await asyncio.sleep(0.02)
    await store.expire(3_600, 0.01, "unused")
    assert await store.find("s-1") is None
    assert await store.find("s-2") is not None


async def test_the_newest_come_first_and_one_users_alone_if_wanted(store: WholeSessionStore) -> None:
    for number, user in enumerate(("ann", "bob", "ann"), 1):
        await store.open(replace(ANN, session_id=f"s-{number}", user_id=user))
        await asyncio.sleep(0.002)
    await store.used(["s-1"])
    await store.end("s-3", "enough")
    rows = await store.newest(None, 10)
    assert [row.session.session_id for row in rows] == ["s-1", "s-3", "s-2"]
    assert [row.session.session_id for row in await store.newest("ann", 1)] == ["s-1"]
    assert [row.ended_at is not None for row in rows] == [False, True, False]
    assert all(row.opened_at.endswith("Z") and row.last_used_at >= row.opened_at for row in rows)


@pytest.mark.parametrize("opening", ["postgres", "sqlite"], indirect=True)
async def test_an_end_is_heard_wherever_the_store_is_open(opening: Opening) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with opening() as here, opening() as there, asyncio.timeout(WITHIN_S):
        watching = asyncio.create_task(there.watch(lambda name, because: heard.put_nowait((name, because))))
        for number in range(3):
            await here.open(replace(ANN, session_id=f"s-{number}"))
            await here.end(f"s-{number}", "enough")
        missing = {(f"s-{number}", "enough") for number in range(3)}
        while missing:
            missing.discard(await heard.get())  # some come twice
        watching.cancel()


@pytest.mark.postgres
async def test_an_end_that_nobody_could_hear_is_told_when_the_connection_is_back(dsn: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with in_postgres(dsn) as store, asyncio.timeout(WITHIN_S):
        await store.open(ANN)
        await store.open(replace(ANN, session_id="s-2"))
        watching = asyncio.create_task(store.watch(lambda session_id, _: heard.put_nowait(session_id)))
        await store.end("s-2", "enough")
        assert await heard.get() == "s-2", "it listens"
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as other:
            named = f"gatetrail {CHANNEL}"
            await other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = %s AND datname = current_database()",
                (named,),
            )
            # Without a notice, as if it had been lost.
            await other.execute(
                "UPDATE mcp_sessions SET ended_at = now(), ended_because = 'lost' WHERE session_id = 's-1'"
            )
        while await heard.get() != "s-1":
            pass
        watching.cancel()


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataFolderUnusable, match="sessions cannot be kept here"):
        async with open_sqlite_sessions(tmp_path / "file/sessions.sqlite3", SystemClock()):
            pass


async def test_a_file_that_is_gone_wrong_is_unavailable(tmp_path: Path) -> None:
    async with open_sqlite_sessions(tmp_path / "sessions.sqlite3", SystemClock()) as store:
        await store.open(ANN)
    async with open_sqlite_sessions(tmp_path / "sessions.sqlite3", SystemClock()) as store:
        assert await store.find("s-1") == ANN, "it outlives its process"
    with pytest.raises(DatabaseUnavailable):
        await store.find("s-1")


@pytest.mark.postgres
async def test_use_is_noted_also_while_another_process_writes_one_of_the_sessions(dsn: str) -> None:
    async with in_postgres(dsn) as store, await psycopg.AsyncConnection.connect(dsn) as other:
        for number in (1, 2):
            await store.open(replace(ANN, session_id=f"s-{number}"))
        opened = {row.session.session_id: row.last_used_at for row in await store.newest(None, 2)}
        await other.execute("UPDATE mcp_sessions SET last_used_at = last_used_at WHERE session_id = 's-1'")
        async with asyncio.timeout(WITHIN_S):
            await store.used(["s-1", "s-2"])
        noted = {row.session.session_id: row.last_used_at for row in await store.newest(None, 2)}
        assert noted["s-1"] == opened["s-1"]
        assert noted["s-2"] > opened["s-2"]


@pytest.mark.postgres
@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '"\\u0000"'])
async def test_what_a_stranger_sends_on_the_channel_makes_nobody_deaf(dsn: str, text: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with in_postgres(dsn) as store, asyncio.timeout(WITHIN_S):
        await store.open(ANN)
        await store.open(replace(ANN, session_id="s-2"))
        watching = asyncio.create_task(store.watch(lambda session_id, _: heard.put_nowait(session_id)))
        await store.end("s-2", "enough")
        assert await heard.get() == "s-2", "it listens"
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as stranger:
            await stranger.execute("SELECT pg_notify(%s, %s)", (CHANNEL, text))
        await store.end("s-1", "enough")
        while await heard.get() != "s-1":
            pass
        watching.cancel()


async def test_an_end_is_heard_after_the_clock_was_set_back(tmp_path: Path) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    clock = ManualClock()
    path = tmp_path / "sessions.sqlite3"
    async with open_sqlite_sessions(path, clock) as here, open_sqlite_sessions(path, clock) as there:
        watching = asyncio.create_task(there.watch(lambda session_id, _: heard.put_nowait(session_id)))
        async with asyncio.timeout(WITHIN_S):
            for session_id in ("s-1", "s-2"):
                await here.open(replace(ANN, session_id=session_id))
                await here.end(session_id, "enough")
                while await heard.get() != session_id:
                    pass
                clock.advance(-3_600)
        watching.cancel()


@contextmanager
def no_room() -> Generator[None]:
    """No file of this process may grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_loses_no_session_and_blocks_nobody_when_there_is_room_again(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    async with open_sqlite_sessions(path, SystemClock()) as store, open_sqlite_sessions(path, SystemClock()) as other:
        await store.open(ANN)
        new = replace(ANN, session_id="s-2")
        with no_room():
            for write in (store.open(new), store.used(["s-1"]), store.end("s-1", "enough")):
                with pytest.raises(DatabaseUnavailable, match="are out of reach"):
                    await write
            assert await store.find("s-1") == ANN, "what is there can be read"
        assert await other.open(new) == (new, True)
        await store.used(["s-1", "s-2"])
        assert await store.end("s-2", "enough")


def test_many_processes_open_one_new_file_at_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    code = f"""
import asyncio, sys
from pathlib import Path
from gatetrail.clock import SystemClock
from gatetrail.sessions.sqlite import open_sqlite_sessions

async def open_it():
    sys.stdin.readline()
    async with open_sqlite_sessions(Path({str(path)!r}), SystemClock()) as store:
        assert await store.find("s-1") is None

asyncio.run(open_it())
"""
    started = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(PROCESSES)]
    for process in started:
        process.communicate(b"go\n", timeout=WITHIN_S)
    assert [process.returncode for process in started] == [0] * PROCESSES
