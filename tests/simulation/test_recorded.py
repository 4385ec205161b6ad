"""A recorded decision is read as what it was made of, whatever its caller chose to name things."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp_types.methods import SPEC_CLIENT_NOTIFICATION_METHODS

from gatetrail.call import Call, Ids, Kind
from gatetrail.events.executions import AGENT_METHOD
from gatetrail.mcp import handlers, listings
from gatetrail.policy.hooks import HookMoment
from gatetrail.policy.load import parse_policy
from gatetrail.simulation.recorded import KINDS, LISTINGS, kind_of, recorded
from gatetrail.simulation.simulator import Change, Simulator
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
