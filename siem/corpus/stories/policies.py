"""Question 13: policies that change, and what is allowed after that. 3 March, then Monday 16 and Tuesday, 17 March."""

from __future__ import annotations

from siem.corpus.expectation import BLOCKED, SCANNER, SCOPE, UNKNOWN_TOOL
from siem.corpus.people import Who, user
from siem.corpus.policy import policy
from siem.corpus.process import Process
from siem.corpus.stage import Stage

CHANGED, AFTER, NEW = "policy_changed", "allowed_after_policy_change", "tool_new_for_user"
NO_SCOPE = {'reconcile_account: {scopes: ["finance:reconcile"]}': "reconcile_account: {}"}
NO_BLOCK = {"data_domains: [payroll], reason": "data_domains: [nothing], reason"}


def _who(name: str, **more: object) -> Who:
    return user(name, session=f"s-{name}", ip="192.0.2.110").by(**more)


async def long_before(stage: Stage) -> None:
    """Two denials two weeks ago."""
    async with stage.process() as process:
        stage.at("2026-03-03T17:00:00Z")
        await process.call(_who("xenia"), "reconcile_account", SCOPE)
        stage.at("2026-03-03T17:01:00Z")
        await process.call(_who("yann"), "reconcile_account", SCOPE)


async def tell(stage: Stage) -> None:
    """Two processes; one of them gets another policy, and then a third one is started with yet another."""
    async with stage.process() as process, stage.process() as other:
        starts = [process.opening.id_of("policy.changed"), other.opening.id_of("policy.changed")]
        stage.planted.near_miss(CHANGED, starts, "a process has started")
        stage.at("2026-03-16T13:00:00Z")
        await _before(process)
        stage.later(minutes=30)
        changed = await process.adopt(policy(NO_SCOPE))
        stage.planted.broad(CHANGED, changed.id_of("policy.changed"))
        stage.later(minutes=10)
        await _after(stage, process)
        await _other_process(stage, process, other)
        await _two_weeks(stage, process)
    await _restart(stage)


async def _before(process: Process) -> None:
    await process.call(_who("wendy"), "reconcile_account", SCOPE)
    await process.call(_who("wim"), "export_payroll", BLOCKED)
    await process.call(_who("wolf", agent="sqlmap/1.8", scopes=("finance:reconcile",)), "reconcile_account", SCANNER)
    await process.call(_who("wanda"), "reconcile_account", SCOPE)
    await process.call(_who("wilma"), "read*", UNKNOWN_TOOL, server="people")


async def _after(stage: Stage, process: Process) -> None:
    allowed = await process.call(_who("wendy"), "reconcile_account")
    stage.planted.case(AFTER, [allowed.id], "denied by the scope gate, allowed under the next policy")
    again = await process.call(_who("wendy"), "reconcile_account")
    stage.planted.near_miss(AFTER, [again.id], "the second allowed call under the new policy")
    other = await process.call(_who("wendy"), "list_invoices")
    stage.planted.near_miss(AFTER, [other.id], "another tool, which wendy was never denied")
    twin = await process.call(_who("Wendy"), "reconcile_account")
    stage.planted.near_miss(AFTER, [twin.id], "Wendy was never denied; wendy was")
    scanned = await process.call(_who("wolf"), "reconcile_account")
    stage.planted.near_miss(AFTER, [scanned.id], "denied by the scanner before, not by scope or blocklist")
    elsewhere = await process.call(_who("wilma"), "read*")
    stage.planted.near_miss(AFTER, [elsewhere.id], "denied was a tool of that name on another server")
    still = await process.call(_who("wim"), "export_payroll", BLOCKED)
    stage.planted.near_miss(AFTER, [still.id], "denied under the new policy, too")


async def _other_process(stage: Stage, process: Process, other: Process) -> None:
    stage.later(minutes=1)
    await other.call(_who("willi"), "reconcile_account", SCOPE)
    stage.later(minutes=1)
    allowed = await process.call(_who("willi"), "reconcile_account")
    stage.planted.near_miss(AFTER, [allowed.id], "denied by a process with the old policy, after the change in another")


async def _two_weeks(stage: Stage, process: Process) -> None:
    stage.at("2026-03-17T17:00:00Z")
    allowed = await process.call(_who("xenia"), "reconcile_account")
    stage.planted.case(AFTER, [allowed.id], "denied exactly two weeks before")
    stage.planted.case(NEW, [allowed.id], "xenia is known for two weeks, by a denied call of the same tool")
    stage.at("2026-03-17T17:01:01Z")
    allowed = await process.call(_who("yann"), "reconcile_account")
    stage.planted.near_miss(AFTER, [allowed.id], "denied two weeks and a second before")
    stage.planted.case(NEW, [allowed.id], "yann is known for two weeks, by a denied call of the same tool")


async def _restart(stage: Stage) -> None:
    stage.at("2026-03-17T18:00:00Z")
    async with stage.process(policy(NO_BLOCK)) as process:
        stage.planted.near_miss(CHANGED, [process.opening.id_of("policy.changed")], "a start, with another policy")
        stage.later(minutes=1)
        allowed = await process.call(_who("wim"), "export_payroll")
        stage.planted.case(AFTER, [allowed.id], "denied by the blocklist, allowed by a process that began without it")
        await process.call(_who("wes"), "reconcile_account", SCOPE)
    async with stage.process(policy(NO_BLOCK)) as process:
        stage.planted.near_miss(CHANGED, [process.opening.id_of("policy.changed")], "a start, with the same policy")
        allowed = await process.call(_who("wes", scopes=("finance:reconcile",)), "reconcile_account")
        stage.planted.near_miss(AFTER, [allowed.id], "denied before a restart, but under the same policy")
        back = await process.adopt(policy())
        stage.planted.broad(CHANGED, back.id_of("policy.changed"))
        never = await process.call(_who("walter"), "list_invoices")
        stage.planted.near_miss(AFTER, [never.id], "never denied")
        stage.planted.near_miss(CHANGED, [never.id], "a call under a new policy")
