"""Log monitors, one for each alarm that Sigma can say: they need no Cloud SIEM.

Query and options: https://docs.datadoghq.com/api/latest/monitors/, "Log Alert Query".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from siem.languages.datadog import Threshold, threshold
from siem.packages.datadog.words import PRIORITIES, message, tags
from siem.packages.schedule import LATE_S
from siem.rule import Rule
from siem.sources import rules

HOUR_S = 3600
LONGEST_S = 48 * HOUR_S


def monitors() -> Mapping[str, dict[str, Any]]:
    """By rule name, as `POST /api/v1/monitor` takes it."""
    return {rule.name: monitor(rule) for rule in rules() if rule.is_alarm and rule.is_sigma}


def monitor(rule: Rule) -> dict[str, Any]:
    """Of one rule that Sigma can say. Raises `RuleBroken` where the search language lacks something."""
    found = threshold(rule)
    if rule.window is None:
        found = replace(found, window_s=found.window_s + LATE_S)
    return {
        "name": f"Gatetrail: {rule.title}",
        "type": "log alert",
        "query": _query(found),
        "message": message(rule),
        "tags": tags(rule),
        "priority": PRIORITIES[rule.severity],
        "options": {
            "thresholds": {"critical": found.at_least},
            "enable_logs_sample": True,
            "include_tags": True,
            "new_group_delay": 0,
            "on_missing_data": "resolve",
        },
    }


def _query(found: Threshold) -> str:
    """A monitor's window slides; it is asked about each minute."""
    rollup = ["cardinality", f"@{found.counted}"] if found.counted else ["count"]
    groups = f".by({_text(','.join(f'@{key}' for key in found.group_by))})" if found.group_by else ""
    return (
        f'logs({_text(found.search)}).index("*").rollup({", ".join(map(_text, rollup))}){groups}'
        f'.last("{_span(found.window_s)}") >= {found.at_least}'
    )


def _span(seconds: int) -> str:
    """`5m` to `48h`, as monitors take it."""
    assert seconds <= LONGEST_S, f"no monitor looks back {seconds} s"
    return f"{seconds // HOUR_S}h" if seconds % HOUR_S == 0 else f"{seconds // 60}m"


def _text(value: str) -> str:
    return orjson.dumps(value).decode()
