"""The embedded server when a process, the server itself or its files meet with violence."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from gatetrail_sinks.postgres.embedded.binaries import installed_binaries
from tests.postgres.conftest import WITHIN_S, Worker, answers, eventually, is_gone

pytestmark = pytest.mark.postgres

StartWorker = Callable[..., Worker]


@pytest.fixture
def data_dir(open_folder: Path) -> Path:
    return open_folder / "data"


def cluster_state(data_dir: Path) -> str:
    """What the control file says, told by PostgreSQL's own program."""
    program = installed_binaries().program("pg_controldata")
    command = [str(program), str(data_dir / "postgres")]
    text = subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, text=True, check=True, timeout=20).stdout
    return text.partition("Database cluster state:")[2].partition("\n")[0].strip()


def start_and_stop(data_dir: Path) -> str:
    async def scenario() -> str:
        async with EmbeddedPostgres(data_dir, start_timeout_s=30) as server:
            assert server.owner
            assert answers(server.dsn)
            return server.dsn

    return asyncio.run(scenario())


def server_user(data_dir: Path) -> tuple[int, int]:
    cluster = (data_dir / "postgres").stat()
    return cluster.st_uid, cluster.st_gid


def test_a_killed_owner_takes_its_server_along_in_good_order(data_dir: Path, start_worker: StartWorker) -> None:
    worker = start_worker(data_dir)
    pid = worker.read().pid
    assert pid is not None
    worker.kill()
    eventually(lambda: is_gone(pid), "the server is gone")
    assert cluster_state(data_dir) == "shut down"
    start_and_stop(data_dir)


@pytest.mark.parametrize("server_too", [False, True])
def test_another_process_takes_over_from_a_killed_owner(
    data_dir: Path, start_worker: StartWorker, server_too: bool
) -> None:
    owner, other = start_worker(data_dir), start_worker(data_dir)
    workers = {owner.read().owner: owner, other.read().owner: other}
    owner, other = workers[True], workers[False]
    dsn = other.ask().dsn
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        pid = owner.ask().pid
        owner.process.kill()
        if server_too and pid is not None:
            os.kill(pid, signal.SIGKILL)
        took_s = eventually(lambda: other.ask().owner, "the other process owns the server")
    assert took_s < 5
    assert other.ask().dsn == dsn
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_the_server_is_back_within_seconds_when_its_owner_leaves(data_dir: Path, start_worker: StartWorker) -> None:
    owner = start_worker(data_dir)
    assert owner.read().owner
    others = [start_worker(data_dir) for _ in range(2)]
    dsn = {other.read().dsn for other in others}.pop()
    assert owner.end() == 0
    assert eventually(lambda: answers(dsn), "queries work again") < 5
    eventually(lambda: sum(other.ask().owner for other in others) == 1, "one owner")


def test_many_processes_that_start_at_once_make_one_server(data_dir: Path, start_worker: StartWorker) -> None:
    workers = [start_worker(data_dir) for _ in range(4)]
    found = [worker.read() for worker in workers]
    assert sum(answer.owner for answer in found) == 1
    assert len({answer.dsn for answer in found}) == 1


@pytest.mark.parametrize("violence", [signal.SIGKILL, signal.SIGQUIT, signal.SIGTERM])
def test_a_server_that_ends_by_itself_is_started_again(data_dir: Path, violence: signal.Signals) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(data_dir) as server:
            with psycopg.connect(server.dsn, autocommit=True) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            first = server.pid
            assert first is not None
            os.kill(first, violence)
            eventually(lambda: server.pid not in {None, first}, "a new server is up")
            with psycopg.connect(server.dsn) as connection:
                assert connection.execute("SELECT n FROM kept").fetchone() == (7,)

    asyncio.run(scenario())


def test_a_frozen_server_can_be_stopped(data_dir: Path) -> None:
    async def scenario() -> int:
        async with EmbeddedPostgres(data_dir) as server:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGSTOP)
            return server.pid

    began_s = time.monotonic()
    assert is_gone(asyncio.run(scenario()))
    assert time.monotonic() - began_s < WITHIN_S


