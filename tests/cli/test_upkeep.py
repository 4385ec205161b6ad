"""Commands of the people who run the service: tables, sinks, schemas."""

from __future__ import annotations

import asyncio
import json

import pytest

from gatetrail.delivery.sink import Start
from gatetrail_sinks.postgres.cursors import PostgresCursors
from tests.cli.conftest import Gatetrail
from tests.cli.recorded import allowed, record


@pytest.mark.postgres
def test_migrate_names_what_it_applied_and_then_has_nothing_to_do(gatetrail: Gatetrail) -> None:
    first = gatetrail("migrate")
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == sorted(first.out.splitlines())
    assert first.out.startswith("0001_journal.sql\n")
    second = gatetrail("migrate")
    assert (second.code, second.out, second.err) == (0, "", "The database is up to date.\n")


@pytest.mark.postgres
@pytest.mark.requirement("E10")
def test_sinks_shows_how_far_behind_each_one_is(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), *allowed()])
    asyncio.run(deliver_three(dsn))
    (sink,) = gatetrail("sinks", "--json").objects
    assert (sink["sink_name"], sink["cursor_seq"], sink["head_seq"], sink["lag"]) == ("file", 3, 4, 1)
    assert (sink["exported_count"], sink["last_error"], sink["health"]) == (3, "disk full", "unowned")
    heading, row = gatetrail("sinks").out.splitlines()
    assert heading.startswith("sink health  cursor lag exported quarantined")
    assert row.split()[:6] == ["file", "unowned", "3", "1", "3", "0"]
    assert row.endswith("disk full")


async def deliver_three(dsn: str) -> None:
    cursors = PostgresCursors(dsn)
    assert await cursors.acquire("file", Start.BEGINNING) == 0
    await cursors.advance("file", 3, 3)
    await cursors.fail("file", "disk full")
    await cursors.close()


@pytest.mark.postgres
def test_without_any_sink_it_is_said_what_to_do(gatetrail: Gatetrail) -> None:
    ran = gatetrail("sinks")
    assert (ran.code, ran.out) == (0, "")
    assert "service.yaml" in ran.err


@pytest.mark.requirement("E8")
def test_exported_schemas_are_json_and_those_that_ship_fit(offline: Gatetrail) -> None:
    paths = offline("schema", "export", "out").out.splitlines()
    assert {"out/event.schema.json", "out/policy.schema.json", "out/service.schema.json"} <= set(paths)
    assert "out/events/tool_call.decided.schema.json" in paths
    assert all("$schema" in json.loads((offline.folder / path).read_bytes()) for path in paths)
    assert offline("schema", "check").code == 0
