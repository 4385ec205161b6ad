"""Questions 6 and 7: tools that somebody, or anybody at all, uses for the first time. Mondays, 2 and 9 March."""

from __future__ import annotations

from siem.corpus.expectation import TIER, UNKNOWN_TOOL
from siem.corpus.people import Who, admin, service, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

TOOL, ADMIN_TOOL = "tool_new_for_user", "admin_tool_first_used"
IRIS = user("iris", session="s-iris", ip="192.0.2.80")
JACK = user("jack", session="s-jack", ip="192.0.2.81")
KIM = user("kim", session="s-kim", ip="192.0.2.82")
LOU = user("lou", session="s-lou", ip="192.0.2.83")
MIA = user("mia", session="s-mia", ip="192.0.2.84")
BATCH = service("batch", session="s-batch", ip="192.0.2.85")
ROOT = admin("root", session="s-root", ip="192.0.2.86")


async def baseline(stage: Stage) -> None:
    """The week before: who is known, and with what."""
    async with stage.process() as process:
        for who, moment in ((IRIS, "15:00:00"), (JACK, "15:10:00"), (LOU, "15:20:00"), (MIA, "15:30:00")):
            stage.at(f"2026-03-02T{moment}Z")
            first = await process.call(who, "list_invoices")
            stage.planted.near_miss(TOOL, [first.id], f"the very first call of {who.user}")
        stage.at("2026-03-02T15:40:00Z")
        await process.call(KIM, "close_books", TIER)
        await process.call(BATCH, "count_stock", server="warehouse")
        await process.call(MIA, "forecast_cash_flow")


async def too_early(stage: Stage) -> None:
    """Friday, 6 March, when there is no week of record yet."""
    async with stage.process() as process:
        stage.at("2026-03-06T10:00:00Z")
        used = await process.call(ROOT, "end_contract", server="people")
        stage.planted.near_miss(ADMIN_TOOL, [used.id], "the first of its kind, but the record is four days old")


async def week_full(stage: Stage) -> None:
    """Monday, 9 March, around eight."""
    async with stage.process() as process:
        stage.at("2026-03-09T07:59:59Z")
        used = await process.call(ROOT, "scrap_lot", server="warehouse")
        stage.planted.near_miss(
            ADMIN_TOOL, [used.id], "the first of its kind, a second before the record is a week old"
        )
        stage.at("2026-03-09T08:00:00Z")
        used = await process.call(ROOT, "wipe_cache", server="engineering")
        stage.planted.case(ADMIN_TOOL, [used.id], "the first of its kind, when the record is exactly a week old")
        stage.later(minutes=1)
        used = await process.call(ROOT.by(session="s-root-2"), "wipe_cache", server="engineering")
        stage.planted.near_miss(ADMIN_TOOL, [used.id], "the same tool a minute later")
        await _first_by_anybody(stage, process)


async def _first_by_anybody(stage: Stage, process: Process) -> None:
    stage.at("2026-03-09T09:00:00Z")
    who = user("ute", session="s-ute", ip="192.0.2.87")
    denied = await process.call(who, "drop_table", TIER, server="engineering")
    stage.planted.near_miss(ADMIN_TOOL, [denied.id], "asked for, but denied")
    used = await process.call(ROOT, "drop_table", server="engineering")
    stage.planted.case(ADMIN_TOOL, [used.id], "the first allowed call of it; a denied one came before")
    used = await process.call(ROOT, "rotate_secret", server="warehouse")
    stage.planted.case(ADMIN_TOOL, [used.id], "the name of a tool that is known for a week, on another server")
    used = await process.call(ROOT, "approve_payment")
    stage.planted.near_miss(ADMIN_TOOL, [used.id], "new for root, but ada used it a week ago")
    used = await process.call(ROOT, "plan_holidays", server="people")
    stage.planted.near_miss(ADMIN_TOOL, [used.id], "new for everybody, but no tool that demands tier admin")


async def week_later(stage: Stage) -> None:
    """Monday, 9 March, from three in the afternoon on."""
    async with stage.process() as process:
        await _new(stage, process, IRIS, "2026-03-09T15:00:00Z", "exactly a week after the first call of iris")
        stage.at("2026-03-09T15:09:59Z")
        early_one = await process.call(JACK, "get_invoice")
        stage.planted.near_miss(TOOL, [early_one.id], "a second less than a week after the first call of jack")
        await _new(stage, process, KIM, "2026-03-09T16:00:00Z", "kim's first call, a week ago, was a denied one")
        await _new(stage, process, BATCH, "2026-03-09T16:05:00Z", "a program that is known for a week")
        stage.at("2026-03-10T08:00:00Z")
        denied = await process.call(LOU, "change_salary", TIER, server="people")
        stage.planted.near_miss(TOOL, [denied.id], "a tool that lou never used, but the call was denied")
        known = await process.call(MIA, "forecast_cash_flow")
        stage.planted.near_miss(TOOL, [known.id], "mia used it a week ago")
        same = await process.call(LOU, "list_invoices", server="engineering", fails=True)
        stage.planted.case(TOOL, [same.id], "the name of a tool that lou knows, on another server")
        stage.later(minutes=2)
        asked = await process.call(LOU, "read*", server="finance", fails=True)
        stage.planted.case(TOOL, [asked.id], "a tool asked for by a name with an asterisk")
        await process.call(LOU, "read*", UNKNOWN_TOOL, server="people")
        twin = await process.call(IRIS.by(user="Iris", session="s-Iris"), "get_invoice")
        stage.planted.near_miss(TOOL, [twin.id], "Iris is not iris, and was never here before")


async def _new(stage: Stage, process: Process, who: Who, moment: str, why: str) -> None:
    stage.at(moment)
    used = await process.call(who, "get_invoice")
    stage.planted.case(TOOL, [used.id], why)
    stage.later(minutes=1)
    again = await process.call(who, "get_invoice")
    stage.planted.near_miss(TOOL, [again.id], f"the second call of {who.user} to the same tool")
