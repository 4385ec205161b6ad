"""Cursors: durable positions, one owner. The twin in memory keeps the same promises."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack
from typing import Any

import psycopg
import pytest

from gatetrail.clock import SystemClock, from_rfc3339, rfc3339
from gatetrail.delivery.replay import Replays
from gatetrail.delivery.sink import CursorStore, Since, Start
from gatetrail.errors import DatabaseUnavailable
from gatetrail.events.journal import Entry, Journal
from gatetrail.testing import MemoryCursors, MemoryJournal
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import PostgresCursors, open_cursors
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.queries import query
from gatetrail_sinks.postgres.replays import PostgresReplays
from tests.delivery.driving import until
from tests.samples import decided, make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

OWNER = """
import asyncio, sys
from gatetrail.delivery.sink import Start
from gatetrail_sinks.postgres.cursors import PostgresCursors

async def own() -> None:
    cursors = PostgresCursors(sys.argv[1])
    print(await cursors.acquire("file", Start.BEGINNING), flush=True)
    await asyncio.Event().wait()

asyncio.run(own())
"""


class Stores:
    """A journal, and as many processes' views of one cursor store as a test asks for."""

    def __init__(self, journal: Journal, another: Callable[[], CursorStore], replays: Replays) -> None:
        self.journal = journal
        self.another = another
        self.replays = replays
        self._stamp = make_stamp()

    async def append(self, count: int) -> list[Entry]:
        head_seq = await self.journal.head_seq()
        for _ in range(count):
            await self.journal.append(decided(self._stamp))
        return list(await self.journal.read(head_seq, count))


@pytest.fixture(params=["memory", "postgres"])
def dsn_or_none(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "memory" else str(request.getfixturevalue("dsn"))


@pytest.fixture
async def stores(dsn_or_none: str | None) -> AsyncGenerator[Stores]:
    if (dsn := dsn_or_none) is None:
        memory = MemoryJournal()
        store = MemoryCursors(memory, SystemClock())
        yield Stores(memory, store.another, store)
        return
    await migrate(dsn)
    opened: list[PostgresCursors] = []

    def another() -> CursorStore:
        opened.append(PostgresCursors(dsn))
        return opened[-1]

    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(dsn))
        journal = await stack.enter_async_context(open_journal(dsn, pool, instance_id=make_stamp().instance_id))
        yield Stores(journal, another, PostgresReplays(dsn, pool))
        for cursors in opened:
            await cursors.close()


async def test_a_new_sink_begins_where_it_is_told_and_later_where_it_was(stores: Stores) -> None:
    await stores.append(5)
    cursors = stores.another()
    assert await cursors.acquire("all", Start.BEGINNING) == 0
    assert await cursors.acquire("new", Start.NOW) == 5
    await stores.append(2)
    await cursors.advance("new", 7, 2)
    for name in ("all", "new"):
        await cursors.release(name)
    assert await cursors.acquire("new", Start.NOW) == 7
    assert await cursors.acquire("all", Start.NOW) == 0


async def test_a_sink_has_one_owner_until_it_is_given_back(stores: Stores) -> None:
    first, second = stores.another(), stores.another()
    assert await first.acquire("file", Start.BEGINNING) == 0
    assert await second.acquire("file", Start.BEGINNING) is None
    assert await first.acquire("file", Start.BEGINNING) is None
    assert await second.acquire("another", Start.BEGINNING) == 0
    await second.release("file")
    assert await second.acquire("file", Start.BEGINNING) is None
    await first.advance("file", 3, 3)
    await first.release("file")
    await first.release("file")
    assert await second.acquire("file", Start.BEGINNING) == 3


async def test_one_who_is_not_the_owner_moves_nothing(stores: Stores) -> None:
    owner, other = stores.another(), stores.another()
    entry = (await stores.append(1))[0]
    await owner.acquire("file", Start.BEGINNING)
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.advance("file", 9, 9)
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.fail("file", "no")
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.quarantine("file", entry, "no")
    state = (await other.states())[0]
    assert (state.seq, state.last_error, state.quarantined_count) == (0, None, 0)


