"""Several workers on one port, real clients of both eras, and a worker that is killed under load."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.cli.conftest import WITHIN_S, Running, stopwatch
from tests.lifecycle.conftest import MODES, House, Mode, called, client, is_up

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("D3")]

WORKERS = 3
CLIENTS = 6
CALLS = 8


def worker_ids(service: Running) -> list[int]:
    """The processes, as they are told when all of them answer."""
    lines = service.err.wait_for(lambda lines: any("workers answer on" in line for line in lines))
    found = re.search(r"processes ([\d, ]+)", "\n".join(lines))
    assert found is not None
    return [int(one) for one in found[1].split(", ")]


def runs(process_id: int) -> bool:
    """Not when it only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def one_clients_answers(url: str, bearer: str, mode: Mode) -> set[int]:
    """By which processes the calls of one client were answered; two at a time, so over several connections."""
    async with client(url, bearer, mode) as one:
        answers = [await asyncio.gather(called(one, "who"), called(one, "who")) for _ in range(CALLS // 2)]
    return {int(answer) for pair in answers for answer in pair}


async def load(url: str, bearer: str, mode: Mode) -> list[set[int]]:
    return [*await asyncio.gather(*(one_clients_answers(url, bearer, mode) for _ in range(CLIENTS)))]


async def until(attempt: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await attempt():  # noqa: ASYNC110 other processes make it true
            await asyncio.sleep(0.1)


async def test_sessions_stay_with_their_worker_and_a_killed_worker_takes_nothing_else_along(house: House) -> None:
    house.settle()
    service = house.serve("--workers", str(WORKERS))
    workers = worker_ids(service)
    url, bearer = is_up(service), house.token()

    by_mode = {mode: await load(url, bearer, mode) for mode in MODES}
    assert all(len(answered_by) == 1 for answered_by in by_mode["legacy"]), "a session was answered by two workers"
    seen = {one for answers in by_mode.values() for answered_by in answers for one in answered_by}
    assert seen <= set(workers)

    # Under load, a worker dies that holds a session; those of the others notice nothing.
    async with client(url, bearer, "legacy") as first:
        victim = int(await called(first, "who"))

        async def survives() -> bool:
            async with client(url, bearer, "legacy") as one:
                holder = int(await called(one, "who"))
                if holder == victim:
                    return False
                os.kill(victim, signal.SIGKILL)
                assert {int(await called(one, "who")) for _ in range(CALLS)} == {holder}
                return True

        await until(survives)
    service.err.wait_for(lambda lines: any("ended with SIGKILL; worker" in line for line in lines))

    async def is_whole() -> bool:
        answers = await asyncio.gather(*(load(url, bearer, mode) for mode in MODES))
        now = {one for answer in answers for answered_by in answer for one in answered_by}
        return victim not in now and bool(now - set(workers))

    await until(is_whole)
    elapsed_s = stopwatch()
    assert service.end() == 0
    assert elapsed_s() < WITHIN_S
    assert house.gatetrail("verify").code == 0


def test_a_policy_that_is_wrong_is_told_once_and_ends_the_service_with_its_code(house: House) -> None:
    house.settle()
    (house.gatetrail.folder / "policy.yaml").write_text("servers: 7\n")
    service = house.serve("--workers", "2")
    assert service.process.wait(WITHIN_S) == 2
    lines = service.err.wait_for(lambda lines: any("before it answered" in line for line in lines))
    assert sum("policy.yaml:1" in line for line in lines) == 1


def test_workers_end_in_order_when_their_supervisor_is_killed(house: House) -> None:
    house.settle()
    service = house.serve("--workers", "2")
    workers = worker_ids(service)
    service.process.kill()
    elapsed_s = stopwatch()
    while any(runs(one) for one in workers):
        assert elapsed_s() < WITHIN_S
        time.sleep(0.05)
