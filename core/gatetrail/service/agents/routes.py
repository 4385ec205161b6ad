"""`POST /hooks/…`: where agents report."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol, assert_never

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gatetrail.call import Origin
from gatetrail.clock import IdMaker
from gatetrail.dispatcher import Denied, denial_text
from gatetrail.identity.caller import Caller, IdentityRefusal, Refused
from gatetrail.policy.hooks import HookMoment
from gatetrail.service.agents.description import DECISION_HEADER, REQUEST_BODY, HookAnswer, documented
from gatetrail.service.agents.fail_closed import UNREAD_KEY
from gatetrail.service.agents.known import AGENTS, source_of
from gatetrail.service.agents.reception import Blocked, Reception
from gatetrail.service.agents.report import Agent, Unreadable
from gatetrail.service.agents.visit import Visit
from gatetrail.service.api.api import BEARER
from gatetrail.service.problems import Problem
from gatetrail.settings.agents import AgentSettings, AgentSource
from gatetrail.traces import NOTE_KEY, TRACE, TraceNote, parsed_trace
from gatetrail.words import GateName, ReasonCode


class Identities(Protocol):
    """What the gate knows of those who report."""

    def proven_in(self, scope: Scope) -> Caller:
        """Whom the identity layer has found, apart from any session."""
        ...

    async def report_refused(self, scope: Scope, refused: Refused) -> bool:
        """Record a refusal; False when the one who was refused counts as a scanner from now on."""
        ...


def hook_routes(reception: Reception, identities: Identities, settings: AgentSettings, ids: IdMaker) -> APIRouter:
    """To be served behind `FailClosed` and the gate's identity layer."""
    router = APIRouter(tags=["agents"], dependencies=[Depends(BEARER)], responses=documented())
    for path, agent in AGENTS.items():
        router.add_api_route(
            path,
            HookRoute(agent, source_of(agent, settings), reception, identities, ids).answer,
            methods=["POST"],
            summary=f"Report a moment of {agent.source}",
            operation_id=f"report_{agent.source.replace('-', '_')}",
            response_model=HookAnswer,
            openapi_extra=REQUEST_BODY,
        )
    return router


class HookRoute:
    """The endpoint of one kind of agent."""

    def __init__(
        self, agent: Agent, source: AgentSource, reception: Reception, identities: Identities, ids: IdMaker
    ) -> None:
        self._agent = agent
        self._source = source
        self._reception = reception
        self._identities = identities
        self._ids = ids

    async def answer(self, request: Request) -> Response:
        """One of the agent's ten moments, as it gives it to its hooks; decided on under the token's identity.

        Before a tool is used all four gates are asked, and the decision is durable before the answer leaves. Silence is
        consent here: `{}` leaves the rest to the agent's own permission rules.
        """
        visit = self._visit(request)
        try:
            report = self._agent.report_of(await _body_of(request))
        except Unreadable as problem:
            denied = await self._reception.receive_unreadable(visit, str(problem))
            if denied is None:
                raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "hook_unreadable", str(problem)) from None
            raise await self._refusal(request, denied) from None
        answer = await self._reception.receive(visit, report)
        is_gate = report.moment is HookMoment.PRE_TOOL_USE
        if isinstance(answer, Denied):
            refusal = await self._refusal(request, answer)
            if not is_gate:
                raise refusal
            return _json(self._agent.denied(refusal.detail), answer.execution_id)
        if isinstance(answer, Blocked):
            return _json(self._agent.blocked(answer.reason), None)
        if is_gate and self._source.approve:
            return _json(self._agent.approved(), answer.execution_id)
        return _json({}, answer.execution_id)

    def _visit(self, request: Request) -> Visit:
        scope = request.scope
        client = scope.get("client")
        traced = parsed_trace(request.headers.get("traceparent"))
        note: object = scope.get(NOTE_KEY)
        new_id = note.trace_id if isinstance(note, TraceNote) else self._ids.new_id().replace("-", "")
        trace_id, span_id = traced or (new_id, None)
        TRACE.set(trace_id)
        origin = Origin(client[0] if client else None, request.headers.get("user-agent"), scope["path"])
        caller = self._identities.proven_in(scope)
        return Visit(self._agent.source, self._source.server, caller, origin, trace_id, span_id)

    async def _refusal(self, request: Request, denied: Denied) -> Problem:
        """The denial as a problem; that somebody came on another user's session is an event besides."""
        decision = denied.decision
        if decision.reason_code is ReasonCode.SESSION_OF_ANOTHER_USER:
            refused = Refused(IdentityRefusal.SESSION_OF_ANOTHER_USER, decision.reason)
            await self._identities.report_refused(request.scope, refused)
        wait_ms = decision.retry_after_ms
        headers = {DECISION_HEADER: denied.execution_id}
        if wait_ms is not None:
            headers["Retry-After"] = str(-(-wait_ms // 1000))
        return Problem(_status_of(decision.gate), decision.reason_code.value, _text_of(denied), headers)


async def _body_of(request: Request) -> bytes:
    why_unread: object = request.scope.get(UNREAD_KEY)
    if why_unread is not None:
        raise Unreadable(str(why_unread))
    return await request.body()


def _json(answer: object, execution_id: str | None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if execution_id is not None:
        headers[DECISION_HEADER] = execution_id
    return Response(orjson.dumps(answer), media_type="application/json", headers=headers)


def _text_of(denied: Denied) -> str:
    if denied.decision.concealed:
        return f"Denied by scope gate: there is no such tool for this caller (decision {denied.execution_id})"
    text = denial_text(denied)
    if denied.decision.reason_code is ReasonCode.UNKNOWN_SERVER:
        text += "; the tools of an agent are denied until policy.yaml has a server of that name"
    return text


def _status_of(gate: GateName) -> HTTPStatus:
    match gate:
        case GateName.RATE_LIMIT:
            return HTTPStatus.TOO_MANY_REQUESTS
        case GateName.AUDIT:
            return HTTPStatus.SERVICE_UNAVAILABLE
        case GateName.SCOPE | GateName.SCANNER | GateName.BLOCKLIST | GateName.HOOK | GateName.NONE:
            return HTTPStatus.FORBIDDEN
        case _:
            assert_never(gate)
