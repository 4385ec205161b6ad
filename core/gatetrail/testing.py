"""Twins in memory for tests: a journal, cursors, a session store and a clock that nobody has to wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import anyio

from gatetrail.clock import Clock, rfc3339
from gatetrail.errors import AuditUnavailable, DatabaseUnavailable
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry, Journal
from gatetrail.events.model import Event
from gatetrail.events.sink import CursorState, Start
from gatetrail.events.wire import GENESIS_HASH, seal
from gatetrail.sessions import Session

__all__ = ["ManualClock", "MemoryCursors", "MemoryJournal", "MemorySessions"]


class ManualClock:
    """A clock that moves only when it is told to. Starts at 2026-01-01T00:00:00Z."""

    def __init__(self, now_us: int = 1_767_225_600_000_000) -> None:
        self._now_us = now_us
        self._monotonic_us = 0

    def now_us(self) -> int:
        return self._now_us

    def monotonic_s(self) -> float:
        return self._monotonic_us / 1_000_000

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        moved_us = round(seconds * 1_000_000)
        self._now_us += moved_us
        self._monotonic_us += moved_us


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


class MemorySessions:
    """A session store that is gone with its process. Set `away` to have it fail."""

    def __init__(self) -> None:
        self.away = False
        self._sessions: dict[str, Session] = {}

    async def open(self, session: Session) -> tuple[Session, bool]:
        if self.away:
            raise DatabaseUnavailable("the session store in memory is away")
        created = session.session_id not in self._sessions
        return self._sessions.setdefault(session.session_id, session), created


class MemoryCursors:
    """A cursor store that is gone with its process.

    `another` stands for a second process on the same store. `lose` ends all ownerships of this one, as
    the death of its connection would; set `away` to have every method fail.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.away = False
        self.quarantine_of: dict[str, list[tuple[Entry, str]]] = {}
        self._journal = journal
        self._clock = clock
        self._states: dict[str, CursorState] = {}
        self._owners: dict[str, MemoryCursors] = {}

    def another(self) -> MemoryCursors:
        """The same store as another process sees it."""
        other = MemoryCursors(self._journal, self._clock)
        other.quarantine_of, other._states, other._owners = self.quarantine_of, self._states, self._owners
        return other

    def lose(self) -> None:
        """This process owns nothing any more and has not noticed it yet."""
        for sink_name in [name for name, owner in self._owners.items() if owner is self]:
            del self._owners[sink_name]

    async def acquire(self, sink_name: str, start: Start) -> int | None:
        self._raise_when_away()
        if sink_name in self._owners:
            return None
        if sink_name not in self._states:
            seq = await self._journal.head_seq() if start is Start.NOW else 0
            self._states[sink_name] = CursorState(sink_name, seq, None, None, None, 0, 0)
        self._owners[sink_name] = self
        return self._states[sink_name].seq

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        state = self._owned(sink_name)
        self._states[sink_name] = replace(
            state,
            seq=seq,
            acknowledged_at=self._now() if delivered else state.acknowledged_at,
            last_error=None,
            failing_since=None,
            exported_count=state.exported_count + delivered,
        )

    async def fail(self, sink_name: str, reason: str) -> None:
        state = self._owned(sink_name)
        since = state.failing_since or self._now()
        self._states[sink_name] = replace(state, last_error=reason, failing_since=since)

    async def quarantine(self, sink_name: str, entry: Entry, reason: str) -> None:
        state = self._owned(sink_name)
        self.quarantine_of.setdefault(sink_name, []).append((entry, reason))
        count = state.quarantined_count + 1
        self._states[sink_name] = replace(
            state, seq=entry.seq, last_error=None, failing_since=None, quarantined_count=count
        )

    async def release(self, sink_name: str) -> None:
        if self._owners.get(sink_name) is self:
            del self._owners[sink_name]

    async def states(self) -> Sequence[CursorState]:
        self._raise_when_away()
        return [self._states[name] for name in sorted(self._states)]

    def _owned(self, sink_name: str) -> CursorState:
        self._raise_when_away()
        if self._owners.get(sink_name) is not self:
            raise DatabaseUnavailable(f"this process does not own sink {sink_name} any more")
        return self._states[sink_name]

    def _raise_when_away(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the cursors in memory are away")

    def _now(self) -> str:
        return rfc3339(self._clock.now_us())
