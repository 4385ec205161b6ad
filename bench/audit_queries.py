"""How long auditors wait: each query of docs/audit-sql.md on a large record, as the role that auditors have.

    python -m bench.audit_queries [--json] [--quick] [--rows N]

N decisions (a million unless said otherwise; the budget is about ten million) over twelve weeks, with the
journal of the last two. Always fills an embedded server of its own. `cold` is one run on a server that has just
started, its files thrown out of the system's cache; the others are of later rounds. The yardstick, in the same
rounds, reads as many rows as the query did through the primary key.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psycopg

from bench.audit_rows import EVENT_COLUMNS, EXECUTION_COLUMNS, Rows
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.migrate import migrate
from tests.docs.audit_page import Query, queries

ROWS = 1_000_000
QUICK_ROWS = 20_000
WEEKS = 12
CHUNK = 20_000
BYTES_PER_ROW = 1_600
"""Measured, with all indexes, the journal of the last two weeks, and the server's own log of changes, rounded up."""
ROUNDS = 40
LONG_ROUNDS = 3
LONG = frozenset({"4b", "6", "7", "9b", "10", "12", "13", "complete", "completeb", "completec", "completed"})
"""These read every row of their span, as the page says; the budget is not about them."""
PARTITIONS = """
DO $$
DECLARE
    monday date := date_trunc('week', now() AT TIME ZONE 'UTC')::date - 7 * 14;
BEGIN
    WHILE monday < date_trunc('week', now() AT TIME ZONE 'UTC')::date - 7 LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF mcp_tool_executions FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 85)',
            'mcp_tool_executions_' || to_char(monday, 'YYYYMMDD'),
            gatetrail_id_floor(monday::timestamp AT TIME ZONE 'UTC'),
            gatetrail_id_floor((monday + 7)::timestamp AT TIME ZONE 'UTC'));
        monday := monday + 7;
    END LOOP;
END
$$
"""
EVENT_PARTITIONS = "SELECT gatetrail_make_event_partitions(%s)"
WEEK_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relispartition AND relname LIKE 'mcp_tool_executions_2%' ORDER BY 1 DESC
"""
YARDSTICK = """
SELECT count(latency_ms) FROM (
    SELECT latency_ms FROM mcp_tool_executions
    WHERE execution_id >= gatetrail_id_floor(now() - interval '7 days') ORDER BY execution_id LIMIT %(rows)s) AS same
"""
SIZES = """
SELECT CASE WHEN relation.relname LIKE 'audit_events%' THEN 'audit_events' ELSE 'mcp_tool_executions' END AS name,
    sum(pg_table_size(relation.oid)), sum(pg_indexes_size(relation.oid)), sum(greatest(relation.reltuples, 0))
