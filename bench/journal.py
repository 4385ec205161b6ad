"""Durable decisions, beside what they are compared with: a plain commit, a hand-written gate, bare COPY.

    python -m bench.journal [--json] [--quick]

Takes the server of GATETRAIL_DSN, else starts the embedded one. All contestants take turns within each
round, so a machine whose speed drifts drifts under all of them; medians over the rounds are printed.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import psycopg
from psycopg_pool import AsyncConnectionPool

from gatetrail.call import Call, Ids
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.events.wire import GENESIS_HASH, seal
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.sessions import Sessions
from gatetrail.testing import MemorySessions
from gatetrail_sinks.postgres.connection import Pool, open_pool
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from tests.samples import decided, make_stamp

ROUNDS = 7
ALONE = 200
IN_FLIGHT = 256
TOGETHER = 4_096
POLICY = """
servers:
  finance: {tier: user}
rate_limits:
  base_per_s: {mcp: 10000000}
scanner:
  caller_burst: {limit: 1000000000, window_ms: 1000}
"""
CALLER = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER)
PLAIN_TABLE = """
CREATE TABLE IF NOT EXISTS plain_audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, started_at timestamptz NOT NULL DEFAULT now(),
    user_id text, session_id text, trace_id text, server_name text, tool_name text, arguments jsonb, status text);
CREATE INDEX IF NOT EXISTS plain_audit_user ON plain_audit (user_id)
"""
PLAIN_INSERT = """
INSERT INTO plain_audit (user_id, session_id, trace_id, server_name, tool_name, arguments, status)
VALUES (%s, %s, %s, %s, %s, %s, 'pending')
"""
PLAIN_ROW = ("ann", "session-1", "a" * 32, "finance", "get_invoice", '{"number": 7}')
EVENT_COLUMNS = (
    "seq, event_id, event_name, recorded_at, user_id, session_id, trace_id, client_id, server_name, tool_name,"
    " execution_id, decision, gate, body, prev_hash, event_hash"
)
EXECUTION_COLUMNS = (
    "execution_id, trace_id, user_id, session_id, server_name, tool_name, method, caller_type, actual_tier,"
    " required_tier, rate_limit_tier, status, gate, reason_code, policy_version, instance_id, started_at, decided_seq"
)


def the_call() -> Call:
    """A fresh call, as an adapter makes it."""
    return Call("finance", "get_invoice", Ids(trace_id="a" * 32, session_id="session-1"), arguments={"number": 7})


async def ours_alone(dispatcher: Dispatcher) -> float:
    """Milliseconds of one durable decision, one caller."""
    started = time.perf_counter()
    for _ in range(ALONE):
        await dispatcher.admit(the_call(), CALLER)
    return (time.perf_counter() - started) / ALONE * 1000


async def plain_alone(connection: psycopg.AsyncConnection) -> float:
    """Milliseconds of one durable single-row commit on one connection, prepared."""
    started = time.perf_counter()
    for _ in range(ALONE):
        await connection.execute(PLAIN_INSERT, PLAIN_ROW, prepare=True)
    return (time.perf_counter() - started) / ALONE * 1000


async def per_second(one: Callable[[], Awaitable[object]]) -> float:
    """How many a second, with 256 callers that never pause."""

    async def caller() -> None:
        for _ in range(TOGETHER // IN_FLIGHT):
            await one()

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return TOGETHER / (time.perf_counter() - started)


def a_pool(dsn: str) -> Pool:
    """Sixteen connections, open from the start."""
    return AsyncConnectionPool(dsn, min_size=16, max_size=16, kwargs={"autocommit": True}, open=False)


async def hand_written(pool: Pool) -> float:
    """What an afternoon gives: one INSERT for each call, awaited through a pool of 16."""

    async def one() -> None:
        async with pool.connection() as connection:
            await connection.execute(PLAIN_INSERT, PLAIN_ROW, prepare=True)

    return await per_second(one)


class BareCopy:
    """The same rows as ours, made beforehand, into copies of both tables by COPY, 256 to a commit."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._seq = 0

    async def prepare(self) -> None:
        """Copies of both tables with their indexes; not the triggers and constraints of partitions."""
        for table in ("audit_events_000000", "mcp_tool_executions_default"):
            await self._connection.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)".encode())

    async def run(self) -> float:
        """Rows of each table a second."""
        batches = [self._batch() for _ in range(TOGETHER // IN_FLIGHT)]
        started = time.perf_counter()
        for events, executions in batches:
            async with self._connection.transaction(), self._connection.cursor() as cursor:
                async with cursor.copy(f"COPY bare_audit_events_000000 ({EVENT_COLUMNS}) FROM STDIN".encode()) as copy:
                    await copy.write(events)
                async with cursor.copy(
                    f"COPY bare_mcp_tool_executions_default ({EXECUTION_COLUMNS}) FROM STDIN".encode()
                ) as copy:
                    await copy.write(executions)
        return TOGETHER / (time.perf_counter() - started)

    def _batch(self) -> tuple[str, str]:
        stamp = make_stamp()
        events: list[str] = []
        executions: list[str] = []
        for _ in range(IN_FLIGHT):
            self._seq += 1
            event = decided(stamp)
            sealed = seal(event, self._seq, stamp.instance_id, GENESIS_HASH)
            events.append(
                f"{self._seq}\t{event.event_id}\t{event.event_name}\t{event.timestamp}\tann\tsession-1\t{'a' * 32}\t\\N"
                f"\tfinance\tget_invoice\t{event.execution_id}\tallow\tnone\t{sealed.line.decode()}\t{GENESIS_HASH}"
                f"\t{sealed.event_hash}\n"
            )
            executions.append(
                f"{event.execution_id}\t{'a' * 32}\tann\tsession-1\tfinance\tget_invoice\ttools/call"
                f"\tuser\tuser\tuser\tuser\tpending\tnone\tallowed\t0123456789abcdef\t{stamp.instance_id}\t{event.timestamp}\t{self._seq}\n"
            )
        return "".join(events), "".join(executions)


@asynccontextmanager
async def a_server() -> AsyncGenerator[str]:
    """The server that was named, else an embedded one that goes away afterwards."""
    if named := os.environ.get("GATETRAIL_DSN"):
        yield named
        return
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-") as folder:
        Path(folder).chmod(0o755)
        async with EmbeddedPostgres(Path(folder) / "data") as server:
            yield server.dsn


@asynccontextmanager
async def a_dispatcher(dsn: str, folder: Path) -> AsyncGenerator[Dispatcher]:
    """Everything between a call and its committed row, without a transport."""
    clock = SystemClock()
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="bench")
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=stamp.instance_id) as journal:
        ledger = Ledger(journal, Spool(folder, stamp.instance_id))
        sessions = Sessions(MemorySessions(), stamp, ledger.commit_or_spool)
        gates = Gates(parse_policy(POLICY, "bench"), GateState())
        yield Dispatcher(gates, sessions, ledger, stamp, clock, ids)


