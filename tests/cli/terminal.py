"""A terminal of some size, and what stands on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.cells import cell_len

WITHIN_S = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]")


class Terminal:
    """A program on a pseudo-terminal, which it has for itself."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": environment.get("TERM", "xterm-256color")},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._seen = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()
        os.close(self._ours)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def wait_for(self, pattern: str) -> str:
        """All that came since the last call, as soon as the pattern is in it, without escape sequences."""
        deadline = time.monotonic() + WITHIN_S
        while not re.search(pattern, shown := plain(self._seen.decode(errors="replace"))):
            assert self._read(deadline), f"not seen: {pattern!r}; but {self._seen!r}"
        self._seen = b""
        return shown

    def all(self) -> str:
        """Everything that comes until the program ends."""
        deadline = time.monotonic() + WITHIN_S
        while self._read(deadline):
            pass
        return self._seen.decode().replace("\r\n", "\n")

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"nothing more within {WITHIN_S:g} s; got {self._seen!r}"
        try:
            came = os.read(self._ours, 65_536)
        except OSError:  # Linux tells the end of the other side so
            return False
        self._seen += came
        return bool(came)


def plain(text: str) -> str:
    """Without colours and the like."""
    return _ESCAPES.sub("", text)


def widest(text: str) -> int:
    """Cells of the longest line."""
    return max((cell_len(line) for line in plain(text).splitlines()), default=0)
