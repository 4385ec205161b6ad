"""Dashboards and alerts for Grafana, on SQL and on Loki."""

from __future__ import annotations

import orjson

from siem.files import Files
from siem.packages.grafana.alerts import alerts
from siem.packages.grafana.on_loki import on_loki
from siem.packages.grafana.on_sql import on_sql
from siem.packages.grafana.panels import Json


def files() -> Files:
    """All that is generated of it."""
    return {
        "grafana/dashboards/gatetrail-sql.json": _json(on_sql()),
        "grafana/dashboards/gatetrail-loki.json": _json(on_loki()),
        "grafana/alerting/gatetrail.yaml": alerts().encode(),
    }


def _json(dashboard: Json) -> bytes:
    return orjson.dumps(dashboard, option=orjson.OPT_INDENT_2) + b"\n"
