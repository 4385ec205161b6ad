"""The SQL of native rules finds what it says, and nothing beside it; the corpus holds it against golden ids besides."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gatetrail.words import GateName
from gatetrail_sinks.postgres.migrate import migrate
from tests.siem.native_tale import (
    ANOTHER_PROCESS,
    BERLIN,
    HAMBURG,
    ONE_PROCESS,
    PARIS,
    SYDNEY,
    Auditor,
    Tale,
    at,
)

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E12")]


@pytest.fixture(scope="module")
def auditor(server_dsn: str) -> Iterator[Auditor]:
    name = f"test_native_sql_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(server_dsn, dbname=name)
        asyncio.run(migrate(dsn))
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield Auditor(connection)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def tale() -> Tale:
    return Tale()


def deny(tale: Tale, times: int, begin: dt.datetime, gate: GateName = GateName.SCOPE, **keys: Any) -> None:
    """So many, a second apart."""
    for index in range(times):
        tale.denied(begin + dt.timedelta(seconds=index), gate, **keys)


# --- denied_burst_then_allowed ---


def test_the_call_after_five_denials_is_found_whoever_else_called_meanwhile(auditor: Auditor, tale: Tale) -> None:
    deny(tale, 4, at(), user_id="eve")
    tale.allowed(at(seconds=10), user_id="eve")
    tale.denied(at(minutes=9), user_id="eve")
    tale.allowed(at(minutes=9), user_id="ann")
    found = tale.allowed(at(minutes=10), user_id="eve")
    tale.allowed(at(minutes=10), user_id="eve")
    assert auditor.found("denied_burst_then_allowed", tale.lines()) == [found]


@pytest.mark.parametrize("gate", [GateName.SCOPE, GateName.SCANNER, GateName.BLOCKLIST])
def test_four_denials_are_none_too_many_and_five_are(auditor: Auditor, gate: GateName) -> None:
    for times in (4, 5):
        tale = Tale()
        deny(tale, times, at(), gate)
        found = tale.allowed(at(minutes=1))
        assert auditor.found("denied_burst_then_allowed", tale.lines()) == ([found] if times == 5 else [])


def test_a_denial_of_ten_minutes_and_a_bit_ago_counts_no_longer(auditor: Auditor, tale: Tale) -> None:
    deny(tale, 5, at())
    tale.allowed(at(minutes=10, microseconds=1))
    assert auditor.found("denied_burst_then_allowed", tale.lines()) == []


def test_rate_denials_neither_make_a_burst_nor_stand_between_it_and_the_call(auditor: Auditor, tale: Tale) -> None:
    deny(tale, 9, at(), GateName.RATE_LIMIT, user_id="bob")
    tale.allowed(at(minutes=1), user_id="bob")
    deny(tale, 5, at(), user_id="eve")
    deny(tale, 1, at(minutes=1), GateName.RATE_LIMIT, user_id="eve")
    found = tale.allowed(at(minutes=2), user_id="eve")
    assert auditor.found("denied_burst_then_allowed", tale.lines()) == [found]


def test_callers_without_a_name_make_no_burst_together(auditor: Auditor, tale: Tale) -> None:
    deny(tale, 9, at(), user_id=None)
    tale.allowed(at(minutes=1), user_id=None)
    assert auditor.found("denied_burst_then_allowed", tale.lines()) == []


def test_denials_before_the_span_count_and_calls_before_it_are_not_told_again(auditor: Auditor, tale: Tale) -> None:
    deny(tale, 5, at())
    found = tale.allowed(at(minutes=5))
    lines = tale.lines()
    assert auditor.found("denied_burst_then_allowed", lines, since=at(minutes=5)) == [found]
    assert auditor.found("denied_burst_then_allowed", lines, since=at(minutes=5, seconds=1), until=at(hours=1)) == []


# --- tool_new_for_user ---


def test_a_tool_is_new_for_whoever_has_been_known_for_a_week(auditor: Auditor, tale: Tale) -> None:
    tale.denied(at(days=-7), user_id="ann", tool_name="old")
    tale.allowed(at(days=-6), user_id="ann", tool_name="old")
    tale.allowed(at(days=-7, microseconds=1), user_id="new", tool_name="old")
    tale.allowed(at(days=-9), user_id="bob", tool_name="tool")
    found = [
        tale.allowed(at(), user_id="ann", tool_name="tool"),
        tale.allowed(at(), user_id="ann", tool_name="old", server_name="elsewhere"),
    ]
    tale.allowed(at(), user_id="ann", tool_name="tool")
    tale.allowed(at(), user_id="new", tool_name="tool")
    tale.allowed(at(), user_id="bob", tool_name="tool")
    tale.denied(at(), user_id="bob", tool_name="never")
    tale.allowed(at(), user_id=None, tool_name="tool")
    lines = tale.lines()
    assert auditor.found("tool_new_for_user", lines) == found
    assert auditor.found("tool_new_for_user", lines, since=at()) == found


# --- admin_tool_first_used ---


def test_an_admin_tool_is_new_to_everybody_at_once(auditor: Auditor, tale: Tale) -> None:
    tale.allowed(at(days=-7), user_id="ann", tool_name="drop", required_tier="user")
    tale.denied(at(days=-1), user_id="bob", tool_name="drop", required_tier="admin")
    found = tale.allowed(at(), user_id="bob", tool_name="drop", required_tier="admin")
    tale.allowed(at(), user_id="eve", tool_name="drop", required_tier="admin")
    tale.allowed(at(), user_id="eve", tool_name="read", required_tier="user")
    tale.allowed(at(), user_id="eve", tool_name="free", required_tier=None)
    lines = tale.lines()
    assert auditor.found("admin_tool_first_used", lines) == [found]
    assert auditor.found("admin_tool_first_used", lines, since=at()) == [found]
    assert auditor.found("admin_tool_first_used", lines, since=at(days=-9), until=at(hours=-1)) == []


def test_in_a_young_record_all_is_new_and_nothing_is_told(auditor: Auditor, tale: Tale) -> None:
    tale.allowed(at(days=-7, microseconds=1), tool_name="read")
    tale.allowed(at(), tool_name="drop", required_tier="admin")
    assert auditor.found("admin_tool_first_used", tale.lines()) == []


# --- call_without_outcome ---


def test_a_call_without_outcome_is_found_after_five_minutes(auditor: Auditor, tale: Tale) -> None:
    found = tale.allowed(at())
    ended, orphaned = tale.allowed(at()), tale.allowed(at())
    tale.denied(at())
    tale.allowed(at(microseconds=1))
    tale.outcome(ended, at(minutes=5))
    tale.orphaned(orphaned, at(minutes=5))
    lines = tale.lines()
    assert auditor.found("call_without_outcome", lines, until=at(minutes=5, microseconds=1)) == [found]
    assert auditor.found("call_without_outcome", lines, until=at(minutes=5)) == []


def test_an_outcome_after_the_time_of_asking_is_none_yet(auditor: Auditor, tale: Tale) -> None:
    slow = tale.allowed(at())
    tale.outcome(slow, at(minutes=8))
    lines = tale.lines()
    assert auditor.found("call_without_outcome", lines, until=at(minutes=7)) == [slow]
    assert auditor.found("call_without_outcome", lines, until=at(minutes=9)) == []


# --- impossible_travel ---


def test_nobody_is_in_berlin_and_an_hour_later_in_sydney(auditor: Auditor, tale: Tale) -> None:
    tale.allowed(at(), user_id="eve", src_ip=BERLIN)
    tale.allowed(at(minutes=30), user_id="ann", src_ip=SYDNEY)
    tale.denied(at(minutes=40), user_id="eve", src_ip=BERLIN)
    found = tale.allowed(at(hours=1), user_id="eve", src_ip=SYDNEY)
    assert auditor.found("impossible_travel", tale.lines()) == [found]


def test_a_flight_a_train_and_a_telephone_are_possible(auditor: Auditor, tale: Tale) -> None:
    tale.allowed(at(), user_id="pilot", src_ip=BERLIN)
    tale.allowed(at(hours=17, minutes=54), user_id="pilot", src_ip=SYDNEY)
    tale.allowed(at(), user_id="near", src_ip=BERLIN)
    tale.allowed(at(), user_id="near", src_ip=HAMBURG)
    tale.allowed(at(), user_id=None, src_ip=BERLIN)
    tale.allowed(at(), user_id=None, src_ip=SYDNEY)
    assert auditor.found("impossible_travel", tale.lines()) == []


@pytest.mark.parametrize(("minutes", "too_fast"), [(0, True), (58, True), (59, False)])
def test_nine_hundred_kilometres_an_hour_are_the_limit(
    auditor: Auditor, tale: Tale, minutes: int, too_fast: bool
) -> None:
    tale.allowed(at(), src_ip=BERLIN)
    paris = tale.allowed(at(minutes=minutes), src_ip=PARIS)
    assert auditor.found("impossible_travel", tale.lines()) == ([paris] if too_fast else [])


@pytest.mark.parametrize("src_ip", [None, "10.0.0.1"])
def test_a_call_from_nowhere_in_between_hides_nothing(auditor: Auditor, tale: Tale, src_ip: str | None) -> None:
    tale.allowed(at(), src_ip=BERLIN)
    tale.allowed(at(minutes=1), src_ip=src_ip)
    found = tale.allowed(at(minutes=2), src_ip=SYDNEY)
    lines = tale.lines()
    assert auditor.found("impossible_travel", lines) == [found]
    assert auditor.found("impossible_travel", lines, since=at(minutes=2)) == [found]


# --- admin_call_off_hours ---


def test_off_hours_begin_and_end_to_the_microsecond_in_utc(auditor: Auditor, tale: Tale) -> None:
    admin = {"required_tier": "admin", "caller_type": "admin", "actual_tier": "admin"}
    moments = {
        at(hours=-6, microseconds=-1): True,
        at(hours=-6): False,
        at(hours=8, microseconds=-1): False,
        at(hours=8): True,
        at(days=5, hours=-12, microseconds=-1): True,
        at(days=4): False,
        at(days=5): True,
        at(days=6): True,
        at(days=7): False,
    }
    calls = {tale.allowed(moment, **admin): off for moment, off in moments.items()}
    assert auditor.found("admin_call_off_hours", tale.lines()) == [call for call, off in calls.items() if off]


def test_only_people_who_were_allowed_what_admins_may_are_off_hours(auditor: Auditor, tale: Tale) -> None:
    night = at(hours=12)
    found = tale.allowed(night, required_tier="admin", caller_type="user")
    tale.allowed(night, required_tier="admin", caller_type="service")
    tale.allowed(night, required_tier="user", caller_type="admin")
    tale.allowed(night, required_tier=None, caller_type="user")
    tale.denied(night, required_tier="admin", caller_type="user")
    assert auditor.found("admin_call_off_hours", tale.lines()) == [found]


# --- allowed_after_policy_change ---


def test_the_first_call_that_a_new_policy_lets_through(auditor: Auditor, tale: Tale) -> None:
    for denied in ("ann", "bob"):
        tale.denied(at(), user_id=denied, policy_version="one")
    tale.denied(at(), GateName.SCANNER, user_id="eve", policy_version="one")
    tale.denied(at(), GateName.RATE_LIMIT, user_id="max", policy_version="one")
    tale.denied(at(), user_id=None, policy_version="one")
    tale.policy(at(days=1), "two", "one")
    tale.denied(at(days=2), user_id="zoe", policy_version="two")
    blocked = tale.denied(at(days=2), GateName.BLOCKLIST, user_id="bob", policy_version="one")
    found = [
        tale.allowed(at(days=14), user_id="ann", policy_version="two"),
        tale.allowed(at(days=14), user_id="bob", policy_version="two"),
    ]
    anybody: tuple[str | None, ...] = ("ann", "bob", "eve", "max", "zoe", None)
    for user in anybody:
        tale.allowed(at(days=14), user_id=user, policy_version="two")
    tale.allowed(at(days=14), user_id="ann", policy_version="two", tool_name="other")
    lines = tale.lines()
    assert blocked not in found
    assert auditor.found("allowed_after_policy_change", lines) == found
    assert auditor.found("allowed_after_policy_change", lines, since=at(days=14)) == found


def test_a_denial_of_more_than_a_fortnight_ago_is_forgotten(auditor: Auditor, tale: Tale) -> None:
    tale.denied(at(), policy_version="one")
    tale.policy(at(days=1), "two", "one")
    tale.allowed(at(days=14, microseconds=1), policy_version="two")
    assert auditor.found("allowed_after_policy_change", tale.lines()) == []


def test_a_change_before_the_denial_opened_no_way(auditor: Auditor, tale: Tale) -> None:
    tale.policy(at(), "two", "one")
    tale.denied(at(hours=1), policy_version="one")
    tale.allowed(at(hours=2), policy_version="two")
    tale.policy(at(hours=3), "two")
    assert auditor.found("allowed_after_policy_change", tale.lines()) == []


def test_a_change_by_restart_is_a_change_and_a_policy_put_back_is_none(auditor: Auditor, tale: Tale) -> None:
    tale.denied(at(), policy_version="one")
    tale.policy(at(hours=1), "two")
    found = tale.allowed(at(hours=2), policy_version="two")
    tale.policy(at(hours=3), "one", "two")
    tale.denied(at(hours=4), policy_version="one")
    tale.policy(at(hours=5), "two", "one")
    tale.allowed(at(hours=6), policy_version="two")
    lines = tale.lines()
    assert auditor.found("allowed_after_policy_change", lines) == [found]
    assert auditor.found("allowed_after_policy_change", lines, since=at(hours=5)) == []


# --- journal_gap ---


def test_the_event_behind_a_hole_is_found_also_at_the_beginning_of_the_span(auditor: Auditor, tale: Tale) -> None:
    calls = [tale.allowed(at(minutes=index)) for index in range(8)]
    lines = [line for index, line in enumerate(tale.lines()) if index not in {0, 2, 5, 6}]
    assert auditor.found("journal_gap", lines) == [calls[3], calls[7]]
    assert auditor.found("journal_gap", lines, since=at(minutes=7)) == [calls[7]]
    assert auditor.found("journal_gap", lines, since=at(minutes=4), until=at(minutes=6)) == []


# --- record_silent ---


def test_a_silence_is_longer_than_two_minutes_and_of_one_process(auditor: Auditor, tale: Tale) -> None:
    tale.heartbeat(at(), ONE_PROCESS)
    tale.heartbeat(at(minutes=2), ONE_PROCESS)
    tale.heartbeat(at(minutes=3), ANOTHER_PROCESS)
    tale.allowed(at(minutes=4))
    found = tale.heartbeat(at(minutes=4, microseconds=1), ONE_PROCESS)
    last = tale.heartbeat(at(days=3), ANOTHER_PROCESS)
    lines = tale.lines()
    assert auditor.found("record_silent", lines) == [found, last]
    assert auditor.found("record_silent", lines, since=at(days=3)) == [last]
