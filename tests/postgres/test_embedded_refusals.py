"""What the embedded server says when it cannot work here."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gatetrail.errors import DatabaseUnavailable, DataFolderUnusable
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres, binaries
from gatetrail_sinks.postgres.embedded.lock import ServerLock
from tests.postgres.conftest import Worker, answers

pytestmark = pytest.mark.postgres
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches users")
needs_ordinary_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def refusal(folder: Path, server_user: str | None = None) -> str:
    server = EmbeddedPostgres(folder, server_user=server_user, start_timeout_s=20)
    with pytest.raises((DataFolderUnusable, DatabaseUnavailable)) as caught:
        asyncio.run(server.start())
    return str(caught.value)


def start_and_stop(folder: Path, server_user: str | None = None) -> None:
    async def scenario() -> None:
        async with EmbeddedPostgres(folder, server_user=server_user) as server:
            assert answers(server.dsn)

    asyncio.run(scenario())


@needs_root
def test_a_folder_below_a_closed_one_is_named_and_not_opened(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    message = refusal(home / "gatetrail")
    assert f"{home} is closed to that user" in message
    assert "--data-dir" in message
    assert "GATETRAIL_DSN" in message
    assert home.stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_folder_with_things_in_it_keeps_its_mode(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    (home / "letter").touch()
    for _ in range(2):
        assert f"{home} is closed to that user" in refusal(home)
        assert home.stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_folder_that_was_made_empty_and_closed_is_opened_just_enough(open_folder: Path) -> None:
    data_dir = open_folder / "data"
    data_dir.mkdir(mode=0o700)
    start_and_stop(data_dir)
    assert data_dir.stat().st_mode & 0o777 == 0o711


@needs_root
def test_programs_that_the_server_cannot_reach_are_copied_once(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = binaries.installed_binaries()
    closed = open_folder / "home" / "site-packages"
    closed.mkdir(parents=True)
    for part in binaries.UNPACKED_PARTS:
        (closed / part).parent.mkdir(exist_ok=True)
        (closed / part).symlink_to(installed.site / part)
    closed.parent.chmod(0o700)
    unreachable = replace(installed, site=closed)
    monkeypatch.setattr(binaries, "installed_binaries", lambda: unreachable)
    start_and_stop(open_folder / "data")
    copy = open_folder / "data" / f"bin-{installed.version}"
    made = copy.stat().st_ctime_ns
    shutil.rmtree(closed)
    start_and_stop(open_folder / "data")
    assert copy.stat().st_ctime_ns == made
    assert closed.parent.stat().st_mode & 0o777 == 0o700


@needs_root
def test_the_user_that_made_the_cluster_goes_on_running_it(open_folder: Path) -> None:
    start_and_stop(open_folder / "data", "nobody")
    start_and_stop(open_folder / "data")
    assert "was made by user 'nobody'" in refusal(open_folder / "data", "daemon")


@needs_root
@pytest.mark.parametrize(
    ("server_user", "expected"),
    [("root", "refuses to run as root"), ("no-such-user", "there is no such user")],
)
def test_a_user_that_cannot_run_the_server_is_refused(open_folder: Path, server_user: str, expected: str) -> None:
    assert expected in refusal(open_folder / "data", server_user)
    assert not (open_folder / "data").exists()


@needs_root
@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o755, "root", "belongs to user 'root', and this process runs as 'nobody'"),
        (0o500, "nobody", "cannot be written to"),
        (0o755, None, "user 'nobody' may not write there"),
    ],
)
def test_a_folder_that_an_ordinary_user_may_not_use_is_explained(
    open_folder: Path,
    start_worker: Callable[..., Worker],
    mode: int,
    owner: str | None,
    expected: str,
) -> None:
    folder = open_folder / "data"
    if owner is not None:
        folder.mkdir()
        (folder / "something").touch()
        folder.chmod(mode)
        shutil.chown(folder, owner)
    answer = start_worker(folder, "nobody").read()
    assert answer.code == "data_folder_unusable"
    assert expected in answer.message


@needs_ordinary_user
def test_an_ordinary_user_cannot_switch_to_another(open_folder: Path) -> None:
    assert "only root may switch" in refusal(open_folder / "data", "root")


@needs_ordinary_user
def test_a_folder_that_we_may_not_write_to_is_explained(open_folder: Path) -> None:
    open_folder.chmod(0o500)
    assert "may not write there" in refusal(open_folder / "data")
    open_folder.chmod(0o700)
    assert "belongs to user 'root'" in refusal(Path("/usr"))


def test_a_file_in_place_of_the_folder_is_explained(open_folder: Path) -> None:
    (open_folder / "data").touch()
    assert "not a folder" in refusal(open_folder / "data")
    assert "not a folder" in refusal(open_folder / "data" / "below")


def test_a_folder_that_is_not_a_whole_cluster_is_neither_believed_nor_removed(
    open_folder: Path,
) -> None:
    half = open_folder / "data" / "postgres"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert "global/pg_control is missing" in refusal(open_folder / "data")
    assert (half / "PG_VERSION").exists()


def test_another_major_version_is_explained(open_folder: Path) -> None:
    start_and_stop(open_folder / "data")
    (open_folder / "data" / "postgres" / "PG_VERSION").write_text("17\n")
    assert "was made by PostgreSQL 17" in refusal(open_folder / "data")


def test_a_lost_password_is_explained(open_folder: Path) -> None:
    start_and_stop(open_folder / "data")
    (open_folder / "data" / "password").unlink()
    assert "password is missing" in refusal(open_folder / "data")


def test_waiting_for_another_process_has_a_bound(open_folder: Path) -> None:
    with ServerLock(open_folder / "server.lock") as lock:
        assert lock.try_take()
        server = EmbeddedPostgres(open_folder, start_timeout_s=0.3)
        with pytest.raises(DatabaseUnavailable, match=r"Another process holds .*server\.lock"):
            asyncio.run(server.start())


def test_a_server_that_cannot_start_is_quoted(open_folder: Path) -> None:
    start_and_stop(open_folder / "data")
    settings = open_folder / "data" / "postgres" / "postgresql.conf"
    settings.write_text("no_such_setting = 1\n")
    message = refusal(open_folder / "data")
    assert "ended while starting" in message
    assert "no_such_setting" in message
