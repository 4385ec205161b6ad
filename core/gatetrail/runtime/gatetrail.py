"""What a host program holds: the gate, opened for as long as its block lasts."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import SecretStr
from starlette.types import ASGIApp

from gatetrail.call import Call
from gatetrail.clock import Clock, IdMaker, SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.dispatcher import Admitted, Dispatcher
from gatetrail.dispatcher.redacted import Redacted
from gatetrail.events.model import SENSITIVE_KEYS, PolicyChanged
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Anonymous, Caller
from gatetrail.identity.keys.key_ring import KeyRing
from gatetrail.mcp import Adapter, SupportedServer
from gatetrail.policy.load import load_policy
from gatetrail.policy.model import Policy
from gatetrail.redaction import Redaction
from gatetrail.runtime.background import in_background
from gatetrail.runtime.export import run_sinks
from gatetrail.runtime.folder import jwt_secret, redaction_key
from gatetrail.runtime.heartbeat import beat
from gatetrail.runtime.metrics.tallies import Tallies
from gatetrail.runtime.observing import observing
from gatetrail.runtime.recording import Recording, open_recording
from gatetrail.runtime.sample import sample_policy
from gatetrail.runtime.telling import Tell, quiet
from gatetrail.sessions import Sessions
from gatetrail.settings import ServiceSettings, load_settings
from gatetrail.words import Level
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import PostgresJournal
from gatetrail_sinks.postgres.sessions import PostgresSessions


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
    recording: Recording
    tallies: Tallies
    """What this process has counted, for metrics."""
    instance_id: str
    """What stands as `instance_id` in all that this process records."""
    stamp: Stamp
    clock: Clock

    @staticmethod
    def open(
        policy: str | Path | Policy | None = None,
        *,
        dsn: str | None = None,
        settings: ServiceSettings | None = None,
        sinks: bool = True,
        clock: Clock | None = None,
        tell: Tell = quiet,
    ) -> AbstractAsyncContextManager[Gatetrail]:
        """Open the gate: `async with Gatetrail.open(policy="policy.yaml") as gt`.

        `dsn` goes over GATETRAIL_DSN; with neither an embedded PostgreSQL is started, or shared with the
        other processes that use the same data folder. `sinks` False leaves export to another process.
        `tell` gets a sentence at each step of the end.
        Raises `PolicyInvalid`, `SettingsInvalid`, `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
        """
        chosen = settings or load_settings(_config_of_environment())
        if dsn is not None:
            chosen = chosen.model_copy(update={"dsn": SecretStr(dsn)})
        if not sinks:
            chosen = chosen.model_copy(update={"sinks": {}})
        return _open(_policy(policy, chosen), chosen, clock or SystemClock(), tell)

    def install(self, server: SupportedServer, *, name: str, local_caller: Caller | None = None) -> None:
        """Put the gate into an MCPServer, a low-level Server or a FastMCP, under the name that the policy knows.

        `local_caller` is who calls when nothing on the wire can tell: stdio, in memory, or from Python;
        anonymous when left out. Raises `ServerNotSupported`.
        """
        self.adapter.install(server, name=name, local_caller=local_caller or Anonymous())

    def identity(self, app: ASGIApp, *, problems: bool = False) -> ASGIApp:
        """Put the identity layer around an ASGI app of your own that serves MCP, or with `problems` something else."""
        return self.adapter.identity(app, problems=problems)

    def guard(self, call: Call, caller: Caller) -> AbstractAsyncContextManager[Admitted]:
        """Guard a block of your own code: `async with gt.guard(call, caller) as run`.

        The block runs only after its allow row is committed; how it ends is recorded. Raises `CallDenied`
        at entry, and `TimeoutError` when the block runs into the time limit.
        """
        return self.dispatcher.guard(call, caller)


@asynccontextmanager
async def _open(policy: Policy, settings: ServiceSettings, clock: Clock, tell: Tell) -> AsyncGenerator[Gatetrail]:
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version=version("gatetrail"))
    keys = KeyRing(clock)
    verifier = TokenVerifier(policy.document.identity, jwt_secret(settings), clock, keys=keys)
    redaction = Redaction(redaction_key(settings), SENSITIVE_KEYS, policy.document.redaction)
    tallies = Tallies()
    async with AsyncExitStack() as stack:
        observer = await stack.enter_async_context(observing(settings, tallies, stamp.instance_id))
        opened = open_recording(settings, stamp, Redacted(redaction), tell, observer)
        recording = await stack.enter_async_context(opened)
        dsn, pool, journal, ledger = recording.dsn, recording.pool, recording.journal, recording.ledger
        sessions = Sessions(PostgresSessions(dsn, pool), stamp, ledger.commit_or_spool, redaction)
        dispatcher = Dispatcher(Gates(policy, GateState()), sessions, ledger, stamp, clock, ids, observer)
        await dispatcher.report(_in_force(policy, stamp))
        cursors = await stack.enter_async_context(open_cursors(dsn))
        drain_s = settings.drain_s
        running = run_sinks(settings, journal, cursors, stamp, ledger, clock, drain_s=drain_s)
        followers = await stack.enter_async_context(running)
        if followers:
            stack.callback(tell, f"Ending: sinks get {drain_s:g} s to come to the journal's end.")
        in_background(stack, keys.keep_fresh(), "gatetrail keys of issuers")
        in_background(stack, beat(ledger, stamp, followers), "gatetrail heartbeat")
        adapter = Adapter(dispatcher, verifier, stamp, ids)
        yield Gatetrail(
            policy=policy,
            dispatcher=dispatcher,
            verifier=verifier,
            journal=journal,
            adapter=adapter,
            followers=followers,
            dsn=dsn,
            recording=recording,
            tallies=tallies,
            instance_id=stamp.instance_id,
            stamp=stamp,
            clock=clock,
        )


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
