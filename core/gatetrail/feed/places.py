"""Who holds how many places in the feed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatetrail.errors import FeedFull


class Places:
    """Counts by user. A user without a place leaves no trace."""

    def __init__(self, user_limit: int, total_limit: int, retry_after_s: int) -> None:
        self._user_limit = user_limit
        self._total_limit = total_limit
        self._retry_after_s = retry_after_s
        self._by_user: dict[str, int] = {}
        self.taken_count = 0
        self.refused_count = 0

    @property
    def by_user(self) -> Mapping[str, int]:
        """Places taken now, as a copy."""
        return MappingProxyType(dict(self._by_user))

    def take(self, user_id: str) -> None:
        """Take one place. Raises `FeedFull`."""
        held = self._by_user.get(user_id, 0)
        if held >= self._user_limit:
            self.refused_count += 1
            message = f"this user has {held} open event streams, and {self._user_limit} are allowed; close one"
            raise FeedFull(message, limit="user", retry_after_s=self._retry_after_s)
        if self.taken_count >= self._total_limit:
            self.refused_count += 1
            message = (
                f"all {self._total_limit} places for event streams are taken; try again in {self._retry_after_s} s"
            )
            raise FeedFull(message, limit="total", retry_after_s=self._retry_after_s)
        self._by_user[user_id] = held + 1
        self.taken_count += 1

    def give_back(self, user_id: str) -> None:
        """Give one place back that was taken."""
        self.taken_count -= 1
        self._by_user[user_id] -= 1
        if not self._by_user[user_id]:
            del self._by_user[user_id]
