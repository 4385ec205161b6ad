"""A listening socket that the process was started with, so that it stays open while no service runs."""

from __future__ import annotations

import socket
from collections.abc import MutableMapping

from gatetrail.errors import SettingsInvalid
from gatetrail.service.listening import adopt

FIRST_FD = 3
"""Where systemd's sockets begin (sd_listen_fds(3), SD_LISTEN_FDS_START)."""
PARENT_VARIABLE = "GATETRAIL_LISTEN_FD"
"""For a parent of another kind: the number of the descriptor. It does not have to know our process id beforehand."""
_LONGEST = 9
"""Digits of a number that is a descriptor's in any case."""
_SYSTEMD = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


def inherited_listener(environment: MutableMapping[str, str], process_id: int) -> socket.socket | None:
    """The socket that systemd or another parent holds open for us; None when there is none.

    What says so is taken out of the environment, so that no program that we start takes it for its own.
    Raises `SettingsInvalid` when there are several sockets, or one that nobody can connect to.
    """
    told = {name: environment.pop(name) for name in (*_SYSTEMD, PARENT_VARIABLE) if name in environment}
    if PARENT_VARIABLE in told:
        return adopt(_number(PARENT_VARIABLE, told[PARENT_VARIABLE]), PARENT_VARIABLE)
    # The variables of a parent's parent go by another process id and are not meant for us.
    if told.get("LISTEN_PID") != str(process_id) or "LISTEN_FDS" not in told:
        return None
    count = _number("LISTEN_FDS", told["LISTEN_FDS"])
    if count != 1:
        raise SettingsInvalid(f"LISTEN_FDS: {count} sockets were handed over; expected one, so one ListenStream=")
    return adopt(FIRST_FD, "LISTEN_FDS")


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        raise SettingsInvalid(f"{name}: {text[:32]!r} is no number of a descriptor")
    return int(text)
