"""`python -m siem.corpus`: write the files of events; `--check`: exit 1 and say what is different."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from siem.corpus.make import files
from siem.files import Files, different, write
from siem.places import EVENTS


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m siem.corpus", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where something is different")
    check = parser.parse_args(arguments).check
    logging.getLogger().addHandler(logging.NullHandler())  # what the stories break is none of the reader's trouble
    made = asyncio.run(_made())
    wrong = different(EVENTS, made) if check else []
    if not check:
        write(EVENTS, made)
    for name in wrong:
        sys.stderr.write(f"siem-samples/events/{name} is not what the stories tell; run: python -m siem.corpus\n")
    return 1 if wrong else 0


async def _made() -> Files:
    folder = Path(tempfile.mkdtemp(prefix="gatetrail-corpus-"))
    folder.chmod(0o755)  # as root, the server's own user must be able to get in
    try:
        async with EmbeddedPostgres(folder / "data") as server:
            return await files(server.dsn)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
