"""A program in a process group of its own, and its certain end. POSIX."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from gatetrail.programs import group_lives, tied

GRACE_S = 2.0
"""How long a program may take to end by itself after its stdin was closed; and again after SIGTERM."""
LAST_S = 2.0
"""How long is waited for the kernel to end what was killed."""
POLL_S = 0.02


async def start(command: tuple[str, ...], folder: Path | None, environment: Mapping[str, str]) -> Process:
    """Start a program. Raises OSError, with the program's name, when it cannot be started."""
    if folder is not None and not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}")
    try:
        _findable(command[0], folder or Path(), environment)
        return await asyncio.create_subprocess_exec(
            *tied(command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as problem:
        raise OSError(f"{command[0]}: {problem.strerror or problem}") from problem


def _findable(program: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Raises OSError where the launcher would only find out later."""
    wanted = str(folder / program) if os.sep in program else program
    if shutil.which(wanted, path=environment.get("PATH", os.defpath)) is None:
        number = errno.EACCES if os.sep in program and Path(wanted).exists() else errno.ENOENT
        raise OSError(number, os.strerror(number))


async def end(process: Process) -> None:
    """End a program and all that it has started: stdin is closed, then SIGTERM, then SIGKILL, with a pause after each.

    The steps are those of the specification (MCP 2025-11-25, lifecycle, shutdown). What has left the process group
    escapes. Takes six seconds at most, and nothing but the first pause for a program that keeps to the protocol.
    """
    if process.stdin is not None:
        process.stdin.close()
    await within(GRACE_S, lambda: process.returncode is not None)
    # The program is the leader of its group, whose number stays taken while anybody is in it.
    for number, pause_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, LAST_S)):
        if not group_lives(process.pid):
            break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        await within(pause_s, lambda: process.returncode is not None and not group_lives(process.pid))
    # A survivor may hold a pipe open, and the transport would warn when it is collected; nothing public closes it.
    transport: asyncio.BaseTransport | None = getattr(process, "_transport", None)
    if transport is not None:
        with suppress(PermissionError):
            transport.close()


async def within(limit_s: float, holds: Callable[[], bool]) -> None:
    """Wait until something holds, at most until the limit."""
    # Not `Process.wait`, which also waits for pipes that a child of the program may have inherited.
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            while not holds():  # noqa: ASYNC110 -- nothing tells of the end of a group
                await asyncio.sleep(POLL_S)
