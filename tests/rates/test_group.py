"""Calls are asked in groups, and no call waits longer than its limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from gatetrail.clock import SystemClock
from gatetrail.errors import RateStoreUnavailable
from gatetrail.limits import Limit, Taking
from gatetrail.rates import Grouped, GroupSettings, LocalRates, SharedRates, shared

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B9")]

WANTED = [Taking("ann", Limit(10.0, 10.0))]


class Connection:
    """`Ask` that answers, hangs or fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.is_asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()
        self.fails = False
        self.dropped = 0
        self._hanging: asyncio.Future[None] | None = None

    async def ask(self, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
        self.asked.append(len(calls))
        self.is_asked.set()
        if self.fails:
            raise RateStoreUnavailable("it is gone")
        dropped = self.dropped
        while not self.answers.is_set():
            if self.dropped > dropped:
                raise RateStoreUnavailable("it was dropped")
            await asyncio.sleep(0.001)
        return [0] * len(calls)

    def drop(self) -> None:
        self.dropped += 1


@asynccontextmanager
async def grouped(connection: Connection, limit_ms: int = 100) -> AsyncGenerator[Grouped]:
    group = Grouped(connection, GroupSettings(limit_ms=limit_ms))
    group.start()
    try:
        yield group
    finally:
        await group.stop()


async def test_what_comes_while_one_question_is_under_way_is_one_question() -> None:
    connection = Connection()
    connection.answers.clear()
    async with grouped(connection, 10_000) as group:
        first = group.take(WANTED)
        await connection.is_asked.wait()
        others = [group.take(WANTED) for _ in range(300)]
        connection.answers.set()
        assert await asyncio.wait_for(asyncio.gather(first, *others), 10) == [0] * 301
    assert connection.asked == [1, 128, 128, 44]


async def test_a_store_that_hangs_costs_all_who_wait_one_limit() -> None:
    connection = Connection()
    connection.answers.clear()
    loop = asyncio.get_running_loop()
    async with grouped(connection, 500) as group:
        began_s = loop.time()
        answers = await asyncio.gather(*(group.take(WANTED) for _ in range(400)), return_exceptions=True)
        took_s = loop.time() - began_s
    assert all(isinstance(answer, RateStoreUnavailable) for answer in answers)
    assert 0.5 <= took_s < 1.5, "four questions would take two seconds"
    assert len(connection.asked) == 1
    assert connection.dropped >= 1


async def test_who_waits_at_the_end_is_told() -> None:
    connection = Connection()
    connection.answers.clear()
    async with grouped(connection, 10_000) as group:
        waiting = [group.take(WANTED) for _ in range(3)]
        await connection.is_asked.wait()
    assert all(isinstance(one.exception(), RateStoreUnavailable) for one in waiting)


async def test_an_answer_that_makes_no_sense_fails_who_asked_and_nobody_after(caplog: pytest.LogCaptureFixture) -> None:
    class Mad(Connection):
        async def ask(self, calls: Sequence[Sequence[Taking]]) -> Sequence[int]:
            answers = await super().ask(calls)
            return [] if len(self.asked) == 1 else answers

    connection = Mad()
    async with grouped(connection, 5_000) as group:
        with pytest.raises(RateStoreUnavailable, match="ValueError"):
            await asyncio.wait_for(group.take(WANTED), 10)
        assert await asyncio.wait_for(group.take(WANTED), 10) == 0
    assert connection.dropped >= 1
    assert "answered what nobody understands" in caplog.text


async def test_who_comes_after_the_end_is_told_at_once() -> None:
    async with grouped(Connection(), 60_000) as group:
        pass
    with pytest.raises(RateStoreUnavailable, match="closed"):
        await asyncio.wait_for(group.take(WANTED), 5)


class Store:
    """`RateStore` that is there or not."""

    name = "test"

    def __init__(self) -> None:
        self.away = False
        self.is_mad = False
        self.takes = 0
        self.recoveries = 0

    async def take(self, wanted: Sequence[Taking]) -> int:
        self.takes += len(wanted)
        await asyncio.sleep(0)
        if self.away:
            raise RateStoreUnavailable("it is gone")
        return 0

    async def recover(self) -> None:
        self.recoveries += 1
        if self.is_mad:
            self.is_mad = False
            raise ValueError("what nobody has thought of")
        if self.away:
            raise RateStoreUnavailable("it is still gone")


class Notes:
    """`RateReport` and `RateObserver`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.recovered_again = asyncio.Event()

    async def failed(self, store: str, reason: str) -> None:
        self.told.append(f"{store} failed: {reason}")

    async def recovered(self, store: str, reason: str) -> None:
        self.told.append(f"{store} recovered from: {reason}")
        self.recovered_again.set()

    def taken(self, wait_ms: int, took_s: float) -> None: ...

    def away(self) -> None: ...


async def test_one_failure_ends_the_asking_until_a_probe_has_succeeded() -> None:
    store, notes = Store(), Notes()
    rates = SharedRates(store, LocalRates(2), notes, notes, SystemClock())
    await rates.start()
    assert await rates.take(WANTED) == 0
    store.away = True
    answers = await asyncio.gather(*(rates.take(WANTED) for _ in range(20)))
    assert answers.count(0) == 5, "half of the bucket of ten"
    asked = store.takes
    assert await rates.take(WANTED)
    assert store.takes == asked
    assert rates.away == "it is gone"
    store.away = False
    await asyncio.wait_for(notes.recovered_again.wait(), 10)
    assert rates.away is None
    assert await rates.take(WANTED) == 0
    assert notes.told == ["test failed: it is gone", "test recovered from: it is gone"]
    await rates.close()


async def test_probing_goes_on_whatever_a_probe_ends_with(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared, "PROBE_FIRST_S", 0.01)
    store, notes = Store(), Notes()
    rates = SharedRates(store, LocalRates(2), notes, notes, SystemClock())
    await rates.start()
    store.away = store.is_mad = True
    await rates.take(WANTED)
    store.away = False
    await asyncio.wait_for(notes.recovered_again.wait(), 10)
    assert "could not be probed" in caplog.text
    await rates.close()


async def test_nothing_passes_where_the_settings_say_so() -> None:
    store, notes = Store(), Notes()
    store.away = True
    rates = SharedRates(store, None, notes, notes, SystemClock())
    await rates.start()
    assert rates.denies_while_away
    assert await rates.take(WANTED) is None
    assert store.takes == 0
    await rates.close()


def test_all_processes_together_let_no_more_through_than_the_limit() -> None:
    limit = Limit(7.0, 21.0)
    processes = [LocalRates(4) for _ in range(4)]
    passed, now_s = 0, 0.0
    for number in range(4_000):
        now_s = number * 0.005
        passed += sum(one.take([Taking("ann", limit)], now_s) == 0 for one in processes)
    assert passed <= limit.capacity + limit.rate_per_s * now_s


def test_a_call_of_several_buckets_takes_of_all_or_of_none() -> None:
    local = LocalRates(1, max_keys=4)
    server = Taking("server", Limit(1.0, 1.0))
    assert local.take([server], 0.0) == 0
    for number in range(3):
        caller = Taking(f"caller-{number}", Limit(1.0, 1.0))
        assert local.take([caller, server], 0.0) == 1000
        assert local.take([caller], 0.0) == 0
