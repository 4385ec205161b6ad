"""The SQL of a dashboard as Grafana sends it: the macros of its PostgreSQL data source, expanded.

Source: grafana.com/docs, PostgreSQL data source, "Macros". Only those that we use; any other one is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_UNITS_S = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class View:
    """What somebody has chosen at the top of the dashboard."""

    begin: datetime
    end: datetime
    interval: str
    """Width of a point, such as `1m`."""
    servers: Sequence[str]

    def expanded(self, sql: str) -> str:
        """The query for this view."""
        begin, end = (f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'" for moment in (self.begin, self.end))
        sql = sql.replace("${server:sqlstring}", ",".join(f"'{name}'" for name in self.servers))
        sql = sql.replace("$__interval", self.interval)
        sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {begin} AND {end}", sql)
        sql = re.sub(r"\$__timeGroupAlias\((\w+), (\w+)(?:, 0)?\)", self._grouped, sql)
        sql = sql.replace("$__timeFrom()", begin).replace("$__timeTo()", end)
        assert "$" not in sql, f"a macro or variable is left: {sql}"
        return sql

    def _grouped(self, macro: re.Match[str]) -> str:
        width_s = int(macro[2][:-1]) * _UNITS_S[macro[2][-1]]
        return f'floor(extract(epoch from {macro[1]})/{width_s})*{width_s} AS "time"'
