"""Policies, callers and calls for tests of the gates."""

from __future__ import annotations

from typing import Any

from gatetrail.call import Call, Ids, Kind, Origin
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy

POLICY = """
servers:
  finance:
    tier: user
    data_domains: [ledger]
    tools:
      delete_invoice: {tier: admin}
      export: {scopes: ["finance:read", "finance:export"]}
      audit: {audience: audit-api}
      payroll: {departments: [finance, people]}
      ask: {tier: anonymous}
    methods: [tasks/get]
  open: {conceal: false, tier: user, tools: {drop: {tier: admin}}}
  strict: {unlisted: deny, tools: {listed: {}}}
  public: {tier: anonymous}
  model: {tier: anonymous, endpoint: inference}
"""


def gates_for(text: str = "", state: GateState | None = None) -> Gates:
    """Gates under the test policy with further parts behind it."""
    return Gates(parse_policy(POLICY + text, "test"), state or GateState())


def caller(tier: Tier = Tier.USER, user: str = "ann", **over: Any) -> Authenticated:
    keywords: dict[str, Any] = {
        "token_tier": tier,
        "caller_type": CallerType(tier.value),
        "auth_method": AuthMethod.BEARER,
        "audiences": frozenset({"gatetrail"}),
        **over,
    }
    return Authenticated(user, tier, **keywords)


def call(
    tool: str = "read",
    server: str = "finance",
    kind: Kind = Kind.TOOL,
    *,
    known: bool = True,
    method: str = "tools/call",
    **origin: str | None,
) -> Call:
    return Call(server, tool, Ids("a" * 32), kind, method, known=known, origin=Origin(**origin))
