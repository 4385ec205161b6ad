"""The thread that keeps a server up: ours while we hold the lock, else somebody else's."""

from __future__ import annotations

import logging
import threading
import time

import psycopg

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded import readiness
from gatetrail_sinks.postgres.embedded.account import ServerAccount
from gatetrail_sinks.postgres.embedded.binaries import reachable_binaries
from gatetrail_sinks.postgres.embedded.cluster import ensure_cluster, read_password
from gatetrail_sinks.postgres.embedded.folder import DataFolder, require_way_in, unusable
from gatetrail_sinks.postgres.embedded.leftover import settle_leftover
from gatetrail_sinks.postgres.embedded.lock import ServerLock
from gatetrail_sinks.postgres.embedded.postmaster import Postmaster

WATCH_S = 0.1
READY_POLL_S = 0.02
LOCK_POLL_S = 0.2
LOG_CHECK_S = 60.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
STEADY_S = 30.0
"""A server that was up for so long starts the pauses from the shortest again."""

log = logging.getLogger("gatetrail.postgres.embedded")


class Keeper(threading.Thread):
    """Owns the server or waits for the chance to, until it is told to stop.

    A thread of its own, because the parent-death signal goes by the thread that started the server,
    and because a busy event loop must not keep the server from being watched.
    """

    def __init__(self, folder: DataFolder, account: ServerAccount, start_timeout_s: float) -> None:
        super().__init__(name="gatetrail-postgres", daemon=True)
        self._folder = folder
        self._account = account
        self._start_timeout_s = start_timeout_s
        self._first_deadline_s = time.monotonic() + start_timeout_s
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._postmaster: Postmaster | None = None
        self.dsn: str | None = None
        self.failure: BaseException | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the server while it is our child."""
        postmaster = self._postmaster
        return None if postmaster is None else postmaster.pid

    def wait_until_settled(self) -> None:
        """Blocks until the server answered for the first time, or the first start has failed."""
        self._settled.wait()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        try:
            with ServerLock(self._folder.lock_file) as lock:
                self._keep(lock)
        except OSError as error:
            self.failure = unusable(self._folder.root, error)
        except BaseException as error:  # noqa: BLE001 - whoever started us is told
            self.failure = error
        finally:
            self._settled.set()

    def _keep(self, lock: ServerLock) -> None:
        while not self._stopping.is_set():
            if lock.try_take():
                try:
                    self._own()
                finally:
                    lock.release()
            else:
                self._follow()
                self._stopping.wait(LOCK_POLL_S if self._settled.is_set() else READY_POLL_S)

    def _follow(self) -> None:
        """Looks once whether the owner's server answers; later the connections find out."""
        if self._settled.is_set():
            return
        password = read_password(self._folder)
        dsn = readiness.conninfo(self._folder, self._account, password or "")
        try:
            readiness.require_safe(dsn)
            self._settle(dsn)
        except psycopg.OperationalError as error:
            if time.monotonic() >= self._first_deadline_s:
                raise DatabaseUnavailable(
                    f"Another process holds {self._folder.lock_file}, and its PostgreSQL did not "
                    f"answer within {self._start_timeout_s:g} s: {error}. Look into "
                    f"{self._folder.log_file}, or end that process."
                ) from error

    def _own(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                self._run_server()
            except Exception as error:
                if not self._settled.is_set():
                    raise
                log.error("the embedded PostgreSQL is down: %s", error)
            if time.monotonic() - began_s >= STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _run_server(self) -> None:
        """Starts the server and stays with it until it ends or we are to stop."""
        deadline_s = time.monotonic() + self._start_timeout_s
        require_way_in(self._folder, self._account)
        binaries = reachable_binaries(self._folder, self._account)
        ensure_cluster(self._folder, self._account, binaries, self._stopping.is_set)
        dsn = readiness.conninfo(self._folder, self._account, read_password(self._folder) or "")
        while not self._stopping.is_set():
            disregarded_pid = settle_leftover(self._folder.cluster, deadline_s, self._stopping.wait)
            postmaster = Postmaster(self._folder, self._account, binaries, disregarded_pid)
            try:
                if self._await_ready(postmaster, dsn, deadline_s):
                    self._postmaster = postmaster
                    self._settle(dsn)
                    self._watch(postmaster)
            finally:
                postmaster.stop()
                self._postmaster = None

    def _await_ready(self, postmaster: Postmaster, dsn: str, deadline_s: float) -> bool:
        """Gives False when there is to be another try, or none because we stop."""
        while not self._stopping.wait(READY_POLL_S):
            in_time = time.monotonic() < deadline_s
            if not postmaster.is_running():
                if postmaster.gave_way() and in_time:
                    self._stopping.wait(LOCK_POLL_S)
                    return False
                raise DatabaseUnavailable(
                    "The embedded PostgreSQL ended while starting, with status "
                    f"{postmaster.status}. {postmaster.log_tail()}"
                )
            if postmaster.is_ready(dsn):
                return True
            if not in_time:
                raise DatabaseUnavailable(
                    "The embedded PostgreSQL did not answer within "
                    f"{self._start_timeout_s:g} s. {postmaster.log_tail()}"
                )
        return False

    def _watch(self, postmaster: Postmaster) -> None:
        look_at_log_s = time.monotonic() + LOG_CHECK_S
        while not self._stopping.wait(WATCH_S):
            if not postmaster.is_running():
                raise DatabaseUnavailable(
                    f"the server ended by itself with status {postmaster.status} and is started "
                    f"again. {postmaster.log_tail()}"
                )
            if time.monotonic() >= look_at_log_s:
                postmaster.bound_log()
                look_at_log_s = time.monotonic() + LOG_CHECK_S

    def _settle(self, dsn: str) -> None:
        self.dsn = dsn
        self._settled.set()
