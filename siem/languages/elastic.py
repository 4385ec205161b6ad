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

_MILLISECONDS = 1000
_MOST_ROWS = 10_000
"""What ES|QL gives at most; without a word it gives any 1,000. Of alarms Elastic Security takes what it wants."""
_TWO = 2


class _Alone:
    """For backends that would put a source before the condition, or columns behind it."""

    def finalize_query_default(
        self,
        rule: SigmaRule,  # noqa: ARG002 -- what the backend calls it with
        query: str,
        index: int,  # noqa: ARG002
        state: ConversionState,  # noqa: ARG002
    ) -> str:
        return query


class _Condition(_Alone, ESQLBackend):
    """The condition alone, in the capitals that Elastic writes."""

    or_token: ClassVar[str] = "OR"  # noqa: S105 -- no token that opens anything
    and_token: ClassVar[str] = "AND"  # noqa: S105 -- no token that opens anything
    not_token: ClassVar[str] = "NOT"  # noqa: S105 -- no token that opens anything
    eq_token: ClassVar[str] = " == "  # noqa: S105 -- no token that opens anything
    or_in_operator: ClassVar[str] = "IN"
    field_null_expression: ClassVar[str] = "{field} IS NULL"
    field_exists_expression: ClassVar[str] = "{field} IS NOT NULL"
    field_not_exists_expression: ClassVar[str] = "{field} IS NULL"


class _Eql(_Alone, EqlBackend):
    """Adds what the backend lacks: existence, and lists in which `*` is no wildcard."""

    field_exists_expression: ClassVar[str | None] = "?{field} != null"
    field_not_exists_expression: ClassVar[str | None] = "?{field} == null"
    or_in_operator: ClassVar[str] = " in~ "
    in_expressions_allow_wildcards: ClassVar[bool] = False


def esql(rule: Rule) -> str | None:
    """One row for each event with which the condition holds; of different values one for each change within the window.

    No row sees another one in ES|QL. So the moments of a group are packed into one row, sorted, and unpacked as pairs
    that are as many events apart as the rule wants; VALUES takes an event once that is there twice. More than two
    different values cannot be told so: None.
    """
    if rule.window is not None:
        return _paired(rule, rule.window) if rule.window.counted is None or rule.window.at_least == _TWO else None
    return "\n".join(
        [
            f"FROM {INDEX} METADATA {', '.join(METADATA)}",
            f"| WHERE {condition(rule, _Condition())}",
            *(() if rule.is_alarm else ("| SORT @timestamp DESC", f"| LIMIT {_MOST_ROWS}")),
            f"| KEEP {', '.join(('@timestamp', 'event_id', *rule.fields, *METADATA))}",
        ]
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


def _paired(rule: Rule, window: Window) -> str:
    """MV_SLICE counts from 0 and includes its end; both slices are as long, so MV_ZIP pairs them one by one."""
    there = f" AND {window.counted} IS NOT NULL" if window.counted else ""
    value = f'HASH("sha256", TO_STRING({window.counted})), "|", ' if window.counted else ""
    moment = f'CONCAT(TO_STRING(TO_LONG(TO_DATETIME(@timestamp))), "|", {value}event_id)'
    shown = [field for field in rule.fields if field not in window.group_by]
    values = ", ".join(("moments = VALUES(moment)", *(f"{field} = VALUES({field})" for field in shown)))
    back = window.at_least - 1
    pairs = f"MV_SLICE(moments, 0, MV_COUNT(moments) - {back + 1}), MV_SLICE(moments, {back}, MV_COUNT(moments) - 1)"
    first, last = ("|%{value}", "|%{next_value}") if window.counted else ("", "")
    changes = "value != next_value AND " if window.counted else ""
    return "\n".join(
        [
            f"FROM {INDEX}",
            f"| WHERE {grouped_condition(rule, _Condition())}{there}",
            f"| EVAL moment = {moment}",
            "// No row sees another one: the moments of a group are packed into one row, and unpacked as pairs.",
            f"| STATS {values} BY {', '.join(window.group_by)}",
            f"| WHERE MV_COUNT(moments) >= {window.at_least}",
            "| EVAL moments = MV_SORT(moments)",
            f'| EVAL pair = MV_ZIP({pairs}, " ")',
            "| MV_EXPAND pair",
            f'| DISSECT pair "%{{first_at}}{first}|%{{first_id}} %{{last_at}}{last}|%{{event_id}}"',
            "| EVAL first_at = TO_LONG(first_at), last_at = TO_LONG(last_at)",
            f"| WHERE {changes}last_at - first_at <= {window.timespan_s * _MILLISECONDS}",
            "| EVAL first_at = TO_DATETIME(first_at), last_at = TO_DATETIME(last_at)",
            f"| KEEP {', '.join(('first_at', 'last_at', 'event_id', *window.group_by, *shown))}",
        ]
    )
