"""Pipeline tests in the layout of Datadog's integrations: an event in, a log entry out, one for each kind of event."""

from __future__ import annotations

from typing import Any

import orjson

from siem.golden import Event
from siem.packages.datadog.pipeline import pipeline
from siem.packages.datadog.processors import processed
from siem.places import EVERY_KIND

SOURCE = "source:LOGS_SOURCE"
"""What the tests of Datadog's integrations write for their own source."""


def pipeline_tests() -> dict[str, Any]:
    """What comes out is by our reading of the processors (`siem.packages.datadog.processors`)."""
    return {
        "id": "gatetrail",
        "tests": [
            {"sample": line, "result": expected(orjson.loads(line))}
            for line in EVERY_KIND.read_text("utf-8").splitlines()
        ],
    }


def expected(event: Event) -> dict[str, Any]:
    """The entry, as those tests write it; details of the user agent and of the address are not in it."""
    log = processed(pipeline(), event)
    return {
        "custom": log.attributes,
        "message": log.message,
        "status": log.status,
        "tags": [SOURCE],
        "timestamp": log.timestamp_ms,
    }
