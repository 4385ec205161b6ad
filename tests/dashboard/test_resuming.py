"""The service dies and comes back: the page says so, comes back too, and has what it missed."""

from __future__ import annotations

import re

import psycopg
import pytest
from playwright.async_api import Browser, Request, expect

from tests.dashboard.desk import WITHIN_MS, sitting
from tests.dashboard.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2", "E4")]

REMOVE = """
DELETE FROM audit_events WHERE seq IN (
    SELECT seq FROM audit_events WHERE user_id = 'erased' ORDER BY seq)
RETURNING seq
"""


async def test_a_killed_service_is_told_and_what_was_missed_is_filled_in(own_house: House, browser: Browser) -> None:
    house = own_house
    async with sitting(house, browser) as desk:
        resumed: list[str] = []

        async def note(request: Request) -> None:
            if "/events/stream" in request.url:
                resumed.append((await request.all_headers())["last-event-id"])

        desk.page.on("request", note)
        await desk.enter()
        await house.deny(user="before")
        await expect(desk.row("before")).to_be_visible()
        house.kill()
        await expect(desk.page.locator("#broken-text")).to_have_text(
            re.compile(r"Disconnected since \d\d:\d\d:\d\d, trying again (in \d+ s|now)"), timeout=WITHIN_MS
        )
        await expect(desk.page.locator("#said")).to_contain_text("Disconnected")
        async with house.side_door() as calls:
            for user in ("missed 1", "missed 2", "erased", "erased", "missed 3"):
                await calls.make("payroll", user)
        with psycopg.connect(house.dsn) as connection:
            connection.execute("SET session_replication_role = replica")
            erased = [seq for (seq,) in connection.execute(REMOVE).fetchall()]
        house.start()
        await desk.is_live()
        for number in (1, 2, 3):
            await expect(desk.row(f"missed {number}")).to_be_visible()
        await expect(desk.row("Gap")).to_contain_text(f"Events {erased[0]} to {erased[-1]} are not listed here")
        await house.deny(user="afterwards")
        await expect(desk.row("afterwards")).to_be_visible()
        await desk.has_figure("deny", house.totals()["deny"])
        assert await desk.page.locator("#broken").is_hidden()
        assert len({*resumed}) > 1
        users = [
            text.split(" (")[0] for text in await desk.page.locator("#list-rows .caller").all_inner_texts() if text
        ]
        assert sorted(users) == sorted({*users}), "each once"
