"""Elastic's ES|QL, EQL and Lucene.

The keys are keywords there. ES|QL and Lucene compare them exactly, so rules write closed words as the events have them;
EQL's `:` and `in~` compare without regard to case, as Sigma does.
"""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import ClassVar

from sigma.backends.elasticsearch.elasticsearch_eql import EqlBackend
from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend
from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule

from siem.languages.sigma import condition, grouped_condition
from siem.rule import Rule, Window

INDEX = "logs-mcp_governance.audit-*"
METADATA = ("_id", "_index", "_version")
"""What Elastic Security wants to have of each event, so that one event is one alert."""

_PARTS = 6
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class _Condition(ESQLBackend):
    """The condition alone, in the capitals that Elastic writes."""

    or_token: ClassVar[str] = "OR"  # noqa: S105 -- no token that opens anything
    and_token: ClassVar[str] = "AND"  # noqa: S105 -- no token that opens anything
    not_token: ClassVar[str] = "NOT"  # noqa: S105 -- no token that opens anything
    eq_token: ClassVar[str] = " == "  # noqa: S105 -- no token that opens anything
    or_in_operator: ClassVar[str] = "IN"
    field_null_expression: ClassVar[str] = "{field} IS NULL"
    field_exists_expression: ClassVar[str] = "{field} IS NOT NULL"
    field_not_exists_expression: ClassVar[str] = "{field} IS NULL"

    def finalize_query_default(
        self,
        rule: SigmaRule,  # noqa: ARG002 -- what the backend calls it with
        query: str,
        index: int,  # noqa: ARG002
        state: ConversionState,  # noqa: ARG002
    ) -> str:
        return query


class _Eql(EqlBackend):
    """Adds what the backend lacks: existence, and lists in which `*` is no wildcard."""

    field_exists_expression: ClassVar[str | None] = "?{field} != null"
    field_not_exists_expression: ClassVar[str | None] = "?{field} == null"
    or_in_operator: ClassVar[str] = " in~ "
    in_expressions_allow_wildcards: ClassVar[bool] = False

    def finalize_query_default(
        self,
        rule: SigmaRule,  # noqa: ARG002 -- what the backend calls it with
        query: str,
        index: int,  # noqa: ARG002
        state: ConversionState,  # noqa: ARG002
    ) -> str:
        return query


def esql(rule: Rule) -> str:
    """One row for each event; of a rule with a window one for each group, with what was seen in its windows.

    ES|QL has no sliding window. Windows that begin every sixth of their length stand in: what happens within five
    sixths of the timespan is always in one of them, and nothing is counted together that is further apart than it.
    """
    if rule.window is None:
        return "\n".join(
            [
                f"FROM {INDEX} METADATA {', '.join(METADATA)}",
                f"| WHERE {condition(rule, _Condition())}",
                f"| KEEP {', '.join(('@timestamp', 'event_id', *rule.fields, *METADATA))}",
            ]
        )
    return "\n".join(
        [f"FROM {INDEX}", f"| WHERE {grouped_condition(rule, _Condition())}", *_hopping(rule.window, rule.fields)]
    )


def eql(rule: Rule) -> str | None:
    """A count is a sequence of the same event; different values are none, since EQL cannot ask for another value."""
    if rule.window is None:
        return f"any where {condition(rule, _Eql())}"
    if rule.window.counted is not None:
        return None
    return "\n".join(
        [
            f"sequence by {', '.join(rule.window.group_by)} with maxspan={rule.window.timespan}",
            f"  [any where {condition(rule, _Eql())}] with runs={rule.window.at_least}",
        ]
    )


def lucene(rule: Rule) -> str:
    """The search of the rule; of a rule that counts, the search for what it counts."""
    return condition(rule, LuceneBackend())


def _hopping(window: Window, fields: tuple[str, ...]) -> list[str]:
    """A row counts in each group that its `window_start` has a value for; the fullest window stands for its group."""
    step_s = window.timespan_s // _PARTS
    count = "event_count" if window.counted is None else "value_count"
    counted = "COUNT(*)" if window.counted is None else f"COUNT_DISTINCT({window.counted})"
    shown = tuple(f"{field} = VALUES({field})" for field in fields if field not in window.group_by)
    begins = [f"window_start = MV_APPEND(window_start, step - {_span(part * step_s)})" for part in range(1, _PARTS)]
    keys = ", ".join(window.group_by)
    span, missed_after = _span(window.timespan_s), _span(window.timespan_s - step_s)
    return [
        f"// Windows of {span}, one every {_span(step_s)}: what takes longer than {missed_after} may be missed.",
        f"| EVAL step = DATE_TRUNC({_span(step_s)}, @timestamp), window_start = step",
        f"| EVAL {', '.join(begins)}",
        f"| STATS {count} = {counted}, {_seen('@timestamp', '@timestamp', *shown)} BY window_start, {keys}",
        f"| WHERE {count} >= {window.at_least}",
        f"| STATS {count} = MAX({count}), {_seen('first_seen', 'last_seen', *shown)} BY {keys}",
    ]


def _seen(first: str, last: str, *shown: str) -> str:
    return ", ".join((f"first_seen = MIN({first})", f"last_seen = MAX({last})", *shown))


def _span(of_s: int) -> str:
    """In the largest unit that it is a whole number of."""
    size, unit = next((size, unit) for size, unit in _UNITS if of_s % size == 0)
    number = of_s // size
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
