"""More event streams at one time than the soft limit of open files would let in."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.cli.conftest import WITHIN_S
from tests.lifecycle.conftest import House, is_up

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow]

SOFT_LIMIT = 64
STREAMS = SOFT_LIMIT  # and what a process has open anyway


async def test_a_low_soft_limit_of_open_files_does_not_bound_the_streams(house: House) -> None:
    house.settle(stream={"user_limit": STREAMS})
    service = house.serve(by=("sh", "-c", f'ulimit -Sn {SOFT_LIMIT}; exec "$@"', "sh"))
    url = await asyncio.to_thread(is_up, service)
    headers = {"Authorization": f"Bearer {await asyncio.to_thread(house.token)}"}
    limits = httpx.Limits(max_connections=None)
    async with AsyncExitStack() as stack, asyncio.timeout(WITHIN_S):
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, limits=limits, timeout=WITHIN_S))
        for _ in range(STREAMS):
            stream = await stack.enter_async_context(http.stream("GET", "/v1/events/stream", headers=headers))
            assert stream.status_code == 200
    assert await asyncio.to_thread(service.end) == 0
