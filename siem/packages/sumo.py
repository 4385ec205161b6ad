"""Field extraction and searches for Sumo Logic."""

from __future__ import annotations

from siem.files import Files


def files() -> Files:
    """All that is generated of it."""
    return {}
