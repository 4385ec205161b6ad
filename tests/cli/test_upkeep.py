"""Commands of the people who run the service: tables, sinks, schemas."""

from __future__ import annotations

import asyncio
import json

import pytest

from gatetrail.delivery.sink import Start
from gatetrail.events.journal import Entry
from gatetrail_sinks.postgres.cursors import PostgresCursors
from tests.cli.conftest import Gatetrail, Ran
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


NAMED = "sinks: {new: {type: file, path: new.jsonl}, file: {type: file, path: file.jsonl}}"


@pytest.mark.postgres
@pytest.mark.requirement("E10")
def test_sinks_that_only_the_settings_name_are_shown_too(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, allowed())
    (gatetrail.folder / "service.yaml").write_text(NAMED)
    asyncio.run(deliver_three(dsn))
    file, new = gatetrail("sinks", "--json", "--config", "service.yaml").objects
    assert list(file) == list(new)
    assert (new["sink_name"], new["health"], new["cursor_seq"], new["head_seq"]) == ("new", "unowned", None, 2)
    assert gatetrail("sinks", "--config", "service.yaml").out.splitlines()[2].split()[:3] == ["new", "unowned", "-"]


@pytest.mark.postgres
@pytest.mark.requirement("E10")
def test_a_sink_that_is_gone_is_forgotten_and_the_record_says_so(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, [*allowed(), *allowed(), *allowed()])
    asyncio.run(put_aside_the_fourth(dsn))
    assert gatetrail("sinks", "resend", "--sink", "file", "--all", "--no-wait").code == 0
    (gone,) = gatetrail("sinks", "forget", "file", "--json").objects
    assert (gone["sink_name"], gone["cursor_seq"], gone["head_seq"]) == ("file", 4, 6)
    assert (gone["quarantined_count"], gone["open_replay_count"]) == (1, 1)
    assert gatetrail("sinks", "--json").out == ""
    assert gatetrail("sinks", "quarantine").out == ""
    (gap,) = gatetrail("events", "--event", "audit.gap", "--json").objects
    assert (gap["sink_name"], gap["first_missing_seq"], gap["last_missing_seq"]) == ("file", 5, 6)
    assert "removed by command" in gap["reason"]
    assert gatetrail("verify").code == 0
    ran = gatetrail("sinks", "forget", "file")
    assert (ran.code, ran.out, ran.errors) == (2, "", ["no sink 'file' has ever run; none has run yet"])


@pytest.mark.postgres
@pytest.mark.requirement("E10")
def test_a_sink_that_is_driven_or_named_is_not_forgotten(gatetrail: Gatetrail, dsn: str) -> None:
    record(dsn, allowed())
    (gatetrail.folder / "service.yaml").write_text(NAMED)
    asyncio.run(deliver_three(dsn))
    named = gatetrail("sinks", "forget", "file", "--config", "service.yaml")
    assert (named.code, named.out) == (2, "")
    assert "take it out of service.yaml first, or give --force" in named.errors[0]
    driven = asyncio.run(while_driven(gatetrail, dsn))
    assert (driven.code, driven.out) == (2, "")
    assert "a process drives sink file" in driven.errors[0]
    assert [sink["sink_name"] for sink in gatetrail("sinks", "--json").objects] == ["file"]
    assert gatetrail("events", "--event", "audit.gap", "--json").out == ""
    assert gatetrail("sinks", "forget", "file", "--config", "service.yaml", "--force").code == 0


async def put_aside_the_fourth(dsn: str) -> None:
    await deliver_three(dsn)
    cursors = PostgresCursors(dsn)
    await cursors.acquire("file", Start.BEGINNING)
    await cursors.quarantine("file", Entry(4, "tool_call.completed", b"{}"), "413")
    await cursors.close()


async def while_driven(gatetrail: Gatetrail, dsn: str) -> Ran:
    cursors = PostgresCursors(dsn)
    assert await cursors.acquire("file", Start.BEGINNING) is not None
    ran = await asyncio.to_thread(gatetrail, "sinks", "forget", "file", "--force")
    await cursors.close()
    return ran


@pytest.mark.requirement("E4")
def test_what_prints_data_prints_json_too(offline: Gatetrail) -> None:
    (minted,) = offline("token", "mint", "--user", "ann", "--tier", "user", "--ttl", "15m", "--json").objects
    assert (minted["user_id"], minted["tier"], minted["ttl_s"]) == ("ann", "user", 900)
    assert minted["token"].count(".") == 2
    paths = offline("schema", "export", "out", "--json").objects
    assert {"path": "out/event.schema.json"} in paths
    assert offline("schema", "check", "--json").objects == [{"ok": True, "drifted": []}]


@pytest.mark.postgres
def test_the_end_of_a_replay_is_told_in_json_too(gatetrail: Gatetrail) -> None:
    ran = gatetrail("sinks", "cancel", "7", "--json")
    assert (ran.code, ran.objects) == (1, [{"replay_id": 7, "cancelled": False}])


@pytest.mark.requirement("E8")
def test_exported_schemas_are_json_and_those_that_ship_fit(offline: Gatetrail) -> None:
    paths = offline("schema", "export", "out").out.splitlines()
    assert {"out/event.schema.json", "out/policy.schema.json", "out/service.schema.json"} <= set(paths)
    assert "out/events/tool_call.decided.schema.json" in paths
    assert all("$schema" in json.loads((offline.folder / path).read_bytes()) for path in paths)
    assert offline("schema", "check").code == 0
