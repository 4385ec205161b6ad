"""What happens in the service is on the page at once, and every row can be asked why."""

from __future__ import annotations

import asyncio
import json
import re
import shlex

import pytest
from playwright.async_api import expect

from tests.dashboard.desk import WITHIN_MS, Desk

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.slow, pytest.mark.requirement("G2")]

NASTY = (
    "<img src=x onerror=globalThis.hit=1>",
    "<script>globalThis.hit=1</script>",
    "\"'><svg onload=globalThis.hit=1>",
    "javascript:globalThis.hit=1",
    "${globalThis.hit=1}",
    "fish\u202egnp.exe\U000e0041\u3164",
)


async def test_calls_appear_as_they_are_made_with_their_outcomes(desk: Desk) -> None:
    house = desk.house
    before = {name: await desk.figure(name) for name in ("allow", "deny")}
    await house.call("greet")
    await expect(desk.row("desk/greet")).to_contain_text("success")
    await house.call("break_down")
    await expect(desk.row("desk/break_down")).to_contain_text("failed")
    await house.deny()
    await expect(desk.row("desk/payroll")).to_contain_text("Denied")
    await expect(desk.row("desk/payroll")).to_contain_text("Blocklist")
    await expect(desk.row("desk/payroll")).to_contain_text("salaries are not for agents")
    await desk.has_figure("allow", before["allow"] + 2)
    await desk.has_figure("deny", before["deny"] + 1)
    await expect(desk.page.locator("#tools-rows")).to_contain_text("payroll desk")
    await expect(desk.page.locator("#sinks-rows")).to_contain_text("lines", timeout=WITHIN_MS)
    await expect(desk.page.locator("#sinks-rows")).to_contain_text("healthy", timeout=WITHIN_MS)


async def test_a_call_in_flight_is_named_until_it_ends(desk: Desk) -> None:
    napping = asyncio.create_task(desk.house.call("nap", seconds=2.0))
    await expect(desk.page.locator("#flight-rows")).to_contain_text("nap desk", timeout=WITHIN_MS)
    await expect(desk.page.locator("#figure-pending")).not_to_have_text("0")
    assert (await napping).status == 200
    await expect(desk.page.locator("#flight-rows")).not_to_contain_text("nap desk", timeout=WITHIN_MS)
    await expect(desk.row("desk/nap")).to_contain_text("success 2.0")


async def test_the_filter_is_applied_by_the_service_and_stands_in_the_address(desk: Desk) -> None:
    house, page = desk.house, desk.page
    await page.get_by_text("Filter", exact=True).click()
    await page.locator("#filters [name=user]").fill("filter-me")
    await page.locator("#filters [name=decision]").select_option("deny")
    async with page.expect_request(re.compile(r"/v1/events/stream\?.*user=filter-me")):
        await page.get_by_role("button", name="Apply").click()
    await expect(page).to_have_url(
        re.compile(r"#user=filter-me&event=tool_call.decided&decision=deny|#.*user=filter-me")
    )
    await expect(page.get_by_text("Nothing that fits has been recorded yet.")).to_be_visible()
    await house.call("greet", user="filter-me")
    await house.deny(user="somebody-else")
    await house.deny(user="filter-me")
    await expect(desk.rows).to_have_count(1)
    await expect(desk.rows).to_contain_text("filter-me")
    shared = page.url
    await page.goto("about:blank")
    await page.goto(shared)
    await desk.is_live()
    await expect(desk.rows).to_have_count(1)
    await expect(page.locator("#filters [name=user]")).to_have_value("filter-me")
    command = await page.locator("#question-copies code").first.text_content()
    assert command is not None
    found = house.command(*shlex.split(command)[1:], "--format", "json").objects
    assert [(event["user_id"], event["decision"]) for event in found] == [("filter-me", "deny")]


async def test_a_filter_that_makes_no_sense_is_answered_in_the_services_words(desk: Desk) -> None:
    await desk.page.get_by_text("Filter", exact=True).click()
    await desk.page.locator("#filters [name=event]").fill("tool_call.decide")
    await desk.page.get_by_role("button", name="Apply").click()
    await expect(desk.page.locator("#filters-problem")).to_contain_text("did you mean tool_call.decided?")
    await desk.page.get_by_role("link", name="Decisions").click()
    await expect(desk.page.locator("#filters-problem")).to_be_hidden()


