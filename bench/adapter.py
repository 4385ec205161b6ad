"""What the MCP adapter costs a call: the same ASGI requests into the same server, with the gate and without.

    python bench/adapter.py [--calls N]

No network and no database: requests go straight into the application, events into memory. So the
difference is what Gatetrail itself adds: door, token, call, gates, both events, permit check.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.mcp_parts import Parts, app_of, exchange, modern_request

ROUNDS = 7


async def cpu_us(app: Any, scope: dict[str, Any], body: bytes, calls: int) -> float:
    """CPU microseconds of one call, over so many calls one after another."""
    before_s = time.process_time()
    for _ in range(calls):
        status, _ = await exchange(app, scope, body)
        assert status == 200, status
    return (time.process_time() - before_s) / calls * 1e6


async def measure(calls: int, folder: Path) -> dict[str, float]:
    """Medians of rounds that take turns, so that a busy machine hits both alike."""
    parts = Parts(folder)
    scope, body = modern_request(parts.token)
    figures: dict[str, list[float]] = {"plain": [], "gated": []}
    async with app_of(None) as plain, app_of(parts) as gated:
        for _ in range(ROUNDS):
            figures["plain"].append(await cpu_us(plain, scope, body, calls))
            figures["gated"].append(await cpu_us(gated, scope, body, calls))
            parts.journal.forget()
    return {name: statistics.median(values) for name, values in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=500)
    calls = parser.parse_args().calls
    with TemporaryDirectory() as folder:
        figures = asyncio.run(measure(calls, Path(folder)))
    figures["added"] = figures["gated"] - figures["plain"]
    print(orjson.dumps({f"{name}_us": round(value, 1) for name, value in figures.items()}).decode())


if __name__ == "__main__":
    main()
