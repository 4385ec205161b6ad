"""`gatetrail export`: the sinks in a process of their own, moved there and back while events come."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import open_journal
from gatetrail_sinks.postgres.migrate import migrate
from tests.cli.conftest import WITHIN_S, Gatetrail, Running, stopwatch
from tests.cli.recorded import allowed, record
from tests.samples import decided, make_stamp

pytestmark = pytest.mark.requirement("E10")

TAKEN_OVER_S = 5.0
EVENTS_AT_ONCE = 20
BATCH = 500
"""Events in one write at most: what one death may double."""


@pytest.fixture
def lines(gatetrail: Gatetrail) -> Path:
    """The sink's file; service.yaml names it."""
    path = gatetrail.folder / "events.jsonl"
    (gatetrail.folder / "service.yaml").write_text(f"sinks: {{file: {{type: file, path: '{path}'}}}}\n")
    return path


def until(condition: Callable[[], bool], within_s: float = WITHIN_S) -> float:
    """Wait for the condition and give how long that took, in seconds."""
    elapsed_s = stopwatch()
    while not condition():
        assert elapsed_s() < within_s
        time.sleep(0.01)
    return elapsed_s()


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def serve(gatetrail: Gatetrail) -> Running:
    serving = gatetrail.start("serve", "--port", "0", "--config", "service.yaml")
    serving.err.wait_for(lambda said: any(line.startswith("Listening on") for line in said))
    return serving


def export(gatetrail: Gatetrail) -> Running:
    exporting = gatetrail.start("export", "--config", "service.yaml")
    exporting.err.wait_for(lambda said: any(line.startswith("Exporting to file") for line in said))
    return exporting


def test_it_needs_no_gate_and_no_mcp() -> None:
    code = (
        "import sys, gatetrail.runtime.exporting;"
        "print([name for name in ('mcp', 'fastapi', 'starlette', 'uvicorn', 'gatetrail.mcp', 'gatetrail.service')"
        " if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.postgres
def test_once_delivers_what_is_there_and_ends(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(10) for event in allowed()])
    ran = gatetrail("export", "--config", "service.yaml", "--once")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("Every sink has all events up to 20")
    assert lines.read_text() == gatetrail("events", "--limit", "0", "--format", "json").out
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0
    assert lines.read_text() == gatetrail("events", "--limit", "0", "--format", "json").out


@pytest.mark.postgres
def test_once_is_exit_code_3_when_a_sink_takes_nothing_and_the_record_tells_of_it(
    gatetrail: Gatetrail, dsn: str, lines: Path
) -> None:
    record(dsn, allowed())
    lines.mkdir()
    ran = gatetrail("export", "--config", "service.yaml", "--once", "--deadline", "1s")
    assert (ran.code, ran.out) == (3, "")
    assert ran.errors[0].startswith("not at the journal's end after 1 s: sink file: at 0 of 2: ")
    assert "cannot be written" in ran.errors[0]
    lines.rmdir()
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0
    told = gatetrail("events", "--event", "audit.sink_*", "--format", "json").objects
    assert [event["event_name"] for event in told] == ["audit.sink_failed", "audit.sink_recovered"]


def test_without_sinks_there_is_nothing_to_export(offline: Gatetrail) -> None:
    ran = offline("export")
    assert (ran.code, ran.out) == (2, "")
    assert ran.errors[0].startswith("sinks: none are named in the settings")


@pytest.mark.postgres
def test_a_sink_can_start_at_a_time(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(3) for event in allowed()])
    times = [event["@timestamp"] for event in gatetrail("events", "--limit", "0", "--format", "json").objects]
    (gatetrail.folder / "service.yaml").write_text(
        f"sinks: {{file: {{type: file, path: '{lines}', start: {times[4]}}}}}\n"
    )
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0
    assert [json.loads(line)["seq"] for line in lines.read_text().splitlines()] == [5, 6]
    (gatetrail.folder / "service.yaml").write_text(
        f"sinks: {{file: {{type: file, path: '{lines}', start: yesterday}}}}\n"
    )
    wrong = gatetrail("export", "--config", "service.yaml", "--once")
    assert (wrong.code, len(wrong.errors)) == (2, 1)
    assert "'yesterday'; expected beginning, now, or a time such as 2026-01-31T08:00:00Z" in wrong.errors[0]


