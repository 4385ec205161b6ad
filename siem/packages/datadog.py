"""Log pipeline, facets, monitors and detection rules for Datadog."""

from __future__ import annotations

from siem.files import Files


def files() -> Files:
    """All that is generated of it."""
    return {}
