"""Questions 8 and 14: calls whose process died, and one trace through several servers. Thursday, 12 March."""

from __future__ import annotations

from siem.corpus.expectation import TIER, UNKNOWN_TOOL
from siem.corpus.people import admin, service, user
from siem.corpus.stage import Stage

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = 4 + 3 + 1
"""Decisions, outcomes and a list."""
NEARLY = "4bf92f3577b34da6a3ce929d0e0e4737"


async def left_behind(stage: Stage) -> None:
    """A process ends with three calls under way; the next one to start closes them."""
    stage.at("2026-03-12T09:00:00Z")
    async with stage.process() as process:
        begun = [
            await process.begin(user("lena", session="s-lena", ip="192.0.2.95"), "list_invoices"),
            await process.begin(
                service("loader", session="s-loader", ip="192.0.2.95"), "count_stock", server="warehouse"
            ),
            await process.begin(user('le"o|', session="s-leo", ip="192.0.2.95"), "50%_off"),
        ]
        fails = await process.call(user("lena", session="s-lena", ip="192.0.2.95"), "get_invoice", fails=True)
        stage.planted.near_miss("execution_orphaned", [fails.id_of("tool_call.completed")], "a call that failed")
        stage.later(minutes=20)
    async with stage.process() as process:
        orphans = [event for event in process.opening.events if event["event_name"] == "execution.orphaned"]
        if {event["execution_id"] for event in orphans} != {one.admitted.execution_id for one in begun}:
            raise AssertionError("other calls were closed than those that were left")
        for event in orphans:
            stage.planted.broad("execution_orphaned", event["event_id"])
        stage.planted.near_miss("call_without_outcome", [step.id for step in begun], "closed by the next process")
        stage.planted.near_miss("execution_orphaned", [step.id for step in begun], "the decisions of those calls")


async def one_trace(stage: Stage) -> None:
    """Whoever takes up the context of a trace."""
    async with stage.process() as process:
        stage.at("2026-03-12T10:00:00Z")
        found = [
            await process.call(user("lara", session="s-lara", ip="192.0.2.96"), "list_invoices", trace=TRACE),
            await process.call(
                service("porter", session="s-porter", ip="192.0.2.97"), "count_stock", server="warehouse", trace=TRACE
            ),
            await process.call(user("lara", session="s-lara", ip="192.0.2.96"), "close_books", TIER, trace=TRACE),
            await process.call(admin("hal", session="s-hal-12", ip="192.0.2.22"), "close_books", trace=TRACE),
            await process.list_tools(user("lara", session="s-lara", ip="192.0.2.96"), trace=TRACE),
        ]
        traced = [event["event_id"] for step in found for event in step.events if event.get("trace_id") == TRACE]
        if len(traced) != TRACED:
            raise AssertionError(f"{len(traced)} events of the trace")
        stage.planted.case("trace_events", traced, "four calls over two servers, with their outcomes, and a list")
        stage.planted.say("trace_events", trace_id=TRACE)
        other = await process.call(user("lara", session="s-lara", ip="192.0.2.96"), "list_invoices", trace=NEARLY)
        stage.planted.near_miss("trace_events", [other.id], "a trace that differs in its last digit")
        named = await process.call(
            user("lara", session="s-lara", ip="192.0.2.96"),
            TRACE,
            UNKNOWN_TOOL,
            server="people",
            arguments={"trace_id": TRACE},
        )
        stage.planted.near_miss("trace_events", [named.id], "the trace's id as the name of a tool and in the arguments")
