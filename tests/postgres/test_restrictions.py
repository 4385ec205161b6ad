"""Restrictions in PostgreSQL: what is put there reaches whoever watches, whatever happens to the server meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest

from gatetrail.identity.restrictions import Restriction, RestrictionKind
from gatetrail.runtime.background import in_background
from gatetrail_sinks.postgres.connection import Pool, open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.restrictions import PostgresRestrictions
from tests.delivery.driving import until

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("C6")]

DAY_S = 86_400.0
BY_HAND = "INSERT INTO revoked_tokens (token_id, reason, changed_by) VALUES ('t-1', 'lost', 'eve')"


def of_token(token_id: str) -> Restriction:
    return Restriction(RestrictionKind.TOKEN_REVOKED, token_id, None, None, None, "lost", "eve", 0.0)


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    await migrate(dsn)
    async with open_pool(dsn, size=1) as opened:
        yield opened


class Watched:
    """What a process knows."""

    def __init__(self) -> None:
        self.tokens: set[str | None] = set()
        self.told = 0

    def replace(self, found: Sequence[Restriction]) -> None:
        self.told += 1
        self.tokens = {one.token_id for one in found}


@asynccontextmanager
async def watching(store: PostgresRestrictions) -> AsyncGenerator[Watched]:
    watched = Watched()
    async with AsyncExitStack() as stack:
        in_background(stack, store.watch(watched.replace), "restrictions")
        yield watched


async def test_what_came_between_the_first_look_and_the_listening_is_found(dsn: str, pool: Pool) -> None:
    store = PostgresRestrictions(dsn, pool)
    assert [*await store.all()] == []
    await store.put(of_token("t-1"), DAY_S)
    async with watching(store) as watched:
        await until(lambda: watched.tokens == {"t-1"})


async def test_what_expired_long_ago_can_be_revoked_anew(dsn: str, pool: Pool) -> None:
    store = PostgresRestrictions(dsn, pool)
    await store.put(of_token("t-1"), -3 * DAY_S)
    await store.put(of_token("t-2"), -3 * DAY_S)
    assert [*await store.all()] == []
    await store.put(of_token("t-1"), DAY_S)
    assert [one.token_id for one in await store.all()] == ["t-1"]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT token_id FROM revoked_tokens").fetchall() == [("t-1",)]


async def test_a_second_revocation_never_ends_sooner_than_the_first(dsn: str, pool: Pool) -> None:
    store = PostgresRestrictions(dsn, pool)
    await store.put(of_token("t-1"), None)
    await store.put(of_token("t-1"), DAY_S)
    await store.put(of_token("t-2"), 9 * DAY_S)
    await store.put(of_token("t-2"), DAY_S)
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT token_id, expires_at > now() + interval '8 days' FROM revoked_tokens ORDER BY token_id"
        )
        assert found.fetchall() == [("t-1", None), ("t-2", True)]


async def test_readers_who_take_the_whole_pool_do_not_delay_a_revocation(dsn: str, pool: Pool) -> None:
    store = PostgresRestrictions(dsn, pool)
    async with watching(store) as watched:
        await until(lambda: watched.told > 0)
        async with pool.connection(), asyncio.timeout(4):
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(BY_HAND)
                connection.execute("NOTIFY gatetrail_restrictions")
            await until(lambda: watched.tokens == {"t-1"})


async def test_a_read_that_fails_in_any_way_is_tried_again(
    dsn: str, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    store = PostgresRestrictions(dsn, pool)
    async with watching(store) as watched:
        await until(lambda: watched.told > 0)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ALTER TABLE revoked_tokens RENAME TO elsewhere")
            connection.execute("NOTIFY gatetrail_restrictions")
            await until(lambda: "stay as they were known last" in caplog.text)
            connection.execute("ALTER TABLE elsewhere RENAME TO revoked_tokens")
        await store.put(of_token("t-1"), DAY_S)
        await until(lambda: watched.tokens == {"t-1"})


async def test_what_nobody_was_told_of_is_found_all_the_same(dsn: str, pool: Pool) -> None:
    store = PostgresRestrictions(dsn, pool, look_s=0.2)
    async with watching(store) as watched:
        await until(lambda: watched.told > 0)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(BY_HAND)
        await until(lambda: watched.tokens == {"t-1"})
