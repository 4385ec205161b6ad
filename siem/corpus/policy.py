"""The policies of the house."""

from __future__ import annotations

from collections.abc import Mapping

from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy

SOURCE = "policy.yaml"
BASE = """
servers:
  finance:
    tier: user
    time_limit_ms: 5000
    tools:
      get_invoice: {tier: service}
      close_books: {tier: admin}
      approve_payment: {tier: admin}
      export_payroll: {data_domains: [payroll]}
      reconcile_account: {scopes: ["finance:reconcile"]}
  engineering:
    tier: mcp
    tools:
      service_status: {tier: anonymous}
      restart_service: {tier: service}
      rotate_secret: {tier: admin}
      drop_table: {tier: admin}
      wipe_cache: {tier: admin}
  people:
    tier: user
    unlisted: deny
    tools:
      find_colleague: {tier: user, shadow: {tier: admin}}
      plan_holidays: {}
      read_review: {scopes: ["people:review"]}
      change_salary: {tier: admin}
      end_contract: {tier: admin}
  warehouse:
    tier: service
    tools:
      open_gate: {tier: admin}
      scrap_lot: {tier: admin}
      rotate_secret: {tier: admin}
      move_pallet: {tier: user}
  claude-code:
    tier: user
    conceal: false
    tools:
      Read: {tier: mcp}
      WebFetch: {scopes: ["web:read"]}
scanner:
  enumeration: {enabled: false}
  lockout: {enabled: false}
blocklist:
  - {id: payroll-stays-in-house, data_domains: [payroll], reason: salaries are not for agents}
  - {id: no-forced-push, servers: [claude-code], tools: [Bash], reason: people rewrite history and agents do not,
     arguments: [{path: command, pattern: 'git\\s.*push\\s.*(--force|-f\\b)'}]}
  - id: 'odd "entry" | 50% * \\'
    servers: [people]
    tools: [plan_holidays]
    users: ["$(whoami)"]
    reason: >-
      a long reason, told to whoever asks: it's "quoted", has a | pipe, a back\\slash, 100% of an * asterisk, an
      equals sign as in user_id="o'neil", größere Zeichen, 名前, a tab	and words that look like a query: OR 1=1 --
      AND NOT level:error | stats count by user_id
  - {id: tried, users: [tried], reason: this is only tried, shadow: true}
hooks:
  - id: freeze
    event: pre_tool_use
    match: {servers: [warehouse], tools: [order_parts]}
    command: {argv: [/bin/false]}
rate_limits:
  base_per_s: {mcp: 100}
  burst_multiplier: 3
  tier_multipliers: {mcp: 0.000001, anonymous: 0.000001}
redaction:
  preview_bytes: 200
"""
"""Whoever is of tier `mcp`, or nobody, may make one call in almost three hours: what comes on top is one too many."""


def policy(changes: Mapping[str, str] | None = None) -> Policy:
    """The base, with these texts in place of those. Each has to be there."""
    text = BASE
    for old, new in (changes or {}).items():
        if old not in text:
            raise ValueError(f"the policy has no {old!r}")
        text = text.replace(old, new)
    return parse_policy(text, SOURCE)
