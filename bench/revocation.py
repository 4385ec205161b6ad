"""From the revocation of a token to its refusal in every process.

    python -m bench.revocation [--json] [--quick]

`gatetrail serve` runs with two workers; callers with a connection to each go on calling a tool with a token that is
revoked then, as `gatetrail token revoke` does it, but without the start of a process. It counts from before the write
to the last worker's first refusal; an answer tells of it at most a call and a pause too late. The yardstick is the
least that could do the job: the same write, heard by a bare `LISTEN` in the same run.
Takes the server of GATETRAIL_DSN, else starts the embedded one.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

import jwt
import orjson

from bench.journal import a_server
from bench.policy_reload import CHANGE_LIMIT_S, callers, figures, serving, token
from gatetrail.identity.restrictions import Restriction, RestrictionKind
from gatetrail_sinks.postgres.connection import connect, open_pool
from gatetrail_sinks.postgres.restrictions import CHANNEL, PostgresRestrictions

WORKERS = 2
REVOCATIONS, QUICK_REVOCATIONS = 20, 3
LIFE_S = 3600.0


async def heard(dsn: str, listening: asyncio.Event) -> float:
    """When a bare listener was told."""
    async with await connect(dsn) as connection:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        listening.set()
        async for _ in connection.notifies():
            break
        return time.perf_counter()


async def revoked(store: PostgresRestrictions, dsn: str, url: str, bearer: str) -> tuple[float, float]:
    """Seconds until the last worker refused the token, and until the bare listener had heard."""
    claims = jwt.decode(bearer, options={"verify_signature": False})
    wanted = Restriction(RestrictionKind.TOKEN_REVOKED, claims["jti"], None, None, None, "bench", "bench", 0.0)
    async with callers(url, bearer, WORKERS) as everybody:
        listening = asyncio.Event()
        hearing = asyncio.create_task(heard(dsn, listening))
        refusals = [asyncio.create_task(caller.until(allowed=False)) for caller in everybody]
        await listening.wait()
        began_s = time.perf_counter()
        async with asyncio.timeout(CHANGE_LIMIT_S):
            await store.put(wanted, LIFE_S)
            return max(await asyncio.gather(*refusals)) - began_s, await hearing - began_s


async def run(count: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="gatetrail-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secret").write_text(secrets.token_hex(32))
        async with a_server() as dsn, serving(folder, dsn, WORKERS) as url, open_pool(dsn) as pool:
            store = PostgresRestrictions(dsn, pool)
            took = [await revoked(store, dsn, url, token(folder)) for _ in range(count)]
    refused, yardstick = zip(*took, strict=True)
    return {"workers": WORKERS, "revocations": count, "refused": figures(refused), "yardstick": figures(yardstick)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    options = parser.parse_args()
    found = asyncio.run(run(QUICK_REVOCATIONS if options.quick else REVOCATIONS))
    if options.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    print(f"{'from the revocation to the refusal':50}{'p50 ms':>10}{'p99 ms':>10}{'slowest':>10}")
    for what, told in (("refused", f"in {WORKERS} processes"), ("yardstick", "  a bare listener, beside it")):
        row = found[what]
        print(f"{told:50}{row['p50_ms']:10}{row['p99_ms']:10}{row['slowest_ms']:10}")


if __name__ == "__main__":
    main()
