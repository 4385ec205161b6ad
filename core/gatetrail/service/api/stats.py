"""`/v1/stats`: what a dashboard shows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from gatetrail.clock import rfc3339
from gatetrail.errors import WrongUse
from gatetrail.events.search import Forms
from gatetrail.events.stats import Figures, Window
from gatetrail.identity.tiers import Tier
from gatetrail.service.api.asked import StatsAsked
from gatetrail.service.api.reader import Reader, Reading
from gatetrail.service.api.route import add_reading
from gatetrail.service.api.sources import Sources
from gatetrail.service.api.sparing import Sparing
from gatetrail.times import moment


class Part(BaseModel):
    """A part of the answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class ReaderShown(Part):
    """Who has asked."""

    user_id: str
    tier: Tier
    roles: Sequence[str]
    sees_all: bool
    """False: all figures are about this user alone."""


class VerificationShown(Part):
    """The last check of the whole record."""

    checked_at: str
    """RFC 3339."""
    intact: bool
    head_seq: int | None
    """The last position that was checked; null when the record was not intact."""
    events: int
    """How many events were in order."""
    detail: str | None
    """What was found first; null when the record was intact."""


class StreamShown(Part):
    """The event streams of this process."""

    connections: int
    """Open now."""
    dropped: int | None
    """Events that slow readers did not get, each told; null for those who do not see everything."""


class StatsShown(Figures):
    """Figures over a span of time, and the state of things now."""

    reader: ReaderShown
    since: str
    """RFC 3339: where the first part begins, at or shortly before what was asked for."""
    until: str
    bucket_s: int
    """The length of a part; the edges are multiples of it since 1970, so they stay from one look to the next."""
    policy_version: str
    instance_id: str
    """The process that answers."""
    verification: VerificationShown | None
    """Null when nobody has ever checked, and for those who do not see everything."""
    stream: StreamShown


class StatsRoutes:
    """Counts in the database, and asks the feed."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._sparing = Sparing[tuple[Window, Figures]](sources.clock)

    def add_to(self, router: APIRouter) -> None:
        add_reading(router, "/v1/stats", self.look, summary="Figures for a dashboard", model=StatsShown)

    async def look(self, reader: Reading, asked: Annotated[StatsAsked, Query()]) -> StatsShown:
        """Decisions by gate over time, busiest tools and callers, latencies, and what is in flight now.

        Figures that take long to count are given for up to a minute; `until` tells when they were counted.
        Without the role `auditor` or the tier admin: about yourself alone.
        """
        sources = self._sources
        window, figures = await self._sparing.get((asked, reader.owner), lambda: self._counted(asked, reader.owner))
        return StatsShown(
            **dict(figures),
            reader=ReaderShown(user_id=reader.user_id, tier=reader.tier, roles=reader.roles, sees_all=reader.sees_all),
            since=window.since,
            until=window.until,
            bucket_s=window.bucket_s,
            policy_version=sources.policy.standing.policy.version,
            instance_id=sources.stamp.instance_id,
            verification=await self._verification() if reader.sees_all else None,
            stream=self._stream(reader),
        )

    async def _counted(self, asked: StatsAsked, owner: Forms | None) -> tuple[Window, Figures]:
        window = _window(asked, self._sources.clock.now_us())
        return window, await self._sources.stats.look(window, owner)

    async def _verification(self) -> VerificationShown | None:
        noted = await self._sources.verifications.latest()
        if noted is None:
            return None
        return VerificationShown(
            checked_at=noted.checked_at,
            intact=noted.intact,
            head_seq=noted.head_seq,
            events=noted.events,
            detail=noted.detail,
        )

    def _stream(self, reader: Reader) -> StreamShown:
        state = self._sources.feed.state()
        if reader.sees_all:
            return StreamShown(connections=state.connection_count, dropped=state.dropped_count)
        return StreamShown(connections=state.connections_by_user.get(reader.user_id, 0), dropped=None)


def _window(asked: StatsAsked, now_us: int) -> Window:
    since = moment(asked.since, "since", now_us) or ""
    until = moment(asked.until, "until", now_us) or rfc3339(now_us)
    if since >= until:
        raise WrongUse(f"since {since} is not before until {until}: nothing lies between")
    return Window.over(since, until, asked.buckets)
