"""What has to be there so that calls can pass, looked at now.

For Kubernetes: `/healthz` as livenessProbe, since it says only that the process answers (a database that is away is
cured by no restart); `/readyz` as readinessProbe with `timeoutSeconds: 3`, and as startupProbe. It answers 503 with
reasons as long as no call can be recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatetrail.delivery.follower import Follower, Phase
from gatetrail.errors import Unavailable
from gatetrail.rates import SharedRates
from gatetrail.runtime.checks import Check, Checks
from gatetrail.runtime.gatetrail import Gatetrail
from gatetrail_sinks.postgres.journal import PostgresJournal
from gatetrail_sinks.postgres.probe import PostgresProbe


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """Whether a commit gets to the disk.

    Reading would not tell: a standby answers, and a server without space does. So a message that nobody sees is
    committed. That shows a server that is away, hangs, only reads, or cannot write its log, and costs one flush.
    """

    probe: PostgresProbe
    name: str = "database"
    vital: bool = True

    async def trouble(self) -> str | None:
        try:
            writes = await self.probe.takes_commits()
        except Unavailable:
            return "does not answer, or takes no commit"
        return None if writes else "only reads: it is a standby, or its transactions are read only"


@dataclass(frozen=True, slots=True)
class JournalCheck:
    """Whether the last commit of this process came about: a full disk is noticed by who needs new space on it.

    There is one at least every minute, and after a failure every few seconds, when what was spooled is tried anew.
    """

    journal: PostgresJournal
    name: str = "journal"
    vital: bool = True

    async def trouble(self) -> str | None:
        state = self.journal.state()
        return state.trouble and f"nothing was committed for {state.failing_for_s:.0f} s: {state.trouble}"


@dataclass(frozen=True, slots=True)
class FollowersCheck:
    """Whether somebody still tries to bring events to each sink."""

    followers: Sequence[Follower]
    name: str = "followers"
    vital: bool = True

    async def trouble(self) -> str | None:
        states = [follower.state() for follower in self.followers]
        stopped = [state.sink_name for state in states if state.phase is Phase.STOPPED]
        return f"stopped: {', '.join(stopped)}" if stopped else None


@dataclass(frozen=True, slots=True)
class RateStoreCheck:
    """Whether the shared store of the rates answers. Vital where no call passes without it."""

    rates: SharedRates
    name: str = "rate store"

    @property
    def vital(self) -> bool:
        return self.rates.denies_while_away

    async def trouble(self) -> str | None:
        return self.rates.away and f"does not answer: {self.rates.away}"


class SinkCheck:
    """Whether a sink takes its events. If not, they wait in the journal, and no call does."""

    vital = False

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self.name = f"sink {follower.state().sink_name}"

    async def trouble(self) -> str | None:
        state = self._follower.state()
        return f"takes nothing since {state.failing_since}" if state.phase is Phase.FAILING else None


def readiness_of(gate: Gatetrail, more: Sequence[Check] = ()) -> Checks:
    """The checks of an open gate, and those of whatever else the service needs."""
    own: list[Check] = [
        DatabaseCheck(PostgresProbe(gate.dsn, gate.recording.pool)),
        JournalCheck(gate.journal),
        FollowersCheck(gate.followers),
        *(SinkCheck(follower) for follower in gate.followers),
        *((RateStoreCheck(gate.rates),) if gate.rates is not None else ()),
    ]
    return Checks([*own, *more])
