"""Field extraction, searches, monitors and a dashboard for Sumo Logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from siem.files import Files
from siem.packages.sumo.extraction import extraction_rule
from siem.packages.sumo.library import library
from siem.packages.sumo.monitors import monitors


def files() -> Files:
    """All that is generated of it, as the API takes it."""
    return {
        "sumo/field-extraction-rule.json": _json(extraction_rule()),
        "sumo/library.json": _json(library()),
        "sumo/monitors.json": _json(monitors()),
    }


def _json(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
