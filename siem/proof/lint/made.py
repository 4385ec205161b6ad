"""Fields that a product's own configuration of ours makes beside the keys of the event."""

from __future__ import annotations

import re
from functools import cache

import orjson

from siem.places import SAMPLES

ADD_ON = SAMPLES / "splunk" / "TA-gatetrail" / "default"


@cache
def made_by_add_on() -> frozenset[str]:
    """Of Splunk's add-on: names for the Common Information Model, from `EVAL-name` and `… ASNEW name`."""
    path = ADD_ON / "props.conf"
    text = path.read_text("utf-8") if path.is_file() else ""
    return frozenset(re.findall(r"^EVAL-(\w+)", text, re.MULTILINE) + re.findall(r"\bAS(?:NEW)? (\w+)", text))


@cache
def made_by_pipeline() -> frozenset[str]:
    """Of Datadog's log pipeline: standard attributes."""
    found = orjson.loads((SAMPLES / "datadog" / "pipeline.json").read_bytes())["processors"]
    return frozenset(str(one["target"]) for one in found if "target" in one)
