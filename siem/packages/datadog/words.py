"""What people read in a monitor or a signal, and how loud it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from siem.attack import TACTICS, TECHNIQUES
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
    """The rule, its question, its place on Datadog's map of ATT&CK, and ATLAS as `atlas:aml.t0012`."""
    own = (f"gatetrail_rule:{rule.name}", f"gatetrail_question:{rule.question}")
    atlas = (tag.replace(".", ":", 1) for tag in rule.tags if tag.startswith("atlas."))
    return list(dict.fromkeys(("source:gatetrail", "security:attack", *own, *_attack(rule), *atlas)))


def _attack(rule: Rule) -> Iterator[str]:
    """As https://docs.datadoghq.com/security/cloud_siem/detect_and_monitor/mitre_attack_map/ wants the tags.

    Raises KeyError for what the table of ATT&CK does not have.
    """
    for tag in (tag.removeprefix("attack.") for tag in rule.tags if tag.startswith("attack.")):
        if tag in TACTICS:
            number, name = TACTICS[tag]
            yield f"tactic:{number}-{_hyphens(name)}"
            continue
        technique, _, part = tag.upper().partition(".")
        yield f"technique:{technique}-{_hyphens(TECHNIQUES[technique].name)}"
        if part:
            yield f"subtechnique:{tag.upper()}-{_hyphens(TECHNIQUES[tag.upper()].name)}"


def _hyphens(name: str) -> str:
    return name.lower().replace(" ", "-")
