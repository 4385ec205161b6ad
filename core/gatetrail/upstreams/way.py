"""What a transport is given for one connection, and whom it tells of the connection's end."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol

from gatetrail.upstreams.mask import Mask


class Attempt:
    """One sending of one request."""

    def __init__(self) -> None:
        self.untouched = False
        """The other side has said of this very request that it has not looked at it."""


ATTEMPT: ContextVar[Attempt | None] = ContextVar("gatetrail_attempt", default=None)
"""Whose request a transport sends: the SDK runs it in the context of who asks."""


class Way(Protocol):
    """One connection, as its transport sees it."""

    @property
    def values(self) -> Mapping[str, str]:
        """Variables or headers to be sent."""
        ...

    @property
    def mask(self) -> Mask:
        """Over every text that is shown."""
        ...

    def lose(self, reason: str, detail: str = "") -> None:
        """The connection cannot be used any more. Said before those who wait for answers are woken.

        Callers are told the reason; the detail, which may be anybody's words, only those who run the service.
        """
        ...

    def forget(self) -> None:
        """The other side does not know the session any more; it has not looked at the request."""
        ...
