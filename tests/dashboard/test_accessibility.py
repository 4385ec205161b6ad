"""For eyes that see little, and hands that use no mouse."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.async_api import Browser, expect

from tests.dashboard.desk import Desk, sitting
from tests.dashboard.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN_AXE = """async () => {
  const { violations } = await axe.run();
  const told = (rule, node) => `${rule.id}: ${rule.help}: ${node.html.slice(0, 200)} ${node.failureSummary}`;
  return violations.flatMap((rule) => rule.nodes.map((node) => told(rule, node)));
}"""


async def violations(desk: Desk) -> list[str]:
    """What axe-core finds fault with, as lines."""
    # A sheet that is still coming in is half transparent.
    await desk.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
    await desk.page.evaluate(AXE)
    found: list[str] = await desk.page.evaluate(RUN_AXE)
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
async def test_axe_finds_nothing(house: House, browser: Browser, scheme: str, width: int) -> None:
    async with sitting(house, browser, color_scheme=scheme) as desk:
        await desk.page.set_viewport_size({"width": width, "height": 900})
        await desk.open()
        await expect(desk.page.get_by_label("Token")).to_be_visible()
        assert await violations(desk) == []
        await desk.sign_in(desk.house.auditor)
        await desk.is_live()
        for tool, user in (("greet", "ann"), ("payroll", "bob"), ("fire", "cleo"), ("break_down", "dan")):
            await desk.house.call(tool, user)
        await expect(desk.row("break_down")).to_be_visible()
        await desk.page.get_by_text("Filter", exact=True).click()
        await desk.page.get_by_text("As a table").click()
        await desk.page.get_by_text("Ask the same elsewhere").click()
        assert await violations(desk) == []
        await desk.row("fire").click()
        await expect(desk.sheet).to_contain_text("Denied by Scope")
        assert await violations(desk) == []


async def test_everything_is_reached_without_a_mouse(desk: Desk) -> None:
    page = desk.page
    await desk.house.deny(user="older")
    await desk.house.deny(user="newer")
    await expect(desk.row("newer")).to_be_visible()
    await page.reload()
    await desk.is_live()
    await expect(desk.row("newer")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the list")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#list")).to_be_focused()
    chosen = page.locator("#list-rows button[tabindex='0']")
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await chosen.evaluate("(button) => button === document.activeElement"):
            break
    await expect(desk.rows.nth(0).get_by_role("button")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(desk.rows.nth(1).get_by_role("button")).to_be_focused()
    held = await desk.rows.nth(1).inner_text()
    await desk.house.deny(user="while reading")
    await expect(page.locator("#list-notice")).to_have_text("Held while you read: 1 new event waiting")
    assert await desk.rows.nth(1).inner_text() == held
    await page.keyboard.press("Enter")
    await expect(desk.sheet).to_contain_text("older")
    await expect(desk.sheet.get_by_role("heading", name="Why")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(desk.rows.nth(1).get_by_role("button")).to_be_focused()


async def test_the_theme_can_be_chosen_and_is_remembered(desk: Desk) -> None:
    page = desk.page

    async def ground() -> str:
        return str(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    button = page.get_by_role("button", name="Theme")
    grounds = {}
    for theme in ("Light", "Dark"):
        await button.click()
        await expect(button).to_have_text(f"Theme: {theme}")
        grounds[theme] = await ground()
    assert grounds["Light"] != grounds["Dark"]
    await page.reload()
    await expect(button).to_have_text("Theme: Dark")
    assert await ground() == grounds["Dark"]


async def test_who_listens_hears_figures_now_and_then(desk: Desk) -> None:
    said = desk.page.locator("#said")
    assert await said.get_attribute("aria-live") == "polite"
    await desk.row("").first.click() if await desk.rows.count() else None
    await desk.page.keyboard.press("Escape")
    await desk.page.locator("#question-copies button").first.evaluate("(button) => button.click()")
    await expect(said).to_have_text("CLI copied")
