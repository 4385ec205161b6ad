"""The whole decision of the four gates, beside the check of a token by PyJWT.

    python -m bench.gates [--json] [--quick]

For an allowed call, one with arguments and a denial by each gate, with 10 and with 10,000 entries in the
blocklist, a third of which look into arguments: median and 99th percentile over 100,000 decisions each.
All contestants take turns within each round.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle

import jwt
import orjson

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.bearer import TokenVerifier, mint
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.blocklist import BlockEntry
from gatetrail.policy.identity import IdentityPolicy
from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy, PolicyDocument
from gatetrail.words import GateName

ROUNDS = 10
DECISIONS = 10_000
USERS, TOOLS = 100, 50
SIZES = (10, 10_000)
SECRET = b"a secret of the benchmark, 32 bytes"
POLICY = """
servers:
  finance:
    scopes: [finance:read]
    departments: [finance]
    data_domains: [ledger]
    tools:
      "get_*": {time_limit_ms: 1000}
      "delete_*": {tier: admin}
      purge_ledger: {tier: user}
  slow: {endpoint: inference}
scanner: {lockout: {enabled: false}}
rate_limits:
  base_per_s: {mcp: 1000000, inference: 0.000001}
blocklist:
  - {id: purge, tools: [purge_ledger], reason: nobody purges}
