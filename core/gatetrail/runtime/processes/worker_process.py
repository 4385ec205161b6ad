"""The process of one worker, as its supervisor holds it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Self

from gatetrail.errors import Unavailable
from gatetrail.runtime.metrics.shared import SharedMetrics
from gatetrail.runtime.processes.notify import READY, WATCHDOG
from gatetrail.runtime.processes.worker import WorkerTask

_MESSAGE_BYTES = 4_096


class WorkerProcess:
    """A fresh interpreter with the listening socket, which tells how it is as it would tell systemd (sd_notify(3)).

    Its standard input stays open for as long as we live: that is how it learns that we have ended without a word. It
    has a process group of its own, so that Ctrl-C in a terminal comes to us alone.
    """

    def __init__(self, process: Process, ear: socket.socket, metrics: SharedMetrics, watchdog_s: float | None) -> None:
        self.process_id = process.pid
        self._process = process
        self._ear = ear
        self._metrics = metrics
        self._ready = asyncio.Event()
        self._watchdog_s = watchdog_s
        self._watching: asyncio.TimerHandle | None = None
        self._owes_hang_up = False
        self._ending: asyncio.Task[int] = asyncio.create_task(self._end())
        asyncio.get_running_loop().add_reader(ear, self._hear)

    @classmethod
    async def start(cls, command: tuple[str, ...], task: WorkerTask, *, watchdog_s: float | None) -> Self:
        """Start a process that gets `task` on its standard input and inherits the task's socket.

        With `watchdog_s` it is killed when it says nothing for that long after it was ready. Raises `Unavailable`.
        """
        address = task.folder / f"notify-{task.number}"
        metrics = SharedMetrics(task.folder / "metrics")
        try:
            environment = {**os.environ, **metrics.environment, "NOTIFY_SOCKET": str(address)}
            ear = _ear_at(address)
        except OSError as problem:
            raise Unavailable(f"a worker has no place in {task.folder}: {problem.strerror}") from None
        if watchdog_s is not None:
            environment["WATCHDOG_USEC"] = str(round(watchdog_s * 1_000_000))
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, pass_fds=(task.listener,), env=environment, process_group=0
            )
        except OSError as problem:
            ear.close()
            raise Unavailable(f"a worker cannot be started by {command[0]}: {problem.strerror}") from None
        except BaseException:
            ear.close()
            raise
        assert process.stdin is not None  # noqa: S101 -- asked for
        process.stdin.write(task.as_bytes())
        return cls(process, ear, metrics, watchdog_s)

    async def answers(self) -> bool:
        """Wait until requests are answered; False when the process ended before."""
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait((ready, self._ending), return_when=asyncio.FIRST_COMPLETED)
            return self._ready.is_set()
        finally:
            ready.cancel()

    async def ended(self) -> int:
        """Wait for its end; the exit code, or the negative number of the signal that killed it."""
        return await asyncio.shield(self._ending)

    def signal(self, number: signal.Signals) -> None:
        """To a process that is gone this does nothing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def hang_up(self) -> None:
        """SIGHUP; to a process that is only starting, which would die of it, as soon as it answers."""
        self._owes_hang_up = not self._ready.is_set()
        if not self._owes_hang_up:
            self.signal(signal.SIGHUP)

    async def _end(self) -> int:
        try:
            return await self._process.wait()
        finally:
            asyncio.get_running_loop().remove_reader(self._ear)
            self._ear.close()
            self._metrics.forget(self.process_id)
            if self._watching is not None:
                self._watching.cancel()

    def _hear(self) -> None:
        try:
            words = self._ear.recv(_MESSAGE_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            return
        if READY in words:
            self._ready.set()
            if self._owes_hang_up:
                self.hang_up()
        if READY in words or WATCHDOG in words:
            self._watch_anew()

    def _watch_anew(self) -> None:
        if self._watchdog_s is None or not self._ready.is_set():
            return
        if self._watching is not None:
            self._watching.cancel()
        loop = asyncio.get_running_loop()
        self._watching = loop.call_later(self._watchdog_s, self.signal, signal.SIGKILL)


def _ear_at(address: Path) -> socket.socket:
    address.unlink(missing_ok=True)
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        ear.bind(str(address))
    except OSError:
        ear.close()
        raise
    ear.setblocking(False)
    return ear
