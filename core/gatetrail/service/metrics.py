"""`/metrics`, for Prometheus and whatever reads its formats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

METRICS_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class Exposition:
    """All metrics in one of the formats, ready to be sent."""

    body: bytes
    content_type: str


Metrics = Callable[[str], Awaitable[Exposition]]
"""All metrics now, in the format that an `Accept` header asks for. Answers in time, whatever is away."""


def metrics_routes(metrics: Metrics) -> APIRouter:
    """`/metrics`: the Prometheus text format, or OpenMetrics for who accepts it. Open, so it names no user."""
    router = APIRouter(tags=["health"])

    @router.get(
        METRICS_PATH,
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def scrape(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        exposition = await metrics(request.headers.get("accept", ""))
        # As header: the framework would add a second charset to the one of the format.
        return Response(exposition.body, headers={"content-type": exposition.content_type, "cache-control": "no-store"})

    return router
