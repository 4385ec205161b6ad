"""Splunk's SPL. `search` compares without regard to case, as Sigma does; the macro names index and source type."""
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from sigma.backends.splunk.splunk import SplunkBackend
from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

from siem.languages.sigma import condition, grouped_condition
from siem.rule import Rule, Window

MACRO = "`gatetrail`"
_TWO = 2


class _Search(SplunkBackend):
    """The condition alone: the columns are ours."""

    def finalize_query_default(
        self,
        rule: SigmaRule | SigmaCorrelationRule,  # noqa: ARG002 -- what the backend calls it with
        query: str,
        index: int,  # noqa: ARG002
        state: ConversionState,  # noqa: ARG002
    ) -> str:
        return f"({query})" if " OR " in query else query


def spl(rule: Rule) -> str | None:
    """One row for each event with which the condition holds; of different values one for each change within the window.

    An event that was delivered twice counts once. `streamstats` sees the last events of each group, not those of a span
    of time: what `time_window` does with an event at its end is not documented. More than two different values cannot
    be told so: None.
    """
    if rule.window is None:
        return "\n".join([f"{MACRO} {condition(rule, _Search())}", _table(rule.fields)])
    if rule.window.counted is not None and rule.window.at_least != _TWO:
        return None
    there = f" {rule.window.counted}=*" if rule.window.counted else ""
    return "\n".join(
        [
            f"{MACRO} {grouped_condition(rule, _Search())}{there}",
            "| dedup event_id",
            "| sort 0 _time, seq",
            *_in_window(rule.window),
            _table(("took_s", *rule.fields)),
        ]
    )


def _in_window(window: Window) -> list[str]:
    """Each event beside the one that is as many events earlier in its group as the rule wants."""
    keys = ", ".join(window.group_by)
    if window.counted is None:
        events = window.at_least
        seen = f"window={events} global=f count AS event_count, min(_time) AS begin BY {keys}"
        holds = f"event_count = {events}"
    else:
        last = f"last({window.counted}) AS previous_value, last(_time) AS begin"
        seen = f"window=1 current=f global=f {last} BY {keys}"
        holds = f"{window.counted} != previous_value"
    return [
        f"| streamstats {seen}",
        "| eval took_s = round(_time - begin, 3)",
        f"| where {holds} AND took_s <= {window.timespan_s}",
    ]


def _table(fields: tuple[str, ...]) -> str:
    return f"| table {', '.join(('_time', 'event_id', *fields))}"