@pytest.mark.parametrize("round_s", [0.02, 0.1, 0.2, 0.3, 0.4])
def test_an_initdb_that_was_killed_half_way_is_not_believed(
    data_dir: Path, start_worker: StartWorker, round_s: float
) -> None:
    worker = start_worker(data_dir)
    eventually(lambda: any(data_dir.glob("initdb-*/cluster")), "initdb is at work")
    time.sleep(round_s)  # how far it gets is the point
    worker.kill()
    start_and_stop(data_dir)
    assert not list(data_dir.glob("initdb-*"))


@pytest.fixture
def pid_file(data_dir: Path) -> Callable[[int], None]:
    """Leaves the two pid files as a killed server would, but with the given pid."""
    names = ("postmaster.pid", ".s.PGSQL.5432.lock")
    paths = [data_dir / "postgres" / name for name in names]

    async def scenario() -> dict[Path, str]:
        async with EmbeddedPostgres(data_dir):
            return {path: path.read_text() for path in paths}

    texts = asyncio.run(scenario())

    def leave(pid: int) -> None:
        for path, text in texts.items():
            path.write_text(f"{pid}\n{text.partition(chr(10))[2]}")
            path.chmod(0o600)
            os.chown(path, *server_user(data_dir))

    return leave


def spawn_as_server_user(data_dir: Path, *command: str) -> subprocess.Popen[bytes]:
    uid, gid = server_user(data_dir)
    return subprocess.Popen(command, cwd="/", user=uid, group=gid)


def test_a_stale_pid_file_that_names_a_living_stranger_is_seen_through(
    data_dir: Path, pid_file: Callable[[int], None]
) -> None:
    with spawn_as_server_user(data_dir, "/bin/sleep", "60") as stranger:
        pid_file(stranger.pid)
        start_and_stop(data_dir)
        assert stranger.poll() is None, "the stranger was left alone"
        stranger.kill()


def test_a_stale_pid_file_that_names_a_zombie_is_seen_through(data_dir: Path, pid_file: Callable[[int], None]) -> None:
    with spawn_as_server_user(data_dir, "/bin/sleep", "60") as zombie:
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        pid_file(zombie.pid)
        start_and_stop(data_dir)


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1], ids=["ourselves", "nobody"])
def test_a_stale_pid_file_that_names_ourselves_or_nobody_is_seen_through(
    data_dir: Path, pid_file: Callable[[int], None], pid: int
) -> None:
    pid_file(pid)
    start_and_stop(data_dir)


def test_a_stale_pid_file_that_names_another_cluster_s_server_is_seen_through(
    data_dir: Path, pid_file: Callable[[int], None], postgres_server: EmbeddedPostgres
) -> None:
    other = postgres_server.pid
    assert other is not None
    pid_file(other)
    start_and_stop(data_dir)
    assert postgres_server.pid == other


def test_a_server_without_an_owner_is_stopped_before_ours_starts(data_dir: Path) -> None:
    start_and_stop(data_dir)
    command = (str(installed_binaries().program("postgres")), "-D", str(data_dir / "postgres"))
    options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={data_dir / 'postgres'}")
    with spawn_as_server_user(data_dir, *command, *options) as leftover:
        dsn_is_up = data_dir / "postgres" / ".s.PGSQL.5432"
        eventually(dsn_is_up.exists, "the left-over server is up")
        start_and_stop(data_dir)
        assert leftover.wait(WITHIN_S) == 0


def test_a_forked_child_does_not_keep_the_folder_after_its_parent(data_dir: Path) -> None:
    hold, release = os.pipe()

    async def fork_while_owner() -> int:
        async with EmbeddedPostgres(data_dir):
            child = os.fork()
            if child == 0:
                os.close(release)
                os.read(hold, 1)
                os._exit(0)
            return child

    child = asyncio.run(fork_while_owner())
    os.close(hold)
    try:
        start_and_stop(data_dir)
    finally:
        os.close(release)
        os.waitpid(child, 0)
