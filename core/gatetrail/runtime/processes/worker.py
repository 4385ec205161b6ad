"""One of several processes that answer on a port, started by a supervisor."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from gatetrail.runtime.processes.attendance import Attendance, Talk
from gatetrail.runtime.processes.hang_up import ignored
from gatetrail.runtime.processes.notify import notifier_of
from gatetrail.runtime.telling import Tell, quiet
from gatetrail.service.listening import adopt
from gatetrail.service.neighbours import Place
from gatetrail.settings import ServiceSettings

_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What the supervisor tells a worker, through a pipe: the settings hold secrets."""

    settings: ServiceSettings
    sinks: bool
    listener: int
    """The descriptor of the socket, which the process has inherited."""
    folder: Path
    number: int
    """From 0; a worker that is started again keeps it."""
    announce: bool
    """Whether this one says for all where the service is."""
    mint_hint: str

    def as_bytes(self) -> bytes:
        """To be written to the worker, and no other bytes after it: they would end it."""
        content = pickle.dumps(self)
        return len(content).to_bytes(_LENGTH_BYTES) + content


def read_task(pipe: int) -> WorkerTask:
    """What the supervisor wrote. Raises `EOFError` when that is not whole."""
    length = int.from_bytes(_read(pipe, _LENGTH_BYTES))
    task: WorkerTask = pickle.loads(_read(pipe, length))  # noqa: S301 -- from our own parent
    return task


async def work(task: WorkerTask, pipe: int, say: Tell, warn: Tell, environment: MutableMapping[str, str]) -> None:
    """Answer until cancelled; the end of the supervisor, seen by the end of the pipe, counts as SIGTERM.

    Steps of the end are the supervisor's to tell. Raises what `attend` raises.
    """
    from gatetrail.runtime.processes.attending import attend  # not for the supervisor, which only makes tasks

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, ignored)
    loop.add_reader(pipe, _end_with_supervisor, pipe)
    with adopt(task.listener, "worker") as listener:
        attendance = Attendance(
            settings=task.settings,
            sinks=task.sinks,
            listener=listener,
            talk=Talk(say, warn, quiet, task.mint_hint) if task.announce else Talk(quiet, quiet, quiet, task.mint_hint),
            notifier=notifier_of(environment, os.getpid()),
            reloads=True,
            place=Place(task.folder, task.number),
        )
        try:
            await attend(attendance)
        finally:
            loop.remove_reader(pipe)


def _end_with_supervisor(pipe: int) -> None:
    asyncio.get_running_loop().remove_reader(pipe)
    signal.raise_signal(signal.SIGTERM)


def _read(pipe: int, count: int) -> bytes:
    content = bytearray()
    while len(content) < count:
        piece = os.read(pipe, count - len(content))
        if not piece:
            raise EOFError("the supervisor has ended before it said what to do")
        content += piece
    return bytes(content)
