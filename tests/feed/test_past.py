"""Who resumes gets the same, whether the journal is read page by page or the database picks out what is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.journal import Entry
from gatetrail.feed import Broadcaster, Gap, GapReason, Item
from gatetrail.settings import StreamSettings
from tests.delivery.driving import until

pytestmark = pytest.mark.anyio

WITHIN_S = 20.0
SETTINGS = StreamSettings(gather_ms=0, page_events=3)
Wanted = Callable[[Entry], bool]


class Holed:
    """A journal of so many positions, of which some are missing."""

    def __init__(self, head_seq: int, missing: frozenset[int]) -> None:
        self.there = [Entry(seq, "", b"") for seq in range(1, head_seq + 1) if seq not in missing]
        self.pages = 0

    async def append(self, event: object) -> int:
        raise NotImplementedError(event)

    async def read(self, after_seq: int, limit: int) -> Sequence[Entry]:
        self.pages += 1
        return [entry for entry in self.there if entry.seq > after_seq][:limit]

    async def head_seq(self) -> int:
        return self.there[-1].seq if self.there else 0

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        raise NotImplementedError(seq, timeout_s)


class HoledPast:
    """Picks out of it, as the database does."""

    def __init__(self, journal: Holed, wanted: Wanted) -> None:
        self._journal = journal
        self._wanted = wanted
        self.asked = 0
        self.away = 0

    async def between(self, after_seq: int, last_seq: int, limit: int) -> Sequence[Entry] | None:
        self.asked += 1
        if self.away:
            self.away -= 1
            raise DatabaseUnavailable("away")
        stretch = [entry for entry in self._journal.there if after_seq < entry.seq <= last_seq]
        if len(stretch) < last_seq - after_seq:
            return None
        return [entry for entry in stretch if self._wanted(entry)][:limit]


async def resumed(journal: Holed, head_seq: int, after_seq: int, wanted: Wanted, past: HoledPast | None) -> list[Item]:
    """What a reader is given until it has met the feed and two new events."""
    feed = Broadcaster(journal, head_seq, SETTINGS)

    async def read() -> list[Item]:
        async with feed.subscribe("ann", after_seq, wanted, past) as subscription:
            return [item async for item in subscription]

    async with asyncio.timeout(WITHIN_S):
        reading = asyncio.create_task(read())
        await until(lambda: feed.state().live_count == 1)
        await feed.write([Entry(head_seq + 1, "", b""), Entry(head_seq + 2, "", b"")])
        await feed.close()
        return await reading


@dataclass(frozen=True)
class Case:
    """A journal with holes, and what somebody wants of it."""

    head_seq: int
    missing: frozenset[int]
    chosen: frozenset[int]
    after_seq: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Drawn outside of the test's event loop, which would not survive a draw that is given up."""
    head_seq = draw(st.integers(1, 40))
    missing = draw(st.frozensets(st.integers(1, head_seq), max_size=6))
    chosen = draw(st.frozensets(st.integers(1, head_seq + 2)))
    return Case(head_seq, missing, chosen, draw(st.integers(0, head_seq + 2)))


@given(case=cases())
async def test_holes_and_all_it_is_the_same(case: Case) -> None:
    journal = Holed(case.head_seq, case.missing)

    def wanted(entry: Entry) -> bool:
        return entry.seq in case.chosen

    plain = await resumed(journal, case.head_seq, case.after_seq, wanted, None)
    picked = await resumed(journal, case.head_seq, case.after_seq, wanted, HoledPast(journal, wanted))
    assert picked == plain


async def test_what_is_not_wanted_is_never_read() -> None:
    journal = Holed(500, frozenset())
    given = await resumed(journal, 500, 0, lambda entry: entry.seq == 250, HoledPast(journal, lambda e: e.seq == 250))
    assert given == [Entry(250, "", b"")]
    assert journal.pages == 0


async def test_a_hole_is_told_although_nothing_of_it_was_wanted() -> None:
    journal = Holed(100, frozenset(range(40, 60)))
    given = await resumed(journal, 100, 0, lambda _: False, HoledPast(journal, lambda _: False))
    assert given == [Gap(40, 59, GapReason.REMOVED)]


async def test_while_the_database_is_away_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatetrail.feed.subscription.JOURNAL_PAUSE_S", 0.005)
    journal = Holed(20, frozenset())
    past = HoledPast(journal, lambda _: True)
    past.away = 2
    given = await resumed(journal, 20, 0, lambda _: True, past)
    assert [item.seq for item in given if isinstance(item, Entry)] == list(range(1, 23))
    assert past.asked >= 9
