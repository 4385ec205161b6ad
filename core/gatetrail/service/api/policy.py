"""`/v1/policy`: what is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from gatetrail.clock import rfc3339
from gatetrail.policy.standing import Standing
from gatetrail.service.api.door import Door
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.sources import Sources


class PolicyShown(BaseModel):
    """One snapshot, as `gatetrail policy show` tells it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    version: str
    """The hash that every decision under it carries."""
    source: str
    """Where it was read from."""
    since: str
    """Since when it is in force in the process that answers (RFC 3339)."""
    instance_id: str
    """The process that answers."""
    previous_version: str | None
    """The one before in this process; null for the one that it began with."""
    changes: Sequence[str]
    """What is different from the one before, a sentence for each difference, at most 20."""
    document: dict[str, Any]
    """The whole policy with every default written out."""


class PolicyRoutes:
    """For those who see everything."""

    def __init__(self, sources: Sources, door: Door) -> None:
        self._sources = sources
        self._door = door

    def add_to(self, router: APIRouter) -> None:
        add_reading(
            router,
            "/v1/policy",
            self.current,
            summary="The policy in force",
            model=PolicyShown,
            dependencies=[Depends(self._door.require_all)],
        )

    async def current(self) -> PolicyShown:
        """The policy that decisions are made under now. Needs the role `auditor` or the tier admin."""
        standing = self._sources.policy.standing
        document = standing.policy.document.model_dump(mode="json")
        return PolicyShown(**facts_of(standing, self._sources.stamp.instance_id), document=document)


def facts_of(standing: Standing, instance_id: str) -> dict[str, Any]:
    """What is told of a policy beside its content."""
    return {
        "version": standing.policy.version,
        "source": standing.policy.source,
        "since": rfc3339(standing.since_us),
        "instance_id": instance_id,
        "previous_version": standing.previous_version,
        "changes": standing.changes,
    }
