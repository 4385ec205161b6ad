"""Work that goes on beside the rest, for as long as a stack of contexts is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from gatetrail.tasks import ended

log = logging.getLogger("gatetrail")


def in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Begin now; cancelled, and waited for, when the stack unwinds. What fails before is told in the log at once."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    stack.push_async_callback(ended, task)


def _tell(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (problem := task.exception()) is not None:
        log.critical("%s has stopped, and stays so until a restart", task.get_name(), exc_info=problem)
