"""Sessions whose ids hold what a policy calls a secret, while policies come and go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatetrail.clock import IdMaker
from gatetrail.events.fields import Record
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.stamp import Stamp
from gatetrail.identity.caller import Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.redaction import PatternRule, RedactionPolicy
from gatetrail.redaction import Redaction
from gatetrail.sessions import Handshake, Sessions
from gatetrail.testing import ManualClock, MemorySessions

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B3")]

ADDRESSES = RedactionPolicy(patterns=(PatternRule(id="address", pattern=r"[a-z]+@[a-z.]+"),))
NUMBERS = RedactionPolicy(patterns=(PatternRule(id="number", pattern="no-[0-9]+"),))
SHAKEN = Handshake("finance", "2025-11-25", "{}")


def caller(user: str, client: str = "agent") -> Authenticated:
    return Authenticated(
        user_id=user,
        tier=Tier.USER,
        token_tier=Tier.USER,
        caller_type=CallerType.USER,
        auth_method=AuthMethod.BEARER,
        client_id=client,
    )


class Process:
    """What one process knows of the sessions in a store."""

    def __init__(self, store: MemorySessions, policy: RedactionPolicy | None = None) -> None:
        clock = ManualClock()
        ids = IdMaker(clock)
        stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
        self.sessions = Sessions(store, stamp, self.record, Redaction(b"k" * 32, SENSITIVE_KEYS, policy))

    async def record(self, event: Record) -> None:
        """Nobody asks."""

    async def refusal(self, who: Caller, session_id: str = "s") -> IdentityRefusal | None:
        bound = await self.sessions.bind(who, session_id)
        return bound.reason_code if isinstance(bound, Refused) else None


async def test_who_tries_a_session_of_another_user_does_not_shut_him_out_of_it() -> None:
    store = MemorySessions()
    ann, mallory = caller("ann@here.example"), caller("mallory")
    assert await Process(store, ADDRESSES).refusal(ann) is None
    elsewhere = Process(store, ADDRESSES)
    assert await elsewhere.refusal(mallory) is IdentityRefusal.SESSION_OF_ANOTHER_USER
    assert await elsewhere.refusal(ann) is None


async def test_another_client_of_the_same_user_does_not_shut_the_first_out() -> None:
    store = MemorySessions()
    first, other = caller("ann", "agent@here.example"), caller("ann", "other")
    assert await Process(store, ADDRESSES).refusal(first) is None
    elsewhere = Process(store, ADDRESSES).sessions
    for who, opened_it in ((other, False), (first, True)):
        found = await elsewhere.find("s", who)
        assert found is not None
        assert (found.client_id == who.client_id) is opened_it


async def test_a_policy_that_finds_a_secret_in_ids_from_now_on_loses_no_session_and_revives_none() -> None:
    store = MemorySessions()
    ann = caller("ann")
    here = Process(store)
    for session_id in ("no-1", "no-2", "no-3"):
        assert await here.refusal(ann, session_id) is None
    await here.sessions.end("no-3", "enough")
    here.sessions.redaction.adopt(NUMBERS)
    await here.sessions.shake_hands("no-1", SHAKEN)
    assert await here.sessions.end("no-2", "enough"), "it is ended where the store has it"
    elsewhere = Process(store, NUMBERS)
    found = await elsewhere.sessions.find("no-1", ann)
    assert found is not None
    assert (found.session_id, found.handshake) == ("no-1", SHAKEN)
    for session_id in ("no-2", "no-3"):
        assert await elsewhere.refusal(ann, session_id) is IdentityRefusal.SESSION_ENDED
    assert await elsewhere.refusal(replace(ann, user_id="mallory"), "no-1") is IdentityRefusal.SESSION_OF_ANOTHER_USER
    assert {*elsewhere.sessions.take_used()} == set()
    assert await elsewhere.refusal(ann, "no-1") is None
    assert {*elsewhere.sessions.take_used()} == {"no-1"}, "as the store has it"
    assert await elsewhere.sessions.end("no-1", "enough")


async def test_an_end_that_another_process_tells_of_is_heard_by_the_stored_id() -> None:
    store = MemorySessions()
    ann = caller("ann")
    here, elsewhere = Process(store, NUMBERS), Process(store, NUMBERS)
    left: list[str] = []
    here.sessions.when_ended.append(left.append)
    assert await here.refusal(ann, "no-1") is None
    assert await elsewhere.sessions.end("no-1", "enough")
    (stored_id,) = [row.session.session_id for row in await store.newest(None, 10)]
    assert stored_id.startswith("hmac:")
    here.sessions.forget(stored_id)
    assert left == ["no-1"]
    assert here.sessions.has_ended("no-1")
    assert await here.refusal(ann, "no-1") is IdentityRefusal.SESSION_ENDED
