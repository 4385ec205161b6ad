"""Programs that end when we are killed, and whether any of what they have started is still there. POSIX."""

from __future__ import annotations

import os
import sys
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")


def tied(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command, so that the program is told to end when we are killed, where the system can do so."""
    if sys.platform != "linux" or not sys.executable:
        return command
    return (sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *command)


def group_lives(group: int) -> bool:
    """Whether anybody is in a process group; a program that leads one and is gone may have left others there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