async def test_a_row_opens_into_the_whole_why(desk: Desk) -> None:
    house = desk.house
    decision_id = await house.deny(user="drilled")
    await desk.row("drilled").click()
    await expect(desk.sheet).to_contain_text("Denied by Blocklist")
    await expect(desk.sheet).to_contain_text("payroll-stays removed from the policy, or expired")
    gates = await desk.sheet.locator(".track li").all_inner_texts()
    assert [gate.split("\n") for gate in gates] == [
        ["Scope", "passed"],
        ["Scanner", "passed"],
        ["Blocklist", "denied"],
        ["Rate limit", "not asked"],
    ]
    (why,) = house.command("why", decision_id, "--json").objects
    for text in (why["policy_version"], f"{why['decision_us']} µs", why["rule_id"], why["required_tier"]):
        await expect(desk.sheet).to_contain_text(text)
    await expect(desk.sheet.get_by_label("Events of the trace")).to_contain_text("tool_call.decided")
    await expect(desk.page).to_have_url(re.compile(f"why={decision_id}"))
    await desk.page.keyboard.press("Escape")
    await expect(desk.sheet).to_be_hidden()
    await expect(desk.page).not_to_have_url(re.compile("why="))


async def test_what_is_copied_works_when_it_is_run(desk: Desk) -> None:
    house = desk.house
    decision_id = await house.deny(user="copied")
    await desk.row("copied").click()
    assert await desk.copied("Decision id") == decision_id
    ran = house.command(*shlex.split(await desk.copied("CLI"))[1:])
    assert ran.code == 0
    assert decision_id in ran.out
    assert f'execution_id="{decision_id}"' in await desk.copied("Splunk")
    assert f'execution_id : "{decision_id}"' in await desk.copied("Elastic KQL")
    assert f'execution_id == "{decision_id}"' in await desk.copied("Elastic ES|QL")


async def test_foreign_text_is_never_markup(desk: Desk) -> None:
    for text in NASTY:
        await desk.house.call(text, user=f"u {text}")
    await desk.open("#event=*")
    await desk.page.reload()
    await desk.is_live()
    for text in NASTY[:-1]:
        await expect(desk.row(text)).to_be_visible()
    await expect(desk.row(r"fish\u202egnp.exe\U000e0041\u3164")).to_be_visible()
    await desk.row(NASTY[0]).click()
    await expect(desk.sheet).to_contain_text(NASTY[0])
    await desk.sheet.get_by_text("As recorded, in JSON").click()
    assert await desk.page.evaluate("globalThis.hit") is None
    assert (
        await desk.page.evaluate("document.querySelectorAll('#list-rows img, #sheet img, #sheet script').length") == 0
    )


async def test_events_that_are_no_decisions_are_shown_and_explained(desk: Desk) -> None:
    await desk.page.get_by_role("link", name="Refused identities").click()
    await desk.page.evaluate("fetch('/v1/stats')")
    await desk.row("a bearer token is required").click()
    await expect(desk.sheet).to_contain_text("token_missing")
    command = await desk.copied("CLI")
    assert json.loads(desk.house.command(*shlex.split(command)[1:], "--format", "json").out.splitlines()[0])[
        "event_name"
    ] == ("identity.refused")


async def test_a_list_on_pause_stands_still_while_the_figures_go_on(desk: Desk) -> None:
    await desk.page.get_by_role("button", name="Pause").click()
    before = await desk.figure("allow")
    await desk.house.call("greet", user="during-pause")
    await desk.has_figure("allow", before + 1)
    await expect(desk.page.locator("#list-notice")).to_have_text("Paused: 1 new event waiting")
    assert await desk.rows.filter(has_text="during-pause").count() == 0
    await desk.page.get_by_role("button", name="Go on").click()
    await expect(desk.row("during-pause")).to_be_visible()
