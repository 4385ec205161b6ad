"""MCP calls through everything, beside the same server without a gate and with a hand-written one.

    python -m bench.mcp_calls [--json] [--quick] [--rounds N] [--sdk]

Takes the server of GATETRAIL_DSN, else starts the embedded one. Server and callers are processes of
their own. All contestants take turns within each round, so a machine whose speed drifts drifts under
all of them; medians over the rounds are printed, and medians of the rounds' own ratios. Loads: 32 sockets
with prebuilt requests (saturation), one such socket (latency), and with `--sdk` 32 clients of the SDK.
Every answer's sum is checked, and in the end the rows of each contestant are counted.

On a machine that has other work to do, `of plain` falls for who waits for a database, because each wait
becomes one for a processor. `by CPU` does not: it is the plain server's CPU time of a call by the
contestant's own, which is what a server process that is never kept waiting could carry.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.journal import a_server
from bench.mcp_server import SINK_NAME, Contestant
from bench.processes import Measured, Server, measure, started

CATCH_UP_S = 30.0
CAUGHT_UP = "SELECT (SELECT seq FROM chain_head) <= (SELECT seq FROM sink_cursors WHERE sink_name = %s)"
ROWS: dict[Contestant, str] = {
    Contestant.HAND_WRITTEN: "SELECT count(*) FROM tool_audit WHERE status = 'success'",
    Contestant.GATED: "SELECT count(*) FROM mcp_tool_executions WHERE status = 'success'",
    Contestant.GATED_FILE: "SELECT count(*) FROM mcp_tool_executions WHERE status = 'success'",
}


@dataclass(frozen=True, slots=True)
class LoadKind:
    """How a server is loaded."""

    name: str
    client: str
    callers: int


RAW = LoadKind("raw32", "bench.raw_client", 32)
ONE = LoadKind("one", "bench.raw_client", 1)
SDK = LoadKind("sdk32", "bench.sdk_client", 32)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and what."""

    rounds: int
    warm_up_s: float
    window_s: float
    loads: tuple[LoadKind, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """One contestant under one load in one round; milliseconds of CPU are per call."""

    calls_per_s: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    postgres_cpu_ms: float | None
    catch_up_s: float
    """How long the sinks needed after the last call."""


Rounds = dict[tuple[LoadKind, Contestant], list[Figures]]


@contextmanager
def databases(dsn: str) -> Generator[dict[Contestant, str]]:
    """A fresh database for each contestant, gone afterwards."""
    made = {one: make_conninfo(dsn, dbname=f"bench_{one.value}_{secrets.token_hex(4)}") for one in Contestant}
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            for one in made.values():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(_name(one)))
            yield made
        finally:
            for one in made.values():
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(_name(one)))


def _name(dsn: str) -> sql.Identifier:
    return sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))


def run(dsn: str, folder: Path, plan: Plan) -> Rounds:
    """Every contestant under every load, once a round."""
    found: Rounds = {}
    answered = dict.fromkeys(Contestant, 0)
    with databases(dsn) as dsns, ExitStack() as stack:
        servers = [stack.enter_context(started(one, dsns[one], folder / one.value)) for one in Contestant]
        for _ in range(plan.rounds):
            for load in plan.loads:
                for server in servers:
                    measured = measure(load.client, server, load.callers, plan.warm_up_s, plan.window_s)
                    answered[server.contestant] += measured.load.answered
                    figures = _figures(measured, _catch_up(server))
                    found.setdefault((load, server.contestant), []).append(figures)
        for server in servers:
            _check_rows(server, answered[server.contestant], folder)
    return found


def _figures(measured: Measured, catch_up_s: float) -> Figures:
    load, before, after = measured.load, measured.before, measured.after
    cuts_ms = statistics.quantiles(load.latencies_ms, n=100)
    in_postgres = None
    if before.postgres_s is not None and after.postgres_s is not None:
        in_postgres = (after.postgres_s - before.postgres_s) / load.calls * 1000
    return Figures(
        calls_per_s=load.calls / load.window_s,
        p50_ms=cuts_ms[49],
        p99_ms=cuts_ms[98],
        server_cpu_ms=(after.server_s - before.server_s) / load.calls * 1000,
        postgres_cpu_ms=in_postgres,
        catch_up_s=catch_up_s,
    )


