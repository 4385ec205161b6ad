"""The dashboard in a browser, as a person uses it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Error, Locator, Page, expect

from tests.dashboard.house import House

WITHIN_MS = 20_000
expect.set_options(timeout=WITHIN_MS)
EXPECTED = re.compile(r"Failed to load resource")
"""What the browser itself says of an answer that is none; the tests look at how the page takes it."""


class Desk:
    """One tab."""

    def __init__(self, house: House, page: Page) -> None:
        self.house = house
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", self._broke)

    async def open(self, fragment: str = "") -> None:
        await self.page.goto(f"{self.house.url}/{fragment}")

    async def sign_in(self, token: str) -> None:
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Sign in").click()

    async def enter(self, fragment: str = "") -> None:
        """Open it as the auditor, and wait until it is live."""
        await self.open(fragment)
        await self.sign_in(self.house.auditor)
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.page.locator("#connection")).to_have_text("Live", timeout=WITHIN_MS)
        await expect(self.page.locator("#figure-allow")).not_to_have_text("–", timeout=WITHIN_MS)

    @property
    def rows(self) -> Locator:
        """Of the list, newest first."""
        return self.page.locator("#list-rows tr:visible")

    @property
    def sheet(self) -> Locator:
        return self.page.get_by_role("dialog")

    def row(self, text: str) -> Locator:
        return self.rows.filter(has_text=text).first

    async def figure(self, name: str) -> int:
        text = await self.page.locator(f"#figure-{name}").inner_text()
        return int(text.replace(",", ""))

    async def has_figure(self, name: str, value: int) -> None:
        await expect(self.page.locator(f"#figure-{name}")).to_have_text(f"{value:,}", timeout=WITHIN_MS)

    async def copied(self, name: str) -> str:
        """Press a button that copies; give what is in the clipboard then."""
        await self.page.get_by_role("button", name=f"Copy {name}", exact=True).click()
        return str(await self.page.evaluate("navigator.clipboard.readText()"))

    async def module(self, name: str, expression: str, *arguments: Any) -> Any:
        """What an expression over a module of the page gives; `args` are the arguments."""
        code = f"async (args) => {{ const it = await import('/dashboard/{name}.js'); return {expression}; }}"
        return await self.page.evaluate(code, list(arguments))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.complaints.append(message.text)

    def _broke(self, error: Error) -> None:
        self.complaints.append(str(error))


@asynccontextmanager
async def sitting(house: House, browser: Browser, **options: Any) -> AsyncGenerator[Desk]:
    """A tab of its own; at the end it must not have complained about anything."""
    context = await browser.new_context(viewport={"width": 1440, "height": 1000}, **options)
    context.set_default_timeout(WITHIN_MS)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk = Desk(house, await context.new_page())
    try:
        yield desk
        assert desk.complaints == []
    finally:
        await context.close()
