"""The feed, as one of its subscriptions sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gatetrail.events.journal import Entry
from gatetrail.feed.items import Past
from gatetrail.settings import StreamSettings

if TYPE_CHECKING:
    from gatetrail.feed.subscription import Subscription


class Feed(Protocol):
    """What a subscription needs of the feed that it belongs to."""

    @property
    def settings(self) -> StreamSettings: ...

    @property
    def live_seq(self) -> int:
        """Every live subscription was shown everything up to here."""
        ...

    @property
    def closed(self) -> bool: ...

    def admit(self, subscription: Subscription) -> None:
        """Take a place. Raises `FeedFull`."""
        ...

    def dismiss(self, subscription: Subscription) -> None:
        """Give the place back and forget the subscription."""
        ...

    def make_live(self, subscription: Subscription) -> None:
        """From now on `offer` is called for each new entry, beginning with the one behind `live_seq`."""
        ...

    def note_dropped(self) -> None:
        """One event was dropped from a full queue."""
        ...

    def note_broken(self) -> None:
        """A filter raised."""
        ...

    async def page(self, after_seq: int) -> Sequence[Entry]:
        """The next entries of the journal, `page_events` at most. Raises `DatabaseUnavailable`.

        Lets others have their turn, however quick the journal is.
        """
        ...

    async def picked(self, past: Past, after_seq: int, last_seq: int) -> Sequence[Entry] | None:
        """What `past` picks out, `page_events` at most; None when there are holes. Raises `DatabaseUnavailable`."""
        ...

    async def head_seq(self) -> int:
        """The journal's newest position. Raises `DatabaseUnavailable`."""
        ...
