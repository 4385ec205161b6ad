"""Tells readers that there is more: at once in this process, by LISTEN and NOTIFY in the others."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

import psycopg

from gatetrail.errors import DatabaseUnavailable
from gatetrail.tasks import side_by_side
from gatetrail_sinks.postgres.connection import Connection, connect

log = logging.getLogger("gatetrail.journal")

CHANNEL = "gatetrail_events"
HINTS_CHANNEL = "gatetrail_hints"
"""For whatever else processes tell each other: a word, which says only that one should look, and who gives it."""
NOTIFY_PAUSE_S = 0.05
"""At most one NOTIFY in this time: the payload is only the newest seq, so later ones stand for earlier ones."""
RECONNECT_S = 1.0


class Wakeups:
    """A hint, never a source: readers find out by `seq` what there is, and look again after a time-out."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._seen_seq = 0
        self._own_seq = 0
        self._more = asyncio.Event()
        self._own_more = asyncio.Event()
        self._name = secrets.token_hex(8)
        self._hinted: dict[str, Callable[[], None]] = {}

    def committed(self, seq: int) -> None:
        """This process has committed up to `seq`."""
        self._own_seq = seq
        self._own_more.set()
        self._saw(seq)

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        """Return when the head may be above `seq`, at the latest after the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._seen_seq <= seq:
                    await self._more.wait()
        except TimeoutError:
            return

    def on_hint(self, word: str, hinted: Callable[[], None]) -> None:
        """Call `hinted` whenever another process on this database gives the hint of this word.

        Hints that come while the server is away are lost.
        """
        self._hinted[word] = hinted

    def payload_of(self, word: str) -> str:
        """What gives the hint of a word to all but ourselves."""
        return f"{word} {self._name}"

    async def run(self) -> None:
        """Listen and notify until cancelled; comes back by itself when the server does."""
        await side_by_side(self._persist(self._listen), self._persist(self._notify))

    async def listen(self) -> None:
        """Only listen, for who writes nothing, until cancelled."""
        await self._persist(self._listen)

    async def _persist(self, talk: Callable[[Connection], Awaitable[None]]) -> None:
        while True:
            try:
                async with await connect(self._dsn, application_name="gatetrail wake-ups") as connection:
                    await talk(connection)
            except (DatabaseUnavailable, psycopg.Error, OSError) as problem:
                log.info("wake-ups: %s", problem)
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self, connection: Connection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}; LISTEN {HINTS_CHANNEL}")
        async for note in connection.notifies():
            if note.channel == CHANNEL:
                self._saw(int(note.payload))
            else:
                self._hear(note.payload)

    async def _notify(self, connection: Connection) -> None:
        while True:
            await self._own_more.wait()
            self._own_more.clear()
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(self._own_seq)))
            await asyncio.sleep(NOTIFY_PAUSE_S)

    def _hear(self, payload: str) -> None:
        word, _, sender = payload.partition(" ")
        hinted = self._hinted.get(word)
        if hinted is not None and sender != self._name:
            hinted()

    def _saw(self, seq: int) -> None:
        if seq > self._seen_seq:
            self._seen_seq = seq
            more, self._more = self._more, asyncio.Event()
            more.set()
