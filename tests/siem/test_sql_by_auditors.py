"""Rules as an auditor asks them: with psql, and with the role and the limits that docs/audit-sql.md names."""

from __future__ import annotations

import asyncio
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail_sinks.postgres.embedded.binaries import installed_binaries
from gatetrail_sinks.postgres.migrate import migrate
from siem.places import SQL, TOWNS
from siem.rule import Rule
from siem.sources import rules

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E12")]

LIMITS = "-c role=gatetrail_auditor -c default_transaction_read_only=on -c statement_timeout=15s"
"""As the page sets them for a person, and stricter."""
TRAFFIC = (SQL.parents[1] / "tests" / "siem" / "traffic.sql").read_text("utf-8")
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRAVEL = "impossible_travel"


@pytest.fixture(scope="module")
def auditor_dsn(server_dsn: str) -> Iterator[str]:
    name = f"test_auditors_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = make_conninfo(server_dsn, dbname=name)
        asyncio.run(migrate(dsn))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(TRAFFIC.encode())
        yield make_conninfo(dsn, options=LIMITS)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def asked(dsn: str, *arguments: str) -> list[list[str]]:
    """What psql prints, row by row, the names of the columns first."""
    program = str(installed_binaries().program("psql"))
    fixed = ["--no-psqlrc", "--csv", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={dsn}"]
    span = ["--set=since=2026-06-01 00:00+00", "--set=until=2026-06-02 00:00+00", f"--set=trace_id={TRACE}"]
    done = subprocess.run([program, *fixed, *span, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split(",") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.name != TRAVEL], ids=lambda rule: rule.name)
def test_an_auditor_is_told_by_psql_within_the_limits_what_the_rule_wants_seen(auditor_dsn: str, rule: Rule) -> None:
    columns = asked(auditor_dsn, f"--file={SQL / rule.name}.sql")[0]
    assert columns[:3] == ["event_id", "seq", "recorded_at"]
    assert {*rule.fields} <= {*columns}


def test_places_are_loaded_as_the_file_says_by_one_who_may_only_read(auditor_dsn: str, tmp_path: Path) -> None:
    text = (SQL / f"{TRAVEL}.sql").read_text("utf-8")
    steps = "\n".join(re.findall(r"^--   (.+)$", text, re.MULTILINE)).replace("places.csv", str(TOWNS))
    (tmp_path / "load.sql").write_text(steps, "utf-8")
    rows = asked(auditor_dsn, f"--file={tmp_path / 'load.sql'}", f"--file={SQL / TRAVEL}.sql")
    assert rows[0][:3] == ["event_id", "seq", "recorded_at"]


def test_one_busy_session_is_told_with_both_of_its_programs(auditor_dsn: str) -> None:
    rows = asked(auditor_dsn, f"--file={SQL / 'session_with_several_clients'}.sql")
    found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert {(row["session_id"], row["one_client"], row["another_client"]) for row in found} == {("busy", "one", "two")}


def test_the_folders_page_names_files_that_are_there() -> None:
    page = (SQL / "README.md").read_text("utf-8")
    assert {*re.findall(r"[a-z_]+\.sql", page)} <= {path.name for path in SQL.glob("*.sql")}
    assert {path.stem for path in SQL.glob("*.sql")} == {rule.name for rule in rules()}
