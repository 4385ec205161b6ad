"""All routes of the API, behind their door."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer

from gatetrail.service.api.answers import problems
from gatetrail.service.api.decisions import DecisionRoutes
from gatetrail.service.api.door import Door, Identities
from gatetrail.service.api.events import EventRoutes
from gatetrail.service.api.executions import ExecutionRoutes
from gatetrail.service.api.policy import PolicyRoutes
from gatetrail.service.api.policy_reload import PolicyReloadRoutes
from gatetrail.service.api.sinks import SinkRoutes
from gatetrail.service.api.sources import Sources
from gatetrail.service.api.stats import StatsRoutes

BEARER = HTTPBearer(
    scheme_name="bearer", bearerFormat="JWT", description="As `gatetrail token mint` prints it.", auto_error=False
)
"""For the description; the identity layer has looked at the token before."""


def api_routes(sources: Sources, identities: Identities) -> APIRouter:
    """`/v1/…`, to be served behind the gate's identity layer."""
    door = Door(identities)
    router = APIRouter(tags=["audit"], dependencies=[Depends(door.admit), Depends(BEARER)], responses=problems())
    for routes in (
        EventRoutes(sources, door),
        ExecutionRoutes(sources, door),
        DecisionRoutes(sources),
        StatsRoutes(sources),
        PolicyRoutes(sources, door),
        PolicyReloadRoutes(sources, door),
        SinkRoutes(sources, door),
    ):
        routes.add_to(router)
    return router
