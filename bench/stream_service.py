"""The processes of the stream benchmark: the service, the common way to do it, and the readers."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from bench.mcp_server import POLICY
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy

ROOT = Path(__file__).parents[1]
HEARTBEAT_S = 2.0
START_LIMIT_S = 60.0
GONE_LIMIT_S = 30.0


def private_kb(pid: int) -> int:
    """What a process holds for itself alone."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_"))


@dataclass(slots=True)
class Readers:
    """The process of the readers."""

    process: Process

    async def ask(self, **request: Any) -> Any:
        """One request, one answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes to the readers")
        self.process.stdin.write(orjson.dumps(request) + b"\n")
        return orjson.loads(await self.process.stdout.readline())


@dataclass(slots=True)
class Service:
    """The process that serves."""

    url: str
    pid: int
    token: str

    async def gone(self) -> float:
        """Seconds until it counts no connection any more."""
        began_s = time.monotonic()
        async with asyncio.timeout(GONE_LIMIT_S):
            while await self._connections():  # noqa: ASYNC110 a look from outside
                await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    async def _connections(self) -> int:
        """By its own count."""
        async with httpx2.AsyncClient() as client:
            text = (await client.get(f"{self.url}/metrics")).text
        return sum(
            int(float(line.split()[-1]))
            for line in text.splitlines()
            if line.startswith("gatetrail_stream_connections")
        )


@asynccontextmanager
async def a_service(dsn: str, folder: Path, subscribers: int) -> AsyncGenerator[Service]:
    """`gatetrail serve`, with room for all."""
    secret = secrets.token_urlsafe(48)
    policy, config = folder / "policy.yaml", folder / "service.yaml"
    policy.write_text(POLICY)
    stream = {"user_limit": subscribers + 10, "total_limit": subscribers + 10, "heartbeat_s": HEARTBEAT_S}
    config.write_bytes(
        orjson.dumps({"stream": stream, "policy": str(policy), "port": 0, "data_dir": str(folder / "data")})
    )
    command = (sys.executable, "-m", "gatetrail", "serve", "--no-sinks", "--config", str(config))
    environment = {"GATETRAIL_DSN": dsn, "GATETRAIL_JWT_SECRET": secret, "PATH": "/usr/bin:/bin"}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stderr=PIPE)
    try:
        url = await _address(process)
        clock = SystemClock()
        rules = parse_policy(POLICY, "bench").document.identity
        token = mint(rules, secret.encode(), clock, IdMaker(clock), user="auditor", tier=Tier.USER, roles=("auditor",))
        yield Service(url, process.pid, token)
    finally:
        process.terminate()
        await process.communicate()


async def _address(process: Process) -> str:
    async with asyncio.timeout(START_LIMIT_S):
        while line := (await process.stderr.readline() if process.stderr else b""):
            if line.startswith(b"Listening on "):
                return line.split()[2].decode()
    raise RuntimeError("the service did not start")


@asynccontextmanager
async def some_readers(url: str) -> AsyncGenerator[Readers]:
    """The readers' process; ends with the block."""
    address = urlsplit(url)
    command = (sys.executable, "-m", "bench.stream_readers", str(address.hostname), str(address.port))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, limit=1 << 30)
    try:
        yield Readers(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def the_common_way() -> AsyncGenerator[tuple[str, int]]:
    """sse-starlette's URL and process."""
    command = (sys.executable, "-m", "bench.stream_yardstick")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    if process.stdout is None:
        raise RuntimeError("no output to read")
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.kill()
        await process.wait()
