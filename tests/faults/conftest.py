"""Workers that may be killed, and the comparison of what ran with what is recorded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from gatetrail.events.verification import Intact
from gatetrail_sinks.postgres.verify import PostgresVerifier
from tests.schema_watch import complaints, recorded_lines

WORKER = Path(__file__).with_name("worker.py")
WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Worker:
    """One process under load."""

    process: subprocess.Popen[str]
    folder: Path

    def runs(self) -> int:
        return len(notes(self.folder / "ran"))

    def refusals(self) -> int:
        return len(notes(self.folder / "refused"))

    def goes_on(self) -> None:
        """Wait until handlers run again."""
        before = self.runs()
        eventually(lambda: self.runs() > before + 20, "handlers run")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)

    def end(self) -> None:
        """Let the calls in flight finish and the process close what it holds."""
        assert self.process.stdin is not None
        self.process.stdin.write("enough\n")
        self.process.stdin.flush()
        assert self.process.wait(WITHIN_S) == 0


StartWorker = Callable[[str, Path], Worker]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts processes under load; those that still live are killed after the test."""
    started: list[Worker] = []

    def start(dsn: str, folder: Path) -> Worker:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), dsn, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        worker = Worker(process, folder)
        started.append(worker)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return worker

    yield start
    for worker in started:
        worker.kill()
        for stream in (worker.process.stdin, worker.process.stdout):
            if stream is not None:
                stream.close()


def notes(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def eventually(condition: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    ends_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > ends_s:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(0.02)


def rows(dsn: str) -> dict[str, tuple[str, str, str | None]]:
    """Status, gate and error class of every execution."""
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute("SELECT execution_id::text, status, gate, error_class FROM mcp_tool_executions")
        return {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}


def pending(dsn: str) -> int:
    return sum(status == "pending" for status, _gate, _error in rows(dsn).values())


def compare(dsn: str, folder: Path) -> Counter[str]:
    """Hold handler runs and recorded rows against each other, one to one. Gives the number of rows by status."""
    ran, refused, recorded = notes(folder / "ran"), notes(folder / "refused"), rows(dsn)
    assert len(ran) == len(set(ran)), "a handler ran twice for one decision"
    without_row = [one for one in ran if one not in recorded]
    assert not without_row, f"{len(without_row)} handlers ran without a row"
    assert all(recorded[one][1] == "none" for one in ran), "a handler ran although its row says denied"
    assert not set(ran) & set(refused), "a handler ran for a call that was refused"
    missing = [one for one in refused if one not in recorded]
    assert not missing, f"{len(missing)} denials were told to the caller but never recorded"
    assert all(
        recorded[one][0] == "denied" or recorded[one] == ("failed", "none", "audit_unavailable") for one in refused
    )
    succeeded = {one for one, (status, _gate, _error) in recorded.items() if status == "success"}
    assert succeeded <= set(ran), "a row says success, but no handler ran"
    return Counter(status for status, _gate, _error in recorded.values())


def assert_intact(dsn: str) -> None:
    found = asyncio.run(PostgresVerifier(dsn).verify(lambda _checked: None))
    assert isinstance(found, Intact), found
    assert not [*complaints(recorded_lines(dsn))]
