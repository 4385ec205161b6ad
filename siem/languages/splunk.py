"""Splunk's SPL."""

from __future__ import annotations

from siem.rule import Rule


def spl(rule: Rule) -> str | None:  # noqa: ARG001 -- comes next
    """None where the language cannot express the rule."""
    return None
