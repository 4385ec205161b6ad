"""What a host program holds: the gate, opened for as long as its block lasts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from starlette.types import ASGIApp

from gatetrail.call import Call
from gatetrail.clock import Clock, IdMaker, SystemClock
from gatetrail.dispatcher import Admitted, Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.recovery import Recovery
from gatetrail.events.follower import Follower
from gatetrail.events.model import PolicyChanged
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Anonymous, Caller
from gatetrail.mcp import Adapter, SupportedServer
from gatetrail.policy.load import load_policy
from gatetrail.policy.model import Policy
from gatetrail.runtime.database import open_database
from gatetrail.runtime.export import run_sinks
from gatetrail.runtime.folder import jwt_secret, spool_dir
from gatetrail.runtime.heartbeat import beat
from gatetrail.runtime.sample import sample_policy
from gatetrail.sessions import Sessions
from gatetrail.settings import ServiceSettings, load_settings
from gatetrail.words import Level
from gatetrail_sinks.postgres.connection import open_pool
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.executions import PostgresExecutions
from gatetrail_sinks.postgres.journal import PostgresJournal, open_journal
from gatetrail_sinks.postgres.migrate import migrate
from gatetrail_sinks.postgres.sessions import PostgresSessions
from gatetrail_sinks.postgres.writer import WriterSettings

RECOVERY_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Gatetrail:
    """The gate of one process. Made by `open`."""

    policy: Policy
    dispatcher: Dispatcher
    verifier: TokenVerifier
    journal: PostgresJournal
    adapter: Adapter
    followers: Sequence[Follower]
    dsn: str
    instance_id: str
    """What stands as `instance_id` in all that this process records."""

    @staticmethod
    def open(
        policy: str | Path | Policy | None = None,
        *,
        dsn: str | None = None,
        settings: ServiceSettings | None = None,
        sinks: bool = True,
        clock: Clock | None = None,
    ) -> AbstractAsyncContextManager[Gatetrail]:
        """Open the gate: `async with Gatetrail.open(policy="policy.yaml") as gt`.

        `dsn` goes over GATETRAIL_DSN; with neither an embedded PostgreSQL is started, or shared with the
        other processes that use the same data folder. `sinks` False leaves export to another process.
        Raises `PolicyInvalid`, `SettingsInvalid`, `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
        """
        chosen = settings or load_settings(_config_of_environment())
        if dsn is not None:
            chosen = chosen.model_copy(update={"dsn": SecretStr(dsn)})
        if not sinks:
            chosen = chosen.model_copy(update={"sinks": {}})
        return _open(_policy(policy, chosen), chosen, clock or SystemClock())

    def install(self, server: SupportedServer, *, name: str, local_caller: Caller | None = None) -> None:
        """Put the gate into an MCPServer, a low-level Server or a FastMCP, under the name that the policy knows.

        `local_caller` is who calls when nothing on the wire can tell: stdio, in memory, or from Python;
        anonymous when left out. Raises `ServerNotSupported`.
        """
        self.adapter.install(server, name=name, local_caller=local_caller or Anonymous())

    def identity(self, app: ASGIApp) -> ASGIApp:
        """Put the identity layer around an ASGI app of your own that serves MCP."""
        return self.adapter.identity(app)

    def guard(self, call: Call, caller: Caller) -> AbstractAsyncContextManager[Admitted]:
        """Guard a block of your own code: `async with gt.guard(call, caller) as run`.

        The block runs only after its allow row is committed; how it ends is recorded. Raises `CallDenied`
        at entry, and `TimeoutError` when the block runs into the time limit.
        """
        return self.dispatcher.guard(call, caller)


@asynccontextmanager
async def _open(policy: Policy, settings: ServiceSettings, clock: Clock) -> AsyncGenerator[Gatetrail]:
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version=version("gatetrail"))
    verifier = TokenVerifier(policy.document.identity, jwt_secret(settings), clock)
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(open_database(settings))
        await migrate(dsn)
        pool = await stack.enter_async_context(open_pool(dsn))
        journal = await stack.enter_async_context(
            open_journal(dsn, pool, instance_id=stamp.instance_id, settings=_writer_settings(settings))
        )
        spool = Spool(spool_dir(settings), stamp.instance_id)
        stack.callback(spool.close)
        ledger = Ledger(journal, spool)
        recovery = Recovery(journal, PostgresExecutions(dsn, pool, stamp.instance_id), spool, stamp)
        await recovery.once()
        stack.push_async_callback(recovery.last)
        _in_background(stack, recovery.run(RECOVERY_INTERVAL_S), "gatetrail recovery")
        sessions = Sessions(PostgresSessions(dsn, pool), stamp, ledger.commit_or_spool)
        dispatcher = Dispatcher(Gates(policy, GateState()), sessions, ledger, stamp, clock, ids)
        await dispatcher.report(_in_force(policy, stamp))
        cursors = await stack.enter_async_context(open_cursors(dsn))
        followers = await stack.enter_async_context(run_sinks(settings, journal, cursors, stamp, ledger, clock))
        _in_background(stack, beat(ledger, stamp, followers), "gatetrail heartbeat")
        adapter = Adapter(dispatcher, verifier, stamp, ids)
        yield Gatetrail(policy, dispatcher, verifier, journal, adapter, followers, dsn, stamp.instance_id)


def _in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> None:
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task])

    stack.push_async_callback(end)


def _writer_settings(settings: ServiceSettings) -> WriterSettings:
    journal = settings.journal
    return WriterSettings(append_limit_ms=journal.append_limit_ms, batch_events=journal.batch_events)


def _in_force(policy: Policy, stamp: Stamp) -> PolicyChanged:
    return PolicyChanged(
        **stamp(Level.NOTICE, f"policy {policy.version} is in force"),
        policy_version=policy.version,
        policy_source=policy.source[-256:],
    )


def _policy(policy: str | Path | Policy | None, settings: ServiceSettings) -> Policy:
    if isinstance(policy, Policy):
        return policy
    path = Path(policy) if policy is not None else settings.policy
    return load_policy(path) if path is not None else sample_policy()


def _config_of_environment() -> Path | None:
    named = os.environ.get("GATETRAIL_CONFIG")
    return Path(named) if named else None
