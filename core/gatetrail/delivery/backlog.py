"""What lies between a sink's cursor and the end of the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gatetrail.events.journal import Entry, Journal

LOOK_AGAIN_AFTER_S = (0.0, 0.0, 0.05, 0.25)
"""A hole is believed only when it is still there after all of these pauses."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Positions that the journal ought to have and has not: after retention, or because somebody removed rows."""

    first_seq: int
    last_seq: int


class Backlog:
    """Reads ahead of one cursor, one batch at a time; holds twice `batch_events` entries at most."""

    def __init__(self, journal: Journal, batch_events: int, batch_bytes: int) -> None:
        self._journal = journal
        self._batch_events = batch_events
        self._batch_bytes = batch_bytes
        self._ahead: deque[Entry] = deque()
        self._more_is_there = True
        self.cursor_seq = 0
        """Everything up to here is dealt with."""

    def begin(self, cursor_seq: int) -> None:
        """Start anew after this position; what was read ahead is forgotten."""
        self.cursor_seq = cursor_seq
        self._ahead.clear()
        self._more_is_there = True

    def done(self, seq: int) -> None:
        """Everything up to `seq` is dealt with."""
        self.cursor_seq = seq
        while self._ahead and self._ahead[0].seq <= seq:
            self._ahead.popleft()

    @property
    def exhausted(self) -> bool:
        """True when the last look found the end of the journal: it is worth while to wait for a hint."""
        return not self._ahead and not self._more_is_there

    async def batch(self, most: int) -> Sequence[Entry] | Hole:
        """The next entries in order: `most` at most, within the byte limit, but at least one.

        An empty answer means that there are none yet. Raises `DatabaseUnavailable`.
        """
        if not self._ahead:
            hole = await self._read()
            if hole is not None:
                return hole
        return self._front(most)

    async def read_ahead(self) -> None:
        """Read what follows the entries in hand while those are on their way. Any doubt is left to `batch`.

        May run beside `done`, but neither beside `batch` nor beyond `begin`.
        """
        if not self._ahead or not self._more_is_there or len(self._ahead) > self._batch_events:
            return
        try:
            entries = await self._journal.read(self._ahead[-1].seq, self._batch_events)
        except Exception:  # noqa: BLE001 what it was, `batch` will say if it is still so
            return
        last_seq = self._ahead[-1].seq if self._ahead else self.cursor_seq
        if entries and entries[0].seq == last_seq + 1:
            self._take(entries)

    def _take(self, entries: Sequence[Entry]) -> None:
        whole = _without_hole(entries)
        self._more_is_there = len(entries) >= self._batch_events or len(whole) < len(entries)
        self._ahead.extend(whole)

    def _front(self, most: int) -> Sequence[Entry]:
        front: list[Entry] = []
        size_bytes = 0
        for entry in self._ahead:
            size_bytes += len(entry.line)
            if front and (len(front) >= most or size_bytes > self._batch_bytes):
                break
            front.append(entry)
        return front

    async def _read(self) -> Hole | None:
        next_seq = self.cursor_seq + 1
        found_seq = next_seq
        for pause_s in LOOK_AGAIN_AFTER_S:
            await asyncio.sleep(pause_s)
            entries = await self._journal.read(self.cursor_seq, self._batch_events)
            # An event that is committed between these two looks is no hole; the second round sees it.
            found_seq = entries[0].seq if entries else await self._journal.head_seq() + 1
            if found_seq <= next_seq:
                self._take(entries)
                return None
        return Hole(next_seq, found_seq - 1)


def _without_hole(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries up to the first hole, which then stands at the front of the next look."""
    for place, (left, right) in enumerate(pairwise(entries), start=1):
        if right.seq != left.seq + 1:
            return entries[:place]
    return entries
