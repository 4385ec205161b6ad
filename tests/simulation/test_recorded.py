"""A recorded decision is read as what it was made of, whatever its caller chose to name things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from mcp_types.methods import SPEC_CLIENT_NOTIFICATION_METHODS

from gatetrail.call import Call, Ids, Kind
from gatetrail.events.executions import AGENT_METHOD
from gatetrail.events.journal import Entry
from gatetrail.mcp import handlers, listings
from gatetrail.policy.hooks import HookMoment
from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy
from gatetrail.redaction.marks import Marks
from gatetrail.simulation.doubts import Doubt
from gatetrail.simulation.naming import as_recorded
from gatetrail.simulation.recorded import KINDS, LISTINGS, kind_of, recorded
from gatetrail.simulation.simulator import Change, Outcome, Simulator
from tests.simulation.traffic import Asked, record_of, user

pytestmark = pytest.mark.requirement("D7")

ONCE_A_MINUTE = "rate_limits: {base_per_s: {mcp: 0.017}, burst_multiplier: 1}"
BEFORE = f"servers: {{finance: {{}}}}\n{ONCE_A_MINUTE}"
AFTER = f"{BEFORE}\nblocklist: [{{id: other, tools: [other], reason: something else}}]"


@pytest.mark.parametrize("method", [*[f"hooks/{moment.value}" for moment in HookMoment][1:], "hooks/unreadable"])
def test_a_moment_of_an_agent_that_came_too_often_is_no_call_of_a_method(tmp_path: Path, method: str) -> None:
    moment = Call("finance", method, Ids("a" * 32), Kind.LISTING, method)
    entries = record_of(parse_policy(BEFORE, "before"), [Asked(0, user("ann"), moment)] * 2, tmp_path)
    simulator = Simulator(parse_policy(AFTER, "after"))
    assert [simulator.outcome(recorded(entry.line)).change for entry in entries][1:] == [Change.UNCHANGED]


@pytest.mark.parametrize("method", ["tools/call", AGENT_METHOD])
@pytest.mark.parametrize("name", ["tools/call", "hooks/pre_tool_use", "ping", "notifications/cancelled"])
def test_a_tool_that_is_called_like_a_method_is_a_tool(tmp_path: Path, method: str, name: str) -> None:
    """Who chooses such a name does not get his calls replayed as something that is always allowed."""
    call = Call("finance", name, Ids("a" * 32), method=method)
    entries = record_of(parse_policy(BEFORE, "before"), [Asked(0, user("ann"), call)], tmp_path)
    tried = parse_policy("servers: {finance: {tier: admin}}", "after")
    outcome = Simulator(tried).outcome(recorded(entries[0].line))
    assert (outcome.change, outcome.reason_code) == (Change.NEWLY_DENIED, "tier_too_low")


def test_methods_are_what_the_adapter_takes_them_for() -> None:
    named = handlers.NAMED.keys() - {"completion/complete"}
    assert named == KINDS.keys() - {AGENT_METHOD}
    open_ones = {*listings.LISTINGS, *handlers.OPEN_METHODS, *SPEC_CLIENT_NOTIFICATION_METHODS}
    assert open_ones | {"initialize", "subscriptions/listen"} == LISTINGS
    assert kind_of("notifications/of-my-own", "notifications/of-my-own") is Kind.METHOD
    assert kind_of("tasks/get", "tasks/get") is Kind.METHOD


MARKS = Marks(b"k" * 32)
FOR_DEPARTMENT = "servers: {finance: {departments: [finance]}}"
AGAINST = "servers: {finance: {}}\nblocklist: [{id: one, tools: ['*'], WHO, reason: why}]"
AGAINST_ANN, AGAINST_FINANCE = AGAINST.replace("WHO", "users: [ann]"), AGAINST.replace("WHO", "departments: [finance]")


def hashed(entry: Entry) -> Entry:
    """As redaction writes it that hashes what is sensitive."""
    keys = orjson.loads(entry.line)
    over = {key: MARKS.hashed(keys[key]) for key in ("user_id", "department")}
    return replace(entry, line=orjson.dumps({**keys, **over}))


def dropped(entry: Entry) -> Entry:
    """As redaction writes it that drops what is sensitive: ids stay, as hashes."""
    keys = orjson.loads(entry.line)
    rest = {key: value for key, value in keys.items() if key not in {"department", "src_ip"}}
    return replace(entry, line=orjson.dumps({**rest, "user_id": MARKS.hashed("ann")}))


def outcome_of_anns(folder: Path, tried: Policy, redacted: Callable[[Entry], Entry]) -> Outcome:
    call = Call("finance", "read", Ids("a" * 32))
    (entry,) = record_of(parse_policy(BEFORE, "before"), [Asked(0, user("ann", department="finance"), call)], folder)
    return Simulator(tried).outcome(recorded(redacted(entry).line))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (FOR_DEPARTMENT, Change.UNCHANGED),
        (AGAINST_ANN, Change.NEWLY_DENIED),
        (AGAINST_FINANCE, Change.NEWLY_DENIED),
        (AGAINST.replace("WHO", "users: [bob]"), Change.UNCHANGED),
    ],
)
def test_who_was_hashed_is_found_by_the_key(tmp_path: Path, text: str, change: Change) -> None:
    tried = as_recorded(parse_policy(text, "after"), lambda _, name: (name, MARKS.hashed(name)))
    assert outcome_of_anns(tmp_path, tried, hashed).change is change


@pytest.mark.parametrize("redacted", [hashed, dropped])
@pytest.mark.parametrize(
    ("text", "doubt"),
    [(FOR_DEPARTMENT, Doubt.DEPARTMENT), (AGAINST_ANN, Doubt.USER), (AGAINST_FINANCE, Doubt.DEPARTMENT)],
)
def test_who_was_hashed_by_a_key_or_a_policy_that_is_not_at_hand_is_not_guessed(
    tmp_path: Path, text: str, doubt: Doubt, redacted: Callable[[Entry], Entry]
) -> None:
    tried = as_recorded(parse_policy(text, "after"), lambda _, name: (name,))
    outcome = outcome_of_anns(tmp_path, tried, redacted)
    assert (outcome.change, outcome.doubt) == (Change.CANNOT_BE_TOLD, doubt)
