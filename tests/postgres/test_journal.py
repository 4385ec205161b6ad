"""The journal's promises: durable before it says so, one order, no holes, whoever else writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
import psycopg
import pytest

from gatetrail.errors import AuditUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.wire import hash_of_line
from gatetrail_sinks.postgres.append import SESSION, append_statement
from gatetrail_sinks.postgres.connection import connect, open_pool
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.verify import PostgresVerifier
from gatetrail_sinks.postgres.writer import WriterSettings
from tests.samples import completed, decided, make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

WRITERS = 20
EVENTS_EACH = 25


async def append_many(dsn: str, count: int, ready: asyncio.Barrier) -> list[str]:
    stamp = make_stamp()
    patient = WriterSettings(append_limit_ms=60_000)
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id, settings=patient) as journal,
    ):
        await ready.wait()
        events = [decided(stamp) for _ in range(count)]
        for start in range(0, count, 5):
            await asyncio.gather(*(journal.append(event) for event in events[start : start + 5]))
    return [event.event_id for event in events]


async def read_until(journal: PostgresJournal, count: int) -> list[Entry]:
    """Page as a follower does: by `seq` and nothing else."""
    read: list[Entry] = []
    async with asyncio.timeout(60):
        while len(read) < count:
            cursor = read[-1].seq if read else 0
            page = await journal.read(cursor, 7)
            read.extend(page)
            if not page:
                await journal.wait_beyond(cursor, 0.2)
    return read


def ids_of(entries: Sequence[Entry]) -> list[str]:
    return [orjson.loads(entry.line)["event_id"] for entry in entries]


@pytest.mark.requirement("F2", "E10")
async def test_a_reader_sees_every_event_of_twenty_writers_once_and_in_order_though_one_holds_its_transaction(
    dsn: str,
) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    ready = asyncio.Barrier(WRITERS + 1)
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id) as journal,
        await psycopg.AsyncConnection.connect(dsn) as holder,
    ):
        reading = asyncio.create_task(read_until(journal, WRITERS * EVENTS_EACH))
        writing = [asyncio.create_task(append_many(dsn, EVENTS_EACH, ready)) for _ in range(WRITERS)]
        await ready.wait()
        await journal.wait_beyond(WRITERS, 30)
        await holder.execute("SELECT seq FROM chain_head FOR UPDATE")
        held_at = await journal.head_seq()
        await journal.wait_beyond(held_at + 1, 0.5)
        assert await journal.head_seq() == held_at, "somebody committed past the transaction that holds the head"
        await holder.commit()
        written = {event_id for ids in await asyncio.gather(*writing) for event_id in ids}
        read = await reading
    assert [entry.seq for entry in read] == list(range(1, WRITERS * EVENTS_EACH + 1))
    assert set(ids_of(read)) == written
    assert len(ids_of(read)) == len(written)


@pytest.mark.requirement("E5")
async def test_the_stored_line_is_canonical_and_carries_its_own_hash(dsn: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        await journal.append(decided(stamp, tool_name='odd "name" \\ ü \u2028 \x1b[31m'))
        (entry,) = await journal.read(0, 10)
    keys = orjson.loads(entry.line)
    assert orjson.dumps(keys, option=orjson.OPT_SORT_KEYS) == entry.line
    assert keys["event_hash"] == hash_of_line(entry.line)
    assert next(iter(keys)) == "@timestamp"


@pytest.mark.requirement("D3", "D4")
async def test_one_transaction_writes_the_event_and_its_execution(dsn: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    allowed, denied = decided(stamp), decided(stamp, denied=True)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        await asyncio.gather(journal.append(allowed), journal.append(denied))
        assert await statuses(dsn) == {allowed.execution_id: "pending", denied.execution_id: "denied"}
        await journal.append(completed(stamp, allowed))
        assert await statuses(dsn) == {allowed.execution_id: "success", denied.execution_id: "denied"}


async def statuses(dsn: str) -> dict[str, str]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT execution_id::text, status FROM mcp_tool_executions")
        return {row[0]: row[1] for row in await cursor.fetchall()}


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    "change",
    [
        "gate = 'none'",
        "reason_code = 'allowed'",
        "finished_at = now()",
        "status = 'pending'",
        "status = 'success'",
        "status = 'perhaps'",
    ],
)
async def test_the_table_rejects_partial_rows(dsn: str, change: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        await journal.append(decided(stamp, denied=True))
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        with pytest.raises(psycopg.errors.CheckViolation, match="whole_rows_only"):
            await connection.execute(f"UPDATE mcp_tool_executions SET {change}".encode())


@pytest.mark.requirement("D6")
async def test_an_append_that_cannot_commit_in_time_is_refused_and_the_journal_goes_on_later(dsn: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    quick = WriterSettings(append_limit_ms=300)
    async with (
        open_pool(dsn) as pool,
        open_journal(dsn, pool, instance_id=stamp.instance_id, settings=quick) as journal,
        await psycopg.AsyncConnection.connect(dsn) as holder,
    ):
        await holder.execute("SELECT seq FROM chain_head FOR UPDATE")
        first = asyncio.ensure_future(journal.append(decided(stamp)))
        second = asyncio.ensure_future(journal.append(decided(stamp)))
        with pytest.raises(AuditUnavailable) as refused:
            await asyncio.wait_for(first, 5)
        assert refused.value.maybe_recorded
        with pytest.raises(AuditUnavailable):
            await asyncio.wait_for(second, 5)
        await holder.rollback()
        async with asyncio.timeout(20):
            seq = await append_when_possible(journal)
        assert seq == await journal.head_seq()
    verified = await PostgresVerifier(dsn).verify(lambda _checked: None)
    assert verified.__class__.__name__ == "Intact"


async def append_when_possible(journal: PostgresJournal) -> int:
    while True:
        try:
            return await journal.append(decided(make_stamp()))
        except AuditUnavailable:
            await asyncio.sleep(0)


@pytest.mark.requirement("F2")
async def test_one_event_that_the_database_refuses_does_not_take_its_neighbours_along(dsn: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    first = decided(stamp)
    double = decided(stamp, execution_id=first.execution_id)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        await journal.append(first)
        outcomes = await asyncio.gather(
            *(journal.append(event) for event in (decided(stamp), double, decided(stamp))), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [int, AuditUnavailable, int]
        assert await journal.head_seq() == 3


async def test_an_outcome_finds_its_row_by_the_primary_key_however_full_the_table_is(dsn: str) -> None:
    await migrate(dsn)
    stamp = make_stamp()
    async with await connect(dsn) as connection:
        await connection.execute(SESSION)
        text = append_statement([completed(stamp, decided(stamp))])
        values = {"lines": "{}", "old_seq": 0, "old_hash": "", "new_seq": 1, "new_hash": ""}
        cursor = await connection.execute(b"EXPLAIN " + text, values)
        plan = "\n".join(row[0] for row in await cursor.fetchall())
    assert "Index Cond: (execution_id = line" in plan
    assert "Scan on mcp_tool_executions" not in plan, plan
