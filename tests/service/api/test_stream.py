"""`/v1/events/stream`: new events over HTTP as they come."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from gatetrail.events.journal import Entry
from gatetrail.events.own import as_owner_sees
from gatetrail.feed import Subscription
from gatetrail.identity.restrictions import Restriction, RestrictionKind
from gatetrail.identity.tiers import Tier
from gatetrail.runtime.application import READER_CONNECTIONS
from gatetrail.settings import StreamSettings
from gatetrail_sinks.postgres.restrictions import PostgresRestrictions
from tests.delivery.driving import until
from tests.require import require_or_skip
from tests.samples import completed, decided
from tests.service.api.conftest import POLICY, WITHIN_S, Service, serving_api
from tests.service.raw_clients import abort, raw_client

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("E3", "E13")]

STREAM = "/v1/events/stream"
HEARTBEAT_S = 0.2


@pytest.fixture(scope="module")
async def service(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service with quick heartbeats, three streams for each user, and a second's leeway for clocks."""
    stream = StreamSettings(gather_ms=0, user_limit=3, heartbeat_s=HEARTBEAT_S, page_events=5)
    policy = POLICY + "identity: {leeway_s: 1}\n"
    async with serving_api(module_dsn, tmp_path_factory.mktemp("service"), policy, stream=stream) as running:
        yield running


