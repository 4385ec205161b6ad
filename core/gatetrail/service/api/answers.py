"""What every route can answer besides what it is for, as its description tells it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gatetrail.service.problems import PROBLEM_JSON

Documented = dict[int | str, dict[str, Any]]

_PROBLEMS: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "A parameter says what cannot be; `detail` tells what would be right.",
    HTTPStatus.UNAUTHORIZED: "No token, or one that proves nothing. Recorded as `identity.refused`.",
    HTTPStatus.FORBIDDEN: "The reader may not see this. Recorded as `identity.refused`.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or none that the reader may see.",
    HTTPStatus.MISDIRECTED_REQUEST: "The service is not known by the name that stands in `Host`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter has the wrong form, or there is none of that name.",
    HTTPStatus.TOO_MANY_REQUESTS: "A limit is reached. Where it is known, `Retry-After` tells for how many seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database does not answer, or not in time. `Retry-After` is in seconds.",
}


def problems() -> Documented:
    """All of them: a probe for a path, a scanner's name and a burst are turned away before any route is looked for."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status.value: {"description": description, "content": content, "headers": _headers(status)}
        for status, description in _PROBLEMS.items()
    }


def _headers(status: HTTPStatus) -> dict[str, Any]:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return {"WWW-Authenticate": _header("The challenge of RFC 6750, section 3.")}
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return {"Retry-After": _header("Seconds after which to try again.")}
        case _:
            return {}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}
