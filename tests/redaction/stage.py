"""A whole dispatcher over memory, and everything that it writes."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import Dispatcher
from gatetrail.dispatcher.ledger import Ledger
from gatetrail.dispatcher.redacted import Redacted
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.spool import Spool
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.policy.load import parse_policy
from gatetrail.redaction import Redaction
from gatetrail.sessions import Sessions
from gatetrail.testing import MemoryJournal, MemorySessions

KEY = b"the redaction key of the tests, 32 bytes"
SERVERS = """
servers:
  finance: {tier: anonymous, tools: {"closed*": {tier: admin}}}
rate_limits: {base_per_s: {mcp: 1000000}}
scanner: {anonymous_burst: {limit: 10000000, window_ms: 1000}}
"""


class Stage:
    """One process's parts; `redaction` is the text of that section of the policy."""

    def __init__(self, folder: Path, redaction: str = "{}") -> None:
        self.clock = SystemClock()
        self.ids = IdMaker(self.clock)
        self.stamp = Stamp(self.clock, self.ids, instance_id=self.ids.new_id(), product_version="0.0.0")
        self.journal = MemoryJournal()
        self.store = MemorySessions()
        self.policy = parse_policy(f"{SERVERS}\nredaction: {redaction}\n", "policy.yaml")
        self.redaction = Redaction(KEY, SENSITIVE_KEYS, self.policy.document.redaction)
        self.ledger = Ledger(self.journal, Spool(folder, self.stamp.instance_id), Redacted(self.redaction))
        sessions = Sessions(self.store, self.stamp, self.ledger.commit_or_spool, self.redaction)
        gates = Gates(self.policy, GateState())
        self.dispatcher = Dispatcher(gates, sessions, self.ledger, self.stamp, self.clock, self.ids)

    async def lines(self) -> bytes:
        """All that the journal holds."""
        return b"\n".join(entry.line for entry in await self.journal.read(0, 10_000))


class Heard(logging.Handler):
    """Remembers every line of the log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def listening() -> Generator[Heard]:
    """Everything that we log in the block, down to DEBUG, tracebacks included."""
    ours, heard = logging.getLogger("gatetrail"), Heard()
    before = ours.level
    ours.addHandler(heard)
    ours.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        ours.setLevel(before)
        ours.removeHandler(heard)
