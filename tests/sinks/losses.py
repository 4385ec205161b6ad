"""What does not arrive when rsyslogd is killed under load and started again. Run as a program it prints a table.

python -m tests.sinks.losses [RUNS]
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gatetrail.clock import SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.follower_settings import FollowerSettings
from gatetrail.delivery.sink import Start
from gatetrail.testing import MemoryCursors, MemoryJournal
from gatetrail_sinks.syslog import SyslogSettings, SyslogSink, TransportKind
from tests.samples import decided, make_stamp
from tests.sinks.places.syslog import settings_for
from tests.sinks.rsyslog import Rsyslog

SETTINGS = FollowerSettings(gather_ms=5, retry_initial_ms=20, retry_max_ms=200)
APPENDED_AT_ONCE = 10
"""Then there is a pause of a millisecond: about 5,000 events a second."""
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Losses:
    """`acknowledged` events were counted as delivered; of those `lost` are not in the receiver's file."""

    acknowledged: int
    lost: int
    doubled: int
    in_order: bool


async def losses(
    receiver: Rsyslog, settings: SyslogSettings, *, events: int, kills: int, chance: random.Random
) -> Losses:
    """Kill and restart the receiver under load, and as often cut off our side and begin anew at the cursor."""
    journal = MemoryJournal()
    cursors = MemoryCursors(journal, SystemClock())
    appending = asyncio.create_task(_append(journal, events))
    last, running = _started(settings, journal, cursors)
    for number, moment in enumerate(sorted(chance.sample(range(1, events), 2 * kills))):
        await journal.wait_beyond(moment, WITHIN_S)
        if number % 2 == 0:
            await receiver.kill()
            await receiver.start()
        else:
            running.cancel()
            await asyncio.wait([running])
            last, running = _started(settings, journal, cursors)
    await appending
    await _until_delivered(last, events)
    await last.stop(5)
    await running
    await receiver.stop()
    return await _compared(journal, receiver, events)


def _started(
    settings: SyslogSettings, journal: MemoryJournal, cursors: MemoryCursors
) -> tuple[Follower, asyncio.Task[None]]:
    sink, stamp, clock = SyslogSink("measured", settings), make_stamp(), SystemClock()
    follower = Follower(
        sink, journal, cursors, stamp, _unrecorded, start=Start.BEGINNING, clock=clock, settings=SETTINGS
    )
    return follower, asyncio.create_task(follower.run())


async def _unrecorded(_: object) -> None:
    """Reports of the follower, which would change the number of events."""


async def _append(journal: MemoryJournal, count: int) -> None:
    stamp = make_stamp()
    for number in range(count):
        await journal.append(decided(stamp))
        if number % APPENDED_AT_ONCE == 0:
            await asyncio.sleep(0.001)


async def _until_delivered(follower: Follower, seq: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while follower.state().cursor_seq < seq:  # noqa: ASYNC110 a look from outside
            await asyncio.sleep(0.005)


async def _compared(journal: MemoryJournal, receiver: Rsyslog, events: int) -> Losses:
    sent = [entry.line for entry in await journal.read(0, events)]
    lines = await receiver.lines()
    order = {line: place for place, line in enumerate(sent)}
    arrived = list(dict.fromkeys(line for line in lines if line in order))
    places = [order[line] for line in arrived]
    return Losses(len(sent), len(sent) - len(arrived), len(lines) - len(arrived), places == sorted(places))


async def _measured(runs: int, events: int) -> None:
    ways: list[tuple[str, TransportKind, bool, bool]] = [
        ("relp, Direct queue", TransportKind.RELP, False, True),
        ("relp, default queue", TransportKind.RELP, False, False),
        ("tcp", TransportKind.TCP, False, False),
        ("tls", TransportKind.TLS, True, False),
        ("udp", TransportKind.UDP, False, False),
    ]
    for name, transport, encrypted, direct in ways:
        found: list[Losses] = []
        for run in range(runs):
            with tempfile.TemporaryDirectory(prefix="gatetrail-losses-") as folder:
                receiver = Rsyslog(Path(folder), direct=direct)
                await receiver.start()
                settings = settings_for(receiver, transport, encrypted=encrypted)
                found.append(await losses(receiver, settings, events=events, kills=1, chance=random.Random(run)))
        lost = sorted(one.lost for one in found)
        doubled = sorted(one.doubled for one in found)
        sys.stdout.write(f"{name:22} {events} events, 1 kill: lost {lost}, doubled {doubled}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_measured(int(sys.argv[1]) if len(sys.argv) > 1 else 5, 3_000))
