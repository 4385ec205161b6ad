"""The command line. stdout is data, stderr is talk."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command that the process was started with, and end the process."""
    if sys.argv[1:2] == ["hook"]:
        from gatetrail.cli.shortcut import run_hook

        code = run_hook(sys.argv[1:])
        if code is not None:
            sys.exit(code)
    from gatetrail.cli import start

    start.main()
