"""Question 10: users who are at two places too soon. Tuesday, 10 March, from nine o'clock on."""

from __future__ import annotations

from dataclasses import dataclass

from siem.corpus.expectation import TIER
from siem.corpus.people import user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

RULE = "impossible_travel"
BERLIN, HAMBURG, LONDON = "198.51.100.10", "198.51.100.11", "198.51.100.12"
NEW_YORK, SINGAPORE, LABASA, APIA, VIENNA, COLOGNE = (f"198.51.100.{number}" for number in range(13, 19))


@dataclass(frozen=True, slots=True)
class Trip:
    """Allowed calls at two places, so many minutes apart."""

    user: str
    start: str
    here: str
    there: str
    minutes: float
    why: str
    is_case: bool


TRIPS = (
    Trip("tom", "10T09:00", BERLIN, NEW_YORK, 60, "Berlin to New York, 6400 km, in an hour", True),
    Trip("tina", "10T09:01", BERLIN, HAMBURG, 1, "Berlin to Hamburg in a minute, but that is 255 km", False),
    Trip("thilo", "10T09:03", BERLIN, COLOGNE, 1, "Berlin to Cologne in a minute, but that is 477 km", False),
    Trip("toni", "10T09:05", LONDON, NEW_YORK, 345, "London to New York, 5570 km, in less than six hours", True),
    Trip("tara", "10T09:06", LONDON, NEW_YORK, 400, "London to New York in more than six and a half hours", False),
    Trip("timo", "10T09:10", BERLIN, VIENNA, 30, "Berlin to Vienna, 523 km, in half an hour", True),
    Trip("tilo", "10T09:11", BERLIN, VIENNA, 40, "Berlin to Vienna in forty minutes", False),
    Trip(
        "thea", "10T09:20", LABASA, APIA, 90, "Fiji to Samoa, 990 km over the date line, in an hour and a half", False
    ),
    Trip("theresa", "10T09:21", APIA, LABASA, 50, "Samoa to Fiji, 990 km over the date line, in fifty minutes", True),
    Trip("tea", "10T23:40", SINGAPORE, BERLIN, 45, "Singapore to Berlin over midnight", True),
)


async def tell(stage: Stage) -> None:
    """All calls of all trips in the order of their times."""
    async with stage.process() as process:
        await _trips(stage, process)
        await _between(stage, process)


async def _trips(stage: Stage, process: Process) -> None:
    calls = [(stage.us(f"2026-03-{trip.start}:00Z"), trip, trip.here) for trip in TRIPS]
    calls += [(moment_us + round(trip.minutes * 60e6), trip, trip.there) for moment_us, trip, _ in calls]
    for moment_us, trip, address in sorted(calls, key=lambda call: call[0]):
        stage.at_us(moment_us)
        step = await process.call(user(trip.user, session=f"s-{trip.user}-{address}", ip=address), "list_invoices")
        if address == trip.there:
            told = stage.planted.case if trip.is_case else stage.planted.near_miss
            told(RULE, [step.id], trip.why)


async def _between(stage: Stage, process: Process) -> None:
    """Only allowed calls count, only of the same user, and only those just before."""
    stage.at("2026-03-11T08:00:00Z")
    ted = user("ted", session="s-ted", ip=BERLIN)
    await process.call(ted, "list_invoices")
    far = await process.call(ted.by(ip=NEW_YORK, session="s-ted-far"), "close_books", TIER)
    back = await process.call(ted, "list_invoices")
    stage.planted.near_miss(RULE, [far.id, back.id], "what came from New York was denied")
    twin = await process.call(ted.by(user="Ted", ip=NEW_YORK, session="s-Ted"), "list_invoices")
    stage.planted.near_miss(RULE, [twin.id], "ted in Berlin and Ted in New York are two")
    stage.later(minutes=5)
    tuva = user("tuva", ip=BERLIN)
    await process.call(tuva, "list_invoices")
    stage.later(minutes=3)
    there = await process.call(tuva.by(ip=SINGAPORE), "list_invoices")
    stage.later(minutes=3)
    back = await process.call(tuva, "list_invoices")
    stage.planted.case(RULE, [there.id, back.id], "Berlin, Singapore, Berlin within six minutes")
    again = await process.call(tuva, "get_invoice")
    stage.planted.near_miss(RULE, [again.id], "the second call from the same place")
