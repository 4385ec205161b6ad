"""Group commit: while one batch is being committed, the next one collects."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from gatetrail.errors import AuditUnavailable, DatabaseUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.journal import CommitObserver
from gatetrail.events.wire import Sealed, seal
from gatetrail.tasks import ended
from gatetrail_sinks.postgres.append import SESSION, append_statement
from gatetrail_sinks.postgres.connection import Connection, connect
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.writer_state import Trouble, WriterState

log = logging.getLogger("gatetrail.journal")

RETRY_FIRST_S = 0.05
RETRY_LONGEST_S = 1.0
CONTENDED_S = 1.0
"""After another process has moved the head under us, lock it first for this long."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Limits of the journal's writer."""

    append_limit_ms: int = 2_000
    """An append that is not committed after this long is refused."""
    batch_events: int = 128
    """Events in one commit at most. With 128 one half of 256 callers prepares while the other half commits."""
    waiting_events: int = 50_000
    """Events that may wait for a commit; more are refused at once."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain as last seen."""

    chain_id: str
    seq: int
    event_hash: str


class Item:
    """One event on its way, and who waits for it."""

    __slots__ = ("deadline_s", "event", "future")

    def __init__(self, event: Record, future: asyncio.Future[int], deadline_s: float) -> None:
        self.event = event
        self.future = future
        self.deadline_s = deadline_s


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch whose commit was under way when the connection broke: perhaps it is there."""

    items: Sequence[Item]
    sealed: Sequence[Sealed]


class GroupCommit:
    """Appends events to the chain, many in one commit, in the order in which they were handed over."""

    def __init__(
        self,
        dsn: str,
        instance_id: str,
        settings: WriterSettings,
        committed: Callable[[int], None],
        observer: CommitObserver | None = None,
    ) -> None:
        self._dsn = dsn
        self._instance_id = instance_id
        self._settings = settings
        self._committed = committed
        self._observer = observer
        self._trouble = Trouble()
        self._waiting: deque[Item] = deque()
        self._in_flight: Sequence[Item] = ()
        self._work = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._connection: Connection | None = None
        self._head: Head | None = None
        self._contended_until_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and begin. Raises `DatabaseUnavailable`."""
        await self._connect()
        self._task = asyncio.create_task(self._run(), name="gatetrail journal writer")

    async def stop(self) -> None:
        """Commit what waits, within the append limit, and let go of the connection."""
        limit_s = self._settings.append_limit_ms / 1000
        pending = [item.future for item in (*self._in_flight, *self._waiting)]
        if pending:
            await asyncio.wait(pending, timeout=limit_s)
        if self._task is not None:
            await ended(self._task)
        if self._timer is not None:
            self._timer.cancel()
        self._refuse([*self._in_flight, *self._waiting], "the journal was closed", maybe=True)
        await self._disconnect()

    def append(self, event: Record) -> asyncio.Future[int]:
        """Hand one event over; the future gives its `seq` after the commit, or `AuditUnavailable`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        deadline_s = loop.time() + self._settings.append_limit_ms / 1000
        item = Item(event, future, deadline_s)
        if len(self._waiting) >= self._settings.waiting_events:
            self._refuse([item], "too many events wait for their commit", maybe=False)
            return future
        self._waiting.append(item)
        self._work.set()
        if self._timer is None:
            self._timer = loop.call_at(deadline_s, self._expire)
        return future

    def state(self) -> WriterState:
        """How it goes. To be asked in the loop that commits."""
        return self._trouble.seen_with(len(self._in_flight) + len(self._waiting))

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            batch = self._take()
            if not batch:
                self._work.clear()
                continue
            self._in_flight = batch
            await self._commit(batch)
            self._in_flight = ()

    def _take(self) -> list[Item]:
        batch: list[Item] = []
        while self._waiting and len(batch) < self._settings.batch_events:
            item = self._waiting.popleft()
            if not item.future.done():
                batch.append(item)
        return batch

    async def _commit(self, batch: Sequence[Item]) -> None:
        pause_s, began_s = RETRY_FIRST_S, asyncio.get_running_loop().time()
        attempt: Attempt | None = None
        while live := [item for item in batch if not item.future.done()]:
            sealed: Sequence[Sealed] = ()
            try:
                connection = self._connection or await self._connect()
                if attempt is not None:
                    await self._settle(connection, attempt)
                    attempt = None
                    continue
                async with self._turn(connection) as head:
                    sealed = self._seal(live, head)
                    written = await self._append(connection, head, live, sealed)
                if written:
                    self._done(live, sealed, head, began_s)
                else:
                    self._contended()
            except (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailable, OSError) as problem:
                log.warning("journal: %s; trying again", " ".join(str(problem).split()))
                self._trouble.begin(problem)
                attempt = Attempt(live, sealed) if sealed else attempt
                await self._disconnect()
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_LONGEST_S)
            except psycopg.Error as problem:
                await self._isolate(live, problem)
                return

    @asynccontextmanager
    async def _turn(self, connection: Connection) -> AsyncGenerator[Head]:
        """The head to append to: as last seen, or locked while other processes append too."""
        if asyncio.get_running_loop().time() < self._contended_until_s:
            async with connection.transaction():
                yield await self._read_head(connection, "head_locked")
        else:
            yield self._head or await self._read_head(connection)

    def _contended(self) -> None:
        self._contended_until_s = asyncio.get_running_loop().time() + CONTENDED_S
        self._head = None

    async def _append(
        self, connection: Connection, head: Head, items: Sequence[Item], sealed: Sequence[Sealed]
    ) -> bool:
        last = sealed[-1]
        cursor = await connection.execute(
            append_statement([item.event for item in items]),
            {
                "lines": b"\n".join([one.line for one in sealed]).decode(),
                "old_seq": head.seq,
                "old_hash": head.event_hash,
                "new_seq": last.seq,
                "new_hash": last.event_hash,
            },
            prepare=True,
        )
        return await cursor.fetchone() is not None

    async def _settle(self, connection: Connection, attempt: Attempt) -> None:
        """Find out whether a batch whose connection broke was committed after all."""
        last = attempt.sealed[-1]
        cursor = await connection.execute(query("recorded_hash"), {"seq": last.seq})
        row = await cursor.fetchone()
        if row is not None and row[0] == last.event_hash:
            self._resolve(attempt.items, attempt.sealed)
        self._head = None

    async def _isolate(self, items: Sequence[Item], problem: psycopg.Error) -> None:
        """One event that the database refuses must not take its neighbours along."""
        self._head = None
        if len(items) > 1:
            for item in items:
                await self._commit([item])
            return
        log.critical("journal: the database refuses event %s: %s", items[0].event.event_id, problem)
        if not isinstance(problem, psycopg.DataError):  # that would be the event's own fault
            self._trouble.begin(problem)
        self._refuse(items, f"the database refuses the event: {problem}", maybe=False)

    def _seal(self, items: Sequence[Item], head: Head) -> list[Sealed]:
        sealed: list[Sealed] = []
        seq, event_hash = head.seq, head.event_hash
        for item in items:
            one = seal(item.event, seq + 1, head.chain_id, event_hash)
            seq, event_hash = one.seq, one.event_hash
            sealed.append(one)
        return sealed

    def _done(self, items: Sequence[Item], sealed: Sequence[Sealed], head: Head, began_s: float) -> None:
        self._head = Head(head.chain_id, sealed[-1].seq, sealed[-1].event_hash)
        self._resolve(items, sealed)
        if self._observer is not None:
            self._observer.committed(len(items), asyncio.get_running_loop().time() - began_s)

    def _resolve(self, items: Sequence[Item], sealed: Sequence[Sealed]) -> None:
        self._trouble.end()
        for item, one in zip(items, sealed, strict=True):
            if not item.future.done():
                item.future.set_result(one.seq)
        self._committed(sealed[-1].seq)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        limit = f"not committed within {self._settings.append_limit_ms} ms"
        overdue = [item for item in self._in_flight if item.deadline_s <= now_s]
        if overdue:
            self._trouble.begin(limit)
        self._refuse(overdue, limit, maybe=True)
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].deadline_s <= now_s):
            self._refuse([self._waiting.popleft()], limit, maybe=False)
        left = [item.deadline_s for item in (*self._in_flight, *self._waiting) if not item.future.done()]
        self._timer = loop.call_at(min(left), self._expire) if left else None

    @staticmethod
    def _refuse(items: Sequence[Item], reason: str, *, maybe: bool) -> None:
        for item in items:
            if not item.future.done():
                item.future.set_exception(AuditUnavailable(reason, maybe_recorded=maybe))

    async def _connect(self) -> Connection:
        connection = await connect(self._dsn, application_name="gatetrail journal")
        await connection.execute(SESSION)
        await connection.execute(query("alive"), {"instance_id": self._instance_id})
        self._connection = connection
        self._head = None
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection, self._head = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def _read_head(self, connection: Connection, name: str = "head") -> Head:
        cursor = await connection.execute(query(name))
        row = await cursor.fetchone()
        if row is None:
            raise DatabaseUnavailable("the table chain_head is empty: the journal has lost its head")
        self._head = Head(*row)
        return self._head
