"""Question 12: administration when nobody is at work. Friday, 13, to Monday, 16 March."""

from __future__ import annotations

from gatetrail.identity.tiers import CallerType, Tier
from siem.corpus.expectation import TIER
from siem.corpus.people import Who, admin, service, user
from siem.corpus.stage import Stage

RULE = "admin_call_off_hours"
OWL = admin("owl", session="s-owl", ip="192.0.2.100")
DEPUTY = OWL.by(user="deputy", session="s-deputy", caller_type=CallerType.USER)
TIMER = service("timer", session="s-timer", ip="192.0.2.101").by(tier=Tier.ADMIN, caller_type=CallerType.SERVICE)
SLEEPLESS = user("sleepless", session="s-sleepless", ip="192.0.2.102")
AGENT = OWL.by(user="night-agent", session="s-night-agent", caller_type=CallerType.MCP)

CALLS: tuple[tuple[str, Who, str, str, bool], ...] = (
    ("13T05:59:59.999999", OWL, "close_books", "a microsecond before six on a Friday", True),
    ("13T12:00:00", OWL, "close_books", "noon on a Friday", False),
    ("13T19:59:59.9", OWL, "close_books", "just before eight in the evening", False),
    ("13T20:00:00", OWL, "close_books", "eight o'clock in the evening", True),
    ("13T20:05:00", DEPUTY, "approve_payment", "in the evening, a user with tier admin", True),
    ("13T20:06:00", TIMER, "approve_payment", "in the evening, but a service", False),
    ("13T20:07:00", AGENT, "approve_payment", "in the evening, but a program that is no person", False),
    ("13T20:08:00", OWL, "list_invoices", "in the evening, but no tool of administrators", False),
    ("13T23:59:59", OWL, "close_books", "just before midnight", True),
    ("14T00:00:00", OWL, "close_books", "midnight to Saturday", True),
    ("14T12:00:00", OWL, "close_books", "noon on a Saturday", True),
    ("15T12:00:00", DEPUTY, "close_books", "noon on a Sunday", True),
    ("15T12:01:00", TIMER, "close_books", "noon on a Sunday, but a service", False),
    ("16T03:00:00", OWL, "close_books", "three in the morning on a Monday", True),
    ("16T06:00:00", OWL, "close_books", "six o'clock on a Monday", False),
    ("16T12:00:00", OWL, "close_books", "noon on a Monday", False),
)


async def tell(stage: Stage) -> None:
    """One call after another, over a weekend."""
    async with stage.process() as process:
        for moment, who, tool, why, is_case in CALLS:
            stage.at(f"2026-03-{moment}Z")
            step = await process.call(who, tool)
            told = stage.planted.case if is_case else stage.planted.near_miss
            told(RULE, [step.id], why)
            if moment == "14T12:00:00":
                denied = await process.call(SLEEPLESS, "close_books", TIER)
                stage.planted.near_miss(RULE, [denied.id], "on a Saturday, but denied")
