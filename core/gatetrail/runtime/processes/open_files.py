"""How many files and connections a process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress


def allow_all_open_files() -> None:
    """Raise our soft limit to the hard one. The usual soft limit, 1024, is there for programs that use select(2).

    Processes that are started later inherit it (getrlimit(2)).
    """
    with suppress(OSError, ValueError):  # a system call filter, or a kernel that does not grant its own limit
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
