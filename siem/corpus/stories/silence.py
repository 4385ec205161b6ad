"""Question 15: processes that say for too long nothing of the record. Wednesday, 18 March."""

from __future__ import annotations

from siem.corpus.people import user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

RULE = "record_silent"


async def tell(stage: Stage) -> None:
    """Two processes side by side; one of them falls silent."""
    stage.at("2026-03-18T09:00:00Z")
    async with stage.process() as first:
        stage.at("2026-03-18T09:00:30Z")
        async with stage.process() as second:
            await _beats(stage, first, second)
            await _silences(stage, first, second)
    stage.at("2026-03-18T11:00:00Z")
    async with stage.process() as third:
        step = third.opening.id_of("audit.heartbeat")
        stage.planted.near_miss(RULE, [step], "half an hour after the last heartbeat, but of a process that just began")
        stage.at("2026-03-18T11:00:00Z", 3 * 60)
        late = await third.beat()
        stage.planted.case(RULE, [late.id_of("audit.heartbeat")], "three minutes after the first one")


async def _beats(stage: Stage, first: Process, second: Process) -> None:
    for minute in range(1, 6):
        stage.at("2026-03-18T09:00:00Z", 60 * minute)
        step = await first.beat()
        stage.at("2026-03-18T09:00:30Z", 60 * minute)
        await second.beat()
        stage.planted.near_miss(RULE, [step.id_of("audit.heartbeat")], "a minute after the one before")
    await first.call(user("sam", session="s-sam", ip="192.0.2.120"), "list_invoices")


async def _silences(stage: Stage, first: Process, second: Process) -> None:
    """After 09:05:00 of the first and 09:05:30 of the second."""
    stage.at("2026-03-18T09:06:30Z")
    await second.beat()
    stage.at("2026-03-18T09:07:00Z", 1)
    late = await first.beat()
    stage.planted.case(RULE, [late.id_of("audit.heartbeat")], "121 seconds after the one before; the other one went on")
    stage.at("2026-03-18T09:08:30Z")
    fits = await second.beat()
    stage.planted.near_miss(RULE, [fits.id_of("audit.heartbeat")], "exactly two minutes after the one before")
    stage.at("2026-03-18T09:09:00Z")
    await first.beat()
    stage.at("2026-03-18T10:30:00Z")
    late = await first.beat()
    stage.planted.case(RULE, [late.id_of("audit.heartbeat")], "81 minutes after the one before")
