"""Replays: once more, in order, beside what is live, whatever dies in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from gatetrail.delivery.follower import Phase
from gatetrail.delivery.replay import Replay
from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from tests.delivery.driving import MischievousSink, ObedientSink, World, first_seen, running, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E10")]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sink() -> ObedientSink:
    return ObedientSink()


async def over(world: World, replay: Replay) -> Replay:
    """The replay as it ended."""
    await until(lambda: _stored(world, replay).finished_at is not None)
    return _stored(world, replay)


def _stored(world: World, replay: Replay) -> Replay:
    return world.cursors.replays[replay.replay_id - 1]


def refuse(sink: ObedientSink, poison: set[int]) -> None:
    async def refuse_poison(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.seq in poison:
                raise EventRefused(entry.seq, "too strange")
            sink.taken.append(entry)
        del sink.taken[len(sink.taken) - len(entries) :]  # the sink itself adds them at the end

    sink.behave = refuse_poison


async def test_a_range_comes_again_in_order_and_the_cursor_stays_where_it_is(world: World, sink: ObedientSink) -> None:
    await world.append(60)
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 60)
        ended = await over(world, await world.cursors.request("obedient", 12, 47))
    assert sink.seqs == [*range(1, 61), *range(12, 48)]
    assert (ended.delivered_count, ended.quarantined_count, ended.next_seq) == (36, 0, 48)
    assert await world.cursor_seq() == 60


async def test_replays_are_worked_off_one_after_the_other_the_oldest_first(world: World, sink: ObedientSink) -> None:
    await world.append(5)
    asked = [await world.cursors.request("obedient", first, 5) for first in (4, 2)]
    async with running(world.follower(sink)):
        await over(world, asked[1])
    assert sink.seqs == [1, 2, 3, 4, 5, 4, 5, 2, 3, 4, 5]


async def test_live_events_go_on_while_a_replay_is_under_way(world: World, sink: ObedientSink) -> None:
    await world.append(100)
    async with running(world.follower(sink)) as _:
        await until(lambda: len(sink.taken) == 100)
        waited: list[int] = []

        async def live_in_between(entries: Sequence[Entry]) -> None:
            if entries[-1].seq <= 100 and len(waited) < 3:
                await world.append(1)
                waited.append(len(sink.tries))

        sink.behave = live_in_between
        await over(world, await world.cursors.request("obedient", 1, 100))
        sink.behave = None
        await until(lambda: 103 in sink.seqs)
    came = [next(place for place, batch in enumerate(sink.tries, 1) if 100 + number in batch) for number in (1, 2, 3)]
    assert all(place - asked <= 1 for asked, place in zip(waited, came, strict=True))


async def test_a_sink_that_is_behind_gets_most_of_its_writes_for_what_is_live(world: World, sink: ObedientSink) -> None:
    await world.append(400)
    asked = await world.cursors.request("obedient", 1, 50)
    async with running(world.follower(sink, live_batches_for_a_replayed_one=4)):
        await over(world, asked)
        await until(lambda: 400 in sink.seqs)
    again = [place for place in range(1, len(sink.tries)) if sink.tries[place] in sink.tries[:place]]
    assert len(again) == 5
    assert all(right - left == 5 for left, right in pairwise(again))


async def test_a_replay_goes_on_where_it_was_when_its_driver_dies(world: World, sink: ObedientSink) -> None:
    await world.append(60)
    asked = await world.cursors.request("obedient", 1, 60)

    async def hang_late(_: Sequence[Entry]) -> None:
        if _stored(world, asked).delivered_count >= 30:
            await asyncio.Event().wait()

    sink.behave = hang_late
    dying = asyncio.create_task(world.follower(sink).run())
    await until(lambda: _stored(world, asked).delivered_count == 30 and sink.calls_at_once)
    dying.cancel()
    await asyncio.wait([dying])
    again = ObedientSink()
    async with running(world.follower(again, cursors=world.cursors.another())):
        ended = await over(world, asked)
    assert again.seqs[-30:] == list(range(31, 61))
    assert ended.delivered_count == 60


async def test_a_sink_that_is_away_delays_a_replay_and_loses_nothing_of_it(world: World, sink: ObedientSink) -> None:
    await world.append(30)
    follower = world.follower(sink)
    async with running(follower):
        await until(lambda: len(sink.taken) == 30)

        async def fail(_: Sequence[Entry]) -> None:
            raise SinkUnavailable("nobody listens")

        sink.behave = fail
        asked = await world.cursors.request("obedient", 1, 30)
        await until(lambda: _stored(world, asked).last_error == "nobody listens")
        assert follower.state().last_error == "nobody listens"
        await until(lambda: world.told("audit.sink_failed") == 1)
        sink.behave = None
        ended = await over(world, asked)
        await until(lambda: world.told("audit.sink_recovered") == 1)
    assert first_seen([seq for seq in sink.seqs[30:] if seq <= 30]) == list(range(1, 31))
    assert (ended.delivered_count, ended.last_error) == (30, None)


async def test_an_event_that_is_refused_in_a_replay_is_put_aside_and_the_rest_comes(
    world: World, sink: ObedientSink
) -> None:
    await world.append(20)
    follower = world.follower(sink, tries_before_quarantine=2)
    async with running(follower):
        await until(lambda: len(sink.taken) == 20)
        refuse(sink, {7})
        ended = await over(world, await world.cursors.request("obedient", 1, 20))
    assert (ended.delivered_count, ended.quarantined_count) == (19, 1)
    assert [entry.seq for entry, _ in world.cursors.quarantine_of["obedient"]] == [7]
    assert (await world.cursors.states())[0].quarantined_count == 1
    assert follower.state().quarantined_count == 1


async def test_a_replay_of_what_was_put_aside_takes_it_out_of_the_quarantine(world: World, sink: ObedientSink) -> None:
    await world.append(20)
    refuse(sink, {7, 8, 15})
    async with running(world.follower(sink, tries_before_quarantine=1)):
        await until(lambda: _aside(world) == [7, 8, 15])
        sink.behave = None
        await over(world, await world.cursors.request("obedient", 1, 10))
        assert _aside(world) == [15]


def _aside(world: World) -> list[int]:
    return sorted(entry.seq for entry, _ in world.cursors.quarantine_of.get("obedient", []))


async def test_what_is_sent_again_on_request_leaves_the_quarantine_unless_it_is_refused_again(
    world: World, sink: ObedientSink
) -> None:
    await world.append(20)
    refuse(sink, {3, 7, 8, 15})
    async with running(world.follower(sink, tries_before_quarantine=1)):
        await until(lambda: _aside(world) == [3, 7, 8, 15] and 20 in sink.seqs)
        refuse(sink, {7})
        taken = len(sink.taken)
        asked = await world.cursors.resend("obedient", [3, 7, 8])
        assert asked is not None
        ended = await over(world, asked)
        assert [seq for seq in sink.seqs[taken:] if seq <= 20] == [3, 8]
        assert _aside(world) == [7, 15]
        assert (ended.delivered_count, ended.quarantined_count) == (2, 1)
        sink.behave = None
        everything = await world.cursors.resend("obedient", None)
        assert everything is not None
        await over(world, everything)
    assert _aside(world) == []
    assert await world.cursors.resend("obedient", None) is None


async def test_a_replay_that_is_cancelled_ends_and_is_not_begun_again(world: World, sink: ObedientSink) -> None:
    await world.append(60)
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 60)
        asked = await world.cursors.request("obedient", 1, 60)

        async def cancel_it(entries: Sequence[Entry]) -> None:
            if entries[0].seq == 11:
                assert await world.cursors.cancel(asked.replay_id)

        sink.behave = cancel_it
        await over(world, asked)
        await world.append(1)
        await until(lambda: 61 in sink.seqs)
    assert max(seq for seq in sink.seqs[60:] if seq <= 60) == 20
    assert _stored(world, asked).cancelled
    assert not await world.cursors.cancel(asked.replay_id)


async def test_positions_that_the_journal_has_not_any_more_end_a_replay_in_order(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(30)
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 30)
        whole = world.journal.read

        async def read_what_is_left(after_seq: int, limit: int) -> Sequence[Entry]:
            return [entry for entry in await whole(after_seq, 30) if 11 <= entry.seq <= 25 or entry.seq > 30][:limit]

        monkeypatch.setattr(world.journal, "read", read_what_is_left)
        ended = await over(world, await world.cursors.request("obedient", 5, 30))
    assert sink.seqs[30:] == list(range(11, 26))
    assert ended.delivered_count == 15


async def test_stopping_does_not_wait_for_a_replay(world: World, sink: ObedientSink) -> None:
    await world.append(30)
    asked = await world.cursors.request("obedient", 1, 30)

    async def hang_in_the_replay(_: Sequence[Entry]) -> None:
        if _stored(world, asked).delivered_count:
            raise SinkUnavailable("not now")

    sink.behave = hang_in_the_replay
    follower = world.follower(sink)
    async with running(follower):
        await until(lambda: _stored(world, asked).last_error is not None)
        async with asyncio.timeout(5):
            await follower.stop(60.0)
    assert follower.state().phase is Phase.STOPPED
    assert _stored(world, asked).finished_at is None


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_fails_a_replay_brings_every_event_in_order_or_puts_it_aside(world: World, seed: int) -> None:
    await world.append(120)
    obedient = ObedientSink()
    async with running(world.follower(obedient)):
        await until(lambda: len(obedient.taken) == 120)
    chance = random.Random(seed)
    poison = set(chance.sample(range(20, 100), 3))
    sink = MischievousSink(chance, poison, world.cursors.lose)
    asked = await world.cursors.request("obedient", 10, 110)
    async with running(world.follower(sink, write_timeout_ms=5, tries_before_quarantine=2)):
        ended = await over(world, asked)
    seen = [seq for seq in first_seen(sink.seqs) if 10 <= seq <= 110]
    assert seen == sorted(seen)
    assert {*seen, *_aside(world)} >= set(range(10, 111))
    assert {seq for seq in _aside(world) if seq <= 120} == poison
    assert replace(ended, last_error=None) == ended