async def test_the_state_tells_of_acknowledgements_failures_and_quarantine(stores: Stores) -> None:
    cursors = stores.another()
    entries = await stores.append(4)
    await cursors.acquire("file", Start.BEGINNING)
    await cursors.acquire("another", Start.BEGINNING)
    assert [state.sink_name for state in await cursors.states()] == ["another", "file"]
    state = (await cursors.states())[1]
    assert (state.seq, state.acknowledged_at, state.failing_since, state.exported_count) == (0, None, None, 0)

    await cursors.fail("file", "nobody \0 listens")
    await cursors.fail("file", "still nobody")
    failing = (await cursors.states())[1]
    assert (failing.seq, failing.last_error) == (0, "still nobody")
    assert failing.failing_since is not None
    assert abs(from_rfc3339(failing.failing_since) / 1e6 - time.time()) < 60

    await cursors.advance("file", 2, 2)
    working = (await cursors.states())[1]
    assert (working.seq, working.exported_count, working.last_error, working.failing_since) == (2, 2, None, None)
    assert working.acknowledged_at is not None
    assert abs(from_rfc3339(working.acknowledged_at) / 1e6 - time.time()) < 60

    await cursors.fail("file", "refused")
    await cursors.quarantine("file", entries[2], "too strange")
    await cursors.advance("file", 4, 1)
    after = (await cursors.states())[1]
    assert (after.seq, after.exported_count, after.quarantined_count, after.last_error) == (4, 3, 1, None)


async def test_a_move_over_a_hole_is_no_acknowledgement(stores: Stores) -> None:
    cursors = stores.another()
    await cursors.acquire("file", Start.BEGINNING)
    await cursors.advance("file", 10, 0)
    state = (await cursors.states())[0]
    assert (state.seq, state.acknowledged_at, state.exported_count) == (10, None, 0)


async def test_a_sink_that_begins_at_a_time_stands_before_the_first_event_from_then_on(stores: Stores) -> None:
    await stores.append(3)
    await asyncio.sleep(0.002)
    moment = rfc3339(SystemClock().now_us())
    cursors = stores.another()
    assert await cursors.acquire("nothing yet", Since(moment)) == 3
    late = await stores.append(2)
    assert await cursors.acquire("later", Since(moment)) == 3
    assert await cursors.acquire("exactly", Since(late[0].event().timestamp)) == 3
    assert await cursors.acquire("the second", Since(late[1].event().timestamp)) == 4
    assert await cursors.acquire("all", Since("2001-01-01T00:00:00.000000Z")) == 0
    assert await cursors.acquire("none", Since("2991-01-01T00:00:00.000000Z")) == 5


async def test_the_state_tells_who_drives_what_waits_and_when_it_moved(stores: Stores) -> None:
    owner, other = stores.another(), stores.another()
    entries = await stores.append(3)
    await owner.acquire("file", Start.BEGINNING)
    before = (await other.states())[0]
    assert (before.owned, before.head_seq, before.lag) == (True, 3, 3)
    assert before.waiting_since == entries[0].event().timestamp
    await owner.advance("file", 3, 3)
    await owner.fail("file", "no")
    await owner.release("file")
    after = (await other.states())[0]
    assert (after.owned, after.lag, after.waiting_since) == (False, 0, None)
    assert before.moved_at < after.moved_at <= after.looked_at


async def test_that_a_failure_was_told_is_known_to_the_next_owner(stores: Stores) -> None:
    owner, other = stores.another(), stores.another()
    await owner.acquire("file", Start.BEGINNING)
    assert not (await other.states())[0].failure_told
    await owner.tell_failure("file", told=True)
    assert (await other.states())[0].failure_told
    await owner.release("file")
    await other.acquire("file", Start.BEGINNING)
    await other.tell_failure("file", told=False)
    assert not (await owner.states())[0].failure_told


async def test_a_replay_is_kept_until_its_range_is_dealt_with(stores: Stores) -> None:
    entries = await stores.append(6)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    assert await owner.open_replay("file") is None
    asked = await stores.replays.request("file", 2, 5)
    later = await stores.replays.request("file", 1, 1)
    assert await owner.open_replay("file") == asked
    moved = await owner.advance_replay(asked, entries[1:3])
    assert moved is not None
    assert (moved.next_seq, moved.delivered_count, moved.finished_at) == (4, 2, None)
    failed = await owner.fail_replay(moved, "no way")
    assert failed is not None
    assert (failed.next_seq, failed.last_error) == (4, "no way")
    aside = await owner.quarantine_replayed(failed, entries[3], "too strange")
    assert aside is not None
    assert (aside.next_seq, aside.quarantined_count, aside.last_error) == (5, 1, None)
    ended = await owner.advance_replay(aside, entries[4:5])
    assert ended is not None
    assert (ended.next_seq, ended.delivered_count, ended.finished_at is None) == (6, 3, False)
    assert await stores.replays.state(asked.replay_id) == ended
    assert await owner.advance_replay(ended, entries[5:]) is None
    assert await owner.open_replay("file") == later
    await owner.finish_replay(later)
    assert await owner.open_replay("file") is None
    assert await stores.replays.state(99) is None


