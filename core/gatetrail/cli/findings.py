"""What a simulation has found, as lines for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gatetrail.cli.cells import BOLD, DIM, GREEN, RED, YELLOW, Cell, Screen
from gatetrail.policy.model import Policy
from gatetrail.simulation.findings import ASSUMPTIONS, TOLD, Example, Findings, Reasons, caller_of
from gatetrail.simulation.simulator import Change

SHOWN = 10
"""Of callers, tools and reasons in the table; JSON has more."""
MOST = 1_000

_WORDS = {
    Change.NEWLY_DENIED: ("newly denied", RED),
    Change.NEWLY_ALLOWED: ("newly allowed", YELLOW),
    Change.OTHER_REASON: ("denied as before, for another reason", ""),
    Change.UNCHANGED: ("unchanged", GREEN),
    Change.CANNOT_BE_TOLD: ("cannot be told", YELLOW),
}
_COUNT_WIDTH = 10


def text_lines(findings: Findings, tried: Policy) -> Iterator[str]:
    """The numbers first, then what they are made of."""
    screen = Screen()
    yield from screen.folded(_heading(findings, tried))
    for change, (words, style) in _WORDS.items():
        count = findings.changes[change]
        yield screen.line([Cell(f"{count:>{_COUNT_WIDTH},}", style=style if count else DIM), Cell(words)])
    for change in TOLD:
        if findings.changes[change]:
            yield ""
            yield screen.line([Cell(f"{_WORDS[change][0].capitalize()}", style=BOLD)])
            yield from _details(screen, findings, change)
    if findings.doubts:
        yield ""
        yield screen.line([Cell("Cannot be told, because", style=BOLD)])
        yield from _counted(screen, "", [(doubt.value, count) for doubt, count in findings.doubts.most_common()])
    yield ""
    yield screen.line([Cell("Taken for granted", style=BOLD)])
    for sentence in ASSUMPTIONS:
        yield from screen.labelled(Cell("  -", 3, DIM), Cell(sentence))


def json_lines(findings: Findings, tried: Policy) -> Iterator[dict[str, Any]]:
    """One summary, then groups, examples, gaps and assumptions; `record` says which a line is."""
    yield {
        "record": "summary",
        "policy_version": tried.version,
        "policy_source": tried.source,
        "same": findings.is_the_same,
        "decisions": findings.count,
        "unreadable": findings.unreadable_count,
        **{change.value: findings.changes[change] for change in Change},
        "first_at": findings.first_at,
        "last_at": findings.last_at,
        "decided_under": dict(findings.policy_versions.most_common()),
    }
    for change in TOLD:
        yield from _groups(findings, change)
    for (change, reasons), examples in findings.examples.items():
        for example in examples:
            yield {"record": "example", "change": change.value, **asdict(reasons), **asdict(example)}
    for doubt, count in findings.doubts.most_common():
        yield {"record": "cannot_be_told", "doubt": doubt.name.lower(), "reason": doubt.value, "count": count}
    for sentence in ASSUMPTIONS:
        yield {"record": "assumption", "text": sentence}


def _groups(findings: Findings, change: Change) -> Iterator[dict[str, Any]]:
    for reasons, count in findings.reasons[change].most_common(MOST):
        yield {"record": "group", "change": change.value, "by": "gate", **asdict(reasons), "count": count}
    for by, counter in (("caller", findings.callers[change]), ("tool", findings.tools[change])):
        for name, count in counter.most_common(MOST):
            yield {"record": "group", "change": change.value, "by": by, by: name, "count": count}


def _heading(findings: Findings, tried: Policy) -> str:
    if not findings.count:
        return f"{tried.source} ({tried.version}): the record has no decision of that span"
    under = ", ".join(f"{version} ({count:,})" for version, count in findings.policy_versions.most_common(3))
    more = len(findings.policy_versions) - 3
    more_words = f" and {more} more" if more > 0 else ""
    return (
        f"{tried.source} ({tried.version}) against {findings.count:,} decisions"
        f" from {findings.first_at} to {findings.last_at}, made under {under}{more_words}:"
    )


def _details(screen: Screen, findings: Findings, change: Change) -> Iterator[str]:
    reasons = findings.reasons[change].most_common(SHOWN)
    yield from _counted(screen, "gate", [(_reasons_text(change, one), count) for one, count in reasons])
    yield from _counted(screen, "caller", _most(findings.callers[change]))
    yield from _counted(screen, "tool", _most(findings.tools[change]))
    for reasons_of, _ in reasons:
        for example in findings.examples.get((change, reasons_of), [])[:1]:
            yield from screen.labelled(Cell("  e.g.", 8, DIM), Cell(_example_text(change, example)))


def _most(counter: Counter[str]) -> list[tuple[str, int]]:
    shown = counter.most_common(SHOWN)
    rest = counter.total() - sum(count for _, count in shown)
    return [*shown, (f"({len(counter) - SHOWN} others)", rest)] if rest else shown


def _counted(screen: Screen, by: str, pairs: list[tuple[str, int]]) -> Iterator[str]:
    label = f"by {by}" if by else ""
    for text, count in pairs:
        first = Cell(f"  {label:<10}{count:>{_COUNT_WIDTH},}", 12 + _COUNT_WIDTH, DIM)
        yield from screen.labelled(first, Cell(text))
        label = ""


def _reasons_text(change: Change, reasons: Reasons) -> str:
    before = f"{reasons.before_gate} ({reasons.before_reason_code})"
    rule = f", rule {reasons.rule_id}" if reasons.rule_id else ""
    after = f"{reasons.gate} ({reasons.reason_code}{rule})"
    match change:
        case Change.NEWLY_DENIED:
            return after
        case Change.NEWLY_ALLOWED:
            return f"was denied by {before}"
        case _:
            return f"{before} → {after}"


def _example_text(change: Change, example: Example) -> str:
    who = caller_of(example.user_id, example.src_ip)
    what = f"{example.timestamp} {who} {example.server_name}/{example.tool_name}"
    after = "allowed" if change is Change.NEWLY_ALLOWED else f"denied: {example.reason}"
    before = "allowed" if change is Change.NEWLY_DENIED else f"denied: {example.before_reason}"
    return f"{what}: {before} → {after} (gatetrail why {example.execution_id})"
