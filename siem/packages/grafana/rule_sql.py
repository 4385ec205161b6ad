"""The rules' SQL, with what Grafana has instead of psql's variables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from siem.places import SQL
from siem.rule import Rule

_VARIABLE = re.compile(r":'(\w+)'")

OF_DASHBOARD: Mapping[str, str] = {
    "since": "$__timeFrom()",
    "until": "$__timeTo()",
    "trace_id": "${trace_id:sqlstring}",
}
"""Source: grafana.com/docs, PostgreSQL data source, "Macros" and "Advanced variable format options"."""

NEEDS_PLACES = frozenset({"impossible_travel"})
"""Rules that read a table `places`, which only the reader's own geo database can fill."""


def rule_sql(rule: Rule, variables: Mapping[str, str]) -> str:
    """One statement without comments at its head and without a semicolon."""
    lines = (SQL / f"{rule.name}.sql").read_text("utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    statement = "\n".join(lines[first:]).strip().removesuffix(";")
    return _VARIABLE.sub(lambda variable: variables[variable[1]], statement)
