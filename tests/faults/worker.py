"""A process that serves calls until it is killed, and notes in plain files what its handlers did.

    python worker.py DSN FOLDER

A note is one `write` to a file in append mode: it survives SIGKILL, so the files tell the truth about runs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path

from gatetrail import Authenticated, Call, CallDenied, Gatetrail, Ids, Tier
from gatetrail.identity.caller import AuthMethod
from gatetrail.identity.tiers import CallerType
from gatetrail.policy.load import parse_policy
from gatetrail.settings import JournalSettings, load_settings

CALLERS = 24
LIVES_S = 60.0
POLICY = """
servers:
  finance: {tier: user}
rate_limits:
  base_per_s: {mcp: 1000000}
"""
ANN = Authenticated("ann", Tier.USER, Tier.USER, CallerType.USER, AuthMethod.EMBEDDED)


def note(descriptor: int, execution_id: str) -> None:
    os.write(descriptor, f"{execution_id}\n".encode())


async def call_for_ever(gate: Gatetrail, ran: int, refused: int, may_stop: asyncio.Event) -> None:
    while not may_stop.is_set():
        try:
            async with gate.guard(Call("finance", "pay", Ids(trace_id=secrets.token_hex(16))), ANN) as run:
                note(ran, run.execution_id)
                await asyncio.sleep(0)
        except CallDenied as denial:
            note(refused, denial.execution_id)
            await asyncio.sleep(0.01)


async def main(dsn: str, folder: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    ran, refused = os.open(folder / "ran", flags), os.open(folder / "refused", flags)
    settings = load_settings(
        None, data_dir=folder / "data", journal=JournalSettings(append_limit_ms=500), jwt_secret=None
    )
    may_stop = asyncio.Event()
    async with Gatetrail.open(parse_policy(POLICY, "faults"), dsn=dsn, settings=settings) as gate:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        asyncio.get_running_loop().add_reader(sys.stdin, may_stop.set)
        async with asyncio.timeout(LIVES_S), asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(call_for_ever(gate, ran, refused, may_stop))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
