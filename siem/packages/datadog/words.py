"""What people read in a monitor or a signal, and how loud it is."""

from __future__ import annotations

from collections.abc import Mapping

from siem.places import SAMPLES
from siem.rule import Rule, Severity

STATUSES: Mapping[Severity, str] = {
    Severity.INFORMATIONAL: "info",
    Severity.LOW: "low",
    Severity.MEDIUM: "medium",
    Severity.HIGH: "high",
    Severity.CRITICAL: "critical",
}
"""Of security signals."""

PRIORITIES: Mapping[Severity, int] = {
    Severity.INFORMATIONAL: 5,
    Severity.LOW: 4,
    Severity.MEDIUM: 3,
    Severity.HIGH: 2,
    Severity.CRITICAL: 1,
}
"""Of monitors; 1 is the loudest."""


def message(rule: Rule) -> str:
    """What it means, what to do, where to look, what else it may be. No `@`: Datadog would notify somebody."""
    return "\n".join(
        (
            rule.description,
            "",
            f"Look first at: {', '.join(f'`{key}`' for key in rule.fields)}.",
            "",
            "It may also be:",
            *(f"- {cause}" for cause in rule.false_positives),
            "",
            f"Rule: siem-samples/{rule.path.relative_to(SAMPLES).as_posix()}, {rule.id}.",
            f"Question {rule.question} of docs/audit-sql.md.",
        )
    )


def tags(rule: Rule) -> list[str]:
    """The rule, its question, and ATT&CK and ATLAS as `attack:t1078`."""
    known = (tag.replace(".", ":", 1) for tag in rule.tags)
    return ["source:gatetrail", f"gatetrail_rule:{rule.name}", f"gatetrail_question:{rule.question}", *known]
