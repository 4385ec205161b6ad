"""Workers are started one after another, watched, started again and ended, whatever they do."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from gatetrail.errors import SettingsInvalid, Unavailable
from gatetrail.runtime.processes import attendance as attendance_module
from gatetrail.runtime.processes.attendance import Attendance, Talk
from gatetrail.runtime.processes.notify import Notifier
from gatetrail.runtime.processes.supervisor import Supervisor
from gatetrail.service.listening import listen
from gatetrail.settings import load_settings

pytestmark = pytest.mark.anyio

PATIENCE_S = 20.0
WORKER = """
import os, signal, socket, sys, time
def note(word):
    with open(sys.argv[1], "a") as notes:
        notes.write(f"{word} {os.getpid()}\\n")
def tell(word):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(word, os.environ["NOTIFY_SOCKET"])
def on(number, frame):
    note(signal.Signals(number).name)
    if number == signal.SIGINT or sys.argv[2] != "stubborn":
        sys.exit(0)
signal.signal(signal.SIGTERM, on)
signal.signal(signal.SIGINT, on)
os.read(0, 8)
note("began")
if sys.argv[2] == "wrong":
    sys.exit(2)
tell(b"READY=1")
if sys.argv[2] == "brief" and "once" not in open(sys.argv[1]).read():
    time.sleep(0.3)
    note("once")
    sys.exit(7)
if sys.argv[2] == "hanging":
    time.sleep(60)
while True:
    if "WATCHDOG_USEC" in os.environ:
        tell(b"WATCHDOG=1")
    time.sleep(0.05)