"""


Parts = dict[str, tuple[object, ...]]


def entries(count: int) -> Iterator[BlockEntry]:
    """Entries of every kind, none of which fits the calls below."""
    for number in range(count):
        shapes: tuple[Parts, ...] = (
            {"tools": (f"drop_table_{number}",)},
            {"tools": (f"wipe_{number}_*",)},
            {"tools": (f"*_secret_{number}",)},
            {"users": (f"left-{number}",)},
            {"tools": ("get_*",), "users": (f"left-{number}",)},
            {"servers": (f"old-{number}",)},
            {"data_domains": (f"domain-{number}",), "departments": (f"department-{number}",)},
            {"tools": (f"*x{number}?y*",), "servers": ("fin*",)},
            {"tools": (f"send_{number}",), "arguments": ({"path": "to", "glob": f"*@{number}.example"},)},
            {"tools": (f"post_{number}_*",), "arguments": ({"pattern": f"drop\\s+table\\s+t{number}"},)},
            {"users": (f"gone-{number}",), "arguments": ({"secrets": True},)},
            {"tools": ("get_*",), "users": (f"gone-{number}",), "arguments": ({"path": "id", "equals": number},)},
        )
        yield BlockEntry.model_validate({"id": f"e{number}", "reason": "closed", **shapes[number % len(shapes)]})


def policy_with(count: int) -> Policy:
    policy = parse_policy(POLICY, "bench")
    blocklist = (*policy.document.blocklist, *entries(count))
    document = PolicyDocument.model_validate({**dict(policy.document), "blocklist": blocklist})
    return Policy(document=document, version=policy.version, source="bench")


def caller(number: int) -> Authenticated:
    return Authenticated(
        f"user-{number}", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER,
        scopes=frozenset({"finance:read"}), department="finance",
        audiences=frozenset({"gatetrail"}),
    )  # fmt: skip


CALLERS = [caller(number) for number in range(USERS)]
AGENT = "python-httpx/0.28.1"


def call(tool: str, server: str = "finance", agent: str = AGENT) -> Call:
    return Call(server, tool, Ids("a" * 32), Kind.TOOL, origin=Origin("10.0.0.7", agent, "/mcp/x"))


ARGUMENTS = {
    "customer": "Müller & Söhne GmbH",
    "lines": [{"text": "consulting; 3 days", "amount": 2400.0}, {"text": "travel", "amount": 312.5}],
    "note": "Please pay within 30 days. " * 8,
    "query": "SELECT id FROM invoices WHERE owner = 'ann' OR owner = 'bob'",
    "path": "reports/2026/q1.csv",
    "draft": False,
}

CALLS: dict[GateName, list[Call]] = {
    GateName.NONE: [call(f"get_invoice_{number}") for number in range(TOOLS)],
    GateName.SCOPE: [call("delete_invoice")],
    GateName.SCANNER: [call("get_invoice", agent="sqlmap/1.8.2#stable (https://sqlmap.org)")],
    GateName.BLOCKLIST: [call("purge_ledger")],
    GateName.RATE_LIMIT: [call("ask", server="slow")],
}


@dataclass
class Contestant:
    """One thing that is measured again and again, with its samples in nanoseconds."""

    name: str
    run: Callable[[], list[int]]
    samples_ns: list[int]

    def percentile_us(self, percent: int) -> float:
        return statistics.quantiles(self.samples_ns, n=100)[percent - 1] / 1000


def decisions(gates: Gates, gate: GateName, arguments: Mapping[str, object] | None = None) -> Callable[[], list[int]]:
    """Times of single decisions; checks that each came from the gate that it is to come from."""
    work = cycle([(replace(one, arguments=arguments or {}), who) for one in CALLS[gate] for who in CALLERS])
    now_s = 0.0

    def run() -> list[int]:
        nonlocal now_s
        samples: list[int] = []
        for one, who in (next(work) for _ in range(DECISIONS)):
            now_s += 0.001
            started = time.perf_counter_ns()
            decision = gates.decide(one, who, 1, now_s)
            samples.append(time.perf_counter_ns() - started)
            assert decision.gate is gate, decision
        return samples

    if gate is GateName.RATE_LIMIT:
        for who in CALLERS:
            gates.decide(CALLS[gate][0], who, 1, now_s)
    return run


def timed(work: Callable[[], object]) -> Callable[[], list[int]]:
    def run() -> list[int]:
        samples: list[int] = []
        for _ in range(DECISIONS):
            started = time.perf_counter_ns()
            work()
            samples.append(time.perf_counter_ns() - started)
        return samples

    return run


def contestants() -> Iterator[Contestant]:
    identity, clock = IdentityPolicy(), SystemClock()
    token = mint(identity, SECRET, clock, IdMaker(clock), user="ann", tier=Tier.USER)
    verifier = TokenVerifier(identity, SECRET, clock)

    def by_pyjwt() -> object:
        return jwt.decode(token, SECRET, ["HS256"], audience="gatetrail", issuer="gatetrail")

    yield Contestant("PyJWT decode", timed(by_pyjwt), [])
    yield Contestant("our token check, cached", timed(lambda: verifier.verify(token)), [])
    for size in SIZES:
        policy = policy_with(size)
        for gate in CALLS:
            name = "allow" if gate is GateName.NONE else f"deny by {gate.value}"
            gates = Gates(policy, GateState())
            yield Contestant(f"{name}, {size} entries", decisions(gates, gate), [])
        gates = Gates(policy, GateState())
        yield Contestant(f"allow with arguments, {size} entries", decisions(gates, GateName.NONE, ARGUMENTS), [])


def main() -> None:
    field = list(contestants())
    for one in field:
        one.run()
    for _ in range(1 if "--quick" in sys.argv[1:] else ROUNDS):
        for one in field:
            one.samples_ns += one.run()
    report(field, as_json="--json" in sys.argv[1:])


def report(field: list[Contestant], *, as_json: bool) -> None:
    p50 = {one.name: one.percentile_us(50) for one in field}
    p99 = {one.name: one.percentile_us(99) for one in field}
    few, many = SIZES
    ratio = p50[f"allow, {many} entries"] / p50[f"allow, {few} entries"]
    if as_json:
        result = {"p50_us": p50, "p99_us": p99, "ratio_10000_to_10_entries": ratio}
        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
        return
    print(f"{'':42}{'p50 µs':>10}{'p99 µs':>10}")
    for name, median_us in p50.items():
        print(f"{name:42}{median_us:10.1f}{p99[name]:10.1f}")
    print(f"allow with {many} entries costs {ratio:.2f} × allow with {few}")


if __name__ == "__main__":
    main()
