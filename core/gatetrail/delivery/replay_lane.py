"""The events of one replay, in order, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from gatetrail.delivery.replay import Replay, ReplayKind, ReplayWork
from gatetrail.events.journal import Entry, Journal


class ReplayLane:
    """`Lane` of a replay. It ends when nothing is left in its range, or when somebody has cancelled it."""

    def __init__(self, replay: Replay, journal: Journal, work: ReplayWork, batch_bytes: int) -> None:
        self._replay: Replay | None = replay
        self._latest = replay
        self._journal = journal
        self._work = work
        self._batch_bytes = batch_bytes

    @property
    def latest(self) -> Replay:
        """The replay as it was stored last."""
        return self._latest

    @property
    def cursor_seq(self) -> int:
        return self._latest.next_seq - 1

    async def batch(self, most: int) -> Sequence[Entry]:
        """The next entries, `most` at most, within the byte limit, but at least one; none at its end."""
        replay = self._replay
        if replay is None or replay.finished_at is not None:
            return ()
        entries = _within(await self._read(replay, most), self._batch_bytes)
        if not entries:
            await self._work.finish_replay(replay)
        return entries

    async def acknowledged(self, batch: Sequence[Entry]) -> None:
        self._now(await self._work.advance_replay(self._latest, batch))

    async def failed(self, reason: str) -> None:
        self._now(await self._work.fail_replay(self._latest, reason))

    async def put_aside(self, entry: Entry, reason: str) -> None:
        self._now(await self._work.quarantine_replayed(self._latest, entry, reason))

    async def _read(self, replay: Replay, most: int) -> Sequence[Entry]:
        match replay.kind:
            case ReplayKind.RANGE:
                # Positions that retention has removed are told when the replay is asked for, not here.
                found = await self._journal.read(replay.next_seq - 1, most)
                return [entry for entry in found if entry.seq <= replay.last_seq]
            case ReplayKind.QUARANTINE:
                return await self._work.put_aside_for(replay, most)
            case _:
                assert_never(replay.kind)

    def _now(self, replay: Replay | None) -> None:
        self._replay = replay
        self._latest = replay or self._latest


def _within(entries: Sequence[Entry], batch_bytes: int) -> Sequence[Entry]:
    size_bytes = 0
    for place, entry in enumerate(entries):
        size_bytes += len(entry.line)
        if place and size_bytes > batch_bytes:
            return entries[:place]
    return entries
