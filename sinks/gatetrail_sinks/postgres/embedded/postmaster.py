"""One run of the server: our direct child, from its start to its end."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded import readiness
from gatetrail_sinks.postgres.embedded.account import ServerAccount
from gatetrail_sinks.postgres.embedded.binaries import Binaries
from gatetrail_sinks.postgres.embedded.folder import DataFolder, make_socket_folder
from gatetrail_sinks.postgres.embedded.server_log import bound, open_log, tail
from gatetrail_sinks.postgres.embedded.spawn import spawn

FAST_SHUTDOWN_S = 30.0
IMMEDIATE_SHUTDOWN_S = 10.0
OCCUPIED = ('lock file "', "pre-existing shared memory block")
"""What the server says when an earlier one, or a backend of it, is not quite gone."""

log = logging.getLogger("gatetrail.postgres.embedded")


class Postmaster:
    """The running server. Make one and stop it in the same long-lived thread."""

    def __init__(
        self,
        folder: DataFolder,
        account: ServerAccount,
        binaries: Binaries,
        disregarded_pid: int | None,
    ) -> None:
        self._log_file: Path = folder.log_file
        bound(self._log_file)
        # The server takes this pid in its pid file for harmless, and still does its other checks.
        known = {} if disregarded_pid is None else {"PG_GRANDPARENT_PID": str(disregarded_pid)}
        command = _command(folder, account, binaries)
        with open_log(self._log_file) as output:
            self._log_begin_bytes = output.tell()
            self._process: subprocess.Popen[bytes] = spawn(command, account, output, known)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self.is_running() else None

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def log_tail(self) -> str:
        return f"The end of {self._log_file}:\n{tail(self._log_file, self._log_begin_bytes)}"

    def gave_way(self) -> bool:
        """Tells whether it ended because an earlier server still had the cluster."""
        said = tail(self._log_file, self._log_begin_bytes)
        return not self.is_running() and any(sign in said for sign in OCCUPIED)

    def is_ready(self, dsn: str) -> bool:
        """Tells whether the server answers; the first time it does, its database is made.

        Raises:
            DatabaseUnavailable: it answers but is not safe, or refuses our password.
        """
        try:
            readiness.create_database(dsn)
            readiness.require_safe(dsn)
        except psycopg.OperationalError as error:
            if readiness.is_hopeless(error):
                raise DatabaseUnavailable(f"The embedded PostgreSQL refused us: {error}") from error
            return False
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"The embedded PostgreSQL refused us: {error}") from error
        return True

    def bound_log(self) -> None:
        bound(self._log_file)

    def stop(self) -> None:
        """Fast shutdown, then an immediate one, then the end; returns when it is gone."""
        if self._ended(signal.SIGINT, FAST_SHUTDOWN_S):
            return
        log.warning("the server did not stop in %.0f s; stopping it at once", FAST_SHUTDOWN_S)
        if self._ended(signal.SIGQUIT, IMMEDIATE_SHUTDOWN_S):
            return
        log.error("the server did not stop in another %.0f s; killing it", IMMEDIATE_SHUTDOWN_S)
        self._process.kill()
        self._process.wait()

    def _ended(self, signal_number: signal.Signals, within_s: float) -> bool:
        began_s = time.monotonic()
        if self.is_running():
            self._process.send_signal(signal_number)
            self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return False
        log.debug("the server ended after %.2f s", time.monotonic() - began_s)
        return True


def _command(folder: DataFolder, account: ServerAccount, binaries: Binaries) -> list[str]:
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_directories": str(make_socket_folder(folder, account)),
        "unix_socket_permissions": "0700",
        "unix_socket_group": "",
        # Given here, neither a file nor a reload can switch them off.
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_line_prefix": "%m [%p] ",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries.program("postgres")), "-D", str(folder.cluster), *options]
