"""Where a time lies in the journal: nothing from it on is missed, however disordered the times are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatetrail.clock import from_rfc3339, rfc3339
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.moments import LOOK_BACK, SKEW_S, PostgresMoments, position_before

pytestmark = pytest.mark.requirement("E10")

BEGIN_S = 1_767_225_600


def moment(second: float) -> str:
    return rfc3339(round((BEGIN_S + second) * 1_000_000))


class Looks:
    """A journal of nothing but times, by position from 1 on; None is a position that is gone."""

    def __init__(self, seconds: Sequence[float | None]) -> None:
        self.rows = [(seq, second) for seq, second in enumerate(seconds, 1) if second is not None]
        self.looked_at = 0

    async def __call__(self, after_seq: int, wanted: str, limit: int) -> tuple[int | None, int | None]:
        page = [row for row in self.rows if row[0] > after_seq][:limit]
        self.looked_at += len(page)
        wanted_s = from_rfc3339(wanted) / 1_000_000 - BEGIN_S
        first = next((seq for seq, second in page if second >= wanted_s), None)
        return first, page[-1][0] if page else None

    def before(self, second: float) -> int:
        return asyncio.run(position_before(self, self.rows[-1][0] if self.rows else 0, moment(second)))

    def first_from(self, second: float) -> int:
        return next((seq for seq, at in self.rows if at >= second), (self.rows[-1][0] if self.rows else 0) + 1)


@given(st.lists(st.integers(0, 4_000), max_size=60), st.integers(-10, 4_100))
def test_in_a_short_journal_it_is_always_exact(seconds: list[int], wanted: int) -> None:
    looks = Looks(seconds)
    assert looks.before(wanted) == looks.first_from(wanted) - 1


@pytest.mark.parametrize("wanted", [-1.0, 0.0, 0.5, 4_321.0, 19_999.9, 39_999.0, 40_000.0, 50_000.0])
def test_a_long_journal_in_order_is_searched_by_a_few_looks(wanted: float) -> None:
    looks = Looks([float(second) for second in range(40_000)])
    assert looks.before(wanted) == looks.first_from(wanted) - 1
    assert looks.looked_at < LOOK_BACK + 60_000


@pytest.mark.parametrize("length", [1_500, 5_000, 12_000])
@pytest.mark.parametrize("at", [8_000, 15_000, 19_999, 25_000])
def test_late_imports_from_a_spool_do_not_hide_what_was_before_them(length: int, at: int) -> None:
    times = [float(second) for second in range(30_000)]
    looks = Looks([*times[:at], *(100.0 + place / 1_000 for place in range(length)), *times[at:]])
    for wanted in (3_000.0, 7_777.0, 14_000.0, 27_000.0):
        assert looks.before(wanted) == looks.first_from(wanted) - 1


def test_clocks_that_run_ahead_by_minutes_are_allowed_for() -> None:
    ahead = [second + (SKEW_S - 1 if second % 7 == 0 else 0) for second in range(30_000)]
    looks = Looks([float(second) for second in ahead])
    for wanted in (1_000.0, 15_000.0, 29_000.0):
        assert looks.before(wanted) == looks.first_from(wanted) - 1


def test_what_retention_has_removed_is_no_obstacle() -> None:
    gone: list[float | None] = [None] * 20_000
    looks = Looks([*gone, *(float(second) for second in range(20_000, 30_000))])
    assert looks.before(25_000.0) == 25_000
    assert looks.before(100.0) in {0, 20_000}


@pytest.mark.anyio
@pytest.mark.postgres
async def test_in_the_database_times_become_positions_and_ranges(dsn: str) -> None:
    await migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_events (seq, event_id, event_name, recorded_at, body, prev_hash, event_hash)"
            " SELECT seq, gen_random_uuid(), 'audit.heartbeat',"
            " timestamptz '2026-01-01T00:00:00Z' + seq * interval '1 s', '{}', '', ''"
            " FROM generate_series(1, 20000) AS seq"
        )
        connection.execute("UPDATE chain_head SET seq = 20000")
    async with open_pool(dsn) as pool:
        moments = PostgresMoments(dsn, pool)
        assert await moments.before(moment(12_345)) == 12_344
        assert await moments.before(moment(12_345.5)) == 12_345
        assert await moments.last_until(moment(12_345.5)) == 12_345
        assert await moments.last_until(moment(12_345)) == 12_344
        assert (await moments.before(moment(-5)), await moments.last_until(moment(-5))) == (0, 0)
        assert (await moments.before(moment(99_999)), await moments.last_until(moment(99_999))) == (20_000, 20_000)
        extent = await moments.extent(100, 199)
        assert (extent.event_count, extent.first_at, extent.last_at) == (100, moment(100), moment(199))
        empty = await moments.extent(30_000, 40_000)
        assert (empty.event_count, empty.first_at, empty.last_at) == (0, None, None)
