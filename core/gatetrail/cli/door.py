"""Async work inside a command, and how a signal ends it in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

NO = 1
"""The exit code when the answer is no."""

Result = TypeVar("Result")


class EndedBySignal(BaseException):
    """SIGINT or SIGTERM came while async work ran, and the work has ended in order."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def within(work: Coroutine[None, None, Result]) -> Result:
    """Run async work to its end. Ctrl-C and SIGTERM cancel it; raises `EndedBySignal` when it has ended for that.

    A further Ctrl-C cancels once more, which cuts short what the end is waiting for; a further SIGTERM changes nothing,
    since service managers send it to every process of a service, some of which pass it on.
    """
    return asyncio.run(_ended_by_signal(work))


async def _ended_by_signal(work: Coroutine[None, None, Result]) -> Result:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    came: list[int] = []

    def end(number: int) -> None:
        if came and number == signal.SIGTERM:
            return
        came.append(number)
        if task is not None:
            task.cancel()

    # What the shell told us to ignore (`nohup`, `&`) stays ignored.
    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, end, number)
    try:
        return await work
    except asyncio.CancelledError:
        if came:
            raise EndedBySignal(came[0]) from None
        raise
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)
