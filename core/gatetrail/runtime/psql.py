"""How a person opens the record with PostgreSQL's own shell."""

from __future__ import annotations

import shlex
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gatetrail.runtime.folder import data_dir
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded.folder import DataFolder


def psql_command(settings: ServiceSettings, dsn: str, statement: str) -> str:
    """A line for a shell that runs one statement. Holds no password; the embedded server's is read from its file."""
    known: dict[str, Any] = conninfo_to_dict(dsn)
    known.pop("password", None)
    words = shlex.join(["psql", make_conninfo(**known), "-c", statement])
    if settings.dsn is not None:
        return words
    return f'PGPASSWORD="$(cat {shlex.quote(str(DataFolder(data_dir(settings)).password_file))})" {words}'
