"""What answers may be a proxy, a liar, or slow: the page says so, goes on, and does no harm."""

from __future__ import annotations

import contextlib

import pytest
from playwright.async_api import Browser, Error, Route, expect

from tests.dashboard.desk import Desk, sitting
from tests.dashboard.hostile import FAR_AWAY, ODD_KEYS, SENTRY_PAGE, answer, decided, frames
from tests.dashboard.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

STATS = "**/v1/stats**"
EVENTS = "**/v1/events?**"
STREAM = "**/v1/events/stream**"
SINKS = "**/v1/sinks"
SSE = "text/event-stream; charset=utf-8"


@pytest.mark.parametrize(("status", "said"), [(200, "not the service"), (503, "answers 503")])
async def test_the_page_of_a_proxy_is_no_service(foyer: Desk, status: int, said: str) -> None:
    await foyer.page.clock.install()
    await foyer.open()
    await answer(foyer.page, STATS, SENTRY_PAGE, status=status)
    await foyer.sign_in(foyer.house.auditor)
    await expect(foyer.page.get_by_role("alert")).to_contain_text(said)
    theme = foyer.page.get_by_role("button", name="Theme")
    await theme.focus()
    async with foyer.page.expect_response(STATS):
        await foyer.page.clock.run_for(3_100)
    await expect(theme).to_be_focused()
    await foyer.page.unroute(STATS)
    await foyer.page.clock.run_for(3_100)
    await foyer.is_live()
    assert await foyer.page.evaluate("globalThis.hit") is None


async def test_a_page_in_place_of_the_stream_is_not_live(foyer: Desk) -> None:
    await answer(foyer.page, STREAM, SENTRY_PAGE)
    await foyer.open()
    await foyer.sign_in(foyer.house.auditor)
    await expect(foyer.page.locator("#broken-why")).to_contain_text("What answers is not the service")
    await expect(foyer.page.locator("#connection")).to_have_text("Disconnected")
    await foyer.page.unroute(STREAM)
    await foyer.page.get_by_role("button", name="Try now").click()
    await foyer.is_live()


@pytest.mark.parametrize(
    ("retry_after", "body", "status"),
    [
        (FAR_AWAY, "{}", 429),
        (None, f"retry: {FAR_AWAY}\n\n", 200),
        (None, "retry: 0\n\n", 200),
    ],
)
async def test_no_wait_makes_the_page_ask_without_end(
    foyer: Desk, retry_after: str | None, body: str, status: int
) -> None:
    asked = await answer(foyer.page, STREAM, body, status=status, kind=SSE, retry_after=retry_after)
    await foyer.open()
    await foyer.sign_in(foyer.house.auditor)
    await expect(foyer.page.locator("#connection")).to_have_text("Disconnected")
    begun = len(asked)
    await foyer.page.wait_for_timeout(800)
    assert len(asked) - begun < 10


async def test_garbage_in_the_stream_is_told_and_behind_it_all_goes_on(foyer: Desk) -> None:
    await answer(foyer.page, STREAM, "id: x\ndata: {\n\nid: \u00fc\ndata: null\n\n", kind=SSE)
    await foyer.open()
    await foyer.sign_in(foyer.house.auditor)
    await expect(foyer.page.locator("#connection")).to_have_text("Disconnected")
    await foyer.page.unroute(STREAM)
    async with foyer.page.expect_request(STREAM) as asked:
        await foyer.page.get_by_role("button", name="Try now").click()
    assert (await (await asked.value).all_headers())["last-event-id"].isdecimal()
    await foyer.is_live()


async def test_an_event_without_end_is_let_go(foyer: Desk) -> None:
    await foyer.open()
    expression = """(() => {
        const frames = new it.Frames();
        try {
            for (let piece = 0; piece < 100; piece += 1) frames.push(args[0] + "x".repeat(100_000));
        } catch (trouble) { return trouble.name; }
    })()"""
    assert await foyer.module("frames", expression, "") == "RangeError"
    assert await foyer.module("frames", expression, "\ndata:") == "RangeError"


