"""A record with something to find for each question of docs/audit-sql.md, and with near misses beside it.

Every call passes the real gates, under a clock that is moved from one moment of the story to the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from gatetrail import Gatetrail
from gatetrail.call import Call, Ids, Origin
from gatetrail.clock import IdMaker
from gatetrail.delivery.sink import Start
from gatetrail.dispatcher.execution import Admitted, Denied
from gatetrail.events.fields import Record
from gatetrail.events.model import (
    AuditGap,
    AuditHeartbeat,
    AuditSinkFailed,
    AuditSinkRecovered,
    IdentityRefused,
    ScannerDetected,
)
from gatetrail.events.stamp import Stamp
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.policy.model import Policy
from gatetrail.settings import ServiceSettings
from gatetrail.testing import ManualClock
from gatetrail.words import ExecutionStatus, Level, ReasonCode
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.verifications import PostgresVerifications
from gatetrail_sinks.postgres.verify import PostgresVerifier

HERE = ZoneInfo("Europe/Berlin")
TRACE = "e" * 32
PROBER, SLOW_PROBER, SHY_PROBER = "203.0.113.9", "203.0.113.10", "203.0.113.11"
HOME, ABROAD, STRANGER = "198.51.100.1", "203.0.113.77", "198.51.100.66"
POLICY = """
servers:
  finance:
    tier: user
    tools:
      close_books: {tier: admin}
      rotate_keys: {tier: admin}
      forecast: {tier: admin}
      export: {scopes: ["finance:export"]}
  status: {tier: mcp}
blocklist:
  - {id: payroll-stays-in-house, tools: [payroll], reason: salaries are not for agents}
rate_limits:
  base_per_s: {mcp: 100}
  burst_multiplier: 3
  tier_multipliers: {mcp: 0.01}
"""
OLD_POLICY = parse_policy(POLICY, "policy.yaml")
NEW_POLICY = parse_policy(POLICY.replace("forecast: {tier: admin}", "forecast: {tier: user}"), "policy.yaml")


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happen: all working hours are of one day, the last week-day but one or more."""

    now: dt.datetime

    @property
    def noon(self) -> dt.datetime:
        day = self.now.astimezone(HERE).date() - dt.timedelta(days=2)
        while day.isoweekday() > 5:
            day -= dt.timedelta(days=1)
        return dt.datetime.combine(day, dt.time(12), HERE)

    @property
    def long_ago(self) -> dt.datetime:
        return self.noon - dt.timedelta(days=14)

    @property
    def night(self) -> dt.datetime:
        return dt.datetime.combine(self.noon.date() + dt.timedelta(days=1), dt.time(2, 30), HERE)


class Process:
    """One life of the service, told what happens."""

    def __init__(self, gatetrail: Gatetrail, clock: ManualClock) -> None:
        self._dispatcher = gatetrail.dispatcher
        self._clock = clock
        self._stamp = Stamp(clock, IdMaker(clock), instance_id=gatetrail.instance_id, product_version="0.0.0")
        self._ids = IdMaker(clock)
        self._counts = {"allowed_count": 0, "denied_count": 0, "completed_count": 0}

    def until(self, moment: dt.datetime) -> None:
        """Let time pass; it never goes back."""
        seconds = moment.timestamp() - self._clock.now_us() / 1_000_000
        assert seconds >= 0
        self._clock.advance(seconds)

    def later(self, **time: float) -> None:
        self._clock.advance(dt.timedelta(**time).total_seconds())

    async def call(self, user: str, tool: str, tier: Tier = Tier.USER, times: int = 1, **over: Any) -> None:
        """So many calls at one moment, each to its end. `session` is named by the token, `through` by the transport."""
        for _ in range(times):
            admitted = await self.begin(user, tool, tier, **over)
            if isinstance(admitted, Admitted):
                await self._dispatcher.finish(admitted, ExecutionStatus.SUCCESS)
                self._counts["completed_count"] += 1

    async def begin(self, user: str, tool: str, tier: Tier = Tier.USER, **over: Any) -> Admitted | Denied:
        """A call whose end does not come."""
        ids = Ids(
            over.get("trace") or self._ids.new_id().replace("-", ""),
            session_id=over.get("through"),
            client_id=over.get("client"),
        )
        origin = Origin(over.get("ip"), over.get("agent"))
        caller = Authenticated(
            user, tier, tier, CallerType(tier.value), AuthMethod.BEARER, session_id=over.get("session")
        )
        server = "status" if tool == "ping" else "finance"
        admitted = await self._dispatcher.admit(Call(server, tool, ids, origin=origin), caller)
        self._counts["allowed_count" if isinstance(admitted, Admitted) else "denied_count"] += 1
        return admitted

    async def tell(self, kind: type[Record], **keys: Any) -> None:
        """An event that is no call."""
        stamped = self._stamp(Level.NOTICE, "a part of the story")
        await self._dispatcher.report(kind.model_validate({**stamped, **keys}))

    async def beat(self) -> None:
        await self.tell(AuditHeartbeat, **self._counts, exported_count=0)


