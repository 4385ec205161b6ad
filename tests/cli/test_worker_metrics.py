"""Several workers on one port, one set of figures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import WITHIN_S, Gatetrail, stopwatch
from tests.mcp.wire import MODERN, Wire

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G5")]

CALLS = 12


def figures(url: str) -> dict[str, float]:
    """Samples with a value, from whichever worker answers, each without its labels' quotes."""
    text = httpx.get(f"{url}/metrics", timeout=WITHIN_S).text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items()))
            assert name not in found, f"{name} is told twice"
            found[name] = sample.value
    return found


def until(url: str, wanted: Callable[[dict[str, float]], bool]) -> None:
    """Ask until three answers in a row, each over a connection of its own, are as wanted."""
    elapsed_s, in_a_row = stopwatch(), 0
    while in_a_row < 3:
        found = figures(url)
        in_a_row = in_a_row + 1 if wanted(found) else 0
        assert elapsed_s() < WITHIN_S, found


async def call(url: str, token: str) -> None:
    """Each call over a connection of its own, so that all workers get some."""

    async def once() -> None:
        async with httpx.AsyncClient(timeout=WITHIN_S) as http:
            await Wire(http, f"{url}/mcp/engineering", MODERN, token).call("service_status")

    await asyncio.gather(*(once() for _ in range(CALLS)))


def test_what_all_workers_count_is_one_number_and_survives_them(gatetrail: Gatetrail) -> None:
    service = gatetrail.start("serve", "--port", "0", "--workers", "2")
    lines = service.err.wait_for(lambda lines: any("workers answer on" in line for line in lines))
    found = re.search(r"2 workers answer on (http://\S+): processes (\d+), (\d+)", "\n".join(lines))
    assert found is not None
    url, workers = found[1], (int(found[2]), int(found[3]))
    token = gatetrail("token", "mint", "--user", "ann", "--tier", "user").out.strip()
    asyncio.run(call(url, token))
    until(url, lambda told: told["gatetrail_decisions_total allow none"] == CALLS)
    until(url, lambda told: told["gatetrail_call_seconds_count success"] == CALLS)
    head_seq = figures(url)["gatetrail_journal_head_seq"]
    assert head_seq >= 2 * CALLS

    with httpx.stream("GET", f"{url}/v1/events/stream", headers={"authorization": f"Bearer {token}"}) as stream:
        assert stream.status_code == 200
        until(url, lambda told: told["gatetrail_stream_connections"] == 1)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        service.err.wait_for(lambda lines: sum("is started again" in line for line in lines) == len(workers))
    until_answered(url)
    until(url, lambda told: told["gatetrail_stream_connections"] == 0)
    until(url, lambda told: told["gatetrail_decisions_total allow none"] == CALLS)
    asyncio.run(call(url, token))
    until(url, lambda told: told["gatetrail_decisions_total allow none"] == 2 * CALLS)
    assert service.end() == 0


def until_answered(url: str) -> None:
    elapsed_s = stopwatch()
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", timeout=WITHIN_S).status_code == 200:
                return
        assert elapsed_s() < WITHIN_S
