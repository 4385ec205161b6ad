"""From the write of a policy file to its enforcement in every process.

    python -m bench.policy_reload [--json] [--quick]

`gatetrail serve` runs with one process and then with a supervisor and four workers. The file is written beside and
renamed into place, as one should; callers with a connection to each worker go on calling a tool that one policy opens
and the next closes. A change is enforced in a process when a call there gets the answer of the new policy, and counts
from before the rename to the last process's first such answer. The yardstick is the least that could do the job: a
process of its own with a bare `watchfiles.awatch` around reading and checking the same file, in the same run.
Takes the server of GATETRAIL_DSN, else starts the embedded one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import orjson

from bench.journal import a_server
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy

ROOT = Path(__file__).parents[1]
WORKERS = (1, 4)
CHANGES, QUICK_CHANGES = 120, 3
CALL_PAUSE_S = 0.004
"""Between two calls of one caller; an answer tells of a change at most so much too late."""
PAUSES_S = (0.05, 0.31, 0.12, 0.23)
"""Between two changes, so that they meet every beat of the watching."""
START_LIMIT_S = 90.0
CHANGE_LIMIT_S = 20.0
MOST_CONNECTIONS = 400
SERVER = """
import os
from mcp.server import MCPServer

server = MCPServer("own")

@server.tool()
def who() -> str:
    return str(os.getpid())
"""
YARDSTICK = """
import asyncio, sys
from pathlib import Path
from watchfiles import awatch
from gatetrail.policy.load import load_policy

async def main(path):
    print("ready", flush=True)
    async for _ in awatch(path.parent, recursive=False):
        print(load_policy(path).version, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def policy_of(number: int) -> str:
    """Even ones open the tool, odd ones close it; no two are the same."""
    tier = "admin" if number % 2 else "user"
    return (
        f"servers: {{own: {{tier: user, conceal: false, tools: {{who: {{tier: {tier}}}}}}}}}\n"
        f"rate_limits: {{base_per_s: {{mcp: 100000}}}}\ndefault_time_limit_ms: {30_000 + number}\n"
    )


class Caller:
    """One connection, which one worker answers."""

    def __init__(self, http: httpx2.AsyncClient, url: str, bearer: str) -> None:
        self._http = http
        self._url = url
        self._headers = {
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {bearer}",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": "who",
        }

    async def call(self) -> str | None:
        """The process that answered; None for a denial."""
        meta = {
            "protocolVersion": "2026-07-28",
            "clientInfo": {"name": "bench", "version": "1"},
            "clientCapabilities": {},
        }
        named = {f"io.modelcontextprotocol/{name}": value for name, value in meta.items()}
        params = {"name": "who", "arguments": {}, "_meta": named}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = await self._http.post(f"{self._url}/mcp/own", json=message, headers=self._headers)
        found = orjson.loads(answer.content)
        return found["result"]["content"][0]["text"] if "result" in found else None

    async def until(self, *, allowed: bool) -> float:
        """When the first call was answered so."""
        while True:
            if (await self.call() is not None) is allowed:
                return time.perf_counter()
            await asyncio.sleep(CALL_PAUSE_S)


@asynccontextmanager
async def serving(folder: Path, dsn: str, workers: int) -> AsyncGenerator[str]:
    """The address of a service, until the block ends."""
    (folder / "bench_own.py").write_text(SERVER)
    (folder / "policy.yaml").write_text(policy_of(0))
    settings = {"policy": "policy.yaml", "servers": {"own": {"python": "bench_own:server"}}, "workers": workers}
    (folder / "service.yaml").write_bytes(orjson.dumps(settings))
    secret = (folder / "secret").read_text()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gatetrail", "serve", "--config", "service.yaml", "--port", "0"),
        cwd=folder,
        env={**os.environ, "GATETRAIL_DSN": dsn, "GATETRAIL_JWT_SECRET": secret, "GATETRAIL_DATA_DIR": str(folder)},
        stderr=PIPE,
    )
    reading: asyncio.Task[tuple[bytes, bytes]] | None = None
    try:
        address = await _address(process, workers)
        reading = asyncio.create_task(process.communicate())  # whatever else it says
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        await (process.communicate() if reading is None else reading)


