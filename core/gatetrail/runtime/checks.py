"""Named looks at the parts that a service needs, together within one limit of time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gatetrail.runtime.look import LIMIT_S, Look
from gatetrail.service.health import Health


class Check(Protocol):
    """One part. Whoever runs something that can be away hands one of these to `open_application`."""

    @property
    def name(self) -> str:
        """Stands in `/readyz` and in the label `part` of `gatetrail_up`; so it tells nothing of users."""
        ...

    @property
    def vital(self) -> bool:
        """Whether no call can pass without it. Other parts are told of, and hold the service back from nothing."""
        ...

    async def trouble(self) -> str | None:
        """Why it is not as it should be, in some words that everybody may read; None when it is. May hang."""
        ...


class Checks:
    """Everything that has to be there; `Readiness` of `gatetrail.service.health`.

    Asked by many at once it looks once, and at most once a second: `/readyz` is open to everybody.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self._looks = [(check, Look(check.trouble)) for check in checks]

    @property
    def parts(self) -> Sequence[str]:
        """The names of all checks."""
        return [check.name for check, _ in self._looks]

    async def __call__(self) -> Health:
        """How it is now, after two seconds at most. Never raises."""
        reasons = await asyncio.gather(*(_reason(look) for _, look in self._looks))
        found = [(check, reason) for (check, _), reason in zip(self._looks, reasons, strict=True) if reason is not None]
        away = {check.name: reason for check, reason in found if check.vital}
        failing = {check.name: reason for check, reason in found if not check.vital}
        return Health(ready=not away, away=away, failing=failing)

    async def close(self) -> None:
        """End looks that still go on."""
        for _, look in self._looks:
            await look.close()


async def _reason(look: Look[str | None]) -> str | None:
    try:
        return await look()
    except TimeoutError:
        return f"no answer within {LIMIT_S:g} s"
    except Exception as problem:  # noqa: BLE001 -- a check that is broken must not hide the others
        return f"cannot be looked at: {type(problem).__name__}"
