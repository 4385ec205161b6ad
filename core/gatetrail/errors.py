"""Every error that Gatetrail raises on purpose.

    GatetrailError
    ├── SettingsInvalid         service.yaml or an environment variable is wrong
    ├── PolicyInvalid           the policy file is wrong; knows file and line
    ├── WrongUse                a command or a function was called wrongly
    ├── TokenRejected           a bearer token that does not prove an identity
    ├── AccessRefused           a service knows who asks, and says no
    ├── Unavailable             something that we need is away; trying later can help
    │   ├── DatabaseUnavailable the database does not answer
    │   ├── AuditUnavailable    the decision could not be made durable in time
    │   ├── RateStoreUnavailable  the shared store of the rate limits did not answer in time
    │   ├── PortTaken           the address to listen on is in use
    │   └── FeedFull            no place for another event stream; knows when to come back
    ├── DataFolderUnusable      the data folder cannot be read, written or entered
    ├── MigrationRefused        the schema in the database is not the one that we ship
    ├── SinkUnavailable         a sink cannot take events now; the follower tries again
    ├── EventRefused            a sink will never take this event; it goes to quarantine
    ├── ServerNotSupported      an object that the gate cannot be installed in
    └── CallDenied              the outermost door's form of a denial; carries gate and id

A denial is a value (`Decision`) everywhere inside; only the door to the user's own code raises it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from gatetrail.words import GateName, ReasonCode


class GatetrailError(Exception):
    """Root of all our errors; `code` is stable, `exit_code` is what the command line ends with."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2


class SettingsInvalid(GatetrailError):
    """A setting of the platform team is wrong; the message names it and what would be right."""

    code = "settings_invalid"


class WrongUse(GatetrailError):
    """A command or function was called with arguments that make no sense together."""

    code = "wrong_use"


class PolicyInvalid(GatetrailError):
    """The policy file cannot be used; the text is one `file:line: what, expected what` per problem."""

    code = "policy_invalid"

    def __init__(self, file: str, problems: tuple[PolicyProblem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(problem.text(file) for problem in problems))


class PolicyProblem:
    """One thing that is wrong in a policy file. `line` counts from 1; 0 when no line can be named."""

    __slots__ = ("line", "message", "path")

    def __init__(self, line: int, path: str, message: str) -> None:
        self.line = line
        self.path = path
        self.message = message

    def text(self, file: str) -> str:
        """`policy.yaml:41: servers.finance.tier: …`, the form that editors can jump to."""
        where = f"{file}:{self.line}" if self.line else file
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


class TokenRejected(GatetrailError):
    """A bearer token that proves nothing; `reason_code` is one of the closed list in `identity.caller`."""

    code = "token_rejected"
    exit_code = 1

    def __init__(self, reason_code: str, message: str) -> None:
        self.reason_code = reason_code
        super().__init__(message)


class AccessRefused(GatetrailError):
    """A service that was asked over HTTP knows who asks, and does not give that to this caller."""

    code = "access_refused"
    exit_code = 1


class Unavailable(GatetrailError):
    """Something that we need does not answer now."""

    code = "unavailable"
    exit_code = 3


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached or refuses us; the message says which server and why."""

    code = "database_unavailable"


class AuditUnavailable(Unavailable):
    """The event was not made durable within its limit.

    `maybe_recorded` is True when the commit was under way: the row may or may not be there.
    """

    code = "audit_unavailable"

    def __init__(self, message: str, *, maybe_recorded: bool) -> None:
        self.maybe_recorded = maybe_recorded
        super().__init__(message)


class RateStoreUnavailable(Unavailable):
    """The shared store of the rate limits did not answer, or not in time; nothing is known to be taken."""

    code = "rate_store_unavailable"


class PortTaken(Unavailable):
    """Another program listens on the address already."""

    code = "port_taken"


class FeedFull(Unavailable):
    """There is no place for another event stream now.

    `limit` is the one that was reached, `user` or `total`; `retry_after_s` whole seconds are a good time to wait.
    """

    code = "feed_full"

    def __init__(self, message: str, *, limit: Literal["user", "total"], retry_after_s: int) -> None:
        self.limit = limit
        self.retry_after_s = retry_after_s
        super().__init__(message)


class DataFolderUnusable(GatetrailError):
    """The data folder cannot be read, written or entered by the user that needs it."""

    code = "data_folder_unusable"


class MigrationRefused(GatetrailError):
    """An applied migration was edited, or the database is newer than this program."""

    code = "migration_refused"


class SinkUnavailable(GatetrailError):
    """The sink cannot take events now. Its cursor stays, the follower tries again."""

    code = "sink_unavailable"


class EventRefused(GatetrailError):
    """The sink can never take this one event. `seq` tells which."""

    code = "event_refused"

    def __init__(self, seq: int, message: str) -> None:
        self.seq = seq
        super().__init__(message)


class ServerNotSupported(GatetrailError):
    """The gate cannot be installed in this object, or in this version of its package."""

    code = "server_not_supported"


class CallDenied(GatetrailError):
    """A gate said no and the handler did not run. The message names gate, tiers, wait and decision id."""

    code = "call_denied"
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        gate: GateName,
        reason_code: ReasonCode,
        execution_id: str,
        retry_after_ms: int | None = None,
    ) -> None:
        self.gate = gate
        self.reason_code = reason_code
        self.execution_id = execution_id
        self.retry_after_ms = retry_after_ms
        super().__init__(message)
