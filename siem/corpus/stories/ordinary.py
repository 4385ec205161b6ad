"""A Monday as all Mondays: people, programs and a coding agent at work, some of them with difficult names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siem.corpus.expectation import ALLOWED, BLOCKED, HOOK, SCANNER, SCOPE, TIER, UNKNOWN_TOOL
from siem.corpus.house import ODD_TOOLS
from siem.corpus.people import admin, service, user
from siem.corpus.process import Process
from siem.corpus.stage import Stage

ADA = admin("ada", session="s-ada-monday", department="finance", ip="192.0.2.11", roles=("controller",))
ANN = user("ann", session="s-ann-monday", department="finance", ip="192.0.2.12", scopes=("finance:reconcile",))
ELI = user("eli", session="s-eli-monday", department="engineering", ip="192.0.2.13")
NIGHTLY = service("nightly-agent", session="s-nightly-monday", ip="192.0.2.40")
CODER = user("cleo", client="claude-code", ip="192.0.2.14", agent="claude-code/2.1")
FAILED_RUN = 3
ODD_USERS = (
    "o'neil",
    "O'Neil",
    'anna "nan" k.',
    "corp\\dora",
    "ev*",
    "100%",
    "zoë|zoe",
    "$(whoami)",
    "null",
    "true",
    "0",
    "TRACE_ID",
)


async def tell(stage: Stage) -> None:
    """From eight in the morning on."""
    async with stage.process() as process:
        await _administration(stage, process)
        await _work(stage, process)
        await _odd(stage, process)
        await _agent(stage, process)


async def _administration(stage: Stage, process: Process) -> None:
    """Every tool of administrators but those of `newcomers` is used on the first morning."""
    stage.at("2026-03-02T08:00:00Z")
    for server, tool in (
        ("finance", "close_books"),
        ("finance", "approve_payment"),
        ("engineering", "rotate_secret"),
        ("people", "change_salary"),
        ("warehouse", "open_gate"),
    ):
        step = await process.call(ADA, tool, server=server, takes_ms=230)
        stage.planted.near_miss(
            "admin_tool_first_used", [step.id], "the first of its kind, in the first minutes of all"
        )
        stage.later(minutes=1)


async def _work(stage: Stage, process: Process) -> None:
    stage.at("2026-03-02T09:00:00Z")
    await process.list_tools(ANN)
    for number in range(10):
        await process.call(ANN, "get_invoice", arguments={"number": f"2026-{number:04d}"}, takes_ms=8.125)
        await process.call(ELI, "search_runbooks", server="engineering", arguments={"words": "restart queue"})
        await process.call(NIGHTLY, "count_stock", server="warehouse", takes_ms=3)
        stage.later(seconds=70)
    await process.call(ANN, "reconcile_account", arguments={"account": "1200"}, takes_ms=40)
    await process.call(ANN, "forecast_cash_flow", takes_ms=9_000)
    await process.call(ANN, "get_invoice", arguments={"number": "none"}, fails=True)
    await process.call(None, "service_status", server="engineering")
    await process.call(None, "list_invoices", TIER)
    await process.call(ANN, "export_payroll", BLOCKED)
    await process.call(ELI, "reconcile_account", SCOPE)
    await process.call(ELI, "send_rocket", UNKNOWN_TOOL, server="people")
    await process.call(ELI, "order_parts", HOOK, server="warehouse")
    await process.call(ELI.by(agent="sqlmap/1.8", ip="198.51.100.90"), "service_status", SCANNER, server="engineering")


async def _odd(stage: Stage, process: Process) -> None:
    """Whatever a query's text has to quote."""
    stage.at("2026-03-02T11:00:00Z")
    for number, name in enumerate(ODD_USERS):
        who = user(name, session=f"s-odd-{number}", ip="192.0.2.15", agent="Mozilla/5.0 (X11; \"q\" | 'a' \\ * %)")
        await process.call(who, "list_invoices")
        await process.call(who, "close_books", TIER)
    long = await process.call(user("$(whoami)", session="s-odd-long"), "plan_holidays", BLOCKED, server="people")
    stage.planted.near_miss("tier_too_low", [long.id], "denied by the blocklist, with a reason like a query")
    teller = user("odd-tools", session="s-odd-tools", ip="192.0.2.15", department='R&D "Süd" | 50%')
    for tool in ODD_TOOLS:
        await process.call(teller, tool, fails=True)
    await process.call(teller, "list_invoices", arguments={"note": "x" * 400, "quote": 'it\'s "so" \\ | * %'})
    for tool in ODD_TOOLS:
        await process.call(teller, tool, UNKNOWN_TOOL, server="people")


async def _agent(stage: Stage, process: Process) -> None:
    """A coding agent tells of its own session, through the door for hooks."""
    stage.at("2026-03-02T13:00:00Z")
    for name in ("SessionStart", "UserPromptSubmit", "SubagentStart"):
        await process.hook(CODER, _moment(name))
    for number in range(6):
        use = {"tool_name": "Bash", "tool_input": {"command": f"make test{number}"}, "tool_use_id": f"toolu_{number}"}
        await process.hook(CODER, _moment("PreToolUse", **use), ALLOWED)
        stage.later(seconds=2)
        ended = "PostToolUseFailure" if number == FAILED_RUN else "PostToolUse"
        await process.hook(CODER, _moment(ended, **use, error="Command exited with 2", tool_response={"stdout": "ok"}))
        stage.later(seconds=20)
    push = {"tool_name": "Bash", "tool_input": {"command": "git push --force"}, "tool_use_id": "toolu_push"}
    await process.hook(CODER, _moment("PreToolUse", **push), BLOCKED)
    await process.hook(CODER, _moment("PreToolUse", tool_name="WebFetch", tool_input={}, tool_use_id="toolu_w"), SCOPE)
    for name in ("SubagentStop", "Notification", "Stop", "SessionEnd"):
        await process.hook(CODER, _moment(name, message="The agent waits", reason="prompt_input_exit"))


def _moment(name: str, **more: Any) -> Mapping[str, Any]:
    place = {"transcript_path": "/home/ann/t.jsonl", "cwd": "/home/ann", "permission_mode": "default"}
    agent = {
        "agent_id": "a1",
        "agent_type": "Explore",
        "source": "startup",
        "prompt": "Why?",
        "notification_type": "idle",
    }
    return {"hook_event_name": name, "session_id": "6f1ed002-ab55-4598-8014-ebf0951522d9", **place, **agent, **more}
