"""The cursor store's twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from gatetrail.clock import Clock, rfc3339
from gatetrail.delivery.replay import PutAside, Replay, ReplayKind
from gatetrail.delivery.sink import CursorState, Since, Start, StartingPoint
from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.journal import Entry, Journal


@dataclass(slots=True)
class _Cursor:
    """What a row of the table holds."""

    seq: int
    moved_at: str
    acknowledged_at: str | None = None
    last_error: str | None = None
    failing_since: str | None = None
    failure_told: bool = False
    exported_count: int = 0


@dataclass(slots=True)
class _Shared:
    """What all processes on one store see."""

    cursors: dict[str, _Cursor] = field(default_factory=dict[str, _Cursor])
    owners: dict[str, MemoryCursors] = field(default_factory=dict[str, "MemoryCursors"])
    aside: dict[str, list[tuple[Entry, str]]] = field(default_factory=dict[str, list[tuple[Entry, str]]])
    asked_again: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    replays: list[Replay] = field(default_factory=list[Replay])


class MemoryCursors:
    """`CursorStore` and `Replays` that are gone with their process.

    `another` stands for a second process on the same store. `lose` ends all ownerships of this one, as
    the death of its connection would; set `away` to have every method fail.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.away = False
        self._journal = journal
        self._clock = clock
        self._shared = _Shared()

    @property
    def quarantine_of(self) -> dict[str, list[tuple[Entry, str]]]:
        """What was put aside and not delivered since, by sink, with the reason."""
        return {name: aside for name, aside in self._shared.aside.items() if aside}

    @property
    def replays(self) -> Sequence[Replay]:
        """All that were ever asked for, as they are now; the first one has the number 1."""
        return self._shared.replays

    def another(self) -> MemoryCursors:
        """The same store as another process sees it."""
        other = MemoryCursors(self._journal, self._clock)
        other._shared = self._shared
        return other

    def lose(self) -> None:
        """This process owns nothing any more and has not noticed it yet."""
        owners = self._shared.owners
        for sink_name in [name for name, owner in owners.items() if owner is self]:
            del owners[sink_name]

    async def acquire(self, sink_name: str, start: StartingPoint) -> int | None:
        self._raise_when_away()
        if sink_name in self._shared.owners:
            return None
        if sink_name not in self._shared.cursors:
            self._shared.cursors[sink_name] = _Cursor(await self._first_seq(start), self._now())
        self._shared.owners[sink_name] = self
        return self._shared.cursors[sink_name].seq

    async def advance(self, sink_name: str, seq: int, delivered: int) -> None:
        cursor = self._owned(sink_name)
        cursor.seq, cursor.moved_at = seq, self._now()
        cursor.last_error = cursor.failing_since = None
        cursor.exported_count += delivered
        if delivered:
            cursor.acknowledged_at = self._now()

    async def fail(self, sink_name: str, reason: str) -> None:
        cursor = self._owned(sink_name)
        cursor.last_error, cursor.failing_since = reason, cursor.failing_since or self._now()

    async def tell_failure(self, sink_name: str, *, told: bool) -> None:
        self._owned(sink_name).failure_told = told

    async def quarantine(self, sink_name: str, entry: Entry, reason: str) -> None:
        await self.advance(sink_name, entry.seq, 0)
        self._put_aside(sink_name, entry, reason)

    async def release(self, sink_name: str) -> None:
        if self._shared.owners.get(sink_name) is self:
            del self._shared.owners[sink_name]

    async def states(self) -> Sequence[CursorState]:
        self._raise_when_away()
        return [await self._state(name) for name in sorted(self._shared.cursors)]

    async def open_replay(self, sink_name: str) -> Replay | None:
        self._owned(sink_name)
        fitting = [one for one in self._shared.replays if one.sink_name == sink_name and one.finished_at is None]
        return fitting[0] if fitting else None

    async def put_aside_for(self, replay: Replay, limit: int) -> Sequence[Entry]:
        self._owned(replay.sink_name)
        marked = self._shared.asked_again
        aside = self._shared.aside.get(replay.sink_name, [])
        entries = sorted((entry for entry, _ in aside if entry.seq >= replay.next_seq), key=lambda entry: entry.seq)
        return [one for one in entries if marked.get((replay.sink_name, one.seq)) == replay.replay_id][:limit]

    async def advance_replay(self, replay: Replay, delivered: Sequence[Entry]) -> Replay | None:
        for entry in delivered:
            if any(one == entry for one, _ in self._shared.aside.get(replay.sink_name, [])):
                self._take_back(replay.sink_name, entry.seq)
        count = replay.delivered_count + len(delivered)
        return self._move(replay, delivered[-1].seq + 1, delivered_count=count)

    async def fail_replay(self, replay: Replay, reason: str) -> Replay | None:
        return self._change(replay, last_error=reason)

    async def quarantine_replayed(self, replay: Replay, entry: Entry, reason: str) -> Replay | None:
        moved = self._move(replay, entry.seq + 1, quarantined_count=replay.quarantined_count + 1)
        if moved is not None:
            asked = self._shared.asked_again.get((replay.sink_name, entry.seq))
            self._put_aside(replay.sink_name, entry, reason)
            if asked is not None and asked != replay.replay_id:
                self._shared.asked_again[replay.sink_name, entry.seq] = asked
        return moved

    async def finish_replay(self, replay: Replay) -> None:
        self._move(replay, replay.last_seq + 1)

    async def request(self, sink_name: str, first_seq: int, last_seq: int) -> Replay:
        return self._ask(sink_name, ReplayKind.RANGE, first_seq, last_seq)

    async def resend(self, sink_name: str, seqs: Sequence[int] | None) -> Replay | None:
        aside = [entry.seq for entry, _ in self._shared.aside.get(sink_name, [])]
        wanted = [seq for seq in aside if (seqs is None or seq in seqs) and self._asked(sink_name, seq) is None]
        if not wanted:
            return None
        replay = self._ask(sink_name, ReplayKind.QUARANTINE, min(wanted), max(wanted))
        self._shared.asked_again.update({(sink_name, seq): replay.replay_id for seq in wanted})
        return replay

    async def state(self, replay_id: int) -> Replay | None:
        self._raise_when_away()
        return self._shared.replays[replay_id - 1] if 0 < replay_id <= len(self._shared.replays) else None

    async def cancel(self, replay_id: int) -> bool:
        replay = await self.state(replay_id)
        return replay is not None and self._change(replay, finished_at=self._now(), cancelled=True) is not None

    async def put_aside(self, sink_name: str | None, after: tuple[str, int], limit: int) -> Sequence[PutAside]:
        self._raise_when_away()
        found = [
            PutAside(name, one.seq, one.event_name, one.line, reason, self._now(), self._asked(name, one.seq))
            for name, aside in self._shared.aside.items()
            for one, reason in aside
            if sink_name in {None, name} and (name, one.seq) > after
        ]
        return sorted(found, key=lambda one: (one.sink_name, one.seq))[:limit]

    async def _first_seq(self, start: StartingPoint) -> int:
        match start:
            case Start.BEGINNING:
                return 0
            case Start.NOW:
                return await self._journal.head_seq()
            case Since(moment=moment):
                entries = await self._journal.read(0, await self._journal.head_seq())
                late = (entry.seq - 1 for entry in entries if entry.event().timestamp >= moment)
                return next(late, len(entries))
            case _:
                assert_never(start)

    async def _state(self, sink_name: str) -> CursorState:
        cursor = self._shared.cursors[sink_name]
        waiting = await self._journal.read(cursor.seq, 1)
        return CursorState(
            sink_name=sink_name,
            seq=cursor.seq,
            head_seq=await self._journal.head_seq(),
            owned=sink_name in self._shared.owners,
            acknowledged_at=cursor.acknowledged_at,
            moved_at=cursor.moved_at,
            waiting_since=waiting[0].event().timestamp if waiting else None,
            last_error=cursor.last_error,
            failing_since=cursor.failing_since,
            failure_told=cursor.failure_told,
            quarantined_count=len(self._shared.aside.get(sink_name, [])),
            exported_count=cursor.exported_count,
            looked_at=self._now(),
        )

    def _ask(self, sink_name: str, kind: ReplayKind, first_seq: int, last_seq: int) -> Replay:
        self._raise_when_away()
        number = len(self._shared.replays) + 1
        asked = Replay(number, sink_name, kind, first_seq, last_seq, first_seq, 0, 0, None, self._now(), None, False)
        self._shared.replays.append(asked)
        return asked

    def _move(self, replay: Replay, next_seq: int, **over: int) -> Replay | None:
        finished_at = self._now() if next_seq > replay.last_seq else None
        return self._change(replay, next_seq=next_seq, last_error=None, finished_at=finished_at, **over)

    def _change(self, replay: Replay, **over: object) -> Replay | None:
        if not over.get("cancelled"):
            self._owned(replay.sink_name)
        stored = self._shared.replays[replay.replay_id - 1]
        if stored.finished_at is not None:
            return None
        changed = self._shared.replays[replay.replay_id - 1] = replace(stored, **over)  # type: ignore[arg-type]
        return changed

    def _asked(self, sink_name: str, seq: int) -> int | None:
        """The open replay that is to bring it."""
        replay_id = self._shared.asked_again.get((sink_name, seq))
        return replay_id if replay_id and self._shared.replays[replay_id - 1].finished_at is None else None

    def _put_aside(self, sink_name: str, entry: Entry, reason: str) -> None:
        self._take_back(sink_name, entry.seq)
        self._shared.aside.setdefault(sink_name, []).append((entry, reason))

    def _take_back(self, sink_name: str, seq: int) -> None:
        aside = self._shared.aside.setdefault(sink_name, [])
        aside[:] = [(entry, reason) for entry, reason in aside if entry.seq != seq]
        self._shared.asked_again.pop((sink_name, seq), None)

    def _owned(self, sink_name: str) -> _Cursor:
        self._raise_when_away()
        if self._shared.owners.get(sink_name) is not self:
            raise DatabaseUnavailable(f"this process does not own sink {sink_name} any more")
        return self._shared.cursors[sink_name]

    def _raise_when_away(self) -> None:
        if self.away:
            raise DatabaseUnavailable("the cursors in memory are away")

    def _now(self) -> str:
        return rfc3339(self._clock.now_us())
