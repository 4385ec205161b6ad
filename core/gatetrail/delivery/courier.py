"""Hands batches to one sink, and says in a closed list of words what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gatetrail.call import first_words
from gatetrail.delivery.sink import Sink
from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry

CANCEL_LIMIT_S = 1.0
"""A write that was cut off gets this long to come back."""
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Delivered:
    """The sink holds the whole batch for good."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The sink will never take the entry at `index`; it holds those before it."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """Trying again may cure it: the sink said so, or lost its connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Late:
    """There was no answer in time. Trying again may cure it; so may a smaller batch, if it comes from a slow sink."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The sink raised what it should not. Perhaps one of the entries is poison, perhaps the sink has a bug."""

    reason: str


Outcome = Delivered | Refused | Away | Late | Broken


class Courier:
    """Calls one sink with one batch at a time, never longer than the limit. Used by one task."""

    def __init__(self, sink: Sink, write_timeout_ms: int) -> None:
        self._sink = sink
        self._limit_s = write_timeout_ms / 1000
        self._write: asyncio.Task[None] | None = None

    async def deliver(self, batch: Sequence[Entry]) -> Outcome:
        """Try once. A sink that ignores being cut off is not called again before it has come back."""
        if not await self.settled(self._limit_s):
            return Away("still hangs in a write that was cut off")
        write = self._write = asyncio.create_task(self._sink.write(batch))
        try:
            await asyncio.wait([write], timeout=self._limit_s)
        finally:
            if not write.done():
                write.cancel()
        if not await self.settled(CANCEL_LIMIT_S) or write.cancelled():
            return Late(f"did not acknowledge {len(batch)} events within {self._limit_s:g} s")
        return _outcome(write.exception(), batch)

    async def settled(self, limit_s: float) -> bool:
        """True when no write is under way any more, at the latest after the limit."""
        write = self._write
        if write is None:
            return True
        if not write.done():
            await asyncio.wait([write], timeout=limit_s)
        if not write.done():
            return False
        if not write.cancelled():
            write.exception()  # looked at, so that asyncio does not report it as forgotten
        return True


def in_one_line(problem: BaseException) -> str:
    """The text of an error without line breaks, with its type where the text alone tells nothing."""
    text = " ".join(str(problem).encode(errors="replace").decode().split())
    if not isinstance(problem, SinkUnavailable | EventRefused):
        text = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    return first_words(text, LONGEST_REASON)


def _outcome(problem: BaseException | None, batch: Sequence[Entry]) -> Outcome:
    match problem:
        case None:
            return Delivered()
        case EventRefused(seq=seq):
            places = [index for index, entry in enumerate(batch) if entry.seq == seq]
            if not places:
                return Broken(f"refused event {seq}, which was not in the batch: {in_one_line(problem)}")
            return Refused(places[0], in_one_line(problem))
        case TimeoutError() | SinkUnavailable(__cause__=TimeoutError()):
            return Late(in_one_line(problem))
        case SinkUnavailable() | OSError():  # a socket's or file's error that a sink has let through
            return Away(in_one_line(problem))
        case _:
            return Broken(in_one_line(problem))
