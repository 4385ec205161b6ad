"""The whole service over real HTTP, on a database of its own: one for all tests of a module."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from gatetrail.clock import IdMaker
from gatetrail.events.fields import Record
from gatetrail.events.journal import Entry
from gatetrail.events.model import Event, IdentityRefused
from gatetrail.identity.bearer import mint
from gatetrail.identity.tiers import Tier
from gatetrail.policy.load import parse_policy
from gatetrail.runtime import Gatetrail
from gatetrail.runtime.application import open_application
from gatetrail.service.serving import serving
from gatetrail.settings import ServiceSettings
from tests.conftest import MAX_SHOWN, keeps_to_the_schemas
from tests.schema_watch import complaints, recorded_lines

SECRET = "a secret that is long enough for HS256"
KEY = "a redaction key that is long enough for it"
WITHIN_S = 20.0
PAGE = 1_000

POLICY = "servers: {finance: {tier: user, tools: {pay: {tier: admin}}}}\n"


@dataclass(frozen=True)
class Service:
    """A service that is being served."""

    gate: Gatetrail
    url: str
    http: httpx.AsyncClient
    dsn: str

    def token(self, user: str = "ann", tier: Tier = Tier.USER, **claims: Any) -> str:
        clock = self.gate.clock
        identity = self.gate.policy.document.identity
        return mint(identity, SECRET.encode(), clock, IdMaker(clock), user=user, tier=tier, **claims)

    def as_user(self, user: str = "ann", tier: Tier = Tier.USER, **claims: Any) -> dict[str, str]:
        """The headers of a caller."""
        return {"Authorization": f"Bearer {self.token(user, tier, **claims)}"}

    def as_auditor(self) -> dict[str, str]:
        return self.as_user("ada", roles=["auditor"])

    async def get(self, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.as_auditor() if headers is None else headers)

    async def record(self, events: Sequence[Record]) -> Sequence[Entry]:
        """Make events durable; give them as the journal has them."""
        seqs = [await self.gate.journal.append(event) for event in events]
        return [entry for entry in await self.entries(seqs[0] - 1) if entry.seq in seqs]

    async def entries(self, after_seq: int = 0) -> list[Entry]:
        """Everything in the journal behind a position."""
        found: list[Entry] = []
        while page := await self.gate.journal.read(found[-1].seq if found else after_seq, PAGE):
            found += page
        return found

    async def events(self, after_seq: int = 0) -> list[Event]:
        return [entry.event() for entry in await self.entries(after_seq)]

    async def refusals(self, after_seq: int) -> list[IdentityRefused]:
        return [event for event in await self.events(after_seq) if isinstance(event, IdentityRefused)]

    async def listeners(self, headers: dict[str, str] | None = None) -> int:
        """Event streams that are open: all of them, or a caller's own."""
        return int((await self.get("/v1/stats", headers)).json()["stream"]["connections"])

    async def until_listeners(self, count: int) -> None:
        """Wait until so many event streams are open."""
        async with asyncio.timeout(WITHIN_S):
            found = await self.listeners()
            while found != count:
                await asyncio.sleep(0.02)
                found = await self.listeners()

    async def metric(self, name: str) -> float:
        """A metric that has no labels."""
        lines = (await self.http.get("/metrics")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"gatetrail_{name} "))

    async def head_seq(self) -> int:
        return await self.gate.journal.head_seq()


@asynccontextmanager
async def serving_api(dsn: str, folder: Path, policy: str = POLICY, **settings: Any) -> AsyncGenerator[Service]:
    """The service as `gatetrail serve` makes it, without MCP servers."""
    chosen = ServiceSettings(
        dsn=SecretStr(dsn),
        data_dir=folder,
        jwt_secret=SecretStr(SECRET),
        redaction_key=SecretStr(KEY),
        **settings,
    )
    async with (
        Gatetrail.open(parse_policy(policy, "policy.yaml"), settings=chosen, sinks=False) as gate,
        open_application(gate, chosen, {}) as app,
        serving(app, grace_s=2) as url,
        httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as http,
    ):
        yield Service(gate, url, http, dsn)


@pytest.fixture(scope="module")
def module_dsn(server_dsn: str) -> Iterator[str]:
    """A fresh database for the tests of one module; its events are held against the schemas at the end."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(server_dsn, dbname=name)
    yield dsn
    wrong = [*islice(complaints(recorded_lines(dsn)), MAX_SHOWN)]
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    keeps_to_the_schemas(wrong)


@pytest.fixture(scope="module")
async def service(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for the tests of one module."""
    async with serving_api(module_dsn, tmp_path_factory.mktemp("service")) as running:
        yield running
