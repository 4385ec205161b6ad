"""The table for people, and where to look further."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gatetrail.demo.account import MUST_DENY, Account
from gatetrail.demo.cast import CAST
from gatetrail.demo.hints import Hint, Shell
from gatetrail.demo.party import Party
from gatetrail.events.tally import CallCount
from gatetrail.words import ExecutionStatus, GateName

_HEADINGS = {
    GateName.SCOPE: "scope",
    GateName.SCANNER: "scanner",
    GateName.BLOCKLIST: "block",
    GateName.RATE_LIMIT: "rate",
}
TITLE = "By the record: tool calls, how the allowed ones ended, who denied the others"


def print_account(console: Console, account: Account) -> None:
    """Who did what, and what became of it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    for heading in ("caller", "tier"):
        table.add_column(heading, no_wrap=True)
    for heading in ("calls", "ok", "failed", "timeout", *(_HEADINGS[gate] for gate in MUST_DENY)):
        table.add_column(heading, justify="right", no_wrap=True)
    for party in CAST:
        table.add_row(party.name, _tier(party), *_cells(account.of(party.name)))
    table.add_section()
    table.add_row("all", "", *_cells(account.lines), style="bold")
    print_text(console, TITLE)
    console.print(table)
    print_text(console, _summary(account))


def print_hints(console: Console, hints: Sequence[Hint], shell: Shell) -> None:
    """Commands to look further, each on a line of its own so that it can be copied."""
    print_text(console, "\nLook further:" if shell.is_embedded else "\nLook further, with the same GATETRAIL_DSN:")
    for hint in hints:
        print_text(console, f"  # {hint.purpose}\n  {hint.command}")


def _tier(party: Party) -> str:
    proofs = [proof for proof in (party.proof, party.later_proof) if proof is not None]
    return "→".join(proof.tier.value for proof in proofs) or "anonymous"


def _cells(lines: Sequence[CallCount]) -> Iterable[str]:
    yield str(sum(line.count for line in lines))
    for status in (ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT):
        yield _number(line.count for line in lines if line.status is status)
    for gate in MUST_DENY:
        yield _number(line.count for line in lines if line.gate is gate)


def _number(counts: Iterable[int]) -> str:
    total = sum(counts)
    return str(total) if total else "·"


def _summary(account: Account) -> str:
    denied = account.calls - account.allowed
    pending = account.executions_by_status[ExecutionStatus.PENDING.value]
    probes = account.events.get("scanner.detected", 0)
    chain = "the whole chain verifies" if account.verified else "THE RECORD DOES NOT VERIFY"
    return (
        f"{account.calls} tool calls: {account.allowed} allowed, {denied} denied, {pending} pending. "
        f"{account.event_count} events, {probes} of them about probes that were no calls; {chain}."
    )


def print_text(console: Console, text: str) -> None:
    """Text as it is, in lines as long as they are."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
