"""The JSON file sink: whole lines with the journal's bytes, whatever happens to file and disk."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
import subprocess
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.wire import canonical
from gatetrail_sinks.file import EventFormatter, FileSettings, FileSink, Fsync
from tests.entries import NASTY, make_entries

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "audit.jsonl"


@pytest.fixture
async def sink(path: Path) -> AsyncGenerator[FileSink]:
    sink = FileSink("file", FileSettings(path=path))
    yield sink
    await sink.close()


def lines_of(path: Path) -> list[bytes]:
    content = path.read_bytes()
    assert not content or content.endswith(b"\n")
    return content.split(b"\n")[:-1]


def bytes_of(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.line for entry in entries]


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """Writes beyond this size are cut short and then refused, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.requirement("E2", "E5")
async def test_each_event_is_one_line_with_the_bytes_of_the_journal(sink: FileSink, path: Path) -> None:
    entries = await make_entries(4 * len(NASTY))
    await sink.write(entries)
    assert lines_of(path) == bytes_of(entries)
    assert [orjson.loads(line)["seq"] for line in lines_of(path)] == list(range(1, 1 + len(entries)))


@pytest.mark.requirement("E5")
@given(
    user_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    latency=st.one_of(st.none(), st.integers(0, 10**12), st.floats(0, 1e12).map(lambda number: round(number, 3))),
    roles=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3),
)
def test_the_formatter_gives_the_journals_bytes_for_any_values(
    user_id: str, latency: float | None, roles: list[str]
) -> None:
    keys = {"@timestamp": "t", "message": "m", "user_id": user_id, "latency_ms": latency, "roles": roles, "name": "n"}
    line = canonical({key: value for key, value in keys.items() if value is not None})
    assert EventFormatter().rewritten(line) == line


