"""A shadow is on record and nowhere else, and whatever it does the call goes on."""

from __future__ import annotations

import logging
from pathlib import Path

import orjson
import pytest

from gatetrail.call import Call, Ids
from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Admitted, Dispatcher
from gatetrail.dispatcher.denial import denial_text
from gatetrail.dispatcher.execution import Denied
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.journal import Entry
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.events.wire import MAX_LINE_BYTES
from gatetrail.formats.choice import Format, render_of
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.gates.shadow import Shadow
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.redaction import Redaction
from gatetrail.sessions import Sessions
from gatetrail.testing import ManualClock, MemoryJournal, MemorySessions

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("D7")]

ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED, frozenset({"b", "a"}))
PAY = Call("finance", "pay", Ids("a" * 32))
TRIED = "servers: {finance: {tools: {pay: {tier: admin}}}}"


def dispatcher_of(
    journal: MemoryJournal, folder: Path, text: str, tried: str | None = None
) -> tuple[Dispatcher, Ledger]:
    clock, policy = ManualClock(), parse_policy(text, "test")
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
    ledger = Ledger(journal, Spool(folder, stamp.instance_id))
    redaction = Redaction(b"k" * 32, SENSITIVE_KEYS, policy.document.redaction)
    sessions = Sessions(MemorySessions(), stamp, ledger.commit_or_spool, redaction)
    gates = Gates(policy, GateState(), shadow_policy=parse_policy(tried, "tried") if tried else None)
    return Dispatcher(gates, sessions, ledger, stamp, clock, ids), ledger


async def the_only(journal: MemoryJournal) -> Entry:
    (entry,) = [entry for entry in await journal.read(0, 10) if entry.event_name == "tool_call.decided"]
    return entry


async def test_what_would_have_been_denied_is_admitted_and_on_record(tmp_path: Path) -> None:
    journal = MemoryJournal()
    dispatcher, _ = dispatcher_of(journal, tmp_path, "servers: {finance: {}}", TRIED)
    assert isinstance(await dispatcher.admit(PAY, ANN), Admitted)
    keys = orjson.loads((await the_only(journal)).line)
    assert keys["decision"] == "allow"
    assert (keys["shadow_gate"], keys["shadow_reason_code"]) == ("scope", "tier_too_low")
    assert keys["shadow_reason"] == "requires tier admin, caller has user"
    assert keys["shadow_policy_version"] == parse_policy(TRIED, "tried").version
    assert (keys["scopes"], keys["audiences"]) == (["a", "b"], [])


async def test_who_is_denied_is_not_told_that_another_policy_would_let_him(tmp_path: Path) -> None:
    journal = MemoryJournal()
    dispatcher, _ = dispatcher_of(journal, tmp_path, TRIED, "servers: {finance: {}}")
    denied = await dispatcher.admit(PAY, ANN)
    assert isinstance(denied, Denied)
    assert denial_text(denied).startswith("Denied by scope gate: requires tier admin, caller has user (decision ")
    assert orjson.loads((await the_only(journal)).line)["shadow_gate"] == "none"


async def test_a_shadow_that_fails_harms_no_call_is_counted_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(Shadow, "look", fails)
    journal = MemoryJournal()
    dispatcher, ledger = dispatcher_of(journal, tmp_path, "servers: {finance: {}}", TRIED)
    with caplog.at_level(logging.ERROR, "gatetrail.shadow"):
        assert all([isinstance(await dispatcher.admit(PAY, ANN), Admitted) for _ in range(3)])
    assert ledger.counts.shadow_failures == 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert all("shadow_gate" not in orjson.loads(entry.line) for entry in await journal.read(0, 10))


async def test_another_policy_in_force_keeps_what_is_tried_and_another_one_tried_what_is_in_force(
    tmp_path: Path,
) -> None:
    dispatcher, _ = dispatcher_of(MemoryJournal(), tmp_path, "servers: {finance: {}}", TRIED)
    dispatcher.adopt(dispatcher.prepare(parse_policy("servers: {finance: {}, other: {}}", "next")))
    assert dispatcher.gates.shadow_policy == parse_policy(TRIED, "tried")
    dispatcher.adopt(dispatcher.prepare_shadow(None))
    assert dispatcher.gates.policy.source == "next"
    assert not dispatcher.gates.has_shadows


async def test_the_would_be_reason_repeats_nothing_that_is_hidden_and_every_format_has_it(tmp_path: Path) -> None:
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    journal = MemoryJournal()
    dispatcher, _ = dispatcher_of(journal, tmp_path, "servers: {finance: {}}", "servers: {other: {}}")
    await dispatcher.admit(Call(secret, "pay", Ids("a" * 32)), ANN)
    await dispatcher.admit(PAY, ANN)
    lines = [entry.line for entry in await journal.read(0, 10)]
    assert secret.encode() not in b"".join(lines)
    entry = (await journal.read(1, 1))[0]
    assert orjson.loads(entry.line)["shadow_reason_code"] == "unknown_server"
    for chosen in Format:
        assert b"unknown_server" in render_of(chosen)(entry), chosen


async def test_the_longest_line_is_short_enough(tmp_path: Path) -> None:
    journal = MemoryJournal()
    long = "x" * 250
    entry = f'{{id: "{long}", tools: ["*"], reason: "{"r" * 300}"}}'
    dispatcher, _ = dispatcher_of(
        journal,
        tmp_path,
        f"servers: {{finance: {{}}}}\nblocklist: [{entry}]\nredaction: {{preview_bytes: 2000}}",
        f"servers: {{finance: {{shadow: {{tier: user}}}}}}\nblocklist: [{entry.replace('xx', 'yy')}]",
    )
    scopes = frozenset(f"{'s' * 90}{number}" for number in range(50))
    caller = Authenticated(long, Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED, scopes, audiences=scopes)
    call = Call("finance", "é" * 300, Ids("a" * 32, session_id=long, client_id=long), arguments={"a": "b" * 5000})
    await dispatcher.admit(call, caller)
    line = (await the_only(journal)).line
    assert len(line) < MAX_LINE_BYTES
    assert orjson.loads(line)["scopes"][-1] == "…"
