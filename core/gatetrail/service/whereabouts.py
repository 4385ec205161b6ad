"""Which worker holds which MCP session, in a folder that the workers of one service share."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path

log = logging.getLogger("gatetrail.http")

KEPT = 50_000
"""Sessions of one worker that the others can find; the oldest are forgotten first."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_LOCK = ".lock"


class Whereabouts:
    """A symbolic link for each session, from its id to the number of its worker: made and read in microseconds.

    An id that could not be a file's name is nobody's session. What a former worker of this number has left behind is
    removed at once: its sessions ended with it.
    """

    def __init__(self, folder: Path, own: int) -> None:
        self._folder = folder
        self._own = str(own)
        self._noted: OrderedDict[str, None] = OrderedDict()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            for link in folder.iterdir():
                if self._read(link.name) == self._own:
                    self._remove(link.name)

    def note(self, session_id: str) -> None:
        """A session has begun in this worker."""
        if not _ID.fullmatch(session_id):
            return
        try:
            os.symlink(self._own, self._folder / session_id)  # noqa: PTH211 -- the target is no path
        except FileExistsError:
            pass
        except OSError as problem:  # it is served all the same, by whichever worker is asked
            log.warning("the other workers cannot find a session of this one: %s", problem)
        self._noted[session_id] = None
        if len(self._noted) > KEPT:
            self._remove(self._noted.popitem(last=False)[0])

    def claim(self, session_id: str, gone: int | None) -> bool:
        """Whether this worker may go on with a session; from then on the others find it here.

        `gone` is a holder that has been found to be gone, None where there was nobody. Of several that claim it at the
        same moment one may.
        """
        if not _ID.fullmatch(session_id):
            return True
        with self._alone():
            holder = self._read(session_id)
            if holder not in {None, self._own, None if gone is None else str(gone)}:
                self._noted.pop(session_id, None)
                return False
            if holder != self._own:
                self._remove(session_id)
            self.note(session_id)
        return True

    def forget(self, session_id: str) -> None:
        """A session of this worker is over."""
        if self._noted.pop(session_id, self) is not self:
            self._remove(session_id)

    def elsewhere(self, session_id: str) -> int | None:
        """The number of the other worker that holds a session; None when it is ours, or nobody's."""
        if session_id in self._noted or not _ID.fullmatch(session_id):
            return None
        found = self._read(session_id)
        return None if found is None or found == self._own or not found.isdecimal() else int(found)

    def _read(self, name: str) -> str | None:
        try:
            return os.readlink(self._folder / name)  # noqa: PTH115 -- the target is no path
        except OSError:
            return None

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """No other worker changes who holds what; for moments only."""
        try:
            lock = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            log.warning("the other workers cannot be asked who holds a session: %s", problem)
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
