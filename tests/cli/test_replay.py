"""`gatetrail replay` and `gatetrail sinks quarantine|resend|cancel`, with the file sink and real processes."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import WITHIN_S, Gatetrail, Running
from tests.cli.recorded import allowed, record

pytestmark = [pytest.mark.postgres, pytest.mark.requirement("E10")]


@pytest.fixture
def lines(gatetrail: Gatetrail) -> Path:
    """The sink's file; service.yaml names it."""
    path = gatetrail.folder / "events.jsonl"
    (gatetrail.folder / "service.yaml").write_text(f"sinks: {{file: {{type: file, path: '{path}'}}}}\n")
    return path


def seqs(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


def count(path: Path) -> int:
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def wait_for_lines(path: Path, at_least: int) -> None:
    began_s = time.monotonic()
    while count(path) < at_least:
        assert time.monotonic() - began_s < WITHIN_S
        time.sleep(0.02)


def export(gatetrail: Gatetrail) -> None:
    assert gatetrail("export", "--config", "service.yaml", "--once").code == 0


def started(gatetrail: Gatetrail) -> Running:
    """A process that drives the sink."""
    exporting = gatetrail.start("export", "--config", "service.yaml")
    exporting.err.wait_for(lambda said: any(line.startswith("Exporting to file") for line in said))
    return exporting


def sink(gatetrail: Gatetrail) -> dict[str, object]:
    (state,) = gatetrail("sinks", "--json").objects
    return state


def test_without_a_driver_the_command_brings_the_events_itself(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(5) for event in allowed()])
    export(gatetrail)
    before = seqs(lines)
    ran = gatetrail("replay", "--sink", "file", "--from", "3", "--to", "7", "--config", "service.yaml", "--json")
    assert ran.code == 0
    (ended,) = ran.objects
    assert (ended["delivered_count"], ended["quarantined_count"], ended["cancelled"]) == (5, 0, False)
    assert [seq for seq in seqs(lines)[len(before) :] if seq <= 10] == [3, 4, 5, 6, 7]
    assert (sink(gatetrail)["health"], sink(gatetrail)["quarantined_count"]) == ("unowned", 0)


def test_a_dry_run_counts_and_changes_nothing(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(5) for event in allowed()])
    export(gatetrail)
    size = count(lines)
    ran = gatetrail("replay", "--sink", "file", "--from", "1h", "--dry-run", "--json")
    (would,) = ran.objects
    assert (ran.code, would["first_seq"], would["event_count"], would["driven"]) == (0, 1, size, False)
    assert would["first_at"] <= would["last_at"]
    text = gatetrail("replay", "--sink", "file", "--from", "2", "--to", "4", "--dry-run", "--config", "service.yaml")
    assert text.out.startswith("sink file: would get 3 events again, seq 2 to 4, recorded ")
    assert text.out.endswith("from this command, since nobody drives it now\n")
    none = gatetrail("replay", "--sink", "file", "--from", "2991-01-01T00:00:00Z", "--config", "service.yaml")
    assert (none.code, none.out, none.err) == (0, "", "No event lies in that range.\n")
    assert count(lines) == size


def test_a_sink_that_nobody_knows_and_one_that_nobody_can_drive_are_told(
    gatetrail: Gatetrail, dsn: str, lines: Path
) -> None:
    record(dsn, allowed())
    nothing = gatetrail("replay", "--sink", "siem", "--from", "1")
    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.errors == [
        "--sink: there is no sink 'siem'; none has run yet, and the settings name none",
    ]
    export(gatetrail)
    unknown = gatetrail("replay", "--sink", "siem", "--from", "1", "--dry-run")
    assert unknown.errors == ["--sink: there is no sink 'siem'; known are file"]
    undriven = gatetrail("replay", "--sink", "file", "--from", "1")
    assert undriven.code == 2
    assert undriven.errors[0].startswith("nobody drives sink file, and the settings do not name it")
    backwards = gatetrail("replay", "--sink", "file", "--from", "4", "--to", "2", "--config", "service.yaml")
    assert (backwards.code, backwards.errors) == (2, ["--from 4 lies behind --to 2"])
    assert count(lines) == 2


def test_whoever_drives_the_sink_works_a_replay_off(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(5) for event in allowed()])
    started(gatetrail)
    wait_for_lines(lines, 10)
    assert (sink(gatetrail)["health"], sink(gatetrail)["owned"]) == ("healthy", True)
    ran = gatetrail("replay", "--sink", "file", "--from", "2", "--to", "4")
    assert ran.code == 0
    assert ran.out.startswith("sink file: 3 events delivered again in ")
    assert [seq for seq in seqs(lines) if seq in {2, 3, 4}] == [2, 3, 4, 2, 3, 4]
    asked = gatetrail("replay", "--sink", "file", "--from", "9", "--to", "10", "--no-wait")
    assert (asked.code, asked.err) == (0, "")
    began_s = time.monotonic()
    while [seq for seq in seqs(lines) if seq in {9, 10}] != [9, 10, 9, 10]:
        assert time.monotonic() - began_s < WITHIN_S
        time.sleep(0.02)


