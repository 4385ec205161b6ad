"""Five hundred events a second: every one is counted, a sample is listed, and nothing on the page moves or grows."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.dashboard.desk import Desk
from tests.dashboard.house import Calls

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

CALLS_PER_S = 300
"""Two in three are allowed and have an outcome: five hundred events a second."""
LASTS_S = 6
WATCH = """() => {
  globalThis.moved = [];
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      if (shift.hadRecentInput) continue;
      moved.push([shift.value, ...shift.sources.map((one) => one.node?.parentNode?.outerHTML?.slice(0, 120))]);
    }
  }).observe({ type: "layout-shift" });
}"""


async def pour(calls: Calls, count: int) -> None:
    """So many calls, evenly over the time."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, begun_s + number / CALLS_PER_S - loop.time()))
            group.create_task(
                calls.make("payroll" if number % 3 == 0 else f"tool_{number % 17}", f"user {number % 13}")
            )


async def test_every_event_is_counted_and_a_sample_listed(desk: Desk) -> None:
    page = desk.page
    async with desk.house.side_door() as calls:
        await pour(calls, 20)
        await expect(desk.row("payroll")).to_be_visible()
        await page.wait_for_timeout(600)
        elements = await page.evaluate("document.querySelectorAll('*').length")
        await page.evaluate(WATCH)
        pouring = asyncio.create_task(pour(calls, CALLS_PER_S * LASTS_S))
        # New accounts of the service in the middle of it all, then none until the end.
        for window in ("1h", "15m", "1h", "6h"):
            async with page.expect_response("**/v1/stats**"):
                await page.locator("#window").select_option(window)
        await page.route("**/v1/stats**", lambda route: route.abort())
        await pouring
        totals = desk.house.totals()
        await desk.has_figure("deny", totals["deny"])
        await desk.has_figure("allow", totals["allow"])
        await desk.has_figure("pending", 0)
    moved = await page.evaluate("moved")
    # A figure at the right edge of its cell begins further left when it gets another digit: that, and nothing more.
    assert sum(shift[0] for shift in moved) < 0.0005, moved
    listed = await page.locator("#list-notice").inner_text()
    assert "counted but not listed" in listed
    assert await page.evaluate("document.querySelectorAll('#list-rows tr').length") == 100
    assert await page.evaluate("document.querySelectorAll('*').length") < elements + 100
    await page.unroute("**/v1/stats**")
    await desk.page.reload()
    await desk.is_live()
    await desk.has_figure("deny", totals["deny"])
    await desk.has_figure("allow", totals["allow"])
