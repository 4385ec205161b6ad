"""The lock that says which process owns the server of a data folder."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path
from typing import Self

from gatetrail_sinks.postgres.embedded.folder import unusable


class ServerLock:
    """An flock(2) on a file. The kernel lets go of it when its holder ends, however it ends."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise unusable(path, error) from error
        _open_locks.add(self)

    def try_take(self) -> bool:
        """Takes the lock unless another holder has it; never waits."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Closes the file, and lets go of the lock unless a forked copy of it is still open."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_open_locks: weakref.WeakSet[ServerLock] = weakref.WeakSet()


def _forget_in_forked_child() -> None:
    # A child shares its parent's lock, and would keep it after the parent's death.
    for lock in list(_open_locks):
        lock.close()


os.register_at_fork(after_in_child=_forget_in_forked_child)
