"""Becomes the server's user, ties itself to its parent, and turns into the given program.

Run as `python -I -S launcher.py PARENT_PID UID GID PROGRAM ARGUMENT...`, from a single thread, so
nothing here can hang in a lock that another thread held while forking. UID `-1` keeps the user.
Environment variables named `SERVER_...` are handed on without the prefix, all others are left
behind.

On Linux the program gets SIGINT when the parent's thread that started it ends: to PostgreSQL that
is a fast shutdown with a checkpoint. The order matters, because the kernel forgets the signal when
the user changes (prctl(2), PR_SET_PDEATHSIG).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PREFIX = "SERVER_"


def main(parent_pid: int, uid: int, gid: int, command: list[str]) -> None:
    """Never returns: ends as the program, or with status 126 and a line on stderr."""
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux" and libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the parent-death signal cannot be set")
    if os.getppid() != parent_pid:
        sys.exit("the process that wanted this server is gone")
    kept = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    os.execve(command[0], command, kept)  # noqa: S606


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    except OSError as error:
        sys.stderr.write(f"cannot start {sys.argv[4]} as user number {sys.argv[2]}: {error}\n")
        sys.exit(126)
