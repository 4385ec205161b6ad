"""Many readers of one event stream, in a process of their own, so that they do not take the service's time.

    python -m bench.stream_readers HOST PORT

Takes one JSON object a line and answers each with one:
`{"open": [{"path": …, "token": …}, …]}` opens so many streams and answers when each has begun,
`{"until": SEQ}` answers with what each has got when all have come to that position,
`{"reset": true}` breaks all connections off (RST).
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any

import orjson

AT_ONCE = 50
OPEN_LIMIT_S = 60.0
UNTIL_LIMIT_S = 120.0
RESET = struct.pack("ii", 1, 0)


class Reader(asyncio.Protocol):
    """One stream, read by its frames and not decoded any further."""

    def __init__(self) -> None:
        self.begun = asyncio.get_running_loop().create_future()
        self.seqs: list[int] = []
        self.arrived_s: list[float] = []
        self.gaps: list[tuple[int, int]] = []
        self.last_seq = 0
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        now_s = time.monotonic()
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            self._take(frame, now_s)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.begun.done():
            self.begun.set_exception(exc or ConnectionResetError("ended before it began"))

    def ask(self, host: str, path: str, token: str) -> None:
        if self._transport is None:
            raise RuntimeError("not connected")
        head = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
        )
        self._transport.write(head.encode())

    def reset(self) -> None:
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._transport.abort()

    def _take(self, frame: bytes, now_s: float) -> None:
        if not self.begun.done() and b"retry:" in frame:
            self.begun.set_result(None)
            return
        for line in frame.split(b"\n"):
            if line.startswith(b"id: "):
                self.last_seq = int(line[4:])
            elif line.startswith(b"data: "):
                self._take_data(line, frame, now_s)

    def _take_data(self, line: bytes, frame: bytes, now_s: float) -> None:
        if b"event: audit.gap" in frame and b"id: " not in frame:
            told = orjson.loads(line[6:])
            self.gaps.append((told["first_missing_seq"], told["last_missing_seq"]))
            return
        self.seqs.append(self.last_seq)
        self.arrived_s.append(now_s)


async def open_all(host: str, port: int, wanted: Sequence[dict[str, str]]) -> list[Reader]:
    """One reader for each, some of them at a time."""
    loop, limiter = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one(stream: dict[str, str]) -> Reader:
        async with limiter:
            _, reader = await loop.create_connection(Reader, host, port)
            reader.ask(f"{host}:{port}", stream["path"], stream["token"])
            async with asyncio.timeout(OPEN_LIMIT_S):
                await reader.begun
            return reader

    return list(await asyncio.gather(*(one(stream) for stream in wanted)))


async def until(readers: Sequence[Reader], seq: int) -> dict[str, Any]:
    """What each has got, once the heartbeats say that nothing is on its way any more."""
    async with asyncio.timeout(UNTIL_LIMIT_S):
        while min(reader.last_seq for reader in readers) < seq:  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.1)
    return {
        "readers": [{"seqs": reader.seqs, "arrived_s": reader.arrived_s, "gaps": reader.gaps} for reader in readers]
    }


async def main(host: str, port: int) -> None:
    """Work the requests off until there are no more."""
    readers: list[Reader] = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = orjson.loads(line)
        answer: dict[str, Any] = {}
        if "open" in request:
            readers = await open_all(host, port, request["open"])
        elif "until" in request:
            answer = await until(readers, request["until"])
        else:
            for reader in readers:
                reader.reset()
            readers = []
        sys.stdout.write(orjson.dumps(answer).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
