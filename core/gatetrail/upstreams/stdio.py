"""MCP over the stdin and stdout of a program that we run."""

from __future__ import annotations

import asyncio
import logging
import re
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
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


class _Talk:
    """The three pipes of one program."""

    def __init__(self, name: str, process: Process, way: Way) -> None:
        self._name = name
        self._process = process
        self._way = way
        self._last_words = ""
        self._logged = asyncio.Event()

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
        left = b""
        while chunk := await stderr.read(CHUNK_BYTES):
            *lines, left = (left + chunk).split(b"\n")
            for line in lines:
                self._log("stderr", line)
            if len(left) > MAX_LOG_LINE_BYTES:
                self._log("stderr", left)
                left = b""
        self._log("stderr", left)
        self._logged.set()

    def _log(self, pipe: str, line: bytes) -> None:
        if not (text := line[:MAX_LOG_LINE_BYTES].decode("utf-8", "replace").strip()):
            return
        shown = self._way.mask.line(text)
        log.info("%s (%s): %s", self._name, pipe, shown)
        if _ERROR.search(text) or not _ERROR.search(self._last_words):
            self._last_words = shown

    async def _ending(self) -> str:
        """How it ended: its exit code and its last words, as far as they come in a moment; a complaint first."""
        await programs.within(LAST_WORDS_S, lambda: self._process.returncode is not None and self._logged.is_set())
        code = self._process.returncode
        return ", ".join(part for part in ("" if code is None else f"exit code {code}", self._last_words) if part)


def _piped(pipe: Pipe | None) -> Pipe:
    if pipe is None:
        raise RuntimeError("a program was started without its pipes")
    return pipe
