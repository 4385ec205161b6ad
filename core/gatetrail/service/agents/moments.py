"""The events `lifecycle.*` of what agents report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from gatetrail.call import canonical_arguments
from gatetrail.events.model import LifecycleReported
from gatetrail.events.stamp import Stamp
from gatetrail.policy.hooks import HookMoment
from gatetrail.redaction import Redactor
from gatetrail.service.agents.report import Report
from gatetrail.service.agents.visit import Visit
from gatetrail.words import Level


def reported(
    stamp: Stamp, visit: Visit, report: Report, execution_id: str | None, redactor: Redactor
) -> LifecycleReported:
    """The event of a moment. What was said or came out is told by digest and length alone."""
    texts = redactor.texts(
        {
            **_of_visit(visit, report),
            "tool_name": report.tool_name,
            "call_id": report.use_id,
            "lifecycle_reason": report.reason,
            "permission_mode": report.permission_mode,
            "working_directory": report.working_directory,
        }
    )
    return _event(
        stamp(Level.INFO, f"{_who(visit, texts)} {_words(report.moment, texts['tool_name'])}"),
        visit,
        texts,
        {
            "event_name": f"lifecycle.{report.moment.value}",
            "execution_id": execution_id,
            "tool_name": texts["tool_name"] or None,
            "content_digest": redactor.digest(report.content) if report.content else None,
            "content_bytes": len(canonical_arguments(report.content)) if report.content else None,
        },
    )


def unreadable(stamp: Stamp, visit: Visit, why: str, redactor: Redactor) -> LifecycleReported:
    """The event of a report that nobody can read. It may have asked for permission, so it counts as if it had."""
    texts = redactor.texts(_of_visit(visit, None))
    told = stamp(Level.WARNING, f"{_who(visit, texts)} was denied: {why}")
    return _event(told, visit, texts, {"event_name": f"lifecycle.{HookMoment.PRE_TOOL_USE.value}"})


def _event(
    told: Mapping[str, Any], visit: Visit, texts: Mapping[str, str | None], keys: Mapping[str, Any]
) -> LifecycleReported:
    known = {**told, **texts, **keys, "trace_id": visit.trace_id, "span_id": visit.span_id, "hook_source": visit.source}
    return LifecycleReported.model_validate(known)


def _of_visit(visit: Visit, report: Report | None) -> dict[str, str | None]:
    return {
        **visit.recorded_ids(report),
        "server_name": visit.server_name,
        "src_ip": visit.origin.source_ip,
        "http_user_agent": visit.origin.user_agent,
    }


def _who(visit: Visit, texts: Mapping[str, str | None]) -> str:
    return f"{visit.source} of {texts['user_id'] or 'an anonymous caller'}"


def _words(moment: HookMoment, tool: str | None) -> str:  # noqa: C901, PLR0911 -- one for each moment
    match moment:
        case HookMoment.PRE_TOOL_USE:
            return f"asks for {tool}"
        case HookMoment.POST_TOOL_USE:
            return f"has used {tool}"
        case HookMoment.POST_TOOL_USE_FAILURE:
            return f"failed to use {tool}"
        case HookMoment.SESSION_START:
            return "begins a session"
        case HookMoment.SESSION_END:
            return "ends its session"
        case HookMoment.USER_PROMPT_SUBMIT:
            return "was given a prompt"
        case HookMoment.NOTIFICATION:
            return "notifies its user"
        case HookMoment.STOP:
            return "has answered"
        case HookMoment.SUBAGENT_START:
            return "starts a subagent"
        case HookMoment.SUBAGENT_STOP:
            return "has a subagent's answer"
        case _:
            assert_never(moment)
