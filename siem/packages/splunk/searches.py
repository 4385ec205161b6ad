"""Saved searches: the reports, and every rule as an alert that is switched off until somebody wants it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from siem.packages.schedule import LONGEST_PAUSE_S, pause_s, span_s
from siem.packages.splunk.conf import Stanza, conf_text
from siem.queries import Language, query
from siem.rule import TRACE_PLACEHOLDER, Rule, Severity
from siem.sources import rules

NAME = "Gatetrail - {}"
REPORTS = Path(__file__).parent / "reports.conf"

ALERT_SEVERITIES = {
    Severity.INFORMATIONAL: 2,
    Severity.LOW: 3,
    Severity.MEDIUM: 4,
    Severity.HIGH: 5,
    Severity.CRITICAL: 6,
}
"""`alert.severity`: 1 debug, 2 info, 3 warn, 4 error, 5 severe, 6 fatal (savedsearches.conf, Splunk 9)."""

SNAPPED_MINUTES = 1
"""`@m` moves the begin of a search back to the full minute."""


def searches_text() -> str:
    """savedsearches.conf."""
    alerts = [(NAME.format(rule.title), alert) for rule, alert in _alerts()]
    heading = "Written by 'make siem' from the rules in sigma/ and native/, and from reports.conf beside their maker."
    return f"{conf_text(alerts, heading)}\n{REPORTS.read_text('utf-8')}"


def _alerts() -> Iterator[tuple[Rule, Stanza]]:
    for rule in rules():
        text = query(rule, Language.SPL)
        if text is not None and TRACE_PLACEHOLDER not in text:
            yield rule, alert(rule, text)


def alert(rule: Rule, search: str) -> Stanza:
    """The settings of one rule's alert; needs no other app."""
    return {
        "description": f"{rule.description} (question {rule.question}, rule {rule.name}, id {rule.id})",
        "search": search,
        "disabled": "1",
        "enableSched": "1",
        "cron_schedule": cron(rule),
        "dispatch.earliest_time": f"-{_minutes(span_s(rule))}m@m",
        "dispatch.latest_time": "now",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.track": "1",
        "alert.severity": str(ALERT_SEVERITIES[rule.severity]),
        "alert.digest_mode": "0",
        "alert.suppress": "1",
        "alert.suppress.fields": ",".join(suppressed_by(rule)),
        "alert.suppress.period": f"{_minutes(span_s(rule)) + SNAPPED_MINUTES}m",
        "display.page.search.tab": "statistics",
    }


def suppressed_by(rule: Rule) -> tuple[str, ...]:
    """Columns of the result: what is the same in two of them is told once, for as long as a search can see it."""
    return ("event_id",) if rule.window is None else rule.window.group_by


def cron(rule: Rule) -> str:
    """Spread over the minutes by the rule's name, so that not all searches start at once."""
    period = pause_s(rule) // 60
    first = zlib.crc32(rule.name.encode()) % period
    return f"{first} * * * *" if pause_s(rule) == LONGEST_PAUSE_S else f"{first}-59/{period} * * * *"


def _minutes(of_s: int) -> int:
    return -(-of_s // 60)
