"""Questions 1 and 4: who was denied, and who had too low a tier. Tuesday, 3 March."""

from __future__ import annotations

from gatetrail.identity.tiers import CallerType, Tier
from siem.corpus.expectation import BLOCKED, SCOPE, SESSION_TIER, TIER
from siem.corpus.people import admin, service, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage


async def tell(stage: Stage) -> None:
    """Every tier asks for every demand."""
    async with stage.process() as process:
        stage.at("2026-03-03T08:00:00Z")
        await process.call(user("dora", session="s-dora", ip="192.0.2.20"), "close_books", TIER)
        await process.call(service("robot", session="s-robot", ip="192.0.2.21"), "list_invoices", TIER)
        await process.call(
            service("robot", session="s-robot", ip="192.0.2.21"), "move_pallet", TIER, server="warehouse"
        )
        allowed = await process.call(user("dora", session="s-dora", ip="192.0.2.20"), "list_invoices")
        stage.planted.near_miss("call_denied", [allowed.id], "the same user and session, a tool that she may use")
        fine = await process.call(admin("hal", session="s-hal", ip="192.0.2.22"), "close_books")
        stage.planted.near_miss("tier_too_low", [fine.id], "the tool that dora was denied, by somebody of tier admin")
        stage.planted.near_miss("call_denied", [fine.id], "the tool that dora was denied, by somebody of tier admin")
        scope = await process.call(user("dora", session="s-dora", ip="192.0.2.20"), "reconcile_account", SCOPE)
        stage.planted.near_miss("tier_too_low", [scope.id], "the same gate, but what is missing is a scope")
        blocked = await process.call(user("dora", session="s-dora", ip="192.0.2.20"), "export_payroll", BLOCKED)
        stage.planted.near_miss("tier_too_low", [blocked.id], "denied by the blocklist")
        stage.later(minutes=5)
        bo = user("bo", session="s-bo", ip="192.0.2.23")
        await process.call(bo, "list_invoices")
        await process.call(bo.by(tier=Tier.ADMIN), "close_books", SESSION_TIER)
        await process.call(bo.by(tier=Tier.ADMIN, caller_type=CallerType.USER), "approve_payment", SESSION_TIER)
        await _only_tried(stage, process)
        ended = (await process.call(bo, "get_invoice")).id_of("tool_call.completed")
        stage.planted.near_miss("call_denied", [ended], "the outcome of a call, which is no decision")


async def _only_tried(stage: Stage, process: Process) -> None:
    """What is only tried denies nobody, whatever the shadow keys say."""
    tried = await process.call(user("tried", session="s-tried", ip="192.0.2.24"), "list_invoices")
    stage.planted.near_miss("call_denied", [tried.id], "allowed; an entry that is only tried would have denied it")
    tier = await process.call(user("dora", session="s-dora", ip="192.0.2.20"), "find_colleague", server="people")
    stage.planted.near_miss("tier_too_low", [tier.id], "allowed; only a tier that is tried would have been too low")
    for step in (tried, tier):
        if "shadow_reason_code" not in step.only("tool_call.decided"):
            raise AssertionError("nothing was tried")
