"""What an analytic rule tells of what its query finds: each event in one run, each group of a count in one incident.

Runs overlap, for events that come late. Sources: Microsoft's "Handle ingestion delay in scheduled analytics rules", and
of incidents and details "Scheduled analytics rules in Microsoft Sentinel".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siem.languages.kusto_columns import EVENT_TIME, TABLE
from siem.packages.schedule import LATE_S, pause_s, span_s
from siem.rule import Rule

LONGEST_PERIOD_S = 14 * 86_400
"""Scheduled rules look back at most fourteen days (Microsoft, "Create scheduled analytics rules")."""
WAITS_S: Mapping[str, int] = {"call_without_outcome": 300 + LATE_S, "journal_gap": LATE_S}
"""Rules of what is missing judge an event so long after it came in: what they miss may still be on its way. An outcome
has five minutes to happen besides."""


def period_s(rule: Rule) -> int:
    """How far one run looks back."""
    return min(span_s(rule), LONGEST_PERIOD_S)


def told(rule: Rule, text: str) -> str:
    """The query, of whose findings only those are left whose event came in since the last run.

    What is older than the period is not told: a replay alarms nobody, though Azure gives it a new `TimeGenerated`.
    """
    wait_s = WAITS_S.get(rule.name, 0)
    waited = f" and ingestion_time() <= ago({_minutes(wait_s)})" if wait_s else ""
    lines = [
        f"let came_in = {TABLE}",
        f"    | where ingestion_time() > ago({_minutes(pause_s(rule) + wait_s)}){waited}",
        f"    | where {EVENT_TIME} > ago({_minutes(period_s(rule))})",
        "    | distinct event_id;",
        text,
        "| join kind=leftsemi came_in on event_id",
    ]
    if rule.window:
        lines.append(f"| summarize arg_max(TimeGenerated, *), findings = count() by {', '.join(rule.window.group_by)}")
    return "\n".join(lines)


def grouping(rule: Rule) -> Mapping[str, Any]:
    """How results become alerts and incidents: of a count each group has its own, and is told anew as a search is.

    Other rules make one incident of a run.
    """
    details = {_detail(key): key for key in rule.window.group_by} if rule.window else {}
    one_each = {
        "enabled": True,
        "reopenClosedIncident": False,
        "lookbackDuration": iso(period_s(rule)),
        "matchingMethod": "Selected",
        "groupByEntities": [],
        "groupByAlertDetails": [],
        "groupByCustomDetails": [*details],
    }
    return {
        "eventGroupingSettings": {"aggregationKind": "AlertPerResult" if details else "SingleAlert"},
        "incidentConfiguration": {"createIncident": True, **({"groupingConfiguration": one_each} if details else {})},
        **({"customDetails": details} if details else {}),
    }


def iso(seconds: int) -> str:
    """ISO 8601 duration."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes = rest // 60
    clock = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}"
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def _detail(key: str) -> str:
    """Sentinel takes letters and digits, at most twenty: `user_id` is `UserId`."""
    return "".join(word.capitalize() for word in key.split("_"))


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}m"
