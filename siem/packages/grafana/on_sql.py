"""The dashboard of what the rules find, on the record itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import groupby
from pathlib import Path

from siem.packages.grafana.panels import SERIES, SQL_SOURCE, Json, Panel, Row, dashboard, textbox, trace_link
from siem.packages.grafana.rule_sql import NEEDS_PLACES, OF_DASHBOARD, rule_sql
from siem.rule import Rule
from siem.sources import rules

UID = "gatetrail-detections"
QUERIES = Path(__file__).parent / "sql"
TRACE_RULE = "trace_events"
PLACES = " Needs a table places(src_ip, latitude, longitude, city) that the auditors' role may read."

QUESTIONS = {
    1: "What was blocked?",
    2: "Who was rate-limited?",
    3: "Who probes us?",
    4: "Who asked with too low a tier?",
    5: "Who was denied again and again, and then allowed?",
    6: "Which tools are new to a user?",
    7: "Which admin tools are new to everybody?",
    8: "Which calls have no end?",
    9: "Whose session is used by somebody else?",
    10: "Which session or user is in two places?",
    11: "Which tools are denied most?",
    12: "Who used admin tools at night?",
    13: "What did a change of the policy let through?",
    15: "Is the record whole?",
}
"""The headings, by question; the fourteenth is the trace itself."""


def on_sql() -> Json:
    """The dashboard."""
    found = [rule for rule in rules() if rule.name != TRACE_RULE]
    return dashboard(
        UID,
        "Gatetrail detections",
        "What the rules find in the audit record, read as the auditors' role.",
        [textbox("trace_id", "Trace")],
        [_overview(), _trace(), _all_rules(found), *_by_question(found)],
    )


@cache
def panel_ids() -> Mapping[str, int]:
    """By title: an alert leads to the panel that shows its findings."""
    rows = on_sql()["panels"]
    return {panel["title"]: panel["id"] for row in rows for panel in (row, *row.get("panels", ()))}


def _overview() -> Row:
    return Row(
        "Denials",
        [
            _series("Denials by reason", "Each denied call once.", "denials_by_reason", 12),
            _table("Denials by gate and reason", "A high count of few users is one client.", "denials_counted", 12),
            _table("Tools denied most", "By gates scope, blocklist and hook.", "tools_denied_most", 12),
            _table("Callers denied most", "Many tools: somebody tries what is open.", "callers_denied_most", 12),
            _table("Newest denials", "Click a trace to see it below.", "newest_denials"),
        ],
        folded=False,
    )


def _trace() -> Row:
    (rule,) = (rule for rule in rules() if rule.name == TRACE_RULE)
    return Row("Trace $trace_id", [_rule_panel(rule)], folded=False)


def _all_rules(found: list[Rule]) -> Row:
    """Folded: it asks every rule at once."""
    counts = [
        f"SELECT '{rule.name}' AS rule, '{rule.severity}' AS level, {rule.question} AS question, count(*) AS findings"
        f"\nFROM (\n{rule_sql(rule, OF_DASHBOARD)}\n) AS found"
        for rule in found
        if rule.name not in NEEDS_PLACES
    ]
    panel = Panel(
        "Findings by rule",
        "Reads the whole span once for each rule.",
        "table",
        _target("\nUNION ALL\n".join(counts) + "\nORDER BY findings DESC, rule"),
        SQL_SOURCE,
        height=16,
    )
    return Row("All rules", [panel], folded=True)


def _by_question(found: list[Rule]) -> list[Row]:
    return [
        Row(f"{question}. {QUESTIONS[question]}", [_rule_panel(rule) for rule in group], folded=True)
        for question, group in groupby(found, key=lambda rule: rule.question)
    ]


def _rule_panel(rule: Rule) -> Panel:
    description = f"{rule.description}{PLACES if rule.name in NEEDS_PLACES else ''} Rule {rule.name}, {rule.severity}."
    sql = rule_sql(rule, OF_DASHBOARD)
    target = _target(sql if "trace_id" in rule.fields else _traced(sql))
    return Panel(rule.title, description, "table", target, SQL_SOURCE, field_config=trace_link(UID))


def _traced(sql: str) -> str:
    """What a rule finds, each with its trace to click on."""
    return (
        f"SELECT found.*, event.trace_id\nFROM (\n{sql}\n) AS found"
        "\nJOIN audit_events AS event ON event.seq = found.seq\nORDER BY found.seq"
    )


def _series(title: str, description: str, name: str, width: int) -> Panel:
    target = _target(_query(name), "time_series")
    return Panel(title, description, "timeseries", target, SQL_SOURCE, width, field_config=SERIES)


def _table(title: str, description: str, name: str, width: int = 24) -> Panel:
    return Panel(title, description, "table", _target(_query(name)), SQL_SOURCE, width, field_config=trace_link(UID))


def _query(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text("utf-8").strip().removesuffix(";")


def _target(sql: str, shape: str = "table") -> Json:
    return {"editorMode": "code", "rawQuery": True, "format": shape, "rawSql": sql}
