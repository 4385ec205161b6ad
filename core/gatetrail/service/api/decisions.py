"""`/v1/decisions/{id}`: one decision, explained."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from gatetrail.events.asking import decision_id_of
from gatetrail.events.explanation import Explanation, explanation_of, trace_of
from gatetrail.service.api.reader import Reader, Reading
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.samples import DECISION_ID
from gatetrail.service.api.sources import Sources
from gatetrail.service.problems import Problem
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, ReasonCode


class ShadowVerdict(BaseModel):
    """What would have been said instead. It was recorded and nothing else."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    gate: GateName
    """Who would have denied; `none`: it would have been allowed."""
    reason_code: ReasonCode
    reason: str
    rule_id: str | None
    policy_version: str | None
    """The policy that is tried; null for an entry of the policy in force that is marked `shadow`."""


class Decision(BaseModel):
    """The answer first, then the events that it was drawn from; as `gatetrail why --json` tells it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    decision_id: str
    decision: str
    gate: GateName
    """Who denied; `none` when nobody did."""
    reason_code: ReasonCode
    reason: str
    would_have_passed: str | None
    """What would have let a denied call pass, in words."""
    gates: dict[str, GateOutcome]
    """The four in their order."""
    required_tier: str | None
    actual_tier: str
    rule_id: str | None
    """The rule of the policy that matched, where there was one."""
    retry_after_ms: int | None
    policy_version: str
    shadow: ShadowVerdict | None
    """What would have been said had what is only tried been in force; null when it would have been the same.

    Null also for who is neither auditor nor admin."""
    arguments_preview: str | None
    """The arguments as far as redaction leaves them."""
    decision_us: int
    """What the gates took, in microseconds."""
    execution_status: ExecutionStatus
    latency_ms: float | None
    error_class: str | None
    events: list[dict[str, Any]]
    """The decision and its outcome."""
    trace: list[dict[str, Any]]
    """Events of the same trace that the reader may see, 200 at most, in ascending order."""


class DecisionRoutes:
    """Explains from the journal alone."""

    def __init__(self, sources: Sources) -> None:
        self._search = sources.search

    def add_to(self, router: APIRouter) -> None:
        add_reading(router, "/v1/decisions/{id}", self.one, summary="Explain one decision", model=Decision)

    async def one(
        self,
        reader: Reading,
        identifier: Annotated[
            str,
            Path(
                alias="id",
                max_length=64,
                description="The decision's id as it stands in the caller's error, or the id of one of its events.",
                examples=[DECISION_ID],
            ),
        ],
    ) -> Response:
        """Every gate, the matched rule, the outcome, what would have passed, and the trace of the same call.

        Without the role `auditor` or the tier admin: your own. Others' decisions answer like ones that there are not.
        """
        decision_id = decision_id_of(identifier)
        entries = await self._search.of_decision(decision_id)
        explanation = explanation_of([reader.shown(entry).event() for entry in entries])
        if explanation is None or not _may_see(reader, explanation):
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", f"the record has no decision {decision_id}")
        trace = await trace_of(explanation, self._search, reader.owner)
        body = orjson.dumps(explanation.as_json(map(reader.shown, trace)))
        return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _may_see(reader: Reader, explanation: Explanation) -> bool:
    decided = explanation.decided
    # A denial by scope tells of a tool that was hidden from its caller: the same rule as in a search.
    return reader.sees_all or (decided.user_id in reader.own and decided.gate is not GateName.SCOPE)
