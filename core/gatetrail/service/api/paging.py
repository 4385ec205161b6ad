"""Walking through the record in both directions, so that nothing is left out and nothing comes twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items in ascending order, and how to go on from them."""

    items: Sequence[Item]
    next_after: int
    """Behind this lies what comes later."""
    next_before: int | None
    """Before this lies what is older; None when nothing is."""
    head_seq: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page is asked for."""

    after: int | None
    before: int | None
    limit: int

    @property
    def fetched(self) -> int:
        """One more than wanted, which shows whether there is more."""
        return self.limit + 1

    def page(self, found: Sequence[Item], seq_of: Callable[[Item], int], head_seq: int) -> Page[Item]:
        """The page of what was found, `fetched` at most; `head_seq` was read before."""
        more = len(found) > self.limit
        end_seq = head_seq if self.before is None else min(head_seq, max(self.before - 1, 0))
        if self.after is None:
            items = found[-self.limit :]
            next_before = seq_of(items[0]) if more else None
            return Page(items, max([end_seq, *map(seq_of, items[-1:])]), next_before, head_seq)
        items = found[: self.limit]
        next_after = seq_of(items[-1]) if more else max([end_seq, self.after, *map(seq_of, items[-1:])])
        next_before = None if not self.after else seq_of(items[0]) if items else self.after + 1
        return Page(items, next_after, next_before, head_seq)
