"""What happened, by the record alone, and whether it is what must have happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from gatetrail.events.tally import CallCount, Tally
from gatetrail.events.verification import Broken, Intact, Verification
from gatetrail.runtime.records import Records
from gatetrail.words import ExecutionStatus, GateName

SETTLED_WITHIN_S = 15.0
LOOK_EVERY_S = 0.05

MUST_DENY = (GateName.SCOPE, GateName.SCANNER, GateName.BLOCKLIST, GateName.RATE_LIMIT)
MUST_HAPPEN = (ExecutionStatus.SUCCESS, ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Account:
    """One run, as the database tells it."""

    lines: Sequence[CallCount]
    events: Mapping[str, int]
    """By event name."""
    verification: Verification

    @property
    def calls(self) -> int:
        return sum(line.count for line in self.lines)

    @property
    def allowed(self) -> int:
        return sum(line.count for line in self.lines if line.gate is GateName.NONE)

    @property
    def denied_by_gate(self) -> dict[str, int]:
        """The four gates always, others only where they denied."""
        counts: Counter[GateName] = Counter(dict.fromkeys(MUST_DENY, 0))
        for line in self.lines:
            if line.gate is not GateName.NONE:
                counts[line.gate] += line.count
        return {gate.value: count for gate, count in counts.items()}

    @property
    def executions_by_status(self) -> dict[str, int]:
        """Every status, those that nothing has too."""
        counts: Counter[ExecutionStatus] = Counter(dict.fromkeys(ExecutionStatus, 0))
        for line in self.lines:
            counts[line.status] += line.count
        return {status.value: count for status, count in counts.items()}

    @property
    def event_count(self) -> int:
        return sum(self.events.values())

    @property
    def verified(self) -> bool:
        return isinstance(self.verification, Intact)

    def of(self, client_id: str) -> Sequence[CallCount]:
        """The lines of one caller."""
        return [line for line in self.lines if line.client_id == client_id]

    def first_denial(self, gate: GateName) -> str | None:
        """The id of the first decision by which a gate denied."""
        return next((line.first_execution_id for line in self.lines if line.gate is gate), None)

    def as_json(self, duration_s: float) -> dict[str, Any]:
        """The one object that `--json` prints."""
        return {
            "calls": self.calls,
            "allowed": self.allowed,
            "denied_by_gate": self.denied_by_gate,
            "executions_by_status": self.executions_by_status,
            "events": self.event_count,
            "verified": self.verified,
            "duration_s": round(duration_s, 3),
        }


async def settled(tally: Tally, instance_id: str) -> None:
    """Wait until no call of this run is pending, but not for ever."""
    for _ in range(int(SETTLED_WITHIN_S / LOOK_EVERY_S)):
        if all(line.status is not ExecutionStatus.PENDING for line in await tally.calls(instance_id)):
            return
        await anyio.sleep(LOOK_EVERY_S)


async def account_of(records: Records, instance_id: str) -> Account:
    """Count one run, verify the whole record, and note that. Raises `DatabaseUnavailable`."""
    lines = await records.tally.calls(instance_id)
    events = await records.tally.events(instance_id)
    found = await records.verifier.verify(lambda _checked: None)
    await records.verifications.note(found)
    return Account(lines, events, found)


def wrong_with(account: Account, made_calls: int) -> Iterator[str]:
    """Each thing that should not be."""
    if account.calls != made_calls:
        yield f"{made_calls} calls were made, and the record has {account.calls}"
    if account.allowed + sum(account.denied_by_gate.values()) != account.calls:
        yield "allowed and denied calls do not add up to all calls"
    if pending := account.executions_by_status[ExecutionStatus.PENDING.value]:
        yield f"{pending} calls are still pending"
    if isinstance(account.verification, Broken):
        yield f"the record does not verify: {account.verification.detail}"
    yield from _missing_from(account)


def _missing_from(account: Account) -> Iterator[str]:
    for gate in MUST_DENY:
        if not account.denied_by_gate[gate.value]:
            yield f"the gate {gate.value} denied nothing"
    for status in MUST_HAPPEN:
        if not account.executions_by_status[status.value]:
            yield f"no call ended with {status.value}"
