"""JSON lines in a local file, for syslog daemons, Fluentd, Fluent Bit and SIEM forwarders to follow."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pythonjsonlogger.core import BaseJsonFormatter

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import Render, native

_OPEN = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not hold us up
_TRIES = 3
"""So often is a batch written whose file was deleted meanwhile."""


class Fsync(StrEnum):
    """When the disk is asked to hold for good what was written."""

    EACH_BATCH = "each_batch"
    """Before a batch is acknowledged: nothing is lost when the power goes."""
    NEVER = "never"
    """The operating system decides: what it had not written yet is lost when the machine, not the process, dies."""


def _octal(value: object) -> object:
    return int(value, 8) if isinstance(value, str) else value


class FileSettings(BaseModel):
    """Where the lines go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = Field(examples=["/var/log/gatetrail/audit.jsonl"])
    """Missing folders above it are created."""
    fsync: Fsync = Fsync.EACH_BATCH
    mode: Annotated[int, BeforeValidator(_octal), Field(ge=0, le=0o777)] = 0o640
    """Rights of a file that is created here; a text is read as octal."""


class EventFormatter(BaseJsonFormatter):
    """python-json-logger, set up so that the keys of the event come out as they are, and nothing besides.

    A format without fields, since the default one puts an empty `message` first, and no `timestamp=`,
    which would overwrite a key of ours. A value that is not plain JSON is an error, not a text of it.
    """

    def __init__(self) -> None:
        super().__init__([])
        self._record = logging.makeLogRecord({})

    def rewritten(self, line: bytes) -> bytes:
        """The same event, taken apart and formatted anew. Raises orjson's JSONDecodeError. Not for several threads."""
        self._record.msg = orjson.loads(line)
        return self.format(self._record).encode()

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,  # noqa: ARG002 the library's signature
        message_dict: dict[str, Any],
    ) -> None:
        # Nothing of the log record, no defaults, no new names: to look for those takes five times as long.
        log_data.update(message_dict)

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        return orjson.dumps(log_data).decode()


class FileSink:
    """`Sink` that appends each event as one line with one write call.

    Follows a rotation by rename, a deletion, and a truncation in place. Raises `SinkUnavailable` for all that
    the operating system refuses; a line that does not fit on the disk is taken back, and lines of a failed
    batch that are in the file for good are not written again when it comes again. Refuses an entry that is
    not the JSON that the journal wrote, since the file carries those bytes, or what `render` makes of them, or none.
    """

    def __init__(self, name: str, settings: FileSettings, render: Render = native) -> None:
        self._name = name
        self._file = LineFile(settings)
        self._formatter = EventFormatter()
        self._render = render
        # One thread: a write that was cut off while the disk hangs is over before the next one begins.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"gatetrail-{name}")
        self._closed = False
        self._begun_seq = 0
        self._kept_seq = 0

    @property
    def name(self) -> str:
        return self._name

    async def write(self, entries: Sequence[Entry]) -> None:
        if self._closed:
            raise SinkUnavailable(f"the file sink {self._name} is closed")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, entries)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            closing = asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
            self._thread.shutdown(wait=False)
            await closing

    def _write(self, entries: Sequence[Entry]) -> None:
        for _ in range(_TRIES):
            with self._file.told_as_unavailable():
                if self._file.follow():
                    self._begun_seq = self._kept_seq = 0
                refusal = self._append(entries)
                if not self._file.deleted:
                    if refusal is not None:
                        raise refusal
                    return
        raise SinkUnavailable(f"{self._file.path} is deleted again and again while it is written")

    def _append(self, entries: Sequence[Entry]) -> EventRefused | None:
        begun_seq = entries[0].seq if entries else 0
        kept_seq = self._kept_seq if begun_seq == self._begun_seq else 0
        self._begun_seq = self._kept_seq = 0
        try:
            for entry in entries:
                if entry.seq > kept_seq:
                    self._file.write_line(self._line(entry))
                    kept_seq = entry.seq
        except EventRefused as refusal:
            self._file.sync()
            return refusal
        except OSError:
            if self._file.is_open:
                self._file.sync()  # when this fails, too, all of the batch has to be written again
            self._begun_seq, self._kept_seq = begun_seq, kept_seq
            raise
        self._file.sync()
        return None

    def _line(self, entry: Entry) -> bytes:
        try:
            line = self._formatter.rewritten(entry.line)
        except orjson.JSONDecodeError as problem:
            raise EventRefused(entry.seq, f"event {entry.seq} is no JSON: {problem}") from problem
        if line != entry.line:
            raise EventRefused(entry.seq, f"event {entry.seq} is not the JSON that the journal wrote")
        return self._render(entry) + b"\n"


