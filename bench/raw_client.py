"""Callers that cost next to nothing: prebuilt HTTP requests over sockets, each answer's sum checked.

    python -m bench.raw_client PORT TOKEN SOCKETS WARM_UP_S WINDOW_S

Prints a line when the window begins and a line of JSON (`Load`) when it is over. A socket sends its
next request when the answer to the one before is there.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

import orjson

MODERN = "2026-07-28"
REQUESTS = 64
"""So many different requests are made beforehand; sockets go round them from different starts."""
LONGEST_S = 60.0


@dataclass
class Load:
    """What came of the calls."""

    calls: int = 0
    """Answered within the window."""
    answered: int = 0
    """All, those of the warm-up and of the end too."""
    window_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list[float])
    """Of the calls within the window."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request as it goes out, and what a right answer contains."""

    request: bytes
    proof: bytes


def prepared(port: int, token: str, number: int) -> Prepared:
    """`add(number, 7 × number)` in the era of stateless requests."""
    a, b = number, number * 7
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "add", "arguments": {"a": a, "b": b}, "_meta": meta}
    body = orjson.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench/1\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n"
        f"MCP-Protocol-Version: {MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: add\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Prepared(head.encode() + body, b'"result":%d}' % (a + b))


class Socket(asyncio.Protocol):
    """One caller on one connection."""

    def __init__(self, work: list[Prepared], start: int, load: Load, ended: asyncio.Future[None]) -> None:
        self._work = work
        self._next = start
        self._load = load
        self._ended = ended
        self._received = b""
        self._wanted = work[0]
        self._sent_s = 0.0
        self.counting = False
        self.stopping = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200 ") or self._wanted.proof not in body:
            self._fail(RuntimeError(f"expected {self._wanted.proof!r}, got {self._received[:1000]!r}"))
            return
        self._received = b""
        self._count()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._fail(ConnectionError(f"the server hung up: {exc}"))

    def _send(self) -> None:
        assert self._transport is not None
        if self.stopping:
            self._ended.set_result(None)
            self._transport.close()
            return
        self._wanted = self._work[self._next % len(self._work)]
        self._next += 1
        self._sent_s = time.perf_counter()
        self._transport.write(self._wanted.request)

    def _count(self) -> None:
        self._load.answered += 1
        if self.counting:
            self._load.calls += 1
            self._load.latencies_ms.append((time.perf_counter() - self._sent_s) * 1000)

    def _fail(self, problem: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(problem)


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.index(b"content-length:") + len(b"content-length:")
    return int(lowered[start:].split(b"\r\n", 1)[0])


async def run(port: int, token: str, sockets: int, warm_up_s: float, window_s: float) -> Load:
    """Load the server; raises at the first answer that is not right."""
    loop = asyncio.get_running_loop()
    load = Load()
    work = [prepared(port, token, number) for number in range(1, REQUESTS + 1)]
    starts = count(step=3)
    ended: list[asyncio.Future[None]] = []

    def caller() -> Socket:
        ended.append(loop.create_future())
        return Socket(work, next(starts), load, ended[-1])

    callers = [(await loop.create_connection(caller, "127.0.0.1", port))[1] for _ in range(sockets)]
    everybody = asyncio.gather(*ended)
    await asyncio.wait([everybody], timeout=warm_up_s)
    for one in callers:
        one.counting = True
    print("begin", flush=True)
    began_s = time.perf_counter()
    await asyncio.wait([everybody], timeout=window_s)
    load.window_s = time.perf_counter() - began_s
    for one in callers:
        one.counting = False
    print("end", flush=True)
    for one in callers:
        one.stopping = True
    await everybody
    return load


def main() -> None:
    port, token, sockets, warm_up_s, window_s = sys.argv[1:]
    work = run(int(port), token, int(sockets), float(warm_up_s), float(window_s))
    load = asyncio.run(asyncio.wait_for(work, LONGEST_S))
    print(orjson.dumps(asdict(load)).decode(), flush=True)


if __name__ == "__main__":
    main()
