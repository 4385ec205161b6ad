"""Saved searches: the reports, and every rule as an alert that is switched off until somebody wants it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from siem.packages.splunk.conf import Stanza, conf_text
from siem.queries import Language, query
from siem.rule import Rule, Severity
from siem.sources import rules, seconds

NAME = "Gatetrail - {}"
REPORTS = Path(__file__).parent / "reports.conf"
LATE_S = 600
"""Events may come so late that a search looks back so much further than its rule; what was told is not told again."""

ALERT_SEVERITIES = {
    Severity.INFORMATIONAL: 2,
    Severity.LOW: 3,
    Severity.MEDIUM: 4,
    Severity.HIGH: 5,
    Severity.CRITICAL: 6,
}
"""`alert.severity`: 1 debug, 2 info, 3 warn, 4 error, 5 severe, 6 fatal (savedsearches.conf, Splunk 9)."""

HOUR_MINUTES = 60
PERIODS_MINUTES = ((3600, 5), (86_400, 15))
"""Searches that look back at most so many seconds run every so many minutes; all others once an hour."""


def searches_text() -> str:
    """savedsearches.conf."""
    alerts = [(NAME.format(rule.title), alert) for rule, alert in _alerts()]
    heading = "Written by 'make siem' from the rules in sigma/ and native/, and from reports.conf beside their maker."
    return f"{conf_text(alerts, heading)}\n{REPORTS.read_text('utf-8')}"


def _alerts() -> Iterator[tuple[Rule, Stanza]]:
    for rule in rules():
        text = query(rule, Language.SPL)
        if text is not None and "TRACE_ID" not in text:
            yield rule, alert(rule, text)


def alert(rule: Rule, search: str) -> Stanza:
    """The settings of one rule's alert; needs no other app."""
    return {
        "description": f"{rule.description} (question {rule.question}, rule {rule.name}, id {rule.id})",
        "search": search,
        "disabled": "1",
        "enableSched": "1",
        "cron_schedule": cron(rule),
        "dispatch.earliest_time": f"-{_minutes(_span_s(rule))}m@m",
        "dispatch.latest_time": "now",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.track": "1",
        "alert.severity": str(ALERT_SEVERITIES[rule.severity]),
        "alert.digest_mode": "0",
        "alert.suppress": "1",
        "alert.suppress.fields": ",".join(suppressed_by(rule)),
        "alert.suppress.period": f"{_minutes(suppressed_s(rule))}m",
        "display.page.search.tab": "statistics",
    }


def suppressed_by(rule: Rule) -> tuple[str, ...]:
    """Columns of the result: what is the same in two of them is told once."""
    return ("event_id",) if rule.window is None else rule.window.group_by


def suppressed_s(rule: Rule) -> int:
    """An event as long as a search can see it; a group as long as its window."""
    return _span_s(rule) if rule.window is None else rule.window.timespan_s


def cron(rule: Rule) -> str:
    """Spread over the minutes by the rule's name, so that not all searches start at once."""
    lookback_s = seconds(rule.lookback)
    period = next((minutes for limit_s, minutes in PERIODS_MINUTES if lookback_s <= limit_s), HOUR_MINUTES)
    first = zlib.crc32(rule.name.encode()) % period
    return f"{first} * * * *" if period == HOUR_MINUTES else f"{first}-59/{period} * * * *"


def _span_s(rule: Rule) -> int:
    return seconds(rule.lookback) + LATE_S


def _minutes(span_s: int) -> int:
    return -(-span_s // 60)
