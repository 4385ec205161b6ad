"""`/readyz` and `/metrics` while parts are away: in time, with reasons, and right again afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from gatetrail.runtime.checks import Checks
from gatetrail.runtime.look import Look
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.probe import PostgresProbe
from tests.runtime.observed import WITHIN_S, Service, observed

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("G5")]

ANSWERS_WITHIN_S = 3.0
"""Two seconds for the look, and some for a machine that has other things to do."""


async def asked(service: Service, path: str) -> httpx.Response:
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        return await service.http.get(path)


async def until_away(service: Service, *parts: str) -> Mapping[str, str]:
    """Ask until exactly these are away, and give the reasons."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            away: dict[str, str] = (await service.http.get("/readyz")).json()["away"]
            if away.keys() == {*parts}:
                return away
            await asyncio.sleep(0.05)


@asynccontextmanager
async def own_server(folder: Path) -> AsyncGenerator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "database")
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def processes_of(server: EmbeddedPostgres) -> list[int]:
    """The postmaster and its children."""
    postmaster = server.pid
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@pytest.mark.postgres
@pytest.mark.slow
async def test_a_database_that_hangs_is_told_in_time(open_folder: Path) -> None:
    async with own_server(open_folder) as server, observed(server.dsn, open_folder / "data") as service:
        await service.call("add", {"a": 1, "b": 2})
        assert (await asked(service, "/readyz")).json() == {"ready": True, "away": {}, "failing": {}}
        paused = processes_of(server)
        for process in paused:
            os.kill(process, signal.SIGSTOP)
        try:
            await until_away(service, "database")  # what was seen a moment ago is told for a second
            answers = await asyncio.gather(*(asked(service, path) for path in ("/readyz", "/metrics") * 3))
            assert [answer.status_code for answer in answers] == [503, 200] * 3
            assert answers[0].json()["away"] == {"database": "no answer within 2 s"}
            lines = answers[1].text.splitlines()
            assert {'gatetrail_up{part="database"} 0.0', "gatetrail_ready 0.0"} <= {*lines}
            assert 'gatetrail_decisions_total{decision="allow",gate="none"} 1.0' in lines
            assert not [line for line in lines if line.startswith("gatetrail_journal_head_seq ")]
            await service.call("add", {"a": 1, "b": 2})
            away = (await asked(service, "/readyz")).json()["away"]
            assert away["journal"].endswith("not committed within 2000 ms")
            assert (await service.values("gatetrail_decisions_total"))["deny", "audit"] == 1
            assert (await service.values("gatetrail_spool_events"))[()] >= 1
            assert (await asked(service, "/healthz")).status_code == 200
        finally:
            for process in paused:
                os.kill(process, signal.SIGCONT)
        await until_away(service)


@pytest.mark.postgres
async def test_a_database_that_only_reads_is_not_ready(dsn: str, server_dsn: str, tmp_path: Path) -> None:
    name = str(conninfo_to_dict(dsn)["dbname"])
    read_only = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    async with observed(dsn, tmp_path) as service:
        assert (await asked(service, "/readyz")).status_code == 200
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(read_only.format(sql.Identifier(name), sql.SQL("on")))
            connection.execute(cut, (name,))
            await service.call("add", {"a": 1, "b": 2})
            away = await until_away(service, "database", "journal")
            connection.execute(read_only.format(sql.Identifier(name), sql.SQL("off")))
            connection.execute(cut, (name,))
        assert away["database"] == "only reads: it is a standby, or its transactions are read only"
        assert away["journal"].endswith("ReadOnlySqlTransaction")
        await until_away(service)


@pytest.mark.postgres
async def test_the_probe_waits_for_the_disk_and_leaves_nothing_behind(dsn: str) -> None:
    await migrate(dsn)
    look = "SELECT pg_current_wal_flush_lsn(), sum(pg_relation_size(oid)), sum(n_live_tup) FROM pg_class"
    look += " LEFT JOIN pg_stat_user_tables ON relid = oid WHERE relnamespace = 'public'::regnamespace"
    async with open_pool(dsn, size=1) as pool, await psycopg.AsyncConnection.connect(dsn, autocommit=True) as watching:
        before = await (await watching.execute(look)).fetchone()
        assert await PostgresProbe(dsn, pool).takes_commits()
        after = await (await watching.execute(look)).fetchone()
    assert before is not None
    assert after is not None
    assert after[0] > before[0]
    assert after[1:] == before[1:]


@dataclass
class Part:
    """A check that says what it is told to."""

    name: str
    vital: bool
    look: Callable[[], Awaitable[str | None]]

    async def trouble(self) -> str | None:
        return await self.look()


async def fine() -> None:
    return None


async def broken() -> str:
    raise RuntimeError("a mistake, with words that nobody outside should see")


async def bad() -> str:
    return "the cable is cut"


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.mark.postgres
async def test_what_else_the_service_needs_is_looked_at_too(dsn: str, tmp_path: Path) -> None:
    checks = (Part("upstream tickets", False, bad), Part("upstream mail", False, fine))
    async with observed(dsn, tmp_path, checks=checks) as service:
        answer = await asked(service, "/readyz")
        assert (answer.status_code, answer.json()["failing"]) == (200, {"upstream tickets": "the cable is cut"})
        up = await service.values("gatetrail_up")
        assert (up["upstream tickets",], up["upstream mail",]) == (0, 1)


async def test_one_part_that_hangs_or_breaks_hides_no_other() -> None:
    checks = Checks([Part("a", True, fine), Part("b", False, hangs), Part("c", True, bad), Part("d", False, broken)])
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        health = await checks()
    await checks.close()
    assert (health.ready, dict(health.away)) == (False, {"c": "the cable is cut"})
    assert dict(health.failing) == {"b": "no answer within 2 s", "d": "cannot be looked at: RuntimeError"}


async def test_many_who_ask_cause_one_look() -> None:
    begun: list[asyncio.Event] = []

    async def look() -> int:
        begun.append(asyncio.Event())
        await begun[-1].wait()
        return len(begun)

    shared = Look(look, limit_s=0.01, kept_s=0.0)
    seen = await asyncio.gather(*(shared() for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in seen} == {TimeoutError}
    assert len(begun) == 1  # it still goes on, and nobody begins another beside it
    begun[0].set()
    assert await shared() == 1
    begun.clear()
    assert isinstance((await asyncio.gather(shared(), return_exceptions=True))[0], TimeoutError)
    await shared.close()
