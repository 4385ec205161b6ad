"""Processes that share a data folder, and a look at what is left when they are gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

WORKER = Path(__file__).with_name("worker.py")
WITHIN_S = 20.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    owner: bool
    pid: int | None
    dsn: str
    code: str
    message: str


def eventually(condition: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> float:
    """Waits for the condition and gives how long that took, in seconds."""
    began_s = time.monotonic()
    while not condition():
        if time.monotonic() - began_s > within_s:
            pytest.fail(f"not within {within_s:g} s: {what}")
        time.sleep(POLL_S)
    return time.monotonic() - began_s


def is_gone(pid: int) -> bool:
    """Also when nobody has reaped it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat[stat.rindex(")") + 2] == "Z"


def answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@dataclass(frozen=True, slots=True)
class Worker:
    process: subprocess.Popen[str]

    def read(self) -> Answer:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the worker ended with {self.process.wait(WITHIN_S)}"
        return Answer(**json.loads(line))

    def ask(self) -> Answer:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WITHIN_S)

    def end(self) -> int:
        """Lets it end in order and gives its status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WITHIN_S)


@pytest.fixture
def start_worker() -> Iterator[Callable[..., Worker]]:
    """Starts `worker.py` on a folder, as a user; ends all of them, and their servers."""
    started: list[subprocess.Popen[str]] = []
    folders: set[Path] = set()

    def start(folder: Path, *user: str) -> Worker:
        folders.add(folder)
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(folder), *user],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Worker(process)

    yield start
    for process in started:
        with process:
            process.kill()
    pid_files = [folder / "postgres" / "postmaster.pid" for folder in folders]
    eventually(lambda: not any(map(os.path.exists, pid_files)), "the servers are gone")
