"""What every sink promises to the follower that drives it. A new sink is one more place in `PLACES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from gatetrail.delivery.sink import Sink
from gatetrail.errors import EventRefused, SinkUnavailable
from gatetrail.events.journal import Entry
from gatetrail_sinks.syslog import TransportKind
from tests.entries import make_entries
from tests.sinks.places.file import file_place
from tests.sinks.places.fluentd import plain_fluentd, secured_fluentd
from tests.sinks.places.otlp import otlp_place
from tests.sinks.places.place import Place
from tests.sinks.places.syslog import syslog_place

pytestmark = pytest.mark.anyio


PLACES: dict[str, Callable[[Path], Awaitable[Place]]] = {
    "file": file_place,
    "otlp": otlp_place,
    "fluentd": plain_fluentd,
    "fluentd with TLS, shared key and user": secured_fluentd,
    "relp": syslog_place(TransportKind.RELP),
    "relp over TLS": syslog_place(TransportKind.RELP, encrypted=True),
    "syslog over TCP": syslog_place(TransportKind.TCP),
    "syslog over TLS": syslog_place(TransportKind.TLS, encrypted=True),
    "syslog over UDP": syslog_place(TransportKind.UDP),
}


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Place]:
    place = await PLACES[str(request.param)](tmp_path)
    yield place
    await place.close()


@pytest.fixture
def certain(place: Place) -> Place:
    if not place.acknowledges:
        pytest.skip("the protocol has no acknowledgement: what it can lose is measured elsewhere")
    return place


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


def lines_of(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.line for entry in entries]


async def arrived(place: Place, expected: Sequence[Entry]) -> list[bytes]:
    """What is there, without doubles, in order of first arrival, once it is as much as expected."""
    return list(dict.fromkeys(await place.received(len(expected))))


async def test_it_has_the_name_that_its_cursor_is_kept_under(sink: Sink) -> None:
    assert sink.name == "of the contract"


@pytest.mark.requirement("E5")
async def test_what_it_has_acknowledged_is_there_in_order_and_in_the_journals_bytes(place: Place, sink: Sink) -> None:
    entries = await make_entries(50)
    for start in range(0, 50, 7):
        await sink.write(entries[start : start + 7])
        assert await arrived(place, entries[: start + 7]) == lines_of(entries[: start + 7])


async def test_a_receiver_that_dies_is_reported_and_the_batch_can_come_again(certain: Place, sink: Sink) -> None:
    entries = list(await make_entries(6))
    await sink.write(entries[:2])
    await certain.die()
    for _ in range(2):
        with pytest.raises(SinkUnavailable) as told:
            await sink.write(entries[2:])
        assert str(told.value)
    await certain.come_back()
    await write_until_taken(sink, entries[2:])
    assert await arrived(certain, entries) == lines_of(entries)


async def test_a_receiver_that_is_not_there_yet_is_waited_for(certain: Place) -> None:
    entries = list(await make_entries(2))
    await certain.die()
    sink = certain.sink("early")
    with pytest.raises(SinkUnavailable):
        await sink.write(entries)
    await certain.come_back()
    await write_until_taken(sink, entries)
    await sink.close()
    assert await arrived(certain, entries) == lines_of(entries)


async def test_what_is_before_an_event_that_it_refuses_is_delivered(place: Place, sink: Sink) -> None:
    entries = list(await make_entries(5))
    poisoned = place.poison(entries[2])
    if poisoned is None:
        pytest.skip("this sink takes everything")
    with pytest.raises(EventRefused) as refused:
        await sink.write([*entries[:2], poisoned, *entries[3:]])
    assert refused.value.seq == 3
    assert await arrived(place, entries[:2]) == lines_of(entries[:2])
    await sink.write(entries[3:])
    rest = [*entries[:2], *entries[3:]]
    assert await arrived(place, rest) == lines_of(rest)


async def test_events_that_come_again_are_no_error(place: Place, sink: Sink) -> None:
    entries = await make_entries(3)
    await sink.write(entries)
    await sink.write(entries)
    assert await arrived(place, entries) == lines_of(entries)


async def test_a_write_that_is_cut_off_does_no_harm_to_the_next(certain: Place, sink: Sink) -> None:
    entries = list(await make_entries(300))
    for _ in range(5):
        cut = asyncio.create_task(sink.write(entries))
        await asyncio.sleep(0.001)
        cut.cancel()
        await asyncio.wait([cut])
    await write_until_taken(sink, entries)
    assert await arrived(certain, entries) == lines_of(entries)


async def test_closing_is_final_and_safe_at_any_time(certain: Place) -> None:
    unused, used, failed = certain.sink("unused"), certain.sink("used"), certain.sink("failed")
    entries = await make_entries(1)
    await used.write(entries)
    await certain.die()
    with pytest.raises(SinkUnavailable):
        await failed.write(entries)
    await certain.come_back()
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
    assert await arrived(place, entries) == lines_of(entries)
