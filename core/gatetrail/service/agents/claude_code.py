"""Claude Code's hooks, as its reference tells them (code.claude.com/docs/en/hooks, read in November 2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from gatetrail.policy.hooks import ABOUT_TOOLS, HookMoment
from gatetrail.service.agents.report import MAX_DEPTH, Report, Unreadable, is_too_deep

GATE = "PreToolUse"

MOMENTS: Mapping[str, HookMoment] = {
    GATE: HookMoment.PRE_TOOL_USE,
    "PostToolUse": HookMoment.POST_TOOL_USE,
    "PostToolUseFailure": HookMoment.POST_TOOL_USE_FAILURE,
    "SessionStart": HookMoment.SESSION_START,
    "SessionEnd": HookMoment.SESSION_END,
    "UserPromptSubmit": HookMoment.USER_PROMPT_SUBMIT,
    "Notification": HookMoment.NOTIFICATION,
    "Stop": HookMoment.STOP,
    "SubagentStart": HookMoment.SUBAGENT_START,
    "SubagentStop": HookMoment.SUBAGENT_STOP,
}
"""By `hook_event_name`."""

MAX_ID_CHARACTERS = 256
MAX_OPENINGS = 300_000
"""Of `{` and `[` in one report; a file of program text with 4 MB has fewer."""
MAX_STRANGE_BYTES, MAX_STRANGE_OPENINGS = 1 << 20, 5_000
"""Of a report that was refused, which may be anybody's: what is more is not worth a look."""

_CONTENT = ("prompt", "tool_response", "error", "message", "title", "last_assistant_message")
_REASONS = ("source", "reason", "notification_type", "agent_type")


class ClaudeCode:
    """`Agent`: strict on what decides, tolerant of everything else."""

    source = "claude-code"

    def is_harmless(self, body: bytes) -> bool:
        if len(body) > MAX_STRANGE_BYTES or _openings(body) > MAX_STRANGE_OPENINGS:
            return False
        try:
            moment = _moment_of(_object_in(body))
        except Unreadable:
            return False
        return moment is not HookMoment.PRE_TOOL_USE

    def report_of(self, body: bytes) -> Report:
        payload = _object_in(body)
        moment = _moment_of(payload)
        about_tool = moment in ABOUT_TOOLS
        return Report(
            moment=moment,
            session_id=_needed(payload, "session_id"),
            tool_name=_needed(payload, "tool_name") if about_tool else None,
            use_id=_use_id(payload) if about_tool else None,
            arguments=_arguments(payload, moment) if about_tool else {},
            content={key: payload[key] for key in _CONTENT if key in payload},
            was_interrupted=payload.get("is_interrupt") is True,
            subagent_id=_text(payload, "agent_id"),
            reason=next((found for key in _REASONS if (found := _text(payload, key))), None),
            permission_mode=_text(payload, "permission_mode"),
            working_directory=_text(payload, "cwd"),
        )

    def approved(self) -> Mapping[str, Any]:
        return _decided("allow", "Gatetrail allows it")

    def denied(self, reason: str) -> Mapping[str, Any]:
        return _decided("deny", reason)

    def blocked(self, reason: str) -> Mapping[str, Any]:
        return {"decision": "block", "reason": reason}


def _decided(decision: str, reason: str) -> Mapping[str, Any]:
    told = {"hookEventName": GATE, "permissionDecision": decision, "permissionDecisionReason": reason}
    return {"hookSpecificOutput": told}


def _openings(body: bytes) -> int:
    """Of objects and lists, those in texts among them. Each takes a hundred bytes of memory when it is parsed."""
    return body.count(b"{") + body.count(b"[")


def _object_in(body: bytes) -> Mapping[str, Any]:
    openings = _openings(body)
    if openings > MAX_OPENINGS:
        raise Unreadable(f"the report has more than {MAX_OPENINGS} opening braces and brackets")
    try:
        payload: object = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise Unreadable("the report is no JSON") from problem
    if not isinstance(payload, dict):
        raise Unreadable("the report is no JSON object")
    if openings > MAX_DEPTH and is_too_deep(cast("object", payload)):
        raise Unreadable("the report is nested too deep")
    return cast("dict[str, Any]", payload)


def _moment_of(payload: Mapping[str, Any]) -> HookMoment:
    name = payload.get("hook_event_name")
    moment = MOMENTS.get(name) if isinstance(name, str) else None
    if moment is None:
        raise Unreadable(f"hook_event_name: expected one of {', '.join(MOMENTS)}")
    return moment


def _needed(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value or len(value) > MAX_ID_CHARACTERS:
        raise Unreadable(f"{key}: expected a text of 1 to {MAX_ID_CHARACTERS} characters")
    return value


def _use_id(payload: Mapping[str, Any]) -> str | None:
    return None if payload.get("tool_use_id") is None else _needed(payload, "tool_use_id")


def _arguments(payload: Mapping[str, Any], moment: HookMoment) -> Mapping[str, Any]:
    arguments = payload.get("tool_input")
    if arguments is None and moment is not HookMoment.PRE_TOOL_USE:
        return {}
    if not isinstance(arguments, dict):
        raise Unreadable("tool_input: expected an object")
    return cast("dict[str, Any]", arguments)


def _text(payload: Mapping[str, Any], key: str) -> str | None:
    value = payload.get(key)
    return value if isinstance(value, str) and value else None
