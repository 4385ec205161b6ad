"""Log pipeline, facets, monitors, detection rules and a dashboard for Datadog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from siem.files import Files
from siem.packages.datadog.dashboard import dashboard
from siem.packages.datadog.detections import detection_rules
from siem.packages.datadog.facets import facets
from siem.packages.datadog.monitors import monitors
from siem.packages.datadog.pipeline import integration, pipeline
from siem.packages.datadog.samples import pipeline_tests


def files() -> Files:
    """All that is generated of it: JSON as the API takes it, YAML as Datadog's own integrations have it."""
    return {
        "datadog/pipeline.json": _json(pipeline()),
        "datadog/dashboard.json": _json(dashboard()),
        **{f"datadog/monitors/{name}.json": _json(body) for name, body in monitors().items()},
        **{f"datadog/security-rules/{name}.json": _json(body) for name, body in detection_rules().items()},
        "datadog/assets/logs/gatetrail.yaml": _yaml(integration(facets())),
        "datadog/assets/logs/gatetrail_tests.yaml": _yaml(pipeline_tests()),
    }


def _json(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _yaml(body: Mapping[str, Any]) -> bytes:
    text: str = yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True, width=120)
    return text.encode()
