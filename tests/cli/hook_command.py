"""`gatetrail hook` as an agent runs it, and things that answer in the place of the service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from tests.cli.conftest import Ran
from tests.service.agents.conftest import payload_of
from tests.service.api.conftest import WITHIN_S

COMMAND = (sys.executable, "-m", "gatetrail", "hook")
NOBODY_THERE = "http://127.0.0.1:1"


def environment(**variables: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GATETRAIL_")}
    return {**clean, **variables}


async def hook(*arguments: str, stdin: bytes, variables: Mapping[str, str]) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=environment(**variables),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WITHIN_S):
        out, err = await process.communicate(stdin)
    assert b"Traceback" not in err
    return Ran(process.returncode or 0, out.decode(), err.decode())


def payload(name: str, session_id: str, **over: object) -> bytes:
    return json.dumps(payload_of(name, session_id=session_id, **over)).encode()


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answering) -> AsyncGenerator[str]:
    """The address of something else that listens."""
    asked: list[asyncio.StreamWriter] = []

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)
        with contextlib.suppress(ConnectionError):
            await answer(reader, writer)

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    for writer in asked:
        writer.transport.abort()
    server.close()


def saying(status: str, body: bytes = b"{}", *headers: str) -> Answering:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        writer.close()

    return answer


async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the connection and say nothing."""


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def end(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
