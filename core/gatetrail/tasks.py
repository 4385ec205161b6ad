"""Ending what runs beside the rest, for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

AGAIN_S = 1.0


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end, whatever that is.

    Asked again each second: psycopg makes a failure of the query out of a cancellation that comes in one.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Run works that do not end by themselves, until cancelled or until one fails; then all of them end."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            await ended(task)