class Story:
    """Tells it into one database."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.moments = Moments(dt.datetime.now(dt.UTC))
        self._settings = ServiceSettings(dsn=SecretStr(dsn), data_dir=folder)
        self._clock = ManualClock(round(self.moments.long_ago.timestamp() * 1_000_000))
        self._dsn = dsn

    async def tell(self) -> None:
        """All of it, in order."""
        async with self._process(OLD_POLICY) as process:
            await self._long_ago(process)
        self._clock.advance((self.moments.noon - self.moments.long_ago).total_seconds())
        async with self._process(OLD_POLICY) as process:
            await self._quiet_minutes(process)
            await self._denials(process)
            await self._probes(process)
            await self._bursts(process)
            await self._sessions(process)
            await self._audit(process)
            process.until(self.moments.noon + dt.timedelta(hours=6))
        async with self._process(NEW_POLICY) as process:
            await self._new_policy(process)
            await self._night(process)
            await self._last_hours(process)
        await self._exported()

    @asynccontextmanager
    async def _process(self, policy: Policy) -> AsyncGenerator[Process]:
        async with Gatetrail.open(policy, settings=self._settings, sinks=False, clock=self._clock) as gatetrail:
            yield Process(gatetrail, self._clock)

    async def _long_ago(self, process: Process) -> None:
        await process.call("ann", "get_invoice")
        await process.call("bob", "list_invoices")
        await process.call("root", "close_books", Tier.ADMIN)
        await process.call("zoe", "close_books")
        await process.begin("lea", "list_invoices")

    async def _quiet_minutes(self, process: Process) -> None:
        for _ in range(2):
            process.later(minutes=1)
            await process.beat()

    async def _denials(self, process: Process) -> None:
        await process.call("ann", "get_invoice", trace=TRACE)
        await process.call("bob", "close_books", times=3)
        await process.call("bob", "forecast")
        await process.call("bob", "get_invoice")
        await process.call("dora", "list_invoices", session="s-dora")
        await process.call("dora", "close_books", Tier.ADMIN, session="s-dora")
        await process.call("eve", "export")
        await process.call("carol", "payroll")
        await process.call("root", "close_books", Tier.ADMIN)
        await process.call("root", "rotate_keys", Tier.ADMIN)
        await process.call("gus", "ping", Tier.MCP, times=5)

    async def _probes(self, process: Process) -> None:
        for _ in range(12):
            process.later(seconds=10)
            await process.call("sly", "get_invoice", agent="sqlmap/1.8", ip=PROBER)
        for address, count, seconds in ((PROBER, 8, 10), (SHY_PROBER, 19, 10), (SLOW_PROBER, 20, 30)):
            for _ in range(count):
                process.later(seconds=seconds)
                probe = {"reason_code": ReasonCode.PROBE_PATH, "reason": "a path of probes", "endpoint": "/.env"}
                await process.tell(ScannerDetected, **probe, src_ip=address)

    async def _bursts(self, process: Process) -> None:
        """Denials, each so many minutes after the one before, and what is allowed so many minutes after the last."""
        for user, denials, every_minutes, allowed_after_minutes in (
            ("mallory", 5, 1, 3),
            ("nina", 4, 1, 3),
            ("oscar", 5, 1, 6.5),
            ("pat", 5, 2, 3),
        ):
            for _ in range(denials):
                process.later(minutes=every_minutes)
                await process.call(user, "close_books")
            process.later(minutes=allowed_after_minutes)
            await process.call(user, "list_invoices")
        await process.call("quinn", "ping", Tier.MCP, times=8)
        process.later(seconds=10)
        await process.call("quinn", "ping", Tier.MCP)

    async def _sessions(self, process: Process) -> None:
        await process.call("ann", "get_invoice", session="s-ann", client="agent-a")
        await process.call("bob", "get_invoice", through="s-ann", client="agent-a", ip=STRANGER)
        refusal = {"auth_method": "bearer", "session_id": "s-ann", "claimed_user_id": "bob", "src_ip": STRANGER}
        code = "session_of_another_user"
        await process.tell(IdentityRefused, **refusal, reason_code=code, reason="the session belongs to another user")
        await process.call("bob", "get_invoice", session="s-bob", client="agent-a", times=2)
        for client in ("agent-a", "agent-b"):
            await process.call("bob", "get_invoice", session="s-shared", client=client)
        await process.call("ann", "get_invoice", session="s-travel", ip=HOME)
        await process.call("ann", "get_invoice", session="s-slow", ip=HOME)
        process.later(minutes=20)
        await process.call("ann", "get_invoice", session="s-travel", ip=ABROAD)
        process.later(minutes=100)
        await process.call("ann", "get_invoice", session="s-slow", ip=ABROAD)

    async def _audit(self, process: Process) -> None:
        sink = {"sink_name": "splunk", "cursor_seq": 3}
        await process.tell(AuditSinkFailed, **sink, reason="connection refused")
        await process.tell(AuditSinkRecovered, **sink)
        gap = {"first_missing_seq": 4, "last_missing_seq": 6, "reason": "ahead of the record"}
        await process.tell(AuditGap, sink_name="splunk", **gap)

    async def _new_policy(self, process: Process) -> None:
        await process.call("bob", "forecast")
        await process.call("eve", "export")
        await process.call("ann", "get_invoice")

    async def _night(self, process: Process) -> None:
        process.until(self.moments.night)
        await process.call("root", "rotate_keys", Tier.ADMIN)
        await process.call("ann", "get_invoice", times=2)

    async def _last_hours(self, process: Process) -> None:
        process.until(self.moments.now - dt.timedelta(hours=2))
        await process.call("fay", "ping", Tier.MCP, times=5)
        process.until(self.moments.now - dt.timedelta(minutes=30))
        await process.call("fay", "ping", Tier.MCP, times=6)
        process.until(self.moments.now - dt.timedelta(minutes=6))
        await process.begin("sam", "list_invoices")
        process.until(self.moments.now - dt.timedelta(minutes=1))
        await process.begin("tim", "list_invoices")
        await process.beat()

    async def _exported(self) -> None:
        """One sink has three events of all, and somebody has verified."""
        async with open_cursors(self._dsn) as cursors, open_pool(self._dsn) as pool:
            await cursors.acquire("splunk", Start.BEGINNING)
            await cursors.advance("splunk", 3, 3)
            found = await PostgresVerifier(self._dsn).verify(lambda _checked: None)
            await PostgresVerifications(self._dsn, pool).note(found)
