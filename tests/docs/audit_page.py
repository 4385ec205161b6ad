"""docs/audit-sql.md as data: its queries, and its tables of tables and views, which come from the database.

python -m tests.docs.audit_page     write the tables anew
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.migrate import migrate
from tests.checkout import ROOT

PAGE = ROOT / "docs" / "audit-sql.md"
COMPLETE = "Is the record complete?"
RELATIONS = """
SELECT relation.relname, relation.relkind = 'v', obj_description(relation.oid, 'pg_class')
FROM pg_class AS relation
WHERE relation.relnamespace = current_schema()::regnamespace AND relation.relkind IN ('r', 'p', 'v')
    AND NOT relation.relispartition
    AND has_table_privilege('gatetrail_auditor', relation.oid, 'SELECT')
ORDER BY relation.relname
"""
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of the page. `name` is the question's number, with a letter from the second query on: 2, 2b."""

    name: str
    question: str
    sql: str

    @property
    def text(self) -> str:
        """For psycopg: psql's `:'trace'` becomes `%(trace)s`."""
        return re.sub(r":'(\w+)'", r"%(\1)s", self.sql.replace("%", "%%"))


def queries() -> dict[str, Query]:
    """All of the page, by name. Those on completeness are named `complete`, `completeb` and so on."""
    return {query.name: query for query in _queries(PAGE.read_text())}


def _queries(page: str) -> Iterator[Query]:
    for section in re.split(r"^##+ ", page, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        number, _, question = heading.partition(". ")
        name = number if number.isdecimal() else "complete" if heading == COMPLETE else None
        for place, sql in enumerate(re.findall(r"^```sql\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)):
            assert name is not None, f"a query under a heading without a number: {heading}"
            yield Query(name + ("" if place == 0 else chr(ord("a") + place)), question or heading, sql)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view that an auditor may read."""

    name: str
    is_view: bool
    comment: str | None
    columns: Sequence[Column]

    @property
    def kind(self) -> str:
        return "view" if self.is_view else "table"

    def overview(self) -> str:
        """One line of a table."""
        return f"| [`{self.name}`](#{self.name}) | {self.kind} | {_cell(self.comment)} |"

    def detail(self) -> str:
        """A heading, and a table of the columns."""
        rows = "\n".join(f"| `{one.name}` | {one.kind} | {_cell(one.comment)} |" for one in self.columns)
        return f"### {self.name}\n\n| column | type | what it is |\n|---|---|---|\n{rows}\n"


def _cell(comment: str | None) -> str:
    return (comment or "").replace("|", "\\|")


def relations(dsn: str) -> list[Relation]:
    """All that the role may read in a migrated database, by name."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute(RELATIONS.encode()).fetchall()
        return [
            Relation(
                name,
                is_view,
                comment,
                [Column(*row) for row in connection.execute(COLUMNS.encode(), (name,)).fetchall()],
            )
            for name, is_view, comment in found
        ]


def with_tables(page: str, known: Sequence[Relation]) -> str:
    """The page with its tables as the database has them."""
    ordered = sorted(known, key=lambda one: (one.is_view, one.name))
    overview = "\n".join(["| name | is a | what it holds |", "|---|---|---|", *(one.overview() for one in ordered)])
    details = "\n".join(one.detail() for one in ordered)
    return _between("overview", overview, _between("columns", details, page))


def _between(mark: str, text: str, page: str) -> str:
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    head, _, rest = page.partition(begin)
    return f"{head}{begin}\n{text.rstrip()}\n\n{end}{rest.partition(end)[2]}"


async def _write() -> None:
    with tempfile.TemporaryDirectory(prefix="gatetrail-page-") as folder:
        Path(folder).chmod(0o755)
        async with EmbeddedPostgres(Path(folder) / "data") as server:
            await migrate(server.dsn)
            known = relations(server.dsn)
    PAGE.write_text(with_tables(PAGE.read_text(), known))


if __name__ == "__main__":
    asyncio.run(_write())
