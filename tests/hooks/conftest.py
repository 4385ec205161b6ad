"""A gate with hooks, over a database of its own for each test."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest

from gatetrail import Authenticated, Call, CallDenied, Gatetrail, Ids, Tier
from gatetrail.events.journal import Entry
from gatetrail.identity.caller import AuthMethod, Caller
from gatetrail.identity.tiers import CallerType
from gatetrail.policy.load import parse_policy
from gatetrail.settings import HookSettings, JournalSettings, load_settings
from tests.hooks.outside import Programs, Receiver, receiving

ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)
PATIENCE_S = 20.0
SOC = "sixteen bytes or more"


def pay(**arguments: object) -> Call:
    return Call("finance", "pay", Ids(secrets.token_hex(16)), arguments=arguments)


def policy_of(*hooks: Mapping[str, Any], more: str = "") -> str:
    return f"servers: {{finance: {{tier: user}}}}\nhooks: {json.dumps(hooks)}\n{more}"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that nothing else tells of."""
    with anyio.fail_after(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110
            await anyio.sleep(0.02)


@dataclass(frozen=True)
class House:
    """An open gate and what stands in its record."""

    gate: Gatetrail

    async def called(self, call: Call | None = None, caller: Caller = ANN) -> CallDenied | None:
        """Guards a block that does nothing; the denial if there was one."""
        try:
            async with self.gate.guard(call or pay(), caller):
                return None
        except CallDenied as denied:
            return denied

    async def events(self, *names: str) -> list[dict[str, Any]]:
        """All of these names, in order."""
        entries: Sequence[Entry] = await self.gate.journal.read(0, 10_000)
        found: list[dict[str, Any]] = [json.loads(entry.line) for entry in entries]
        return [event for event in found if not names or event["event_name"] in names]

    async def waits_for(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        async def there() -> bool:
            return len(await self.events(name)) >= count

        await until(there)
        return await self.events(name)


class OpenHouse(Protocol):
    def __call__(
        self, *hooks: Mapping[str, Any], more: str = ..., **settings: Any
    ) -> AbstractAsyncContextManager[House]: ...


@pytest.fixture
def programs(open_folder: Path) -> Programs:
    folder = open_folder / "hooks"
    folder.mkdir(mode=0o755)
    return Programs(folder)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


@pytest.fixture
def open_house(dsn: str, open_folder: Path, programs: Programs) -> OpenHouse:
    """A gate whose service allows the test's programs, and has the secret `soc`."""

    @asynccontextmanager
    async def opened(*hooks: Mapping[str, Any], more: str = "", **settings: Any) -> AsyncGenerator[House]:
        allowed = {"commands": (str(programs.folder),), "secrets": {"soc": SOC}, **settings}
        chosen = load_settings(
            None,
            data_dir=open_folder / "data",
            hooks=HookSettings.model_validate(allowed),
            journal=JournalSettings(append_limit_ms=10_000),
        )
        policy = parse_policy(policy_of(*hooks, more=more), "policy.yaml")
        async with Gatetrail.open(policy, dsn=dsn, settings=chosen) as gate:
            yield House(gate)

    return opened
