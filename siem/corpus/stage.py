"""Where the stories are told: one database, one clock, and as many processes as a story wants."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from gatetrail.clock import from_rfc3339
from gatetrail.policy.model import Policy
from gatetrail.runtime.application import open_application
from gatetrail.runtime.gatetrail import open_gate
from gatetrail.settings import ServiceSettings
from gatetrail.settings.hooks import HookSettings
from gatetrail.settings.journal import JournalSettings
from gatetrail.testing import ManualClock
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from siem.corpus.expectation import Expectation, broad_rules
from siem.corpus.house import House
from siem.corpus.lines import Lines
from siem.corpus.planted import Planted
from siem.corpus.policy import policy as base_policy
from siem.corpus.process import Process
from siem.corpus.step import Step
from siem.corpus.surroundings import Chance, Pauses, surroundings
from siem.corpus.wire import Wire

BEGINS = "2026-03-02T07:00:00Z"
CHAIN_ID = "019caf3c-0000-7000-8000-000000000001"
READER_ID = "019caf3c-0000-7000-8000-000000000002"
BRANCH_ID = "019caf3c-0000-7000-8000-000000000003"
BRANCH_SEQ = 5_000
"""The branch had so many events before: elsewhere, and no number stands in both chains."""
SECRET = "of the corpus, where nothing is secret"  # noqa: S105
BETWEEN_STEPS_S = 0.037
"""So that no two steps have the same time."""
SQL = Path(__file__).with_name("sql")
STEP_LIMIT_S = 60
MOST_OF_A_STEP = 1_000
"""Events."""


@dataclass(frozen=True, slots=True)
class Common:
    """What all houses have in common."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(from_rfc3339(BEGINS)))
    planted: Planted = field(default_factory=Planted)
    lines: Lines = field(default_factory=Lines)


class Stage:
    """Made by `open_stage`."""

    def __init__(self, dsn: str, folder: Path, journal: PostgresJournal, seq: int, common: Common) -> None:
        self.clock = common.clock
        self.planted = common.planted
        self.lines = common.lines
        self._common = common
        self._dsn = dsn
        self._folder = folder
        self._journal = journal
        self._seq = seq
        self._processes = 0
        self._settings = ServiceSettings(
            dsn=SecretStr(dsn),
            data_dir=folder,
            jwt_secret=SecretStr(SECRET),
            redaction_key=SecretStr(SECRET),
            state_key=SecretStr(SECRET),
            hooks=HookSettings(commands=("/bin/false",)),
            journal=JournalSettings(append_limit_ms=60_000),  # so that a busy machine makes no other decisions
        )

    @asynccontextmanager
    async def branch(self) -> AsyncGenerator[Stage]:
        """Another house, with a journal of its own, whose lines come to the same file."""
        folder = self._folder / "branch"
        dsn = make_conninfo(self._dsn, options="-c search_path=branch")
        await _run(self._dsn, "make_branch")
        async with _journal(dsn, BRANCH_ID, BRANCH_SEQ) as journal:
            yield Stage(dsn, folder, journal, BRANCH_SEQ, self._common)

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
        chance, pauses, house = Chance(f"process {self._processes} after {self._seq}"), Pauses(), House(self.clock)
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

    async def step(self, *, ends_with: str | None = None, at_least: int = 0) -> Step:
        """What was recorded since the last step; waits until there is so much, and the last has that name."""
        with anyio.fail_after(STEP_LIMIT_S):
            while True:
                entries = await self._journal.read(self._seq, MOST_OF_A_STEP)
                if len(entries) >= at_least and ends_with in {None, entries[-1].event_name if entries else ""}:
                    break
                await anyio.sleep(0.002)
        self._seq += len(entries)
        self.clock.advance(BETWEEN_STEPS_S)
        return self.lines.add(entries)

    def expected(self, expected: Expectation, step: Step) -> None:
        """Keep what the script expects of a decision."""
        for rule in broad_rules(expected):
            self.planted.broad(rule, step.id)

    @asynccontextmanager
    async def refusing(self) -> AsyncGenerator[None]:
        """The database takes no events for as long as the block lasts."""
        await _run(self._dsn, "begin_refusing")
        try:
            yield
        finally:
            await _run(self._dsn, "end_refusing")


@asynccontextmanager
async def open_stage(dsn: str, folder: Path) -> AsyncGenerator[Stage]:
    """In an empty database."""
    async with _journal(dsn, CHAIN_ID, 0) as journal:
        yield Stage(dsn, folder, journal, 0, Common())


@asynccontextmanager
async def _journal(dsn: str, chain_id: str, seq: int) -> AsyncGenerator[PostgresJournal]:
    """A new one, of a name of our own."""
    await migrate(dsn)
    await _run(dsn, "name_chain", chain_id=chain_id, seq=seq)
    async with open_pool(dsn) as pool, open_journal(dsn, pool, instance_id=READER_ID) as journal:
        yield journal


async def _run(dsn: str, name: str, **parameters: object) -> None:
    text = SQL.joinpath(f"{name}.sql").read_bytes()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(text, parameters or None)