def test_a_replay_outlives_who_asked_and_who_drove(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(5) for event in allowed()])
    export(gatetrail)
    ran = gatetrail("replay", "--sink", "file", "--from", "1", "--to", "10", "--no-wait")
    assert (ran.code, ran.err.splitlines()) == (
        0,
        ["Nobody drives the sink now: the replay begins when somebody does."],
    )
    before = count(lines)
    exporting = started(gatetrail)
    wait_for_lines(lines, before + 10)
    exporting.process.send_signal(signal.SIGKILL)
    assert [seq for seq in seqs(lines) if seq <= 10] == [*range(1, 11), *range(1, 11)]


def spoil(dsn: str, *bad: int) -> None:
    """Make these events such that the file sink refuses them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_events SET body = (body::text || ' ')::json WHERE seq = ANY(%s)", (list(bad),))


def cure(dsn: str, *good: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "UPDATE sink_quarantine SET body = rtrim(body::text)::json WHERE seq = ANY(%s)", (list(good),)
        )


def test_what_a_sink_refuses_is_shown_and_sent_again_on_request(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(3) for event in allowed()])
    spoil(dsn, 2, 3, 5)
    export(gatetrail)
    assert sink(gatetrail)["quarantined_count"] == 3
    shown = gatetrail("sinks", "quarantine", "--json").objects
    assert [(one["sink_name"], one["seq"], one["event_name"]) for one in shown] == [
        ("file", 2, "tool_call.completed"),
        ("file", 3, "tool_call.decided"),
        ("file", 5, "tool_call.decided"),
    ]
    assert shown[0]["reason"] == "event 2 is not the JSON that the journal wrote"
    assert json.loads(shown[0]["line"])["seq"] == 2
    text = gatetrail("sinks", "quarantine", "--sink", "file").out
    assert text.startswith("sink file, seq 2, tool_call.completed, since ")

    wrong = gatetrail("sinks", "resend", "--sink", "file", "--seq", "4", "--config", "service.yaml")
    assert (wrong.code, wrong.errors) == (2, ["--seq 4: this event is not in the quarantine of sink file"])
    cure(dsn, 2, 5)
    some = gatetrail("sinks", "resend", "--sink", "file", "--seq", "2", "--seq", "3", "--config", "service.yaml")
    assert some.code == 1
    assert "1 events delivered again" in some.out
    assert "1 refused and in quarantine" in some.out
    assert [one["seq"] for one in gatetrail("sinks", "quarantine", "--json").objects] == [3, 5]
    cure(dsn, 3)
    assert gatetrail("sinks", "resend", "--sink", "file", "--all", "--config", "service.yaml").code == 0
    assert sorted({seq for seq in seqs(lines) if seq <= 6}) == [1, 2, 3, 4, 5, 6]
    assert sink(gatetrail)["quarantined_count"] == 0
    assert gatetrail("sinks", "quarantine").err == "Nothing is in quarantine.\n"


def test_what_is_being_sent_again_already_is_told_and_left_alone(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, [event for _ in range(3) for event in allowed()])
    spoil(dsn, 2, 3, 5)
    export(gatetrail)
    resend = ("sinks", "resend", "--sink", "file", "--no-wait")
    assert gatetrail(*resend, "--seq", "2", "--seq", "3").code == 0
    rest = gatetrail(*resend, "--all")
    assert (rest.code, rest.err) == (0, "Replay 1 brings 2 of them already.\n")
    assert rest.out == "sink file: replay 2 is asked for: 1 events of its quarantine\n"
    again = gatetrail(*resend, "--all", "--json")
    assert (again.code, again.out) == (0, "")
    assert again.err.splitlines() == ["Replay 1 brings 2 of them already.", "Replay 2 brings 1 of them already."]
    cure(dsn, 2, 3, 5)
    started(gatetrail)
    began_s = time.monotonic()
    while not {1, 2, 3, 4, 5, 6} <= {*seqs(lines)}:
        assert time.monotonic() - began_s < WITHIN_S
        time.sleep(0.02)


def test_who_stops_waiting_is_told_that_the_replay_stays(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, allowed())
    export(gatetrail)
    lines.rename(lines.with_suffix(".old"))
    lines.mkdir()
    waiting = gatetrail.start("replay", "--sink", "file", "--from", "1", "--to", "2", "--config", "service.yaml")
    waiting.err.wait_for(lambda said: any("takes nothing: " in line for line in said))
    assert waiting.end(signal.SIGINT) == 130
    assert waiting.err.wait_for(lambda _: True)[-1] == "Replay 1 stays asked for; to end it: gatetrail sinks cancel 1"
    lines.rmdir()
    exporting = started(gatetrail)
    began_s = time.monotonic()
    while not count(lines) or not {1, 2} <= {*seqs(lines)}:
        assert time.monotonic() - began_s < WITHIN_S
        time.sleep(0.02)
    assert exporting.end() == 0


def test_a_replay_can_be_cancelled(gatetrail: Gatetrail, dsn: str, lines: Path) -> None:
    record(dsn, allowed())
    export(gatetrail)
    (asked,) = gatetrail("replay", "--sink", "file", "--from", "1", "--no-wait", "--json").objects
    assert gatetrail("sinks", "cancel", str(asked["replay_id"])).code == 0
    again = gatetrail("sinks", "cancel", str(asked["replay_id"]))
    assert (again.code, again.err) == (
        1,
        f"Replay {asked['replay_id']} is over already, or there is none of that number.\n",
    )
    before = count(lines)
    export(gatetrail)
    assert count(lines) == before
