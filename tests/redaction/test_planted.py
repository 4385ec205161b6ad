"""No secret that is planted anywhere in a call comes out anywhere: journal, file, session store, log."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.events.model import AuditSinkFailed, PolicyChanged, ToolCallDecided
from gatetrail.gates.decision import Deny
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.mcp import reports
from gatetrail.policy.redaction import Shape
from gatetrail.words import Level, ReasonCode
from gatetrail_sinks.file import FileSettings, FileSink
from tests.redaction.secrets import ALNUM, PLANTED, Planted, any_secret, random_text
from tests.redaction.stage import Stage, listening

pytestmark = pytest.mark.requirement("F3")

ACTIONS = ("mask", "hash", "drop")
PADS = ("", " ", "x ", "ü🦊 ", "-- " * 40, "y" * 118 + " ", "z" * 236 + " ", "\x00\x1b[31m\ud800 ", 'a "quoted" \\ ')


def policy(action: str, preview_bytes: int = 768, sensitive: str = "keep") -> str:
    classes = f"{{secret: {action}, sensitive: {sensitive}}}"
    return f"{{preview_bytes: {preview_bytes}, classes: {classes}, shapes: {{payment_card: {action}}}}}"


def caller_with(**over: Any) -> Authenticated:
    keys: dict[str, Any] = {"user_id": "ann", "tier": Tier.USER, "token_tier": Tier.USER, **over}
    return Authenticated(caller_type=CallerType.USER, auth_method=AuthMethod.EMBEDDED, **keys)


def call_with(**over: Any) -> Call:
    keys: dict[str, Any] = {"server_name": "finance", "tool_name": "get", "ids": Ids("a" * 32), **over}
    return Call(**keys)


ANN = caller_with()
IN_CALLS: Mapping[str, Callable[[str], tuple[Call, Caller]]] = {
    "an argument": lambda text: (call_with(arguments={"note": text, "n": 1}), ANN),
    "a nested argument": lambda text: (call_with(arguments={"a": [{"b": ["c", {"d": text}]}]}), ANN),
    "the name of an argument": lambda text: (call_with(arguments={"a": {text: 1}}), ANN),
    "a denied tool's argument": lambda text: (call_with(tool_name="closed", arguments={"note": text}), ANN),
    "the tool": lambda text: (call_with(tool_name=text), ANN),
    "a denied tool": lambda text: (call_with(tool_name=f"closed {text}"), ANN),
    "a resource": lambda text: (call_with(kind=Kind.RESOURCE, tool_name=f"crm://x?{text}"), ANN),
    "the server": lambda text: (call_with(server_name=text), ANN),
    "the method": lambda text: (call_with(kind=Kind.METHOD, method=text), ANN),
    "the user agent": lambda text: (call_with(origin=Origin("10.0.0.1", text, "/mcp")), Anonymous()),
    "the address": lambda text: (call_with(origin=Origin(text, None, None)), Anonymous()),
    "the call's id": lambda text: (call_with(call_id=text), ANN),
    "the session": lambda text: (call_with(ids=Ids("a" * 32, session_id=text)), ANN),
    "the context": lambda text: (call_with(ids=Ids("a" * 32, context_id=text)), ANN),
    "the client": lambda text: (call_with(ids=Ids("a" * 32, client_id=text)), ANN),
    "the task": lambda text: (call_with(ids=Ids("a" * 32, task_id=text)), ANN),
    "the user": lambda text: (call_with(ids=Ids("a" * 32, session_id="s1")), caller_with(user_id=text)),
    "the department": lambda text: (call_with(ids=Ids("a" * 32, session_id="s2")), caller_with(department=text)),
    "a role": lambda text: (call_with(), caller_with(roles=("auditor", text, "clerk"))),
    "a refused user": lambda text: (call_with(), Refused(IdentityRefusal.CLAIM_INVALID, text, text)),
}


async def play(stage: Stage, call: Call, caller: Caller) -> bytes:
    """Everything that is written when the call is made twice: it ends well, and it fails."""

    async def works() -> str:
        return "done"

    async def fails() -> str:
        raise ValueError(repr(call.arguments))

    await stage.dispatcher.dispatch(call, caller, works)
    with contextlib.suppress(ValueError):
        await stage.dispatcher.dispatch(call, caller, fails)
    await stage.dispatcher.dispatch(call, caller, works, lambda _: str(call.tool_name))
    listing = Call(call.server_name, "", call.ids, Kind.LISTING, "tools/list", origin=call.origin)
    await stage.dispatcher.listing(listing, caller, names, Kind.TOOL)
    origin = Origin("10.0.0.1", call.origin.user_agent, call.tool_name)
    knock = reports.Knock("POST", origin, "b" * 32, call.ids.session_id)
    redactor = stage.dispatcher.redactor
    denial = Deny(ReasonCode.PROBE_PATH, f"a probe: {call.tool_name}")
    await stage.dispatcher.report(reports.scanner_detected(stage.stamp, knock, denial, redactor))
    refused = Refused(IdentityRefusal.CLAIM_INVALID, f"wrong: {call.tool_name}", getattr(caller, "user_id", None))
    await stage.dispatcher.report(reports.identity_refused(stage.stamp, knock, refused, AuthMethod.BEARER, redactor))
    stored = orjson.dumps([repr(row) for row in await stage.store.newest(None, 100)])
    return await stage.lines() + stored


async def names() -> list[str]:
    return ["get"]


def assert_absent(planted: Planted, written: bytes, log: list[str]) -> None:
    texts = [written.decode(), written.decode().replace("\\\\", "\\"), *log]
    for piece in planted.pieces():
        for form in (piece, orjson.dumps(piece).decode()[1:-1]):
            assert not any(form in text for text in texts), (planted, form)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    any_secret,
    st.sampled_from(PADS),
    st.sampled_from(PADS),
    st.sampled_from(sorted(IN_CALLS)),
    st.sampled_from(ACTIONS),
)
def test_a_planted_secret_comes_out_nowhere(
    tmp_path: Path, planted: Planted, before: str, after: str, where: str, action: str
) -> None:
    stage = Stage(tmp_path, policy(action))
    call, caller = IN_CALLS[where](f"{before}{planted.text} {after}")
    with listening() as heard:
        written = asyncio.run(play(stage, call, caller))
    assert_absent(planted, written, heard.lines)


@given(any_secret)
def test_the_same_texts_come_out_where_redaction_is_switched_off(tmp_path_factory: Any, planted: Planted) -> None:
    off = ", ".join(f"{shape.value}: keep" for shape in Shape)
    stage = Stage(tmp_path_factory.mktemp("spool"), f"{{preview_bytes: 768, shapes: {{{off}}}}}")
    call, caller = IN_CALLS["an argument"](planted.text)
    asyncio.run(play(stage, call, caller))
    told = stage.journal.events("tool_call.decided")[0]
    assert isinstance(told, ToolCallDecided)
    assert told.arguments_preview is not None
    assert orjson.loads(told.arguments_preview)["note"] == planted.text


NAMES = (
    "password",
    "db-Password",
    "API_KEY",
    "X-Api-Key",
    "clientSecret",
    "access_token",
    "GITHUB_TOKEN",
    "Set-Cookie",
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(NAMES),
    random_text(ALNUM + " ", 16),
    st.integers(10**11, 10**15),
    st.sampled_from(ACTIONS),
)
def test_what_is_named_like_a_secret_comes_out_nowhere_at_any_depth(
    tmp_path: Path, name: str, text: str, number: int, action: str
) -> None:
    stage = Stage(tmp_path, policy(action))
    arguments = {name: text, "a": [{"b": {name: number}}, {name: {"deep": [text]}}], "flag": {name: True}}
    written = asyncio.run(play(stage, call_with(arguments=arguments), ANN)).decode()
    assert text not in written
    assert str(number) not in written


PLACES = """{
  preview_bytes: 768, classes: {secret: %s},
  arguments: [
    {path: customer.iban}, {path: "items[*].card"}, {path: "rows[1]"}, {path: "**.ssn"}, {path: '["a.b"].*'},
    {tools: ["get*"], servers: [fin*], path: Memo}, {tools: ["set*"], path: note},
  ],
  patterns: [{id: employee, pattern: '\\bemp-[0-9]{6}\\b'}, {id: whole, pattern: '^zz[a-z]+$'},
    {id: part, pattern: '(?i)patient (?P<secret>[a-z0-9]{10,})'}],
}"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random_text("abcdefghkmnp23456789", 14), st.sampled_from(ACTIONS))
def test_what_the_policy_names_by_place_or_pattern_comes_out_nowhere(tmp_path: Path, text: str, action: str) -> None:
    stage = Stage(tmp_path, PLACES % action)
    digits = str(abs(hash(text)))[:6].zfill(6)
    arguments = {
        "customer": {"IBAN": text},
        "items": [{"card": text}, {"card": [text]}],
        "rows": ["kept", text],
        "x": {"y": [{"ssn": text}]},
        "a.b": {"any": text},
        "memo": text,
        "note": f"emp-{digits} is Patient {text}",
    }
    user = caller_with(user_id=f"zz{text}".translate(str.maketrans("23456789", "qrstuvwx")))
    written = asyncio.run(play(stage, call_with(arguments=arguments, ids=Ids("a" * 32, session_id="s")), user)).decode()
    assert text not in written
    assert f"emp-{digits}" not in written
    assert user.user_id not in written
    assert "kept" in written


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_secret, any_secret)
def test_equal_values_hash_equally_and_different_ones_differently(tmp_path: Path, one: Planted, other: Planted) -> None:
    redactor = Stage(tmp_path, policy("hash")).dispatcher.redactor

    def hashes(planted: Planted) -> list[str]:
        in_argument = redactor.preview(call_with(arguments={"password": planted.secret})) or ""
        in_text = redactor.texts({"user_id": planted.text, "tool_name": planted.text})
        return re.findall("hmac:[0-9a-f]{32}", in_argument + str(in_text["user_id"]) + str(in_text["tool_name"]))

    assert hashes(one) == hashes(one)
    assert len(hashes(one)) == 3
    assert hashes(one)[1] == hashes(one)[2]
    if one.secret != other.secret:
        assert not set(hashes(one)) & set(hashes(other))


