"""Kusto, as Microsoft Sentinel speaks it."""

from __future__ import annotations

from siem.rule import Rule


def kusto(rule: Rule) -> str | None:  # noqa: ARG001 -- comes next
    """None where the language cannot express the rule."""
    return None
