"""MCP over the stdin and stdout of a program that we run."""

from __future__ import annotations

import asyncio
import logging
import re
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from gatetrail.upstreams import process as programs
from gatetrail.upstreams.targets import CommandTarget
from gatetrail.upstreams.way import Way

log = logging.getLogger("gatetrail.upstreams")

MAX_LINE_BYTES = 64 << 20
"""A program that writes more without a line break speaks no MCP."""
MAX_LOG_LINE_BYTES = 4_000
LINES_AT_ONCE, LINES_PER_S = 200, 20
LAST_WORDS_S = 0.2
CHUNK_BYTES = 64 << 10
QUEUED_MESSAGES = 256
"""So many wait for a program that does not read; after that, callers wait, within their time limits."""

_ERROR = re.compile(r"error|exception|fatal|cannot", re.IGNORECASE)

Pipe = TypeVar("Pipe", asyncio.StreamReader, asyncio.StreamWriter)
Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


@asynccontextmanager
async def over_stdio(name: str, target: CommandTarget, way: Way) -> AsyncGenerator[Streams]:
    """The program's streams, while it runs; it is ended with the block. `way` is told why they ended before.

    What it writes to stderr goes to our log, line by line. Raises OSError when it cannot be started.
    """
    process = await programs.start(target.command, target.folder, way.values)
    answers, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write_stream, requests = anyio.create_memory_object_stream[SessionMessage](QUEUED_MESSAGES)
    talk = _Talk(name, process, way)
    work = [asyncio.create_task(part) for part in (talk.read(answers), talk.write(requests), talk.log())]
    try:
        yield read_stream, write_stream
    finally:
        with anyio.CancelScope(shield=True):
            read_stream.close()
            await programs.end(process)
            for task in work:
                task.cancel()
            await asyncio.wait(work)
            write_stream.close()


class Lines:
    """How many lines may still be logged: so many at once, and so many a second after that.

    Masking costs more than writing, and one event loop serves all.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._filled_s = now_s()
        self._free = float(LINES_AT_ONCE)
        self._left_out = 0

    def take(self) -> bool:
        """Whether one more may be logged now; counted in any case."""
        now_s = self._now_s()
        self._free = min(self._free + (now_s - self._filled_s) * LINES_PER_S, LINES_AT_ONCE)
        self._filled_s = now_s
        if self._free < 1:
            self._left_out += 1
            return False
        self._free -= 1
        return True

    def left_out(self) -> int:
        """How many were not logged since the last time that this was asked."""
        count, self._left_out = self._left_out, 0
        return count


class _Talk:
    """The three pipes of one program."""

    def __init__(self, name: str, process: Process, way: Way) -> None:
        self._name = name
        self._process = process
        self._way = way
        self._last_words = ""
        self._logged = asyncio.Event()
        self._lines = Lines(asyncio.get_running_loop().time)

    async def read(self, answers: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """One message from each line of stdout, until it ends. A line that is none goes to the log."""
        stdout = _piped(self._process.stdout)
        left, delivering = bytearray(), True
        async with answers:
            # Read to the end in any case: a program that cannot write does not end.
            while chunk := await stdout.read(CHUNK_BYTES):
                if not delivering:
                    continue
                left += chunk
                if len(left) > MAX_LINE_BYTES:
                    delivering = False
                    self._way.lose(f"it wrote a line of more than {MAX_LINE_BYTES} bytes")
                    answers.close()
                elif b"\n" in chunk:
                    *lines, left = left.split(b"\n")
                    delivering = await self._deliver(lines, answers)
            self._way.lose("it ended", await self._ending())

    async def _deliver(
        self, lines: list[bytearray], answers: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> bool:
        for line in lines:
            if not line.strip():
                continue
            try:
                message = jsonrpc_message_adapter.validate_json(bytes(line), by_name=False)
            except ValueError:
                self._log("stdout, not MCP", bytes(line))
                continue
            try:
                await answers.send(SessionMessage(message))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return False
        return True

    async def write(self, requests: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """One line for each message."""
        stdin = _piped(self._process.stdin)
        async with requests:
            async for request in requests:
                line = request.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    stdin.write(line.encode() + b"\n")
                    await stdin.drain()
                except (OSError, RuntimeError):
                    self._way.lose("it takes no requests any more")
                    return

    async def log(self) -> None:
        """Lines of stderr."""
        stderr = _piped(self._process.stderr)
        left, told = b"", False
        while chunk := await stderr.read(CHUNK_BYTES):
            *lines, left = (left + chunk).split(b"\n")
            for line in lines:
                if not told:
                    self._log("stderr", line)
                told = False
            if len(left) > MAX_LOG_LINE_BYTES:
                if not told:
                    self._log("stderr", left)
                left, told = b"", True
        if not told:
            self._log("stderr", left)
        self._tell_left_out()
        self._logged.set()

    def _log(self, pipe: str, line: bytes) -> None:
        if not (text := line.decode("utf-8", "replace").strip("\ufffd \t\r")):
            return
        if _ERROR.search(text) or not _ERROR.search(self._last_words):
            self._last_words = text
        if self._lines.take():
            self._tell_left_out()
            log.info("%s (%s): %s", self._name, pipe, self._way.mask.line(text, MAX_LOG_LINE_BYTES))

    def _tell_left_out(self) -> None:
        if count := self._lines.left_out():
            log.info("%s: %d lines more, which came too fast", self._name, count)

    async def _ending(self) -> str:
        """How it ended: its exit code and its last words, as far as they come in a moment; a complaint first."""
        await programs.within(LAST_WORDS_S, lambda: self._process.returncode is not None and self._logged.is_set())
        code = self._process.returncode
        return ", ".join(part for part in ("" if code is None else f"exit code {code}", self._last_words) if part)


def _piped(pipe: Pipe | None) -> Pipe:
    if pipe is None:
        raise RuntimeError("a program was started without its pipes")
    return pipe
