"""A server that an earlier owner left running, and pid files that only look like one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from gatetrail.errors import DatabaseUnavailable

GRACE_S = 2.0
POLL_S = 0.05
PS_TIMEOUT_S = 5.0


class Recorded(Enum):
    """What the pid in `postmaster.pid` is today."""

    GONE = auto()
    ZOMBIE = auto()
    STRANGER = auto()
    SERVER = auto()


def settle_leftover(cluster: Path, deadline_s: float, pause: Callable[[float], bool]) -> int | None:
    """Returns when no earlier server of this cluster runs.

    Call it under the server's lock: whatever still runs then has no owner. On Linux it is on its
    way out already; elsewhere, or when it lingers, it is asked to go (SIGINT, a fast shutdown).
    `pause` waits for so many seconds and gives True when the caller has lost interest.

    Returns:
        A pid that the file names although it is no server, which the new server has to be told
        to disregard; the file itself is the server's to judge.

    Raises:
        DatabaseUnavailable: the old server is still there at `deadline_s` (monotonic seconds).
    """
    ask_at_s = time.monotonic() + GRACE_S
    while (pid := recorded_pid(cluster)) is not None:
        found = classify(pid, cluster)
        if found is not Recorded.SERVER:
            return None if found is Recorded.GONE else pid
        now_s = time.monotonic()
        if now_s >= deadline_s:
            raise DatabaseUnavailable(
                f"An earlier PostgreSQL server (pid {pid}) still runs in {cluster} and does not "
                "stop. Look at what it does, or end it, and start again."
            )
        if now_s >= ask_at_s:
            _ask_to_stop(pid)
            ask_at_s = deadline_s
        if pause(POLL_S):
            break
    return None


def recorded_pid(cluster: Path) -> int | None:
    """Gives the pid in the cluster's `postmaster.pid`, or None without a readable one."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(cluster / "postmaster.pid", flags)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        first = file.readline(32).strip()
    return int(first) if first.isdigit() and int(first) > 0 else None


def classify(pid: int, cluster: Path) -> Recorded:
    """Looks at the process itself; that a pid exists says nothing about what it is."""
    if not _exists(pid):
        return Recorded.GONE
    state, command = _describe(pid)
    if state == "":
        return Recorded.GONE
    if state in {"Z", "X"}:
        return Recorded.ZOMBIE
    if command != "postgres" or _works_elsewhere(pid, cluster):
        return Recorded.STRANGER
    return Recorded.SERVER


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _describe(pid: int) -> tuple[str, str]:
    """Gives the state's letter and the program's name; empty ones when the process is gone."""
    if sys.platform == "linux":
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return "", ""
        name = text[text.index("(") + 1 : text.rindex(")")]
        return text[text.rindex(")") + 2], name
    found = subprocess.run(
        ["/bin/ps", "-o", "state=,comm=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PS_TIMEOUT_S,
    )
    state, _, command = found.stdout.strip().partition(" ")
    return state[:1], Path(command.strip()).name


def _works_elsewhere(pid: int, cluster: Path) -> bool:
    """A server's working folder is its cluster; where that cannot be read, assume ours."""
    try:
        return not Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _ask_to_stop(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGINT)