def _catch_up(server: Server) -> float:
    """Wait until the file holds everything, so that no contestant's rest is done in the next one's turn."""
    if server.contestant is not Contestant.GATED_FILE:
        return 0.0
    began_s = time.monotonic()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        while connection.execute(CAUGHT_UP, (SINK_NAME,)).fetchone() != (True,):
            if time.monotonic() - began_s > CATCH_UP_S:
                raise TimeoutError(f"the file sink is behind {CATCH_UP_S:g} s after the last call")
            time.sleep(0.01)
    return time.monotonic() - began_s


def _check_rows(server: Server, answered: int, folder: Path) -> None:
    """Nothing was measured that did not do its work."""
    if server.contestant is Contestant.PLAIN:
        return
    with psycopg.connect(server.dsn) as connection:
        (rows,) = connection.execute(ROWS[server.contestant].encode()).fetchone() or (0,)
    assert rows == answered, f"{server.contestant}: {answered} calls, {rows} rows"
    if server.contestant is Contestant.GATED_FILE:
        with (folder / server.contestant.value / "audit.jsonl").open("rb") as file:
            lines = sum(b'"event_name":"tool_call.' in line for line in file)
        assert lines == 2 * answered, f"{answered} calls, {lines} lines in the file"


def report(found: Rounds) -> dict[str, dict[str, dict[str, float]]]:
    """By load and contestant: medians, and the medians of the rounds' own comparisons with the plain server."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for (load, contestant), rounds in found.items():
        plain = found[load, Contestant.PLAIN]
        figures = {
            name: statistics.median(value for one in rounds if (value := getattr(one, name)) is not None)
            for name in Figures.__dataclass_fields__
            if getattr(rounds[0], name) is not None
        }
        pairs = list(zip(rounds, plain, strict=True))
        figures["of_plain"] = statistics.median(one.calls_per_s / base.calls_per_s for one, base in pairs)
        figures["of_plain_by_cpu"] = statistics.median(base.server_cpu_ms / one.server_cpu_ms for one, base in pairs)
        figures["added_p50_ms"] = statistics.median(one.p50_ms - base.p50_ms for one, base in pairs)
        figures["added_cpu_ms"] = statistics.median(_cpu_ms(one) - _cpu_ms(base) for one, base in pairs)
        result.setdefault(load.name, {})[contestant.value] = figures
    return result


def _cpu_ms(figures: Figures) -> float:
    return figures.server_cpu_ms + (figures.postgres_cpu_ms or 0.0)


COLUMNS = {
    "calls_per_s": "calls/s",
    "of_plain": "of plain",
    "of_plain_by_cpu": "by CPU",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "added_p50_ms": "added p50",
    "server_cpu_ms": "server CPU",
    "postgres_cpu_ms": "PostgreSQL",
    "added_cpu_ms": "added CPU",
    "catch_up_s": "catch-up s",
}


def table(result: dict[str, dict[str, dict[str, float]]]) -> str:
    """For people; CPU in ms per call."""
    lines = [f"{'':22}" + "".join(f"{title:>11}" for title in COLUMNS.values())]
    for load, contestants in result.items():
        for contestant, figures in contestants.items():
            cells = [f"{figures[key]:11.2f}" if key in figures else f"{'-':>11}" for key in COLUMNS]
            lines.append(f"{load:7}{contestant:15}" + "".join(cells))
    return "\n".join(lines)


def plan_of(options: argparse.Namespace) -> Plan:
    """From the command line."""
    loads = (RAW, ONE, SDK) if options.sdk else (RAW, ONE)
    if options.quick:
        return Plan(1, 0.1, 1.0, loads)
    return Plan(options.rounds, 1.0, 3.0, loads)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sdk", action="store_true", help="also with 32 clients of the SDK")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-") as folder:
        async with a_server() as dsn:
            found = await asyncio.to_thread(run, dsn, Path(folder), plan_of(options))
    result = report(found)
    print(orjson.dumps(result).decode() if options.json else table(result))


if __name__ == "__main__":
    asyncio.run(main())
