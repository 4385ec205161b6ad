"""Limits of the live event stream."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class StreamSettings(BaseModel):
    """The defaults carry a thousand dashboards on two cores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heartbeat_s: Annotated[float, Field(gt=0, le=300, examples=[15])] = 15.0
    """A subscriber that was given nothing for this long gets a heartbeat. Keep it below the idle limit of proxies."""
    queue_events: Annotated[int, Field(ge=1, le=100_000, examples=[500])] = 500
    """Events that wait for one subscriber at most; the oldest go when there are more, and it is told."""
    page_events: Annotated[int, Field(ge=1, le=10_000, examples=[200])] = 200
    """Events that are read at once from the journal for a subscriber that resumes."""
    readers: Annotated[int, Field(ge=1, le=64, examples=[4])] = 4
    """So many subscribers read from the journal at one time; the others that resume wait for their turn."""
    user_limit: Annotated[int, Field(ge=1, le=100_000, examples=[10])] = 10
    """Subscriptions of one user at one time, in one process."""
    total_limit: Annotated[int, Field(ge=1, le=100_000, examples=[2_000])] = 2_000
    """Subscriptions of all users at one time, in one process."""
    retry_after_s: Annotated[int, Field(ge=1, le=3_600, examples=[5])] = 5
    """What somebody is told who was refused for one of the two limits."""
    reconnect_ms: Annotated[int, Field(ge=0, le=3_600_000, examples=[3_000])] = 3_000
    """How long a browser waits before it comes back after its stream broke."""
    gather_ms: Annotated[int, Field(ge=0, le=10_000, examples=[50])] = 50
    """So long is waited after the first word of something new, so that each subscriber is woken for several at once."""
    stalled_s: Annotated[float, Field(gt=0, le=3_600, examples=[30])] = 30.0
    """Who takes nothing of a stream for this long, although something waits for it, loses the connection."""
