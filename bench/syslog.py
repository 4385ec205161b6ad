"""How fast the syslog sink is by itself, in each of its ways, against rsyslogd and against receivers that keep nothing.

    python -m bench.syslog [--json] [--quick]

The yardstick is a plain asyncio stream that writes the same bytes, made beforehand, to the same receiver that keeps
nothing. Each figure is the median of the rounds. Receivers are processes of their own; the CPU time is that of the
sending process alone, and tells on a machine that is busy with other things, too.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from gatetrail.events.journal import Entry
from gatetrail.events.outgoing import native
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from gatetrail_sinks.syslog.message import Formatter
from tests.entries import make_entries
from tests.sinks.places.syslog import settings_for
from tests.sinks.rsyslog import Rsyslog, free_ports

EVENTS, QUICK_EVENTS = 20_000, 2_000
BATCH = 500
ROUNDS = 3
START_LIMIT_S = 10.0

DISCARD = """
import asyncio, re, sys
FRAME = re.compile(rb"(\\d+) (open|syslog|close) (\\d+) ")

class Discard(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""
    def data_received(self, data):
        if sys.argv[2] != "relp":
            return
        data, start, answers = self.rest + data, 0, []
        while (frame := FRAME.match(data, start)) and frame.end() + int(frame[3]) < len(data):
            start = frame.end() + int(frame[3]) + 1
            answers.append(b"%b rsp 22 200 OK\\ncommands=syslog\\n" % frame[1])
        self.rest = data[start:]
        self.transport.write(b"".join(answers))

class Datagrams(asyncio.DatagramProtocol):
    pass

async def main():
    loop, port = asyncio.get_running_loop(), int(sys.argv[1])
    await loop.create_datagram_endpoint(Datagrams, ("127.0.0.1", port))
    server = await loop.create_server(Discard, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""

WAYS = {
    "udp": (TransportKind.UDP, False),
    "tcp": (TransportKind.TCP, False),
    "tls": (TransportKind.TLS, True),
    "relp": (TransportKind.RELP, False),
    "relp over tls": (TransportKind.RELP, True),
}
DISCARDED = (TransportKind.UDP, TransportKind.TCP, TransportKind.RELP)


@asynccontextmanager
async def discarding(kind: str) -> AsyncGenerator[int]:
    """A receiver that keeps nothing, on the port that it gives."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DISCARD, str(port), kind, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
        yield port
    finally:
        process.kill()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Speed:
    """One way of sending."""

    events_per_s: int
    cpu_us_per_event: float


async def speed_of(work: Callable[[], Awaitable[None]], events: int) -> Speed:
    """The median of the rounds."""
    taken_s: list[float] = []
    used_s: list[float] = []
    for _ in range(ROUNDS):
        began_s, began_used_s = time.perf_counter(), time.process_time()
        await work()
        taken_s.append(time.perf_counter() - began_s)
        used_s.append(time.process_time() - began_used_s)
    return Speed(round(events / statistics.median(taken_s)), round(statistics.median(used_s) / events * 1e6, 2))


async def sink_speed(settings: SyslogSettings, entries: Sequence[Entry]) -> Speed:
    """The sink, brought batches as a follower brings them."""
    sink = SyslogSink("measured", settings)

    async def work() -> None:
        for start in range(0, len(entries), BATCH):
            await sink.write(entries[start : start + BATCH])

    await sink.write(entries[:1])
    speed = await speed_of(work, len(entries))
    await sink.close()
    return speed


async def yardstick_speed(port: int, entries: Sequence[Entry]) -> Speed:
    """The same bytes, made beforehand, through an asyncio stream."""
    formatter = Formatter(SyslogSettings(host="127.0.0.1"), "gate-1", native)
    messages = [formatter.message(entry) for entry in entries]
    framed = [b"%d %b" % (len(message), message) for message in messages]
    batches = [b"".join(framed[start : start + BATCH]) for start in range(0, len(framed), BATCH)]
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    async def work() -> None:
        for batch in batches:
            writer.write(batch)
            await writer.drain()

    speed = await speed_of(work, len(entries))
    writer.close()
    await writer.wait_closed()
    return speed


async def formatter_speed(entries: Sequence[Entry]) -> Speed:
    """Messages made and sent nowhere."""
    formatter = Formatter(SyslogSettings(host="127.0.0.1"), "gate-1", native)

    async def work() -> None:
        for entry in entries:
            formatter.message(entry)

    return await speed_of(work, len(entries))


async def measure(events: int, folder: Path) -> dict[str, Speed]:
    """All figures."""
    entries = await make_entries(events)
    async with discarding("plain") as port:
        figures = {"yardstick": await yardstick_speed(port, entries), "formatter": await formatter_speed(entries)}
    for transport in DISCARDED:
        async with discarding(transport.value) as port:
            settings = SyslogSettings(host="127.0.0.1", transport=transport, port=port)
            figures[f"{transport} to nowhere"] = await sink_speed(settings, entries)
    for direct in (False, True):
        receiver = Rsyslog(folder / str(direct), direct=direct)
        await receiver.start()
        for name, (transport, encrypted) in WAYS.items():
            settings = settings_for(receiver, transport, encrypted=encrypted)
            queue = "Direct queue" if direct else "default queue"
            figures[f"{name} to rsyslog, {queue}"] = await sink_speed(settings, entries)
        await receiver.kill()
    return figures


def main() -> None:
    """Measure and print."""
    events = QUICK_EVENTS if "--quick" in sys.argv[1:] else EVENTS
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-syslog-") as folder:
        figures = asyncio.run(measure(events, Path(folder)))
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(figures).decode() + "\n")
        return
    for name, speed in figures.items():
        of_yardstick = speed.events_per_s / figures["yardstick"].events_per_s
        sys.stdout.write(
            f"{name:42}{speed.events_per_s:10} events/s{of_yardstick:7.3f} of the yardstick"
            f"{speed.cpu_us_per_event:8.2f} µs CPU an event\n"
        )


if __name__ == "__main__":
    main()
