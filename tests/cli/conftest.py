"""The real command, run as a process of its own, on a database of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from gatetrail.cli.start import run

WITHIN_S = 30.0
COMMAND = (sys.executable, "-m", "gatetrail")


@dataclass(frozen=True, slots=True)
class Ran:
    """How one command ended, and what it put where."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """stdout as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def errors(self) -> list[str]:
        """What stands behind `gatetrail: error:`, and nothing of it is a traceback."""
        assert "Traceback" not in self.err
        return [line.partition("error: ")[2] for line in self.err.splitlines() if line.startswith("gatetrail: error: ")]


class Lines:
    """The lines of a stream, kept by a thread as they come."""

    def __init__(self, stream: IO[str]) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, args=(stream,), daemon=True)
        self._thread.start()

    def wait_for(self, wanted: Callable[[list[str]], bool], within_s: float = WITHIN_S) -> list[str]:
        """All lines so far, as soon as they are as wanted."""
        with self._changed:
            if not self._changed.wait_for(lambda: wanted(self._lines), within_s):
                pytest.fail(f"not within {within_s:g} s; got:\n" + "\n".join(self._lines))
            return list(self._lines)

    def _keep(self, stream: IO[str]) -> None:
        for line in stream:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()


@dataclass
class Running:
    """A command that goes on."""

    process: subprocess.Popen[str]
    out: Lines
    err: Lines

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and give its exit code."""
        self.process.send_signal(by)
        return self.process.wait(WITHIN_S)


@dataclass
class Gatetrail:
    """`gatetrail` with an environment of its own."""

    folder: Path
    variables: dict[str, str]
    _running: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GATETRAIL_")}
        return {**clean, "HOME": str(self.folder), **self.variables}

    def __call__(self, *arguments: str, within_s: float = WITHIN_S, **variables: str) -> Ran:
        """Run one command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, pass_fds: Sequence[int] = (), by: Sequence[str] = (), **variables: str) -> Running:
        """Start one that goes on, if need be through another program `by`; it is ended after the test."""
        process = subprocess.Popen(
            [*by, *COMMAND, *arguments],
            pass_fds=pass_fds,
            cwd=self.folder,
            env={**self.environment, "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        assert process.stdout is not None
        assert process.stderr is not None
        return Running(process, Lines(process.stdout), Lines(process.stderr))

    def end_all(self) -> None:
        for process in self._running:
            with process:
                if process.poll() is None:
                    process.kill()


@pytest.fixture
def gatetrail(dsn: str, tmp_path: Path) -> Iterator[Gatetrail]:
    """On a fresh database and an empty data folder."""
    command = Gatetrail(tmp_path, {"GATETRAIL_DSN": dsn, "GATETRAIL_DATA_DIR": str(tmp_path / "data")})
    yield command
    command.end_all()


@pytest.fixture
def inside(
    gatetrail: Gatetrail, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Ran]:
    """The same command without a process of its own, where many runs would only repeat the start of one."""
    for name in [name for name in os.environ if name.startswith("GATETRAIL_")]:
        monkeypatch.delenv(name)
    for name, value in gatetrail.variables.items():
        monkeypatch.setenv(name, value)

    def run_inside(*arguments: str) -> Ran:
        capfdbinary.readouterr()
        code = run(arguments)
        out, err = capfdbinary.readouterr()
        return Ran(code, out.decode(), err.decode())

    return run_inside


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Gatetrail]:
    """With nothing but an empty data folder, for what needs no database."""
    command = Gatetrail(tmp_path, {"GATETRAIL_DATA_DIR": str(tmp_path / "data")})
    yield command
    command.end_all()


def stopwatch() -> Callable[[], float]:
    """Seconds since it was made."""
    began_s = time.monotonic()
    return lambda: time.monotonic() - began_s
