"""The outermost door of a command: what happens inside becomes an exit code and at most a line or two of talk."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn, TypeVar

import typer

from gatetrail.cli.output import ReaderGone
from gatetrail.cli.talk import say, say_error
from gatetrail.errors import GatetrailError

NO = 1
"""The answer is no."""
WRONG_USE = 2
OURS = 70
"""A mistake of ours (sysexits.h, EX_SOFTWARE)."""
BY_SIGNAL = 128
"""Plus the number of the signal that ended a command, as shells tell it."""

DEBUG_VARIABLE = "GATETRAIL_DEBUG"

Result = TypeVar("Result")

# Typer brings its own copy of click in some versions and uses the package in others; this is right in both.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]


class EndedBySignal(BaseException):
    """SIGINT or SIGTERM came while async work ran, and the work has ended in order."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


def main() -> NoReturn:
    """Run the command that the process was started with, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code. Expected errors are told in a line, without a traceback."""
    from gatetrail.cli.app import command

    try:
        code = command().main(args=list(arguments), prog_name="gatetrail", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return BY_SIGNAL + signal.SIGINT
    except EndedBySignal as ending:
        return BY_SIGNAL + ending.number
    except (ReaderGone, BrokenPipeError):
        return _reader_gone()
    except GatetrailError as problem:
        say_error(str(problem))
        return problem.exit_code
    except Exception as problem:  # noqa: BLE001 -- nobody is further out
        return _wrong_use(problem) if isinstance(problem, _UsageError) else _unexpected(problem)
    return code if isinstance(code, int) else 0


def within(work: Coroutine[None, None, Result]) -> Result:
    """Run async work to its end. Ctrl-C and SIGTERM cancel it; raises `EndedBySignal` when it has ended for that."""
    return asyncio.run(_ended_by_signal(work))


async def _ended_by_signal(work: Coroutine[None, None, Result]) -> Result:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    came: list[int] = []

    def end(number: int) -> None:
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


def _reader_gone() -> int:
    """Nobody waits for the rest, and Python must not try to flush it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _wrong_use(problem: Any) -> int:
    if problem.ctx is not None:
        say(problem.ctx.get_usage())
    say_error(problem.format_message())
    if problem.ctx is not None:
        say(f"Try '{problem.ctx.command_path} --help'.")
    return WRONG_USE


def _unexpected(problem: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(problem)
    text = " ".join(str(problem).split()) or "no message"
    say_error(f"unexpected {type(problem).__name__}: {text}")
    if not os.environ.get(DEBUG_VARIABLE):
        say(f"This should not happen. Set {DEBUG_VARIABLE}=1 to see where it came from.")
    return OURS