async def test_the_quarantine_holds_what_is_open_now(stores: Stores) -> None:
    entries = await stores.append(6)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    await owner.acquire("another", Start.BEGINNING)
    for entry in entries[1:5]:
        await owner.quarantine("file", entry, "strange")
    await owner.quarantine("another", entries[0], "stranger")
    page = await stores.replays.put_aside(None, ("", 0), 3)
    assert [(one.sink_name, one.seq, one.reason) for one in page] == [
        ("another", 1, "stranger"),
        ("file", 2, "strange"),
        ("file", 3, "strange"),
    ]
    assert page[1].line == entries[1].line
    rest = await stores.replays.put_aside("file", ("file", 3), 10)
    assert [one.seq for one in rest] == [4, 5]
    assert [state.quarantined_count for state in await owner.states()] == [1, 4]

    asked = await stores.replays.resend("file", [2, 4, 5, 77])
    assert asked is not None
    assert (asked.first_seq, asked.last_seq) == (2, 5)
    marked = await stores.replays.put_aside("file", ("", 0), 10)
    assert [one.replay_id for one in marked] == [asked.replay_id, None, asked.replay_id, asked.replay_id]
    assert await owner.put_aside_for(asked, 2) == [entries[1], entries[3]]
    moved = await owner.advance_replay(asked, [entries[1], entries[3]])
    assert moved is not None
    assert await owner.put_aside_for(moved, 2) == [entries[4]]
    ended = await owner.quarantine_replayed(moved, entries[4], "still strange")
    assert ended is not None
    assert ended.finished_at is not None
    left = await stores.replays.put_aside("file", ("", 0), 10)
    assert [(one.seq, one.reason, one.replay_id) for one in left] == [(3, "strange", None), (5, "still strange", None)]
    assert [state.quarantined_count for state in await owner.states()] == [1, 2]
    assert await stores.replays.resend("file", [4]) is None


async def test_what_is_asked_to_be_sent_again_stays_asked_when_an_older_replay_has_it_refused(stores: Stores) -> None:
    entries = await stores.append(2)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    await owner.quarantine("file", entries[0], "strange")
    older = await stores.replays.request("file", 1, 2)
    asked = await stores.replays.resend("file", [1])
    assert asked is not None
    await owner.quarantine_replayed(older, entries[0], "still strange")
    assert await owner.put_aside_for(asked, 10) == [entries[0]]
    (left,) = await stores.replays.put_aside("file", ("", 0), 10)
    assert (left.reason, left.replay_id) == ("still strange", asked.replay_id)


async def test_what_an_open_replay_brings_is_not_taken_from_it(stores: Stores) -> None:
    entries = await stores.append(4)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    for entry in entries[:3]:
        await owner.quarantine("file", entry, "strange")
    first = await stores.replays.resend("file", [1, 2])
    second = await stores.replays.resend("file", None)
    assert first is not None
    assert second is not None
    assert await stores.replays.resend("file", None) is None
    assert await stores.replays.resend("file", [2]) is None
    aside = await stores.replays.put_aside("file", ("", 0), 10)
    assert [one.replay_id for one in aside] == [first.replay_id, first.replay_id, second.replay_id]
    assert await owner.put_aside_for(first, 10) == entries[:2]
    assert await owner.put_aside_for(second, 10) == entries[2:3]


async def test_what_a_cancelled_replay_left_can_be_asked_for_again(stores: Stores) -> None:
    entries = await stores.append(2)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    for entry in entries:
        await owner.quarantine("file", entry, "strange")
    cancelled = await stores.replays.resend("file", None)
    assert cancelled is not None
    await stores.replays.cancel(cancelled.replay_id)
    left = await stores.replays.put_aside("file", ("", 0), 10)
    assert [one.replay_id for one in left] == [None, None]
    again = await stores.replays.resend("file", None)
    assert again is not None
    assert await owner.put_aside_for(again, 10) == entries


async def test_a_cancelled_replay_moves_no_more(stores: Stores) -> None:
    entries = await stores.append(4)
    owner = stores.another()
    await owner.acquire("file", Start.BEGINNING)
    asked = await stores.replays.request("file", 1, 4)
    assert await stores.replays.cancel(asked.replay_id)
    assert not await stores.replays.cancel(asked.replay_id)
    assert await owner.open_replay("file") is None
    assert await owner.advance_replay(asked, entries[:2]) is None
    assert await owner.quarantine_replayed(asked, entries[2], "no") is None
    assert await stores.replays.put_aside(None, ("", 0), 10) == []
    ended = await stores.replays.state(asked.replay_id)
    assert ended is not None
    assert (ended.next_seq, ended.cancelled, ended.delivered_count) == (1, True, 0)


