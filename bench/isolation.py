"""What a hung sink does to others: nothing, if all is well.

    python -m bench.isolation [--json] [--quick]

One process decides under a steady load and drives two sinks: a file, and a Fluentd receiver in a process of its own.
Windows in which that receiver acknowledges take turns with windows in which it is stopped (SIGSTOP): its socket
stays open and says nothing. Compared are the latency of decisions and how far the file is behind the journal's head.
Takes the server of GATETRAIL_DSN, else starts the embedded one.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import SecretStr

from bench.journal import CALLER, POLICY, a_server, the_call
from gatetrail import Gatetrail
from gatetrail.policy.load import parse_policy
from gatetrail.settings import load_settings

ROOT = Path(__file__).parents[1]
HUNG_S, FLOWING_S = 60.0, 30.0
QUICK_S = 1.0
PAIRS = 2
CALLERS = 8
PAUSE_S = 0.02
"""Between two calls of one caller: a load that leaves the machine room, so that waiting and not queueing is seen."""
LOOK_S = 0.02
CAUGHT_UP_WITHIN_S = 120.0


@dataclass(slots=True)
class Window:
    """What was seen while the receiver flowed, or hung."""

    latencies_ms: list[float] = field(default_factory=list[float])
    lags: list[int] = field(default_factory=list[int])

    def figures(self) -> dict[str, float]:
        ordered, lags = sorted(self.latencies_ms), sorted(self.lags)
        return {
            "calls": len(ordered),
            "decision_p50_ms": round(ordered[len(ordered) // 2], 3),
            "decision_p99_ms": round(ordered[int(len(ordered) * 0.99)], 3),
            "file_lag_p50_events": lags[len(lags) // 2],
            "file_lag_p99_events": lags[int(len(lags) * 0.99)],
        }


@asynccontextmanager
async def a_receiver() -> AsyncGenerator[tuple[Process, int]]:
    """A Fluentd receiver that counts and acknowledges, and its port."""
    command = (sys.executable, "-m", "bench.fluentd_peer")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    output = process.stdout
    if output is None:
        raise RuntimeError("no output to read")
    port = int(await output.readline())
    reading = asyncio.create_task(_read_all(output))
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        await process.wait()
        reading.cancel()


async def _read_all(output: asyncio.StreamReader) -> None:
    while await output.readline():
        pass


async def caller(gate: Gatetrail, window: Window, until_s: float) -> None:
    """Calls, one after another: what is timed ends when the allow row is committed."""
    while (began_s := time.perf_counter()) < until_s:
        async with gate.guard(the_call(), CALLER):
            window.latencies_ms.append((time.perf_counter() - began_s) * 1000)
        await asyncio.sleep(PAUSE_S)


async def watch(gate: Gatetrail, window: Window, until_s: float) -> None:
    """How many events the file is behind, again and again."""
    while time.perf_counter() < until_s:
        head_seq = await gate.journal.head_seq()
        window.lags.append(max(0, head_seq - gate.followers[0].state().cursor_seq))
        await asyncio.sleep(LOOK_S)


async def loaded(gate: Gatetrail, window: Window, seconds: float) -> None:
    """One window."""
    until_s = time.perf_counter() + seconds
    await asyncio.gather(watch(gate, window, until_s), *(caller(gate, window, until_s) for _ in range(CALLERS)))


async def caught_up(gate: Gatetrail) -> None:
    """Both sinks have all that there is."""
    async with asyncio.timeout(CAUGHT_UP_WITHIN_S):
        head_seq = await gate.journal.head_seq()
        while min(one.state().cursor_seq for one in gate.followers) < head_seq:  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.05)


async def measure(dsn: str, folder: Path, hung_s: float, flowing_s: float) -> dict[str, object]:
    """Windows in turn; the receiver catches up between them."""
    flowing, hung, behind = Window(), Window(), 0
    async with a_receiver() as (process, port):
        sinks: dict[str, object] = {
            "file": {"type": "file", "path": str(folder / "audit.jsonl")},
            "hung": {"type": "fluentd", "receivers": [{"host": "127.0.0.1", "port": port}], "ack_timeout_ms": 2_000},
        }
        settings = load_settings(
            None, data_dir=folder / "data", jwt_secret=SecretStr(secrets.token_urlsafe(48)), sinks=sinks
        )
        async with Gatetrail.open(parse_policy(POLICY, "bench"), dsn=dsn, settings=settings) as gate:
            await loaded(gate, Window(), min(5.0, flowing_s))
            for _ in range(PAIRS):
                await loaded(gate, flowing, flowing_s)
                process.send_signal(signal.SIGSTOP)
                await loaded(gate, hung, hung_s)
                behind = await gate.journal.head_seq() - gate.followers[1].state().cursor_seq
                process.send_signal(signal.SIGCONT)
                await caught_up(gate)
    return {"flowing": flowing.figures(), "hung": hung.figures(), "hung_sink_was_behind_events": behind}


async def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-isolation-") as folder:
        async with a_server() as dsn:
            result = await measure(dsn, Path(folder), QUICK_S if quick else HUNG_S, QUICK_S if quick else FLOWING_S)
    if "--json" in sys.argv:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name:30} {value}\n")


if __name__ == "__main__":
    asyncio.run(main())
