"""Work that goes on beside the rest, for as long as a stack of contexts is open."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from gatetrail.tasks import ended


def in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Begin now; cancelled, and waited for, when the stack unwinds."""
    task = asyncio.create_task(work, name=name)
    stack.push_async_callback(ended, task)
