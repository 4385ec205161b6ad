"""Alert rules for Grafana's own alerting, on the record in PostgreSQL.

Source: grafana.com/docs, "Use configuration files to provision alerting resources". Grafana puts environment variables
in place of `$NAME` in such files, so the SQL has no macros: the span is counted back from now().
"""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from siem.packages.grafana.on_sql import UID, panel_ids
from siem.packages.grafana.panels import SQL_SOURCE, Json
from siem.packages.grafana.rule_sql import NEEDS_PLACES, rule_sql
from siem.rule import Rule, Severity
from siem.sources import rules, seconds

QUIET = frozenset({Severity.INFORMATIONAL})
"""Levels that nobody is woken for: no alert."""
PAUSED = frozenset({Severity.LOW})
"""Levels whose alerts come switched off."""
SLOW_FROM_S = 86_400
"""Rules that look back a day or more may read much: asked less often."""

HEADING = """\
# Written by 'make siem' from sql/. Grafana reads it from provisioning/alerting; it needs the data source `gatetrail`
# of deploy/grafana. Alerts of level low come paused, as does impossible_travel, which needs a table places.
"""


def alerts() -> str:
    """The file."""
    wanted = [rule for rule in rules() if rule.severity not in QUIET]
    quick = [rule for rule in wanted if seconds(rule.lookback) < SLOW_FROM_S]
    slow = [rule for rule in wanted if rule not in quick]
    groups = [
        _group("Gatetrail, each minute", "1m", 600, quick),
        _group("Gatetrail, each quarter of an hour", "15m", 2400, slow),
    ]
    return HEADING + yaml.dump({"apiVersion": 1, "groups": groups}, Dumper=_Dumper, sort_keys=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Writes SQL as it is read, and everything out."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- PyYAML's own signature
        return True


def _text(_: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _group(name: str, interval: str, span_s: int, of: list[Rule]) -> Json:
    """A finding is told as long as it lies in the span, which is longer than the interval: none is passed over."""
    return {
        "orgId": 1,
        "name": name,
        "folder": "Audit",
        "interval": interval,
        "rules": [_alert(rule, span_s) for rule in of],
    }


def _alert(rule: Rule, span_s: int) -> Json:
    return {
        "uid": f"gatetrail-{rule.id[:8]}",
        "title": rule.title,
        "condition": "B",
        "data": [_counted(rule, span_s), _ABOVE_NONE],
        "dashboardUid": UID,
        "panelId": panel_ids()[rule.title],
        "noDataState": "Alerting",
        "execErrState": "Error",
        "for": "0s",
        "isPaused": rule.severity in PAUSED or rule.name in NEEDS_PLACES,
        "labels": {"rule": rule.name, "severity": rule.severity.value, "question": str(rule.question)},
        "annotations": {"summary": rule.title, "description": rule.description},
    }


def _counted(rule: Rule, span_s: int) -> Json:
    since = {"since": f"(now() - interval '{span_s} seconds')", "until": "now()"}
    model = {
        "refId": "A",
        "datasource": dict(SQL_SOURCE),
        "editorMode": "code",
        "rawQuery": True,
        "format": "table",
        "rawSql": f"SELECT count(*) AS findings\nFROM (\n{rule_sql(rule, since)}\n) AS found",
    }
    span = {"from": span_s, "to": 0}
    return {"refId": "A", "relativeTimeRange": span, "datasourceUid": SQL_SOURCE["uid"], "model": model}


_ABOVE_NONE: Mapping[str, object] = {
    "refId": "B",
    "relativeTimeRange": {"from": 0, "to": 0},
    "datasourceUid": "__expr__",
    "model": {
        "refId": "B",
        "type": "threshold",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
        "expression": "A",
        "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
    },
}
