"""Monitors: searches that run all the time and tell when they find something. Their window slides.

Names of members: `MonitorsLibraryFolderExport`, `MonitorsLibraryMonitorExport` and `LogsStaticCondition` of Sumo's API.
"""

from __future__ import annotations

from typing import Any

from siem.languages.sumo import alert, alert_groups
from siem.packages.schedule import LATE_S
from siem.places import SAMPLES
from siem.queries import Language, query
from siem.rule import Rule, Severity
from siem.sources import rules, seconds

RANGES = ("5m", "10m", "15m", "30m", "1h", "6h", "12h", "24h")
"""All that a monitor may look back."""
DELAY = "2m"
"""How much later a monitor that counts looks at its window, so that the newest events are there, too."""
LOUD = frozenset({Severity.HIGH, Severity.CRITICAL})


def monitors() -> dict[str, Any]:
    """A folder of one monitor for each alarm, as `POST /api/v1/monitors/{parentId}/import` takes it.

    Native rules that look back more than a day are not among them: they are saved searches.
    """
    return {
        "type": "MonitorsLibraryFolderExport",
        "name": "Gatetrail",
        "description": "Alarms over the audit record of tool calls. Made from siem-samples/sumo.",
        "children": [monitor(rule, text) for rule in rules() if rule.is_alarm and (text := _asked(rule)) is not None],
    }


def monitor(rule: Rule, text: str) -> dict[str, Any]:
    """It tells when the search finds a row, once for each group, and is quiet again when it finds none."""
    loudness = "Critical" if rule.severity in LOUD else "Warning"
    return {
        "type": "MonitorsLibraryMonitorExport",
        "name": f"Gatetrail: {rule.title}",
        "description": rule.description,
        "monitorType": "Logs",
        "evaluationDelay": DELAY if rule.window else "0m",
        "queries": [{"rowId": "A", "query": text}],
        "triggers": [
            _trigger(loudness, "GreaterThanOrEqual", window(rule)),
            _trigger(f"Resolved{loudness}", "LessThan", window(rule)),
        ],
        "notifications": [],
        "isDisabled": False,
        "groupNotifications": True,
        "notificationGroupFields": list(alert_groups(rule)),
        "playbook": playbook(rule),
    }


def window(rule: Rule) -> str:
    """The shortest range of a monitor that holds the rule's window, or its lookback and `LATE_S`; or the longest."""
    wanted_s = rule.window.timespan_s if rule.window else seconds(rule.lookback) + LATE_S
    return next((found for found in RANGES if seconds(found) >= wanted_s), RANGES[-1])


def playbook(rule: Rule) -> str:
    """What to look at, and what else it may be."""
    return "\n".join(
        (
            f"Look first at: {', '.join(f'`{key}`' for key in rule.fields)}.",
            "",
            "It may also be:",
            *(f"- {cause}" for cause in rule.false_positives),
            "",
            f"Rule: siem-samples/{rule.path.relative_to(SAMPLES).as_posix()}, {rule.id}.",
            f"Question {rule.question} of docs/audit-sql.md.",
        )
    )


def _asked(rule: Rule) -> str | None:
    if rule.is_sigma:
        return alert(rule)
    return query(rule, Language.SUMO) if seconds(rule.lookback) <= seconds(RANGES[-1]) else None


def _trigger(kind: str, comparison: str, span: str) -> dict[str, Any]:
    return {
        "detectionMethod": "LogsStaticCondition",
        "triggerType": kind,
        "timeRange": f"-{span}",
        "threshold": 1,
        "thresholdType": comparison,
    }
