"""Who may use a session, by what it was opened with."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gatetrail.clock import IdMaker
from gatetrail.events.fields import Record
from gatetrail.events.model import SessionEnded, SessionStarted
from gatetrail.events.stamp import Stamp
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.sessions import Sessions
from gatetrail.testing import ManualClock, MemorySessions

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3")]

ANN = Authenticated(
    user_id="ann",
    tier=Tier.USER,
    token_tier=Tier.USER,
    caller_type=CallerType.USER,
    auth_method=AuthMethod.BEARER,
    department="finance",
    client_id="agent",
    issuer="https://here.example",
)


class Process:
    """What one process knows of the sessions in a store."""

    def __init__(self, store: MemorySessions) -> None:
        clock = ManualClock()
        ids = IdMaker(clock)
        self.events: list[Record] = []
        stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
        self.sessions = Sessions(store, stamp, self.record)

    async def record(self, event: Record) -> None:
        self.events.append(event)

    async def refusal(self, caller: Caller, session_id: str = "s") -> IdentityRefusal | None:
        bound = await self.sessions.bind(caller, session_id)
        return bound.reason_code if isinstance(bound, Refused) else None


@pytest.fixture
def processes() -> tuple[Process, Process]:
    store = MemorySessions()
    return Process(store), Process(store)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(ANN, user_id="mallory"), IdentityRefusal.SESSION_OF_ANOTHER_USER),
        (replace(ANN, issuer="https://there.example"), IdentityRefusal.SESSION_OF_ANOTHER_USER),
        (replace(ANN, department="sales"), IdentityRefusal.SESSION_OF_ANOTHER_DEPARTMENT),
        (replace(ANN, department=None), IdentityRefusal.SESSION_OF_ANOTHER_DEPARTMENT),
        (Anonymous(), IdentityRefusal.SESSION_OF_ANOTHER_USER),
        (replace(ANN, session_id="s"), None),
        (ANN, None),
    ],
)
async def test_a_token_that_is_swapped_inside_a_session_is_refused_in_every_process(
    processes: tuple[Process, Process], other: Authenticated | Anonymous, reason: IdentityRefusal | None
) -> None:
    first, second = processes
    assert await first.refusal(ANN) is None
    for process in processes:
        assert await process.refusal(other) is reason
    assert [type(event) for event in first.events] == [SessionStarted]
    assert second.events == [], "opened once"


async def test_a_session_that_names_nobody_is_of_nobody_who_has_a_name(processes: tuple[Process, Process]) -> None:
    first, second = processes
    assert await first.refusal(Anonymous()) is None
    assert await second.refusal(Anonymous()) is None
    assert await second.refusal(ANN) is IdentityRefusal.SESSION_OF_ANOTHER_USER


@pytest.mark.parametrize(("opened", "presented", "counts"), [("user", "admin", "user"), ("admin", "user", "user")])
async def test_the_lower_tier_of_session_and_token_counts_also_elsewhere(
    processes: tuple[Process, Process], opened: str, presented: str, counts: str
) -> None:
    await processes[0].sessions.bind(replace(ANN, tier=Tier(opened), token_tier=Tier(opened)), "s")
    for process in processes:
        bound = await process.sessions.bind(replace(ANN, tier=Tier(presented), token_tier=Tier(presented)), "s")
        assert isinstance(bound, Authenticated)
        assert bound.tier is Tier(counts)


async def test_an_ended_session_is_refused_where_its_end_was_heard_of_and_where_it_was_not_known(
    processes: tuple[Process, Process],
) -> None:
    first, second = processes
    await first.sessions.bind(ANN, "s")
    await second.sessions.bind(ANN, "s")
    assert await first.sessions.end("s", "enough")
    assert not await first.sessions.end("s", "again")
    assert [event.reason for event in first.events if isinstance(event, SessionEnded)] == ["enough"]
    assert await first.refusal(ANN) is IdentityRefusal.SESSION_ENDED
    assert await first.refusal(replace(ANN, user_id="mallory")) is IdentityRefusal.SESSION_OF_ANOTHER_USER
    assert await second.refusal(ANN) is None, "nobody has told it yet"
    left: list[str] = []
    second.sessions.when_ended.append(left.append)
    second.sessions.forget("s")
    assert left == ["s"]
    assert await second.refusal(ANN) is IdentityRefusal.SESSION_ENDED


async def test_what_was_read_just_before_an_end_is_not_taken_for_open(processes: tuple[Process, Process]) -> None:
    first, second = processes
    await first.sessions.bind(ANN, "s")
    second.sessions.forget("s")  # the notice overtakes what the store has said
    assert await second.refusal(ANN) is IdentityRefusal.SESSION_ENDED


async def test_use_is_noted_once_for_the_store(processes: tuple[Process, Process]) -> None:
    sessions = processes[0].sessions
    await sessions.bind(replace(ANN, session_id="claim"), "s")
    await sessions.bind(ANN, "s")
    assert {*sessions.take_used()} == {"claim", "s"}
    assert {*sessions.take_used()} == set()


async def test_use_that_the_store_was_not_told_of_is_told_the_next_time(processes: tuple[Process, Process]) -> None:
    sessions = processes[0].sessions
    await sessions.bind(ANN, "s")
    sessions.not_noted(sessions.take_used())
    await sessions.bind(ANN, "t")
    assert {*sessions.take_used()} == {"s", "t"}


@pytest.mark.parametrize("order", [("admin", "user"), ("user", "admin")])
async def test_of_two_tiers_at_once_one_is_the_sessions_in_every_process_and_for_good(
    processes: tuple[Process, Process], order: tuple[str, str]
) -> None:
    callers = [replace(ANN, tier=Tier(tier), token_tier=Tier(tier)) for tier in order]
    await asyncio.gather(*(one.sessions.bind(who, "s") for one, who in zip(processes, callers, strict=True)))
    admin = replace(ANN, tier=Tier.ADMIN, token_tier=Tier.ADMIN)
    bound = [await one.sessions.bind(admin, "s") for one in (*processes, *processes)]
    assert len({one.tier for one in bound if isinstance(one, Authenticated)}) == 1
    assert len([one for process in processes for one in process.events]) == 1, "it was opened once"