async def measure(dsn: str, folder: Path) -> dict[str, list[float]]:
    """Every figure once a round."""
    await migrate(dsn)
    figures: dict[str, list[float]] = {}
    async with (
        a_dispatcher(dsn, folder) as dispatcher,
        await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection,
        a_pool(dsn) as pool,
    ):
        await connection.execute(PLAIN_TABLE.encode())
        copy = BareCopy(connection)
        await copy.prepare()
        for _ in range(1 if "--quick" in sys.argv[1:] else ROUNDS):
            turn = {
                "plain_commit_ms": await plain_alone(connection),
                "ours_alone_ms": await ours_alone(dispatcher),
                "hand_written_per_s": await hand_written(pool),
                "ours_together_per_s": await per_second(lambda: dispatcher.admit(the_call(), CALLER)),
                "bare_copy_per_s": await copy.run(),
            }
            for name, figure in turn.items():
                figures.setdefault(name, []).append(figure)
    return figures


def report(figures: dict[str, list[float]]) -> dict[str, float]:
    """Medians, and the ratios that the budgets are about: the median of the rounds' own ratios."""

    def ratio(first: str, second: str) -> float:
        return statistics.median(a / b for a, b in zip(figures[first], figures[second], strict=True))

    medians = {name: statistics.median(values) for name, values in figures.items()}
    return {
        **medians,
        "alone_against_plain_commit": ratio("ours_alone_ms", "plain_commit_ms"),
        "together_against_hand_written": ratio("ours_together_per_s", "hand_written_per_s"),
        "together_against_bare_copy": ratio("ours_together_per_s", "bare_copy_per_s"),
    }


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-spool-") as folder:
        async with a_server() as dsn:
            result = report(await measure(dsn, Path(folder)))
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name:34} {value:10.2f}\n")


if __name__ == "__main__":
    asyncio.run(main())
