"""Policies and calls, made up; and what a real dispatcher records of the calls under a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from hypothesis import strategies as st

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Admitted, Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.journal import Entry
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.caller import Anonymous, Authenticated, AuthMethod, Caller, IdentityRefusal, Refused
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import version_of
from gatetrail.policy.model import Policy, PolicyDocument
from gatetrail.sessions import Sessions
from gatetrail.testing import ManualClock, MemoryJournal, MemorySessions
from gatetrail.words import ExecutionStatus

TOOLS = ("read", "pay", "export_all", "audit", "nothing")


def user(name: str, tier: Tier = Tier.USER, scopes: Sequence[str] = (), **over: Any) -> Authenticated:
    kind = CallerType(tier.value)
    return Authenticated(
        name, tier, tier, kind, AuthMethod.BEARER, frozenset(scopes), audiences=frozenset({"gatetrail"}), **over
    )


CALLERS: tuple[Caller, ...] = (
    user("ann", scopes=["a"], department="finance"),
    user("bob", scopes=["a", "b"], roles=("analyst",)),
    user("root", Tier.ADMIN),
    user("daemon", Tier.SERVICE, department="people"),
    Anonymous(),
    Refused(IdentityRefusal.TOKEN_EXPIRED, "the token has expired"),
)
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"to": "evil"},
    {"to": "good", "n": 3},
    {"password": "hunter2", "to": "evil"},
)


@dataclass(frozen=True)
class Asked:
    """One call, so long after the one before."""

    after_ms: int
    caller: Caller
    call: Call


requirements = st.fixed_dictionaries(
    {},
    optional={
        "tier": st.sampled_from(["admin", "user", "service", "anonymous"]),
        "scopes": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
        "audience": st.sampled_from(["gatetrail", "elsewhere"]),
        "departments": st.lists(st.sampled_from(["finance", "people"]), max_size=1),
        "data_domains": st.lists(st.sampled_from(["ledger"]), max_size=1),
        "rate_per_s": st.sampled_from([0.5, 1, 3]),
    },
)
entries = st.fixed_dictionaries(
    {"tools": st.sampled_from([["pay"], ["export*"], ["*"]]), "reason": st.just("because")},
    optional={
        "users": st.sampled_from([["ann"], ["bob", "root"]]),
        "departments": st.just(["people"]),
        "data_domains": st.just(["ledger"]),
        "arguments": st.just([{"path": "to", "equals": "evil"}]),
        "shadow": st.booleans(),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> PolicyDocument:
    """A policy that has a chance to deny by each of its gates."""
    blocked = draw(st.lists(entries, max_size=2))
    burst = {"limit": draw(st.sampled_from([3, 6, 60])), "window_ms": draw(st.sampled_from([500, 2_000]))}
    server = draw(requirements)
    return PolicyDocument.model_validate(
        {
            "servers": {
                "finance": {
                    **server,
                    "unlisted": draw(st.sampled_from(["inherit", "deny"])),
                    "tools": draw(
                        st.dictionaries(st.sampled_from(["read", "pay", "exp*", "*"]), requirements, max_size=3)
                    ),
                    "methods": draw(st.sampled_from([[], ["tasks/get"]])),
                }
            },
            "blocklist": [{"id": f"entry-{number}", **entry} for number, entry in enumerate(blocked)],
            "rate_limits": {
                "base_per_s": {"mcp": draw(st.sampled_from([0.5, 1, 2, 50]))},
                "burst_multiplier": draw(st.sampled_from([1, 2, 3])),
            },
            "scanner": {
                "enabled": draw(st.booleans()),
                "caller_burst": burst,
                "anonymous_burst": burst,
                "agents": draw(st.sampled_from([None, ["sqlmap"], ["curl"]])),
                "enumeration": {"names": draw(st.sampled_from([2, 20]))},
                "lockout": {"hits": draw(st.sampled_from([2, 10])), "enabled": draw(st.booleans())},
            },
            "redaction": {"preview_bytes": draw(st.sampled_from([0, 300]))},
        }
    )


@st.composite
def calls(draw: st.DrawFn) -> Asked:
    """One call of somebody."""
    caller = draw(st.sampled_from(CALLERS))
    kind = draw(st.sampled_from([Kind.TOOL] * 6 + [Kind.METHOD, Kind.RESOURCE]))
    address = draw(st.sampled_from(["10.0.0.1", "10.0.0.2"]))
    agent = draw(st.sampled_from([None, "desk/1.0", "curl/8", "sqlmap/1.7"]))
    ids, origin = Ids("a" * 32), Origin(address, agent)
    server = draw(st.sampled_from(["finance"] * 9 + ["nowhere"]))
    if kind is Kind.METHOD:
        call = Call(server, "tasks/get", ids, kind, "tasks/get", {}, origin=origin)
    elif kind is Kind.RESOURCE:
        uri = draw(st.sampled_from(["file:///report.txt", "file:///.env"]))
        call = Call(server, uri, ids, kind, "resources/read", {}, origin=origin)
    else:
        name, arguments = draw(st.sampled_from(TOOLS)), draw(st.sampled_from(ARGUMENTS))
        call = Call(server, name, ids, kind, "tools/call", arguments, known=name != "nothing", origin=origin)
    return Asked(draw(st.sampled_from([0, 1, 100, 500, 1_000, 4_000])), caller, call)


def policy_of(document: PolicyDocument) -> Policy:
    return Policy(document=document, version=version_of(document), source="made-up.yaml")


def record_of(policy: Policy, traffic: Sequence[Asked], folder: Path) -> list[Entry]:
    """The decisions that a real dispatcher records, one for each call."""
    return anyio.run(_record_of, policy, traffic, folder)


async def _record_of(policy: Policy, traffic: Sequence[Asked], folder: Path) -> list[Entry]:
    clock, journal = ManualClock(), MemoryJournal()
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
    spool = Spool(folder, stamp.instance_id)
    ledger = Ledger(journal, spool)
    sessions = Sessions(MemorySessions(), stamp, ledger.commit_or_spool)
    dispatcher = Dispatcher(Gates(policy, GateState()), sessions, ledger, stamp, clock, ids)
    for asked in traffic:
        clock.advance(asked.after_ms / 1000)
        admitted = await dispatcher.admit(asked.call, asked.caller)
        if isinstance(admitted, Admitted):
            await dispatcher.finish(admitted, ExecutionStatus.SUCCESS)
    spool.close()
    entries = await journal.read(0, 1_000_000)
    return [entry for entry in entries if entry.event_name == "tool_call.decided"]
