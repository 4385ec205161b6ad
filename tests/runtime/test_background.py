"""Work beside the rest never stops in silence."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from gatetrail.runtime.background import in_background
from tests.delivery.driving import until

pytestmark = pytest.mark.anyio


async def test_what_fails_is_told_and_what_is_ended_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("of a kind that nobody foresaw")

    async def goes_on() -> None:
        await asyncio.Event().wait()

    async with AsyncExitStack() as stack:
        in_background(stack, goes_on(), "work that goes on")
        in_background(stack, fails(), "work that fails")
        await until(lambda: "work that fails has stopped" in caplog.text)
        assert "of a kind that nobody foresaw" in caplog.text
    assert "work that goes on" not in caplog.text
