"""What tests of the follower drive it with: a sink that does as it is told, and quick settings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson

from gatetrail.clock import IdMaker
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Sink, Start, StartingPoint
from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditHeartbeat
from gatetrail.events.stamp import Stamp
from gatetrail.testing import ManualClock, MemoryCursors, MemoryJournal
from gatetrail.words import Level

QUICK = FollowerSettings(
    batch_events=10,
    write_timeout_ms=2_000,
    retry_initial_ms=1,
    retry_max_ms=4,
    acquire_poll_ms=2,
    idle_poll_ms=20,
    replay_poll_ms=1,
    jitter=lambda: 0.0,
)
WITHIN_S = 20.0

Behaviour = Callable[[Sequence[Entry]], Awaitable[None]]


class ObedientSink:
    """Does what `behave` says, then keeps what it was given."""

    def __init__(self, name: str = "obedient") -> None:
        self._name = name
        self.behave: Behaviour | None = None
        self.taken: list[Entry] = []
        self.tries: list[list[int]] = []
        self.closed = False
        self.calls_at_once = 0
        self.most_calls_at_once = 0

    @property
    def name(self) -> str:
        return self._name

    async def write(self, entries: Sequence[Entry]) -> None:
        assert not self.closed
        self.tries.append([entry.seq for entry in entries])
        self.calls_at_once += 1
        self.most_calls_at_once = max(self.most_calls_at_once, self.calls_at_once)
        try:
            if self.behave is not None:
                await self.behave(entries)
            self.taken.extend(entries)
        finally:
            self.calls_at_once -= 1

    async def close(self) -> None:
        self.closed = True

    @property
    def seqs(self) -> list[int]:
        return [entry.seq for entry in self.taken]


class World:
    """A journal, cursors and a clock, all in memory, and followers on them."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.cursors = MemoryCursors(self.journal, self.clock)
        self.stamp = Stamp(self.clock, IdMaker(self.clock), instance_id="test", product_version="0.0.0")

    async def append(self, count: int) -> None:
        for _ in range(count):
            await self.journal.append(
                AuditHeartbeat(
                    **self.stamp(Level.INFO, "alive"),
                    allowed_count=1,
                    denied_count=0,
                    completed_count=0,
                    exported_count=0,
                )
            )

    def follower(
        self,
        sink: Sink,
        *,
        cursors: MemoryCursors | None = None,
        start: StartingPoint = Start.BEGINNING,
        **over: object,
    ) -> Follower:
        return Follower(
            sink,
            self.journal,
            cursors or self.cursors,
            self.stamp,
            self.journal.append,
            start=start,
            clock=self.clock,
            settings=replace(QUICK, **over),  # type: ignore[arg-type]
        )

    async def cursor_seq(self, sink_name: str = "obedient") -> int:
        return next(state.seq for state in await self.cursors.states() if state.sink_name == sink_name)

    def told(self, event_name: str) -> int:
        return len(self.journal.events(event_name))


@asynccontextmanager
async def running(follower: Follower) -> AsyncGenerator[asyncio.Task[None]]:
    """The follower at work; stopped at the end, and it must have ended in order."""
    task = asyncio.create_task(follower.run())
    try:
        yield task
    finally:
        async with asyncio.timeout(WITHIN_S):
            await follower.stop(1.0)
            await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None


async def until(condition: Callable[[], object]) -> None:
    """Wait for the condition, with a bound."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 a condition of many parts has no event of its own
            await asyncio.sleep(0.001)


def first_seen(seqs: Sequence[int]) -> list[int]:
    """Without doubles, as a reader drops them."""
    return list(dict.fromkeys(seqs))


def name_of(entry: Entry) -> str:
    return str(orjson.loads(entry.line)["event_name"])


class MischievousSink(ObedientSink):
    """Fails in every way there is, as chance has it, and can never take the poisoned events."""

    def __init__(self, chance: random.Random, poison: set[int], lose_ownership: Callable[[], None]) -> None:
        super().__init__()
        self._chance = chance
        self._poison = poison
        self._lose_ownership = lose_ownership
        self.behave = self._misbehave

    async def _misbehave(self, entries: Sequence[Entry]) -> None:
        poisoned = [place for place, entry in enumerate(entries) if entry.seq in self._poison]
        edible = entries[: poisoned[0]] if poisoned else entries
        match self._chance.randrange(9):
            case 0:
                self.taken.extend(edible[: self._chance.randrange(len(edible) + 1)])
                raise SinkUnavailable("in the middle of it")
            case 1:
                self.taken.extend(edible)
                raise ConnectionResetError("after it")
            case 2:
                await asyncio.Event().wait()
            case 3:
                self._lose_ownership()
            case _:
                pass
        if poisoned:
            self.taken.extend(edible)
            seq = entries[poisoned[0]].seq
            raise EventRefused(seq, "poison") if seq % 2 else ValueError("poison")
