"""Ties itself to its parent and turns into the given program. Linux.

Run as `python -I -S launcher.py PARENT_PID PROGRAM ARGUMENT...`, from a single thread, so nothing here can hang in a
lock that another thread held while forking. The program gets SIGTERM when the parent's thread that started it ends
(prctl(2), PR_SET_PDEATHSIG); by then its stdin has been closed as well.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def main(parent_pid: int, command: list[str]) -> None:
    """Never returns: ends as the program, or with status 126 and a line on stderr."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the parent-death signal cannot be set")
    if os.getppid() != parent_pid:
        sys.exit("the process that wanted this program is gone")
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):  # which Python has changed for itself
        signal.signal(number, signal.SIG_DFL)
    # As it was given: Python may have put a locale of its own into `os.environ` (PEP 538).
    given = Path("/proc/self/environ").read_bytes().split(b"\0")
    environment = dict(entry.split(b"=", 1) for entry in given if b"=" in entry)
    os.execvpe(command[0], command, environment)  # noqa: S606


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), sys.argv[2:])
    except OSError as error:
        sys.stderr.write(f"cannot start {sys.argv[2]}: {error.strerror or error}\n")
        sys.exit(126)
