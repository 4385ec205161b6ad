"""`/v1/policy`: what is in force."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

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
        policy = self._sources.policy()
        document = policy.document.model_dump(mode="json")
        return PolicyShown(version=policy.version, source=policy.source, document=document)
