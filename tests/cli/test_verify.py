"""`verify` answers yes or no, and names the first bad row."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.cli.conftest import Gatetrail
from tests.cli.recorded import allowed, denied, record

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("F1")]


def test_an_untouched_record_is_intact(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), denied()])
    ran = gatetrail("verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("intact: 3 events and 2 executions; the head is seq 3 with hash ")
    (found,) = gatetrail("verify", "--json").objects
    assert {key: found[key] for key in ("intact", "events", "executions", "head_seq")} == {
        "intact": True,
        "events": 3,
        "executions": 2,
        "head_seq": 3,
    }


def test_a_changed_row_is_named_with_exit_code_1(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), denied()])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_events SET user_id = 'mallory' WHERE seq = 2")
    ran = gatetrail("verify")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out == "broken at seq 2: changed_column: a column does not say what the line says\n"
    (found,) = gatetrail("verify", "--json").objects
    assert (found["intact"], found["flaw"], found["seq"]) == (False, "changed_column", 2)


NOTED = (
    "SELECT intact, head_seq, events, executions, flaw, flawed_seq, detail FROM verifications ORDER BY verification_id"
)


def test_each_result_is_noted(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), denied()])
    gatetrail("verify")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_events WHERE seq = 2")
        gatetrail("verify")
        noted = connection.execute(NOTED).fetchall()
    assert noted == [
        (True, 3, 3, 2, None, None, None),
        (False, None, 1, None, "missing_event", 2, "seq 2 is missing, the next row is seq 3"),
    ]


def test_one_who_may_only_read_verifies_and_is_told_that_it_was_not_noted(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), denied()])
    read_only = make_conninfo(dsn, options="-c role=gatetrail_auditor")
    for reader in (read_only, make_conninfo(dsn, options="-c default_transaction_read_only=on")):
        ran = gatetrail("verify", GATETRAIL_DSN=reader)
        assert ran.code == 0
        assert ran.err == "the result was not noted: this connection may only read\n"
        assert ran.out.startswith("intact: 3 events and 2 executions")
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM verifications").fetchone() == (0,)


def test_one_who_may_only_read_is_told_who_can_bring_an_old_database_up_to_date(gatetrail: Gatetrail, dsn: str) -> None:
    ran = gatetrail("verify", GATETRAIL_DSN=make_conninfo(dsn, options="-c default_transaction_read_only=on"))
    assert (ran.code, ran.out) == (2, "")
    (said,) = ran.errors
    assert said.startswith(
        "the database is not up to date and this connection may not change it: run gatetrail migrate"
    )
