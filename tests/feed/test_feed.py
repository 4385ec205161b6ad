"""The live feed: in order, once, with its own filter for each, and nobody loses anything without being told."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gatetrail.delivery.sink import Sink
from gatetrail.errors import DatabaseUnavailable, FeedFull, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.feed import (
    Broadcaster,
    Gap,
    GapReason,
    Heartbeat,
    Item,
    Subscription,
    open_feed,
)
from gatetrail.settings import StreamSettings
from gatetrail.testing import MemoryJournal
from tests.delivery.driving import World, until

pytestmark = pytest.mark.anyio

WITHIN_S = 20.0
QUICK = StreamSettings(gather_ms=0, page_events=7)


def everything(_entry: Entry) -> bool:
    return True


def even(entry: Entry) -> bool:
    return entry.seq % 2 == 0


class Journal(MemoryJournal):
    """A journal with holes, that can be set back, and whose reads take their time when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: set[int] = set()
        self.read_count = 0
        self.slow_reads = False

    async def read(self, after_seq: int, limit: int) -> Sequence[Entry]:
        self.read_count += 1
        if self.slow_reads:
            await asyncio.sleep(random.random() / 500)
        found = await super().read(after_seq, len(self._entries))
        return [entry for entry in found if entry.seq not in self.removed][:limit]

    def set_back(self, head_seq: int) -> None:
        del self._entries[head_seq:]


