"""While the database is away: 503, in time, and no more than that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from gatetrail.events.model import IdentityRefused
from tests.samples import decided
from tests.service.api.conftest import WITHIN_S, Service, serving_api

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

ROUTES = (
    "/v1/events",
    "/v1/executions",
    "/v1/decisions/0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c",
    "/v1/stats",
    "/v1/sinks",
)


@asynccontextmanager
async def away(server_dsn: str, dsn: str) -> AsyncGenerator[None]:
    """Nobody gets into the database, and who was in is thrown out."""
    name = conninfo_to_dict(dsn)["dbname"]
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    async with await psycopg.AsyncConnection.connect(server_dsn, autocommit=True) as connection:
        await connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            await connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))


async def until_back(service: Service) -> None:
    async with asyncio.timeout(WITHIN_S):
        answer = await service.get("/v1/events")
        while answer.status_code != 200:
            await asyncio.sleep(0.05)
            answer = await service.get("/v1/events")


async def test_every_route_says_so_and_comes_back(
    server_dsn: str, dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving_api(dsn, tmp_path) as service:
        await service.record([decided(service.gate.stamp)])
        async with away(server_dsn, dsn):
            answers = await asyncio.gather(*(service.get(path) for path in ROUTES))
            nobody = await service.get("/v1/events", {})
            in_memory = await service.get("/v1/policy")
        for answer in answers:
            assert answer.status_code == 503, answer.url
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("database_unavailable", "5")
            assert str(conninfo_to_dict(dsn)["dbname"]) not in answer.text
        assert nobody.status_code == 401
        assert in_memory.status_code == 200
        await until_back(service)
        async with asyncio.timeout(WITHIN_S):
            while not [event for event in await service.events() if isinstance(event, IdentityRefused)]:
                await service.gate.journal.wait_beyond(await service.head_seq(), 0.2)
    assert not [record for record in caplog.records if record.exc_info and record.name.startswith("uvicorn")]
