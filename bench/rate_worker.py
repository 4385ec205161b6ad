"""One worker of a service whose callers all ask for more than they may have. Started by `bench.rate_share`.

    python -m bench.rate_worker DSN FOLDER STORE_URL|postgres SECONDS WORKERS

Says `ready`, waits for a line, then lets each caller ask at a steady pace for so many seconds. What came of it stands
in the record.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

from pydantic import SecretStr

from bench.rate_share import CALLERS, OVERLOAD, POLICY, RATE_PER_S, SERVICES
from gatetrail import Gatetrail
from gatetrail.call import Call, Ids
from gatetrail.errors import CallDenied
from gatetrail.identity.caller import Authenticated, AuthMethod
from gatetrail.identity.tiers import CallerType, Tier
from gatetrail.policy.load import parse_policy
from gatetrail.settings import RateStoreSettings, RateStoreType, load_settings


def rate_store(where: str) -> RateStoreSettings:
    if where == "postgres":
        return RateStoreSettings(limit_ms=1_000)
    return RateStoreSettings(type=RateStoreType.VALKEY, url=SecretStr(where), limit_ms=1_000)


async def overload(gate: Gatetrail, user: str, seconds: float, every_s: float, offset_s: float) -> None:
    who = Authenticated(
        user, Tier.USER, Tier.USER, CallerType.USER, AuthMethod.BEARER, audiences=frozenset({"gatetrail"})
    )
    loop = asyncio.get_running_loop()
    next_s, ends_s = loop.time() + offset_s, loop.time() + seconds
    while next_s < ends_s:
        await asyncio.sleep(next_s - loop.time())
        # What a busy machine could not do in time is not made up for.
        next_s = max(next_s + every_s, loop.time())
        try:
            async with gate.guard(Call("bench", "work", Ids(secrets.token_hex(16))), who):
                pass
        except CallDenied:
            continue


async def main(dsn: str, folder: str, where: str, seconds: float, workers: int) -> None:
    every_s = SERVICES * workers / (OVERLOAD * RATE_PER_S)
    settings = load_settings(
        None, dsn=SecretStr(dsn), data_dir=Path(folder), workers=workers, rate_store=rate_store(where)
    )
    async with Gatetrail.open(parse_policy(POLICY, "bench"), settings=settings, sinks=False) as gate:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(
            *(
                overload(gate, f"caller-{number}", seconds, every_s, every_s * number / CALLERS)
                for number in range(CALLERS)
            )
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5])))
