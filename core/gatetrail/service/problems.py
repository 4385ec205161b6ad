"""Errors as RFC 9457 tells them: `application/problem+json`, with a `code` for programs and a sentence for people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gatetrail.errors import FeedFull, GatetrailError, Unavailable, WrongUse

log = logging.getLogger("gatetrail.service")

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 5
"""What is told who asks while the database is away."""
AWAY = "the database does not answer, or not in time; try again later"
FAILED = "the service failed; its log tells more"


class ProblemBody(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        title="Problem",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Bad Request",
                    "status": 400,
                    "detail": "since: 'soon' is no time; expected for example 15m, 1h, 2d (that long ago)"
                    " or 2026-01-31T08:00:00Z (with Z or an offset)",
                    "code": "wrong_use",
                }
            ]
        },
    )

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What was wrong, where, and what would be right.")
    code: str = Field(description="One word that stays the same, for programs.")


class Problem(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`more` are members beside the usual ones (RFC 9457, section 3.2)."""
        self.more = more or {}
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        super().__init__(detail)

    def answer(self) -> Response:
        """As it goes out."""
        body = ProblemBody(title=self.status.phrase, status=self.status.value, detail=self.detail, code=self.code)
        headers = {"Cache-Control": "no-store", **(self.headers or {})}
        return JSONResponse({**body.model_dump(), **self.more}, self.status, headers=headers, media_type=PROBLEM_JSON)


def problem_of(error: GatetrailError) -> Problem:
    """Wrong use is the client's, what is away may come back, and the rest is ours."""
    match error:
        case WrongUse():
            return Problem(HTTPStatus.BAD_REQUEST, error.code, str(error))
        case FeedFull(retry_after_s=retry_after_s):
            retry = {"Retry-After": str(retry_after_s)}
            return Problem(HTTPStatus.TOO_MANY_REQUESTS, error.code, str(error), retry)
        case Unavailable():
            # Its text may name servers and addresses that are not everybody's business.
            log.warning("a request was answered with 503: %s", error)
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, AWAY, retry)
        case _:
            log.error("a request was answered with 500: %s", error)
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, error.code, FAILED)


def install_problems(app: FastAPI) -> None:
    """Have every error of an application told as a problem; nobody gets a traceback."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(GatetrailError, _on_error_of_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_status)
    app.add_exception_handler(Exception, _on_anything)


async def _on_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- registered for it alone, as the ones below
    return error.answer()


async def _on_error_of_ours(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GatetrailError)  # noqa: S101
    return problem_of(error).answer()


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    detail = "; ".join(_explained(error.errors()))
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail).answer()


async def _on_status(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    return Problem(status, status.name.lower(), str(error.detail), error.headers).answer()


async def _on_anything(_request: Request, _error: Exception) -> Response:
    # The server writes the traceback to its log.
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAILED).answer()


def _explained(errors: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """One phrase for each; never the value, which may be a secret that went to the wrong place."""
    for error in errors:
        where = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            yield f"{where}: there is no such parameter"
        else:
            yield f"{where}: {error['msg']}"
