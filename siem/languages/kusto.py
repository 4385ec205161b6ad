"""Kusto, as Microsoft Sentinel speaks it. `=~` and `in~` compare without regard to case, as Sigma does."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from sigma.backends.kusto.kusto import KustoBackend

from siem.languages.sigma import condition, grouped_condition
from siem.rule import Rule, Window

TABLE = "Gatetrail_CL"
_TWO = 2


def kusto(rule: Rule) -> str | None:
    """One row for each event with which the condition holds; of different values one for each change within the window.

    An event that was delivered twice counts once. More than two different values cannot be told so: None.
    """
    window = rule.window
    if window is None:
        return "\n".join([TABLE, f"| where {condition(rule, KustoBackend())}", _project(rule.fields)])
    if window.counted is not None and window.at_least != _TWO:
        return None
    there = f" and isnotempty({window.counted})" if window.counted else ""
    return "\n".join(
        [
            TABLE,
            f"| where {grouped_condition(rule, KustoBackend())}{there}",
            "| summarize arg_min(TimeGenerated, *) by event_id",
            f"| sort by {', '.join(f'{key} asc' for key in window.group_by)}, TimeGenerated asc, seq asc",
            *_in_window(window),
            _project(("took", *rule.fields)),
        ]
    )


def _in_window(window: Window) -> list[str]:
    """Each event beside the one that is as many events earlier in its group as the rule wants."""
    back = window.at_least - 1
    same = " and ".join(f"{key} == prev({key}, {back})" for key in window.group_by)
    changed = f" and {window.counted} != prev({window.counted})" if window.counted else ""
    return [
        f"| extend took = iff({same}{changed}, TimeGenerated - prev(TimeGenerated, {back}), timespan(null))",
        f"| where took <= {window.timespan}",
    ]


def _project(fields: tuple[str, ...]) -> str:
    return f"| project {', '.join(('TimeGenerated', 'event_id', *fields))}"
