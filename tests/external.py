"""A PostgreSQL server of Debian's own packages: a fresh cluster over TCP on the loopback interface, with passwords."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.postgres.conftest import eventually
from tests.require import require_or_skip

WITHIN_S = 30.0


def binaries() -> Path | None:
    """The newest server that Debian's packages have installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def external_server() -> Generator[str]:
    """The DSN of its superuser `owner`, for the database `postgres`. Skips where the packages are missing."""
    programs = binaries()
    require_or_skip(programs, "Debian's PostgreSQL is not installed (package postgresql)")
    assert programs is not None
    folder = Path("/tmp") / f"gatetrail-external-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o755)
    password, port = secrets.token_urlsafe(16), _free_port()
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    initialise = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "owner", "--auth=scram-sha-256"]
    initialise += ["--encoding=UTF8", "--locale=C.UTF-8", f"--pwfile={folder / 'password'}"]
    subprocess.run(_as_server_user(initialise), check=True, capture_output=True, cwd="/")
    serve = [str(programs / "postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*_as_server_user(serve), "-k", str(folder)], stdout=log, stderr=log, cwd="/")
    dsn = f"postgresql://owner:{password}@127.0.0.1:{port}/postgres"
    try:
        eventually(lambda: _is_open(dsn), "the external server answers")
        yield dsn
    finally:
        server.terminate()
        server.wait(WITHIN_S)
        shutil.rmtree(folder)


def _as_server_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    account = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_open(dsn: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(dsn, connect_timeout=2):
        return True
    return False
