"""The follower's promises: every event, in order, at least once, whatever sink and database do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from gatetrail.clock import rfc3339
from gatetrail.delivery.follower import Phase
from gatetrail.delivery.sink import Since, Start
from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditGap, AuditSinkFailed
from tests.delivery.driving import MischievousSink, ObedientSink, World, first_seen, running, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sink() -> ObedientSink:
    return ObedientSink()


async def test_what_was_recorded_before_and_while_it_runs_arrives_in_order(world: World, sink: ObedientSink) -> None:
    await world.append(35)
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 35)
        await world.append(7)
        await until(lambda: len(sink.taken) == 42)
    assert sink.seqs == list(range(1, 43))
    assert await world.cursor_seq() == 42


async def test_a_sink_that_begins_now_gets_only_what_comes_after_its_first_start(
    world: World, sink: ObedientSink
) -> None:
    await world.append(5)
    follower = world.follower(sink, start=Start.NOW)
    async with running(follower):
        await until(lambda: follower.state().phase is Phase.FOLLOWING)
        await world.append(2)
        await until(lambda: len(sink.taken) == 2)
    await world.append(3)
    again = ObedientSink()
    async with running(world.follower(again, start=Start.NOW)):
        await until(lambda: len(again.taken) == 3)
    assert (sink.seqs, again.seqs) == ([6, 7], [8, 9, 10])


@pytest.mark.requirement("E10")
async def test_a_sink_that_begins_at_a_time_gets_what_was_recorded_from_then_on(
    world: World, sink: ObedientSink
) -> None:
    await world.append(5)
    world.clock.advance(60)
    moment = rfc3339(world.clock.now_us())
    await world.append(4)
    async with running(world.follower(sink, start=Since(moment))):
        await until(lambda: len(sink.taken) == 4)
    assert sink.seqs == [6, 7, 8, 9]


async def test_the_cursor_moves_only_after_the_sink_has_acknowledged(world: World, sink: ObedientSink) -> None:
    acknowledge = asyncio.Event()

    async def wait(_: Sequence[Entry]) -> None:
        await acknowledge.wait()

    sink.behave = wait
    await world.append(4)
    async with running(world.follower(sink)):
        await until(lambda: sink.tries)
        assert await world.cursor_seq() == 0
        acknowledge.set()
        await until(lambda: sink.taken)
    assert await world.cursor_seq() == 4


async def test_no_write_is_larger_than_the_limits_of_events_and_bytes(world: World, sink: ObedientSink) -> None:
    await world.append(40)
    line_bytes = len((await world.journal.read(0, 1))[0].line)
    async with running(world.follower(sink, batch_events=10, batch_bytes=line_bytes * 4)):
        await until(lambda: len(sink.taken) == 40)
    assert max(map(len, sink.tries)) <= 4
    by_bytes, sink.tries = sink.tries, []
    assert len(by_bytes) >= 10


async def test_one_event_above_the_byte_limit_goes_alone(world: World, sink: ObedientSink) -> None:
    await world.append(3)
    async with running(world.follower(sink, batch_bytes=10)):
        await until(lambda: len(sink.taken) == 3)
    assert sink.tries == [[1], [2], [3]]


async def test_a_failing_sink_gets_the_same_batch_again_and_is_told_once_with_its_recovery(
    world: World, sink: ObedientSink
) -> None:
    async def fail(_: Sequence[Entry]) -> None:
        raise SinkUnavailable("nobody listens")

    sink.behave = fail
    await world.append(3)
    follower = world.follower(sink)
    async with running(follower):
        await until(lambda: len(sink.tries) >= 5)
        state = follower.state()
        assert (state.phase, state.last_error) == (Phase.FAILING, "nobody listens")
        assert state.failing_since is not None
        assert (await world.cursors.states())[0].last_error == "nobody listens"
        assert world.told("audit.sink_failed") == 1
        sink.behave = None
        await until(lambda: len(first_seen(sink.seqs)) == 5)
        assert follower.state().phase is Phase.FOLLOWING
        assert follower.state().failing_since is None
    assert all(batch == [1, 2, 3] for batch in sink.tries[:5])
    assert [entry.event_name for entry in sink.taken[3:]] == ["audit.sink_failed", "audit.sink_recovered"]
    assert (await world.cursors.states())[0].last_error is None


async def test_a_failure_is_told_whatever_characters_are_in_its_reason(world: World, sink: ObedientSink) -> None:
    async def fail(_: Sequence[Entry]) -> None:
        raise SinkUnavailable("no \x1b such \x00 file \udcff")

    sink.behave = fail
    await world.append(1)
    async with running(world.follower(sink)):
        await until(lambda: world.told("audit.sink_failed") == 1)
        sink.behave = None
        await until(lambda: world.told("audit.sink_recovered") == 1)


async def test_a_flapping_sink_does_not_flood_the_journal(world: World, sink: ObedientSink) -> None:
    async def fail_every_other_time(_: Sequence[Entry]) -> None:
        if len(sink.tries) % 2:
            raise SinkUnavailable("flapping")

    sink.behave = fail_every_other_time
    async with running(world.follower(sink)):
        for _ in range(30):
            await world.append(1)
            await until(lambda: sink.taken and sink.taken[-1].seq >= len(world.journal.events()))
        assert (world.told("audit.sink_failed"), world.told("audit.sink_recovered")) == (1, 1)
        world.clock.advance(61)
        await world.append(1)
        await until(lambda: world.told("audit.sink_recovered") == 2)
    assert world.told("audit.sink_failed") == 2
    assert sink.seqs == list(range(1, len(sink.seqs) + 1))


@pytest.mark.requirement("E10")
async def test_a_failure_is_told_once_and_its_end_by_whoever_drives_the_sink_then(
    world: World, sink: ObedientSink
) -> None:
    async def fail(_: Sequence[Entry]) -> None:
        raise SinkUnavailable("nobody listens")

    sink.behave = fail
    await world.append(3)
    async with running(world.follower(sink)):
        await until(lambda: world.told("audit.sink_failed") == 1)
    second = ObedientSink()
    second.behave = fail
    async with running(world.follower(second, cursors=world.cursors.another())):
        await until(lambda: len(second.tries) >= 3)
    assert (world.told("audit.sink_failed"), world.told("audit.sink_recovered")) == (1, 0)
    third = ObedientSink()
    async with running(world.follower(third, cursors=world.cursors.another())):
        await until(lambda: world.told("audit.sink_recovered") == 1)
    assert world.told("audit.sink_failed") == 1
    assert not (await world.cursors.states())[0].failure_told


async def test_the_next_batch_is_read_while_one_is_on_its_way(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = asyncio.Event()
    asked: list[int] = []
    read = world.journal.read

    async def watched(after_seq: int, limit: int) -> Sequence[Entry]:
        if limit == 10:  # so many go into a write
            asked.append(after_seq)
        return await read(after_seq, limit)

    async def hold(_: Sequence[Entry]) -> None:
        await let_go.wait()

    sink.behave = hold
    await world.append(25)
    monkeypatch.setattr(world.journal, "read", watched)
    async with running(world.follower(sink)):
        await until(lambda: asked == [0, 10])
        assert (sink.tries, sink.taken) == ([list(range(1, 11))], [])
        let_go.set()
        await until(lambda: len(sink.taken) == 25)
    assert asked[:3] == [0, 10, 20]
    assert sink.seqs == list(range(1, 26))


async def test_a_sink_that_is_too_slow_for_whole_batches_gets_smaller_ones(world: World, sink: ObedientSink) -> None:
    async def be_too_slow_for_more_than_three(entries: Sequence[Entry]) -> None:
        if len(entries) > 3:
            raise SinkUnavailable("no acknowledgement in time") from TimeoutError()

    sink.behave = be_too_slow_for_more_than_three
    await world.append(30)
    async with running(world.follower(sink)):
        await until(lambda: await_all(sink, 30))
    assert first_seen(sink.seqs)[:30] == list(range(1, 31))
    assert [len(batch) for batch in sink.tries[:5]] == [10, 10, 10, 5, 2]
    assert "obedient" not in world.cursors.quarantine_of


async def test_what_was_known_of_an_entry_and_a_failure_ends_with_the_ownership(
    world: World, sink: ObedientSink
) -> None:
    async def refuse(entries: Sequence[Entry]) -> None:
        raise EventRefused(entries[0].seq, "no")

    async def fail_alike(_: Sequence[Entry]) -> None:
        raise SinkUnavailable("no")

    await world.append(3)
    sink.behave = refuse
    follower, elsewhere = world.follower(sink, tries_before_quarantine=1_000), world.cursors.another()
    async with running(follower):
        await until(lambda: len(sink.tries) >= 3)
        world.cursors.lose()
        while await elsewhere.acquire("obedient", Start.BEGINNING) is None:
            world.cursors.lose()
        await elsewhere.advance("obedient", 2, 2)
        await until(lambda: follower.state().phase is Phase.STANDBY)
        sink.behave = fail_alike
        await elsewhere.release("obedient")
        await until(lambda: sink.tries[-1] == [3])
        await until(lambda: follower.state().failing_since)
        assert (await world.cursors.states())[0].last_error == "no"


async def test_a_hanging_sink_is_cut_off_and_tried_again(world: World, sink: ObedientSink) -> None:
    async def hang_twice(_: Sequence[Entry]) -> None:
        if len(sink.tries) <= 2:
            await asyncio.Event().wait()

    sink.behave = hang_twice
    await world.append(3)
    async with running(world.follower(sink, write_timeout_ms=20)):
        await until(lambda: len(sink.taken) >= 3)
    assert sink.tries[:3] == [[1, 2, 3]] * 3
    failed = world.journal.events("audit.sink_failed")[0]
    assert isinstance(failed, AuditSinkFailed)
    assert failed.reason == "did not acknowledge 3 events within 0.02 s"


async def test_a_sink_that_does_not_let_itself_be_cut_off_is_never_called_twice_at_once(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.delivery.courier.CANCEL_LIMIT_S", 0.02)
    come_back = asyncio.Event()

    async def ignore_the_cut(_: Sequence[Entry]) -> None:
        while not come_back.is_set():
            try:
                await come_back.wait()
            except asyncio.CancelledError:
                continue

    sink.behave = ignore_the_cut
    await world.append(3)
    follower = world.follower(sink, write_timeout_ms=20)
    async with running(follower):
        await until(lambda: follower.state().last_error == "still hangs in a write that was cut off")
        assert len(sink.tries) == 1
        come_back.set()
        await until(lambda: await_all(sink, 3))
    assert sink.most_calls_at_once == 1


def await_all(sink: ObedientSink, count: int) -> bool:
    return len(first_seen(sink.seqs)) >= count


async def test_a_refused_event_is_tried_alone_then_put_aside_and_later_ones_flow(
    world: World, sink: ObedientSink
) -> None:
    async def refuse_the_fourth(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.seq == 4:
                raise EventRefused(4, "too strange")
            sink.taken.append(entry)

    sink.behave = refuse_the_fourth
    await world.append(8)
    follower = world.follower(sink, tries_before_quarantine=3)
    async with running(follower):
        await until(lambda: await_all(sink, 8))
    assert [batch for batch in sink.tries if 4 in batch] == [list(range(1, 9)), [4], [4]]
    assert first_seen(sink.seqs) == [1, 2, 3, 5, 6, 7, 8, 9]
    put_aside = world.cursors.quarantine_of["obedient"]
    assert [(entry.seq, reason) for entry, reason in put_aside] == [(4, "too strange")]
    told = world.journal.events("audit.sink_failed")
    assert [event.quarantined_seq for event in told if isinstance(event, AuditSinkFailed)] == [4]
    assert follower.state().quarantined_count == 1
    assert (await world.cursors.states())[0].quarantined_count == 1


async def test_an_event_that_breaks_the_sink_is_singled_out_from_a_large_batch(
    world: World, sink: ObedientSink
) -> None:
    async def break_at_seven_hundred(entries: Sequence[Entry]) -> None:
        if any(entry.seq == 700 for entry in entries):
            raise ZeroDivisionError("a bug")

    sink.behave = break_at_seven_hundred
    await world.append(1000)
    async with running(world.follower(sink, batch_events=1000, batch_bytes=10_000_000)):
        await until(lambda: await_all(sink, 999))
        await until(lambda: world.told("audit.sink_recovered") == 1)
    assert [entry.seq for entry, _ in world.cursors.quarantine_of["obedient"]] == [700]
    assert first_seen(sink.seqs)[:999] == [seq for seq in range(1, 1001) if seq != 700]
    assert len(sink.tries) < 60


async def test_a_sink_that_is_away_and_says_so_in_the_wrong_way_keeps_its_backlog(
    world: World, sink: ObedientSink
) -> None:
    async def break_always(_: Sequence[Entry]) -> None:
        raise RuntimeError("not connected")

    sink.behave = break_always
    await world.append(100)
    async with running(world.follower(sink, retry_initial_ms=0, retry_max_ms=0)):
        await until(lambda: len(sink.tries) >= 300)
        sink.behave = None
        await until(lambda: sink.taken and sink.taken[-1].seq >= 100)
    put_aside = [entry.seq for entry, _ in world.cursors.quarantine_of["obedient"]]
    assert len(put_aside) <= 6
    assert sorted({*put_aside, *sink.seqs}) == list(range(1, len({*put_aside, *sink.seqs}) + 1))


async def test_a_sink_that_refuses_everything_ends_and_does_not_feed_itself(world: World, sink: ObedientSink) -> None:
    async def refuse(entries: Sequence[Entry]) -> None:
        raise EventRefused(entries[0].seq, "no")

    sink.behave = refuse
    await world.append(100)
    follower = world.follower(sink, tries_before_quarantine=1)
    async with running(follower):
        await until(lambda: follower.state().quarantined_count >= 120)
    assert follower.state().quarantined_count == 120
    assert len(world.journal.events()) == 120


async def test_that_a_report_was_refused_is_not_reported(world: World, sink: ObedientSink) -> None:
    async def refuse(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.seq == 1 or entry.event_name == "audit.sink_failed":
                raise EventRefused(entry.seq, "no")

    sink.behave = refuse
    await world.append(2)
    follower = world.follower(sink, tries_before_quarantine=1)
    async with running(follower):
        await until(lambda: follower.state().quarantined_count == 2)
        await world.append(1)
        await until(lambda: follower.state().cursor_seq == 4)
    assert len(world.journal.events()) == 4


async def test_a_refusal_of_an_event_that_was_not_sent_is_a_bug_of_the_sink(world: World, sink: ObedientSink) -> None:
    async def refuse_another(_: Sequence[Entry]) -> None:
        if len(sink.tries) == 1:
            raise EventRefused(99, "what?")

    sink.behave = refuse_another
    await world.append(2)
    async with running(world.follower(sink)):
        await until(lambda: await_all(sink, 2))
    assert sink.seqs[:2] == [1, 2]
    assert not world.cursors.quarantine_of


async def test_it_waits_for_a_database_that_is_away_and_goes_on(world: World, sink: ObedientSink) -> None:
    await world.append(3)
    world.journal.away = world.cursors.away = True
    follower = world.follower(sink)
    async with running(follower):
        await until(lambda: follower.state().phase is Phase.DATABASE_AWAY)
        world.cursors.away = False
        await asyncio.sleep(0)
        world.journal.away = False
        await until(lambda: len(sink.taken) == 3)
        world.journal.away = True
        await until(lambda: follower.state().phase is Phase.DATABASE_AWAY)
        world.journal.away = False
        await world.append(2)
        await until(lambda: len(sink.taken) == 5)
        assert follower.state().last_error is None
    assert sink.seqs == [1, 2, 3, 4, 5]


async def test_an_acknowledgement_that_cannot_be_stored_brings_the_batch_again(
    world: World, sink: ObedientSink
) -> None:
    async def lose_the_cursors(_: Sequence[Entry]) -> None:
        world.cursors.away = len(sink.tries) == 1

    sink.behave = lose_the_cursors
    await world.append(3)
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 3)
        world.cursors.away = False
        await until(lambda: len(sink.taken) == 6)
    assert sink.seqs == [1, 2, 3, 1, 2, 3]
    assert await world.cursor_seq() == 3


async def test_a_sink_has_one_driver_and_the_next_takes_over_where_it_was(world: World, sink: ObedientSink) -> None:
    other_sink = ObedientSink()
    await world.append(3)
    first, second = world.follower(sink), world.follower(other_sink, cursors=world.cursors.another())
    async with running(second):
        async with running(first):
            await until(lambda: len(sink.taken) + len(other_sink.taken) == 3)
            standby = [one for one in (first, second) if one.state().phase is Phase.STANDBY]
            await until(lambda: standby or any(one.state().phase is Phase.STANDBY for one in (first, second)))
        await world.append(2)
        await until(lambda: len(sink.taken) + len(other_sink.taken) == 5)
    assert sink.seqs + other_sink.seqs == [1, 2, 3, 4, 5]


async def test_one_who_lost_the_ownership_in_the_middle_of_a_write_moves_nothing_any_more(
    world: World, sink: ObedientSink
) -> None:
    let_go = asyncio.Event()

    async def hold(_: Sequence[Entry]) -> None:
        await let_go.wait()

    sink.behave = hold
    await world.append(5)
    other = ObedientSink()
    async with running(world.follower(sink)):
        await until(lambda: sink.tries)
        world.cursors.lose()
        async with running(world.follower(other, cursors=world.cursors.another())):
            await until(lambda: len(other.taken) == 5)
            await world.append(5)
            await until(lambda: len(other.taken) == 10)
            let_go.set()
            await until(lambda: len(sink.taken) == 5)
            assert await world.cursor_seq() == 10
        await world.append(1)
        await until(lambda: len(sink.taken) == 6)
    assert (sink.seqs, other.seqs) == ([1, 2, 3, 4, 5, 11], list(range(1, 11)))


async def test_stopping_delivers_all_that_is_recorded_by_then_and_lets_go(world: World, sink: ObedientSink) -> None:
    await world.append(95)
    follower = world.follower(sink)
    task = asyncio.create_task(follower.run())
    await asyncio.sleep(0)
    await follower.stop(10.0)
    assert sink.seqs == list(range(1, 96))
    await asyncio.wait_for(task, 1)
    assert sink.closed
    assert follower.state().phase is Phase.STOPPED
    assert await world.cursors.another().acquire("obedient", Start.BEGINNING) == 95


async def test_stopping_does_not_wait_for_what_comes_later(world: World, sink: ObedientSink) -> None:
    async def record_one_more(_: Sequence[Entry]) -> None:
        await world.append(1)

    sink.behave = record_one_more
    await world.append(5)
    follower = world.follower(sink)
    async with running(follower):
        await until(lambda: len(sink.taken) > 50)
        async with asyncio.timeout(5):
            await follower.stop(60.0)
    assert len(world.journal.events()) > len(sink.taken)


async def test_stopping_does_not_wait_for_a_sink_that_fails(world: World, sink: ObedientSink) -> None:
    async def fail(_: Sequence[Entry]) -> None:
        raise SinkUnavailable("nobody listens")

    sink.behave = fail
    await world.append(5)
    follower = world.follower(sink, retry_initial_ms=60_000, retry_max_ms=60_000)
    async with running(follower):
        await until(lambda: follower.state().phase is Phase.FAILING)
        async with asyncio.timeout(5):
            await follower.stop(60.0)
    assert len(sink.tries) == 2
    assert sink.closed


async def test_stopping_ends_soon_after_its_deadline_though_everything_hangs(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.delivery.follower.LET_GO_LIMIT_S", 0.02)
    for_ever = asyncio.Event()

    async def ignore_the_cut(_: Sequence[Entry]) -> None:
        while not for_ever.is_set():
            try:
                await for_ever.wait()
            except asyncio.CancelledError:
                continue

    async def hang(_: object = None) -> None:
        await for_ever.wait()

    sink.behave = ignore_the_cut
    monkeypatch.setattr(sink, "close", hang)
    monkeypatch.setattr(world.cursors, "release", hang)
    await world.append(1)
    follower = world.follower(sink)
    task = asyncio.create_task(follower.run())
    await until(lambda: sink.tries)
    async with asyncio.timeout(2):
        await follower.stop(0.02)
        await task
    assert follower.state().phase is Phase.STOPPED
    for_ever.set()
    await until(lambda: sink.calls_at_once == 0)


async def test_cancelling_it_gives_the_sink_back_and_what_was_under_way_comes_again(
    world: World, sink: ObedientSink
) -> None:
    async def hang(_: Sequence[Entry]) -> None:
        await asyncio.Event().wait()

    sink.behave = hang
    await world.append(2)
    task = asyncio.create_task(world.follower(sink).run())
    await until(lambda: sink.tries)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.closed
    again = ObedientSink()
    async with running(world.follower(again)):
        await until(lambda: len(again.taken) == 2)


async def test_a_hole_in_the_journal_is_told_before_it_is_passed(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(20)
    whole = world.journal.read

    async def read_with_holes(after_seq: int, limit: int) -> Sequence[Entry]:
        entries = await whole(after_seq, limit + 15)
        return [entry for entry in entries if entry.seq not in {1, 2, 12, 13, 14}][:limit]

    monkeypatch.setattr(world.journal, "read", read_with_holes)
    monkeypatch.setattr("gatetrail.delivery.backlog.LOOK_AGAIN_AFTER_S", (0.0, 0.0))
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 17)
    gaps = [event for event in world.journal.events("audit.gap") if isinstance(event, AuditGap)]
    assert [(gap.first_missing_seq, gap.last_missing_seq) for gap in gaps] == [(1, 2), (12, 14)]
    assert sink.seqs == [seq for seq in range(3, 23) if seq not in {12, 13, 14}]


async def test_rows_that_are_missing_at_the_end_of_the_journal_are_told_too(
    world: World, sink: ObedientSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.append(4)
    whole = world.journal.read

    async def read_without_end(after_seq: int, limit: int) -> Sequence[Entry]:
        return [entry for entry in await whole(after_seq, limit) if entry.seq not in {3, 4}]

    monkeypatch.setattr(world.journal, "read", read_without_end)
    monkeypatch.setattr("gatetrail.delivery.backlog.LOOK_AGAIN_AFTER_S", (0.0, 0.0))
    async with running(world.follower(sink)):
        await until(lambda: world.told("audit.gap") == 1)
        await until(lambda: len(sink.taken) == 3)
    assert sink.seqs == [1, 2, 5]


async def test_a_journal_that_was_set_back_is_told_and_followed_from_its_end(world: World, sink: ObedientSink) -> None:
    await world.append(3)
    await world.cursors.acquire("obedient", Start.BEGINNING)
    await world.cursors.advance("obedient", 8, 8)
    await world.cursors.release("obedient")
    async with running(world.follower(sink)):
        await until(lambda: len(sink.taken) == 1)
        await world.append(1)
        await until(lambda: len(sink.taken) == 2)
    gap = world.journal.events("audit.gap")[0]
    assert isinstance(gap, AuditGap)
    assert (gap.first_missing_seq, gap.last_missing_seq) == (4, 8)
    assert sink.seqs == [4, 5]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_fails_every_event_arrives_in_order_or_stands_in_quarantine(world: World, seed: int) -> None:
    chance = random.Random(seed)
    poison = set(chance.sample(range(1, 200), 3))

    sink = MischievousSink(chance, poison, world.cursors.lose)
    follower = world.follower(sink, write_timeout_ms=5, tries_before_quarantine=2)
    async with running(follower):
        for _ in range(20):
            await world.append(10)
            await asyncio.sleep(0)
        await until(lambda: follower.state().cursor_seq >= 200)
    put_aside = {entry.seq for entry, _ in world.cursors.quarantine_of["obedient"]}
    seen = first_seen(sink.seqs)
    assert put_aside == poison
    assert seen == sorted(seen)
    assert {*seen, *put_aside} >= set(range(1, 201))
