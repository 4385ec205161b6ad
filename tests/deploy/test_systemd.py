"""The systemd units: systemd itself accepts them, they give little away, and a socket of systemd's is really served."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gatetrail.runtime.processes.attendance import CLOSING_S
from gatetrail.settings import ServiceSettings
from tests.cli.conftest import WITHIN_S, Gatetrail, Lines, Running
from tests.deploy.shipped import DEPLOY, check_command
from tests.require import require_or_skip

FOLDER = DEPLOY / "systemd"
UNITS = sorted(FOLDER.iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/gatetrail/bin/gatetrail"
MOST_EXPOSED = 20
"""Of 100: what `systemd-analyze security` calls exposure, times ten."""


def entries(unit: Path) -> list[tuple[str, str, str]]:
    """Section, key and value of each line, in order; keys may repeat."""
    section, found = "", list[tuple[str, str, str]]()
    for line in unit.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def values(unit: Path, key: str) -> list[str]:
    return [value for _, name, value in entries(unit) if name == key]


def value(unit: Path, key: str) -> str:
    (found,) = values(unit, key)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they would stand on this machine, where the program is elsewhere."""
    require_or_skip(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    program = Path(sys.executable).with_name("gatetrail")
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text("utf-8").replace(PROGRAM, str(program)), "utf-8")
    return tmp_path


def test_systemd_finds_nothing_wrong_with_them(installed: Path) -> None:
    names = [unit.name for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], cwd=installed, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_gives_little_away(installed: Path, unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager", unit.name]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_commands_variables_and_credentials_are_those_that_there_are(unit: Path) -> None:
    program, *arguments = shlex.split(value(unit, "ExecStart"))
    assert program == PROGRAM
    check_command(arguments)
    loaded = {credential.partition(":")[0] for credential in values(unit, "LoadCredential")}
    named = dict(variable.split("=", 1) for variable in values(unit, "Environment"))
    assert {name.removeprefix("GATETRAIL_").lower() for name in named} <= set(ServiceSettings.model_fields)
    assert {text.removeprefix("%d/") for text in named.values() if text.startswith("%d/")} == loaded
    assert named["GATETRAIL_DATA_DIR"] == f"%S/{value(unit, 'StateDirectory')}"


def test_both_services_are_hardened_alike() -> None:
    first, second = ([(key, text) for section, key, text in entries(unit) if section == "Service"] for unit in SERVICES)
    differ = {key for key, _ in set(first) ^ set(second)}
    assert differ <= {
        "ExecStart",
        "ExecReload",
        "Environment",
        "LoadCredential",
        "Type",
        "NotifyAccess",
        "KillMode",
        "WatchdogSec",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "LimitNOFILE",
    }


def test_the_end_has_as_much_time_as_it_may_need() -> None:
    unit = FOLDER / "gatetrail.service"
    settings = ServiceSettings.model_construct()
    assert int(value(unit, "TimeoutStopSec")) > settings.grace_s + settings.drain_s + CLOSING_S


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager's ear, and its address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        address = str(tmp_path / "notify")
        ear.bind(address)
        ear.settimeout(WITHIN_S)
        yield address, ear


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.requirement("G4")
def test_a_request_starts_the_service_by_its_socket_and_is_answered(
    dsn: str, tmp_path: Path, manager: tuple[str, socket.socket]
) -> None:
    activate = shutil.which("systemd-socket-activate")
    require_or_skip(activate, "systemd-socket-activate is not installed")
    address, ear = manager
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "GATETRAIL_DSN": dsn,
        "GATETRAIL_DATA_DIR": str(tmp_path / "data"),
        "NOTIFY_SOCKET": address,
        "PYTHONUNBUFFERED": "1",
    }
    given = [part for name, text in variables.items() for part in ("-E", f"{name}={text}")]
    serve = [sys.executable, "-m", "gatetrail", "serve"]
    gatetrail = Gatetrail(tmp_path, {})
    with subprocess.Popen(
        [str(activate), "-l", f"127.0.0.1:{port}", *given, *serve],
        env=gatetrail.environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            service = Running(process, Lines(process.stdout), Lines(process.stderr))
            service.err.wait_for(lambda lines: any("Listening on" in line for line in lines))
            # Nobody has started the service yet: this request does, and waits for it.
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=WITHIN_S).json()["ready"] is True
            assert re.search(rf"READY=1\nSTATUS=listening on http://127.0.0.1:{port}", ear.recv(4_096).decode())
            assert service.end() == 0
            stopping = ear.recv(4_096).decode().splitlines()
            assert stopping[0] == "STOPPING=1"
            assert re.fullmatch(r"EXTEND_TIMEOUT_USEC=\d+", stopping[1])
        finally:
            process.kill()
