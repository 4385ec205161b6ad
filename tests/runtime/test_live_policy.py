"""A changed policy file comes in force by itself, whole or not at all, and the record tells of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gatetrail.call import Call, Ids
from gatetrail.errors import CallDenied
from gatetrail.events.model import ToolCallCompleted
from gatetrail.identity.caller import Anonymous
from gatetrail.policy.load import parse_policy
from gatetrail.policy.standing import Adopted, NoFile, Rejected, Unchanged
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.live_policy import watch as watching
from tests.runtime.live import WITHIN_S, live, opened_to, settings_of, version_of

pytestmark = pytest.mark.anyio

CLOSED, OPEN = opened_to("admin"), opened_to("anonymous")


@pytest.fixture(scope="module")
def dsn(server_dsn: str) -> Iterator[str]:
    """One database for the module: what each gate records has its own instance_id."""
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(server_dsn, dbname=name)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def overwritten(path: Path, text: str) -> None:
    path.write_text(text)


def renamed_into_place(path: Path, text: str) -> None:
    beside = path.with_name("policy.yaml.new")
    beside.write_text(text)
    beside.replace(path)


def renamed_away_and_made_anew(path: Path, text: str) -> None:
    path.replace(path.with_name("policy.yaml~"))
    path.write_text(text)


def removed_and_made_anew(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def with_the_old_times(path: Path, text: str) -> None:
    found = path.stat()
    path.write_text(text)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.requirement("D2")
@pytest.mark.parametrize(
    "write",
    [overwritten, renamed_into_place, renamed_away_and_made_anew, removed_and_made_anew, with_the_old_times],
    ids=lambda write: write.__name__,
)
async def test_a_written_file_comes_in_force(dsn: str, tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    async with live(dsn, tmp_path, CLOSED) as one:
        assert not await one.allows()
        write(one.path, OPEN)
        await one.until_in_force(OPEN)
        assert await one.allows()
        (change,) = await one.changes()
        assert change.policy_version == version_of(OPEN)
        assert change.previous_policy_version == version_of(CLOSED)
        assert change.changes == ("servers.finance.tools.pay.tier: admin → anonymous",)
        assert change.policy_source == str(one.path)
        assert await one.refusals() == []


async def test_a_kubernetes_volume_is_switched_by_its_link(dsn: str, tmp_path: Path) -> None:
    def volume(name: str, text: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    volume("..2026_1", CLOSED)
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    async with live(dsn, tmp_path, CLOSED) as one:
        for round_ in (2, 3):
            volume(f"..2026_{2 * round_}", OPEN)
            await one.until_in_force(OPEN)
            volume(f"..2026_{2 * round_ + 1}", CLOSED)
            await one.until_in_force(CLOSED)
        assert len(await one.changes()) == 4
        assert await one.refusals() == []


async def test_a_link_far_above_the_file_is_followed(dsn: str, tmp_path: Path) -> None:
    for release, text in (("r1", CLOSED), ("r2", OPEN)):
        (tmp_path / release / "etc").mkdir(parents=True)
        (tmp_path / release / "etc" / "policy.yaml").write_text(text)
    (tmp_path / "current").symlink_to("r1")
    (tmp_path / "etc").symlink_to("current/etc")
    async with live(dsn, tmp_path / "etc", CLOSED) as one:
        (tmp_path / "next").symlink_to("r2")
        (tmp_path / "next").replace(tmp_path / "current")
        await one.until_in_force(OPEN)


async def test_where_nobody_tells_of_changes_the_file_is_looked_at(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_paths: Path, **_options: object) -> object:
        raise OSError(28, "no inotify instances left")

    monkeypatch.setattr(watching, "awatch", refuses)
    async with live(dsn, tmp_path, CLOSED) as one:
        renamed_into_place(one.path, OPEN)
        await one.until_in_force(OPEN)


async def test_half_a_file_is_neither_in_force_nor_refused(dsn: str, tmp_path: Path) -> None:
    blocked = "blocklist: [{id: x, tools: [pay], reason: no}]\n"
    async with live(dsn, tmp_path, CLOSED) as one:
        whole = OPEN + blocked
        for end in (0, 20, len(OPEN) - 1, len(whole) - 9):
            one.path.write_text(whole[:end])
            await asyncio.sleep(0.06)
        one.path.write_text(whole)
        await one.until_in_force(whole)
        assert [change.policy_version for change in await one.changes()] == [version_of(whole)]
        assert await one.refusals() == []


async def test_another_comment_is_no_event(dsn: str, tmp_path: Path) -> None:
    async with live(dsn, tmp_path, CLOSED) as one:
        one.path.write_text(f"# reviewed\n{CLOSED}")
        assert isinstance(await one.gate.reload(), Unchanged)
        one.path.write_text(OPEN)
        await one.until_in_force(OPEN)
        assert len(await one.changes()) == 1


@pytest.mark.requirement("D2")
async def test_what_cannot_be_used_is_refused_once_and_the_last_good_stays(dsn: str, tmp_path: Path) -> None:
    """Each state of the file is told of once, with file and line, however often it is looked at."""

    def a_pipe(path: Path) -> None:
        path.rmdir()
        os.mkfifo(path)

    def ten_megabytes(path: Path) -> None:
        path.unlink()
        path.write_bytes(b"# nothing\n" * 1_000_000)

    states: list[tuple[Callable[[Path], object], str]] = [
        (lambda path: path.write_text("servers:\n  finance: {tier: root}\n"), ":2: servers.finance.tier: "),
        (lambda path: path.write_text("servers:\n  finance: {teir: user}\n"), ":2: servers.finance.teir: "),
        (lambda path: path.write_text("servers: ["), "not YAML"),
        (lambda path: path.write_bytes(b"\x80\x81\xff" * 99), "is not UTF-8"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (a_pipe, "is no regular file"),
        (ten_megabytes, "is larger than 5 MB"),
    ]
    async with live(dsn, tmp_path, CLOSED) as one:
        for count, (spoil, told) in enumerate(states, start=1):
            spoil(one.path)
            refused = await one.until_refused(count)
            assert told in refused[-1].reason
            assert refused[-1].reason.startswith(str(one.path))
            assert refused[-1].policy_version == version_of(CLOSED)
            assert not await one.allows()
        await asyncio.sleep(1.2)  # it is looked at three times meanwhile
        assert len(await one.refusals()) == len(states)
        one.path.write_text(OPEN)
        await one.until_in_force(OPEN)
        assert await one.changes() != []


async def test_many_rewrites_end_in_the_last_content(dsn: str, tmp_path: Path) -> None:
    async with live(dsn, tmp_path, CLOSED) as one:
        for number in range(300):
            write = renamed_into_place if number % 2 else overwritten
            write(one.path, opened_to("admin", more=f"default_time_limit_ms: {number + 1}\n"))
            if number % 20 == 0:
                await asyncio.sleep(0.03)
        overwritten(one.path, OPEN)
        await one.until_in_force(OPEN)
        assert await one.allows()
        changes = await one.changes()
        before = [version_of(CLOSED), *(change.policy_version for change in changes)]
        assert [change.previous_policy_version for change in changes] == before[:-1]
        assert await one.refusals() == []


async def test_a_call_on_its_way_ends_under_the_policy_that_it_began_with(dsn: str, tmp_path: Path) -> None:
    hidden = "redaction: {patterns: [{id: emp, pattern: 'Emp[0-9]+Error'}]}\n"

    class Emp4711Error(Exception):
        pass

    first = OPEN + hidden
    async with live(dsn, tmp_path, first) as one:

        async def changing() -> None:
            async with one.gate.guard(Call("finance", "pay", Ids(trace_id="1" * 32)), Anonymous()):
                one.path.write_text(CLOSED)
                await one.until_in_force(CLOSED)
                assert not await one.allows()
                raise Emp4711Error

        with pytest.raises(Emp4711Error):
            await changing()
        (outcome,) = [event for event in await one.events() if isinstance(event, ToolCallCompleted)]
        assert outcome.policy_version == version_of(first)
        assert outcome.error_class is not None
        assert "4711" not in outcome.error_class


async def test_a_bucket_keeps_its_fill_through_a_change_of_rate(dsn: str, tmp_path: Path) -> None:
    """Ten tokens are in; six are taken; under a rate a thousandth as fast, four and no more are left."""

    def rate(per_s: float, burst: float) -> str:
        return OPEN + f"rate_limits: {{base_per_s: {{mcp: {per_s}}}, burst_multiplier: {burst}}}\n"

    first, second = rate(0.02, 1_000), rate(0.00002, 1_000_000)
    async with live(dsn, tmp_path, first) as one:
        assert [await one.allows() for _ in range(6)] == [True] * 6
        one.path.write_text(second)
        await one.until_in_force(second)
        assert [await one.allows() for _ in range(6)] == [True] * 4 + [False] * 2


async def test_a_host_may_do_without_the_watch(dsn: str, tmp_path: Path) -> None:
    async with live(dsn, tmp_path, CLOSED, watch=False) as one:
        one.path.write_text(OPEN)
        await asyncio.sleep(1.0)
        assert one.gate.policy.version == version_of(CLOSED)
        outcome = await one.gate.reload()
        assert isinstance(outcome, Adopted)
        assert await one.allows()
        one.path.write_text("servers: {finance: {tier: root}}\n")
        for count in (1, 2):  # whoever asks is told each time
            refused = await one.gate.reload()
            assert isinstance(refused, Rejected)
            assert refused.problem.problems[0].line == 1
            assert len(await one.refusals()) == count


async def test_a_policy_of_the_hosts_own_is_adopted_by_it(dsn: str, tmp_path: Path) -> None:
    mine = parse_policy(CLOSED, "mine")
    async with Gatetrail.open(mine, settings=settings_of(dsn, tmp_path)) as gate:
        assert isinstance(await gate.reload(), NoFile)
        call = Call("finance", "pay", Ids(trace_id="2" * 32))
        with pytest.raises(CallDenied):
            async with gate.guard(call, Anonymous()):
                pass
        adopted = await gate.adopt(parse_policy(OPEN, "mine"))
        assert isinstance(adopted, Adopted)
        assert adopted.standing.changes == ("servers.finance.tools.pay.tier: admin → anonymous",)
        assert gate.policy.version == version_of(OPEN)
        assert isinstance(await gate.adopt(parse_policy(OPEN, "mine")), Unchanged)
        async with gate.guard(call, Anonymous()):
            pass


async def test_who_reloads_has_the_other_processes_read_their_files(dsn: str, tmp_path: Path) -> None:
    async with live(dsn, tmp_path, CLOSED, watch=False) as one, live(dsn, tmp_path, CLOSED, watch=False) as other:
        one.path.write_text(OPEN)
        assert isinstance(await one.gate.reload(), Adopted)
        async with asyncio.timeout(WITHIN_S):
            await other.until_in_force(OPEN)
        assert len(await other.changes()) == 1
