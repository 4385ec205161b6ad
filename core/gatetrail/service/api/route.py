"""How a route is registered: GET, and HEAD beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.params import Depends
from starlette.responses import JSONResponse, Response

from gatetrail.service.api.answers import Documented


def add_reading(
    router: APIRouter,
    path: str,
    endpoint: Callable[..., Any],
    *,
    summary: str,
    model: Any = None,
    responses: Documented | None = None,
    dependencies: Sequence[Depends] = (),
    answer_class: type[Response] = JSONResponse,
) -> None:
    """Answer GET, and HEAD with the same headers. The endpoint's docstring is the description."""
    name = path.removeprefix("/v1/").replace("/", "_").replace("{", "").replace("}", "")
    for method in ("GET", "HEAD"):
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            summary=summary,
            operation_id=f"read_{name}",
            response_model=model,
            responses=responses,
            dependencies=dependencies,
            response_class=answer_class,
            include_in_schema=method == "GET",
        )
