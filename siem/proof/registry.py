"""All engines."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from siem.proof.engine import Engine
from siem.proof.engines.eql import Eql
from siem.proof.engines.postgres import Postgres
from siem.proof.engines.sqlite import Sqlite
from siem.proof.matchers.search_engines import search_engines


@contextmanager
def engines(dsn: str) -> Generator[tuple[Engine, ...]]:
    """Ready to be asked for as long as the block lasts. `dsn` names an empty database; it is used when first needed."""
    postgres = Postgres(dsn)
    try:
        yield (postgres, Sqlite(), Eql(), *search_engines())
    finally:
        postgres.close()
