"""A process that starts the embedded server on a folder, says so, and stays until told to end.

Run as `python worker.py FOLDER [USER]`. With USER it becomes that user once everything is imported
(the interpreter itself may be out of that user's reach). One JSON line per answer on stdout: after
the start, and after each line on stdin. It ends, in order, when stdin is closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sys
from pathlib import Path

from gatetrail.errors import GatetrailError
from gatetrail_sinks.postgres.embedded import EmbeddedPostgres


def become(name: str) -> None:
    entry = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def say(**answer: object) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def tell(server: EmbeddedPostgres) -> None:
    say(owner=server.owner, pid=server.pid, dsn=server.dsn, code="", message="")


async def main(folder: Path) -> None:
    try:
        async with EmbeddedPostgres(folder, start_timeout_s=30) as server:
            tell(server)
            while await asyncio.to_thread(sys.stdin.readline):
                tell(server)
    except GatetrailError as error:
        say(owner=False, pid=None, dsn="", code=error.code, message=str(error))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        become(sys.argv[2])
    asyncio.run(main(Path(sys.argv[1])))
