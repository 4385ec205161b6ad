"""The embedded server in ordinary times."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gatetrail.errors import DatabaseUnavailable
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres, default_data_dir

pytestmark = pytest.mark.postgres


def fetch(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def run_sql(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_warm_start_finds_what_the_first_start_stored(open_folder: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data") as first:
            dsn, pid = first.dsn, first.pid
            assert first.owner
            run_sql(dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        async with EmbeddedPostgres(open_folder / "data") as second:
            assert second.dsn == dsn
            assert second.pid != pid
            assert fetch(dsn, "SELECT n FROM kept") == [(7,)]

    asyncio.run(scenario())


def test_nothing_is_known_before_the_start_and_after_the_stop(open_folder: Path) -> None:
    async def scenario() -> None:
        server = EmbeddedPostgres(open_folder / "data")
        await server.stop()
        await server.start()
        await server.start()
        assert server.pid is not None
        await server.stop()
        await server.stop()
        assert server.owner is False
        with pytest.raises(DatabaseUnavailable, match="not started"):
            _ = server.dsn

    asyncio.run(scenario())


def test_a_start_that_is_cancelled_leaves_nothing_behind(open_folder: Path) -> None:
    async def scenario() -> None:
        server = EmbeddedPostgres(open_folder / "data")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.start(), 0.15)
        left = {path.name for path in (open_folder / "data").iterdir()}
        assert left <= {"password", "postgres.log", "server.lock"}
        await server.start()
        await server.stop()

    asyncio.run(scenario())


def test_the_server_never_runs_as_root(postgres_server: EmbeddedPostgres) -> None:
    status = Path(f"/proc/{postgres_server.pid}/status").read_text()
    users = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert "0" not in users
    assert postgres_server.pid is not None
    assert os.getsid(postgres_server.pid) == postgres_server.pid, "Ctrl-C must not reach it"
    assert os.geteuid() == 0 or set(users) == {str(os.geteuid())}


def test_commits_are_durable_and_pages_are_checked(postgres_server: EmbeddedPostgres) -> None:
    names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    for name in names:
        assert fetch(postgres_server.dsn, f"SHOW {name}") == [("on",)], name


def test_text_is_utf8_and_sorts_by_code_point(postgres_server: EmbeddedPostgres) -> None:
    query = "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = current_database()"
    assert fetch(postgres_server.dsn, query) == [("UTF8", "C.UTF-8")]


def test_a_setting_in_a_file_cannot_make_commits_less_durable(open_folder: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data") as server:
            run_sql(
                server.dsn,
                "ALTER SYSTEM SET fsync = off",
                "ALTER SYSTEM SET synchronous_commit = off",
                "SELECT pg_reload_conf()",
            )
        async with EmbeddedPostgres(open_folder / "data") as server:
            assert fetch(server.dsn, "SHOW fsync") == [("on",)]
            assert fetch(server.dsn, "SHOW synchronous_commit") == [("on",)]

    asyncio.run(scenario())


def test_a_role_whose_commits_may_be_lost_is_refused_with_the_setting_named(
    open_folder: Path,
) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data") as server:
            run_sql(server.dsn, "ALTER ROLE gatetrail SET synchronous_commit = off")
        server = EmbeddedPostgres(open_folder / "data")
        with pytest.raises(DatabaseUnavailable, match="synchronous_commit = off"):
            await server.start()
        assert not (open_folder / "data" / "postgres" / "postmaster.pid").exists()

    asyncio.run(scenario())


def test_trust_in_the_access_file_is_refused(open_folder: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data"):
            pass
        access = open_folder / "data" / "postgres" / "pg_hba.conf"
        with access.open("a") as file:
            file.write("local replication all trust\n")
        with pytest.raises(DatabaseUnavailable, match=r"pg_hba.conf line \d+ .*trust"):
            await EmbeddedPostgres(open_folder / "data").start()

    asyncio.run(scenario())


@pytest.mark.parametrize("password", ["wrong", ""])
def test_nobody_gets_in_without_the_password(
    postgres_server: EmbeddedPostgres, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nonexistent")
    dsn = make_conninfo(postgres_server.dsn, password=password)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(dsn)


def test_the_server_listens_on_its_private_socket_only(postgres_server: EmbeddedPostgres) -> None:
    assert fetch(postgres_server.dsn, "SHOW listen_addresses") == [("",)]
    folder = Path(str(conninfo_to_dict(postgres_server.dsn)["host"]))
    socket = folder / ".s.PGSQL.5432"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_only_we_can_read_the_password(open_folder: Path) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data"):
            pass

    asyncio.run(scenario())
    password = (open_folder / "data" / "password").stat()
    assert stat.S_IMODE(password.st_mode) == 0o600
    assert password.st_uid == os.geteuid()
    assert len((open_folder / "data" / "password").read_text().strip()) >= 32


@pytest.mark.parametrize("name", ["x" * 120, "a folder, with 'quotes' and \\"])
def test_a_path_that_no_socket_can_have_is_fine(open_folder: Path, name: str) -> None:
    async def scenario() -> Path:
        async with EmbeddedPostgres(open_folder / name) as server:
            assert fetch(server.dsn, "SELECT 1") == [(1,)]
            return Path(str(conninfo_to_dict(server.dsn)["host"]))

    place = asyncio.run(scenario())
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    place.rmdir()


def test_a_log_that_has_grown_large_is_set_aside(open_folder: Path) -> None:
    log = open_folder / "data" / "postgres.log"

    async def scenario() -> None:
        async with EmbeddedPostgres(open_folder / "data"):
            pass
        os.truncate(log, 17 * 1024 * 1024)
        async with EmbeddedPostgres(open_folder / "data"):
            assert log.stat().st_size < 100_000
            assert log.with_name("postgres.log.1").exists()

    asyncio.run(scenario())


def test_two_servers_in_one_process_share_one(open_folder: Path) -> None:
    async def scenario() -> None:
        async with (
            EmbeddedPostgres(open_folder / "data") as first,
            EmbeddedPostgres(open_folder / "data") as second,
        ):
            assert (first.owner, second.owner) == (True, False)
            assert second.dsn == first.dsn
            assert second.pid is None

    asyncio.run(scenario())


def test_each_test_gets_a_database_of_its_own(dsn: str, server_dsn: str) -> None:
    run_sql(dsn, "CREATE TABLE only_here (n int)")
    assert fetch(server_dsn, "SELECT to_regclass('only_here')") == [(None,)]


def test_the_data_folder_follows_the_user_and_the_xdg_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_dir({"XDG_DATA_HOME": "/data"}) == Path("/data/gatetrail")
    home = Path("/home/ann/.local/share/gatetrail")
    assert default_data_dir({"HOME": "/home/ann"}) == home
    assert default_data_dir({"HOME": "/home/ann", "XDG_DATA_HOME": "relative"}) == home
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir({"HOME": "/root"}) == Path("/var/lib/gatetrail")
