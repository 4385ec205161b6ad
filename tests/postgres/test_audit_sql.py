"""Auditors find what they ask for: every query of docs/audit-sql.md, with their role, where cases were planted."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from tests.conftest import keeps_to_the_schemas
from tests.docs.audit_page import PAGE, queries, relations, with_tables
from tests.postgres.audit_story import (
    ABROAD,
    HOME,
    NEW_POLICY,
    PROBER,
    STRANGER,
    TRACE,
    Moments,
    Story,
)
from tests.schema_watch import complaints, recorded_lines

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("G3", "E6")]

Row = Mapping[str, Any]
LATE = frozenset({"fay", "sam", "tim"})
"""Whose calls are of the last two hours, be it day or night."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The story, told."""

    dsn: str
    moments: Moments

    def ask(self, name: str) -> Sequence[Row]:
        """The rows of a query of the page, as an auditor gets them."""
        with auditor(self.dsn) as connection:
            return rows_of(connection, name)


def auditor(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(make_conninfo(dsn, options="-c role=gatetrail_auditor"), autocommit=True)


def rows_of(connection: psycopg.Connection[Any], name: str) -> Sequence[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(queries()[name].text.encode(), {"trace": TRACE}).fetchall()


def some(rows: Sequence[Row], *columns: str) -> list[tuple[Any, ...]]:
    """These columns of each row."""
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.fixture(scope="module")
def recorded(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """The story in a database of its own, told once."""
    name = f"test_audit_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(server_dsn, dbname=name)
        story = Story(dsn, tmp_path_factory.mktemp("audit"))
        asyncio.run(story.tell())
        yield Recorded(dsn, story.moments)
        wrong = [*islice(complaints(recorded_lines(dsn)), 5)]
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    keeps_to_the_schemas(wrong)


def test_1_what_was_blocked_last_week_is_counted_by_gate_and_reason(recorded: Recorded) -> None:
    assert sorted(some(recorded.ask("1"), "gate", "reason_code", "denials", "users")) == [
        ("blocklist", "blocked", 1, 1),
        ("rate_limit", "rate_exceeded", 12, 3),
        # The twelfth of a scanner's calls is one too many: its sender is locked out.
        ("scanner", "locked_out", 1, 1),
        ("scanner", "scanner_agent", 11, 1),
        ("scope", "scope_missing", 2, 1),
        ("scope", "session_of_another_user", 1, 0),
        ("scope", "session_tier_too_low", 1, 1),
        ("scope", "tier_too_low", 23, 5),
    ]


def test_2_who_was_rate_limited_in_the_last_hour_and_the_last_week(recorded: Recorded) -> None:
    columns = ("user_id", "caller_type", "rate_limit_tier", "denials")
    assert some(recorded.ask("2"), *columns) == [("fay", "mcp", "mcp", 3)]
    assert sorted(some(recorded.ask("2b"), *columns)) == [
        ("fay", "mcp", "mcp", 5),
        ("gus", "mcp", "mcp", 2),
        ("quinn", "mcp", "mcp", 5),
    ]
    assert all(row["longest_wait_ms"] > 0 for row in recorded.ask("2b"))


def test_3_twenty_probes_in_five_minutes_are_an_alarm_and_nineteen_or_slower_ones_are_not(recorded: Recorded) -> None:
    assert some(recorded.ask("3"), "src_ip", "probes", "alarms") == [(PROBER, 20, 1)]


def test_4_calls_with_too_low_a_tier_are_listed_and_missing_scopes_are_not(recorded: Recorded) -> None:
    columns = ("user_id", "actual_tier", "required_tier", "tool_name", "attempts")
    assert sorted(some(recorded.ask("4"), *columns)) == [
        ("bob", "user", "admin", "close_books", 3),
        ("bob", "user", "admin", "forecast", 1),
        ("dora", "user", "admin", "close_books", 1),
        ("mallory", "user", "admin", "close_books", 5),
        ("nina", "user", "admin", "close_books", 4),
        ("oscar", "user", "admin", "close_books", 5),
        ("pat", "user", "admin", "close_books", 5),
    ]


def test_4b_no_call_was_allowed_below_its_tier_and_one_that_had_been_would_show(recorded: Recorded) -> None:
    assert recorded.ask("4b") == []
    with psycopg.connect(recorded.dsn) as connection:
        connection.execute(
            "UPDATE mcp_tool_executions SET actual_tier = 'a2a'"
            " WHERE user_id = 'bob' AND tool_name = 'forecast' AND gate = 'none'"
        )
        assert some(rows_of(connection, "4b"), "user_id", "actual_tier", "required_tier") == [("bob", "a2a", "user")]
        connection.rollback()


def test_5_a_burst_of_denials_before_an_allowed_call_shows_and_near_misses_do_not(recorded: Recorded) -> None:
    assert some(recorded.ask("5"), "user_id", "tool_name") == [("mallory", "list_invoices")]


def test_6_tools_that_a_user_had_never_used_before_last_week(recorded: Recorded) -> None:
    assert sorted(some(recorded.ask("6"), "user_id", "tool_name")) == [
        ("bob", "forecast"),
        ("bob", "get_invoice"),
        ("dora", "list_invoices"),
        ("fay", "ping"),
        ("gus", "ping"),
        ("mallory", "list_invoices"),
        ("nina", "list_invoices"),
        ("oscar", "list_invoices"),
        ("pat", "list_invoices"),
        ("quinn", "ping"),
        ("root", "rotate_keys"),
        ("sam", "list_invoices"),
        ("tim", "list_invoices"),
    ]


def test_7_admin_tools_that_nobody_had_used_before_last_week(recorded: Recorded) -> None:
    assert some(recorded.ask("7"), "tool_name", "first_user_id") == [("rotate_keys", "root")]


def test_8_only_what_has_been_pending_for_long_is_stuck(recorded: Recorded) -> None:
    assert some(recorded.ask("8"), "user_id", "tool_name") == [("sam", "list_invoices")]


def test_9_attempts_on_the_session_of_another_user_with_its_owner(recorded: Recorded) -> None:
    columns = ("session_id", "owner", "src_ip", "claimed_user_id", "attempts")
    found = sorted(some(recorded.ask("9"), *columns), key=str)
    assert found == [("s-ann", "ann", STRANGER, "bob", 1), ("s-ann", "ann", STRANGER, None, 1)]


def test_9b_sessions_of_several_programs(recorded: Recorded) -> None:
    columns = ("session_id", "user_id", "client_id", "other_client_id", "calls")
    assert some(recorded.ask("9b"), *columns) == [("s-shared", "bob", "agent-a", "agent-b", 2)]


def test_10_a_session_that_changes_its_address_within_the_hour(recorded: Recorded) -> None:
    columns = ("session_id", "user_id", "changes", "one_ip", "another_ip", "fastest")
    assert some(recorded.ask("10"), *columns) == [("s-travel", "ann", 1, HOME, ABROAD, dt.timedelta(minutes=20))]


def test_11_tools_by_how_often_they_are_denied(recorded: Recorded) -> None:
    found = some(recorded.ask("11"), "tool_name", "denials", "most_often")
    assert found[:3] == [
        ("close_books", 23, "tier_too_low"),
        ("get_invoice", 13, "scanner_agent"),
        ("ping", 12, "rate_exceeded"),
    ]
    assert sorted(found[3:]) == [
        ("export", 2, "scope_missing"),
        ("forecast", 1, "tier_too_low"),
        ("payroll", 1, "blocked"),
    ]


def test_12_calls_at_night_show_and_calls_of_the_working_day_do_not(recorded: Recorded) -> None:
    found = some(recorded.ask("12"), "user_id", "caller_type", "calls", "admin_calls")
    assert [row for row in found if row[0] not in LATE] == [("root", "admin", 1, 1), ("ann", "user", 2, 0)]


def test_13_what_a_new_policy_let_through_and_nothing_that_was_allowed_before_or_still_is_not(
    recorded: Recorded,
) -> None:
    columns = ("policy_version", "user_id", "tool_name", "allowed_calls")
    assert some(recorded.ask("13"), *columns) == [(NEW_POLICY.version, "bob", "forecast", 1)]


def test_14_a_trace_has_its_decision_and_its_outcome(recorded: Recorded) -> None:
    columns = ("event_name", "user_id", "tool_name", "decision", "gate", "execution_status")
    assert some(recorded.ask("14"), *columns) == [
        ("tool_call.decided", "ann", "get_invoice", "allow", "none", "pending"),
        ("tool_call.completed", "ann", "get_invoice", "allow", None, "success"),
    ]


def test_15_the_health_of_the_record_in_one_row(recorded: Recorded) -> None:
    (row,) = recorded.ask("15")
    counted = some([row], "pending", "stuck", "sinks", "failing_sinks", "quarantined", "verified_intact")
    assert counted == [(2, 1, 1, 0, 0, True)]
    assert row["most_events_behind"] == row["head_seq"] - 3
    assert row["verified_head_seq"] == row["head_seq"]
    minute = dt.timedelta(minutes=1)
    assert row["oldest_pending_at"] == recorded.moments.now - 6 * minute
    assert row["last_event_at"] == row["last_heartbeat_at"] == recorded.moments.now - minute


def test_15b_what_went_wrong_with_the_record(recorded: Recorded) -> None:
    assert some(recorded.ask("15b"), "event_name", "sink_name", "reason", "first_missing_seq", "last_missing_seq") == [
        ("execution.orphaned", None, None, None, None),
        ("audit.sink_failed", "splunk", "connection refused", None, None),
        ("audit.sink_recovered", "splunk", None, None, None),
        ("audit.gap", "splunk", "ahead of the record", 4, 6),
    ]


def test_15c_a_minute_between_heartbeats_is_no_silence_and_hours_are(recorded: Recorded) -> None:
    moments = recorded.moments
    restart = moments.noon + dt.timedelta(hours=6)
    assert some(recorded.ask("15c"), "silent_from", "silent_to") == [
        (moments.noon + dt.timedelta(minutes=2), restart),
        (restart, moments.now - dt.timedelta(minutes=1)),
    ]


def test_a_whole_record_has_no_holes(recorded: Recorded) -> None:
    (row,) = recorded.ask("complete")
    assert some([row], "first_seq", "missing", "cut") == [(1, 0, 0)]
    assert recorded.ask("completeb") == []
    assert some(recorded.ask("completec"), "without_row", "without_event", "elsewhere") == [(0, 0, 0)]


def test_holes_show_with_their_place(recorded: Recorded) -> None:
    with psycopg.connect(recorded.dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_events WHERE seq IN (5, 6) OR seq = (SELECT max(seq) FROM audit_events)")
        assert some(rows_of(connection, "complete"), "missing", "cut") == [(2, 1)]
        assert some(rows_of(connection, "completeb"), "first_missing_seq", "last_missing_seq") == [(5, 6)]
        connection.rollback()


def test_rows_and_decisions_without_their_counterparts_show(recorded: Recorded) -> None:
    with psycopg.connect(recorded.dsn) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM mcp_tool_executions WHERE user_id = 'tim'")
        connection.execute("DELETE FROM audit_events WHERE user_id = 'sam'")
        found = some(rows_of(connection, "completec"), "without_row", "without_event", "elsewhere")
        assert found == [(1, 1, 0)]
        assert some(rows_of(connection, "completed"), "missing") == [(1,)]
        connection.rollback()


def test_what_a_process_said_it_recorded_is_there(recorded: Recorded) -> None:
    assert some(recorded.ask("completed"), "told", "kept", "missing") == [(19, 19, 0)]


def test_how_far_each_sink_has_come_and_who_looked_last(recorded: Recorded) -> None:
    (head,) = recorded.ask("15")
    (sink,) = recorded.ask("completee")
    assert some([sink], "sink_name", "exported_count", "behind", "aside") == [("splunk", 3, head["head_seq"] - 3, 0)]
    (look,) = recorded.ask("completef")
    assert some([look], "intact", "head_seq", "events") == [(True, head["head_seq"], head["head_seq"])]


def test_every_query_of_the_page_is_asked_here() -> None:
    source = Path(__file__).read_text()
    assert [name for name in queries() if f'ask("{name}")' not in source] == []


def test_the_tables_of_the_page_are_those_of_the_database(recorded: Recorded) -> None:
    page = PAGE.read_text()
    assert page == with_tables(page, relations(recorded.dsn)), "run: python -m tests.docs.audit_page"


def test_all_that_an_auditor_can_read_is_explained(recorded: Recorded) -> None:
    known = relations(recorded.dsn)
    bare = [one.name for one in known if not one.comment]
    bare += [f"{one.name}.{column.name}" for one in known for column in one.columns if not column.comment]
    assert bare == []


def test_an_auditor_can_read_every_table_and_view(recorded: Recorded) -> None:
    with psycopg.connect(recorded.dsn) as connection:
        all_names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p', 'v') AND NOT relispartition ORDER BY 1"
        ).fetchall()
    names = [name for (name,) in all_names]
    assert [one.name for one in relations(recorded.dsn)] == names
    with auditor(recorded.dsn) as connection:
        for name in names:
            connection.execute(f"SELECT * FROM {name} LIMIT 1".encode())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO verifications (intact, events, flaw, detail) VALUES (false, 0, 'cut_tail', 'x')",
        "UPDATE mcp_tool_executions SET status = 'success' WHERE status = 'pending'",
        "UPDATE denied_calls SET user_id = 'nobody'",
        "DELETE FROM sink_quarantine",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "UPDATE chain_head SET seq = 0",
        "INSERT INTO mcp_sessions (session_id, tier) VALUES ('s', 'anonymous')",
        "DROP VIEW denied_calls",
        "CREATE TABLE notes (text text)",
        "SELECT gatetrail_make_event_partitions(100000000)",
        "SET session_replication_role = replica",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY audit_events TO '/tmp/audit_events.copy'",
    ],
)
def test_an_auditor_can_change_nothing_and_see_nothing_else(recorded: Recorded, statement: str) -> None:
    with auditor(recorded.dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
