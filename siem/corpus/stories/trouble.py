"""Question 15: a sink that takes nothing, and lines that get lost on the way. Thursday, 19 March."""

from __future__ import annotations

from siem.corpus.people import user
from siem.corpus.sink import ScriptedSink, following
from siem.corpus.stage import Stage

TROUBLE, GAP = "audit_trouble", "journal_gap"


async def sinks(stage: Stage) -> None:
    """A follower of the real kind drives a sink that fails, works again, and is set back."""
    async with stage.process() as process:
        stage.at("2026-03-19T09:00:00Z")
        away = ScriptedSink("splunk", "connection refused by splunk.example port 8088")
        async with following(process.gate, away):
            failed = await stage.step(ends_with="audit.sink_failed")
            stage.broad(TROUBLE, failed.id_of("audit.sink_failed"))
            stage.later(minutes=7)
            away.problem = None
            recovered = await stage.step(ends_with="audit.sink_recovered")
            stage.planted.near_miss(TROUBLE, [recovered.id_of("audit.sink_recovered")], "the sink takes events again")


async def lost_lines(stage: Stage) -> None:
    """Nobody but the reader of the file sees these gaps: the journal has all of it."""
    async with stage.process() as process:
        stage.at("2026-03-19T13:00:00Z")
        who = user("lutz", session="s-lutz", ip="192.0.2.130")
        for count in (1, 3):
            await process.list_tools(who)
            for _ in range(count):
                lost = await process.list_tools(who)
                stage.lose(lost)
            after = await process.list_tools(who)
            stage.planted.case(GAP, [after.id_of("manifest.listed")], f"{count} of the lines before it got lost")
            stage.later(minutes=3)
            fine = await process.list_tools(who)
            stage.planted.near_miss(GAP, [fine.id_of("manifest.listed")], "the line before it is there, minutes older")
