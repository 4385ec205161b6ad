"""Says every minute that the record is alive, so that silence shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from gatetrail.delivery.follower import Follower
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.events.model import AuditHeartbeat
from gatetrail.events.stamp import Stamp
from gatetrail.words import Level

INTERVAL_S = 60.0


async def beat(
    ledger: Ledger,
    stamp: Stamp,
    followers: Sequence[Follower],
    interval_s: float = INTERVAL_S,
    *,
    pause: Callable[[float], Awaitable[None]] = anyio.sleep,
    policy_version: Callable[[], str | None] = lambda: None,
) -> None:
    """Record `audit.heartbeat` now and in every interval. Ends by cancellation.

    `pause` lies between two; `policy_version` tells which policy is in force.
    """
    while True:
        counts = ledger.counts
        await ledger.commit_or_spool(
            AuditHeartbeat(
                **stamp(Level.INFO, "the audit trail is alive"),
                allowed_count=counts.allowed,
                denied_count=counts.denied,
                completed_count=counts.completed,
                exported_count=sum(follower.state().delivered_count for follower in followers),
                policy_version=policy_version(),
            )
        )
        await pause(interval_s)
