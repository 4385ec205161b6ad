"""Elastic's ES|QL, EQL and Lucene."""

from __future__ import annotations

from siem.rule import Rule


def esql(rule: Rule) -> str | None:  # noqa: ARG001 -- comes next
    """None where the language cannot express the rule."""
    return None


def eql(rule: Rule) -> str | None:  # noqa: ARG001 -- comes next
    """None where the language cannot express the rule."""
    return None


def lucene(rule: Rule) -> str | None:  # noqa: ARG001 -- comes next
    """None where the language cannot express the rule."""
    return None
