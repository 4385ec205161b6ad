"""The table: a column for each key that events may have, under the key's own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from siem.schema import Kind, keys

TABLE = "Gatetrail_CL"
TIME = "@timestamp"
"""The one key whose name no column may have."""
INGESTED_TIME = "TimeGenerated"
EVENT_TIME = "event_time"
"""`@timestamp` once more: Azure overwrites TimeGenerated where it is more than two days old, as after a replay."""


def columns() -> Mapping[str, str]:
    """Name and type, as custom tables have them. TimeGenerated first, then in the keys' order."""
    named = {name: _type(key.kind) for name, key in keys().items() if name != TIME}
    return {INGESTED_TIME: "datetime", EVENT_TIME: "datetime", **named}


def _type(kind: Kind) -> str:
    match kind:
        case Kind.TEXT | Kind.ADDRESS:
            return "string"
        case Kind.TEXTS:
            return "dynamic"
        case Kind.MOMENT:
            return "datetime"
        case Kind.WHOLE:
            return "long"
        case Kind.NUMBER:
            return "real"
        case Kind.TRUTH:
            return "boolean"
        case _:
            assert_never(kind)


def schema() -> Mapping[str, Any]:
    """The columns as Azure's tables have them."""
    return {"name": TABLE, "columns": [{"name": name, "type": kind} for name, kind in columns().items()]}


def table() -> Mapping[str, Any]:
    """What Azure's "Tables - Create Or Update" takes."""
    return {"properties": {"plan": "Analytics", "schema": schema()}}
