"""Datadog's log search, asked of the matcher that Vector has for it (VRL's `match_datadog_query`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from vrl_python import VRLRuntime

from siem.golden import Event
from siem.proof.matchers.values import NotUnderstood

RESERVED = {"source": "gatetrail", "service": "gatetrail"}
"""What the shipper sets beside our keys (`ddsource`, `service`) and Datadog calls reserved attributes."""


def compiled(search: str) -> Callable[[Event], bool]:
    """Whether an event matches. Raises `NotUnderstood` for a search that the matcher cannot parse.

    The matcher finds `@key` and reserved attributes among the keys of the event, and no element of an array.
    """
    literal = orjson.dumps(search).decode().replace("{", r"\{")
    program = f"match_datadog_query(., {literal})"
    wrong: Any = VRLRuntime.check_syntax(program)
    if wrong is not None:
        raise NotUnderstood(f"Vector cannot read the search: {wrong.formatted_message}")
    runtime = VRLRuntime()
    return lambda event: bool(runtime.execute(program, {**event, **RESERVED}).runtime_result)
