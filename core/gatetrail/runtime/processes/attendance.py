"""What a process needs to answer on a socket, and who is told about it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from gatetrail.runtime.processes.notify import Notifier
from gatetrail.runtime.telling import Tell
from gatetrail.service.neighbours import Place
from gatetrail.settings import ServiceSettings

CLOSING_S = 30.0
"""What ending may take beyond the times that the settings give: cancelled calls, journal and database.

A database that hangs takes most of it: psycopg waits some seconds for each query that it cancels, layer by layer.
"""


@dataclass(frozen=True, slots=True)
class Talk:
    """Who is told what a person has to know."""

    say: Tell
    warn: Tell
    step: Tell
    """Gets a sentence at each step of the end."""
    mint_hint: str
    """The command for a token that the service takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """What a process needs to answer on a socket."""

    settings: ServiceSettings
    sinks: bool
    listener: socket.socket
    talk: Talk
    notifier: Notifier
    reloads: bool = False
    """True: SIGHUP reads the policy file anew, instead of ending the process as it does in a terminal that closes."""
    place: Place | None = None
    """Among several workers; None: it is the only one."""

    @property
    def ending_s(self) -> float:
        """How long the whole end may take."""
        return self.settings.grace_s + self.settings.drain_s + CLOSING_S
