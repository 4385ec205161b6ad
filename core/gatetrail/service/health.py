"""Whether the service lives, and whether it can do its work now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

HEALTH_PATHS = ("/healthz", "/readyz")


class Health(BaseModel):
    """What `/readyz` answers."""

    model_config = ConfigDict(frozen=True)

    ready: bool
    away: Mapping[str, str] = {}
    """What has to be there before a call can pass, and is not: name and reason."""
    failing: Mapping[str, str] = {}
    """What fails without holding a call back: sinks, and why."""


Readiness = Callable[[], Awaitable[Health]]


async def always_ready() -> Health:
    """For a service that has nothing to wait for."""
    return Health(ready=True)


def health_routes(readiness: Readiness) -> APIRouter:
    """`/healthz`: the process answers. `/readyz`: 200 when a call could be decided and recorded, else 503."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process is alive")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @router.get("/readyz", summary="Calls can be decided and recorded", responses={503: {"model": Health}})
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        health = await readiness()
        return JSONResponse(health.model_dump(), status_code=200 if health.ready else 503)

    return router
