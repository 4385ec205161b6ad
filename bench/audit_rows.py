"""Rows for the auditors' benchmark, as if the gates had made them: users, tools, denials, outcomes, a chain."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatetrail.clock import rfc3339
from gatetrail.events.fields import Record
from gatetrail.events.model import (
    AuditHeartbeat,
    AuditSinkFailed,
    AuditSinkRecovered,
    IdentityRefused,
    PolicyChanged,
    ScannerDetected,
    ToolCallCompleted,
    ToolCallDecided,
)
from gatetrail.events.wire import GENESIS_HASH, seal
from gatetrail.words import ExecutionStatus, GateName, GateOutcome, Level, ReasonCode
from tests.samples import completed, decided, make_stamp

USERS = 2_000
SERVERS = 8
TOOLS = 25
WEEK_US = 7 * 86_400_000_000
MINUTE_US = 60_000_000
SESSION_US = 8 * 3_600_000_000
POLICY_MINUTES = 2 * 24 * 60
"""So long every policy is in force."""
JOURNAL_WEEKS = 2
"""The journal is filled for so long before the end; what was before stands for partitions that were dropped."""
NULL = "\\N"
EVENT_COLUMNS = (
    "seq, event_id, event_name, recorded_at, user_id, session_id, trace_id, client_id, server_name, tool_name,"
    " execution_id, decision, gate, body, prev_hash, event_hash"
)
EXECUTION_COLUMNS = (
    "execution_id, trace_id, user_id, session_id, client_id, server_name, tool_name, method, caller_type, actual_tier,"
    " required_tier, rate_limit_tier, status, gate, reason_code, policy_version, instance_id, src_ip, retry_after_ms,"
    " started_at, finished_at, latency_ms, error_class, decided_seq, outcome_seq"
)
DENIALS = (
    (0.016, GateName.SCOPE, ReasonCode.TIER_TOO_LOW),
    (0.030, GateName.RATE_LIMIT, ReasonCode.RATE_EXCEEDED),
    (0.035, GateName.BLOCKLIST, ReasonCode.BLOCKED),
    (0.040, GateName.SCANNER, ReasonCode.SCANNER_AGENT),
)
"""Of all calls, added up: four in a hundred are denied."""
STUCK = 12
"""So many of the last calls but some thousand are still pending."""


@dataclass(slots=True)
class Chunk:
    """Lines for COPY."""

    events: list[str] = field(default_factory=list[str])
    executions: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Drawn:
    """One call, as chance made it."""

    at_us: int
    execution_id: str
    trace_id: str
    user: int
    server: int
    tool: int
    gate: GateName
    reason_code: ReasonCode
    status: ExecutionStatus


class Rows:
    """So many calls over so many weeks, oldest first, always the same ones for the same end."""

    def __init__(self, calls: int, weeks: int, until_us: int) -> None:
        self._chance = random.Random(7)
        self.calls = calls
        self._began_us = until_us - weeks * WEEK_US
        self._step_us = weeks * WEEK_US / calls
        self._journal_from_us = until_us - JOURNAL_WEEKS * WEEK_US
        self._stamp = make_stamp()
        self._decided = decided(self._stamp)
        self._completed = completed(self._stamp, self._decided)
        self._next_minute_us = self._journal_from_us
        self.seq = 0
        self.event_hash = GENESIS_HASH
        self.events = 0
        self.last_trace_id = ""

    def chunks(self, size: int) -> Iterator[Chunk]:
        """All rows, so many calls at a time."""
        chunk = Chunk()
        for number in range(self.calls):
            self._add(chunk, self._draw(number))
            if len(chunk.executions) == size:
                yield chunk
                chunk = Chunk()
        yield chunk

    def _draw(self, number: int) -> Drawn:
        chance = self._chance
        at_us = self._began_us + int(number * self._step_us)
        luck = chance.random()
        gate, reason_code = next(
            ((gate, code) for bound, gate, code in DENIALS if luck < bound), (GateName.NONE, ReasonCode.ALLOWED)
        )
        return Drawn(
            at_us=at_us,
            execution_id=f"{at_us // 1000:012x}7{chance.getrandbits(12):03x}{chance.getrandbits(62) | 1 << 63:016x}",
            trace_id=f"{chance.getrandbits(128):032x}",
            user=int(USERS * luck**2) if gate is GateName.NONE else int(USERS * chance.random() ** 3),
            server=int(SERVERS * chance.random()),
            tool=int(TOOLS * chance.random() ** 2),
            gate=gate,
            reason_code=reason_code,
            status=self._status(number, gate),
        )

    def _status(self, number: int, gate: GateName) -> ExecutionStatus:
        if gate is not GateName.NONE:
            return ExecutionStatus.DENIED
        left = self.calls - number
        if 5_000 < left <= 5_000 + STUCK:
            return ExecutionStatus.PENDING
        return ExecutionStatus.FAILED if self._chance.random() < 0.03 else ExecutionStatus.SUCCESS

    def _add(self, chunk: Chunk, call: Drawn) -> None:
        in_journal = call.at_us >= self._journal_from_us
        if in_journal:
            self._beats(chunk, call.at_us)
        who = _who(call)
        started_at, finished_at = rfc3339(call.at_us), rfc3339(call.at_us + 2_000)
        decided_seq = (
            self._next(chunk, self._decision(call, who, started_at), who, call) if in_journal else self._skip()
        )
        outcome_seq: int | None = None
        if call.status not in {ExecutionStatus.DENIED, ExecutionStatus.PENDING}:
            outcome = self._outcome(call, who, finished_at) if in_journal else None
            outcome_seq = self._next(chunk, outcome, who, call) if outcome else self._skip()
        chunk.executions.append(self._execution(call, who, (started_at, finished_at), (decided_seq, outcome_seq)))
        self.last_trace_id = call.trace_id

    def _beats(self, chunk: Chunk, at_us: int) -> None:
        """What happens besides calls, until then."""
        while self._next_minute_us < at_us:
            for event in self._of_minute(self._next_minute_us):
                self._line(chunk, event, _columns(event))
            self._next_minute_us += MINUTE_US

    def _of_minute(self, at_us: int) -> Iterator[Record]:
        minute = at_us // MINUTE_US

        def told(level: Level = Level.INFO) -> dict[str, object]:
            return {**self._stamp(level, "of a benchmark"), "timestamp": rfc3339(at_us)}

        counts = {"allowed_count": minute, "denied_count": 0, "completed_count": minute, "exported_count": 0}
        yield AuditHeartbeat.model_validate({**told(), **counts})
        refusal = {"reason_code": "token_expired", "reason": "the token has expired", "auth_method": "bearer"}
        yield IdentityRefused.model_validate({**told(), **refusal, "src_ip": f"10.9.{minute % 250}.1"})
        for _ in range(30 if minute % 60 == 0 else 1):
            probe = {"reason_code": ReasonCode.PROBE_PATH, "reason": "a path that nobody asks for", "endpoint": "/.env"}
            yield ScannerDetected.model_validate({**told(), **probe, "src_ip": f"198.51.100.{minute // 60 % 250}"})
        if minute % POLICY_MINUTES == 0:
            policy = {"policy_version": _policy_version(at_us), "policy_source": "policy.yaml"}
            yield PolicyChanged.model_validate({**told(), **policy})
        if minute % 360 == 0:
            sink = {"sink_name": "splunk", "cursor_seq": self.seq}
            yield AuditSinkFailed.model_validate({**told(), **sink, "reason": "connection refused"})
            yield AuditSinkRecovered.model_validate({**told(), **sink})

    def _decision(self, call: Drawn, who: dict[str, str], started_at: str) -> Record:
        denied = call.gate is not GateName.NONE
        keys = {
            **self._decided.__dict__,
            **who,
            "timestamp": started_at,
            "event_id": _dashed(f"{call.execution_id[:16]}{self._chance.getrandbits(63) | 1 << 63:016x}"),
            "execution_id": _dashed(call.execution_id),
            "decision": "deny" if denied else "allow",
            "gate": call.gate,
            "reason_code": call.reason_code,
            "gate_scope": GateOutcome.DENY if call.gate is GateName.SCOPE else GateOutcome.PASS,
            "execution_status": ExecutionStatus.DENIED if denied else ExecutionStatus.PENDING,
            "retry_after_ms": 250 if call.gate is GateName.RATE_LIMIT else None,
        }
        return ToolCallDecided.trusted(keys)

    def _outcome(self, call: Drawn, who: dict[str, str], finished_at: str) -> Record:
        keys = {
            **self._completed.__dict__,
            **{key: text for key, text in who.items() if key in ToolCallCompleted.model_fields},
            "timestamp": finished_at,
            "event_id": _dashed(f"{call.execution_id[:16]}{self._chance.getrandbits(63) | 1 << 63:016x}"),
            "execution_id": _dashed(call.execution_id),
            "execution_status": call.status,
            "error_class": "RuntimeError" if call.status is ExecutionStatus.FAILED else None,
        }
        return ToolCallCompleted.trusted(keys)

    def _next(self, chunk: Chunk, event: Record, who: dict[str, str], call: Drawn) -> int:
        decision = "deny" if call.gate is not GateName.NONE else "allow"
        gate = call.gate.value if isinstance(event, ToolCallDecided) else NULL
        ids = "\t".join(
            who[key] for key in ("user_id", "session_id", "trace_id", "client_id", "server_name", "tool_name")
        )
        return self._line(chunk, event, f"{ids}\t{call.execution_id}\t{decision}\t{gate}")

    def _line(self, chunk: Chunk, event: Record, columns: str) -> int:
        prev_hash, keys = self.event_hash, event.__dict__
        sealed = seal(event, self.seq + 1, "bench", prev_hash)
        self.seq, self.event_hash = sealed.seq, sealed.event_hash
        self.events += 1
        body = sealed.line.decode().replace("\\", "\\\\")
        chunk.events.append(
            f"{sealed.seq}\t{keys['event_id']}\t{keys['event_name']}\t{keys['timestamp']}\t{columns}\t{body}"
            f"\t{prev_hash}\t{sealed.event_hash}\n"
        )
        return sealed.seq

    def _skip(self) -> int:
        self.seq += 1
        return self.seq

    def _execution(self, call: Drawn, who: dict[str, str], times: tuple[str, str], seqs: tuple[int, int | None]) -> str:
        ended = seqs[1] is not None
        values = (
            call.execution_id,
            *(who[key] for key in ("trace_id", "user_id", "session_id", "client_id", "server_name", "tool_name")),
            "tools/call\tuser\tuser",
            who["required_tier"],
            "user",
            call.status.value,
            call.gate.value,
            call.reason_code.value,
            who["policy_version"],
            self._stamp.instance_id,
            who["src_ip"],
            "250" if call.gate is GateName.RATE_LIMIT else NULL,
            times[0],
            f"{times[1]}\t1.5" if ended else f"{NULL}\t{NULL}",
            "RuntimeError" if call.status is ExecutionStatus.FAILED else NULL,
            str(seqs[0]),
            str(seqs[1]) if ended else NULL,
        )
        return "\t".join(values) + "\n"


def _who(call: Drawn) -> dict[str, str]:
    user = call.user
    return {
        "trace_id": call.trace_id,
        "user_id": f"user-{user:04}@example.com",
        "session_id": f"session-{user:04}-{call.at_us // SESSION_US}",
        "client_id": f"agent-{user % 5}",
        "server_name": f"server-{call.server}",
        "tool_name": f"tool_{call.tool}",
        "policy_version": _policy_version(call.at_us),
        "required_tier": "admin" if call.gate is GateName.SCOPE else "user",
        "src_ip": f"10.{user // 250}.{user % 250}.7",
    }


def _policy_version(at_us: int) -> str:
    return f"{at_us // (POLICY_MINUTES * MINUTE_US):016x}"


def _columns(event: Record) -> str:
    """Of an event that is no call: the ids and all that is about a call are empty, but for the decision of a probe."""
    probe = isinstance(event, ScannerDetected)
    return "\t".join([NULL] * 7 + (["deny", "scanner"] if probe else [NULL, NULL]))


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
