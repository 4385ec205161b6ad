"""Two services with two workers each, over HTTP: a limit counts once, whichever of the four processes is asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from mcp import MCPError

from tests.cli.conftest import Gatetrail, Running
from tests.lifecycle.conftest import House, called, client, is_up

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("B9")]

WORKERS = 2
CLIENTS = 12
"""Of each service, each with a connection of its own."""
RATE_PER_S, BURST_S = 4.0, 3.0
SECONDS = 3.0
A_CALL = 1.0
"""A part of a token is left in the bucket at the end, and the record's moments are not the store's."""
POLICY = f"""
servers: {{own: {{tier: user, conceal: false, tools: {{who: {{rate_per_s: {RATE_PER_S}}}}}}}}}
rate_limits: {{base_per_s: {{mcp: 100000}}, burst_multiplier: {BURST_S}}}
"""
FOUND = """
SELECT count(*) FILTER (WHERE gate = 'none'), count(*) FILTER (WHERE gate IN ('none', 'rate_limit')),
       count(DISTINCT instance_id), extract(epoch FROM max(started_at) - min(started_at))::float8
FROM mcp_tool_executions
"""


@pytest.fixture
def houses(dsn: str, tmp_path: Path) -> Iterator[list[House]]:
    commands: list[Gatetrail] = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        commands.append(Gatetrail(folder, {"GATETRAIL_DSN": dsn, "GATETRAIL_DATA_DIR": str(folder / "data")}))
    yield [House(command) for command in commands]
    for command in commands:
        command.end_all()


async def asks(url: str, bearer: str) -> None:
    """One client who calls again and again, whatever he is told."""
    async with client(url, bearer, "auto") as one:
        ends_s = time.monotonic() + SECONDS
        while time.monotonic() < ends_s:
            with contextlib.suppress(MCPError):  # the record says what each call came to
                await called(one, "who")
            await asyncio.sleep(0.1)


async def door(house: House, service: Running) -> tuple[str, str]:
    """Address and token, once all workers answer."""
    bearer = await asyncio.to_thread(house.token)
    service.err.wait_for(lambda lines: any("workers answer on" in line for line in lines))
    return is_up(service), bearer


async def test_a_limit_counts_once(houses: list[House], dsn: str) -> None:
    for house in houses:
        house.settle(workers=WORKERS, rate_store={"limit_ms": 2_000})
        (house.gatetrail.folder / "policy.yaml").write_text(POLICY)
    services = [house.serve() for house in houses]
    doors = await asyncio.gather(*map(door, houses, services))
    await asyncio.gather(*(asks(url, bearer) for url, bearer in doors for _ in range(CLIENTS)))
    with psycopg.connect(dsn) as connection:
        allowed, attempts, processes, seconds = connection.execute(FOUND).fetchone() or (0, 0, 0, 0.0)
    due = RATE_PER_S * BURST_S + RATE_PER_S * seconds
    # Which worker gets a connection is the kernel's choice; it may leave one out.
    assert len(houses) < processes <= len(houses) * WORKERS
    assert attempts > 1.5 * due, "that was no overload"
    assert due - 2 * A_CALL <= allowed <= due + A_CALL
