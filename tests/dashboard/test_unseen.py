"""A tab that nobody looks at lets go of its connections, and has everything when somebody comes back."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Request, expect

from tests.dashboard.desk import sitting
from tests.dashboard.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

LOOK = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_tab_in_the_background_holds_no_stream(house: House, browser: Browser) -> None:
    async with sitting(house, browser) as desk:
        await desk.page.clock.install()
        await desk.enter()
        given_up: list[str] = []

        def note(request: Request) -> None:
            given_up.append(request.url)

        desk.page.on("requestfailed", note)
        await desk.page.evaluate(LOOK, True)
        async with desk.page.expect_event("requestfailed"):
            await desk.page.clock.run_for(61_000)
        assert [url for url in given_up if "/v1/events/stream" in url]
        await house.deny(user="in the meantime")
        await desk.page.evaluate(LOOK, False)
        await expect(desk.row("in the meantime")).to_be_visible()
        await house.deny(user="and now")
        await expect(desk.row("and now")).to_be_visible()
        await desk.has_figure("deny", house.totals()["deny"])