async def test_only_the_owner_works_off_a_replay(stores: Stores) -> None:
    entries = await stores.append(2)
    owner, other = stores.another(), stores.another()
    await owner.acquire("file", Start.BEGINNING)
    asked = await stores.replays.request("file", 1, 2)
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.open_replay("file")
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.advance_replay(asked, entries)
    with pytest.raises(DatabaseUnavailable, match="does not own sink file"):
        await other.finish_replay(asked)


@pytest.fixture
async def migrated(dsn: str) -> str:
    await migrate(dsn)
    return dsn


def rows(dsn: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.fixture
async def on_postgres(migrated: str) -> AsyncGenerator[Stores]:
    async with (
        open_pool(migrated) as pool,
        open_journal(migrated, pool, instance_id=make_stamp().instance_id) as journal,
    ):
        cursors = PostgresCursors(migrated)
        yield Stores(journal, lambda: cursors, PostgresReplays(migrated, pool))
        await cursors.close()


async def test_two_who_ask_at_once_do_not_take_the_same(migrated: str, on_postgres: Stores) -> None:
    (entry,) = await on_postgres.append(1)
    owner = on_postgres.another()
    await owner.acquire("file", Start.BEGINNING)
    await owner.quarantine("file", entry, "strange")
    with psycopg.connect(migrated) as first:
        statement = query("replay_resend") + b"SELECT replay_id FROM asked"
        assert first.execute(statement, {"sink_name": "file", "seqs": None}).fetchall()
        second = asyncio.create_task(on_postgres.replays.resend("file", None))
        await until(lambda: rows(migrated, "SELECT 1 FROM pg_locks WHERE NOT granted"))
        first.commit()
    assert await asyncio.wait_for(second, 10) is None


async def test_another_event_in_the_place_of_one_put_aside_does_not_clear_it(
    migrated: str, on_postgres: Stores
) -> None:
    """As when the journal was set back and the quarantine was not."""
    entries = await on_postgres.append(3)
    owner = on_postgres.another()
    await owner.acquire("file", Start.BEGINNING)
    for entry in entries[:2]:
        await owner.quarantine("file", entry, "strange")
    rows(migrated, "UPDATE sink_quarantine SET event_id = gen_random_uuid(), body = '{}' WHERE seq = 2 RETURNING 1")
    await owner.advance_replay(await on_postgres.replays.request("file", 1, 3), entries)
    (left,) = await on_postgres.replays.put_aside("file", ("", 0), 10)
    assert (left.seq, left.line) == (2, b"{}")
    asked = await on_postgres.replays.resend("file", None)
    assert asked is not None
    await owner.advance_replay(asked, await owner.put_aside_for(asked, 10))
    assert await on_postgres.replays.put_aside("file", ("", 0), 10) == []


async def test_another_event_that_is_put_aside_in_the_place_of_an_old_one_replaces_it_whole(
    migrated: str, on_postgres: Stores
) -> None:
    (entry,) = await on_postgres.append(1)
    owner = on_postgres.another()
    await owner.acquire("file", Start.BEGINNING)
    await owner.quarantine("file", entry, "strange")
    put_aside = (
        "SELECT aside.event_id = journal.event_id, aside.event_name, aside.body::text FROM sink_quarantine AS aside"
    )
    statement = f"{put_aside} JOIN audit_events AS journal USING (seq)"
    (expected,) = rows(migrated, statement)
    spoil = "UPDATE sink_quarantine SET event_id = gen_random_uuid(), event_name = 'old', body = '{}' RETURNING 1"
    rows(migrated, spoil)
    await owner.quarantine("file", entry, "stranger")
    assert rows(migrated, statement) == [expected]
    rows(migrated, spoil)
    await owner.quarantine_replayed(await on_postgres.replays.request("file", 1, 1), entry, "stranger")
    assert rows(migrated, statement) == [expected]


async def test_an_event_in_quarantine_keeps_its_bytes_its_id_and_the_reason(migrated: str) -> None:
    stamp = make_stamp()
    event = decided(stamp)
    async with (
        open_pool(migrated) as pool,
        open_journal(migrated, pool, instance_id=stamp.instance_id) as journal,
        open_cursors(migrated) as cursors,
    ):
        await journal.append(event)
        entry = (await journal.read(0, 1))[0]
        await cursors.acquire("file", Start.BEGINNING)
        await cursors.quarantine("file", entry, "first")
        await cursors.quarantine("file", entry, "second")
    stored = rows(migrated, "SELECT seq, event_id::text, event_name, body::text, reason FROM sink_quarantine")
    assert stored == [(1, event.event_id, "tool_call.decided", entry.line.decode(), "second")]


@pytest.fixture
def owner(migrated: str) -> Generator[subprocess.Popen[bytes]]:
    """A process that owns the sink `file`."""
    with subprocess.Popen([sys.executable, "-c", OWNER, migrated], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        yield process
        process.kill()


async def owned_at_last(cursors: CursorStore) -> None:
    """Ask for the sink `file` until it is ours, for five seconds at most."""
    async with asyncio.timeout(5):
        while await cursors.acquire("file", Start.BEGINNING) is None:  # noqa: ASYNC110 the server tells nobody
            await asyncio.sleep(0.02)


async def test_an_owner_that_is_killed_is_followed_within_seconds(
    migrated: str, owner: subprocess.Popen[bytes]
) -> None:
    async with open_cursors(migrated) as cursors:
        assert await cursors.acquire("file", Start.BEGINNING) is None
        owner.kill()
        await owned_at_last(cursors)


async def test_a_connection_that_dies_takes_all_ownerships_with_it_until_they_are_asked_for_again(
    migrated: str,
) -> None:
    async with open_cursors(migrated) as cursors:
        for name in ("file", "another"):
            await cursors.acquire(name, Start.BEGINNING)
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gatetrail cursors' AND datname = current_database()"
        )
        assert rows(migrated, ended) == [(True,)]
        with pytest.raises(DatabaseUnavailable, match="does not answer"):
            await cursors.advance("file", 1, 1)
        assert await cursors.acquire("file", Start.BEGINNING) == 0
        with pytest.raises(DatabaseUnavailable, match="does not own sink another"):
            await cursors.advance("another", 1, 1)
        assert await cursors.acquire("another", Start.BEGINNING) == 0
        await cursors.advance("another", 1, 1)


async def test_a_statement_that_hangs_is_given_up_and_the_ownership_with_it(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatetrail_sinks.postgres.cursors.STATEMENT_LIMIT_S", 0.3)
    async with open_cursors(migrated) as cursors, open_cursors(migrated) as other:
        await cursors.acquire("file", Start.BEGINNING)
        async with await psycopg.AsyncConnection.connect(migrated) as blocker:
            await blocker.execute("LOCK TABLE sink_cursors IN EXCLUSIVE MODE")
            with pytest.raises(DatabaseUnavailable, match="does not answer"):
                await cursors.advance("file", 1, 1)
        await owned_at_last(other)


async def test_one_who_is_cut_off_while_taking_a_sink_keeps_it_from_nobody(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, locked = psycopg.AsyncConnection.execute, asyncio.Event()

    async def answer_late(self: psycopg.AsyncConnection[Any], statement: Any, *rest: Any, **over: Any) -> Any:
        cursor = await execute(self, statement, *rest, **over)
        if b"pg_try_advisory_lock" in statement:
            locked.set()
            await asyncio.Event().wait()
        return cursor

    async with open_cursors(migrated) as cursors, open_cursors(migrated) as other:
        with monkeypatch.context() as patched:
            patched.setattr(psycopg.AsyncConnection, "execute", answer_late)
            taking = asyncio.create_task(cursors.acquire("file", Start.BEGINNING))
            await asyncio.wait_for(locked.wait(), 10)
            taking.cancel()
            await asyncio.wait([taking])
        await cursors.release("file")
        await owned_at_last(other)


async def test_a_lost_row_is_told_and_begun_anew(migrated: str) -> None:
    async with open_cursors(migrated) as cursors:
        await cursors.acquire("file", Start.BEGINNING)
        assert rows(migrated, "DELETE FROM sink_cursors RETURNING sink_name") == [("file",)]
        with pytest.raises(DatabaseUnavailable, match="lost its row"):
            await cursors.advance("file", 1, 1)


async def test_a_database_that_is_away_is_told() -> None:
    cursors = PostgresCursors("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1/none does not answer"):
        await cursors.acquire("file", Start.BEGINNING)
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1/none does not answer"):
        await cursors.states()
    await cursors.release("file")
    await cursors.close()