FROM pg_class AS relation
WHERE relation.relkind = 'r' AND relation.relispartition
GROUP BY 1
"""


@dataclass(slots=True)
class Figures:
    """What was seen of one query."""

    question: str
    rows_read: int = 0
    cold_ms: float = 0.0
    warm_ms: list[float] = field(default_factory=list[float])
    yardstick_ms: list[float] = field(default_factory=list[float])

    def as_json(self) -> dict[str, object]:
        return {
            "question": self.question,
            "rows_read": self.rows_read,
            "cold_ms": self.cold_ms,
            "best_ms": min(self.warm_ms),
            "p50_ms": statistics.median(self.warm_ms),
            "p95_ms": percentile(self.warm_ms, 0.95),
            "yardstick_p50_ms": statistics.median(self.yardstick_ms),
            "yardstick_p95_ms": percentile(self.yardstick_ms, 0.95),
        }


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that so large a part of them does not exceed."""
    return sorted(values)[max(0, -(-int(len(values) * part * 1000) // 1000) - 1)]


def fill(dsn: str, rows: Rows) -> float:
    """All rows, in chunks of one commit each. Gives the seconds that took, without the making of the rows."""
    copied_s = 0.0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PARTITIONS.encode())
        connection.execute(EVENT_PARTITIONS.encode(), (2 * rows.calls,))
        connection.execute("SET synchronous_commit = off")
        for number, chunk in enumerate(rows.chunks(CHUNK)):
            began_s = time.perf_counter()
            with connection.transaction(), connection.cursor() as cursor:
                for table, columns, lines in (
                    ("audit_events", EVENT_COLUMNS, chunk.events),
                    ("mcp_tool_executions", EXECUTION_COLUMNS, chunk.executions),
                ):
                    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                        copy.write("".join(lines))
            copied_s += time.perf_counter() - began_s
            if number % 25 == 0:
                print(f"{number * CHUNK:,} rows …", file=sys.stderr, flush=True)
        connection.execute("UPDATE chain_head SET seq = %s, event_hash = %s", (rows.seq, rows.event_hash))
        settle(connection)
    return copied_s


def settle(connection: psycopg.Connection) -> None:
    """What autovacuum has done long ago: old weeks are vacuumed, the last two only analysed."""
    weeks = [name for (name,) in connection.execute(WEEK_TABLES.encode()).fetchall()]
    for name in weeks[3:]:  # the newest of them is of next week
        connection.execute(f"VACUUM {name}".encode())
    connection.execute("ANALYZE audit_events, mcp_tool_executions")
    connection.execute("CHECKPOINT")


def forget(folder: Path) -> None:
    """Throw the files of a stopped server out of the system's cache, as far as they are on disk."""
    for path in (folder / "data").rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def auditor(dsn: str) -> psycopg.Connection:
    """A connection with an auditor's rights."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("SET ROLE gatetrail_auditor")
    return connection


def timed(connection: psycopg.Connection, text: str, values: Mapping[str, object]) -> float:
    """Milliseconds until the last row is here."""
    began_s = time.perf_counter()
    connection.execute(text.encode(), values).fetchall()
    return (time.perf_counter() - began_s) * 1000


def rows_read(connection: psycopg.Connection, query: Query, values: Mapping[str, object]) -> int:
    """Rows that came out of the scans of tables, or were thrown away there."""
    explained = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.text}".encode(), values).fetchone()
    assert explained is not None
    return int(sum(_scanned(explained[0][0]["Plan"])))


def _scanned(node: Mapping[str, Any]) -> Iterator[float]:
    for child in node.get("Plans", ()):
        yield from _scanned(child)
    if "Relation Name" in node:
        yield (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


async def measure(
    folder: Path, asked: Sequence[Query], values: Mapping[str, object], rounds: int
) -> dict[str, Figures]:
    """Each query once cold, then those that answer from an index in turn, round after round, then the long ones."""
    figures = {query.name: Figures(query.question) for query in asked}
    for query in asked:
        forget(folder)
        async with EmbeddedPostgres(folder / "data") as server:
            with auditor(server.dsn) as connection:
                figures[query.name].cold_ms = timed(connection, query.text, values)
    async with EmbeddedPostgres(folder / "data") as server:
        with auditor(server.dsn) as connection:
            for query in asked:
                figures[query.name].rows_read = rows_read(connection, query, values)
            # The long ones last: they throw everything else out of the server's memory.
            for names, count in ((figures.keys() - LONG, rounds), (figures.keys() & LONG, LONG_ROUNDS)):
                chosen = [query for query in asked if query.name in names]
                for query in chosen * count:
                    seen = figures[query.name]
                    seen.warm_ms.append(timed(connection, query.text, values))
                    seen.yardstick_ms.append(timed(connection, YARDSTICK, {"rows": seen.rows_read}))
    return figures


def sizes(dsn: str) -> dict[str, dict[str, int]]:
    """Bytes of the tables with all their partitions."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(SIZES.encode()).fetchall()
    return {
        name: {"table_bytes": int(table), "index_bytes": int(index), "rows": int(rows)}
        for name, table, index, rows in found
    }


async def run(folder: Path, count: int, rounds: int) -> dict[str, object]:
    """Fill, measure, tell."""
    rows = Rows(count, WEEKS, time.time_ns() // 1000)
    began_s = time.perf_counter()
    async with EmbeddedPostgres(folder / "data") as server:
        await migrate(server.dsn)
        copied_s = await asyncio.to_thread(fill, server.dsn, rows)
        held = sizes(server.dsn)
    filled_s = time.perf_counter() - began_s
    values = {"trace": rows.last_trace_id}
    figures = await measure(folder, list(queries().values()), values, rounds)
    told = {name: seen.as_json() for name, seen in figures.items()}
    slowest = max(
        (name for name in figures if name not in LONG), key=lambda name: percentile(figures[name].warm_ms, 0.95)
    )
    return {
        "rows": count,
        "events": rows.events,
        "fill_s": filled_s,
        "copy_s": copied_s,
        "sizes": held,
        "slowest": slowest,
        "slowest_p95_ms": told[slowest]["p95_ms"],
        "queries": told,
    }


def check_space(count: int) -> None:
    """Not more than half of what is free."""
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    if count * BYTES_PER_ROW > free_bytes / 2:
        needed = f"{count:,} rows need about {count * BYTES_PER_ROW / 1e9:.1f} GB"
        sys.exit(f"{needed}, and half of {free_bytes / 1e9:.1f} GB is less")


def show(result: Mapping[str, Any]) -> None:
    """For people."""
    print(f"{result['rows']:,} decisions, {result['events']:,} events; filled in {result['fill_s']:.0f} s")
    print(f"{'':12}{'rows read':>12}{'cold ms':>10}{'best ms':>10}{'p50 ms':>10}{'p95 ms':>10}{'yardstick p50':>15}")
    for name, seen in result["queries"].items():
        print(
            f"{name:12}{seen['rows_read']:>12,}{seen['cold_ms']:>10.1f}{seen['best_ms']:>10.1f}"
            f"{seen['p50_ms']:>10.1f}{seen['p95_ms']:>10.1f}"
            f"{seen['yardstick_p50_ms']:>15.1f}  {seen['question'][:50]}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--rows", type=int, default=None, help=f"decisions; {ROWS:,} unless said otherwise")
    options = parser.parse_args()
    count = options.rows or (QUICK_ROWS if options.quick else ROWS)
    check_space(count)
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-") as name:
        Path(name).chmod(0o755)
        result = asyncio.run(run(Path(name), count, LONG_ROUNDS if options.quick else ROUNDS))
    if options.json:
        print(orjson.dumps(result).decode())
        return
    show(result)


if __name__ == "__main__":
    main()
