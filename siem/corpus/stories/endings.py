"""Question 8: calls of which nobody hears how they ended. Friday, 20 March, the last hour of the corpus."""

from __future__ import annotations

from siem.corpus.people import service, user
from siem.corpus.stage import Stage

RULE = "call_without_outcome"


async def tell(stage: Stage) -> None:
    """The last event is the heartbeat of a process that starts at ten o'clock: that is when it is asked."""
    stage.at("2026-03-20T09:00:00Z")
    async with stage.process() as process:
        who = user("uwe", session="s-uwe", ip="192.0.2.140")
        hanging = await process.begin(who, "list_invoices")
        stage.planted.case(RULE, [hanging.id], "an hour old")
        slow = await process.begin(user("uli", session="s-uli", ip="192.0.2.141"), "list_invoices")
        stage.later(minutes=4)
        await process.finish(slow)
        stage.planted.near_miss(RULE, [slow.id], "it ended after four minutes")
        long = await process.begin(user("ulf", session="s-ulf", ip="192.0.2.142"), "list_invoices")
        stage.later(minutes=20)
        await process.finish(long)
        stage.planted.near_miss(RULE, [long.id], "it ended after twenty minutes")
        again = await process.call(who, "list_invoices")
        stage.planted.near_miss(RULE, [again.id], "the same user and tool, ended at once")
        stage.at("2026-03-20T09:54:59Z")
        hanging = await process.begin(
            service("ursa", session="s-ursa", ip="192.0.2.143"), "count_stock", server="warehouse"
        )
        stage.planted.case(RULE, [hanging.id], "five minutes and a second old")
        stage.at("2026-03-20T09:55:01Z")
        young = await process.begin(user("uta", session="s-uta", ip="192.0.2.144"), "list_invoices")
        stage.planted.near_miss(RULE, [young.id], "a second less than five minutes old")
        stage.at("2026-03-20T10:00:00Z")
        async with stage.process():  # its start sweeps, and leaves alone what a living process has begun
            return
