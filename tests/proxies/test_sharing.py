"""A nonce is good once for all processes, and when nobody can tell, it is not good at all."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from gatetrail.identity.proxies.nonces import KEPT_S, Used
from gatetrail.policy.load import parse_policy
from gatetrail_sinks.postgres import nonces
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.nonces import PostgresNonces
from tests.cli.conftest import Gatetrail, Running, gatetrail
from tests.proxies.stand import KEYS, POLICY, TARGET, WITHIN_S, headers_of, mcp_headers, message_of, standing_by

__all__ = ["gatetrail"]

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("C4")]

SERVER = """
from mcp.server import MCPServer

server = MCPServer("finance")

@server.tool()
def invoice() -> str:
    return "invoice is done"
"""


async def ask(url: str, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        sent = {**mcp_headers("invoice"), **headers}
        return (await http.post(f"{url}{TARGET}", json=message_of("invoice"), headers=sent)).status_code


def start(command: Gatetrail, *arguments: str) -> Running:
    folder = command.folder
    (folder / "finance_server.py").write_text(SERVER)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "edge.key").write_text(KEYS["edge"] + "\n")
    config = {
        "servers": {"finance": {"python": "finance_server:server"}},
        "policy": "policy.yaml",
        "proxy_keys": {"edge": {"from_file": str(folder / "edge.key")}},
    }
    (folder / "service.yaml").write_text(yaml.safe_dump(config))
    return command.start("serve", "--config", "service.yaml", "--port", "0", *arguments)


def address_of(service: Running) -> str:
    lines = service.err.wait_for(lambda lines: any(line.startswith("A token for a caller:") for line in lines))
    found = re.search(r"Listening on (http://\S+)", "\n".join(lines))
    assert found is not None
    return found[1]


@pytest.mark.slow
async def test_a_signature_is_good_once_for_two_processes_and_their_workers(gatetrail: Gatetrail) -> None:
    services = [start(gatetrail), start(gatetrail, "--workers", "2")]
    urls = [await asyncio.to_thread(address_of, service) for service in services]
    for _ in range(5):
        headers = headers_of()
        statuses = await asyncio.gather(*(ask(url, headers) for url in urls * 4))
        assert Counter(statuses) == {200: 1, 401: 7}
    assert [await ask(url, headers_of()) for url in urls] == [200, 200]


@pytest.mark.slow
async def test_a_key_file_that_is_exchanged_counts_without_a_restart(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gatetrail.runtime import proxies
    from gatetrail.settings import FromFile

    monkeypatch.setattr(proxies, "READ_AGAIN_S", 0.0)
    file = tmp_path / "edge.key"
    file.write_text(KEYS["edge"] + "\r\n")
    async with standing_by(dsn, tmp_path / "data", proxy_keys={"edge": FromFile(from_file=file)}) as stand:
        assert (await stand.call(headers_of())).status_code == 200
        file.write_text(KEYS["edge before"])
        assert (await stand.call(headers_of())).status_code == 401
        assert (await stand.call(headers_of(key="edge before"))).status_code == 200
        file.unlink()
        assert (await stand.call(headers_of(key="edge before"))).status_code == 401
        unfit, unread = await stand.refusals()
    assert (unfit.reason_code, unread.reason_code) == ("proxy_signature_invalid", "proxy_unknown")


async def test_what_the_policy_says_of_proxies_is_in_force_at_once(dsn: str, tmp_path: Path) -> None:
    without = POLICY.replace("name: edge, networks: [127.0.0.1]", "name: edge, networks: [10.1.1.1]")
    async with standing_by(dsn, tmp_path) as stand:
        assert (await stand.call(headers_of())).status_code == 200
        await stand.gate.adopt(parse_policy(without, "policy.yaml"))
        assert (await stand.call(headers_of())).status_code == 401
        await stand.gate.adopt(parse_policy("servers: {finance: {tier: mcp}}", "policy.yaml"))
        assert (await stand.call(headers_of())).json()["error"]["code"] == -32602
        refused = await stand.refusals()
    assert [one.reason_code for one in refused] == ["proxy_unknown", "identity_headers_forged"]


async def test_while_the_store_is_away_nobody_is_let_in(dsn: str, tmp_path: Path) -> None:
    async with standing_by(dsn, tmp_path) as stand:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ALTER TABLE proxy_nonces RENAME TO proxy_nonces_away")
            answer = await stand.call(headers_of())
            api = await stand.inside.get(f"{stand.url}/v1/stats", headers=headers_of(method="GET", target="/v1/stats"))
            connection.execute("ALTER TABLE proxy_nonces_away RENAME TO proxy_nonces")
        assert (answer.status_code, api.status_code) == (503, 503)
        assert api.json()["code"] == "proxy_nonces_away"
        assert [one.reason_code for one in await stand.refusals()] == ["proxy_nonces_away", "proxy_nonces_away"]
        assert stand.ran == []
        assert (await stand.call(headers_of())).status_code == 200


async def test_a_store_that_hangs_is_not_waited_for(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces, "LIMIT_S", 0.3)
    async with standing_by(dsn, tmp_path) as stand:
        with psycopg.connect(dsn) as connection:
            connection.execute("LOCK TABLE proxy_nonces IN ACCESS EXCLUSIVE MODE")
            answer = await stand.call(headers_of())
        assert answer.status_code == 503
        assert (await stand.call(headers_of())).status_code == 200


async def test_what_was_signed_before_a_crash_of_the_database_is_not_taken_after_it(dsn: str, tmp_path: Path) -> None:
    """A crash empties an unlogged table (PostgreSQL manual, CREATE TABLE, UNLOGGED)."""
    policy = POLICY.replace("name: edge,", "name: edge, window_s: 1,")
    async with standing_by(dsn, tmp_path, policy) as stand:
        used = headers_of()
        assert (await stand.call(used)).status_code == 200
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("TRUNCATE proxy_nonces")
        assert (await stand.call(used)).status_code in {401, 503}
        async with asyncio.timeout(WITHIN_S):
            status = 503
            while status == 503:
                status = (await stand.call(headers_of())).status_code
                await asyncio.sleep(0.1)
        assert stand.ran == ["invoice", "invoice"]


async def test_the_store_forgets_what_can_be_used_no_more_and_nothing_else(dsn: str) -> None:
    await migrate(dsn)
    async with open_pool(dsn) as pool:
        store = PostgresNonces(dsn, pool)
        assert await store.use("edge", "one", 0) is Used.FIRST
        assert await store.use("edge", "two", 0) is Used.FIRST
        with psycopg.connect(dsn, autocommit=True) as connection:
            age = "UPDATE proxy_nonces SET used_at = used_at - make_interval(secs => %s) WHERE digest = %s"
            connection.execute(age, (KEPT_S + 1, nonces.digest("edge", "one")))
            connection.execute(age, (KEPT_S - 60, nonces.digest("edge", "two")))
            await store.sweep_now()
            (count,) = connection.execute("SELECT count(*) FROM proxy_nonces").fetchone() or (0,)
        assert count == 2, "one nonce, and the row that tells since when they are known"
        assert await store.use("edge", "two", 0) is Used.AGAIN


async def test_a_database_that_is_not_there_is_told_as_away(dsn: str) -> None:
    gone = make_conninfo(dsn, host="127.0.0.1", port="1")
    async with open_pool(gone) as pool:
        with pytest.raises(Exception, match="PostgreSQL") as found:
            await PostgresNonces(gone, pool).use("edge", "one", 0)
    assert getattr(found.value, "code", None) == "database_unavailable"
