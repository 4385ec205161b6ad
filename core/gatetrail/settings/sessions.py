"""Where sessions live, and for how long."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

DAY_S = 86_400


class SessionStoreKind(StrEnum):
    """Where sessions are kept."""

    POSTGRES = "postgres"
    """Any process on the database goes on with any session."""
    SQLITE = "sqlite"
    """A file for the processes of one machine."""
    MEMORY = "memory"
    """Each process for itself: sessions end with it."""


class SessionSettings(BaseModel):
    """Where sessions live, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: SessionStoreKind = SessionStoreKind.POSTGRES
    file: Path | None = Field(default=None, examples=["/var/lib/gatetrail/sessions.sqlite3"])
    """For the store `sqlite`. None: `sessions.sqlite3` in the data folder."""
    idle_s: Annotated[float, Field(ge=0.2, le=DAY_S, examples=[1_800])] = 1_800.0
    """A session that is not used for so long leaves the memory of its process; its next call brings it back."""
    in_memory: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Sessions of one server that a process holds at most; the one that was idle for longest makes room."""
    life_s: Annotated[float, Field(ge=3_600, le=3_650 * DAY_S, examples=[604_800])] = 7.0 * DAY_S
    """A session that is not used for so long has ended."""
    keep_ended_s: Annotated[float, Field(ge=3_600, le=3_650 * DAY_S, examples=[7_776_000])] = 90.0 * DAY_S
    """How long the store knows of a session that has ended. Keep it above the life of tokens that name sessions."""
