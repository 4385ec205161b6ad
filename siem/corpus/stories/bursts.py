"""Question 5: denied several times, and then allowed. Thursday, 5 March."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from siem.corpus.expectation import BLOCKED, RATE, SCANNER, SCOPE, TIER
from siem.corpus.people import agent, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

RULE = "denied_burst_then_allowed"
TEN_MINUTES_S = 600


@dataclass(frozen=True, slots=True)
class Burst:
    """Denials so many seconds after a start, and then one allowed call."""

    user: str
    start: str
    denied_s: Sequence[float]
    allowed_s: float
    why: str
    is_case: bool


BURSTS = (
    Burst("mallory", "2026-03-05T09:00:10Z", range(0, 50, 10), 60, "five denials within a minute, then allowed", True),
    Burst("nick", "2026-03-05T09:17:00Z", range(0, 240, 30), 250, "eight denials around 09:20, then allowed", True),
    Burst(
        "otto",
        "2026-03-05T09:30:00Z",
        (0, 100, 200, 300, 400),
        600,
        "the first of five exactly ten minutes before",
        True,
    ),
    Burst("pia", "2026-03-05T10:00:00Z", (0, 10, 20, 30), 60, "four denials: one too few", False),
    Burst("ralf", "2026-03-05T10:10:00Z", (0, 100, 200, 300, 400), 601, "the first of five a second too early", False),
)


async def tell(stage: Stage) -> None:
    """One user after another."""
    async with stage.process() as process:
        for burst in BURSTS:
            await _burst(stage, process, burst)
        await _other_user(stage, process)
        await _allowed_between(stage, process)
        await _by_any_gate(stage, process)
        await _rates(stage, process)
        await _nobody(stage, process)


async def _burst(stage: Stage, process: Process, burst: Burst) -> None:
    who = user(burst.user, session=f"s-{burst.user}", ip="192.0.2.60")
    await stage.series(burst.start, burst.denied_s, lambda: process.call(who, "close_books", TIER))
    stage.at(burst.start, burst.allowed_s)
    allowed = await process.call(who, "list_invoices")
    told = stage.planted.case if burst.is_case else stage.planted.near_miss
    told(RULE, [allowed.id], burst.why)
    stage.later(seconds=3)
    again = await process.call(who, "list_invoices")
    stage.planted.near_miss(RULE, [again.id], "the call just before it was allowed")


async def _other_user(stage: Stage, process: Process) -> None:
    who = user("sven", session="s-sven", ip="192.0.2.61")
    await stage.series("2026-03-05T10:30:00Z", range(0, 60, 10), lambda: process.call(who, "close_books", TIER))
    other = await process.call(user("Sven", session="s-Sven", ip="192.0.2.61"), "list_invoices")
    stage.planted.near_miss(RULE, [other.id], "six denials of sven, and it is Sven who is allowed")


async def _allowed_between(stage: Stage, process: Process) -> None:
    who = user("tess", session="s-tess", ip="192.0.2.62")
    await stage.series("2026-03-05T10:40:00Z", range(0, 30, 10), lambda: process.call(who, "close_books", TIER))
    first = await process.call(who, "list_invoices")
    await stage.series("2026-03-05T10:41:00Z", (0, 10), lambda: process.call(who, "close_books", TIER))
    second = await process.call(who, "list_invoices")
    stage.planted.near_miss(RULE, [first.id], "three denials")
    stage.planted.case(RULE, [second.id], "three denials and two, with an allowed call in between that breaks nothing")


async def _by_any_gate(stage: Stage, process: Process) -> None:
    who = user("ursel", session="s-ursel", ip="192.0.2.63")
    stage.at("2026-03-05T10:50:00Z")
    await process.call(who, "export_payroll", BLOCKED)
    await process.call(who, "reconcile_account", SCOPE)
    await process.call(who.by(agent="nikto/2.5"), "list_invoices", SCANNER)
    await process.call(who, "approve_payment", TIER)
    await process.call(who, "close_books", TIER)
    allowed = await process.call(who, "list_invoices")
    stage.planted.case(RULE, [allowed.id], "five denials by three gates, then allowed")


async def _rates(stage: Stage, process: Process) -> None:
    """Denials of the rate neither count nor part a burst from what is allowed. Each process has its own buckets."""
    async with stage.process() as other:
        for name, start, scope_denials, rate_denials, why, is_case in (
            ("vroni", "11:00", 0, 6, "six denials, but of her rate, which do not count", False),
            ("valentin", "11:05", 4, 2, "four denials, and two of his rate, which do not count", False),
            ("veit", "11:10", 5, 2, "five denials, then two of his rate, which stand for nothing", True),
        ):
            who = agent(name, session=f"s-{name}", ip="192.0.2.64")
            stage.at(f"2026-03-05T{start}:00Z")
            await process.call(who, "search_runbooks", server="engineering")
            for _ in range(scope_denials):
                stage.later(seconds=5)
                await process.call(who, "approve_payment", TIER)
            for _ in range(rate_denials):
                stage.later(seconds=5)
                await process.call(who, "search_runbooks", RATE, server="engineering")
            allowed = await other.call(who, "search_runbooks", server="engineering")
            told = stage.planted.case if is_case else stage.planted.near_miss
            told(RULE, [allowed.id], why)


async def _nobody(stage: Stage, process: Process) -> None:
    stage.at("2026-03-05T11:20:00Z")
    for _ in range(6):
        await process.call(None, "list_invoices", TIER)
    allowed = await process.call(None, "service_status", server="engineering")
    stage.planted.near_miss(RULE, [allowed.id], "six denials of callers without a user, who may be six")
