"""`verify` answers yes or no, and names the first bad row."""

from __future__ import annotations

import psycopg
import pytest

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