class LineFile:
    """A file of whole lines. Methods raise OSError and may be called again after one."""

    def __init__(self, settings: FileSettings) -> None:
        self.path = settings.path
        self._mode = settings.mode
        self._fsync = settings.fsync
        self._descriptor = -1
        self._identity = (0, 0)

    @contextmanager
    def told_as_unavailable(self) -> Generator[None]:
        """Turn what the operating system refuses into `SinkUnavailable`."""
        try:
            yield
        except OSError as problem:
            raise SinkUnavailable(f"{self.path} cannot be written: {_explained(problem)}") from problem

    @property
    def is_open(self) -> bool:
        return self._descriptor >= 0

    @property
    def deleted(self) -> bool:
        """True when the open file has no name any more: what was written to it is gone."""
        return os.fstat(self._descriptor).st_nlink == 0

    def follow(self) -> bool:
        """Have the file open that the path names now, at the start of a line; True when it is another than before."""
        if self._descriptor >= 0 and not self._is_current():
            self.close()
        if self._descriptor < 0:
            self._open()
        status = os.fstat(self._descriptor)
        before, self._identity = self._identity, (status.st_dev, status.st_ino)
        return before != self._identity

    def write_line(self, line: bytes) -> None:
        """Append one line, which ends with a line break, with one call; all of it or nothing."""
        written = os.write(self._descriptor, line)
        while written < len(line):
            try:
                written += os.write(self._descriptor, line[written:])
            except OSError:
                if not self._takes_back(line[:written]):
                    self.close()
                raise

    def sync(self) -> None:
        """Return when the disk holds what was written, if that is wanted."""
        match self._fsync:
            case Fsync.EACH_BATCH:
                os.fsync(self._descriptor)
            case Fsync.NEVER:
                pass
            case _:
                assert_never(self._fsync)

    def close(self) -> None:
        """Let go of the file, which counts as another one when it is opened again. Safe to call twice."""
        descriptor, self._descriptor, self._identity = self._descriptor, -1, (0, 0)
        if descriptor >= 0:
            os.close(descriptor)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        created = not self.path.exists()
        self._descriptor = os.open(self.path, _OPEN, self._mode)
        try:
            _require_regular(self._descriptor)
            if created:
                os.fchmod(self._descriptor, self._mode)
                self._sync_folder()
            self._end_torn_line()
        except OSError:
            self.close()
            raise

    def _end_torn_line(self) -> None:
        # A writer died within its line. Whoever follows the file may have read the piece already, so taking it
        # away would join it to a later line in that reader's eyes. Ended here, it is one broken line of its own,
        # and the whole event comes again.
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _takes_back(self, piece: bytes) -> bool:
        try:
            start = os.fstat(self._descriptor).st_size - len(piece)
            if start < 0 or os.pread(self._descriptor, len(piece), start) != piece:
                return False
            os.ftruncate(self._descriptor, start)
        except OSError:
            return False
        return True

    def _sync_folder(self) -> None:
        if self._fsync is Fsync.EACH_BATCH:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _require_regular(descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _explained(problem: OSError) -> str:
    reason = problem.strerror or str(problem)
    if isinstance(problem, PermissionError):
        return f"{reason} for user {os.geteuid()} at {problem.filename or 'the open file'}"
    return reason
