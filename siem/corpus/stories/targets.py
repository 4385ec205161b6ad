"""Question 11: tools that are denied again and again, to whomever. Wednesday, 11 March, from ten o'clock on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from siem.corpus.expectation import BLOCKED, HOOK, SCANNER, SCOPE, TIER, UNKNOWN_TOOL, Denied
from siem.corpus.people import agent, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

RULE = "tool_denied_often"
USERS = 7


async def tell(stage: Stage) -> None:
    """One tool after another."""
    async with stage.process() as process:
        found = await _denied(stage, process, "people/read_review", SCOPE, "10:02:00", range(0, 27 * 40, 40))
        stage.planted.case(RULE, found[24:], "27 denials by the scope gate within 18 minutes of one hour")
        found = await _denied(stage, process, "finance/export_payroll", BLOCKED, "11:50:00", range(0, 25 * 50, 50))
        stage.planted.case(RULE, found[24:], "25 denials by the blocklist, half of them before noon, half after")
        offsets_s = [*range(0, 24 * 140, 140), 3_600]
        found = await _denied(stage, process, "warehouse/order_parts", HOOK, "13:00:00", offsets_s)
        stage.planted.case(RULE, found[24:], "25 denials, most by a hook, the last one exactly an hour after the first")
        found = await _denied(stage, process, "engineering/rotate_secret", TIER, "14:10:00", range(0, 24 * 30, 30))
        stage.planted.near_miss(RULE, found, "24 denials within twelve minutes: one too few")
        offsets_s = [*range(0, 24 * 140, 140), 3_601]
        found = await _denied(stage, process, "people/end_contract", TIER, "14:30:00", offsets_s)
        stage.planted.near_miss(RULE, found, "25 denials, the last one an hour and a second after the first")
        await _two_servers(stage, process)
        await _other_gate(stage, process)


async def _denied(
    stage: Stage, process: Process, name: str, denied: Denied, start: str, offsets_s: Iterable[float]
) -> Sequence[str]:
    """By several users in turn, so that none of them is denied often."""
    server, _, tool = name.partition("/")
    found: list[str] = []
    for number, offset_s in enumerate(offsets_s):
        stage.at(f"2026-03-11T{start}Z", offset_s)
        by_scope = denied is HOOK and number % 3 == 0
        who = user(f"visitor-{number % USERS}", session=f"s-visitor-{number % USERS}", ip="192.0.2.90")
        scanning = who.by(agent="sqlmap/1.8") if denied is SCANNER else who
        who = agent(f"guest-{number}", session=f"s-guest-{number}", ip="192.0.2.91") if by_scope else scanning
        found.append((await process.call(who, tool, TIER if by_scope else denied, server=server)).id)
    return found


async def _two_servers(stage: Stage, process: Process) -> None:
    left = await _denied(stage, process, "people/open_gate", UNKNOWN_TOOL, "15:40:00", range(0, 13 * 10, 10))
    right = await _denied(stage, process, "warehouse/open_gate", TIER, "15:45:00", range(0, 13 * 10, 10))
    stage.planted.near_miss(RULE, [*left, *right], "26 denials of one name on two servers: 13 each")


async def _other_gate(stage: Stage, process: Process) -> None:
    scope = await _denied(stage, process, "people/change_salary", TIER, "16:00:00", range(0, 5 * 10, 10))
    probes = await _denied(stage, process, "people/plan_holidays", SCANNER, "16:20:00", range(0, 25 * 20, 20))
    stage.planted.near_miss(RULE, probes, "25 denials by the scanner, which do not count here")
    allowed = await process.call(
        user("visitor-8", session="s-visitor-8", ip="192.0.2.90"), "plan_holidays", server="people"
    )
    stage.planted.near_miss(RULE, [*scope, allowed.id], "five denials of one tool, and an allowed call of another")
