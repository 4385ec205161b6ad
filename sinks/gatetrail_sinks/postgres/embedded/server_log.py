"""The server's log file: open, bound, and quote it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO

LIMIT_BYTES = 16 * 1024 * 1024
TAIL_LINES = 15
TAIL_BYTES = 8_192


def open_log(path: Path) -> IO[bytes]:
    """Opens at the end for appending, mode 0600, never through a symbolic link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
    file.seek(0, os.SEEK_END)
    return file


def bound(path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Moves the content of a large log to `NAME.1` and empties the file under the server's feet.

    The server appends, so it goes on at the new end. A full disk costs the copy, not the bound.
    """
    if not path.exists() or path.stat().st_size <= limit_bytes:
        return
    try:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    except OSError:
        path.with_name(f"{path.name}.1").unlink(missing_ok=True)
    os.truncate(path, 0)


def tail(path: Path, since_bytes: int = 0) -> str:
    """Gives the last lines written after the offset, or a note that there are none."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(min(since_bytes, end), end - TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        return f"({path} cannot be read: {error.strerror})"
    return "\n".join(lines[-TAIL_LINES:]) or f"({path} has no new lines)"
