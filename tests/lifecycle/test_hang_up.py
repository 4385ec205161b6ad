"""SIGHUP has the policy read anew in all processes, whether or not the file is watched, and ends none of them."""

from __future__ import annotations

import asyncio
import json
import signal

import httpx2
import pytest
from mcp.shared.exceptions import MCPError

from tests.cli.conftest import WITHIN_S
from tests.lifecycle.conftest import House, called, client, is_up

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

STRICTER = """
servers: {own: {tier: user, conceal: false, tools: {who: {tier: admin}}}}
rate_limits: {base_per_s: {mcp: 100000}}
"""
BROKEN = "servers:\n  own: {tier: root}\n"
CALLS = 12


def told(house: House, event: str) -> list[dict[str, str]]:
    """Events of this name that are about a change, not about a start."""
    lines = house.gatetrail("events", "--config", "service.yaml", "--event", event, "--json").out.splitlines()
    return [one for one in map(json.loads, lines) if "previous_policy_version" in one or "reason" in one]


async def until_told(house: House, event: str, count: int) -> list[dict[str, str]]:
    async with asyncio.timeout(WITHIN_S):
        while True:
            if len(found := told(house, event)) >= count:
                return found
            await asyncio.sleep(0.05)


@pytest.mark.requirement("D2")
@pytest.mark.parametrize("workers", [1, 2])
async def test_all_processes_read_the_policy_anew(house: House, workers: int) -> None:
    house.settle(workers=workers, watch_policy=False)
    service = house.serve()
    url, bearer = is_up(service), house.token()
    if workers > 1:
        service.err.wait_for(lambda lines: any("workers answer on" in line for line in lines))
    async with client(url, bearer, "auto") as one:
        await called(one, "who")
    (house.gatetrail.folder / "policy.yaml").write_text(STRICTER)
    service.process.send_signal(signal.SIGHUP)
    changes = await until_told(house, "policy.changed", workers)
    assert len({change["instance_id"] for change in changes}) == len(changes) == workers
    for _ in range(CALLS):
        async with client(url, bearer, "auto") as one:
            with pytest.raises(MCPError, match="scope"):
                await called(one, "who")
    wanted = f'gatetrail_policy_processes{{version="{changes[0]["policy_version"]}"}} {float(workers)}'
    async with httpx2.AsyncClient(base_url=url) as http, asyncio.timeout(WITHIN_S):
        while wanted not in (await http.get("/metrics")).text.splitlines():  # noqa: ASYNC110 -- the service tells nobody
            await asyncio.sleep(0.2)
    (house.gatetrail.folder / "policy.yaml").write_text(BROKEN)
    service.process.send_signal(signal.SIGHUP)
    refusals = await until_told(house, "policy.rejected", workers)
    assert all("policy.yaml:2: servers.own.tier" in refusal["reason"] for refusal in refusals)
    assert service.process.poll() is None
    assert service.end() == 0
