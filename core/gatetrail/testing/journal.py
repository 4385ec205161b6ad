"""The journal's twin."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from gatetrail.errors import AuditUnavailable, DatabaseUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import Event
from gatetrail.events.wire import GENESIS_HASH, seal


class MemoryJournal:
    """A journal that is gone with its process: the same order, chain and lines as the real one.

    Set `away` to have every method fail as if the database did not answer.
    """

    def __init__(self, chain_id: str = "memory") -> None:
        self.away = False
        self._chain_id = chain_id
        self._entries: list[Entry] = []
        self._head_hash = GENESIS_HASH
        self._grown = anyio.Event()

    async def append(self, event: Record) -> int:
        if self.away:
            raise AuditUnavailable("the journal in memory is away", maybe_recorded=False)
        sealed = seal(event, len(self._entries) + 1, self._chain_id, self._head_hash)
        name = str(event.__dict__["event_name"])
        self._entries.append(Entry(sealed.seq, name, sealed.line))
        self._head_hash = sealed.event_hash
        grown, self._grown = self._grown, anyio.Event()
        grown.set()
        return sealed.seq

    async def read(self, after_seq: int, limit: int) -> Sequence[Entry]:
        self._raise_when_away()
        return self._entries[after_seq : after_seq + limit]

    async def head_seq(self) -> int:
        self._raise_when_away()
        return len(self._entries)

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        with anyio.move_on_after(timeout_s):
            while len(self._entries) <= seq:
                await self._grown.wait()

    def events(self, name: str | None = None) -> list[Event]:
        """What was recorded, oldest first; with a name, only events of that name."""
        return [entry.event() for entry in self._entries if name in {None, entry.event_name}]

    def _raise_when_away(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the journal in memory is away")
