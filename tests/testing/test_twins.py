"""The twins in memory keep the promises of what they stand for."""

from __future__ import annotations

import anyio
import pytest

from gatetrail.clock import rfc3339
from gatetrail.delivery.sink import Start
from gatetrail.errors import AuditUnavailable, DatabaseUnavailable
from gatetrail.events.model import ToolCallDecided
from gatetrail.events.wire import GENESIS_HASH, hash_of_line
from gatetrail.identity.tiers import Tier
from gatetrail.sessions import Session
from gatetrail.testing import ManualClock, MemoryCursors, MemoryJournal, MemorySessions
from tests.samples import decided, make_stamp

pytestmark = pytest.mark.anyio


async def test_the_journal_chains_without_holes_and_pages_in_order() -> None:
    journal, stamp = MemoryJournal(), make_stamp()
    for number in range(5):
        assert await journal.append(decided(stamp, tool_name=f"tool-{number}")) == number + 1
    assert await journal.head_seq() == 5
    entries = [*await journal.read(0, 2), *await journal.read(2, 10)]
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    previous = GENESIS_HASH
    for entry in entries:
        event = entry.event()
        assert event.prev_hash == previous
        assert event.event_hash == hash_of_line(entry.line)
        previous = event.event_hash or ""
    assert all(isinstance(event, ToolCallDecided) for event in journal.events("tool_call.decided"))
    assert journal.events("tool_call.completed") == []


async def test_a_follower_is_woken_by_an_append_and_by_its_timeout() -> None:
    journal = MemoryJournal()
    with anyio.fail_after(5):
        await journal.wait_beyond(0, 0.0)
        async with anyio.create_task_group() as group:
            group.start_soon(journal.wait_beyond, 0, 5.0)
            await anyio.lowlevel.checkpoint()
            await journal.append(decided(make_stamp()))


async def test_what_is_away_refuses() -> None:
    journal, sessions = MemoryJournal(), MemorySessions()
    journal.away = sessions.away = True
    with pytest.raises(AuditUnavailable):
        await journal.append(decided(make_stamp()))
    with pytest.raises(DatabaseUnavailable):
        await journal.read(0, 1)
    with pytest.raises(DatabaseUnavailable):
        await sessions.open(Session("s", "ann", Tier.USER))


async def test_the_cursors_tell_who_owns_and_what_waits_and_refuse_when_they_are_away() -> None:
    clock, journal = ManualClock(), MemoryJournal()
    cursors = MemoryCursors(journal, clock)
    await journal.append(decided(make_stamp()))
    assert await cursors.acquire("siem", Start.BEGINNING) == 0
    state = (await cursors.another().states())[0]
    assert (state.owned, state.lag, state.moved_at) == (True, 1, "2026-01-01T00:00:00.000000Z")
    cursors.lose()
    assert not (await cursors.states())[0].owned
    asked = await cursors.request("siem", 1, 1)
    assert cursors.replays == [asked]
    with pytest.raises(DatabaseUnavailable, match="does not own"):
        await cursors.finish_replay(asked)
    cursors.away = True
    with pytest.raises(DatabaseUnavailable, match="are away"):
        await cursors.request("siem", 1, 1)
    with pytest.raises(DatabaseUnavailable, match="are away"):
        await cursors.states()


async def test_the_first_to_open_a_session_owns_it() -> None:
    sessions = MemorySessions()
    first, second = Session("s", "ann", Tier.USER), Session("s", "bob", Tier.ADMIN)
    assert await sessions.open(first) == (first, True)
    assert await sessions.open(second) == (first, False)


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    assert (rfc3339(clock.now_us()), clock.monotonic_s()) == ("2026-01-01T00:00:00.000000Z", 0.0)
    clock.advance(1.5)
    assert (rfc3339(clock.now_us()), clock.monotonic_s()) == ("2026-01-01T00:00:01.500000Z", 1.5)
