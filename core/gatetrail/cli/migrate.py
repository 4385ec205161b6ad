"""`gatetrail migrate`: the tables of the record, brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatetrail.cli.door import within
from gatetrail.cli.options import Config, DataDir, Dsn, Json, database_of
from gatetrail.cli.talk import say

if TYPE_CHECKING:
    from gatetrail.settings import ServiceSettings

EXAMPLES = """Examples:

\b
  gatetrail migrate --dsn postgresql://gatetrail@db.example/audit
"""


def migrate(as_json: Json = False, dsn: Dsn = None, data_dir: DataDir = None, config: Config = None) -> None:
    """Bring the database up to date, and print the names of what was applied. `serve` does it, too."""
    from gatetrail.cli.output import flush, put_json, put_text

    applied = within(_migrate(database_of(config, dsn=dsn, data_dir=data_dir)))
    for name in applied:
        if as_json:
            put_json({"applied": name})
        else:
            put_text(name)
    flush()
    if not applied:
        say("The database is up to date.")


async def _migrate(settings: ServiceSettings) -> Sequence[str]:
    from gatetrail.runtime.upkeep import bring_up_to_date

    return await bring_up_to_date(settings)
