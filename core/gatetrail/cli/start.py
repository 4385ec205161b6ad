"""Where a command starts and ends: what happens inside becomes an exit code and at most a line or two of talk."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from gatetrail.cli.app import command
from gatetrail.cli.completion import begin
from gatetrail.cli.door import EndedBySignal
from gatetrail.cli.output import ReaderGone, give_up
from gatetrail.cli.talk import say, say_error
from gatetrail.errors import GatetrailError

WRONG_USE = 2
OURS = 70
"""A mistake of ours (sysexits.h, EX_SOFTWARE)."""
BY_SIGNAL = 128
"""Plus the number of the signal that ended a command, as shells tell it."""

DEBUG_VARIABLE = "GATETRAIL_DEBUG"

# Typer brings its own copy of click in some versions and uses the package in others; this is right in both.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]


def main() -> NoReturn:
    """Run the command that the process was started with, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code. Expected errors are told in a line, without a traceback."""
    try:
        begin()
        code = command().main(args=list(arguments), prog_name="gatetrail", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return BY_SIGNAL + signal.SIGINT
    except EndedBySignal as ending:
        return BY_SIGNAL + ending.number
    except (ReaderGone, BrokenPipeError):
        give_up()
        return 0
    except GatetrailError as problem:
        say_error(str(problem))
        return problem.exit_code
    except Exception as problem:  # noqa: BLE001 -- nobody is further out
        return _wrong_use(problem) if isinstance(problem, _UsageError) else _unexpected(problem)
    return code if isinstance(code, int) else 0


def _wrong_use(problem: Any) -> int:
    if problem.ctx is not None:
        say(problem.ctx.get_usage())
    say_error(_without_jargon(problem.format_message()))
    if problem.ctx is not None:
        say(f"Try '{problem.ctx.command_path} --help'.")
    return WRONG_USE


def _without_jargon(message: str) -> str:
    # Some versions of typer put the class of the exception in front of what was wrong.
    return message.replace("Value error, ", "").removesuffix(".")


def _unexpected(problem: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(problem)
    text = " ".join(str(problem).split()) or "no message"
    say_error(f"unexpected {type(problem).__name__}: {text}")
    if not os.environ.get(DEBUG_VARIABLE):
        say(f"This should not happen. Set {DEBUG_VARIABLE}=1 to see where it came from.")
    return OURS
