"""The live feed: every new event to many readers in this process, each with its own filter and its own pace."""

from gatetrail.events.feed.broadcaster import Broadcaster, FeedState
from gatetrail.events.feed.items import Gap, GapReason, Heartbeat, Item, Wanted
from gatetrail.events.feed.settings import FeedSettings
from gatetrail.events.feed.subscription import Subscription
from gatetrail.events.feed.tail import open_feed

__all__ = [
    "Broadcaster",
    "FeedSettings",
    "FeedState",
    "Gap",
    "GapReason",
    "Heartbeat",
    "Item",
    "Subscription",
    "Wanted",
    "open_feed",
]
