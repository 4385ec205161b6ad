"""`gatetrail worker`: one process of several that `gatetrail serve` starts. Nobody else does."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from gatetrail.cli.door import EndedBySignal, within
from gatetrail.errors import WrongUse

EXAMPLES = """Examples:

\b
  gatetrail serve --workers 4
"""
COMMAND = (sys.executable, "-m", "gatetrail", "worker")


def worker() -> None:
    """Started by `gatetrail serve --workers N`, which tells it on standard input what to do."""
    from gatetrail.cli.logs import log_to_stderr, tellers
    from gatetrail.runtime.processes.worker import read_task, work

    pipe = sys.stdin.fileno()
    if os.isatty(pipe):
        raise WrongUse("worker: is started by gatetrail serve --workers N, not by hand")
    try:
        task = read_task(pipe)
    except EOFError as problem:
        raise WrongUse(f"worker: {problem}") from None
    log_to_stderr(task.settings.logs)
    say, warn = tellers(task.settings.logs)
    with suppress(EndedBySignal):  # it ended in order, which is what was asked for
        within(work(task, pipe, say, warn, os.environ))
