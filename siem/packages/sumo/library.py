"""What is imported into the library: a search for each rule, and the dashboard.

Names of members: `FolderSyncDefinition`, `SavedSearchWithScheduleSyncDefinition`, `QueryParameterSyncDefinition` and
`DashboardV2SyncDefinition` of Sumo's API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from siem.languages.sumo import EVERYTHING, extraction, search
from siem.queries import Language, query
from siem.rule import TRACE_PLACEHOLDER, Rule
from siem.sources import rules, seconds

DAY_S = 86_400

HALF = 12
HEIGHT = 7
"""A dashboard has 24 columns."""

TRACE: Mapping[str, Any] = {
    "name": "trace_id",
    "label": "Trace",
    "description": "32 hexadecimal digits, as trace_id of an event has them.",
    "dataType": "QUERY_FRAGMENT",
    "value": TRACE_PLACEHOLDER,
    "autoComplete": {"autoCompleteType": "SKIP_AUTOCOMPLETE"},
}
"""What a search template asks for; of this type it is put between our quotes as it is (a `STRING` brings its own)."""

TABLE = {"general": {"type": "table", "mode": "distribution"}}
COLUMNS = {"general": {"type": "column", "mode": "timeSeries"}}
"""A panel's looks are JSON within JSON."""


def library() -> dict[str, Any]:
    """One folder, as `POST /api/v2/content/folders/{folderId}/import` takes it."""
    return {
        "type": "FolderSyncDefinition",
        "name": "Gatetrail",
        "description": "Questions to the audit record of tool calls. Made from siem-samples/sumo.",
        "children": [*_searches(), dashboard()],
    }


def dashboard() -> dict[str, Any]:
    """What is denied, to whom, and whether the record itself is well; of the last day."""
    panels = list(_panels())
    return {
        "type": "DashboardV2SyncDefinition",
        "name": "Gatetrail",
        "description": "Decisions, denials and the health of the audit record.",
        "title": "Gatetrail: who may call which tools",
        "theme": "light",
        "topologyLabelMap": {"data": {}},
        "refreshInterval": 0,
        "timeRange": _last_day(),
        "layout": {
            "layoutType": "Grid",
            "layoutStructures": [
                {"key": panel["key"], "structure": _text(_place(number))} for number, panel in enumerate(panels)
            ],
        },
        "panels": panels,
        "variables": [],
        "coloringRules": [],
    }


def _searches() -> Iterator[dict[str, Any]]:
    for rule in rules():
        text = query(rule, Language.SUMO)
        if text is not None:
            yield _saved(rule, text)


def _saved(rule: Rule, text: str) -> dict[str, Any]:
    template = text.replace(TRACE_PLACEHOLDER, f"{{{{{TRACE['name']}}}}}")
    return {
        "type": "SavedSearchWithScheduleSyncDefinition",
        "name": rule.title,
        "description": rule.description,
        "search": {
            "queryText": template,
            "defaultTimeRange": f"-{rule.lookback}" if seconds(rule.lookback) > DAY_S else "-24h",
            "byReceiptTime": False,
            "queryParameters": [dict(TRACE)] if template != text else [],
            "parsingMode": "Manual",
        },
        "searchSchedule": None,
    }


def _panels() -> Iterator[dict[str, Any]]:
    yield _panel("denied-by-gate", "Denied calls by gate", COLUMNS, _over_time("call_denied", "gate"))
    yield _panel("most-denied", "Most denied tools", TABLE, _most("call_denied", ("server_name", "tool_name")))
    yield _panel("rate-limited", "Rate limited callers", TABLE, _most("rate_limited", ("user_id", "client_id")))
    mismatch = _most("tier_too_low", ("user_id", "tool_name", "required_tier"))
    yield _panel("mismatches", "Privilege mismatches: who, and what for", TABLE, mismatch)
    yield _panel("reasons", "Most frequent reasons", TABLE, _most("call_denied", ("gate", "reason_code")))
    health = f'{EVERYTHING}\n| {extraction(["event_name"])}\n| where event_name matches "audit.*"'
    yield _panel("health", "Health of the record", COLUMNS, f"{health}\n{_sliced('event_name')}")


def _over_time(name: str, key: str) -> str:
    return f"{_with_keys(name, (key,))}\n{_sliced(key)}"


def _sliced(key: str) -> str:
    return f"| timeslice 1h\n| count by _timeslice, {key}\n| transpose row _timeslice column {key}"


def _most(name: str, keys: Sequence[str]) -> str:
    return f"{_with_keys(name, keys)}\n| count by {', '.join(keys)}\n| sort by _count\n| limit 20"


def _with_keys(name: str, keys: Sequence[str]) -> str:
    """A rule's search; what it does not ask for itself comes out of the event by a second operator."""
    text = search(next(rule for rule in rules() if rule.name == name))
    further = [key for key in keys if f'"{key}"' not in text.splitlines()[1]]
    return f"{text}\n| {extraction(further)}" if further else text


def _panel(key: str, title: str, looks: object, text: str) -> dict[str, Any]:
    return {
        "panelType": "SumoSearchPanel",
        "id": key,
        "key": f"panel-{key}",
        "title": title,
        "visualSettings": _text(looks),
        "keepVisualSettingsConsistentWithParent": True,
        "queries": [{"queryString": text, "queryType": "Logs", "queryKey": "A", "parseMode": "Manual"}],
        "description": "",
        "timeRange": None,
        "coloringRules": None,
        "linkedDashboards": [],
    }


def _place(number: int) -> dict[str, int]:
    return {"height": HEIGHT, "width": HALF, "x": number % 2 * HALF, "y": number // 2 * HEIGHT}


def _last_day() -> dict[str, Any]:
    since = {"type": "RelativeTimeRangeBoundary", "relativeTime": "-24h"}
    return {"type": "BeginBoundedTimeRange", "from": since, "to": None}


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
