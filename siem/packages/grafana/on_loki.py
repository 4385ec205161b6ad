"""The dashboard on copies of the events in Loki.

Source: grafana.com/docs/loki, "Log queries" (the parser `json` names keys as labels, with `_` for what a label's name
cannot have, and leaves lists out), "Metric queries".
"""

from __future__ import annotations

from siem.packages.grafana.panels import LOKI_SOURCE, SERIES, Json, Panel, Row, dashboard, textbox

UID = "gatetrail-loki"
STREAM = '{job="gatetrail"}'

DENIED = f'{STREAM} |= "tool_call.decided" |= "deny" | json | event_name="tool_call.decided" | decision="deny"'
"""Words of the line first, which is cheap, then the keys."""
LIMITED = f'{DENIED} | gate="rate_limit"'
PROBES = (
    f'{STREAM} |= "scanner" | json | event_name=~"tool_call.decided|scanner.detected" | decision="deny"'
    ' | gate="scanner"'
)
TOO_LOW = f'{DENIED} | reason_code=~"tier_too_low|session_tier_too_low"'
BY_RULES = f'{DENIED} | gate=~"scope|blocklist|hook"'
ALLOWED = f'{STREAM} |= "tool_call.decided" |= "allow" | json | event_name="tool_call.decided" | decision="allow"'
FOREIGN = (
    f'{STREAM} |= "session_of_another_user" | json | event_name=~"tool_call.decided|identity.refused"'
    ' | reason_code="session_of_another_user"'
)
TROUBLE = (
    f'{STREAM} |= "audit" | json | event_name=~"audit.gap|audit.sink_failed|audit.sink_recovered"'
    ' or (event_name="tool_call.decided" and gate="audit")'
)
BEATS = f'{STREAM} |= "audit.heartbeat" | json | event_name="audit.heartbeat"'
TRACE = f'{STREAM} |= "$trace_id" | json | trace_id="$trace_id" | trace_id!=""'


def on_loki() -> Json:
    """The dashboard."""
    return dashboard(
        UID,
        "Gatetrail on Loki",
        "Denials, probes, sessions and the record's health, from the events that a shipper sent to Loki.",
        [_source(), textbox("trace_id", "Trace")],
        [_denials(), _callers(), _record(), _trace()],
    )


def _source() -> Json:
    return {"name": "loki", "label": "Loki", "type": "datasource", "query": "loki", "refresh": 1, "current": {}}


def _denials() -> Row:
    return Row(
        "Denials",
        [
            _series("Denials by gate", f"sum by (gate) (count_over_time({DENIED} [$__interval]))", "{{gate}}"),
            _top("Denials by gate and reason", "gate, reason_code", DENIED),
            _top("Tools denied most", "server_name, tool_name", BY_RULES),
            _logs("Privilege mismatches", TOO_LOW),
        ],
        folded=False,
    )


def _callers() -> Row:
    several = "count by (session_id) (sum by (session_id, {}) (count_over_time({} [$__range]))) > 1"
    in_session = f'{ALLOWED} | session_id!=""'
    return Row(
        "Callers",
        [
            _top("Rate-limited callers", "user_id, rate_limit_tier", LIMITED),
            _top("Probes by address", "src_ip", PROBES),
            _table("Sessions from several addresses", several.format("src_ip", f'{in_session} | src_ip!=""')),
            _table("Sessions with several clients", several.format("client_id", f'{in_session} | client_id!=""')),
            _logs("Sessions of another user", FOREIGN),
        ],
        folded=False,
    )


def _record() -> Row:
    return Row(
        "The record",
        [
            _series(
                "Signs of life, one a minute from each process",
                f"sum by (instance_id) (count_over_time({BEATS} [$__interval]))",
                "{{instance_id}}",
            ),
            _logs("Gaps, sinks that failed, decisions that could not be recorded", TROUBLE, 12),
        ],
        folded=False,
    )


def _trace() -> Row:
    return Row("Trace $trace_id", [_logs("All events of the trace", TRACE)], folded=False)


def _top(title: str, keys: str, of: str) -> Panel:
    return _table(title, f"topk(20, sum by ({keys}) (count_over_time({of} [$__range])))")


def _series(title: str, expression: str, legend: str) -> Panel:
    target = {"expr": expression, "queryType": "range", "legendFormat": legend}
    return Panel(title, "", "timeseries", target, LOKI_SOURCE, 12, field_config=SERIES)


def _table(title: str, expression: str) -> Panel:
    return Panel(title, "", "table", {"expr": expression, "queryType": "instant"}, LOKI_SOURCE, 12)


def _logs(title: str, expression: str, width: int = 24) -> Panel:
    return Panel(title, "", "logs", {"expr": expression, "queryType": "range", "maxLines": 200}, LOKI_SOURCE, width)
