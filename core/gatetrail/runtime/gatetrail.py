"""What a host program holds: the gate, opened for as long as its block lasts."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from starlette.types import ASGIApp

from gatetrail.call import Call
from gatetrail.clock import Clock, IdMaker
from gatetrail.delivery.follower import Follower
from gatetrail.dispatcher import Admitted, Dispatcher
from gatetrail.dispatcher.redacted import Redacted
from gatetrail.errors import Unavailable
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates, GateState
from gatetrail.hooks import Hooks
from gatetrail.identity.bearer import TokenVerifier
from gatetrail.identity.caller import Anonymous, Caller
from gatetrail.identity.keys.key_ring import KeyRing
from gatetrail.mcp import Adapter, SessionLimits, SupportedServer
from gatetrail.policy.load import load_policy, policy_in
from gatetrail.policy.model import Policy
from gatetrail.policy.standing import Adopted, Reloaded, Unchanged
from gatetrail.rates import SharedRates
from gatetrail.redaction import Redaction
from gatetrail.runtime.background import in_background
from gatetrail.runtime.export import run_sinks
from gatetrail.runtime.folder import jwt_secret, redaction_key, state_keys
from gatetrail.runtime.heartbeat import beat
from gatetrail.runtime.hooks import hooks_of, permits_of
from gatetrail.runtime.live_policy import told
from gatetrail.runtime.live_policy.exchange import Exchange
from gatetrail.runtime.live_policy.keeper import PolicyKeeper
from gatetrail.runtime.live_policy.live import Followed, LivePolicy, open_live_policy
from gatetrail.runtime.live_policy.roles import InForce, Tried
from gatetrail.runtime.metrics.tallies import Tallies
from gatetrail.runtime.observing import observing
from gatetrail.runtime.proxies import open_proxies
from gatetrail.runtime.rates import open_rates
from gatetrail.runtime.recording import Recording, open_recording
from gatetrail.runtime.sample import sample_policy
from gatetrail.runtime.sessions import open_sessions
from gatetrail.runtime.standing import open_standing
from gatetrail.runtime.surroundings import Surroundings
from gatetrail.runtime.telling import Tell, quiet
from gatetrail.settings import ServiceSettings, load_settings
from gatetrail_sinks.postgres.cursors import open_cursors
from gatetrail_sinks.postgres.journal import PostgresJournal

log = logging.getLogger("gatetrail.policy")

Found = tuple[Policy, Path | None]
"""The policy to begin with, and the file where the next one will stand."""

POLICY_HINT = "policy"
"""The word by which processes on one database have each other read the policy file."""


@dataclass(frozen=True, slots=True)
class Gatetrail:
    """The gate of one process. Made by `open`."""

    live_policy: LivePolicy
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
    ids: IdMaker
    rates: SharedRates | None
    """None: this process counts the rates by itself."""
    hooks: Hooks
    """For moments that others report: `fire`."""

    @staticmethod
    def open(
        policy: str | Path | Policy | None = None,
        *,
        dsn: str | None = None,
        settings: ServiceSettings | None = None,
        sinks: bool = True,
        watch: bool | None = None,
        clock: Clock | None = None,
        tell: Tell = quiet,
        shadow_policy: str | Path | Policy | None = None,
    ) -> AbstractAsyncContextManager[Gatetrail]:
        """Open the gate: `async with Gatetrail.open(policy="policy.yaml") as gt`.

        `dsn` goes over GATETRAIL_DSN; with neither an embedded PostgreSQL is started, or shared with the
        other processes that use the same data folder. `sinks` False leaves export to another process.
        A policy file is watched, and what it holds comes in force while the block runs, unless `watch` is False (left
        out: the setting `watch_policy` counts). A `Policy` object stays until `adopt`.
        `tell` gets a sentence at each step of the end. `shadow_policy` is decided beside the policy and only
        recorded; its file is watched as well.
        Raises `PolicyInvalid`, `SettingsInvalid`, `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
        """
        chosen = settings or load_settings(_config_of_environment())
        if dsn is not None:
            chosen = chosen.model_copy(update={"dsn": SecretStr(dsn)})
        if not sinks:
            chosen = chosen.model_copy(update={"sinks": {}})
        if watch is not None:
            chosen = chosen.model_copy(update={"watch_policy": watch})
        tried = _shadow_policy(shadow_policy, chosen)
        surroundings = Surroundings() if clock is None else Surroundings(clock=clock)
        return open_gate(_policy(policy, chosen), tried, chosen, surroundings, tell)

    @property
    def policy(self) -> Policy:
        """The one in force now."""
        return self.dispatcher.gates.policy

    async def adopt(self, policy: Policy) -> Adopted | Unchanged:
        """Put a policy of your own making in force: from the next call on, whole, and recorded as `policy.changed`.

        A file that is watched takes over again as soon as it changes.
        """
        return await self.live_policy.adopt(policy)

    async def reload(self) -> Reloaded:
        """Read the policy file now, here and in the other processes on the database, and tell what came of it."""
        return await self.live_policy.reload()

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
async def open_gate(
    found: Found,
    tried: Found | None,
    settings: ServiceSettings,
    surroundings: Surroundings,
    tell: Tell = quiet,
) -> AsyncGenerator[Gatetrail]:
    """`Gatetrail.open` in surroundings of one's own."""
    policy, path = found
    clock, pause = surroundings.clock, surroundings.pause
    ids = IdMaker(clock, surroundings.random_bytes)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version=surroundings.product_version)
    keys = KeyRing(clock)
    verifier = TokenVerifier(policy.document.identity, jwt_secret(settings), clock, keys=keys)
    redaction = Redaction(redaction_key(settings), SENSITIVE_KEYS, policy.document.redaction)
    tallies = Tallies()
    async with AsyncExitStack() as stack:
        observer = await stack.enter_async_context(observing(settings, tallies, stamp.instance_id))
        opened = open_recording(settings, stamp, Redacted(redaction), tell, observer, pause)
        recording = await stack.enter_async_context(opened)
        dsn, journal, ledger = recording.dsn, recording.journal, recording.ledger
        sessions = await stack.enter_async_context(open_sessions(settings, recording, stamp, redaction, clock))
        rates = await stack.enter_async_context(open_rates(settings, recording, stamp, tallies.rates, clock))
        state = GateState(rates_are_shared=rates is not None)
        shadow_policy = None if tried is None else tried[0]
        gates = Gates(policy, state, surroundings.stopwatch_ns, shadow_policy=shadow_policy)
        dispatcher = Dispatcher(gates, sessions, ledger, stamp, clock, ids, observer, rates)
        hooks = hooks_of(settings.hooks, os.environ, ledger, redaction, stamp, clock)
        hooks.check(policy)
        dispatcher.hang(hooks)
        await dispatcher.report(told.begun(stamp, gates))
        cursors = await stack.enter_async_context(open_cursors(dsn))
        drain_s = settings.drain_s
        running = run_sinks(settings, journal, cursors, stamp, ledger, clock, drain_s=drain_s)
        followers = await stack.enter_async_context(running)
        if followers:
            stack.callback(tell, f"Ending: sinks get {drain_s:g} s to come to the journal's end.")
        in_background(stack, keys.keep_fresh(), "gatetrail keys of issuers")
        stack.push_async_callback(hooks.close)
        beating = beat(ledger, stamp, followers, pause=pause, policy_version=lambda: dispatcher.gates.policy.version)
        in_background(stack, beating, "gatetrail heartbeat")
        limits = SessionLimits(settings.sessions.idle_s, settings.sessions.in_memory)
        standing = await stack.enter_async_context(open_standing(recording))
        sealing = state_keys(settings)
        proxies = await stack.enter_async_context(open_proxies(settings, recording, clock))
        adapter = Adapter(
            dispatcher, verifier, stamp, ids, standing, limits=limits, state_keys=sealing, proxies=proxies
        )
        poke, exchange = partial(_poke, journal), Exchange(dispatcher)
        in_force = InForce(dispatcher, stamp, adapter.policy_changed)
        beside = Tried(dispatcher, stamp)
        following = open_live_policy(
            Followed(PolicyKeeper(in_force, exchange, clock, policy), path),
            None if tried is None else Followed(PolicyKeeper(beside, exchange, clock, tried[0]), tried[1]),
            watch=settings.watch_policy,
            parse=partial(policy_in, permits=permits_of(settings.hooks)),
            poke=poke,
            on_poke=partial(journal.on_hint, POLICY_HINT),
        )
        in_background(stack, adapter.announce_changes(again=settings.workers > 1), "gatetrail list changes")
        live_policy = await stack.enter_async_context(following)
        yield Gatetrail(
            live_policy=live_policy,
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
            ids=ids,
            rates=rates,
            hooks=hooks,
        )


async def _poke(journal: PostgresJournal) -> None:
    try:
        await journal.hint(POLICY_HINT)
    except Unavailable as problem:
        log.warning("other processes could not be told to read the policy file: %s", problem)


def _policy(policy: str | Path | Policy | None, settings: ServiceSettings) -> Found:
    if isinstance(policy, Policy):
        return policy, None
    path = Path(policy) if policy is not None else settings.policy
    if path is None:
        return sample_policy(), None
    return load_policy(path, permits_of(settings.hooks)), path


def _shadow_policy(policy: str | Path | Policy | None, settings: ServiceSettings) -> Found | None:
    named = policy if policy is not None else settings.policy_shadow
    return None if named is None else _policy(named, settings)


def _config_of_environment() -> Path | None:
    named = os.environ.get("GATETRAIL_CONFIG")
    return Path(named) if named else None
