"""`POST /v1/policy/reload`: has the policy file read now."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal, assert_never

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from gatetrail.errors import PolicyInvalid
from gatetrail.policy.standing import Adopted, NoFile, Rejected, Unchanged, Unsettled
from gatetrail.service.api.door import Door
from gatetrail.service.api.policy import facts_of
from gatetrail.service.api.reader import Reading
from gatetrail.service.api.sources import Sources
from gatetrail.service.problems import PROBLEM_JSON, Problem

MAX_COMPLAINTS = 200
REFUSED = (
    "The file cannot be used; what was in force stays in force, and the refusal is recorded. Beside the usual members:"
    " `version`, which stays in force, and `complaints`, at most 200 in the order of the file, each with `line` (0"
    " where no line can be named), `path` (empty for the file as a whole) and `message`."
)


class PolicyReloaded(BaseModel):
    """What is in force now."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    outcome: Literal["changed", "unchanged"]
    """unchanged: the file's content was in force already, perhaps because it was seen before it was asked for."""
    version: str
    """The version in force."""
    source: str
    """The file."""
    since: str
    """Since when it is in force in the process that answers (RFC 3339)."""
    instance_id: str
    """The process that answers. The others on the same database look at their files at the same time."""
    previous_version: str | None
    """The one before in this process; null for the one that it began with."""
    changes: Sequence[str]
    """What is different from the one before, a sentence for each difference, at most 20."""


class PolicyReloadRoutes:
    """For the tier admin."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources = sources
        self._door = door

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(
            "/v1/policy/reload",
            self.reload,
            methods=["POST"],
            summary="Read the policy file now",
            operation_id="reload_policy",
            response_model=PolicyReloaded,
            responses={
                HTTPStatus.CONFLICT.value: _documented("There is no file, or it is being written all the time."),
                HTTPStatus.UNPROCESSABLE_ENTITY.value: _documented(REFUSED),
            },
            dependencies=[Depends(self._door.require_admin)],
        )

    async def reload(self, reader: Reading) -> PolicyReloaded:
        """Read the policy file, check it, and put it in force, here and in the other processes on the same database.

        Needs the tier admin; who asked stands in `policy.changed` and `policy.rejected`.
        """
        outcome = await self._sources.policy.reload(reader.user_id)
        match outcome:
            case Adopted(standing):
                return PolicyReloaded(outcome="changed", **facts_of(standing, self._sources.stamp.instance_id))
            case Unchanged(standing):
                return PolicyReloaded(outcome="unchanged", **facts_of(standing, self._sources.stamp.instance_id))
            case Rejected(problem, standing):
                raise _refused(problem, standing.policy.version)
            case Unsettled():
                told = "the policy file is being written all the time; write it beside and rename it into place"
                raise Problem(HTTPStatus.CONFLICT, "policy_being_written", told, {"Retry-After": "1"})
            case NoFile():
                told = "the policy in force comes from no file; name one with --policy or in service.yaml"
                raise Problem(HTTPStatus.CONFLICT, "no_policy_file", told)
            case _:
                assert_never(outcome)


def _refused(problem: PolicyInvalid, version: str) -> Problem:
    count = len(problem.problems)
    detail = f"{problem.file} cannot be used: {count} complaint{'s' * (count != 1)}; {version} stays in force"
    complaints = [
        {"line": one.line, "path": one.path, "message": one.message} for one in problem.problems[:MAX_COMPLAINTS]
    ]
    more = {"version": version, "complaints": complaints}
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, problem.code, detail, more=more)


def _documented(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
