"""`gatetrail demo`, as a process of its own, on real traffic."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.schema_watch import complaints

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LIMIT_S = 120
KEYS = ["calls", "allowed", "denied_by_gate", "executions_by_status", "events", "verified", "duration_s"]
FOUR_GATES = {"scope", "scanner", "blocklist", "rate_limit"}
STATUSES = {"pending", "success", "failed", "timeout", "denied"}


def environment(**over: str) -> dict[str, str]:
    """This process's, without settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATETRAIL_")}
    programs = str(Path(sys.executable).parent)
    return {**kept, "PATH": os.pathsep.join([programs, kept.get("PATH", "")]), **over}


def gatetrail(*words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gatetrail", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def show(env: Mapping[str, str], calls: int) -> dict[str, Any]:
    """One run with `--json`: its only line, read."""
    done = gatetrail("demo", "--once", "--calls", str(calls), "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert list(told) == KEYS
    return dict(told)


def check_sums(told: Mapping[str, Any], calls: int) -> None:
    denied = sum(told["denied_by_gate"].values())
    statuses = told["executions_by_status"]
    assert told["calls"] == calls
    assert told["allowed"] + denied == calls
    assert set(told["denied_by_gate"]) == FOUR_GATES
    assert min(told["denied_by_gate"].values()) >= 1
    assert set(statuses) == STATUSES
    assert sum(statuses.values()) == calls
    assert statuses["pending"] == 0
    assert statuses["denied"] == denied
    assert statuses["failed"] >= 1
    assert statuses["timeout"] >= 1
    assert told["verified"] is True
    assert told["events"] > calls + told["allowed"]


@pytest.mark.requirement("G1")
def test_figures_hold_on_a_fresh_folder_and_count_one_run_only(open_folder: Path) -> None:
    folder = open_folder / "data"
    env = environment(GATETRAIL_DATA_DIR=str(folder))
    first = show(env, 200)
    check_sums(first, 200)
    assert first["duration_s"] < 20
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    assert len(lines) == first["events"]
    assert not [*complaints(lines)]
    second = show(env, 41)
    check_sums(second, 41)
    listed = gatetrail("events", "--limit", "0", "--format", "json", env=env).stdout.splitlines()
    assert len(listed) == first["events"] + second["events"]
    assert listed == (folder / "events.jsonl").read_text().splitlines()


@pytest.mark.requirement("G1", "D4")
def test_every_call_has_exactly_one_row(open_folder: Path, dsn: str) -> None:
    told = show(environment(GATETRAIL_DATA_DIR=str(open_folder), GATETRAIL_DSN=dsn), 200)
    check_sums(told, 200)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT method, status, gate FROM mcp_tool_executions").fetchall()
        events = connection.execute("SELECT count(*) FROM audit_events").fetchone()
        names = connection.execute("SELECT count(*) FROM audit_events WHERE event_name = 'scanner.detected'").fetchone()
    assert [method for method, _, _ in rows] == ["tools/call"] * 200
    assert {gate: sum(row[2] == gate for row in rows) for gate in FOUR_GATES} == told["denied_by_gate"]
    assert {status: sum(row[1] == status for row in rows) for status in STATUSES} == told["executions_by_status"]
    assert events == (told["events"],)
    assert names is not None
    assert names[0] >= 1


@pytest.mark.requirement("B3")
def test_the_table_ends_with_commands_that_work(open_folder: Path, dsn: str) -> None:
    env = environment(GATETRAIL_DATA_DIR=str(open_folder), GATETRAIL_DSN=dsn)
    done = gatetrail("demo", "--once", "--calls", "40", env=env)
    assert done.returncode == 0, done.stderr
    env["PGPASSWORD"] = str(conninfo_to_dict(dsn).get("password", ""))
    answers = {command: answer_of(command, env) for command in commands_in(done.stdout)}
    assert len(answers) == 6
    (why,) = (answer for command, answer in answers.items() if " why " in command)
    assert "requires tier admin, caller has user in this session" in why


def commands_in(output: str) -> Sequence[str]:
    lines = [line.strip() for line in output.partition("Look further")[2].splitlines()[1:]]
    return [line for line in lines if line and line[0] != "#"]


def answer_of(command: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, (command, done.stderr)
    assert done.stdout
    return done.stdout


def test_without_once_it_serves_until_ctrl_c(open_folder: Path, dsn: str) -> None:
    env = environment(GATETRAIL_DATA_DIR=str(open_folder), GATETRAIL_DSN=dsn, GATETRAIL_PORT="0")
    command = [sys.executable, "-m", "gatetrail", "demo", "--calls", "40"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            url = served_by(running)
            with urlopen(f"{url}/healthz", timeout=10) as answer:
                assert answer.status == 200
            assert denial_after(dsn, highest_seq(dsn)), "calm traffic goes on"
            running.send_signal(signal.SIGINT)
            _, errors = running.communicate(timeout=LIMIT_S)
        finally:
            running.kill()
    assert (running.returncode, errors) == (0, "")


def highest_seq(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT seq FROM chain_head").fetchone()
    assert row is not None
    return int(row[0])


def denial_after(dsn: str, seq: int) -> bool:
    """Whether somebody is denied after a position, within a minute."""
    statement = "SELECT FROM audit_events WHERE seq > %s AND decision = 'deny'"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN gatetrail_events")
        for _ in range(60):
            if connection.execute(statement, (seq,)).fetchone() is not None:
                return True
            list(connection.notifies(timeout=1, stop_after=1))
    return False


def served_by(running: subprocess.Popen[str]) -> str:
    """The address that it tells; the process ends, and so its output, when it does not."""
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("Serving "):
            return line.split()[1].partition("/mcp/")[0]
    pytest.fail("it never told its address")


def test_too_few_calls_are_refused_before_anything_starts(open_folder: Path) -> None:
    done = gatetrail("demo", "--once", "--calls", "39", env=environment(GATETRAIL_DATA_DIR=str(open_folder / "data")))
    assert done.returncode == 2
    assert "expected 40 to" in done.stderr
    assert not (open_folder / "data").exists()


def test_a_taken_port_is_told_in_a_line(open_folder: Path, dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = environment(GATETRAIL_DATA_DIR=str(open_folder), GATETRAIL_DSN=dsn, GATETRAIL_PORT=port)
        done = gatetrail("demo", "--calls", "40", env=env)
    assert done.returncode == 3
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_told_in_a_line(open_folder: Path) -> None:
    dsn = "postgresql://nobody@127.0.0.1:1/none"
    done = gatetrail("demo", "--once", env=environment(GATETRAIL_DATA_DIR=str(open_folder), GATETRAIL_DSN=dsn))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
