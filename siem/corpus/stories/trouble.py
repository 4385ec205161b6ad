"""Question 15: a sink that takes nothing, and lines that get lost on the way. Thursday, 19 March."""

from __future__ import annotations

from siem.corpus.expectation import AUDIT, TIER
from siem.corpus.people import user
from siem.corpus.sink import ScriptedSink, ahead, following
from siem.corpus.stage import Stage
from siem.corpus.step import Step

TROUBLE, GAP = "audit_trouble", "journal_gap"
REFUSED = 3
AHEAD = 9


async def sinks(stage: Stage) -> None:
    """A follower of the real kind drives a sink that fails, works again, and is set back."""
    async with stage.process() as process:
        stage.at("2026-03-19T09:00:00Z")
        away = ScriptedSink("splunk", "connection refused by splunk.example port 8088")
        async with following(process.gate, away):
            failed = await stage.step(ends_with="audit.sink_failed")
            stage.planted.broad(TROUBLE, failed.id_of("audit.sink_failed"))
            stage.later(minutes=7)
            away.problem = None
            recovered = await stage.step(ends_with="audit.sink_recovered")
            stage.planted.near_miss(TROUBLE, [recovered.id_of("audit.sink_recovered")], "the sink takes events again")


async def set_back(stage: Stage) -> None:
    """The position of a sink lies beyond the journal's end, as after a restore from a backup."""
    async with stage.process() as process:
        stage.at("2026-03-19T10:00:00Z")
        await ahead(process.gate, "loki", AHEAD)
        async with following(process.gate, ScriptedSink("loki", None)):
            gap = await stage.step(ends_with="audit.gap")
        stage.planted.broad(TROUBLE, gap.id_of("audit.gap"))


async def refusing(stage: Stage) -> None:
    """For some minutes the database takes nothing: allowed calls are denied, and the spool keeps what happens."""
    who = user("sara", session="s-sara", ip="192.0.2.121")
    async with stage.process() as process:
        stage.at("2026-03-19T11:00:00Z")
        await process.call(who, "list_invoices")
        async with stage.refusing():
            for tool in ("list_invoices", "get_invoice", "close_books"):
                stage.later(seconds=30)
                await process.ask("tools/call", {"name": tool}, who)
        stage.later(minutes=2)
        await process.call(who, "list_invoices")
        found = await process.recover(REFUSED)
        for event, expected in zip(found.events, (AUDIT, AUDIT, TIER), strict=True):
            process.check(expected, Step([event]), who)
        stage.planted.near_miss(TROUBLE, [found.events[2]["event_id"]], "denied at that time for a tier, and spooled")
        late = found.events[0]["event_id"]
        stage.planted.near_miss(GAP, [late], "recorded minutes late, behind younger events, but nothing is missing")


async def lost_lines(stage: Stage) -> None:
    """Nobody but the reader of the file sees these gaps: the journal has all of it."""
    async with stage.process() as process:
        stage.at("2026-03-19T13:00:00Z")
        who = user("lutz", session="s-lutz", ip="192.0.2.130")
        for count in (1, 3):
            await process.list_tools(who)
            for _ in range(count):
                lost = await process.list_tools(who)
                stage.lines.lose(lost)
            after = await process.list_tools(who)
            stage.planted.case(GAP, [after.id_of("manifest.listed")], f"{count} of the lines before it got lost")
            stage.later(minutes=3)
            fine = await process.list_tools(who)
            stage.planted.near_miss(GAP, [fine.id_of("manifest.listed")], "the line before it is there, minutes older")
