"""The database dies, hangs or is full under load: calls are denied, no handler runs without its row, and it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from tests.faults.conftest import StartWorker, Worker, assert_intact, compare, eventually, pending
from tests.require import require_or_skip

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("A1", "D1", "D6", "E10")]


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, that it may mistreat."""
    server = EmbeddedPostgres(open_folder / "database")
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


def processes_of(server: EmbeddedPostgres) -> list[int]:
    """The postmaster, then its children. Between its end and its start it has no process for a moment."""
    eventually(lambda: server.pid is not None, "the server runs")
    postmaster = server.pid
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *(int(child) for child in children)]


def finish(worker: Worker, dsn: str, folder: Path) -> None:
    worker.end()
    eventually(lambda: pending(dsn) == 0, "nothing is pending")
    compare(dsn, folder)
    assert_intact(dsn)


def test_the_database_is_killed(server: EmbeddedPostgres, open_folder: Path, start_worker: StartWorker) -> None:
    worker = start_worker(server.dsn, open_folder)
    for _ in range(3):
        worker.goes_on()
        for process in reversed(processes_of(server)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    worker.goes_on()
    finish(worker, server.dsn, open_folder)


def test_the_database_is_paused(server: EmbeddedPostgres, open_folder: Path, start_worker: StartWorker) -> None:
    worker = start_worker(server.dsn, open_folder)
    worker.goes_on()
    paused = processes_of(server)
    for process in paused:
        os.kill(process, signal.SIGSTOP)
    try:
        refused = worker.refusals()
        eventually(lambda: worker.refusals() > refused + 20, "calls are denied while the database hangs")
        stalled = worker.runs()
        refused = worker.refusals()
        eventually(lambda: worker.refusals() > refused + 20, "calls are still denied")
        assert worker.runs() == stalled, "a handler ran while nothing could be committed"
    finally:
        for process in paused:
            os.kill(process, signal.SIGCONT)
    worker.goes_on()
    finish(worker, server.dsn, open_folder)


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A file system with room for an empty server and little more."""
    folder = open_folder / "disk"
    folder.mkdir(mode=0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0755", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system of limited size")
    require_or_skip(mounted.returncode == 0, f"no tmpfs could be mounted: {mounted.stderr.decode()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def test_the_disk_is_full(small_disk: Path, open_folder: Path, start_worker: StartWorker) -> None:
    server = EmbeddedPostgres(small_disk / "database")
    asyncio.run(server.start())
    try:
        worker = start_worker(server.dsn, open_folder)
        worker.goes_on()
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as full, contextlib.suppress(OSError):
            while True:
                full.write(b"\0" * 65536)
        refused = worker.refusals()
        eventually(lambda: worker.refusals() > refused + 20, "calls are denied while the disk is full", 60)
        ballast.unlink()
        worker.goes_on()
        finish(worker, server.dsn, open_folder)
    finally:
        asyncio.run(server.stop())
