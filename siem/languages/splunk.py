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


def spl(rule: Rule) -> str:
    """The search of the rule. A window slides, so each row is an event with which the condition holds.

    `streamstats` looks at no more than `max_stream_window` events at once (limits.conf, 10,000 unless told otherwise).
    """
    if rule.window is None:
        return "\n".join([f"{MACRO} {condition(rule, _Search())}", _table(rule.fields)])
    return "\n".join(
        [
            f"{MACRO} {grouped_condition(rule, _Search())}",
            *_counted(rule.window),
            _table((_count(rule.window), *rule.fields)),
        ]
    )


def _counted(window: Window) -> list[str]:
    what = "count" if window.counted is None else f"dc({window.counted})"
    return [
        "| sort 0 _time",
        f"| streamstats time_window={window.timespan} {what} as {_count(window)} by {' '.join(window.group_by)}",
        f"| where {_count(window)} >= {window.at_least}",
    ]


def _count(window: Window) -> str:
    return "event_count" if window.counted is None else "value_count"


def _table(fields: tuple[str, ...]) -> str:
    return f"| table {', '.join(('_time', 'event_id', *fields))}"