@pytest.mark.postgres
def test_it_ends_in_order_when_it_is_asked_to(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(3) for event in allowed()])
    for by in (signal.SIGTERM, signal.SIGINT):
        exporting = export(gatetrail)
        assert exporting.end(by) == 0
        assert exporting.err.wait_for(lambda _: True)[-1].startswith("Ending: sinks get 5 s")
    assert lines.read_text() == gatetrail("events", "--limit", "0", "--format", "json").out


def until_one_stands_by(dsn: str) -> None:
    """Somebody has asked for the sink in vain, and will ask again."""
    asked = (
        "SELECT FROM pg_stat_activity WHERE application_name = 'gatetrail cursors' AND state = 'idle'"
        " AND query LIKE '%%pg_try_advisory_lock%%' AND datname = current_database()"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        until(lambda: connection.execute(asked).rowcount == 1)


class Load:
    """Events that come all the time, from a process of another kind."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._over = asyncio.Event()

    async def run(self) -> None:
        await migrate(self._dsn)
        stamp = make_stamp()
        async with (
            open_pool(self._dsn) as pool,
            open_journal(self._dsn, pool, instance_id=stamp.instance_id) as journal,
        ):
            while not self._over.is_set():
                await asyncio.gather(*(journal.append(decided(stamp)) for _ in range(EVENTS_AT_ONCE)))
                await asyncio.sleep(0.01)

    def end(self) -> None:
        self._over.set()


def whole_record(gatetrail: Gatetrail) -> list[str]:
    return gatetrail("events", "--limit", "0", "--format", "json", within_s=60).out.splitlines()


def check(lines: Path, recorded: list[str], *, doubles_at_most: int, torn_at_most: int) -> None:
    """Everything is there, in order; a torn line stands alone and is the beginning of one that comes again."""
    known = set(recorded)
    there = lines.read_text().splitlines()
    torn = [line for line in there if line not in known]
    assert list(dict.fromkeys(line for line in there if line in known)) == recorded
    assert len(torn) <= torn_at_most
    assert len(there) - len(torn) - len(recorded) <= doubles_at_most


@pytest.mark.postgres
@pytest.mark.slow
def test_moving_the_sinks_from_serve_to_export_and_back_under_load_loses_nothing(
    gatetrail: Gatetrail, dsn: str, lines: Path
) -> None:
    async def move() -> None:
        load = Load(dsn)
        loading = asyncio.create_task(load.run())
        try:
            await asyncio.to_thread(_move_to_and_fro, gatetrail, dsn, lines)
        finally:
            load.end()
            await loading

    asyncio.run(move())
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0
    check(lines, whole_record(gatetrail), doubles_at_most=0, torn_at_most=0)


def _move_to_and_fro(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    first = serve(gatetrail)
    until(lambda: size_of(lines) > 0)
    for begin in (export, serve, export):
        second = begin(gatetrail)
        until_one_stands_by(dsn)
        assert first.end() == 0
        size = size_of(lines)
        until(lambda: size_of(lines) > size, TAKEN_OVER_S)  # noqa: B023 used within the round
        first = second
    assert first.end() == 0


@pytest.mark.postgres
@pytest.mark.slow
def test_a_driver_that_is_killed_under_load_is_followed_within_seconds_and_nothing_is_lost(
    gatetrail: Gatetrail, dsn: str, lines: Path
) -> None:
    async def kill() -> list[float]:
        load = Load(dsn)
        loading = asyncio.create_task(load.run())
        try:
            return await asyncio.to_thread(_kill_one_after_the_other, gatetrail, dsn, lines)
        finally:
            load.end()
            await loading

    took_s = asyncio.run(kill())
    assert max(took_s) < TAKEN_OVER_S
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0
    check(lines, whole_record(gatetrail), doubles_at_most=4 * BATCH, torn_at_most=4)


def _kill_one_after_the_other(gatetrail: Gatetrail, dsn: str, lines: Path) -> list[float]:
    took_s: list[float] = []
    first = serve(gatetrail)
    until(lambda: size_of(lines) > 0)
    for begin in (export, serve, export):
        second = begin(gatetrail)
        until_one_stands_by(dsn)
        first.process.kill()
        first.process.wait(WITHIN_S)
        size = size_of(lines)
        took_s.append(until(lambda: size_of(lines) > size))  # noqa: B023 used within the round
        first = second
    first.process.kill()
    first.process.wait(WITHIN_S)
    return took_s
