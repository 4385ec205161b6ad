"""What a check found is remembered, the newest first, and looking changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from psycopg.conninfo import make_conninfo

from gatetrail.clock import from_rfc3339
from gatetrail.events.verification import Broken, Flaw, Intact
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.verifications import PostgresVerifications

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("F1")]

EXECUTION_ID = "019a0000-0000-7000-8000-000000000001"


async def test_nobody_has_checked_a_new_record(dsn: str) -> None:
    await migrate(dsn)
    async with open_pool(dsn) as pool:
        assert await PostgresVerifications(dsn, pool).latest() is None


async def test_the_newest_check_is_given_with_all_that_it_found(dsn: str) -> None:
    await migrate(dsn)
    async with open_pool(dsn) as pool:
        verifications = PostgresVerifications(dsn, pool)
        assert await verifications.note(Broken(Flaw.CHANGED_EXECUTION, 7, EXECUTION_ID, "it differs", 6))
        broken = await verifications.latest()
        assert await verifications.note(Intact(9, 4, 9, "a" * 64))
        intact = await verifications.latest()
    assert broken is not None
    assert (broken.intact, broken.events, broken.head_seq, broken.head_hash) == (False, 6, None, None)
    assert (broken.flaw, broken.flawed_seq, broken.flawed_execution_id, broken.detail) == (
        Flaw.CHANGED_EXECUTION,
        7,
        EXECUTION_ID,
        "it differs",
    )
    assert intact is not None
    assert (intact.intact, intact.events, intact.executions, intact.head_seq) == (True, 9, 4, 9)
    assert (intact.flaw, intact.detail) == (None, None)
    assert abs(from_rfc3339(intact.checked_at) / 1e6 - dt.datetime.now(dt.UTC).timestamp()) < 60


async def test_one_who_may_only_read_cannot_note_and_is_told_so(dsn: str) -> None:
    await migrate(dsn)
    reader = make_conninfo(dsn, options="-c role=gatetrail_auditor")
    async with open_pool(reader) as pool:
        verifications = PostgresVerifications(reader, pool)
        assert not await verifications.note(Intact(0, 0, 0, "0" * 64))
        assert await verifications.latest() is None
