"""The live feed: every new event to many readers in this process, each with its own filter and its own pace."""

from gatetrail.feed.broadcaster import Broadcaster, FeedState
from gatetrail.feed.items import Gap, GapReason, Heartbeat, Item, Past, Wanted
from gatetrail.feed.subscription import Subscription
from gatetrail.feed.tail import open_feed

__all__ = [
    "Broadcaster",
    "FeedState",
    "Gap",
    "GapReason",
    "Heartbeat",
    "Item",
    "Past",
    "Subscription",
    "Wanted",
    "open_feed",
]
