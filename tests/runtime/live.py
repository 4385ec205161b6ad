"""A gate over a policy file that is changed while the gate is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from gatetrail.call import Call, Ids
from gatetrail.errors import CallDenied
from gatetrail.events.fields import Record
from gatetrail.events.model import Event, PolicyChanged, PolicyRejected
from gatetrail.identity.caller import Anonymous
from gatetrail.policy.load import parse_policy
from gatetrail.runtime import Gatetrail
from gatetrail.settings import ServiceSettings

SECRET = "a secret that is long enough for HS256"
KEY = "a redaction key that is long enough for it"
WITHIN_S = 15.0
PAGE = 1_000


def opened_to(tier: str, tool: str = "pay", more: str = "") -> str:
    """A policy under which a tool needs this tier."""
    return f"servers: {{finance: {{tier: anonymous, conceal: false, tools: {{{tool}: {{tier: {tier}}}}}}}}}\n{more}"


def version_of(text: str) -> str:
    return parse_policy(text, "policy.yaml").version


@dataclass(frozen=True)
class Live:
    """An open gate, and its file."""

    gate: Gatetrail
    path: Path

    async def allows(self, tool: str = "pay") -> bool:
        """What a call gets now, by a decision that is recorded."""
        call = Call("finance", tool, Ids(trace_id="0" * 32))
        try:
            async with self.gate.guard(call, Anonymous()):
                return True
        except CallDenied:
            return False

    async def until_in_force(self, text: str) -> None:
        """Wait until this policy decides."""
        wanted = version_of(text)
        await self.until(lambda: self.gate.policy.version == wanted)

    async def until(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if found():
                    return
                await asyncio.sleep(0.01)

    async def events(self) -> Sequence[Event]:
        found: list[Event] = []
        seq = 0
        while page := await self.gate.journal.read(seq, PAGE):
            found += [entry.event() for entry in page]
            seq = page[-1].seq
        own = self.gate.instance_id
        return [event for event in found if event.instance_id == own]

    async def changes(self) -> Sequence[PolicyChanged]:
        """Without the one of the start."""
        found = [event for event in await self.events() if isinstance(event, PolicyChanged)]
        return [event for event in found if event.previous_policy_version is not None]

    async def refusals(self) -> Sequence[PolicyRejected]:
        return [event for event in await self.events() if isinstance(event, PolicyRejected)]

    async def until_refused(self, count: int) -> Sequence[PolicyRejected]:
        """Wait until so many files were refused."""
        await self.until_told(PolicyRejected, count)
        return await self.refusals()

    async def until_told(self, kind: type[Record], count: int = 1) -> None:
        """Wait until so many events of a kind are in the record."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                if sum(isinstance(event, kind) for event in await self.events()) >= count:
                    return
                await asyncio.sleep(0.02)


def settings_of(dsn: str, folder: Path) -> ServiceSettings:
    return ServiceSettings(
        dsn=SecretStr(dsn), data_dir=folder / "data", jwt_secret=SecretStr(SECRET), redaction_key=SecretStr(KEY)
    )


@asynccontextmanager
async def live(dsn: str, folder: Path, text: str, *, watch: bool | None = None) -> AsyncGenerator[Live]:
    """A gate that follows `policy.yaml` in a folder, which is written first unless it is there."""
    path = folder / "policy.yaml"
    if not path.exists():
        path.write_text(text)
    async with Gatetrail.open(path, settings=settings_of(dsn, folder), watch=watch) as gate:
        yield Live(gate, path)