"""


@dataclass
class Heard:
    """What a person would read, and what a service manager would."""

    lines: list[str] = field(default_factory=list[str])
    manager: socket.socket | None = None

    def said(self, part: str) -> int:
        return sum(part in line for line in self.lines)

    def told(self) -> str:
        assert self.manager is not None
        return self.manager.recv(4_096).decode()


@dataclass
class Stage:
    """One supervisor over workers of one kind."""

    folder: Path
    heard: Heard
    kind: str
    workers: int = 2
    watchdog_s: float | None = None

    @property
    def notes(self) -> list[list[str]]:
        path = self.folder / "notes"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self, word: str) -> list[int]:
        return [int(pid) for noted, pid in self.notes if noted == word]

    @contextmanager
    def supervisor(self, program: str = sys.executable) -> Generator[Supervisor]:
        heard = self.heard
        settings = load_settings(dsn=SecretStr("host=/nowhere"), workers=self.workers, grace_s=1.0, drain_s=0.0)
        with listen("127.0.0.1", 0) as listener, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            address = str(self.folder / "manager")
            manager.bind(address)
            manager.settimeout(PATIENCE_S)
            heard.manager = manager
            talk = Talk(heard.lines.append, heard.lines.append, heard.lines.append, "")
            notifier = Notifier(address, self.watchdog_s)
            attendance = Attendance(settings=settings, sinks=False, listener=listener, talk=talk, notifier=notifier)
            command = (program, "-I", "-S", "-c", WORKER, str(self.folder / "notes"), self.kind)
            yield Supervisor(attendance, command)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[asyncio.Task[None]]:
        """Up, with all workers ready; cancelled at the end if it still runs."""
        with self.supervisor() as supervisor:
            task = asyncio.create_task(supervisor.run())
            try:
                await eventually(lambda: task.done() or self.heard.said("workers answer") == 1)
                yield task
            finally:
                task.cancel()
                await asyncio.wait([task])


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 another process makes it true
            await asyncio.sleep(0.02)


async def ended(task: asyncio.Task[None]) -> BaseException | None:
    """By what it ended; None when it was cancelled and all went well."""
    await asyncio.wait([task], timeout=PATIENCE_S)
    return None if task.cancelled() else task.exception()


async def test_all_workers_are_ended_in_order_and_the_service_manager_is_told(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "good", workers=3)
    async with stage.running() as task:
        assert "READY=1" in stage.heard.told()
        assert len(set(stage.pids("began"))) == 3
        task.cancel()
        assert await ended(task) is None
        assert "STOPPING=1" in stage.heard.told()
    assert sorted(stage.pids("SIGTERM")) == sorted(stage.pids("began"))
    assert stage.heard.said("Ending: nothing new is accepted") == 1
    assert stage.heard.lines[-1] == "Ending: all workers have ended."


async def test_a_worker_that_dies_is_started_again_and_that_is_told(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "good")
    async with stage.running():
        victim = stage.pids("began")[1]
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: len(stage.pids("began")) == 3)
        assert stage.heard.said("worker 1 ended with SIGKILL; worker 1 is started again in 0.2 s") == 1
    assert set(stage.pids("SIGTERM")) == set(stage.pids("began")) - {victim}


async def test_the_pause_grows_while_a_worker_keeps_dying(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "good", workers=1)
    async with stage.running():
        for count in (1, 2, 3):
            await eventually(lambda count=count: len(stage.pids("began")) == count)  # type: ignore[misc]
            os.kill(stage.pids("began")[-1], signal.SIGKILL)
        await eventually(lambda: stage.heard.said("in 0.8 s") == 1)
    assert (stage.heard.said("in 0.2 s"), stage.heard.said("in 0.4 s")) == (1, 1)


async def test_a_worker_that_ends_by_itself_is_started_again(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "brief", workers=1)
    async with stage.running():
        await eventually(lambda: len(stage.pids("began")) == 2)
        assert stage.heard.said("worker 0 ended with exit 7") == 1


async def test_a_worker_that_cannot_start_ends_the_service(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "wrong")
    async with stage.running() as task:
        problem = await ended(task)
    assert isinstance(problem, SettingsInvalid)
    assert "worker 0 ended with exit 2 before it answered" in str(problem)
    assert len(stage.pids("began")) == 1


async def test_a_worker_that_does_not_end_is_killed_and_that_is_no_success(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance_module, "CLOSING_S", 0.2)
    stage = Stage(open_folder, Heard(), "stubborn")
    async with stage.running() as task:
        task.cancel()
        problem = await ended(task)
    assert isinstance(problem, Unavailable)
    assert "2 of 2 workers did not end within 1.2 s and were killed" in str(problem)


async def test_another_cancellation_makes_the_workers_hurry(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "stubborn")
    async with stage.running() as task:
        task.cancel()
        await eventually(lambda: len(stage.pids("SIGTERM")) == 2)
        task.cancel()
        assert await ended(task) is None
    assert len(stage.pids("SIGINT")) == 2


async def test_where_a_watchdog_is_wanted_a_worker_that_hangs_is_killed_and_started_again(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "hanging", workers=1, watchdog_s=0.5)
    async with stage.running():
        await eventually(lambda: stage.heard.said("worker 0 ended with SIGKILL") == 1)


async def test_a_worker_that_goes_on_talking_is_left_alone(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "good", workers=1, watchdog_s=0.5)
    async with stage.running():
        await asyncio.sleep(1.5)  # thrice the limit
        assert not stage.heard.said("SIGKILL")


async def test_a_worker_that_cannot_even_be_started_is_told(open_folder: Path) -> None:
    stage = Stage(open_folder, Heard(), "good")
    with (
        stage.supervisor("/no/such/program") as supervisor,
        pytest.raises(Unavailable, match="a worker cannot be started by /no/such/program: No such file"),
    ):
        await supervisor.run()


async def test_a_worker_that_finds_no_place_for_its_socket_is_tried_again(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(open_folder, Heard(), "good", workers=1)
    async with stage.running() as task:
        bound, full = socket.socket.bind, iter([OSError(errno.ENOSPC, "No space left on device")])

        def bind(one: socket.socket, address: str) -> None:
            for problem in full:
                raise problem
            bound(one, address)

        monkeypatch.setattr(socket.socket, "bind", bind)
        os.kill(stage.pids("began")[0], signal.SIGKILL)
        await eventually(lambda: task.done() or len(stage.pids("began")) == 2)
        assert stage.heard.said("No space left on device; worker 0 is started again in 0.4 s") == 1


@pytest.mark.parametrize(
    ("depth", "problem"), [(0, "TMPDIR: no folder for the workers' sockets"), (100, "TMPDIR: /.* is too long a path")]
)
async def test_a_folder_for_temporary_files_that_cannot_hold_sockets_is_told(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, depth: int, problem: str
) -> None:
    folder = open_folder / ("x" * depth or "missing")
    if depth:
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    stage = Stage(open_folder, Heard(), "good")
    with stage.supervisor() as supervisor, pytest.raises(SettingsInvalid, match=problem):
        await supervisor.run()
    assert not stage.notes
