"""Who is let in, how, and what the page says to the others."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.dashboard.desk import WITHIN_MS, Desk, sitting
from tests.dashboard.house import House

PROXY = "Continue without a token"
pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]


async def test_a_token_lets_in_and_stays_in_this_tab_alone(foyer: Desk) -> None:
    asked: list[str] = []
    foyer.page.on("request", lambda request: asked.append(request.url))
    await foyer.open()
    token = foyer.house.auditor
    await foyer.sign_in(f"  Bearer {token}\n")
    await foyer.is_live()
    await expect(foyer.page.locator("#reader")).to_contain_text("olga")
    await foyer.page.reload()
    await foyer.is_live()
    assert not [url for url in asked if token in url]
    assert await foyer.page.evaluate("[location.href, document.cookie, localStorage.length].join(' ')") == (
        f"{foyer.house.url}/  0"
    )
    await foyer.page.get_by_role("button", name="Sign out").click()
    await expect(foyer.page.get_by_label("Token")).to_be_focused()
    assert await foyer.page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("pasted", "answer"),
    [
        ("not-a-token", "expected three parts of base64url, joined by dots"),
        ("two words", "This is no token"),
        ("t\u00f6ken", "This is no token"),
    ],
)
async def test_what_is_no_token_is_said_plainly(foyer: Desk, pasted: str, answer: str) -> None:
    await foyer.open()
    await foyer.sign_in(pasted)
    await expect(foyer.page.get_by_role("alert")).to_contain_text(answer)
    await expect(foyer.page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
    assert await foyer.page.locator("#console").is_hidden()


async def test_when_the_token_ends_the_reader_is_told_and_asked_again(foyer: Desk) -> None:
    await foyer.open()
    await foyer.sign_in(foyer.house.token("olga", "auditor", ttl_s=2))
    await foyer.is_live()
    await expect(foyer.page.get_by_role("alert")).to_contain_text("expired", timeout=WITHIN_MS)
    await expect(foyer.page.get_by_label("Token")).to_be_focused()


async def test_who_was_signed_in_by_a_proxy_says_so_once(house: House, browser: Browser) -> None:
    proof = {"Authorization": f"Bearer {house.auditor}"}
    async with sitting(house, browser, extra_http_headers=proof) as desk:
        await desk.open()
        await desk.page.get_by_role("button", name=PROXY).click()
        await desk.is_live()
        await expect(desk.page.locator("#reader")).to_contain_text("olga")
        await desk.page.reload()
        await desk.is_live()


async def test_nothing_is_asked_of_the_service_before_somebody_wants_to_be_let_in(foyer: Desk) -> None:
    asked: list[str] = []
    foyer.page.on("request", lambda request: asked.append(request.url))
    await foyer.open()
    await expect(foyer.page.get_by_label("Token")).to_be_focused()
    assert not [url for url in asked if "/v1/" in url]
    await foyer.page.get_by_role("button", name=PROXY).click()
    await expect(foyer.page.get_by_role("alert")).to_contain_text("No proxy has signed you in")
    assert len([url for url in asked if "/v1/" in url]) == 1
    await foyer.page.reload()
    await expect(foyer.page.get_by_label("Token")).to_be_focused()
    assert len([url for url in asked if "/v1/" in url]) == 1


async def test_without_the_role_one_sees_oneself_alone(foyer: Desk) -> None:
    await foyer.house.call("greet", user="ann")
    await foyer.house.call("greet", user="karl")
    await foyer.open()
    await foyer.sign_in(foyer.house.token("karl"))
    await foyer.is_live()
    await expect(foyer.row("karl")).to_be_visible()
    await foyer.house.call("greet", user="ann")
    await foyer.house.deny(user="karl")
    await expect(foyer.row("payroll")).to_be_visible()
    assert await foyer.page.locator("#list-rows").get_by_text("ann", exact=True).count() == 0
    await expect(foyer.page.get_by_role("heading", name="Sinks")).to_be_hidden()
