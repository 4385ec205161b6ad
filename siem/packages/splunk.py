"""The add-on for Splunk."""

from __future__ import annotations

from siem.files import Files


def files() -> Files:
    """All that is generated of it."""
    return {}
