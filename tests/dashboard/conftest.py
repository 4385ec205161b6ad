"""A real service on a real database, real calls, and a real browser that looks at it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.dashboard.desk import Desk, sitting
from tests.dashboard.house import House, opened
from tests.require import require_or_skip

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
"""Without them the browser knocks on doors of its maker's."""


@pytest.fixture(scope="session")
def house(server_dsn: str) -> Generator[House]:
    """One service for all tests that leave it running."""
    with opened(server_dsn) as house:
        yield house


@pytest.fixture
def own_house(server_dsn: str) -> Generator[House]:
    """A service of the test's own, which it may kill."""
    with opened(server_dsn) as house:
        yield house


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """The Chromium that the machine has."""
    require_or_skip(CHROMIUM.exists(), f"needs {CHROMIUM}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        await browser.close()


@pytest.fixture
async def foyer(house: House, browser: Browser) -> AsyncGenerator[Desk]:
    """The dashboard, with nobody signed in."""
    async with sitting(house, browser) as desk:
        yield desk


@pytest.fixture
async def desk(foyer: Desk) -> Desk:
    """The dashboard, with an auditor signed in."""
    await foyer.enter()
    return foyer
