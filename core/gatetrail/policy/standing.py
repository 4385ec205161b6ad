"""Which policy is in force since when, and what came of a try to change it."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.errors import PolicyInvalid
from gatetrail.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy in force in one process, and how it came to that."""

    policy: Policy
    since_us: int
    """Microseconds since 1970."""
    previous_version: str | None = None
    """None: it is the one that the process began with."""
    changes: tuple[str, ...] = ()
    """What is different from the one before, as `differences` tells it."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """Another policy is in force now."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The content is that of the policy in force."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Rejected:
    """The file cannot be used; the policy before stays in force."""

    problem: PolicyInvalid
    standing: Standing


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The file is being written all the time; the policy before stays in force."""


@dataclass(frozen=True, slots=True)
class NoFile:
    """There is no file that could be read anew: the policy came from elsewhere."""


Reloaded = Adopted | Unchanged | Rejected | Unsettled | NoFile
