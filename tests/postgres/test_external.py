"""A server of Debian's own, named by its DSN: everything that matters about the store runs on it as well."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.checkout import ROOT
from tests.postgres.conftest import eventually
from tests.require import require_or_skip

WITHIN_S = 30.0
SUITES = ("tests/postgres/test_journal.py", "tests/postgres/test_verify.py", "tests/postgres/test_cursors.py")
SUITES_LIMIT_S = 300.0

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def binaries() -> Path | None:
    """The newest server that Debian's packages have installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def as_server_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    account = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def external_dsn() -> Iterator[str]:
    """A fresh cluster over TCP on the loopback interface, with a password."""
    programs = binaries()
    require_or_skip(programs, "Debian's PostgreSQL is not installed (package postgresql)")
    assert programs is not None
    folder = Path("/tmp") / f"gatetrail-external-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o755)
    password, port = secrets.token_urlsafe(16), free_port()
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    initialise = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "owner", "--auth=scram-sha-256"]
    initialise += ["--encoding=UTF8", "--locale=C.UTF-8", f"--pwfile={folder / 'password'}"]
    subprocess.run(as_server_user(initialise), check=True, capture_output=True, cwd="/")
    serve = [str(programs / "postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*as_server_user(serve), "-k", str(folder)], stdout=log, stderr=log, cwd="/")
    dsn = f"postgresql://owner:{password}@127.0.0.1:{port}/postgres"
    try:
        eventually(lambda: is_open(dsn), "the external server answers")
        yield dsn
    finally:
        server.terminate()
        server.wait(WITHIN_S)
        shutil.rmtree(folder)


def is_open(dsn: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(dsn, connect_timeout=2):
        return True
    return False


def test_journal_verify_and_cursors_keep_their_promises_there(external_dsn: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES],
        cwd=ROOT,
        env={**os.environ, "GATETRAIL_TEST_DSN": external_dsn},
        capture_output=True,
        text=True,
        timeout=SUITES_LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:]


@pytest.mark.requirement("G1")
def test_the_demo_runs_there(external_dsn: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gatetrail", "demo", "--once", "--calls", "60", "--json"],
        cwd=tmp_path,
        env={**os.environ, "GATETRAIL_DSN": external_dsn, "GATETRAIL_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=SUITES_LIMIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert '"verified":true' in run.stdout
