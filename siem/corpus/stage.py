"""Where the stories are told: one database, one clock, and as many processes as a story wants."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
import psycopg
from pydantic import SecretStr

from gatetrail.clock import from_rfc3339
from gatetrail.policy.model import Policy
from gatetrail.runtime.application import open_application
from gatetrail.runtime.gatetrail import open_gate
from gatetrail.settings import ServiceSettings
from gatetrail.settings.hooks import HookSettings
from gatetrail.testing import ManualClock
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from siem.corpus.expectation import Expectation, broad_rules
from siem.corpus.house import House
from siem.corpus.planted import Planted
from siem.corpus.policy import policy as base_policy
from siem.corpus.process import Process
from siem.corpus.step import Event, Step
from siem.corpus.surroundings import Chance, Pauses, surroundings
from siem.corpus.wire import Wire

BEGINS = "2026-03-02T07:00:00Z"
CHAIN_ID = "019caf3c-0000-7000-8000-000000000001"
SECRET = "of the corpus, where nothing is secret"  # noqa: S105
BETWEEN_STEPS_S = 0.037
"""So that no two steps have the same time."""
STEP_LIMIT_S = 60
MOST_OF_A_STEP = 1_000
"""Events."""


class Stage:
    """Made by `open_stage`."""

    def __init__(self, dsn: str, folder: Path, journal: PostgresJournal) -> None:
        self.clock = ManualClock(from_rfc3339(BEGINS))
        self.planted = Planted()
        self.lost: set[int] = set()
        """Lines of these numbers get lost on the way to the file."""
        self.dsn = dsn
        self._journal = journal
        self._broad: dict[str, list[str]] = defaultdict(list)
        self._processes = 0
        self._events: list[Event] = []
        self._settings = ServiceSettings(
            dsn=SecretStr(dsn),
            data_dir=folder,
            jwt_secret=SecretStr(SECRET),
            redaction_key=SecretStr(SECRET),
            state_key=SecretStr(SECRET),
            hooks=HookSettings(commands=("/bin/false",)),
        )

    def at(self, moment: str, plus_s: float = 0.0) -> None:
        """Let time pass until then, or until so many seconds later; it never goes back."""
        seconds = (from_rfc3339(moment) - self.clock.now_us()) / 1_000_000 + plus_s
        if seconds < 0:
            raise ValueError(f"{moment} is over already")
        self.clock.advance(seconds)

    @staticmethod
    def us(moment: str) -> int:
        """Microseconds since 1970."""
        return from_rfc3339(moment)

    def at_us(self, moment_us: int) -> None:
        """Let time pass until then."""
        self.at(BEGINS, (moment_us - from_rfc3339(BEGINS)) / 1_000_000)

    def later(self, **time: float) -> None:
        """Let so much time pass."""
        self.clock.advance(dt.timedelta(**time).total_seconds())

    async def series(self, start: str, offsets_s: Iterable[float], do: Callable[[], Awaitable[Step]]) -> list[Step]:
        """The same again and again, so many seconds after a start."""
        steps: list[Step] = []
        for offset_s in offsets_s:
            self.at(start, offset_s)
            steps.append(await do())
        return steps

    @asynccontextmanager
    async def process(self, policy: Policy | None = None) -> AsyncGenerator[Process]:
        """One life of the service; its first events are recorded."""
        self._processes += 1
        chance, pauses, house = Chance(f"process {self._processes}"), Pauses(), House(self.clock)
        found = (policy or base_policy(), None)
        around = surroundings(self.clock, chance, pauses)
        async with (
            open_gate(found, None, self._settings, around) as gate,
            open_application(gate, self._settings, house.servers) as app,
            app.router.lifespan_context(app),
        ):
            process = Process(gate, Wire(app), house, pauses, self, SECRET.encode())
            process.opening = await self.step(ends_with="audit.heartbeat")
            yield process

    async def step(self, *, ends_with: str | None = None) -> Step:
        """What was recorded since the last step."""
        with anyio.fail_after(STEP_LIMIT_S):
            while True:
                entries = await self._journal.read(len(self._events), MOST_OF_A_STEP)
                if ends_with is None or (entries and entries[-1].event_name == ends_with):
                    break
                await anyio.sleep(0.002)
        events = [orjson.loads(entry.line) for entry in entries]
        self._events += events
        self.clock.advance(BETWEEN_STEPS_S)
        return Step(events)

    def expected(self, expected: Expectation, step: Step) -> None:
        """Keep what the script expects of a decision."""
        for rule in broad_rules(expected):
            self._broad[rule].append(step.id)

    def broad(self, rule: str, event_id: str) -> None:
        """An event besides that a rule finds for itself alone."""
        self._broad[rule].append(event_id)

    def lose(self, step: Step) -> None:
        """Its lines do not come to the file."""
        self.lost |= {event["seq"] for event in step.events}

    async def lines(self) -> list[bytes]:
        """What came to the file, in its order."""
        entries = await self._journal.read(0, len(self._events))
        return [entry.line for entry in entries if entry.seq not in self.lost]

    def addresses(self) -> set[str]:
        """Of all who called."""
        return {str(event["src_ip"]) for event in self._events if "src_ip" in event}

    def golden(self) -> bytes:
        """What rules have to find in it."""
        for rule, found in self._broad.items():
            self.planted.case(rule, found, "each of them is what the script expected there")
        return self.planted.as_json()


@asynccontextmanager
async def open_stage(dsn: str, folder: Path) -> AsyncGenerator[Stage]:
    """In an empty database."""
    await migrate(dsn)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("UPDATE chain_head SET chain_id = %s", (CHAIN_ID,))
    async with open_pool(dsn) as pool:
        reader = open_journal(dsn, pool, instance_id="019caf3c-0000-7000-8000-000000000002")
        async with reader as journal:
            yield Stage(dsn, folder, journal)
