"""The policy file's `blocklist`: what nobody may do."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from gatetrail.policy.part import Name, Pattern, PolicyPart


class BlockEntry(PolicyPart):
    """One deny entry. All that it names must fit; what it does not name fits always."""

    id: Name
    tools: tuple[Pattern, ...] = ()
    users: tuple[Name, ...] = ()
    servers: tuple[Pattern, ...] = ()
    departments: tuple[Name, ...] = ()
    data_domains: tuple[Name, ...] = ()
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    expires_at: AwareDatetime | None = None
    """The entry no longer counts from this moment on."""