async def test_every_line_is_one_write_call(sink: FileSink, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = os.write

    def watch(descriptor: int, content: bytes) -> int:
        if content.startswith(b'{"@timestamp"'):
            written.append(content)
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", watch)
    entries = await make_entries(5)
    await sink.write(entries)
    assert written == [entry.line + b"\n" for entry in entries]


@pytest.mark.parametrize(("fsync", "expected"), [(Fsync.EACH_BATCH, 1), (Fsync.NEVER, 0)])
async def test_a_batch_is_on_the_disk_before_it_is_acknowledged_if_wanted(
    path: Path, monkeypatch: pytest.MonkeyPatch, fsync: Fsync, expected: int
) -> None:
    sink = FileSink("file", FileSettings(path=path, fsync=fsync))
    entries = await make_entries(10)
    await sink.write(entries[:1])
    sizes: list[int] = []

    def note_size(_: int) -> None:
        sizes.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", note_size)
    await sink.write(entries[1:])
    await sink.close()
    assert sizes == [path.stat().st_size] * expected


async def test_a_failed_fsync_has_everything_written_again(
    sink: FileSink, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    entries = await make_entries(3)
    await sink.write(entries[:1])
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(SinkUnavailable, match="Input/output error"):
            await sink.write(entries[1:])
    await sink.write(entries[1:])
    assert lines_of(path) == bytes_of([*entries, *entries[1:]])


async def test_the_file_is_made_with_the_rights_of_the_settings_and_its_folder_with_those_of_the_process(
    sink: FileSink, path: Path
) -> None:
    umask = os.umask(0o077)
    try:
        await sink.write(await make_entries(1))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_rights_are_read_as_octal_and_nothing_unknown_is_taken(tmp_path: Path) -> None:
    assert FileSettings.model_validate({"path": tmp_path, "mode": "0600"}).mode == 0o600
    with pytest.raises(ValidationError):
        FileSettings.model_validate({"path": tmp_path, "mode": "0999"})
    with pytest.raises(ValidationError):
        FileSettings.model_validate({"path": tmp_path, "rotate": "daily"})


async def test_a_rotation_by_rename_is_followed(sink: FileSink, path: Path) -> None:
    entries = await make_entries(4)
    await sink.write(entries[:2])
    path.rename(path.with_suffix(".1"))
    await sink.write(entries[2:])
    assert lines_of(path.with_suffix(".1")) == bytes_of(entries[:2])
    assert lines_of(path) == bytes_of(entries[2:])


async def test_rotations_under_load_lose_nothing_and_tear_nothing(sink: FileSink, path: Path) -> None:
    entries = await make_entries(600)
    rotated: list[Path] = []

    async def rotate() -> None:
        while True:
            await asyncio.sleep(0.001)
            if path.exists():
                rotated.append(path.with_suffix(f".{len(rotated)}"))
                path.rename(rotated[-1])

    rotating = asyncio.create_task(rotate())
    for start in range(0, 600, 20):
        await sink.write(entries[start : start + 20])
    rotating.cancel()
    await asyncio.wait([rotating])
    files = [*rotated, path] if path.exists() else rotated
    assert len(files) > 2
    assert [line for file in files for line in lines_of(file)] == bytes_of(entries)


async def test_a_deleted_file_is_made_again(sink: FileSink, path: Path) -> None:
    entries = await make_entries(2)
    await sink.write(entries[:1])
    path.unlink()
    await sink.write(entries[1:])
    assert lines_of(path) == bytes_of(entries[1:])


async def test_a_file_that_is_deleted_while_it_is_written_is_written_again_before_it_is_acknowledged(
    sink: FileSink, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = await make_entries(4)
    await sink.write(entries[:1])
    fsync = os.fsync

    def delete_first(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        path.unlink()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", delete_first)
    await sink.write(entries[1:])
    assert lines_of(path) == bytes_of(entries[1:])


async def test_a_truncation_in_place_is_tolerated(sink: FileSink, path: Path) -> None:
    entries = await make_entries(3)
    await sink.write(entries[:2])
    os.truncate(path, 0)
    await sink.write(entries[2:])
    assert lines_of(path) == bytes_of(entries[2:])


async def test_a_line_that_an_earlier_process_left_torn_is_ended_so_that_nothing_is_glued_to_it(
    sink: FileSink, path: Path
) -> None:
    entries = await make_entries(3)
    path.parent.mkdir()
    path.write_bytes(entries[0].line + b"\n" + entries[1].line[:100])
    await sink.write(entries[1:])
    assert lines_of(path) == [entries[0].line, entries[1].line[:100], *bytes_of(entries[1:])]


async def test_a_line_that_does_not_fit_on_the_disk_is_taken_back_and_nothing_comes_twice(
    sink: FileSink, path: Path
) -> None:
    entries = await make_entries(10)
    await sink.write(entries[:2])
    fitting = sum(len(entry.line) + 1 for entry in entries[:5]) + 200
    with file_size_limit(fitting):
        for _ in range(3):
            with pytest.raises(SinkUnavailable, match="cannot be written: File too large"):
                await sink.write(entries[2:])
        assert lines_of(path) == bytes_of(entries[:5])
    await sink.write(entries[2:])
    assert lines_of(path) == bytes_of(entries)


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A disk of 64 kB; only for users who may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounts("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)):
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def mounts(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


async def test_a_disk_that_is_full_is_reported_and_survived(small_disk: Path) -> None:
    path = small_disk / "audit.jsonl"
    sink = FileSink("file", FileSettings(path=path))
    entries = await make_entries(100)
    with pytest.raises(SinkUnavailable, match="No space left on device"):
        await sink.write(entries)
    kept = lines_of(path)
    assert kept == bytes_of(entries[: len(kept)])
    assert len(kept) > 10
    assert mounts("-o", "remount,size=1m", str(small_disk))
    await sink.write(entries)
    assert lines_of(path) == bytes_of(entries)
    await sink.close()


async def test_lines_of_a_failed_batch_are_written_again_when_their_file_is_another(sink: FileSink, path: Path) -> None:
    entries = await make_entries(5)
    with file_size_limit(len(entries[0].line) + 10), pytest.raises(SinkUnavailable):
        await sink.write(entries)
    assert lines_of(path) == bytes_of(entries[:1])
    path.unlink()
    await sink.write(entries)
    assert lines_of(path) == bytes_of(entries)


async def test_a_body_that_is_not_what_the_journal_wrote_is_refused_and_those_before_it_are_kept(
    sink: FileSink, path: Path
) -> None:
    entries = list(await make_entries(4))
    changed = [
        entries[2].line.replace(b'","', b'",\n"', 1),
        entries[2].line[:-1],
        b"{}\n",
        b'{"b":1,"b":1}',
        b'{"number":NaN}',
        entries[2].line + b" ",
    ]
    for line in changed:
        path.unlink(missing_ok=True)
        with pytest.raises(EventRefused) as refused:
            await sink.write([*entries[:2], Entry(3, "tool_call.decided", line), entries[3]])
        assert refused.value.seq == 3
        assert lines_of(path) == bytes_of(entries[:2])


@pytest.fixture
def ordinary_user() -> Generator[int]:
    """Whoever runs the tests; for root, for a while, a user without rights."""
    before = os.geteuid()
    os.seteuid(before or 65534)
    yield os.geteuid()
    os.seteuid(before)


@pytest.mark.parametrize("place", ["closed/audit.jsonl", "closed/below/audit.jsonl", "closed.jsonl"])
async def test_a_missing_permission_is_told_with_place_and_user(
    open_folder: Path, ordinary_user: int, place: str
) -> None:
    entries = await make_entries(1)
    close_doors(open_folder)
    sink = FileSink("file", FileSettings(path=open_folder / place))
    with pytest.raises(SinkUnavailable, match=f"Permission denied for user {ordinary_user} at .*closed"):
        await sink.write(entries)
    await sink.close()


def close_doors(folder: Path) -> None:
    user = os.geteuid()
    os.seteuid(os.getuid())
    (folder / "closed").mkdir(mode=0o555)
    (folder / "closed.jsonl").touch(mode=0o444)
    os.seteuid(user)


@pytest.mark.parametrize("what", ["folder", "fifo", "below a file"])
async def test_what_is_no_file_is_told_and_does_not_hang(tmp_path: Path, what: str) -> None:
    path = tmp_path / "place"
    match what:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case _:
            path.write_bytes(b"")
            path /= "audit.jsonl"
    sink = FileSink("file", FileSettings(path=path))
    with pytest.raises(SinkUnavailable, match=str(path)):
        await sink.write(await make_entries(1))
    await sink.close()


async def test_a_write_that_was_cut_off_is_over_before_the_next_one_begins(
    sink: FileSink, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = await make_entries(6)
    await sink.write(entries[:1])
    slow, fsync, order = asyncio.Event(), os.fsync, list[str]()
    loop = asyncio.get_running_loop()

    def hang(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        asyncio.run_coroutine_threadsafe(slow.wait(), loop).result(10)
        order.append("first")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", hang)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await sink.write(entries[1:3])
    again = asyncio.create_task(sink.write(entries[1:]))
    again.add_done_callback(lambda _: order.append("second"))
    await asyncio.sleep(0)
    slow.set()
    await again
    assert order == ["first", "second"]
    assert lines_of(path) == bytes_of([*entries[:3], *entries[1:]])