class Scene(World):
    """A journal and a feed on it that is driven by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: Journal = Journal()

    def feed(self, **over: object) -> Broadcaster:
        settings = QUICK.model_copy(update=over)
        return Broadcaster(self.journal, len(self.journal.events()), settings)

    async def grow(self, feed: Broadcaster, count: int) -> Sequence[Entry]:
        """Append and show."""
        before = await self.journal.head_seq()
        await self.append(count)
        entries = await self.journal.read(before, count)
        await feed.write(entries)
        return entries


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def take(subscription: Subscription, count: int) -> list[Item]:
    """The next items, heartbeats left out."""
    taken: list[Item] = []
    async with asyncio.timeout(WITHIN_S):
        while len(taken) < count:
            item = await anext(subscription)
            if not isinstance(item, Heartbeat):
                taken.append(item)
    return taken


async def rest(subscription: Subscription) -> list[Item]:
    """All items until the end."""
    async with asyncio.timeout(WITHIN_S):
        return [item async for item in subscription]


def seqs(items: Sequence[Item]) -> list[int]:
    assert all(isinstance(item, Entry) for item in items), items
    return [item.seq for item in items if isinstance(item, Entry)]


async def test_it_is_a_sink_and_only_a_closed_one_takes_nothing(scene: Scene) -> None:
    feed = scene.feed()
    sink: Sink = feed
    assert sink.name == "stream"
    await scene.grow(feed, 3)
    await sink.close()
    await sink.close()
    with pytest.raises(SinkUnavailable, match="closed"):
        await sink.write([])


async def test_every_subscriber_gets_the_journals_own_bytes_in_order(scene: Scene) -> None:
    feed = scene.feed()
    async with feed.subscribe("ann", None, everything) as first, feed.subscribe("bob", None, everything) as second:
        entries = await scene.grow(feed, 40)
        for subscription in (first, second):
            assert await take(subscription, 40) == list(entries)


async def test_entries_that_come_again_are_shown_once(scene: Scene) -> None:
    feed = scene.feed()
    async with feed.subscribe("ann", None, everything) as subscription:
        entries = await scene.grow(feed, 4)
        await feed.write(entries[1:])
        await scene.grow(feed, 1)
        assert seqs(await take(subscription, 5)) == [1, 2, 3, 4, 5]


async def test_a_filter_is_asked_for_live_and_for_old_events(scene: Scene) -> None:
    await scene.append(20)
    feed = scene.feed()
    async with feed.subscribe("ann", 3, even) as subscription:
        await scene.grow(feed, 10)
        assert seqs(await take(subscription, 14)) == list(range(4, 31, 2))


@pytest.mark.requirement("E3")
async def test_a_users_places_and_all_places_are_limited_and_counted(scene: Scene) -> None:
    feed = scene.feed(user_limit=2, total_limit=3, retry_after_s=9)
    async with AsyncExitStack() as stack:
        for user_id in ("ann", "ann", "bob"):
            await stack.enter_async_context(feed.subscribe(user_id, None, everything))
        for user_id, limit in (("ann", "user"), ("bob", "total")):
            with pytest.raises(FeedFull, match="event streams") as told:
                await feed.subscribe(user_id, None, everything).__aenter__()
            assert (told.value.limit, told.value.retry_after_s) == (limit, 9)
        state = feed.state()
        assert dict(state.connections_by_user) == {"ann": 2, "bob": 1}
        assert (state.connection_count, state.refused_count) == (3, 2)
    assert dict(feed.state().connections_by_user) == {}
    assert feed.state().connection_count == 0
    async with feed.subscribe("ann", None, everything):
        assert feed.state().connection_count == 1


@pytest.mark.requirement("E13")
@pytest.mark.parametrize("after_seq", [0, 1, 6, 7, 8, 29, 30])
async def test_it_resumes_behind_any_position(scene: Scene, after_seq: int) -> None:
    await scene.append(30)
    feed = scene.feed()
    async with feed.subscribe("ann", after_seq, everything) as subscription:
        assert seqs(await take(subscription, 30 - after_seq)) == list(range(after_seq + 1, 31))
        await scene.grow(feed, 2)
        assert seqs(await take(subscription, 2)) == [31, 32]


class Restless:
    """Comes back again and again, as a client with a bad line does, and remembers what it saw."""

    def __init__(self, chance: random.Random, after_seq: int, wanted: Callable[[Entry], bool]) -> None:
        self._chance = chance
        self._wanted = wanted
        self._position = self._after_seq = after_seq
        self._seen: list[int] = []

    async def read(self, feed: Broadcaster, last_seq: int) -> None:
        while self._position < last_seq:
            async with feed.subscribe("ann", self._position, self._wanted) as subscription:
                for _ in range(self._chance.randrange(1, 60)):
                    self._see(await anext(subscription))
                    if self._position >= last_seq:
                        break
                    await asyncio.sleep(self._chance.choice((0.0, 0.0, 0.001)))
        expected = range(self._after_seq + 1, last_seq + 1)
        assert self._seen == [seq for seq in expected if self._wanted(Entry(seq, "", b""))]

    def _see(self, item: Item) -> None:
        assert not isinstance(item, Gap)
        self._position = item.seq
        if isinstance(item, Entry):
            self._seen.append(item.seq)


@pytest.mark.requirement("E13")
@pytest.mark.parametrize("seed", range(8))
async def test_between_old_and_live_nothing_is_lost_and_nothing_comes_twice(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    scene.journal.slow_reads = True
    head_seq = chance.randrange(60)
    await scene.append(head_seq)
    readers = [Restless(chance, chance.randint(0, head_seq), wanted) for wanted in (everything, even) * 3]

    async def write() -> None:
        for _ in range(60):
            await scene.append(5)
            await asyncio.sleep(chance.choice((0.0, 0.001)))

    quick = QUICK.model_copy(update={"heartbeat_s": 0.01})
    async with asyncio.timeout(WITHIN_S), open_feed(scene.journal, quick) as feed, asyncio.TaskGroup() as group:
        group.create_task(write())
        for reader in readers:
            group.create_task(reader.read(feed, head_seq + 300))
    assert feed.state().connection_count == 0


@pytest.mark.requirement("E13")
async def test_a_slow_subscriber_is_told_exactly_what_it_missed_and_goes_on_live(scene: Scene) -> None:
    feed = scene.feed(queue_events=10)
    async with feed.subscribe("ann", None, everything) as subscription:
        await scene.grow(feed, 5)
        assert seqs(await take(subscription, 2)) == [1, 2]
        await scene.grow(feed, 20)
        assert await take(subscription, 1) == [Gap(3, 15, GapReason.SLOW)]
        await scene.grow(feed, 3)
        assert await take(subscription, 1) == [Gap(16, 18, GapReason.SLOW)]
        assert seqs(await take(subscription, 10)) == list(range(19, 29))
        await scene.grow(feed, 1)
        assert seqs(await take(subscription, 1)) == [29]
        assert feed.state().dropped_count == 16
    async with feed.subscribe("ann", 2, everything) as again:
        assert seqs(await take(again, 16)) == list(range(3, 19))


async def test_a_gap_begins_and_ends_with_events_that_were_wanted(scene: Scene) -> None:
    feed = scene.feed(queue_events=3)
    async with feed.subscribe("ann", None, even) as subscription:
        await scene.grow(feed, 13)
        assert await take(subscription, 1) == [Gap(2, 6, GapReason.SLOW)]
        assert seqs(await take(subscription, 3)) == [8, 10, 12]


async def test_who_takes_what_waits_in_one_go_is_told_of_the_gap_first(scene: Scene) -> None:
    feed = scene.feed(queue_events=3)
    async with feed.subscribe("ann", None, everything) as subscription:
        await scene.grow(feed, 5)
        first, *others = subscription.ready()
        assert first == Gap(1, 2, GapReason.SLOW)
        assert seqs(others) == [3, 4, 5]
        assert list(subscription.ready()) == []


@pytest.mark.requirement("E13")
async def test_what_retention_has_removed_is_told_when_it_is_asked_for(scene: Scene) -> None:
    await scene.append(30)
    scene.journal.removed = {*range(1, 12), 20, 29, 30}
    feed = scene.feed()
    async with feed.subscribe("ann", 4, everything) as subscription:
        items = await take(subscription, 19)
        assert items[0] == Gap(5, 11, GapReason.REMOVED)
        assert seqs(items[1:9]) == list(range(12, 20))
        assert items[9] == Gap(20, 20, GapReason.REMOVED)
        assert seqs(items[10:18]) == list(range(21, 29))
        assert items[18] == Gap(29, 30, GapReason.REMOVED)
        await scene.grow(feed, 1)
        assert seqs(await take(subscription, 1)) == [31]


async def test_a_position_beyond_the_journals_end_is_told(scene: Scene) -> None:
    await scene.append(5)
    feed = scene.feed()
    async with feed.subscribe("ann", 2**63 - 1, everything) as subscription:
        assert await take(subscription, 1) == [Gap(6, 2**63 - 1, GapReason.SET_BACK)]
        await scene.grow(feed, 2)
        assert seqs(await take(subscription, 2)) == [6, 7]


async def test_a_position_that_this_process_has_not_reached_yet_is_none_beyond_the_end(scene: Scene) -> None:
    feed = scene.feed()
    await scene.append(5)
    async with feed.subscribe("ann", 3, everything) as subscription:
        asking = asyncio.create_task(take(subscription, 2))
        await until(lambda: feed.state().live_count)
        await feed.write(await scene.journal.read(0, 10))
        assert seqs(await asking) == [4, 5]


async def test_a_feed_that_has_missed_something_reads_it_from_the_journal(scene: Scene) -> None:
    feed = scene.feed()
    async with feed.subscribe("ann", None, everything) as subscription:
        await scene.grow(feed, 2)
        await scene.append(20)
        scene.journal.removed = {9}
        await scene.grow(feed, 2)
        items = await take(subscription, 24)
        assert items[8] == Gap(9, 9, GapReason.REMOVED)
        assert seqs(items[:8] + items[9:]) == [*range(1, 9), *range(10, 25)]
        assert feed.state().live_count == 1


@pytest.mark.requirement("E3")
async def test_silence_brings_heartbeats_with_a_position_to_resume_behind(scene: Scene) -> None:
    feed = scene.feed(heartbeat_s=0.01)
    async with asyncio.timeout(WITHIN_S), feed.subscribe("ann", None, even) as subscription:
        assert await anext(subscription) == Heartbeat(0)
        await scene.grow(feed, 3)
        assert seqs([await anext(subscription)]) == [2]
        assert await anext(subscription) == Heartbeat(3)


async def test_a_long_search_without_a_find_brings_heartbeats_too(scene: Scene) -> None:
    await scene.append(3_000)
    scene.journal.slow_reads = True
    feed = scene.feed(heartbeat_s=0.02)
    async with asyncio.timeout(WITHIN_S), feed.subscribe("ann", 0, lambda entry: entry.seq == 3_000) as subscription:
        beat = await anext(subscription)
        assert isinstance(beat, Heartbeat)
        assert 0 < beat.seq < 3_000
        assert seqs(await take(subscription, 1)) == [3_000]


async def test_a_heartbeat_never_stands_before_an_event_that_waits(scene: Scene) -> None:
    feed = scene.feed(heartbeat_s=0.001)
    async with asyncio.timeout(WITHIN_S), feed.subscribe("ann", None, everything) as subscription:
        expected = 1
        for _ in range(200):
            asking = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(random.random() / 500)
            await scene.grow(feed, 1)
            item = await asking
            while isinstance(item, Heartbeat):
                assert item.seq < expected
                item = await anext(subscription)
            assert seqs([item]) == [expected]
            expected += 1


async def test_a_broken_filter_ends_its_own_stream_only(scene: Scene) -> None:
    def breaks(entry: Entry) -> bool:
        if entry.seq == 3:
            raise KeyError("tool_name")
        return True

    feed = scene.feed()
    async with feed.subscribe("eve", None, breaks) as broken, feed.subscribe("ann", None, everything) as whole:
        await scene.grow(feed, 5)
        assert seqs(await take(broken, 2)) == [1, 2]
        with pytest.raises(KeyError, match="tool_name"):
            await take(broken, 1)
        assert seqs(await take(whole, 5)) == [1, 2, 3, 4, 5]
    async with feed.subscribe("eve", 0, breaks) as broken:
        assert seqs(await take(broken, 2)) == [1, 2]
        with pytest.raises(KeyError, match="tool_name"):
            await take(broken, 1)
    assert feed.state().broken_count == 2
    assert feed.state().connection_count == 0


@pytest.mark.requirement("E3")
async def test_closing_ends_all_streams_after_what_waits(scene: Scene) -> None:
    feed = scene.feed()
    async with AsyncExitStack() as stack:
        waiting = await stack.enter_async_context(feed.subscribe("ann", None, everything))
        behind = await stack.enter_async_context(feed.subscribe("bob", None, everything))
        asking = asyncio.create_task(rest(waiting))
        await asyncio.sleep(0)
        await scene.grow(feed, 3)
        await feed.close()
        assert seqs(await asking) == seqs(await rest(behind)) == [1, 2, 3]
        late = await stack.enter_async_context(feed.subscribe("late", 0, everything))
        assert await rest(late) == []
    assert feed.state().connection_count == 0


@pytest.mark.requirement("E3")
async def test_a_reader_that_is_cancelled_anywhere_leaves_nothing_behind(scene: Scene) -> None:
    scene.journal.slow_reads = True
    await scene.append(50)
    feed = scene.feed(user_limit=1_000)

    async def listen(after_seq: int | None) -> None:
        async with feed.subscribe("ann", after_seq, everything) as subscription:
            async for _item in subscription:
                await asyncio.sleep(0)

    tasks_before = asyncio.all_tasks()
    listening = [asyncio.create_task(listen(None if index % 2 else index % 50)) for index in range(200)]
    for index in range(200):
        if index % 5 == 0:
            await scene.grow(feed, 1)
        listening[index].cancel()
    await asyncio.wait(listening)
    assert feed.state().connection_count == 0
    assert asyncio.all_tasks() == tasks_before
    listening.clear()
    gc.collect()
    assert not [found for found in gc.get_objects() if isinstance(found, Subscription)]


async def test_a_subscriber_that_never_reads_holds_nobody_up_and_its_queue_stays_short(scene: Scene) -> None:
    feed = scene.feed(queue_events=20)
    async with feed.subscribe("eve", None, everything) as hung, feed.subscribe("ann", None, everything) as well:
        for _ in range(100):
            entries = await scene.grow(feed, 10)
            assert await take(well, 10) == list(entries)
        assert await take(hung, 1) == [Gap(1, 980, GapReason.SLOW)]


async def test_many_filters_let_others_have_their_turn(scene: Scene) -> None:
    feed = scene.feed(user_limit=1_000)
    async with AsyncExitStack() as stack:
        for _ in range(1_000):
            await stack.enter_async_context(feed.subscribe("ann", None, lambda _entry: False))
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(other())
        await scene.grow(feed, 100)
        counting.cancel()
        assert turns >= 40


@asynccontextmanager
async def following(scene: Scene) -> AsyncGenerator[tuple[Broadcaster, Subscription]]:
    async with (
        asyncio.timeout(WITHIN_S),
        open_feed(scene.journal, QUICK) as feed,
        feed.subscribe("ann", None, everything) as subscription,
    ):
        yield feed, subscription


async def test_a_feed_begins_at_the_head_and_follows_it(scene: Scene) -> None:
    await scene.append(1_200)
    async with following(scene) as (feed, subscription):
        assert feed.live_seq == 1_200
        await scene.append(2)
        assert seqs(await take(subscription, 2)) == [1_201, 1_202]
        tasks = {task.get_name() for task in asyncio.all_tasks()}
        assert "gatetrail feed" in tasks
    assert "gatetrail feed" not in {task.get_name() for task in asyncio.all_tasks()}


@pytest.mark.requirement("E13")
async def test_while_the_database_is_away_nothing_is_lost(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatetrail.feed.tail.RETRY_S", 0.005)
    monkeypatch.setattr("gatetrail.feed.subscription.JOURNAL_PAUSE_S", 0.005)
    await scene.append(5)
    async with following(scene) as (feed, live), feed.subscribe("bob", 0, everything) as resuming:
        scene.journal.away = True
        asking = asyncio.create_task(take(resuming, 8))
        await asyncio.sleep(0.03)
        scene.journal.away = False
        await scene.append(3)
        assert seqs(await take(live, 3)) == [6, 7, 8]
        assert seqs(await asking) == list(range(1, 9))


async def test_no_feed_without_a_journal(scene: Scene) -> None:
    scene.journal.away = True
    with pytest.raises(DatabaseUnavailable):
        async with open_feed(scene.journal):
            pass


async def test_a_journal_that_was_set_back_ends_the_streams_and_who_comes_back_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail.feed.tail.RETRY_S", 0.005)
    await scene.append(20)
    async with following(scene) as (feed, live):
        scene.journal.away = True
        await asyncio.sleep(0.03)
        scene.journal.set_back(12)
        scene.journal.away = False
        assert await rest(live) == []
        async with feed.subscribe("ann", 20, everything) as again:
            assert await take(again, 1) == [Gap(13, 20, GapReason.SET_BACK)]
            await scene.append(1)
            assert seqs(await take(again, 1)) == [13]
