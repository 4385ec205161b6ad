"""Detection rules of Kibana Security, as its rule import takes them; each is switched off until somebody wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from siem.attack import atlas, threat
from siem.packages.elastic.names import DATASET, INDEX_PATTERN, PACKAGE, STREAM, VERSION
from siem.packages.schedule import LATE_S
from siem.queries import Language, query
from siem.rule import Rule, Severity, Window
from siem.sources import rules, seconds

SEVERITIES: Mapping[Severity, tuple[str, int]] = {
    Severity.INFORMATIONAL: ("low", 10),
    Severity.LOW: ("low", 21),
    Severity.MEDIUM: ("medium", 47),
    Severity.HIGH: ("high", 73),
    Severity.CRITICAL: ("critical", 99),
}
"""Kibana's severity and risk score; the scores are those that Elastic's own rules have."""

ALLOWED = 'event_name: "tool_call.decided" and decision: "allow"'
NEW_TERMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tool_new_for_user": (ALLOWED, ("user_id", "server_name", "tool_name")),
    "admin_tool_first_used": (f'{ALLOWED} and required_tier: "admin"', ("server_name", "tool_name")),
}
"""Native rules that Kibana has a type of its own for: the search, and the keys whose values are new together."""

TWO_COUNTRIES = "impossible_travel"
"""No query of Elastic compares an event with the one before: this one is asked more weakly, by a count of countries."""

EVERY_S = 300
SHARES_OF_WINDOW = 12
HOUR_S = 3600
"""Rules that look back further than this are asked once in it."""


def detection_rules() -> list[dict[str, Any]]:
    """One for each rule that is an alarm, in the order of the rules."""
    return [detection_rule(rule) for rule in rules() if rule.is_alarm]


def detection_rule(rule: Rule) -> dict[str, Any]:
    """One rule. Raises AssertionError for one that no type of rule can ask."""
    severity, risk_score = SEVERITIES[rule.severity]
    return {
        "rule_id": rule.id,
        "name": rule.title,
        "description": rule.description,
        "author": ["Gatetrail"],
        "license": "Apache-2.0",
        "version": 1,
        "enabled": False,
        "severity": severity,
        "risk_score": risk_score,
        "tags": ["Gatetrail", f"Question: {rule.question}", f"Rule: {rule.name}", *atlas(rule.tags)],
        "threat": threat(rule.tags),
        "false_positives": list(rule.false_positives),
        "references": [],
        "note": _note(rule),
        "setup": f"Needs the data stream {INDEX_PATTERN}, as the package of Gatetrail sets it up.",
        "investigation_fields": {"field_names": list(rule.fields)},
        "related_integrations": [{"package": PACKAGE, "integration": STREAM, "version": f"^{VERSION}"}],
        "max_signals": 100,
        "to": "now",
        **_schedule(rule),
        **_asked(rule),
    }


def _asked(rule: Rule) -> dict[str, Any]:
    """What the rule's type wants: the first type, of the simplest, that can ask it."""
    if rule.name in NEW_TERMS:
        return _new_terms(rule)
    if rule.name == TWO_COUNTRIES:
        return _two_countries()
    kuery, eql = query(rule, Language.KUERY), query(rule, Language.EQL)
    if rule.window is not None:
        assert kuery is not None, rule.name
        return {"type": "threshold", **_kuery(kuery), "threshold": threshold(rule.window)}
    if rule.is_sigma:
        assert kuery is not None, rule.name
        return {"type": "query", **_kuery(kuery)}
    if eql is not None:
        return {"type": "eql", "language": "eql", "query": eql, "index": [INDEX_PATTERN], "tiebreaker_field": "seq"}
    esql = query(rule, Language.ESQL)
    assert esql is not None, f"{rule.name} has no query for Elastic"
    return {"type": "esql", "language": "esql", "query": esql, **_told_once(rule, esql)}


