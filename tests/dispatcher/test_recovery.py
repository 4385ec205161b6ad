"""What an outage or a crash left behind is brought into the journal, once, under its own ids."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gatetrail.dispatcher.recovery import Recovery
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.events.verification import Intact
from gatetrail.words import GateName, ReasonCode
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.executions import PostgresExecutions
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.verify import PostgresVerifier
from tests.samples import completed, decided, make_stamp

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D6", "F2")]


@dataclass(frozen=True, slots=True)
class Process:
    """The parts of one process that recovery needs."""

    stamp: Stamp
    journal: PostgresJournal
    spool: Spool
    recovery: Recovery


@asynccontextmanager
async def a_process(dsn: str, folder: Path) -> AsyncGenerator[Process]:
    await migrate(dsn)
    stamp = make_stamp()
    spool = Spool(folder, stamp.instance_id)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        executions = PostgresExecutions(dsn, pool, stamp.instance_id)
        yield Process(stamp, journal, spool, Recovery(journal, executions, spool, stamp))
    spool.close()


async def rows(dsn: str) -> dict[str, tuple[str, str | None]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT execution_id::text, status, error_class FROM mcp_tool_executions")
        return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def assert_intact(dsn: str) -> None:
    assert isinstance(await PostgresVerifier(dsn).verify(lambda _checked: None), Intact)


async def test_a_spooled_denial_is_imported_once_under_its_own_id(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as process:
        denial = decided(process.stamp, denied=True, gate=GateName.AUDIT, reason_code=ReasonCode.AUDIT_UNAVAILABLE)
        process.spool.keep(denial)
        await process.recovery.once()
        process.spool.keep(denial)
        await process.recovery.once()
        assert await rows(dsn) == {denial.execution_id: ("denied", None)}
        assert await process.journal.head_seq() == 1
    await assert_intact(dsn)


async def test_a_denial_whose_allow_row_was_committed_after_all_becomes_a_failed_call(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as process:
        allowed = decided(process.stamp)
        await process.journal.append(allowed)
        process.spool.keep(decided(process.stamp, denied=True, execution_id=allowed.execution_id))
        await process.recovery.once()
        assert await rows(dsn) == {allowed.execution_id: ("failed", "audit_unavailable")}
    await assert_intact(dsn)


async def test_a_spooled_outcome_closes_its_call(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as process:
        allowed = decided(process.stamp)
        await process.journal.append(allowed)
        process.spool.keep(completed(process.stamp, allowed))
        await process.recovery.once()
        assert await rows(dsn) == {allowed.execution_id: ("success", None)}
    await assert_intact(dsn)


async def test_what_a_dead_process_left_is_imported_and_swept_by_the_next(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as dead:
        left = decided(dead.stamp)
        await dead.journal.append(left)
        spooled = decided(dead.stamp, denied=True)
        dead.spool.keep(spooled)
    async with a_process(dsn, tmp_path) as living:
        await living.recovery.once()
        assert await rows(dsn) == {left.execution_id: ("failed", "orphaned"), spooled.execution_id: ("denied", None)}
    assert not list(tmp_path.iterdir())
    await assert_intact(dsn)


async def test_calls_of_a_living_process_are_left_alone(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as busy, a_process(dsn, tmp_path) as sweeper:
        running = decided(busy.stamp)
        await busy.journal.append(running)
        await sweeper.recovery.once()
        assert await rows(dsn) == {running.execution_id: ("pending", None)}


async def test_an_outcome_that_comes_after_the_sweep_counts_more_than_the_sweep(dsn: str, tmp_path: Path) -> None:
    async with a_process(dsn, tmp_path) as dead:
        left = decided(dead.stamp)
        await dead.journal.append(left)
    async with a_process(dsn, tmp_path) as living:
        await living.recovery.once()
        await living.journal.append(completed(living.stamp, left))
        assert await rows(dsn) == {left.execution_id: ("success", None)}
    await assert_intact(dsn)
