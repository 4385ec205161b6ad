"""One payload of each kind, for the description; and an answer."""

from __future__ import annotations

from typing import Any

_EVERY: dict[str, Any] = {
    "session_id": "6f1ed002-ab55-4598-8014-ebf0951522d9",
    "transcript_path": "/home/ann/.claude/projects/ledger/6f1ed002.jsonl",
    "cwd": "/home/ann/ledger",
    "permission_mode": "default",
}
_USE: dict[str, Any] = {
    "tool_name": "Bash",
    "tool_input": {"command": "make test", "description": "Run the tests"},
    "tool_use_id": "toolu_01K4T7",
}

_OWN: dict[str, dict[str, Any]] = {
    "PreToolUse": _USE,
    "PostToolUse": _USE | {"tool_response": {"stdout": "42 passed", "stderr": "", "interrupted": False}},
    "PostToolUseFailure": _USE | {"error": "Command exited with 2", "is_interrupt": False},
    "SessionStart": {"source": "startup", "model": "a-model"},
    "SessionEnd": {"reason": "prompt_input_exit"},
    "UserPromptSubmit": {"prompt": "Why does the ledger not add up?"},
    "Notification": {"message": "The agent waits for its user", "notification_type": "idle_prompt"},
    "Stop": {"stop_hook_active": False, "last_assistant_message": "It adds up now."},
    "SubagentStart": {"agent_id": "a1b2c3", "agent_type": "Explore"},
    "SubagentStop": {
        "agent_id": "a1b2c3",
        "agent_type": "Explore",
        "stop_hook_active": False,
        "last_assistant_message": "Found it.",
    },
}

PAYLOADS: dict[str, dict[str, Any]] = {name: {**_EVERY, "hook_event_name": name, **keys} for name, keys in _OWN.items()}
"""By `hook_event_name`."""

DENIED: dict[str, Any] = {
    "hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": "Denied by scope gate: requires tier admin, caller has user"
        " (decision 019b2f6e-8a51-7d3e-9b6f-2c1d0e4a5b6c)",
    }
}