def _told_once(rule: Rule, esql: str) -> dict[str, Any]:
    """Rows that a query sums up have no id by which Kibana would know them again: they are told apart by the event."""
    if "| STATS" not in esql:
        return {}
    duration = {"value": seconds(rule.lookback) // 3600 + 1, "unit": "h"}
    by = {"group_by": ["event_id"], "duration": duration, "missing_fields_strategy": "doNotSuppress"}
    return {"alert_suppression": by}


def _two_countries() -> dict[str, Any]:
    counted = [{"field": "source.geo.country_iso_code", "value": 2}]
    return {
        "type": "threshold",
        **_kuery(ALLOWED),
        "threshold": {"field": ["user_id"], "value": 1, "cardinality": counted},
    }


def threshold(window: Window) -> dict[str, Any]:
    """So many events, or one at least whose keys have so many values."""
    fields = list(window.group_by)
    if window.counted is None:
        return {"field": fields, "value": window.at_least, "cardinality": []}
    return {"field": fields, "value": 1, "cardinality": [{"field": window.counted, "value": window.at_least}]}


def _new_terms(rule: Rule) -> dict[str, Any]:
    search, keys = NEW_TERMS[rule.name]
    return {
        "type": "new_terms",
        **_kuery(search),
        "new_terms_fields": list(keys),
        "history_window_start": f"now-{rule.lookback}",
    }


def _kuery(search: str) -> dict[str, Any]:
    return {"language": "kuery", "query": search, "index": [INDEX_PATTERN]}


def _schedule(rule: Rule) -> dict[str, str]:
    """How often it runs, and how far back it looks each time.

    A threshold rule looks back exactly its window, and often, which comes near to a sliding one; Kibana leaves out of
    the next count what was alerted already. Others also look for events that came late, and tell the same one
    once, by its id.
    """
    if rule.window is not None:
        every_s = max(60, rule.window.timespan_s // SHARES_OF_WINDOW)
        return _times(every_s, rule.window.timespan_s)
    if rule.name in NEW_TERMS:
        return _times(EVERY_S, EVERY_S + LATE_S)
    if rule.name == TWO_COUNTRIES:
        return _times(EVERY_S, HOUR_S)
    back_s = seconds(rule.lookback)
    return _times(EVERY_S if back_s <= HOUR_S else HOUR_S, back_s + LATE_S)


def _times(every_s: int, back_s: int) -> dict[str, str]:
    return {"interval": _span(every_s), "from": f"now-{_span(back_s)}"}


def _span(span_s: int) -> str:
    """As Kibana's forms show it: in the largest unit that leaves no rest."""
    return next(f"{span_s // size}{unit}" for unit, size in (("h", 3600), ("m", 60), ("s", 1)) if span_s % size == 0)


def _note(rule: Rule) -> str:
    return "\n".join(_note_lines(rule))


def _note_lines(rule: Rule) -> Iterator[str]:
    yield "## What it means"
    yield ""
    yield rule.description
    if rule.window is not None:
        yield ""
        yield (
            f"It counts the last {rule.window.timespan} every {_schedule(rule)['interval']}: a pattern that takes "
            "nearly all of that time may fall between two runs."
        )
    if rule.name == TWO_COUNTRIES:
        yield ""
        yield (
            "In Elastic it is weaker than elsewhere: allowed calls of one user from two countries within an hour, by "
            "`source.geo`, which the cluster's own database of addresses fills."
        )
    if "alert_suppression" in _asked(rule):
        yield ""
        yield (
            "Alert suppression, which wants a Platinum licence, tells each event once; without it the alert comes "
            "again with each run for as long as the rule looks back."
        )
    if rule.name in NEW_TERMS:
        yield ""
        yield (
            f"Kibana calls new what the last {rule.lookback} do not have. The other forms of this rule also want a "
            "record that is a week older: switch it on a week after the first event came in."
        )
    yield ""
    yield "## Look first at"
    yield ""
    yield ", ".join(f"`{field}`" for field in rule.fields)
    yield ""
    yield "## Harmless causes"
    yield ""
    yield from (f"- {cause}" for cause in rule.false_positives)
    yield ""
    yield f"All events of one call have its `execution_id`, all of one request its `trace_id`; dataset `{DATASET}`."
