"""Fluentd with acknowledgements, beside fluent-logger as shipped, which has none.

    python -m bench.fluentd [--json] [--quick]

Two receivers: the independent one of the tests, in Node, which brings each batch to the disk before it
acknowledges, and one in Python that only takes apart, counts and acknowledges. Both sides of a contest send the same
events, and the clock stops when the receiver has them all. A single event's time is from write to
acknowledgement, CPU time is the sender's for one event. All contestants take turns within each round; medians over
the rounds.
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
from typing import Any

import orjson
from fluent.sender import FluentSender  # pyright: ignore[reportMissingTypeStubs]

from gatetrail.delivery.sink import Sink
from gatetrail.events.journal import Entry
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.entries import make_entries
from tests.sinks.fluentd_server import FluentdServer

ROOT = Path(__file__).parents[1]
EVENTS, QUICK_EVENTS = 10_000, 1_000
SINGLES = 200
ROUNDS = 5
BATCH_EVENTS = 500
LIMIT_S = 120
Arrived = Callable[[int], Awaitable[None]]
"""Returns when so many events have come since the receiver was started."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where it listens, and how it tells what it has."""

    port: int
    arrived: Arrived


@asynccontextmanager
async def counting() -> AsyncGenerator[Receiver]:
    """The least that a receiver can do, in a process of its own."""
    command = [sys.executable, "-m", "bench.fluentd_peer"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output = process.stdout
    if output is None:
        raise RuntimeError("no output to read")

    async def arrived(count: int) -> None:
        while int(await output.readline()) < count:
            pass

    try:
        yield Receiver(int(await output.readline()), arrived)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def keeping(folder: Path) -> AsyncGenerator[Receiver]:
    """The independent receiver, which keeps what comes in a file."""
    server = FluentdServer(folder)
    await server.start()
    file = folder / "fluentd.events"
    seen_bytes = seen = 0

    async def arrived(count: int) -> None:
        nonlocal seen, seen_bytes
        while seen < count:
            await asyncio.sleep(0.002)
            with file.open("rb") as opened:
                opened.seek(seen_bytes)
                new = opened.read()
            seen, seen_bytes = seen + new.count(b"\n"), seen_bytes + len(new)

    try:
        yield Receiver(server.port, arrived)
    finally:
        await server.kill()


async def through(sink: Sink, entries: Sequence[Entry], size: int) -> list[float]:
    """The seconds of each write of so many events, one after another."""
    seconds: list[float] = []
    for start in range(0, len(entries), size):
        began_s = time.perf_counter()
        await sink.write(entries[start : start + size])
        seconds.append(time.perf_counter() - began_s)
    return seconds


def as_shipped(port: int, entries: Sequence[Entry]) -> None:
    """fluent-logger's own `emit` for each event; what it reports is not looked at, as most callers do."""
    sender: Any = FluentSender("gatetrail.audit", host="127.0.0.1", port=port, nanosecond_precision=True)
    for entry in entries:
        sender.emit(None, orjson.loads(entry.line))
    sender.close()


async def contest(receiver: Receiver, entries: Sequence[Entry], rounds: int) -> dict[str, float]:
    """Events a second of both, and what one event waits for its acknowledgement."""
    figures: dict[str, list[float]] = {}
    singles: list[float] = []
    total = 0
    where = FluentdReceiver(host="127.0.0.1", port=receiver.port)
    sink = FluentdSink("bench", FluentdSettings(receivers=(where,)))
    contestants: dict[str, Callable[[], Awaitable[object]]] = {
        "with_acks": lambda: through(sink, entries, BATCH_EVENTS),
        "fluent_logger": lambda: asyncio.to_thread(as_shipped, receiver.port, entries),
    }
    for _ in range(rounds):
        for name, send in contestants.items():
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            await send()
            used_cpu_s = time.process_time() - began_cpu_s
            total += len(entries)
            await receiver.arrived(total)
            figures.setdefault(f"{name}_per_s", []).append(len(entries) / (time.perf_counter() - began_s))
            figures.setdefault(f"{name}_cpu_us", []).append(1e6 * used_cpu_s / len(entries))
        singles += await through(sink, entries[:SINGLES], 1)
        total += SINGLES
        await receiver.arrived(total)
    await sink.close()
    singles.sort()
    return {
        **{name: statistics.median(values) for name, values in figures.items()},
        "against_fluent_logger": statistics.median(
            a / b for a, b in zip(figures["with_acks_per_s"], figures["fluent_logger_per_s"], strict=True)
        ),
        "one_event_p50_ms": 1000 * statistics.median(singles),
        "one_event_p99_ms": 1000 * singles[int(0.99 * len(singles))],
    }


async def measure(*, quick: bool = False) -> dict[str, dict[str, float]]:
    """Both contests, by receiver."""
    entries = await make_entries(QUICK_EVENTS if quick else EVENTS)
    rounds = 1 if quick else ROUNDS
    async with asyncio.timeout(LIMIT_S):
        with tempfile.TemporaryDirectory(prefix="gatetrail-bench-fluentd-") as folder:
            async with keeping(Path(folder)) as receiver:
                in_node = await contest(receiver, entries, rounds)
        async with counting() as receiver:
            in_python = await contest(receiver, entries, rounds)
    return {"node": in_node, "python": in_python}


async def main() -> None:
    """Measure and print."""
    result = await measure(quick="--quick" in sys.argv)
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, figures in result.items():
        for figure, value in figures.items():
            sys.stdout.write(f"{name:8}{figure:24}{value:10.2f}\n")


if __name__ == "__main__":
    asyncio.run(main())
