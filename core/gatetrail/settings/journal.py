"""Limits of the journal's writer."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class JournalSettings(BaseModel):
    """Limits of the journal's writer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    append_limit_ms: Annotated[int, Field(ge=50, le=60_000)] = 2_000
    """A decision that is not committed after this long is a denial by the gate `audit`."""
    batch_events: Annotated[int, Field(ge=1, le=10_000)] = 128
    """Events in one commit at most."""