class Listener:
    """Reads frames: the id and the data of each."""

    def __init__(self, answer: httpx.Response) -> None:
        self.headers = answer.headers
        self._lines = answer.aiter_lines()

    async def take(self, count: int) -> list[tuple[int, bytes]]:
        async with asyncio.timeout(WITHIN_S):
            return [await anext(self._frames()) for _ in range(count)]

    async def rest(self) -> list[tuple[int, bytes]]:
        async with asyncio.timeout(WITHIN_S):
            return [frame async for frame in self._frames()]

    async def heartbeat(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            while await anext(self._lines) != ": heartbeat":
                pass

    async def _frames(self) -> AsyncGenerator[tuple[int, bytes]]:
        seq = 0
        async for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "id":
                seq = int(value)
            elif field == "data":
                yield seq, value.encode()


@asynccontextmanager
async def listening(service: Service, headers: dict[str, str] | None = None, **params: Any) -> AsyncGenerator[Listener]:
    chosen = service.as_auditor() if headers is None else headers
    async with service.http.stream("GET", STREAM, params=params, headers=chosen) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Listener(answer)


def frames(entries: Sequence[Entry]) -> list[tuple[int, bytes]]:
    return [(entry.seq, entry.line) for entry in entries]


def own_frames(entries: Sequence[Entry]) -> list[tuple[int, bytes]]:
    """As who may only see his own is shown them."""
    return frames([as_owner_sees(entry) for entry in entries])


async def test_what_fits_comes_as_the_journal_has_it(service: Service) -> None:
    stamp = service.gate.stamp
    async with (
        listening(service, event="tool_call.*") as all_calls,
        listening(service, tool="EXPORT_*", decision="deny") as denied_exports,
        listening(service, service.as_user("bob")) as own,
    ):
        for listener in (all_calls, denied_exports, own):
            await listener.heartbeat()
        entries = await service.record(
            [
                decided(stamp, tool_name="export_ledger", denied=True),
                decided(stamp, tool_name="export_ledger", user_id="bob"),
                decided(stamp, tool_name="get_invoice", denied=True),
                decided(stamp, tool_name="EXPORT_ALL", denied=True, user_id="bob"),
                decided(stamp, user_id="bob"),
            ]
        )
        assert await all_calls.take(5) == frames(entries)
        assert await denied_exports.take(2) == frames([entries[0], entries[3]])
        assert await own.take(2) == own_frames([entries[1], entries[4]])
        assert own.headers["content-type"].startswith("text/event-stream")
        assert own.headers["cache-control"] == "no-store, no-transform"
        assert own.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize("by_header", [False, True])
async def test_who_comes_back_has_every_event_once(service: Service, by_header: bool) -> None:
    stamp = service.gate.stamp
    before = await service.head_seq()
    old = await service.record([decided(stamp, user_id="kim" if index % 3 else "lea") for index in range(40)])
    wanted = [entry for entry in old if b'"kim"' in entry.line]
    found: list[tuple[int, bytes]] = []
    position = before
    while len(found) < len(wanted):
        headers = service.as_auditor() | ({"Last-Event-ID": str(position)} if by_header else {})
        params = {"after": 0 if by_header else position}
        async with listening(service, headers, user="kim", **params) as listener:
            found += await listener.take(min(7, len(wanted) - len(found)))
            position = found[-1][0]
    assert found == frames(wanted)
    async with listening(service, user="kim", after=position) as listener:
        (new,) = await service.record([decided(stamp, user_id="kim")])
        assert await listener.take(1) == frames([new])


async def test_old_events_are_picked_out_by_the_database(service: Service) -> None:
    stamp = service.gate.stamp
    (wanted,) = await service.record([decided(stamp, user_id="rare")])
    await service.record([decided(stamp) for _ in range(30)])
    async with listening(service, service.as_user("rare"), after=0) as listener:
        assert (await listener.take(1)) == own_frames([wanted])
        (new,) = await service.record([decided(stamp, user_id="rare")])
        assert await listener.take(1) == own_frames([new])


@pytest.mark.requirement("C2")
async def test_what_was_hidden_from_a_caller_is_in_no_stream_and_in_no_trace(service: Service) -> None:
    stamp, before = service.gate.stamp, await service.head_seq()
    traced: dict[str, Any] = {"user_id": "hal", "trace_id": "c0ffee00" * 4}
    hidden, passed = decided(stamp, denied=True, tool_name="pay", **traced), decided(stamp, **traced)
    _, seen = await service.record([hidden, passed])
    mine = service.as_user("hal")
    async with listening(service, mine, after=before) as listener:
        assert await listener.take(1) == own_frames([seen])
        await listener.heartbeat()
        _, new = await service.record([decided(stamp, denied=True, user_id="hal"), decided(stamp, user_id="hal")])
        assert await listener.take(1) == own_frames([new])
    trace = (await service.get(f"/v1/decisions/{passed.execution_id}", mine)).json()["trace"]
    assert [event["execution_id"] for event in trace] == [passed.execution_id]
    assert (await service.get("/v1/executions", mine, gate="scope")).json()["executions"] == []


@pytest.mark.requirement("C2", "D7")
async def test_what_is_only_tried_is_in_no_stream_of_who_it_would_meet(service: Service) -> None:
    before = await service.head_seq()
    tried = decided(service.gate.stamp, user_id="kim", shadow_gate="blocklist", shadow_rule_id="books")
    (entry,) = await service.record([tried])
    async with listening(service, service.as_user("kim"), after=before) as listener:
        assert await listener.take(1) == own_frames([entry])
    async with listening(service, service.as_auditor(), after=before, user="kim") as listener:
        assert await listener.take(1) == frames([entry])
    assert b"books" in entry.line
    assert b"books" not in as_owner_sees(entry).line


async def test_a_hole_is_told_to_who_resumes(dsn: str, tmp_path: Path) -> None:
    async with serving_api(dsn, tmp_path, POLICY) as service:
        entries = await service.record([decided(service.gate.stamp) for _ in range(10)])
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute("ALTER TABLE audit_events DISABLE TRIGGER ALL")
            await connection.execute(
                "DELETE FROM audit_events WHERE seq BETWEEN %s AND %s", (entries[2].seq, entries[4].seq)
            )
        async with listening(service, user="ann", after=entries[0].seq) as listener:
            second, gap, *later = await listener.take(7)
        assert [second, *later] == frames([entries[1], *entries[5:]])
        assert b'"event_name":"audit.gap"' in gap[1]
        assert b'"first_missing_seq":%d' % entries[2].seq in gap[1]
        assert b'"last_missing_seq":%d' % entries[4].seq in gap[1]


async def test_it_ends_when_the_token_is_no_longer_accepted_and_not_before(service: Service) -> None:
    headers = service.as_user("tim", ttl_s=2)
    async with listening(service, headers) as listener:
        (entry,) = await service.record([decided(service.gate.stamp, user_id="tim")])
        assert (await listener.rest())[-1:] == own_frames([entry])
    refused = await service.get(STREAM, headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")
    assert await service.listeners(service.as_user("tim")) == 0


async def restrict(service: Service, kind: RestrictionKind, user_id: str, tier: Tier | None = None) -> None:
    store = PostgresRestrictions(service.dsn, service.gate.recording.pool)
    await store.put(Restriction(kind, None, user_id, None, tier, "left", "eve", 0.0), 3600.0)


async def test_it_ends_soon_when_the_token_is_revoked_and_opens_no_more(service: Service) -> None:
    headers = service.as_user("rex")
    async with listening(service, headers) as listener, listening(service, service.as_user("ted")) as other:
        await listener.heartbeat()
        await restrict(service, RestrictionKind.USER_REVOKED, "rex")
        assert await listener.rest() == []
        (entry,) = await service.record([decided(service.gate.stamp, user_id="ted")])
        assert await other.take(1) == own_frames([entry])
    refused = await service.get(STREAM, headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_revoked")
    await service.until_listeners(0)


async def test_who_no_longer_sees_everything_is_shown_it_no_more(service: Service) -> None:
    headers = service.as_user("ines", Tier.ADMIN)
    async with listening(service, headers) as listener:
        (entry,) = await service.record([decided(service.gate.stamp)])
        assert await listener.take(1) == frames([entry])
        await restrict(service, RestrictionKind.TIER_LIMITED, "ines", Tier.USER)
        assert await listener.rest() == []
    async with listening(service, headers) as listener:
        (_, own) = await service.record([decided(service.gate.stamp), decided(service.gate.stamp, user_id="ines")])
        assert await listener.take(1) == own_frames([own])


async def test_a_user_with_too_many_is_told_when_to_come_back(service: Service) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(listening(service, service.as_user("max")))
        before = await service.metric("stream_refused_total")
        refused = await service.get(STREAM, service.as_user("max"))
        assert (refused.status_code, refused.json()["code"]) == (429, "feed_full")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        assert await service.metric("stream_refused_total") == before + 1
        assert await service.listeners(service.as_user("max")) == 3
        async with listening(service, service.as_user("mia")):
            pass
    await service.until_listeners(0)
    async with listening(service, service.as_user("max")):
        pass


VANISHING = 1_000
AT_ONCE = 100
WORDS = ("tool=get_*&decision=allow", "event=tool_call.*&after=0", "gate=none&since=1h", "user=USER&after=1", "")


async def test_a_thousand_clients_that_vanish_leave_nothing_behind(service: Service) -> None:
    stamp = service.gate.stamp
    await service.until_listeners(0)
    tokens = [(user, f"Bearer {service.token(user)}") for user in (f"gone-{index}" for index in range(AT_ONCE // 2))]
    tasks_before, files_before = len(asyncio.all_tasks()), open_files()
    for number in range(VANISHING // AT_ONCE):
        paths = [f"{STREAM}?{WORDS[(index + number) % len(WORDS)]}" for index in range(AT_ONCE)]
        clients = [
            await raw_client(service.url, path.replace("USER", user), Authorization=token)
            for path, (user, token) in zip(paths, tokens * 2, strict=True)
        ]
        await service.record([decided(stamp, user_id=user) for user, _ in tokens[:5]])
        await service.until_listeners(AT_ONCE)
        for client in clients:
            abort(client)
        await service.record([decided(stamp, user_id=user) for user, _ in tokens[:5]])
        await service.until_listeners(0)
    await until(lambda: len(asyncio.all_tasks()) <= tasks_before)
    assert open_files() <= files_before + READER_CONNECTIONS
    assert await service.metric("stream_connections") == 0
    gc.collect()
    assert not [found for found in gc.get_objects() if isinstance(found, Subscription)]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- names are enough


@pytest.mark.parametrize("text", ["x", "-1", str(2**63), "1e3"])
async def test_a_position_that_is_none_is_refused(service: Service, text: str) -> None:
    answer = await service.get(STREAM, service.as_auditor() | {"Last-Event-ID": text})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_use")
    assert (await service.get(STREAM, after=text)).status_code == 422


async def test_curl_shows_events_as_they_come(service: Service) -> None:
    curl = shutil.which("curl")
    require_or_skip(curl, "needs curl")
    assert curl is not None
    stamp = service.gate.stamp
    token = f"Authorization: Bearer {service.token('cur')}"
    process = await asyncio.create_subprocess_exec(
        curl, "-sN", "-H", token, service.url + STREAM, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN_S):
            assert (await process.stdout.readline()).startswith(b"retry: ")
            decision = decided(stamp, user_id="cur")
            entries = await service.record([decision, completed(stamp, decision)])
            shown = [await process.stdout.readuntil(as_owner_sees(entry).line + b"\n\n") for entry in entries]
        assert [b"id: %d\n" % entry.seq in text for entry, text in zip(entries, shown, strict=True)] == [True, True]
    finally:
        process.kill()
        await process.wait()
    await service.until_listeners(0)