async def _address(process: Process, workers: int) -> str:
    assert process.stderr is not None
    found, lines = None, list[str]()
    async with asyncio.timeout(START_LIMIT_S):
        while line := (await process.stderr.readline()).decode():
            lines.append(line)
            found = found or re.search(r"Listening on (http://\S+)", line)
            if found is not None and (workers == 1 or "workers answer on" in line):
                return found[1]
    raise RuntimeError(f"the service did not start: {''.join(lines)}")


@asynccontextmanager
async def callers(url: str, bearer: str, workers: int) -> AsyncGenerator[Sequence[Caller]]:
    """One for each worker."""
    async with AsyncExitStack() as stack:
        found: dict[str, Caller] = {}
        for _ in range(MOST_CONNECTIONS):
            http = await stack.enter_async_context(httpx2.AsyncClient(timeout=CHANGE_LIMIT_S))
            caller = Caller(http, url, bearer)
            answered_by = await caller.call()
            assert answered_by is not None
            found.setdefault(answered_by, caller)
            if len(found) == workers:
                break
        if len(found) != workers:
            raise RuntimeError(f"{MOST_CONNECTIONS} connections came to {len(found)} of {workers} workers")
        yield [*found.values()]


@asynccontextmanager
async def yardstick(path: Path) -> AsyncGenerator[asyncio.StreamReader]:
    """The lines of the bare watcher: a version each time."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", YARDSTICK, str(path), stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            await process.stdout.readline()
        await asyncio.sleep(1.0)  # it says so before it watches
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def bare(lines: asyncio.StreamReader, version: str) -> float:
    """When the bare watcher had read and checked this version."""
    while (await lines.readline()).decode().strip() != version:
        pass
    return time.perf_counter()


async def measure(folder: Path, dsn: str, workers: int, changes: int) -> dict[str, Any]:
    """All figures of one size of service."""
    path = folder / "policy.yaml"
    enforced, yard = list[float](), list[float]()
    async with (
        serving(folder, dsn, workers) as url,
        yardstick(path) as lines,
        callers(url, token(folder), workers) as everybody,
    ):
        for number in range(1, changes + 1):
            text = policy_of(number)
            beside = folder / "next.yaml"
            beside.write_text(text)
            version = parse_policy(text, "policy.yaml").version
            began_s = time.perf_counter()
            beside.replace(path)
            watching = asyncio.create_task(bare(lines, version))
            async with asyncio.timeout(CHANGE_LIMIT_S):
                ends = await asyncio.gather(*(caller.until(allowed=number % 2 == 0) for caller in everybody))
                yard.append(await watching - began_s)
            enforced.append(max(ends) - began_s)
            await asyncio.sleep(PAUSES_S[number % len(PAUSES_S)])
    return {"workers": workers, "changes": changes, "enforced": figures(enforced), "yardstick": figures(yard)}


def figures(seconds: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {
        "p50_ms": round(median(ordered) * 1000, 1),
        "p99_ms": round(p99 * 1000, 1),
        "slowest_ms": round(ordered[-1] * 1000, 1),
    }


def token(folder: Path) -> str:
    """One that the service takes; never the same again."""
    clock = SystemClock()
    identity = parse_policy(policy_of(0), "policy.yaml").document.identity
    secret = (folder / "secret").read_text().encode()
    return mint(identity, secret, clock, IdMaker(clock), user="ann", tier=Tier.USER)


async def run(changes: int) -> dict[str, Any]:
    """Both sizes, one after the other."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-") as folder_name:
        Path(folder_name).chmod(0o755)
        async with a_server() as dsn:
            for workers in WORKERS:
                folder = Path(folder_name) / f"service-{workers}"
                folder.mkdir()
                (folder / "secret").write_text(secrets.token_hex(32))
                found[f"{workers}_workers"] = await measure(folder, dsn, workers, changes)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    options = parser.parse_args()
    found = asyncio.run(run(QUICK_CHANGES if options.quick else CHANGES))
    if options.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    print(f"{'from the write to enforcement in every process':50}{'p50 ms':>10}{'p99 ms':>10}{'slowest':>10}")
    for size in found.values():
        for what, told in (("enforced", f"{size['workers']} processes"), ("yardstick", "  a bare watcher, beside it")):
            row = size[what]
            print(f"{told:50}{row['p50_ms']:10}{row['p99_ms']:10}{row['slowest_ms']:10}")


if __name__ == "__main__":
    main()
