"""The policy file, read until it holds still. Everything runs in threads: a network file system may hang."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from gatetrail.errors import PolicyInvalid, PolicyProblem
from gatetrail.policy.load import content_of

SETTLED_S = 0.1
"""What has not changed for so long counts as written."""
DOUBTFUL_S = 0.5
"""The same for what looks half-written: empty, without a line break at its end, gone, or of no use as a policy."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the file held, or why it could not be read."""

    content: bytes
    problem: PolicyInvalid | None = None

    def is_as(self, other: Reading | None) -> bool:
        """True when the file was the same."""
        return other is not None and self.content == other.content and str(self.problem) == str(other.problem)

    @property
    def is_doubtful(self) -> bool:
        """True when a writer may not have come to the end yet."""
        return self.problem is not None or not self.content.endswith(b"\n")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One path. What lies there may be swapped by renaming or by links at any time."""

    path: Path

    async def marks(self) -> tuple[int, ...]:
        """What changes when the file does, as cheap to ask as can be; empty when there is no file."""
        return await in_thread(lambda: _marks(self.path))

    def read_now(self) -> Reading:
        """As it is at this moment. May block."""
        return _read(self.path)

    async def read(self) -> Reading:
        """The same, without blocking anybody else."""
        return await in_thread(self.read_now)

    async def settled(self, known: Reading | None = None) -> Reading:
        """As it is once it holds still; at once when it is as `known`. Waits for as long as it is being written."""
        reading = await self.read()
        while not reading.is_as(known):
            await asyncio.sleep(DOUBTFUL_S if reading.is_doubtful else SETTLED_S)
            again = await self.read()
            if again.is_as(reading):
                break
            reading = again
        return reading


async def in_thread(work: Callable[[], Result]) -> Result:
    """The result of something that may block, which nobody waits for any longer once it is cancelled."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _marks(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(path: Path) -> Reading:
    try:
        _refuse_what_blocks(path)
        return Reading(content_of(path))
    except PolicyInvalid as problem:
        return Reading(b"", problem)


def _refuse_what_blocks(path: Path) -> None:
    """A pipe is opened only when somebody writes to it, which may be never."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 -- beside `stat`, whose words these are
    except OSError:
        return  # reading tells what is wrong
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise PolicyInvalid(str(path), (PolicyProblem(0, "", "is no regular file"),))
