"""Which worker holds which MCP session, in a folder that the workers of one service share."""

from __future__ import annotations

import contextlib
import os
import re
from collections import OrderedDict
from pathlib import Path

KEPT = 50_000
"""Sessions of one worker that the others can find; the oldest are forgotten first."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


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
        for link in folder.iterdir():
            if self._read(link.name) == self._own:
                self._remove(link.name)

    def note(self, session_id: str) -> None:
        """A session has begun in this worker."""
        if not _ID.fullmatch(session_id):
            return
        with contextlib.suppress(FileExistsError):
            os.symlink(self._own, self._folder / session_id)  # noqa: PTH211 -- the target is no path
        self._noted[session_id] = None
        if len(self._noted) > KEPT:
            self._remove(self._noted.popitem(last=False)[0])

    def take_over(self, session_id: str, holder: int | None) -> None:
        """This worker goes on with a session; `holder` is who has been found to be gone, None where there was nobody.

        Who has taken it over from there meanwhile keeps it: then two hold it, and the next request goes to that one.
        """
        if holder is not None and self._read(session_id) == str(holder):
            self._remove(session_id)
        self.note(session_id)
        if self._read(session_id) != self._own:
            self._noted.pop(session_id, None)

    def forget(self, session_id: str) -> None:
        """A session of this worker is over."""
        if self._noted.pop(session_id, self) is not self:
            self._remove(session_id)

    def elsewhere(self, session_id: str) -> int | None:
        """The number of the other worker that holds a session; None when it is ours, or nobody's."""
        if session_id in self._noted or not _ID.fullmatch(session_id):
            return None
        found = self._read(session_id)
        return None if found is None or found == self._own else int(found)

    def _read(self, name: str) -> str | None:
        try:
            return os.readlink(self._folder / name)  # noqa: PTH115 -- the target is no path
        except OSError:
            return None

    def _remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._folder / name).unlink()
