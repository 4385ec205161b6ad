"""Starting a program as the server's user, so that it ends when we do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded.account import ServerAccount

LAUNCHER = Path(__file__).with_name("launcher.py")
REACH = Path(__file__).with_name("reach.py")
PROBE_TIMEOUT_S = 20.0
BASE_ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}


def spawn(
    command: list[str],
    account: ServerAccount,
    output: IO[bytes],
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts the program as a direct child, in a session of its own, with both outputs to `output`.

    Call it from a thread that lives as long as the program shall: on Linux the program gets SIGINT
    when that thread ends.
    """
    uid = -1 if account.is_ours else account.uid
    identity = [str(os.getpid()), str(uid), str(account.gid)]
    return subprocess.Popen(
        [*_python(), str(LAUNCHER), *identity, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=_inherited({**BASE_ENVIRONMENT, **(environment or {})}),
        start_new_session=True,
        umask=0o077,
    )


def first_unreachable(account: ServerAccount, *paths: Path) -> Path | None:
    """Gives the first step on the way to the paths that is closed to the account."""
    if account.is_ours:
        return None
    found = subprocess.run(
        [*_python(), str(REACH), str(account.uid), str(account.gid), *map(str, paths)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        text=True,
        check=False,
        timeout=PROBE_TIMEOUT_S,
    )
    if found.returncode != 0:
        reason = found.stderr.strip().rpartition("\n")[2]
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL cannot run as user '{account.name}': {reason}. Start as an "
            "ordinary user, or set GATETRAIL_DSN to another PostgreSQL server."
        )
    return Path(found.stdout.strip()) if found.stdout.strip() else None


def _python() -> list[str]:
    if not sys.executable:
        raise DatabaseUnavailable(
            "The embedded PostgreSQL needs to know where the Python program is, and this process "
            "does not (sys.executable is empty). Set GATETRAIL_DSN to another PostgreSQL server."
        )
    return [sys.executable, "-I", "-S"]


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Python itself may need our environment (a library path); the launcher drops it again."""
    return {**os.environ, **{f"SERVER_{name}": value for name, value in environment.items()}}
