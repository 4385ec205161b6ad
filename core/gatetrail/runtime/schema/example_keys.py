"""What the examples of events say, by event and key."""

from __future__ import annotations

from typing import Any

from gatetrail.words import Level

_EXECUTION_ID = "019bc0d4-4e20-7a41-9d3c-5b1f0e6a7c82"

KEYS: dict[str, Any] = {
    "product_version": "1.0.0",
    "instance_id": "019bc0d4-4a00-7000-8000-0000000000aa",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "span_id": "00f067aa0ba902b7",
    "user_id": "ann@example.com",
    "session_id": "s-2f6c1d",
    "context_id": "conversation-17",
    "client_id": "desk-agent",
    "task_id": "task-5",
    "caller_type": "user",
    "actual_tier": "user",
    "rate_limit_tier": "user",
    "auth_method": "bearer",
    "department": "finance",
    "roles": ("analyst",),
    "src_ip": "192.0.2.10",
    "http_user_agent": "desk-agent/2.1",
    "execution_id": _EXECUTION_ID,
    "call_id": "17",
    "server_name": "finance",
    "tool_name": "get_invoice",
    "method": "tools/call",
    "endpoint": "mcp",
    "arguments_digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "arguments_preview": '{"invoice_id":"INV-2026-17"}',
    "data_domains": ("invoices",),
    "policy_version": "3f8a1c0de5b94277",
    "scopes": ("finance:read",),
    "audiences": ("gatetrail",),
    "session_tier": "user",
    "decision_us": 14,
    "sink_name": "siem",
    "cursor_seq": 12,
    "hook_source": "claude-code",
    "lifecycle_reason": "startup",
    "permission_mode": "default",
    "working_directory": "/srv/ledger",
    "content_digest": "sha256:5c1a9f0de7b23c84a6f1d9e05b7384c2f16ad09e3b8c75d42f90ae61c7d3b805",
    "content_bytes": 412,
}
"""What a key says wherever an event has it, unless the event says something else below."""

_SHADOW = {
    "shadow_gate": "blocklist",
    "shadow_reason_code": "blocked",
    "shadow_reason": "blocked by entry 'quarter-end': no reports before the books are closed",
    "shadow_rule_id": "quarter-end",
    "shadow_policy_version": "9d07b21c44ef0a13",
}
_ALLOWED: dict[str, Any] = {
    "decision": "allow",
    "gate": "none",
    "reason_code": "allowed",
    "reason": "all four gates passed",
    "required_tier": "user",
    "gate_scope": "pass",
    "gate_scanner": "pass",
    "gate_blocklist": "pass",
    "gate_rate_limit": "pass",
    "execution_status": "pending",
    **_SHADOW,
    "message": "allowed tools/call finance/get_invoice for ann@example.com",
}
_DENIED: dict[str, Any] = _ALLOWED | {
    "level": Level.NOTICE,
    "execution_id": "019bc0d4-5208-7c11-8e0a-2b7d9f4c1e55",
    "decision": "deny",
    "gate": "rate_limit",
    "reason_code": "rate_exceeded",
    "reason": "more than 5 calls a second; wait 200 ms",
    "retry_after_ms": 200,
    "rule_id": "rate_limits.mcp",
    "gate_rate_limit": "deny",
    "execution_status": "denied",
    **dict.fromkeys(_SHADOW),
    "message": "denied by rate_limit gate: tools/call finance/get_invoice for ann@example.com",
}

EVENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "tool_call.decided": (_ALLOWED, _DENIED),
    "tool_call.completed": (
        {
            "execution_status": "success",
            "latency_ms": 12.5,
            "message": "tools/call finance/get_invoice ended with success",
        },
        {
            "level": Level.WARNING,
            "execution_status": "timeout",
            "latency_ms": 30_000,
            "error_class": "time_limit",
            "message": "tools/call finance/get_invoice ended with timeout",
        },
    ),
    "execution.orphaned": (
        {
            "level": Level.WARNING,
            "orphaned_instance_id": "019bc0d3-0000-7000-8000-0000000000bb",
            "message": "the process of finance/get_invoice died before it ended",
        },
    ),
    "scanner.detected": (
        {
            "level": Level.ERROR,
            "reason_code": "probe_path",
            "reason": "nobody who means well asks for /.env",
            "rule_id": "path:/.env",
            "method": "GET",
            "endpoint": "/.env",
            "http_user_agent": "curl/8.5.0",
            "message": "a probe: GET /.env",
        },
    ),
    "identity.refused": (
        {
            "level": Level.WARNING,
            "reason_code": "token_expired",
            "reason": "the token ended 300 s ago",
            "claimed_user_id": "ann@example.com",
            "endpoint": "/mcp/finance",
            "message": "an identity was refused: the token ended 300 s ago",
        },
    ),
    "session.started": ({"message": "session opened by ann@example.com with tier user"},),
    "session.resumed": ({"message": "session of ann@example.com taken up again"},),
    "identity.restricted": (
        {
            "level": Level.WARNING,
            "restriction": "token_revoked",
            "user_id": None,
            "token_id": "019a3c1e-6f0b-7cc2-b7d0-1d2a5b0c9e11",
            "issuer": "https://login.example.com",
            "reason": "found in a log",
            "changed_by": "eve",
            "message": "token 019a3c1e-6f0b-7cc2-b7d0-1d2a5b0c9e11 revoked by eve",
        },
        {
            "level": Level.WARNING,
            "restriction": "user_revoked",
            "reason": "laptop lost",
            "changed_by": "eve",
            "message": "tokens of ann@example.com were revoked by eve",
        },
        {
            "level": Level.WARNING,
            "restriction": "tier_limited",
            "tier_limit": "user",
            "reason": "on leave",
            "changed_by": "eve",
            "message": "ann@example.com has at most tier user: by eve",
        },
    ),
    "identity.restored": (
        {
            "level": Level.NOTICE,
            "restriction": "token_revoked",
            "user_id": None,
            "token_id": "019a3c1e-6f0b-7cc2-b7d0-1d2a5b0c9e11",
            "issuer": "https://login.example.com",
            "changed_by": "eve",
            "message": "taken back by eve: token 019a3c1e-6f0b-7cc2-b7d0-1d2a5b0c9e11 revoked",
        },
        {
            "level": Level.NOTICE,
            "restriction": "tier_limited",
            "changed_by": "eve",
            "message": "the tier of ann@example.com is limited no longer: by eve",
        },
    ),
    "session.ended": ({"reason": "the token was revoked", "message": "session of ann@example.com ended"},),
    "manifest.listed": (
        {
            "method": "tools/list",
            "shown_count": 4,
            "hidden_count": 2,
            "message": "ann@example.com was shown 4 of 6 tools",
        },
    ),
    "policy.changed": (
        {
            "level": Level.NOTICE,
            "previous_policy_version": "9d07b21c44ef0a13",
            "policy_source": "/etc/gatetrail/policy.yaml",
            "shadow_policy_version": "b61d9e07c2a84f35",
            "changes": ("servers.finance.tools.get_invoice.tier: admin became user",),
            "message": "policy 3f8a1c0de5b94277 is in force",
        },
    ),
    "policy.rejected": (
        {
            "level": Level.ERROR,
            "policy_source": "/etc/gatetrail/policy.yaml",
            "reason": "policy.yaml:12: servers.finance.tier: 'root' is no tier",
            "message": "a policy file was refused; 3f8a1c0de5b94277 stays in force",
        },
    ),
    "hook.ran": (
        {
            "hook_id": "ticket-check",
            "hook_event": "pre_tool_use",
            "hook_action": "command",
            "hook_outcome": "passed",
            "latency_ms": 31.2,
            "message": "hook ticket-check passed",
        },
        {
            "level": Level.WARNING,
            "hook_id": "freeze",
            "hook_event": "pre_tool_use",
            "hook_action": "webhook",
            "hook_outcome": "denied",
            "latency_ms": 84,
            "reason": "nothing is paid during the audit",
            "message": "hook freeze denied: nothing is paid during the audit",
        },
    ),
    "hook.failed": (
        {
            "level": Level.WARNING,
            "hook_id": "ticket-check",
            "hook_event": "pre_tool_use",
            "reason": "no answer within 500 ms",
            "message": "hook ticket-check failed: no answer within 500 ms",
        },
    ),
    "rate_store.failed": (
        {
            "level": Level.ERROR,
            "store": "valkey",
            "reason": "no answer within 100 ms",
            "message": "the rate store valkey does not answer: no answer within 100 ms",
        },
    ),
    "rate_store.recovered": (
        {
            "level": Level.NOTICE,
            "store": "valkey",
            "reason": "no answer within 100 ms",
            "message": "the rate store valkey answers again",
        },
    ),
    "audit.heartbeat": (
        {
            "allowed_count": 240,
            "denied_count": 12,
            "completed_count": 239,
            "exported_count": 491,
            "policy_version": "4be17d6ad2c03f95",
            "message": "240 calls allowed and 12 denied since the start",
        },
    ),
    "audit.checkpoint": (
        {
            "checkpoint_seq": 12,
            "checkpoint_hash": "6f1ed002ab5595859014ebf0951522d9" * 2,
            "key_id": "2026-01",
            "signature": "m1Yq0pTn8Zk5cVxw3uJ7bQ" * 4,
            "message": "the chain's head at 12 is signed",
        },
    ),
    "audit.gap": (
        {
            "level": Level.CRITICAL,
            "first_missing_seq": 8,
            "last_missing_seq": 11,
            "reason": "the reader was too slow",
            "message": "siem was not given 8 to 11",
        },
    ),
    "audit.sink_failed": (
        {
            "level": Level.CRITICAL,
            "reason": "127.0.0.1:24224: connection refused",
            "quarantined_seq": 13,
            "message": "sink siem failed: 127.0.0.1:24224: connection refused",
        },
    ),
    "audit.sink_recovered": ({"level": Level.NOTICE, "message": "sink siem takes events again"},),
}
