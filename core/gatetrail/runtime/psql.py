"""How a person opens the record with PostgreSQL's own shell."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gatetrail.errors import DatabaseUnavailable
from gatetrail.runtime.folder import data_dir
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.embedded.binaries import installed_binaries
from gatetrail_sinks.postgres.embedded.folder import DataFolder

PSQL = "psql"


def psql_command(settings: ServiceSettings, dsn: str, statement: str) -> str:
    """A line for a shell that runs one statement. Holds no password; the embedded server's is read from its file.

    Where the machine has no psql, it names the one that comes with the embedded server.
    """
    known: dict[str, Any] = conninfo_to_dict(dsn)
    known.pop("password", None)
    words = shlex.join([_psql(), make_conninfo(**known), "-c", statement])
    if settings.dsn is not None:
        return words
    return f'PGPASSWORD="$(cat {shlex.quote(str(DataFolder(data_dir(settings)).password_file))})" {words}'


def _psql() -> str:
    if shutil.which(PSQL) is None:
        with contextlib.suppress(DatabaseUnavailable):
            return str(installed_binaries().program(PSQL))
    return PSQL
