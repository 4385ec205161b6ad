"""`python -m siem.proof`: every rule in every engine, and every mutant; exit 1 where something is not proven."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gatetrail_sinks.postgres.embedded import EmbeddedPostgres
from siem.golden import corpus, golden
from siem.proof.engine import Engine
from siem.proof.mutations.explained import explained
from siem.proof.mutations.judged import judged, table, unexplained
from siem.proof.proof import difference, prove
from siem.proof.registry import engines
from siem.sources import rules


def main() -> int:
    """The command; gives its exit code."""
    return asyncio.run(_with_server())


async def _with_server() -> int:
    folder = Path(tempfile.mkdtemp(prefix="gatetrail-proof-"))
    folder.chmod(0o755)  # as root, the server's own user must be able to get in
    try:
        async with EmbeddedPostgres(folder / "data") as server:
            return await asyncio.to_thread(_proven, server.dsn)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _proven(dsn: str) -> int:
    with engines(dsn) as opened:
        wrong = _golden(opened)
        verdicts = {rule.name: judged(rule, opened) for rule in rules()}
    _say(table(verdicts))
    found = [verdict for several in verdicts.values() for verdict in several]
    for one in found:
        reason = explained(one.rule, one.what) if one.survived else None
        if reason is not None:
            _say(f"explained: {one.rule}: {one.what}\n  {reason.why}")
    left = unexplained(found)
    for one in left:
        _say(f"survived: {one.rule}: {one.what} (asked: {', '.join(one.asked)})")
    return 1 if wrong or left else 0


def _golden(opened: Sequence[Engine]) -> bool:
    wrong = False
    for rule in rules():
        asked = [engine for engine in opened if engine.covers(rule)]
        outcomes = {engine: prove(rule, engine, corpus(), golden()[rule.name]) for engine in asked}
        bad = {engine: outcome for engine, outcome in outcomes.items() if not outcome.proven}
        _say(f"{rule.name}: {', '.join(engine.name for engine in asked if engine not in bad)}")
        for engine, outcome in bad.items():
            _say(difference(rule, engine, outcome, corpus(), golden()[rule.name]))
        wrong = wrong or bool(bad)
    return wrong


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
