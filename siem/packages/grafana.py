"""Dashboards for Grafana, on SQL and on Loki."""

from __future__ import annotations

from siem.files import Files


def files() -> Files:
    """All that is generated of it."""
    return {}
