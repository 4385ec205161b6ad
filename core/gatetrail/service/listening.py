"""The listening socket: bound before anything else starts, so that a taken port is told at once."""

from __future__ import annotations

import errno
import socket

from gatetrail.errors import PortTaken, SettingsInvalid
from gatetrail.service.hosts import in_url

BACKLOG = 2_048


def listen(host: str, port: int) -> socket.socket:
    """A bound and listening TCP socket; port 0 takes any free one.

    Raises `PortTaken`; `SettingsInvalid` for an address that is not this machine's or a port that is not ours to take.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as problem:
        raise SettingsInvalid(f"host: {host!r} is no address to listen on: {problem}") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as problem:
        listener.close()
        raise _explained(host, port, problem) from None
    listener.setblocking(False)
    return listener


def adopt(descriptor: int, named_by: str) -> socket.socket:
    """A listening socket that another process has bound. Closing it here leaves it open there.

    `named_by` is what told of it. Raises `SettingsInvalid` for anything that is no listening TCP socket.
    """
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as problem:
        raise SettingsInvalid(f"{named_by}: descriptor {descriptor} is no socket: {problem.strerror}") from None
    if (
        listener.family not in (socket.AF_INET, socket.AF_INET6)
        or listener.type != socket.SOCK_STREAM
        or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    ):
        listener.close()
        raise SettingsInvalid(f"{named_by}: descriptor {descriptor} is no listening TCP socket")
    listener.setblocking(False)
    listener.set_inheritable(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """`http://HOST:PORT` of a bound socket, with the port that was really taken and no slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://{in_url(host)}:{port}"


def _explained(host: str, port: int, problem: OSError) -> PortTaken | SettingsInvalid:
    where = f"{in_url(host)}:{port}"
    match problem.errno:
        case errno.EADDRINUSE:
            return PortTaken(
                f"{where} is in use by another program;"
                " name another port with --port or GATETRAIL_PORT (0 takes a free one)"
            )
        case errno.EACCES | errno.EPERM:
            return SettingsInvalid(f"port: this user may not listen on {where}; expected a port from 1024 on, or 0")
        case _:
            return SettingsInvalid(f"host: cannot listen on {where}: {problem.strerror or problem}")
