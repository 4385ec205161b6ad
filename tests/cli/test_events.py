"""The record is searched from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from gatetrail.cli.printing import Printed, printer_for
from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import AuditHeartbeat
from gatetrail.events.wire import canonical, keys_of
from gatetrail.formats.choice import Format, render_of
from gatetrail.redaction.marks import Marks
from gatetrail.words import Level
from tests.cli.conftest import COMMAND, WITHIN_S, Gatetrail, Ran
from tests.cli.recorded import STAMP, allowed, denied, limited, record
from tests.samples import CLOCK

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E4")]

TRACE = "b" * 32


def small_record() -> list[Record]:
    """Two allowed calls with their outcomes, two denials, a heartbeat: seven events."""
    heartbeat = AuditHeartbeat(
        **STAMP(Level.INFO, "the audit trail is alive"),
        allowed_count=2,
        denied_count=2,
        completed_count=2,
        exported_count=0,
    )
    return [
        *allowed(user_id="ann", trace_id=TRACE),
        denied(user_id="bob", session_id="session-2", tool_name="close_books"),
        *allowed(user_id="bob", session_id="session-2", client_id="desk", server_name="engineering", tool_name="top"),
        limited(user_id="eve", session_id="session-3"),
        heartbeat,
    ]


def seqs(run: Callable[..., Ran], *arguments: str) -> list[int]:
    return [event["seq"] for event in run("events", "--format", "json", *arguments).objects]


def test_ids_are_found_in_the_form_that_redaction_gives_them(
    gatetrail: Gatetrail, inside: Callable[..., Ran], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a redaction key that is long enough for it"
    hashed = {name: Marks(key.encode()).hashed(name) for name in ("ann", "s-1")}
    record(dsn, [denied(user_id="ann"), denied(user_id=hashed["ann"], session_id=hashed["s-1"]), denied(user_id="bob")])
    policy = gatetrail.folder / "policy.yaml"
    policy.write_text("redaction: {classes: {sensitive: hash}}\n")
    assert seqs(inside, "--user", "ann") == [1]
    monkeypatch.setenv("GATETRAIL_POLICY", str(policy))
    monkeypatch.setenv("GATETRAIL_REDACTION_KEY", key)
    assert seqs(inside, "--user", "ann") == [1, 2]
    assert seqs(inside, "--user", hashed["ann"]) == [2]
    assert seqs(inside, "--session", "s-1") == [2]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [1, 2, 3, 4, 5, 6, 7]),
        (("--user", "bob"), [3, 4, 5]),
        (("--session", "session-2"), [3, 4, 5]),
        (("--trace", TRACE.upper()), [1, 2]),
        (("--client", "desk"), [4]),
        (("--server", "engineering"), [4, 5]),
        (("--tool", "CLOSE_*"), [3]),
        (("--tool", "get?invoice"), [1, 2, 6]),
        (("--gate", "rate_limit"), [6]),
        (("--decision", "deny"), [3, 6]),
        (("--decision", "allow", "--user", "ann"), [1, 2]),
        (("--event", "tool_call.decided"), [1, 3, 4, 6]),
        (("--event", "audit.*"), [7]),
        (("--limit", "2"), [6, 7]),
        (("--limit", "0"), [1, 2, 3, 4, 5, 6, 7]),
        (("--since", "1h"), [1, 2, 3, 4, 5, 6, 7]),
        (("--until", "1h"), []),
        (("--since", "2h", "--until", "1h"), []),
    ],
)
def test_all_filters_given_must_fit(
    inside: Callable[..., Ran], dsn: str, arguments: tuple[str, ...], expected: list[int]
) -> None:
    record(dsn, small_record())
    assert seqs(inside, *arguments) == expected


def test_since_and_until_take_times_of_any_offset(inside: Callable[..., Ran], dsn: str) -> None:
    first = allowed()
    record(dsn, first)
    second_us = CLOCK.now_us()
    record(dsn, allowed())
    second = rfc3339(second_us).replace("Z", "+00:00")
    assert seqs(inside, "--since", second) == [3, 4]
    assert seqs(inside, "--until", second) == [1, 2]


@pytest.mark.requirement("E5")
def test_json_is_the_journals_own_line_byte_for_byte(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, small_record())
    with psycopg.connect(dsn) as connection:
        bodies = connection.execute("SELECT body::text FROM audit_events ORDER BY seq").fetchall()
    ran = gatetrail("events", "--format", "json")
    assert ran.out.splitlines() == [body for (body,) in bodies]
    assert ran.err == ""


def test_every_format_can_be_printed() -> None:
    assert {printed.value for printed in Printed} == {"table", *Format}


@pytest.mark.parametrize("chosen", Format)
def test_a_format_prints_one_line_for_each_event_and_nothing_else(
    gatetrail: Gatetrail, dsn: str, chosen: Format
) -> None:
    record(dsn, [*small_record(), denied(tool_name="\x1b[2J\npay\u2028")])
    with psycopg.connect(dsn) as connection:
        bodies = connection.execute("SELECT seq, event_name, body::text FROM audit_events ORDER BY seq").fetchall()
    render = render_of(chosen)
    ran = gatetrail("events", "--format", chosen)
    assert ran.out.encode().split(b"\n") == [
        *(render(Entry(seq, name, body.encode())) for seq, name, body in bodies),
        b"",
    ]
    assert ran.err == ""


def test_a_row_that_holds_no_event_is_told_and_the_rest_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    stray = Entry(7, "tool_call.decided", b'{"tool_name":"x"}')
    printer_for(Printed.CEF).put([stray, Entry(8, "tool_call.decided", canonical(keys_of(denied())))])
    told = capsys.readouterr()
    assert told.out.startswith("CEF:0|")
    assert len(told.out.splitlines()) == 1
    assert "seq 7 holds no event that can be read" in told.err


def test_follow_prints_in_a_format_too(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, small_record())
    following = gatetrail.start("events", "--follow", "--user", "bob", "--format", "cef")
    following.out.wait_for(lambda lines: len(lines) == 3)
    record(dsn, small_record())
    shown = following.out.wait_for(lambda lines: len(lines) == 6)
    assert [line.split("|")[4] for line in shown[3:]] == [
        "tool_call.decided:scope",
        "tool_call.decided:none",
        "tool_call.completed",
    ]
    assert all(" suid=bob " in f"{line} " for line in shown)
    assert following.end(signal.SIGINT) == 130


def test_a_piped_table_has_one_line_for_each_event_with_its_whole_id(gatetrail: Gatetrail, dsn: str) -> None:
    denial = denied(user_id="bob", tool_name="close_books")
    record(dsn, [*allowed(), denial])
    heading, *rows = gatetrail("events").out.splitlines()
    names = ["time (UTC)", "event", "decision", "gate", "user", "server/tool", "decision id", "reason"]
    assert heading.split() == " ".join(names).split()
    assert len(rows) == 3
    shown = rows[2].split()
    assert shown[1:6] == ["tool_call.decided", "deny", "scope", "bob", "finance/close_books"]
    assert shown[6] == denial.execution_id
    assert rows[2].endswith("requires tier admin, caller has user")


def test_a_table_cannot_be_used_to_write_to_the_terminal(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [denied(tool_name="\x1b[2J\x07pay\u202e", reason="first\nsecond")])
    shown = gatetrail("events").out
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
    assert "\ufffd[2J\ufffdpay\ufffd" in shown


def test_nothing_found_is_said_on_stderr(gatetrail: Gatetrail) -> None:
    ran = gatetrail("events", "--user", "nobody")
    assert (ran.code, ran.out, ran.err) == (0, "", "No event fits.\n")


def test_a_cut_answer_says_so(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, small_record())
    assert "--limit 0 for all" in gatetrail("events", "--limit", "2").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "--since: 'yesterday' is no time; expected for example 15m"),
        (("--until", "2026-01-31T08:00:00"), "--until: '2026-01-31T08:00:00' is no time"),
        (("--since", "2026-02-30T08:00:00Z"), "is no time"),
        (("--since", "1h", "--until", "2h"), "nothing lies between"),
        (("--trace", "123"), "--trace: '123' is no trace id; expected 32 hex digits"),
        (("--event", "tool_call.decide"), "did you mean tool_call.decided?"),
        (("--event", "breakfast"), "expected one of audit.checkpoint"),
        (("--format", "xml"), "'xml' is not one of 'table', 'json', 'ecs', 'ocsf', 'ocsf-1.9', 'cef', 'leef'"),
        (("--follow", "--until", "1h"), "--follow shows what comes"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(inside: Callable[..., Ran], arguments: tuple[str, ...], said: str) -> None:
    ran = inside("events", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.errors[0]


@pytest.mark.parametrize(("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_follow_shows_what_is_there_and_then_what_comes(
    gatetrail: Gatetrail, dsn: str, by: signal.Signals, code: int
) -> None:
    record(dsn, small_record())
    following = gatetrail.start("events", "--follow", "--user", "bob", "--format", "json")
    following.out.wait_for(lambda lines: len(lines) == 3)
    record(dsn, small_record())
    shown = following.out.wait_for(lambda lines: len(lines) == 6)
    assert [json.loads(line)["seq"] for line in shown] == [3, 4, 5, 10, 11, 12]
    assert following.end(by) == code
    assert following.err.wait_for(lambda _lines: True) == []


def test_a_reader_that_has_enough_ends_the_command_quietly(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [event for _ in range(60) for event in allowed()])
    piped: Any = subprocess.Popen(
        [*COMMAND, "events", "--limit", "0", "--format", "json", "--follow"],
        env=gatetrail.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with piped:
        assert piped.stdout.readline()
        piped.stdout.close()
        assert piped.wait(WITHIN_S) == 0
        assert piped.stderr.read() == b""
