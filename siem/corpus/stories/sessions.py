"""Questions 9 and 10: sessions in foreign hands, with several programs, from several addresses. Friday, 6 March."""

from __future__ import annotations

from collections.abc import Mapping

from siem.corpus.expectation import FOREIGN, OTHER_DEPARTMENT, TIER
from siem.corpus.people import Who, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

FOREIGN_RULE = "session_of_another_user"
CLIENTS, ADDRESSES = "session_with_several_clients", "session_from_several_addresses"
OWNER = user("olga", session="s-olga", ip="192.0.2.70", department="finance")
THIEF = user("theo", session="s-theo", ip="198.51.100.66", client="curl", agent="curl/8.5")


async def tell(stage: Stage) -> None:
    """First foreign ones, then one's own."""
    async with stage.process() as process:
        stage.at("2026-03-06T11:00:00Z")
        await _foreign(stage, process)
        await _clients(stage, process)
        await _addresses(stage, process)


async def next_day(stage: Stage) -> None:
    """A day after those of several programs; a working day starts with the same sessions."""
    async with stage.process() as process:
        stage.at("2026-03-07T12:30:00Z")
        step = await process.call(_paul("exactly").by(client="agent-b"), "list_invoices")
        stage.planted.case(CLIENTS, [step.id], "another program in the same session, exactly a day later")
        stage.at("2026-03-07T12:31:01Z")
        step = await process.call(_paul("late").by(client="agent-b"), "list_invoices")
        stage.planted.near_miss(CLIENTS, [step.id], "another program in the same session, a day and a second later")


async def _foreign(stage: Stage, process: Process) -> None:
    await process.call(OWNER, "list_invoices")
    await process.call(THIEF, "list_invoices")
    await process.call(THIEF.by(session="s-olga"), "list_invoices", FOREIGN)
    asked: Mapping[str, Mapping[str, str]] = {"tools/call": {"name": "get_invoice"}, "tools/list": {}}
    for method, params in asked.items():
        stage.later(seconds=40)
        step = await process.in_session("s-olga", THIEF, method, params)
        stage.planted.broad(FOREIGN_RULE, step.id_of("identity.refused"))
        if method == "tools/call":
            stage.expected(FOREIGN, step)
    other = await process.in_session("s-olga", OWNER.by(client="another"), "tools/list", {})
    stage.planted.near_miss(
        FOREIGN_RULE, [other.id_of("identity.refused")], "her own session, refused for another client program"
    )
    moved = await process.call(OWNER.by(department="sales"), "list_invoices", OTHER_DEPARTMENT)
    stage.planted.near_miss(FOREIGN_RULE, [moved.id], "her own session, denied for another department")
    stage.later(minutes=1)
    unproven = await process.refused(THIEF, "no-token-at-all")
    stage.planted.near_miss(FOREIGN_RULE, [unproven.id_of("identity.refused")], "refused for a token that is none")
    again = await process.call(OWNER, "list_invoices")
    stage.planted.near_miss(FOREIGN_RULE, [again.id], "the owner in her own session")


def _paul(session: str) -> Who:
    return user("paul", session=f"s-paul-{session}", ip="192.0.2.71", client="agent-a", agent="agent/1")


async def _clients(stage: Stage, process: Process) -> None:
    stage.at("2026-03-06T12:00:00Z")
    await process.call(_paul("shared"), "list_invoices")
    await process.call(_paul("shared"), "get_invoice")
    second = await process.call(_paul("shared").by(client="agent-b"), "list_invoices")
    third = await process.call(_paul("shared"), "list_invoices")
    stage.planted.case(CLIENTS, [second.id, third.id], "two programs in one session within a second")
    first = await process.call(_paul("denied"), "list_invoices")
    denied = await process.call(_paul("denied").by(client="agent-b"), "close_books", TIER)
    stage.planted.near_miss(CLIENTS, [first.id, denied.id], "the other program was denied")
    left = await process.call(_paul("left"), "list_invoices")
    right = await process.call(_paul("right").by(client="agent-b"), "list_invoices")
    stage.planted.near_miss(CLIENTS, [left.id, right.id], "two programs of one user, each in a session of its own")
    twins = [
        await process.call(_paul("twin"), "list_invoices"),
        await process.call(_paul("twin").by(session="S-PAUL-TWIN", client="agent-b"), "list_invoices"),
    ]
    stage.planted.near_miss(CLIENTS, [step.id for step in twins], "two sessions, s-paul-twin and S-PAUL-TWIN")
    await process.call(_paul("named"), "list_invoices")
    nameless = await process.inside(_paul("named"), "list_invoices")
    stage.planted.near_miss(CLIENTS, [nameless.id], "the other call in the session names no program")
    stage.planted.near_miss(ADDRESSES, [nameless.id], "the other call in the session comes from no address")
    stage.at("2026-03-06T12:30:00Z")
    await process.call(_paul("exactly"), "list_invoices")
    stage.at("2026-03-06T12:31:00Z")
    await process.call(_paul("late"), "list_invoices")


async def _addresses(stage: Stage, process: Process) -> None:
    rita = user("rita", session="s-rita", ip="192.0.2.72")
    stage.at("2026-03-06T13:10:00Z")
    await process.call(rita, "list_invoices")
    stage.at("2026-03-06T13:12:00Z")
    moved = await process.call(rita.by(ip="192.0.2.73"), "list_invoices")
    stage.planted.case(ADDRESSES, [moved.id], "one session from two addresses within two minutes")
    stage.at("2026-03-06T13:50:00Z")
    await process.call(rita.by(session="s-rita-2"), "list_invoices")
    denied = await process.call(rita.by(session="s-rita-2", ip="192.0.2.73"), "close_books", TIER)
    stage.planted.near_miss(ADDRESSES, [denied.id], "from the other address it was denied")
    apart = await process.call(rita.by(session="s-rita-3", ip="192.0.2.73"), "list_invoices")
    stage.planted.near_miss(ADDRESSES, [apart.id], "the other address is that of another session of hers")
    for session, later_s, is_case in (("exactly", 3_600, True), ("late", 3_601, False), ("straddling", 1_500, True)):
        who = rita.by(session=f"s-rita-{session}")
        start = {"exactly": "14:00:00", "late": "15:10:00", "straddling": "16:50:00"}[session]
        stage.at(f"2026-03-06T{start}Z")
        await process.call(who, "list_invoices")
        stage.at(f"2026-03-06T{start}Z", later_s)
        step = await process.call(who.by(ip="192.0.2.73"), "list_invoices")
        told = stage.planted.case if is_case else stage.planted.near_miss
        told(
            ADDRESSES, [step.id], f"another address in the same session {later_s} seconds later; the window is an hour"
        )
