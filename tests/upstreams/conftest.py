"""The real service with servers of other projects behind it: two programs, an endpoint, and one of our own beside."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.cli.conftest import Gatetrail, Running
from tests.upstreams.driving import lives
from tests.upstreams.npm_packages import EVERYTHING, FILESYSTEM, NODE, program

WITHIN_S = 30.0
CREDENTIAL = "a-credential-that-nobody-may-see"
SIGNING = "the-signing-secret-of-the-gate-itself"

OWN = """
from gatetrail.samples.finance import finance_server

server = finance_server()
"""
POLICY = """
servers:
  finance:
    tier: user
    tools: {close_books: {tier: admin}}
  files:
    tier: user
    tools: {write_file: {tier: admin}, list_directory: {time_limit_ms: 1500}}
  everything: {tier: user}
  far: {tier: user}
  broken: {tier: user}
blocklist:
  - {id: read-only, servers: [files], tools: [create_directory], reason: agents only read here}
  - {id: books, servers: [finance], tools: [export_payroll], reason: salaries are not for agents}
scanner: {caller_burst: {limit: 100000, window_ms: 1000}}
rate_limits: {base_per_s: {mcp: 10000}}
"""


@dataclass
class FarServer:
    """The reference server, reached over HTTP."""

    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [NODE, program(EVERYTHING), "streamableHttp"],
            env={"PATH": os.environ["PATH"], "PORT": str(self.port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._listens)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(WITHIN_S)
            self._process = None

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@dataclass(frozen=True)
class Service:
    """`gatetrail serve` with all of them."""

    gatetrail: Gatetrail
    running: Running
    far: FarServer
    url: str
    token: str
    admin: str

    @property
    def documents(self) -> Path:
        """What the filesystem server serves."""
        return self.gatetrail.folder / "documents"

    def endpoint(self, server: str) -> str:
        return f"{self.url}/mcp/{server}"

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Recorded events."""
        return self.gatetrail("events", "--limit", "0", "--format", "json", *arguments).objects

    def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/readyz", timeout=WITHIN_S).json()
        return found

    def programs(self, name: str) -> list[int]:
        """Process numbers of those who descend from the service and have this word in their command."""
        family = {self.running.process.pid}
        found: list[int] = []
        for pid, parent in sorted(_processes()):
            if parent in family:
                family.add(pid)
                if name in _command(pid):
                    found.append(pid)
        return found


def _processes() -> Iterator[tuple[int, int]]:
    """Numbers of all processes, with their parents'."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            yield int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def eventually(holds: Any, within_s: float = WITHIN_S) -> None:
    """Wait for something that tells nobody, with a bound."""
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, f"not within {within_s:g} s"
        time.sleep(0.02)


def service_yaml(folder: Path, far_url: str) -> str:
    quick = {"retry_initial_ms": 50, "retry_max_ms": 500}
    servers = {
        "finance": {"python": "mine:server"},
        "files": {
            "command": [NODE, program(FILESYSTEM), str(folder / "documents")],
            "environment": {"FILES_TOKEN": {"from_env": "TEST_FILES_TOKEN"}},
            **quick,
        },
        "everything": {
            "command": [NODE, program(EVERYTHING), "stdio"],
            "environment": {"GREETING": "hello", "API_KEY": {"from_file": str(folder / "credential")}},
            **quick,
        },
        "far": {
            "url": far_url,
            "headers": {"Authorization": {"from_env": "TEST_FILES_TOKEN", "prefix": "Bearer "}},
            **quick,
        },
        "broken": {"command": ["/nowhere/at/all"], **quick},
    }
    return yaml.safe_dump({"policy": "policy.yaml", "servers": servers, "logs": {"level": "info"}})


@pytest.fixture(scope="session")
def service(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    program(FILESYSTEM)
    with contextlib.ExitStack() as stack:
        dsn = stack.enter_context(_database(server_dsn))
        with socket.create_server(("127.0.0.1", 0)) as free:
            far = FarServer(free.getsockname()[1])
        far.start()
        stack.callback(far.kill)
        (folder / "documents").mkdir()
        (folder / "documents" / "note.txt").write_text("remember the milk\n")
        (folder / "mine.py").write_text(OWN)
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "credential").write_text(CREDENTIAL + "\n")
        (folder / "service.yaml").write_text(service_yaml(folder, far.url))
        variables = {
            "GATETRAIL_DSN": dsn,
            "GATETRAIL_DATA_DIR": str(folder / "data"),
            "GATETRAIL_CONFIG": str(folder / "service.yaml"),
            "GATETRAIL_JWT_SECRET": SIGNING,
            "TEST_FILES_TOKEN": CREDENTIAL,
        }
        gatetrail = Gatetrail(folder, variables)
        stack.callback(gatetrail.end_all)
        running = gatetrail.start("serve", "--port", "0")
        lines = running.err.wait_for(lambda lines: any("A token for a caller:" in line for line in lines))
        found = re.search(r"Listening on (http://\S+)", "\n".join(lines))
        assert found is not None
        mint = ("token", "mint", "--ttl", "2h", "--user")
        token = gatetrail(*mint, "ann", "--tier", "user").out.strip()
        admin = gatetrail(*mint, "root", "--tier", "admin").out.strip()
        made = Service(gatetrail, running, far, found[1], token, admin)
        eventually(lambda: set(made.readiness()["failing"]) == {"upstream broken"})
        yield made
        started = [*made.programs("server-everything"), *made.programs("server-filesystem")]
        assert running.end() == 0
        assert len(started) == 2
        assert not any(lives(pid) for pid in started)


@contextlib.contextmanager
def _database(server_dsn: str) -> Generator[str]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server_dsn, dbname=name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


assert sys.platform != "win32"
