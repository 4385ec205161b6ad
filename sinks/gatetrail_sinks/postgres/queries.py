"""The named SQL of this package: one file each in `sql/`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The text of `sql/<name>.sql`, ready for psycopg. Placeholders are `%(name)s`."""
    return (files("gatetrail_sinks.postgres") / "sql" / f"{name}.sql").read_bytes()
