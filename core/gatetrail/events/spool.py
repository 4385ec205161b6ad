"""Local files that keep events while the journal is away, one file per process, one event a line."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gatetrail.events.fields import Record
from gatetrail.events.model import Event
from gatetrail.events.wire import canonical, keys_of, parse

log = logging.getLogger("gatetrail.spool")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that the journal has not got yet. `end_bytes` is where the file ended when they were read."""

    events: tuple[Event, ...]
    end_bytes: int


class SpoolFile:
    """One spool file, held under an exclusive lock for as long as it is open."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def keep(self, event: Record) -> None:
        """Make one event durable before returning. Safe to call from threads. Raises OSError."""
        line = canonical(keys_of(event)) + b"\n"
        with self._lock:
            size = os.fstat(self._descriptor).st_size
            try:
                if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                    line = b"\n" + line
                _write_whole(self._descriptor, line)
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, size)
                raise

    def waiting(self) -> Waiting:
        """What is in the file now. A torn last line of a process that died in its write is no event and is told."""
        with self._lock:
            size = os.fstat(self._descriptor).st_size
            content = os.pread(self._descriptor, size, 0)
        return Waiting(tuple(self._events(content)), size)

    def drop(self, waiting: Waiting) -> None:
        """Forget events that the journal has; those that came since they were read stay."""
        with self._lock:
            size = os.fstat(self._descriptor).st_size
            rest = os.pread(self._descriptor, size - waiting.end_bytes, waiting.end_bytes)
            if rest:
                self._replace(rest)
            else:
                os.ftruncate(self._descriptor, 0)

    def remove(self) -> None:
        """Delete the file and let go of it."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file; another process may take it over."""
        os.close(self._descriptor)

    def _replace(self, content: bytes) -> None:
        # Doubles are possible if we die in here, losses are not: the import looks for doubles.
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)
        _write_whole(self._descriptor, content)
        os.fsync(self._descriptor)

    def _events(self, content: bytes) -> Iterator[Event]:
        for line in content.splitlines():
            try:
                yield parse(line)
            except ValidationError:
                if line:
                    log.error("%s holds a line that is no event: %r", self.path, line[:200])


class Spool:
    """The folder of spool files: this process's own, and those of processes that died."""

    def __init__(self, folder: Path, instance_id: str) -> None:
        self._folder = folder
        self._own_path = folder / f"{instance_id}.jsonl"
        self._own: SpoolFile | None = None
        self._opening = threading.Lock()

    def keep(self, event: Record) -> None:
        """Make one event durable in this process's file. Raises OSError when the disk refuses."""
        self._own_file().keep(event)

    @property
    def own(self) -> SpoolFile | None:
        """This process's file; None as long as nothing had to be kept."""
        return self._own

    def abandoned(self) -> Iterator[SpoolFile]:
        """The files of processes that died, each locked until it is removed or closed."""
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else ():
            if path == self._own_path:
                continue
            opened = _open_locked(path, os.O_RDWR)
            if opened is not None:
                yield opened

    def waiting_count(self) -> int:
        """Events in all files of the folder, also those of other processes. Reads them: not for the event loop."""
        return sum(_line_count(path) for path in self._folder.glob("*.jsonl")) if self._folder.is_dir() else 0

    def close(self) -> None:
        """Let go of the own file; delete it when nothing waits in it."""
        if self._own is not None:
            waiting = self._own.waiting()
            self._own.close() if waiting.end_bytes else self._own.remove()
            self._own = None

    def _own_file(self) -> SpoolFile:
        with self._opening:
            if self._own is None:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                opened = _open_locked(self._own_path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
                if opened is None:
                    raise OSError(f"{self._own_path} is locked by another process")
                self._own = opened
                _sync_folder(self._folder)
            return self._own


def _open_locked(path: Path, flags: int) -> SpoolFile | None:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return SpoolFile(path, descriptor)


def _line_count(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except OSError:  # imported and removed meanwhile, or not ours to read
        return 0


def _write_whole(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