one_of_each = st.tuples(*PLANTED.values())


@settings(max_examples=2)
@given(one_of_each)
def test_a_file_holds_no_secret_of_any_shape(tmp_path_factory: Any, planted: Sequence[Planted]) -> None:
    folder = tmp_path_factory.mktemp("file")
    stage = Stage(folder / "spool", policy("mask"))

    async def fill() -> None:
        for one in planted:
            for plant in IN_CALLS.values():
                await play(stage, *plant(f"{one.text} "))
        sink = FileSink("file", FileSettings(path=folder / "audit.jsonl"))
        await sink.write(await stage.journal.read(0, 1_000_000))
        await sink.close()

    asyncio.run(fill())
    written = (folder / "audit.jsonl").read_bytes()
    for one in planted:
        assert_absent(one, written, [])
    assert written.count(b"[redacted:") > 100


@settings(max_examples=1)
@given(one_of_each)
def test_the_spool_and_the_log_hold_no_secret_while_the_journal_is_away(
    tmp_path_factory: Any, planted: Sequence[Planted]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    stage = Stage(folder, policy("mask"))
    stage.journal.away = True

    async def fill() -> None:
        for one in planted:
            for plant in IN_CALLS.values():
                await stage.dispatcher.admit(*plant(f"{one.text} "))

    with listening() as heard:
        asyncio.run(fill())
    spooled = b"".join(path.read_bytes() for path in folder.iterdir())
    assert spooled.count(b"\n") >= len(planted) * len(IN_CALLS)
    assert heard.lines
    for one in planted:
        assert_absent(one, spooled, heard.lines)


@given(any_secret, st.sampled_from(ACTIONS))
def test_what_is_recorded_beside_calls_holds_no_secret(tmp_path_factory: Any, planted: Planted, action: str) -> None:
    stage = Stage(tmp_path_factory.mktemp("spool"), policy(action))
    reason = f"cannot log in: {planted.text} "[:500]
    message = stage.stamp(Level.CRITICAL, "a sink takes no events")
    failed = AuditSinkFailed(**message, sink_name="siem", cursor_seq=0, reason=reason)
    asyncio.run(stage.ledger.commit_or_spool(failed))
    told = stage.stamp(Level.NOTICE, "another policy is in force")
    changed = PolicyChanged(**told, policy_version="1", policy_source="p", changes=("one", reason))
    asyncio.run(stage.ledger.commit_or_spool(changed))
    assert_absent(planted, asyncio.run(stage.lines()), [])
    assert len(stage.journal.events("audit.sink_failed")) == 1
