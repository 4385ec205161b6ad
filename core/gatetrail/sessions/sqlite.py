"""Sessions in a file that the processes of one machine share."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from gatetrail.clock import Clock, rfc3339
from gatetrail.errors import DatabaseUnavailable, DataFolderUnusable
from gatetrail.sessions.columns import columns_of, session_of
from gatetrail.sessions.session import Handshake, Session, SessionRow

BUSY_S = 2.0
"""How long a write waits for that of another process."""
LOOK_S = 0.25
"""How often a process looks for sessions that others have ended."""
_OVERLAP_US = 5_000_000
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL")
"""A commit is on the disk before it is told (sqlite.org/pragma.html, synchronous)."""

Result = TypeVar("Result")


class SqliteSessions:
    """`WholeSessionStore` in a SQLite file. Made by `open_sqlite_sessions`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, thread: ThreadPoolExecutor, clock: Clock) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread
        self._clock = clock

    async def open(self, session: Session) -> tuple[Session, bool]:
        opened = {**columns_of(session), "now_us": self._clock.now_us()}

        def open_or_find() -> tuple[Session, bool]:
            if self._connection.execute(_query("open"), opened).rowcount:
                return session, True
            row = self._connection.execute(_query("find"), opened).fetchone()
            if row is None:
                raise DatabaseUnavailable("a session was forgotten while it was asked for; ask again")
            return session_of(row), False

        return await self._in_thread(open_or_find)

    async def find(self, session_id: str) -> Session | None:
        rows = await self._ask("find", session_id=session_id)
        return session_of(rows[0]) if rows else None

    async def shake_hands(self, session_id: str, handshake: Handshake) -> None:
        await self._ask(
            "handshake",
            session_id=session_id,
            server_name=handshake.server_name,
            protocol_version=handshake.protocol_version,
            initialize=handshake.initialize,
            client_name=handshake.client_name,
        )

    async def end(self, session_id: str, because: str) -> Session | None:
        rows = await self._ask("end", session_id=session_id, because=because, now_us=self._clock.now_us())
        return session_of(rows[0]) if rows else None

    async def used(self, session_ids: Collection[str]) -> None:
        rows = [(self._clock.now_us(), session_id) for session_id in session_ids]
        statement = "UPDATE sessions SET last_used_us = ? WHERE session_id = ? AND ended_us IS NULL"

        def note() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # else nobody could write any more
                    self._connection.execute("ROLLBACK")

        await self._in_thread(note)

    async def expire(self, unused_s: float, kept_s: float, because: str) -> Sequence[Session]:
        now_us = self._clock.now_us()
        kept_since_us = now_us - round(kept_s * 1_000_000)
        await self._in_thread(
            lambda: self._connection.execute("DELETE FROM sessions WHERE ended_us < ?", (kept_since_us,))
        )
        unused_since_us = now_us - round(unused_s * 1_000_000)
        rows = await self._ask("expire", now_us=now_us, unused_since_us=unused_since_us, because=because)
        return [session_of(row) for row in rows]

    async def watch(self, ended: Callable[[str, str], None]) -> None:
        since_us, told = self._clock.now_us(), dict[str, int]()
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                # A clock may go backwards; what is told twice is no harm.
                found = await self._ended_since(min(since_us, self._clock.now_us()) - _OVERLAP_US)
            except DatabaseUnavailable:
                continue
            for session_id, because, ended_us in found:
                if session_id not in told:
                    ended(session_id, because)
                since_us = max(since_us, ended_us)
            told = {session_id: ended_us for session_id, _, ended_us in found}

    async def newest(self, user_id: str | None, limit: int) -> Sequence[SessionRow]:
        return [_row(row) for row in await self._ask("newest", user_id=user_id, limit=limit)]

    async def _ended_since(self, since_us: int) -> Sequence[tuple[Any, ...]]:
        statement = "SELECT session_id, ended_because, ended_us FROM sessions WHERE ended_us > ?"
        return await self._in_thread(lambda: self._connection.execute(statement, (since_us,)).fetchall())

    async def _ask(self, name: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        return await self._in_thread(lambda: self._connection.execute(_query(name), values).fetchall())

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        with _told_as_unavailable(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@asynccontextmanager
async def open_sqlite_sessions(path: Path, clock: Clock) -> AsyncGenerator[SqliteSessions]:
    """The sessions in this file, which is made on first use, readable by nobody else. Raises `DataFolderUnusable`."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "gatetrail-sessions") as thread:
        try:
            connection = await loop.run_in_executor(thread, _connected, path)
        except (OSError, sqlite3.Error) as problem:
            raise DataFolderUnusable(f"{path}: sessions cannot be kept here: {problem}") from None
        try:
            yield SqliteSessions(path, connection, thread, clock)
        finally:
            await loop.run_in_executor(thread, connection.close)


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(_query("schema"))
    return connection


@contextmanager
def _told_as_unavailable(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, RuntimeError) as problem:
        raise DatabaseUnavailable(f"sessions in {path} are out of reach: {problem}") from problem


@cache
def _query(name: str) -> str:
    return (files("gatetrail.sessions") / "sql" / f"{name}.sql").read_text("utf-8")


def _row(row: tuple[Any, ...]) -> SessionRow:
    opened_us, last_used_us, ended_us = row[11:]
    ended_at = None if ended_us is None else rfc3339(ended_us)
    return SessionRow(session_of(row), rfc3339(opened_us), rfc3339(last_used_us), ended_at)
