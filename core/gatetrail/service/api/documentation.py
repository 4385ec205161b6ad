"""The API's description: `/openapi.json`, and `/docs` as a page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gatetrail.service.api.page import CONTENT_SECURITY_POLICY, page_of
from gatetrail.service.api.samples import EXPLAINED
from gatetrail.service.problems import ProblemBody

DESCRIPTION_PATH = "/openapi.json"
PAGE_PATH = "/docs"
DESCRIPTION_PATHS = (DESCRIPTION_PATH, PAGE_PATH)
"""Open to everybody: they tell nothing of anybody."""

DESCRIPTION = """The audit trail of an MCP gate, read over HTTP.

Send a token as `Authorization: Bearer TOKEN` (`gatetrail token mint` prints one). The role `auditor` and the tier admin
see everything; everybody else sees what they have done themselves. Whoever is refused leaves an event in the record.
Errors are problems as RFC 9457 has them, with a `code` for programs."""


class DescribedApp(FastAPI):
    """FastAPI whose description knows problems, and an example with nulls."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            description = super().openapi()
            schemas = description.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = ProblemBody.model_json_schema()
            if decision := schemas.get("Decision"):
                decision["examples"] = [EXPLAINED]  # FastAPI would leave out what is null
            self.openapi_schema = description
        return self.openapi_schema


def described_app(version: str, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> DescribedApp:
    """An application without routes of its own but those that describe it."""
    app = DescribedApp(
        title="Gatetrail",
        version=version,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=DESCRIPTION_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    async def docs(_request: Request) -> Response:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(page_of(app.openapi()), headers=headers)

    app.router.routes.append(Route(PAGE_PATH, docs, methods=["GET"]))
    return app
