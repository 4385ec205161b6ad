"""SIGHUP: read the policy file anew."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from gatetrail.runtime.background import in_background


def on_hang_up(stack: AsyncExitStack, work: Callable[[], Awaitable[None]]) -> None:
    """Do this at each SIGHUP for as long as the stack is open; signals that come meanwhile count as one.

    Afterwards the signal does nothing: a process that is ending must not die of it.
    """
    rung = asyncio.Event()

    async def answer() -> None:
        while True:
            await rung.wait()
            rung.clear()
            await work()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, rung.set)
    stack.callback(loop.add_signal_handler, signal.SIGHUP, ignored)
    in_background(stack, answer(), "gatetrail SIGHUP")


def ignored() -> None:
    """What SIGHUP does before there is a policy to read anew, and after."""
