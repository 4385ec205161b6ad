"""What every sink promises to the follower that drives it. A new sink is one more place in `PLACES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail.events.sink import Sink
from gatetrail_sinks.file import FileSettings, FileSink
from tests.entries import make_entries

pytestmark = pytest.mark.anyio


class Place(Protocol):
    """The other side of one kind of sink, as the suite sees it."""

    def sink(self, name: str) -> Sink:
        """A new sink that delivers to here."""
        ...

    def received(self) -> list[bytes]:
        """The lines that are here for good, in order of arrival."""
        ...

    def die(self) -> None:
        """Take nothing any more."""
        ...

    def come_back(self) -> None:
        """Take again."""
        ...

    def poison(self, entry: Entry) -> Entry | None:
        """The entry, changed so that this sink can never take it; None when it takes everything."""
        ...


class FilePlace:
    """A file, whose folder is now and then no folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "logs"
        self._path = self._folder / "audit.jsonl"

    def sink(self, name: str) -> Sink:
        return FileSink(name, FileSettings(path=self._path))

    def received(self) -> list[bytes]:
        away = self._folder.with_name("away") / self._path.name
        path = away if away.exists() else self._path
        return path.read_bytes().split(b"\n")[:-1] if path.exists() else []

    def die(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._folder.rename(self._folder.with_name("away"))
        self._folder.write_bytes(b"")

    def come_back(self) -> None:
        self._folder.unlink()
        self._folder.with_name("away").rename(self._folder)

    def poison(self, entry: Entry) -> Entry | None:
        return Entry(entry.seq, entry.event_name, entry.line + b"\n")


PLACES: dict[str, Callable[[Path], Place]] = {"file": FilePlace}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return PLACES[str(request.param)](tmp_path)


@pytest.fixture
async def sink(place: Place) -> AsyncGenerator[Sink]:
    sink = place.sink("of the contract")
    yield sink
    await sink.close()


async def write_until_taken(sink: Sink, entries: list[Entry]) -> None:
    """Bring a batch again and again, as a follower does."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await sink.write(entries)
            except SinkUnavailable:
                await asyncio.sleep(0.01)


async def test_it_has_the_name_that_its_cursor_is_kept_under(sink: Sink) -> None:
    assert sink.name == "of the contract"


@pytest.mark.requirement("E5")
async def test_what_it_has_acknowledged_is_there_in_order_and_in_the_journals_bytes(place: Place, sink: Sink) -> None:
    entries = await make_entries(50)
    for start in range(0, 50, 7):
        await sink.write(entries[start : start + 7])
        assert place.received() == [entry.line for entry in entries[: start + 7]]


async def test_a_receiver_that_dies_is_reported_and_the_batch_can_come_again(place: Place, sink: Sink) -> None:
    entries = list(await make_entries(6))
    await sink.write(entries[:2])
    place.die()
    for _ in range(2):
        with pytest.raises(SinkUnavailable) as told:
            await sink.write(entries[2:])
        assert str(told.value)
    place.come_back()
    await write_until_taken(sink, entries[2:])
    assert list(dict.fromkeys(place.received())) == [entry.line for entry in entries]


async def test_a_receiver_that_is_not_there_yet_is_waited_for(place: Place) -> None:
    entries = list(await make_entries(2))
    place.die()
    sink = place.sink("early")
    with pytest.raises(SinkUnavailable):
        await sink.write(entries)
    place.come_back()
    await write_until_taken(sink, entries)
    await sink.close()
    assert list(dict.fromkeys(place.received())) == [entry.line for entry in entries]


async def test_what_is_before_an_event_that_it_refuses_is_delivered(place: Place, sink: Sink) -> None:
    entries = list(await make_entries(5))
    poisoned = place.poison(entries[2])
    if poisoned is None:
        pytest.skip("this sink takes everything")
    with pytest.raises(EventRefused) as refused:
        await sink.write([*entries[:2], poisoned, *entries[3:]])
    assert refused.value.seq == 3
    assert place.received() == [entry.line for entry in entries[:2]]
    await sink.write(entries[3:])
    assert place.received() == [entry.line for entry in (*entries[:2], *entries[3:])]


async def test_events_that_come_again_are_no_error(place: Place, sink: Sink) -> None:
    entries = await make_entries(3)
    await sink.write(entries)
    await sink.write(entries)
    assert list(dict.fromkeys(place.received())) == [entry.line for entry in entries]


async def test_a_write_that_is_cut_off_does_no_harm_to_the_next(place: Place, sink: Sink) -> None:
    entries = list(await make_entries(300))
    for _ in range(5):
        cut = asyncio.create_task(sink.write(entries))
        await asyncio.sleep(0.001)
        cut.cancel()
        await asyncio.wait([cut])
    await write_until_taken(sink, entries)
    received = place.received()
    assert set(received) == {entry.line for entry in entries}
    assert list(dict.fromkeys(received)) == [entry.line for entry in entries]


async def test_closing_is_final_and_safe_at_any_time(place: Place) -> None:
    unused, used, failed = place.sink("unused"), place.sink("used"), place.sink("failed")
    entries = await make_entries(1)
    await used.write(entries)
    place.die()
    with pytest.raises(SinkUnavailable):
        await failed.write(entries)
    place.come_back()
    for sink in (unused, used, failed):
        await sink.close()
        await sink.close()
        with pytest.raises(SinkUnavailable, match="closed"):
            await sink.write(entries)


async def test_a_new_sink_goes_on_where_the_old_one_ended(place: Place, sink: Sink) -> None:
    entries = await make_entries(4)
    await sink.write(entries[:2])
    await sink.close()
    next_life = place.sink("of the contract")
    await next_life.write(entries[2:])
    await next_life.close()
    assert place.received() == [entry.line for entry in entries]
