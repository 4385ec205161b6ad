"""What is told of a sink, key by key: the same on the command line and over HTTP."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from gatetrail.delivery.sink import CursorState
from gatetrail.delivery.sink_health import SinkHealth, health_of


def sink_keys(state: CursorState) -> dict[str, Any]:
    """A sink that has run."""
    keys = asdict(state)
    return {
        "sink_name": keys.pop("sink_name"),
        "health": health_of(state).value,
        "cursor_seq": keys.pop("seq"),
        "head_seq": keys.pop("head_seq"),
        "lag": state.lag,
        **keys,
    }


def never_run(name: str, head_seq: int) -> dict[str, Any]:
    """A sink that the settings name and that has never run, in the same keys; None is what nobody knows yet."""
    first = {
        "sink_name": name,
        "health": SinkHealth.UNOWNED.value,
        "cursor_seq": None,
        "head_seq": head_seq,
        "lag": None,
    }
    rest = {field.name: None for field in fields(CursorState) if field.name not in {*first, "seq"}}
    return {**first, **rest, "owned": False, "failure_told": False, "quarantined_count": 0, "exported_count": 0}
