"""Detection rules of Cloud SIEM: what is counted, and the native rules.

Body: https://docs.datadoghq.com/api/latest/security-monitoring/, "Create a detection rule".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from siem.languages.datadog import Threshold, threshold
from siem.packages.datadog.words import STATUSES, message, tags
from siem.queries import Language, query
from siem.rule import Kind, Rule
from siem.sources import rules

WINDOWS_S = (0, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""All that a detection rule may have."""

DAY_S = 86_400


def detection_rules() -> Mapping[str, dict[str, Any]]:
    """By rule name, as `POST /api/v2/security_monitoring/rules` takes it."""
    found = {rule.name: _detection_rule(rule) for rule in rules()}
    return {name: body for name, body in found.items() if body is not None}


def _detection_rule(rule: Rule) -> dict[str, Any] | None:
    if rule.kind is Kind.MATCH:
        return None
    if rule.is_sigma:
        return {**_about(rule), **counting(rule, threshold(rule))}
    written = query(rule, Language.DATADOG)
    return None if written is None else {**_about(rule), **orjson.loads(written)}


def counting(rule: Rule, found: Threshold) -> dict[str, Any]:
    """What of the body tells apart rules that count. The window slides."""
    assert found.window_s in WINDOWS_S, f"{rule.path}: no detection rule has a window of {found.window_s} s"
    distinct = [f"@{found.counted}"] if found.counted else []
    return {
        "queries": [
            {
                "name": "counted",
                "query": found.search,
                "dataSource": "logs",
                "aggregation": "cardinality" if distinct else "count",
                "distinctFields": distinct,
                "groupByFields": [f"@{key}" for key in found.group_by],
                "hasOptionalGroupByFields": False,
            }
        ],
        "cases": [
            {
                "name": "",
                "status": STATUSES[rule.severity],
                "condition": f"counted >= {found.at_least}",
                "notifications": [],
            }
        ],
        "options": {
            "detectionMethod": "threshold",
            "evaluationWindow": found.window_s,
            "keepAlive": found.window_s,
            "maxSignalDuration": DAY_S,
        },
    }


def _about(rule: Rule) -> dict[str, Any]:
    return {
        "name": f"Gatetrail: {rule.title}",
        "type": "log_detection",
        "isEnabled": True,
        "hasExtendedTitle": True,
        "message": message(rule),
        "tags": tags(rule),
    }
