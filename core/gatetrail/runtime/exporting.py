"""The sinks in a process of their own: no gates and no MCP, only the record and those who carry it out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.delivery.follower import Follower
from gatetrail.delivery.sink import CursorState, CursorStore
from gatetrail.dispatcher.redacted import Redacted
from gatetrail.errors import SettingsInvalid, Unavailable
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.stamp import Stamp
from gatetrail.policy.load import load_policy
from gatetrail.redaction import Redaction
from gatetrail.runtime.background import in_background
from gatetrail.runtime.export import DRAIN_S, run_sinks
from gatetrail.runtime.folder import redaction_key
from gatetrail.runtime.heartbeat import beat
from gatetrail.runtime.live_policy.redacting import follow_redaction
from gatetrail.runtime.recording import Recording, open_recording
from gatetrail.runtime.sample import sample_policy
from gatetrail.settings import ServiceSettings
from gatetrail_sinks.postgres.cursors import open_cursors

LOOK_S = 0.1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Exporting:
    """Sinks that are being driven, or waited for."""

    recording: Recording
    cursors: CursorStore
    followers: Sequence[Follower]
    stamp: Stamp
    redaction: Redaction
    """What applies to all that is recorded here."""


@asynccontextmanager
async def open_exporting(
    settings: ServiceSettings, *, drain_s: float = DRAIN_S, redaction: Redaction | None = None
) -> AsyncGenerator[Exporting]:
    """Drive every sink of the settings for as long as the block lasts; what befalls them is recorded.

    At the end they get `drain_s` to come to the journal's end. Without a `redaction`, the policy's. Raises
    `SettingsInvalid`, `PolicyInvalid`, `DatabaseUnavailable`, `DataFolderUnusable` or `MigrationRefused`.
    """
    clock = SystemClock()
    ids = IdMaker(clock)
    stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version=version("gatetrail"))
    async with AsyncExitStack() as stack:
        redaction = redaction or _redaction(settings)
        recording = await stack.enter_async_context(open_recording(settings, stamp, Redacted(redaction)))
        cursors = await stack.enter_async_context(open_cursors(recording.dsn))
        running = run_sinks(settings, recording.journal, cursors, stamp, recording.ledger, clock, drain_s=drain_s)
        yield Exporting(recording, cursors, await stack.enter_async_context(running), stamp, redaction)


async def export(settings: ServiceSettings, *, drain_s: float, say: Say) -> None:
    """Drive the sinks until cancelled. Raises what `open_exporting` raises."""
    _require_sinks(settings)
    async with AsyncExitStack() as stack:
        exporting = await stack.enter_async_context(open_exporting(settings, drain_s=drain_s))
        beating = beat(exporting.recording.ledger, exporting.stamp, exporting.followers)
        in_background(stack, beating, "gatetrail heartbeat")
        if settings.policy is not None and settings.watch_policy:
            following = follow_redaction(settings.policy, exporting.redaction, SystemClock())
            in_background(stack, following, "gatetrail redaction")
        say(f"Exporting to {', '.join(settings.sinks)}. A sink that another process drives is waited for.")
        try:
            await asyncio.Event().wait()
        finally:
            say(f"Ending: sinks get {drain_s:g} s to come to the journal's end.")


async def export_once(settings: ServiceSettings, *, within_s: float) -> int:
    """Bring every sink to where the journal ends now, and give that position.

    A sink that another process drives is waited for. Raises what `open_exporting` raises, and `Unavailable`
    naming the sinks that did not get there in time.
    """
    _require_sinks(settings)
    async with open_exporting(settings) as exporting:
        head_seq = await exporting.recording.journal.head_seq()
        late: Sequence[str] = [f"sink {name}: not begun" for name in settings.sinks]
        try:
            async with asyncio.timeout(within_s):
                while late:
                    late = _late(settings, await exporting.cursors.states(), head_seq)
                    await asyncio.sleep(LOOK_S if late else 0)
        except TimeoutError:
            raise Unavailable(f"not at the journal's end after {within_s:g} s: {'; '.join(late)}") from None
        return head_seq


def _redaction(settings: ServiceSettings) -> Redaction:
    """What sinks say of their failures may hold secrets, so the policy's redaction is in force here, too."""
    policy = load_policy(settings.policy) if settings.policy is not None else sample_policy()
    return Redaction(redaction_key(settings), SENSITIVE_KEYS, policy.document.redaction)


def _late(settings: ServiceSettings, states: Sequence[CursorState], head_seq: int) -> Sequence[str]:
    found = {state.sink_name: state for state in states}
    late: list[str] = []
    for name in settings.sinks:
        state = found.get(name)
        if state is None:
            late.append(f"sink {name}: not begun")
        elif state.seq < head_seq:
            late.append(f"sink {name}: at {state.seq} of {head_seq}: {state.last_error or 'under way'}")
    return late


def _require_sinks(settings: ServiceSettings) -> None:
    if not settings.sinks:
        raise SettingsInvalid(
            "sinks: none are named in the settings; name one in service.yaml and give it with --config"
        )
