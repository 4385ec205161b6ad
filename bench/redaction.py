"""What redaction costs the event of a decision: made with every shape switched off, by default, and with a preview.

    python -m bench.redaction [--json] [--quick]

Microseconds of one `tool_call.decided`, for arguments of about 100 bytes and of about 4 kB, in rounds that
take turns; the median of the rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import orjson

from bench.gates import caller
from gatetrail.call import Call, Ids, Origin
from gatetrail.clock import IdMaker, SystemClock
from gatetrail.dispatcher import record
from gatetrail.events.model import SENSITIVE_KEYS
from gatetrail.events.stamp import Stamp
from gatetrail.gates.pipeline import Gates
from gatetrail.gates.state import GateState
from gatetrail.policy.load import parse_policy
from gatetrail.policy.redaction import Shape
from gatetrail.redaction import Redaction

ROUNDS = 21
EVENTS = 2_000
OFF = f"shapes: {{{', '.join(f'{shape.value}: keep' for shape in Shape)}}}"
POLICIES = {
    "off": f"{{{OFF}}}",
    "default": "{}",
    "preview of 512 bytes, shapes off": f"{{preview_bytes: 512, {OFF}}}",
    "preview of 512 bytes": "{preview_bytes: 512}",
    "preview of 2,000 bytes": "{preview_bytes: 2000}",
    "sensitive values hashed": "{classes: {sensitive: hash}}",
}
SMALL: dict[str, Any] = {
    "customer": "ann",
    "invoice": "2026-0001",
    "amount": 12.5,
    "lines": [1, 2, 3],
    "note": "as agreed by phone",
}
LARGE: dict[str, Any] = {f"field_{number}": f"some value of an ordinary length, {number}" for number in range(80)}
PLANTED: dict[str, Any] = {**SMALL, "note": "use AKIAIOSFODNN7EXAMPLE", "password": "hunter2"}
ARGUMENTS = {"100 bytes": SMALL, "4 kB": LARGE, "100 bytes with two secrets": PLANTED}


class Contestant:
    """One policy with one kind of arguments."""

    def __init__(self, policy: str, arguments: str) -> None:
        clock = SystemClock()
        ids = IdMaker(clock)
        self.name = f"{policy}; {arguments}"
        self._stamp = Stamp(clock, ids, instance_id=ids.new_id(), product_version="0.0.0")
        loaded = parse_policy(f"servers: {{finance: {{tier: user}}}}\nredaction: {POLICIES[policy]}", "bench")
        self._redactor = Redaction(b"k" * 32, SENSITIVE_KEYS).under(loaded.document.redaction)
        origin = Origin("10.0.0.7", "python-httpx/0.28.1", "/mcp/finance")
        asked = Ids("a" * 32, "b" * 16, "d-0190aaaa00007000", "conversation-17", "desk-agent", "task-5")
        self._call = Call("finance", "get_invoice", asked, arguments=ARGUMENTS[arguments], call_id="17", origin=origin)
        self._caller = caller(1)
        self._decision = Gates(loaded, GateState()).decide(self._call, self._caller, 1, 1.0)
        self.samples_us: list[float] = []

    def run(self, events: int) -> None:
        started_s = time.perf_counter()
        for _ in range(events):
            record.decided(self._stamp, self._call, self._caller, self._decision, "e" * 36, self._redactor)
        self.samples_us.append((time.perf_counter() - started_s) / events * 1e6)


def contestants() -> Iterator[Contestant]:
    for policy in POLICIES:
        for arguments in ARGUMENTS:
            yield Contestant(policy, arguments)


def main() -> None:
    field = list(contestants())
    quick = "--quick" in sys.argv[1:]
    for _ in range(2 if quick else ROUNDS):
        for one in field:
            one.run(20 if quick else EVENTS)
    figures = {one.name: round(statistics.median(one.samples_us), 1) for one in field}
    if "--json" in sys.argv[1:]:
        print(orjson.dumps({"decided_event_us": figures}, option=orjson.OPT_INDENT_2).decode())
        return
    for name, median_us in figures.items():
        print(f"{name:64}{median_us:8.1f} µs")


if __name__ == "__main__":
    main()
