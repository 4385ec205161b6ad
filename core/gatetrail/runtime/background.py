"""Work that goes on beside the rest, for as long as a stack of contexts is open."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

AGAIN_S = 1.0


def in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    """Begin now; cancelled, and waited for, when the stack unwinds.

    Cancelled again while it goes on: psycopg makes a failure of the query out of a cancellation that comes in one.
    """
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN_S)

    stack.push_async_callback(end)
