"""What goes wrong is told in a line, with the right exit code, soon, and never with a traceback."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, WITHIN_S, Gatetrail, stopwatch
from tests.cli.recorded import allowed, record

READERS = (("events",), ("why", "01999999-9999-7999-8999-999999999999"), ("verify",), ("sinks",), ("migrate",))
ASKERS = (("replay", "--sink", "siem", "--from", "1"), ("sinks", "quarantine"), ("sinks", "cancel", "1"))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that answers nobody: bound, and not listened on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("arguments", [*READERS, *ASKERS, ("serve", "--port", "0")], ids=" ".join)
def test_a_database_that_is_away_is_exit_code_3(
    offline: Gatetrail, closed_port: int, arguments: tuple[str, ...]
) -> None:
    ran = offline(*arguments, "--dsn", f"postgresql://someone:secret-word@127.0.0.1:{closed_port}/audit")
    assert (ran.code, ran.out) == (3, "")
    assert ran.errors[0].startswith(f"PostgreSQL at 127.0.0.1:{closed_port}/audit does not answer: ")
    assert "secret-word" not in ran.err


def test_a_database_that_hangs_is_told_within_bounds(offline: Gatetrail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        elapsed_s = stopwatch()
        ran = offline("events", "--dsn", f"postgresql://127.0.0.1:{silent.getsockname()[1]}/audit")
        assert (ran.code, ran.out) == (3, "")
        assert elapsed_s() < 15


def test_a_dsn_that_is_none_is_told_as_such(offline: Gatetrail) -> None:
    ran = offline("events", "--dsn", "postgres//nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.errors) == 1


def test_a_taken_port_is_told_before_anything_starts(offline: Gatetrail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = offline("serve", "--port", str(port))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines() == [f"gatetrail: error: {ran.errors[0]}"]
    assert ran.errors[0].startswith(f"127.0.0.1:{port} is in use by another program; name another port with --port")
    assert not (offline.folder / "data").exists()


def test_an_address_of_another_machine_is_told(offline: Gatetrail) -> None:
    ran = offline("serve", "--host", "192.0.2.1", "--port", "0")
    assert (ran.code, ran.out) == (2, "")
    assert "cannot listen on 192.0.2.1:0" in ran.errors[0]


@pytest.mark.parametrize("arguments", [*READERS, ("token", "mint", "--user", "ann", "--tier", "user")])
def test_a_file_where_the_data_folder_should_be_is_told(offline: Gatetrail, arguments: tuple[str, ...]) -> None:
    (offline.folder / "data").write_text("in the way")
    ran = offline(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert str(offline.folder / "data") in ran.errors[0]


@pytest.mark.postgres
def test_a_data_folder_that_cannot_be_used_is_told_beside_a_database_elsewhere(gatetrail: Gatetrail) -> None:
    (gatetrail.folder / "data").write_text("in the way")
    ran = gatetrail("serve", "--port", "0", GATETRAIL_JWT_SECRET="x" * 32)
    assert (ran.code, ran.out) == (2, "")
    assert str(gatetrail.folder / "data") in ran.errors[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("port: seventy", "service.yaml: port (GATETRAIL_PORT): "),
        ("prot: 70", "service.yaml: unknown key 'prot'"),
        ("dsn: ok\nmistake: [hush", "service.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("servers: {finance: {python: nowhere.at.all:server}}", "servers.finance.python: nowhere.at.all:server"),
        ("servers: {finance: {python: json:nothing}}", "the module has no 'nothing'"),
        ("servers: {finance: {python: json:dumps}}", "cannot put the gate into"),
        ("servers: {a/b: {python: json:dumps}}", "'a/b' cannot stand in a path"),
        ("sinks: {siem: {type: pigeon}}", "sinks.siem.type: 'pigeon' is no type of sink"),
    ],
)
@pytest.mark.postgres
def test_a_wrong_service_file_is_told_with_the_key(gatetrail: Gatetrail, content: str, said: str) -> None:
    (gatetrail.folder / "service.yaml").write_text(content)
    ran = gatetrail("serve", "--port", "0", "--config", "service.yaml", within_s=WITHIN_S)
    assert (ran.code, ran.out) == (2, "")
    assert said in " ".join(ran.errors)


def test_a_mistake_of_ours_is_told_in_a_line_unless_debugging(offline: Gatetrail) -> None:
    code = (
        "import sys; import gatetrail.runtime.schema.shipped as schema;"
        "schema.drifted = lambda: 1 // 0; from gatetrail.cli.start import run; sys.exit(run(['schema', 'check']))"
    )
    for debug, traced in (("", False), ("1", True)):
        ran = subprocess.run(
            [COMMAND[0], "-c", code],
            env={**offline.environment, "GATETRAIL_DEBUG": debug},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 70
        assert "gatetrail: error: unexpected ZeroDivisionError" in ran.stderr
        assert ("Traceback" in ran.stderr) is traced


@pytest.mark.postgres
def test_a_full_disk_behind_stdout_is_told(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, allowed())
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*COMMAND, "events"], env=gatetrail.environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ran.returncode, ran.stderr) == (
        3,
        "gatetrail: error: stdout cannot be written: No space left on device\n",
    )
