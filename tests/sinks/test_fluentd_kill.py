"""The Fluentd sink behind a follower, while its receiver is killed under load."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Sink, Start
from gatetrail.events.journal import Entry
from gatetrail.testing import MemoryCursors, MemoryJournal
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.samples import decided, make_stamp
from tests.sinks.fluentd_server import FluentdServer
from tests.sinks.places.fluentd import FluentdPlace, plain_fluentd, secured_fluentd

pytestmark = [pytest.mark.anyio, pytest.mark.node]

EVENTS = 4_000
KILLS = 3
QUICK = FollowerSettings(batch_events=100, gather_ms=1, retry_initial_ms=10, retry_max_ms=50)
LIMIT_S = 60


class Load:
    """A journal that grows, and a follower that drives one sink from it."""

    def __init__(self, sink: Sink) -> None:
        self.journal = MemoryJournal()
        self.stamp = make_stamp()
        clock = SystemClock()
        cursors = MemoryCursors(self.journal, clock)
        parts = (sink, self.journal, cursors, self.stamp, self.journal.append)
        self.follower = Follower(*parts, start=Start.BEGINNING, clock=clock, settings=QUICK)

    @property
    def cursor_seq(self) -> int:
        return self.follower.state().cursor_seq

    async def grow(self) -> None:
        for number in range(EVENTS):
            await self.journal.append(decided(self.stamp, user_id=f"user-{number}"))
            await asyncio.sleep(0)

    async def reaches(self, seq: int) -> None:
        await until(lambda: self.cursor_seq >= seq)

    async def entries(self) -> list[Entry]:
        return list(await self.journal.read(0, 10 * EVENTS))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


@pytest.mark.requirement("E9")
@pytest.mark.parametrize("ready", [plain_fluentd, secured_fluentd])
async def test_a_receiver_that_is_killed_under_load_misses_nothing_and_gets_it_in_order(
    tmp_path: Path, ready: Callable[[Path], Awaitable[FluentdPlace]]
) -> None:
    place = await ready(tmp_path)
    load = Load(place.sink("fluentd"))
    running, growing = asyncio.create_task(load.follower.run()), asyncio.create_task(load.grow())
    for number in range(1, KILLS + 1):
        await load.reaches(number * EVENTS // (KILLS + 1))
        await place.die()
        assert len(set(await place.received())) >= load.cursor_seq
        await until(lambda: load.follower.state().last_error is not None)
        await place.come_back()
    await growing
    await load.follower.stop(LIMIT_S)
    await running
    entries = await load.entries()
    assert load.cursor_seq >= EVENTS
    expected = [entry.line for entry in entries[: load.cursor_seq]]
    assert list(dict.fromkeys(await place.received()))[: len(expected)] == expected
    await place.close()


@pytest.mark.requirement("E9")
async def test_two_receivers_that_are_killed_in_turns_have_everything_between_them(tmp_path: Path) -> None:
    servers = [FluentdServer(tmp_path, name=name) for name in ("first", "second")]
    for server in servers:
        await server.start()
    receivers = tuple(FluentdReceiver(host=server.host, port=server.port) for server in servers)
    load = Load(FluentdSink("fluentd", FluentdSettings(receivers=receivers, return_after_ms=50)))
    running, growing = asyncio.create_task(load.follower.run()), asyncio.create_task(load.grow())
    for number in range(1, KILLS + 1):
        await load.reaches(number * EVENTS // (KILLS + 1))
        await servers[number % 2].kill()
        await load.reaches(min(load.cursor_seq + EVENTS // 10, EVENTS))
        await servers[number % 2].start()
    await growing
    await load.follower.stop(LIMIT_S)
    await running
    there = {record for server in servers for record in await server.records()}
    assert {entry.line for entry in (await load.entries())[: load.cursor_seq]} <= there
    assert load.cursor_seq >= EVENTS
    for server in servers:
        await server.kill()
