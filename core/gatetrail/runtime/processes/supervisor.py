"""Several processes that answer on one port: started one after another, watched, started again, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from gatetrail.errors import SettingsInvalid, Unavailable
from gatetrail.runtime.background import in_background
from gatetrail.runtime.database import open_database
from gatetrail.runtime.processes.attendance import Attendance
from gatetrail.runtime.processes.hang_up import ignored
from gatetrail.runtime.processes.notify import READY, STOPPING
from gatetrail.runtime.processes.worker import WorkerTask
from gatetrail.runtime.processes.worker_process import WorkerProcess
from gatetrail.service.listening import url_of

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0
"""A worker that lived for so long starts the pauses from the shortest again."""
HURRY = (signal.SIGINT, signal.SIGINT, signal.SIGKILL)
"""What each further signal to us becomes for the workers, once they have been told to end."""
WRONG_USE = 2
LONGEST_PATH_BYTES = 107 - len("/worker-255")
"""Of the folder in which the workers' sockets lie (unix(7))."""


class Supervisor:
    """Binds nothing and answers nothing itself: it holds the socket, and the embedded PostgreSQL if there is one.

    A worker that dies takes neither away from the others. It is started again after a pause that grows while it keeps
    dying; only one that fails at the very first start ends the whole service. Sessions of the handshake era that a dead
    worker held are gone, as after any restart.
    """

    def __init__(self, attendance: Attendance, command: tuple[str, ...]) -> None:
        self._attendance = attendance
        self._command = command
        self._talk = attendance.talk
        self._ending = asyncio.Event()
        self._workers: dict[int, WorkerProcess] = {}
        """By number; those that live."""
        self._all_ready = False

    async def run(self) -> None:
        """Supervise until cancelled. Raises `SettingsInvalid` or `Unavailable` when the first start of a worker fails.

        At the end raises `Unavailable` when a worker did not end in time and was killed.
        """
        settings = self._attendance.settings
        async with AsyncExitStack() as stack:
            in_background(stack, self._attendance.notifier.stay_awake(), "gatetrail watchdog")
            await stack.enter_async_context(open_database(settings, self._talk.step))
            folder = stack.enter_context(_common_folder())
            if self._attendance.reloads:
                self._forward_hang_ups(stack)
            keeping: list[asyncio.Task[None]] = []
            try:
                for number in range(settings.workers):
                    await self._start(folder, number)
                    keeping.append(asyncio.create_task(self._keep(folder, number), name=f"gatetrail worker {number}"))
                self._tell_ready()
                await asyncio.gather(*keeping)
            finally:
                await self._end(keeping)

    def _forward_hang_ups(self, stack: AsyncExitStack) -> None:
        """Each worker reads the policy file itself."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        stack.callback(loop.add_signal_handler, signal.SIGHUP, ignored)

    async def _start(self, folder: Path, number: int) -> None:
        """Start a worker for the first time and wait until it answers."""
        worker = await self._spawn(folder, number)
        if not await worker.answers():
            code = await worker.ended()
            del self._workers[number]
            problem = f"worker {number} ended with {told(code)} before it answered; its own error stands above"
            raise SettingsInvalid(problem) if code == WRONG_USE else Unavailable(problem)

    async def _spawn(self, folder: Path, number: int) -> WorkerProcess:
        attendance = self._attendance
        task = WorkerTask(
            settings=attendance.settings,
            sinks=attendance.sinks,
            listener=attendance.listener.fileno(),
            folder=folder,
            number=number,
            announce=number == 0 and not self._all_ready,
            mint_hint=self._talk.mint_hint,
        )
        self._workers[number] = worker = await WorkerProcess.start(
            self._command, task, watchdog_s=attendance.notifier.watchdog_s
        )
        return worker

    async def _keep(self, folder: Path, number: int) -> None:
        """Start a worker again whenever it ends, until the end of all."""
        loop, pause_s, began_s = asyncio.get_running_loop(), FIRST_PAUSE_S, asyncio.get_running_loop().time()
        while True:
            ended = await self._ended(folder, number)
            if self._ending.is_set():
                return
            if loop.time() - began_s >= STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._talk.warn(f"{ended}; worker {number} is started again in {pause_s:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause_s)
                return
            pause_s, began_s = min(2 * pause_s, LONGEST_PAUSE_S), loop.time()

    async def _ended(self, folder: Path, number: int) -> str:
        """Start a worker unless it runs, wait for its end, and say how that came."""
        try:
            worker = self._workers.get(number) or await self._spawn(folder, number)
        except Unavailable as problem:
            return str(problem)
        code = await worker.ended()
        del self._workers[number]
        return f"worker {number} ended with {told(code)}"

    def _tell_ready(self) -> None:
        self._all_ready = True
        processes = ", ".join(str(worker.process_id) for worker in self._workers.values())
        url = url_of(self._attendance.listener)
        self._talk.say(f"{len(self._workers)} workers answer on {url}: processes {processes}")
        self._attendance.notifier.tell(READY, status=f"{len(self._workers)} workers listening on {url}")

    async def _end(self, keeping: list[asyncio.Task[None]]) -> None:
        """End all workers; each cancellation meanwhile makes them hurry more."""
        self._ending.set()
        limit_s = self._attendance.ending_s
        self._attendance.notifier.tell(STOPPING, f"EXTEND_TIMEOUT_USEC={limit_s * 1_000_000:.0f}", status="ending")
        settings = self._attendance.settings
        self._talk.step(
            f"Ending: nothing new is accepted; calls in flight get {settings.grace_s:g} s to finish,"
            f" then sinks {settings.drain_s:g} s."
        )
        for task in keeping:  # from here on nobody starts a worker
            task.cancel()
        # Else whoever connects now waits for an answer until the last worker has ended. A parent's own copy stays open.
        self._attendance.listener.close()
        self._signal(signal.SIGTERM)
        late = await self._wait_for_all(limit_s)
        await asyncio.gather(*keeping, return_exceptions=True)
        self._talk.step("Ending: all workers have ended.")
        if late:
            raise Unavailable(f"{late} of {settings.workers} workers did not end within {limit_s:g} s and were killed")

    async def _wait_for_all(self, limit_s: float) -> int:
        """How many had to be killed, because the time was over."""
        loop, hurry = asyncio.get_running_loop(), iter(HURRY)
        ends_s = loop.time() + limit_s
        endings = [asyncio.create_task(worker.ended()) for worker in self._workers.values()]
        while any(not ending.done() for ending in endings):
            try:
                await asyncio.wait(endings, timeout=max(0.0, ends_s - loop.time()))
                if late := sum(not ending.done() for ending in endings):
                    self._signal(signal.SIGKILL)
                    await asyncio.wait(endings)
                    return late
            except asyncio.CancelledError:
                self._signal(next(hurry, signal.SIGKILL))
        return 0

    def _hang_up(self) -> None:
        for worker in self._workers.values():
            worker.hang_up()

    def _signal(self, number: signal.Signals) -> None:
        for worker in self._workers.values():
            worker.signal(number)


@contextmanager
def _common_folder() -> Generator[Path]:
    """For the workers' sockets, sessions and numbers; nobody else's. Raises `SettingsInvalid`.

    The lock keeps systemd-tmpfiles from clearing away what has not changed for days (tmpfiles.d(5)).
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="gatetrail-"))
    except OSError as problem:
        raise SettingsInvalid(f"TMPDIR: no folder for the workers' sockets can be made: {problem.strerror}") from None
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if len(os.fsencode(folder)) > LONGEST_PATH_BYTES:
            raise SettingsInvalid(
                f"TMPDIR: {folder.parent} is too long a path for sockets; name another folder, such as /tmp"
            )
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def told(code: int) -> str:
    """An exit code in words; a negative one is the signal that killed the process."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
