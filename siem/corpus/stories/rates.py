"""Question 2: who came too often. Tuesday, 3 March, from ten o'clock on.

A program of tier `mcp` has one call in almost three hours here: the first is allowed, what comes then is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from siem.corpus.expectation import RATE
from siem.corpus.people import agent
from siem.corpus.process import Process
from siem.corpus.stage import Stage
from siem.corpus.step import Step, ids

RULE = "rate_limited_often"
HOUR_S = 3_600


async def tell(stage: Stage) -> None:
    """One program after another."""
    async with stage.process() as process:
        await _one_hour(stage, process)
        await _straddling(stage, process)
        await _whole_hour(stage, process)
        await _one_too_few(stage, process)
        await _too_long(stage, process)
        await _twins(stage, process)
        await _nobody(stage, process)


async def _denials(
    stage: Stage, process: Process, name: str, start: str, offsets_s: Iterable[float], server: str = "engineering"
) -> Sequence[Step]:
    who = agent(name, session=f"s-{name}", ip="192.0.2.50")
    stage.at(start, -5)
    passed = await process.call(who, "search_runbooks", server=server)
    stage.planted.near_miss("rate_limited", [passed.id], "the one call that it may make")
    return await stage.series(start, offsets_s, lambda: process.call(who, "search_runbooks", RATE, server=server))


async def _one_hour(stage: Stage, process: Process) -> None:
    steps = await _denials(stage, process, "runaway", "2026-03-03T10:05:00Z", range(0, 22 * 30, 30))
    stage.planted.case(RULE, ids(steps[19:]), "22 denials of runaway within eleven minutes of one clock hour")


async def _straddling(stage: Stage, process: Process) -> None:
    steps = await _denials(stage, process, "stumbler", "2026-03-03T11:45:00Z", range(0, 20 * 90, 90))
    stage.planted.case(RULE, ids(steps[19:]), "20 denials of stumbler, ten before and ten after twelve o'clock")


async def _whole_hour(stage: Stage, process: Process) -> None:
    offsets_s = [*range(0, 19 * 180, 180), HOUR_S]
    steps = await _denials(stage, process, "plodder", "2026-03-03T13:00:00Z", offsets_s)
    stage.planted.case(RULE, ids(steps[19:]), "20 denials of plodder, the last one exactly an hour after the first")


async def _one_too_few(stage: Stage, process: Process) -> None:
    steps = await _denials(stage, process, "nineteen", "2026-03-03T14:10:00Z", range(0, 19 * 60, 60))
    stage.planted.near_miss(RULE, ids(steps), "19 denials within twenty minutes: one too few")


async def _too_long(stage: Stage, process: Process) -> None:
    offsets_s = [*range(0, 19 * 180, 180), HOUR_S + 1]
    steps = await _denials(stage, process, "snail", "2026-03-03T15:00:00Z", offsets_s)
    stage.planted.near_miss(RULE, ids(steps), "20 denials, the last one an hour and a second after the first")


async def _twins(stage: Stage, process: Process) -> None:
    first = await _denials(stage, process, "gus", "2026-03-03T16:10:00Z", range(0, 10 * 20, 20))
    second = await _denials(stage, process, "Gus", "2026-03-03T16:20:00Z", range(0, 10 * 20, 20))
    stage.planted.near_miss(RULE, ids([*first, *second]), "20 denials of two programs, gus and Gus: ten each")


async def _nobody(stage: Stage, process: Process) -> None:
    stage.at("2026-03-03T16:40:00Z")
    await process.call(None, "service_status", server="engineering")
    steps = await stage.series(
        "2026-03-03T16:41:00Z",
        range(0, 21 * 20, 20),
        lambda: process.call(None, "service_status", RATE, server="engineering"),
    )
    stage.planted.near_miss(RULE, ids(steps), "21 denials of callers without a user, who are nobody's group")
