"""A hook's program: JSON on stdin, an answer by exit code, and its certain end. POSIX."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import anyio

from gatetrail.hooks.answers import MAX_ANSWER_BYTES, Answer, HookFailure, answer_of_exit
from gatetrail.policy.hooks import HookCommand
from gatetrail.programs import group_lives, tied

END_S = 0.5
"""Between SIGTERM and SIGKILL, and how long is waited for the kernel after that."""
REST_S = 0.1
"""How long its last words may take that outlive it in a pipe."""
CHUNK_BYTES = 16 << 10
FIRST_LOOK_S, LAST_LOOK_S = 0.001, 0.02
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


async def run_command(command: HookCommand, environment: Mapping[str, str], body: bytes) -> Answer:
    """Run it to its end. Nothing that it has started is left in its process group, also when this is cancelled.

    `environment` is that of the service, of which it gets what it names. Raises `HookFailure`.
    """
    process = await _started(command, environment)
    talk = _Talk(process)
    work = [asyncio.create_task(part) for part in (talk.tell(body), talk.hear(), talk.hear_errors())]
    try:
        status = await talk.ended()
        await asyncio.wait(work, timeout=REST_S)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
            for task in work:
                task.cancel()
            await asyncio.wait(work)
    if talk.said_too_much:
        raise HookFailure(f"it wrote more than {MAX_ANSWER_BYTES} bytes")
    return answer_of_exit(status, bytes(talk.stdout), bytes(talk.stderr))


async def _started(command: HookCommand, environment: Mapping[str, str]) -> Process:
    given = {name: environment[name] for name in command.environment if name in environment}
    try:
        _check(command)
        return await asyncio.create_subprocess_exec(
            *tied(command.argv),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=command.folder,
            env={"PATH": PATH, **given},
            start_new_session=True,
        )
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise HookFailure(f"it cannot be started: {reason or type(problem).__name__}") from problem


def _check(command: HookCommand) -> None:
    """Raises OSError where the launcher would only find out later."""
    if not Path(command.folder).is_dir():
        raise OSError(errno.ENOTDIR, f"there is no folder {command.folder}")
    program = Path(command.argv[0])
    if not program.is_file():
        raise OSError(errno.ENOENT, "there is no such program")
    if not os.access(program, os.X_OK):
        raise OSError(errno.EACCES, "the service may not run that file")


class _Talk:
    """The three pipes of one program."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.said_too_much = False

    async def tell(self, body: bytes) -> None:
        """What it does not read is its own affair."""
        stdin = self._process.stdin
        if stdin is None:
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            stdin.write(body + b"\n")
            await stdin.drain()
        stdin.close()

    async def hear(self) -> None:
        await self._read(self._process.stdout, self.stdout)

    async def hear_errors(self) -> None:
        await self._read(self._process.stderr, self.stderr)

    async def ended(self) -> int:
        """Its exit code, or minus the signal's number. -SIGTERM, too, for one that writes without end."""
        # Not `Process.wait`, which also waits for pipes that a child of the program may have inherited.
        pause_s = FIRST_LOOK_S
        while (status := self._process.returncode) is None and not self.said_too_much:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LAST_LOOK_S)
        return -signal.SIGTERM if status is None else status

    async def _read(self, pipe: asyncio.StreamReader | None, into: bytearray) -> None:
        while pipe is not None and (chunk := await pipe.read(CHUNK_BYTES)):
            into += chunk
            if len(into) > MAX_ANSWER_BYTES:
                self.said_too_much = True
                return


async def _end(process: Process) -> None:
    """End it, if it still runs, and all that it has started. What has left the process group escapes."""
    # The program is the leader of its group, whose number stays taken while anybody is in it.
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None and not group_lives(process.pid):
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        await _within(END_S, lambda: process.returncode is not None and not group_lives(process.pid))
    # A survivor may hold a pipe open, and the transport would warn when it is collected; nothing public closes it.
    transport: asyncio.BaseTransport | None = getattr(process, "_transport", None)
    if transport is not None:
        with suppress(PermissionError):
            transport.close()


async def _within(limit_s: float, holds: Callable[[], bool]) -> None:
    pause_s = FIRST_LOOK_S
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while not holds():
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, LAST_LOOK_S)
