"""Kusto, as Microsoft Sentinel speaks it. `=~` and `in~` compare without regard to case, as Sigma does."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from sigma.backends.kusto.kusto import KustoBackend

from siem.languages.sigma import condition, grouped_condition
from siem.rule import Rule, Window

TABLE = "Gatetrail_CL"


def kusto(rule: Rule) -> str:
    """The query of the rule. A window slides, so each row is an event with which the condition holds."""
    if rule.window is None:
        return "\n".join([TABLE, f"| where {condition(rule, KustoBackend())}", _project(rule.fields)])
    search = [TABLE, f"| where {grouped_condition(rule, KustoBackend())}"]
    if rule.window.counted is None:
        return "\n".join([*search, *_bursts(rule.window), _project(rule.fields)])
    return _several(rule.window, rule.window.counted, search, rule.fields)


def _bursts(window: Window) -> list[str]:
    """So many events of a group in time: as many before, less one, is one of the same group that is young enough."""
    back = window.at_least - 1
    same = " and ".join(f"{key} == prev({key}, {back})" for key in window.group_by)
    return [
        f"| sort by {', '.join(f'{key} asc' for key in window.group_by)}, TimeGenerated asc, seq asc",
        f"| extend burst_begin = iff({same}, prev(TimeGenerated, {back}), datetime(null))",
        f"| where TimeGenerated - burst_begin <= {window.timespan}",
    ]


def _several(window: Window, counted: str, search: list[str], fields: tuple[str, ...]) -> str:
    """Different values: the last event before each change of value is all that an event must be held against.

    Whatever other value lies in an event's window, the end of its run lies there, too. Sessions that never change
    have one such event, so the join stays small.
    """
    keys = ", ".join(window.group_by)
    ends = " or ".join(f"next({key}) != {key}" for key in (*window.group_by, counted))
    kept = dict.fromkeys(("TimeGenerated", "event_id", *fields, *window.group_by, counted))
    return "\n".join(
        [
            "let counted = materialize(",
            *(f"    {line}" for line in search),
            f"    | sort by {', '.join(f'{key} asc' for key in window.group_by)}, TimeGenerated asc, seq asc",
            f"    | extend ends_run = {ends});",
            "let run_ends = counted",
            f"    | where ends_run and isnotempty({counted})",
            f"    | project {keys}, run_end = TimeGenerated, other_value = {counted};",
            "counted",
            f"| join kind=inner run_ends on {keys}",
            f"| where run_end between (TimeGenerated - {window.timespan} .. TimeGenerated)",
            f"| summarize other_values = make_set_if(other_value, other_value != {counted}) by {', '.join(kept)}",
            f"| where array_length(other_values) + toint(isnotempty({counted})) >= {window.at_least}",
            _project(("other_values", *fields)),
        ]
    )


def _project(fields: tuple[str, ...]) -> str:
    return f"| project {', '.join(('TimeGenerated', 'event_id', *fields))}"