async def test_odd_events_break_nothing(foyer: Desk) -> None:
    page = foyer.page
    odd = [decided(gate=key, decision=key, execution_status=key, server_name=key, user_id=key) for key in ODD_KEYS]
    odd += [{}, {"event_name": "tool_call.decided"}, {"event_name": ["x"], "user_id": {"a": 1}, "reason": [1]}]
    odd += [decided(user_id="last " + "long" * 20_000, tool_name="t" * 50_000)]
    await page.clock.install()
    await foyer.enter("#event=*&__proto__=x&constructor=y&window=__proto__")
    await answer(page, STREAM, frames(*odd), kind=SSE, once=True)
    await page.clock.fast_forward(60_000)
    await expect(foyer.row("last ")).to_be_visible()
    for key in ODD_KEYS:
        await expect(foyer.row(f"{key}/odd")).to_be_visible()
    assert await page.evaluate("Object.keys(Object.prototype).length + ({}).toString().length") == len(
        "[object Object]"
    )
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_slow_service_is_asked_one_thing_once(foyer: Desk) -> None:
    page = foyer.page
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.clock.install()
    await foyer.open()
    await page.route(STATS, hold)
    await foyer.sign_in(foyer.house.auditor)
    await page.clock.run_for(1_500)
    await expect(page.get_by_text("The service has not answered yet")).to_be_visible()
    await page.get_by_role("button", name="Sign in").click()
    sinks: list[Route] = []

    async def hold_sinks(route: Route) -> None:
        sinks.append(route)

    await page.route(SINKS, hold_sinks)
    for route in [*held]:
        await route.continue_()
    await page.unroute(STATS)
    await foyer.is_live()
    await page.clock.run_for(30_000)
    assert len(sinks) == 1
    await sinks[0].continue_()


async def test_a_filter_is_tried_again_when_the_service_fails_for_a_moment(desk: Desk) -> None:
    await desk.house.deny(user="tried again")
    await answer(desk.page, EVENTS, SENTRY_PAGE, status=503)
    await desk.page.get_by_role("link", name="Denials").click()
    await expect(desk.page.locator("#filters-problem")).to_contain_text("503")
    await desk.page.unroute(EVENTS)
    await expect(desk.row("tried again")).to_be_visible()
    await expect(desk.page.locator("#filters-problem")).to_be_hidden()


async def test_who_has_signed_out_is_let_alone(desk: Desk) -> None:
    page = desk.page
    await desk.house.deny(user="private")
    await expect(desk.row("private")).to_be_visible()
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route(STATS, hold)
    async with page.expect_request(STATS):
        await page.locator("#window").select_option("1h")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token")).to_be_focused()
    assert "private" not in await page.content(), "who signs in next sees nothing of this"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for route in held:
        with contextlib.suppress(Error):  # when the page has let go of it
            await route.continue_()
    await page.unroute(STATS)
    await page.wait_for_timeout(500)
    assert asked == []
    await expect(page.get_by_role("alert")).to_be_hidden()
    await desk.sign_in(desk.house.token("karl"))
    await desk.is_live()
    await expect(desk.row("private")).to_be_hidden()


async def test_a_machine_that_slept_trusts_no_old_connection(foyer: Desk) -> None:
    await foyer.page.clock.install()
    await foyer.enter()
    async with foyer.page.expect_request(STREAM) as asked:
        await foyer.page.clock.fast_forward(8 * 3_600_000)
    assert (await (await asked.value).all_headers())["last-event-id"].isdecimal()


async def test_a_wrong_clock_moves_no_figure_out_of_sight(house: House, browser: Browser) -> None:
    async with sitting(house, browser) as desk:
        await desk.page.add_init_script("{ const now = Date.now; Date.now = () => now() + 5 * 3_600_000; }")
        await house.deny()
        await desk.enter()
        bar = desk.page.locator("#chart-denied rect[data-gate=blocklist]:not([height='0'])").first
        await expect(bar).to_be_attached()


async def test_a_browser_that_keeps_nothing_lets_one_in_all_the_same(foyer: Desk) -> None:
    refuse = """for (const name of ["sessionStorage", "localStorage"]) {
        Object.defineProperty(globalThis, name, { get() { throw new DOMException("no", "SecurityError"); } });
    }"""
    await foyer.page.add_init_script(refuse)
    await foyer.enter()
    await foyer.page.get_by_role("button", name="Theme").click()
    await expect(foyer.page.get_by_role("button", name="Theme")).to_have_text("Theme: Light")
