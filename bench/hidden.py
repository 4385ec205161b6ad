"""Whether the time of an answer tells a hidden tool from one that does not exist.

    python -m bench.hidden [--pairs N]

Both are asked for in turns, straight into the application, on the three kinds of servers. `told_apart`
is the chance that of one hidden and one unknown answer the hidden one is the slower: 0.5 means that time
says nothing at all. `control` is the same for two names that are both unknown: what chance alone gives here.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import contextlib
import logging
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.mcp_parts import Parts, exchange, modern_request

KINDS = ("mcpserver", "lowlevel", "fastmcp")
NAMES = {"hidden": "pay", "unknown": "bay", "control": "day"}
ORDERS = tuple(permutations(NAMES))


@contextlib.asynccontextmanager
async def app_of(kind: str, parts: Parts) -> AsyncGenerator[Any]:
    """The gated application of the sample server of one kind."""
    from tests.mcp.servers import build

    sample = build(kind)
    parts.adapter.install(sample.server, name="finance")
    app = sample.app()
    async with app.router.lifespan_context(app):
        yield app


async def durations_us(kind: str, pairs: int, folder: Path) -> dict[str, list[float]]:
    """How long each answer took, all in turns."""
    parts = Parts(folder)
    asked = {what: modern_request(parts.token, name) for what, name in NAMES.items()}
    found: dict[str, list[float]] = {what: [] for what in NAMES}
    async with app_of(kind, parts) as app:
        for number in range(pairs + pairs // 10):
            for what in ORDERS[number % len(ORDERS)]:
                started_s = time.perf_counter()
                status, _ = await exchange(app, *asked[what])
                took_us = (time.perf_counter() - started_s) * 1e6
                assert status == 400, status
                if number >= pairs // 10:
                    found[what].append(took_us)
    return found


def told_apart(hidden: Sequence[float], unknown: Sequence[float]) -> float:
    """The share of all pairs in which the hidden one was slower."""
    ordered = sorted(unknown)
    below = sum(bisect.bisect_left(ordered, value) for value in hidden)
    return below / (len(hidden) * len(unknown))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    pairs = parser.parse_args().pairs
    logging.disable(logging.INFO)
    for kind in KINDS:
        with TemporaryDirectory() as folder:
            found = asyncio.run(durations_us(kind, pairs, Path(folder)))
        figures = {f"{what}_median_us": round(statistics.median(values), 1) for what, values in found.items()}
        apart = {"told_apart": ("hidden", "unknown"), "control": ("control", "unknown")}
        shares = {name: round(told_apart(found[one], found[other]), 3) for name, (one, other) in apart.items()}
        print(orjson.dumps({"server": kind, **figures, **shares}).decode())


if __name__ == "__main__":
    main()
