"""One connection: opened within a deadline, bytes out, msgpack values in. All that goes wrong is an OSError."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from typing import cast

from gatetrail.resolver import Address, Resolver
from gatetrail.tls import ClientTls, client_context
from gatetrail_sinks.fluentd.cord import Cord
from gatetrail_sinks.fluentd.settings import FluentdReceiver
from gatetrail_sinks.fluentd.untyped import Unpacker, UnpackException

Answer = list[object] | dict[object, object]
"""What receivers say: HELO and PONG are lists, an acknowledgement is a map. Texts are bytes."""

_LONGEST_ANSWER_BYTES = 65_536
_KEEPALIVE_IDLE_S = 30
_KEEPALIVE_INTERVAL_S = 10
_KEEPALIVE_PROBES = 3


class Deadline:
    """A moment from which waiting is over."""

    def __init__(self, limit_s: float) -> None:
        self._ends_s = time.monotonic() + limit_s

    def left_s(self) -> float:
        """Seconds until then. Raises TimeoutError when there are none."""
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s


class Wire:
    """An open socket and what it has said so far. For one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._unpacker = Unpacker(raw=True, max_buffer_size=_LONGEST_ANSWER_BYTES)

    def send(self, data: bytes, deadline: Deadline) -> None:
        rest = memoryview(data)
        while rest:
            self.socket.settimeout(deadline.left_s())
            rest = rest[self.socket.send(rest) :]

    def receive(self, deadline: Deadline) -> Answer:
        """The next answer."""
        while True:
            try:
                for value in self._unpacker:
                    if isinstance(value, list | dict):
                        return cast("Answer", value)
                    raise self._foreign()
                self._unpacker.feed(self._read(deadline))
            except (UnpackException, ValueError) as problem:
                raise self._foreign() from problem

    def require_idle(self) -> None:
        """Raise unless the other side is silent and, as far as can be known, still there. Does not wait."""
        self.socket.settimeout(0)
        try:
            unasked = self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        raise ConnectionError("spoke without being asked" if unasked else "closed the connection")

    def say_goodbye(self) -> None:
        """Tell a TLS peer that the end is meant; its answer is not waited for."""
        if isinstance(self.socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self.socket.settimeout(0)
                self.socket.unwrap()

    def _read(self, deadline: Deadline) -> bytes:
        self.socket.settimeout(deadline.left_s())
        data = self.socket.recv(_LONGEST_ANSWER_BYTES)
        if not data:
            raise ConnectionError("closed the connection before it answered")
        return data

    def _foreign(self) -> ConnectionError:
        hint = "" if isinstance(self.socket, ssl.SSLSocket) else ": does it ask for TLS?"
        return ConnectionError(f"answered with something that is not the forward protocol{hint}")


def connected(
    resolver: Resolver, receiver: FluentdReceiver, tls: ClientTls | None, deadline: Deadline, cord: Cord
) -> Wire:
    """A connection to the first address that takes one."""
    found = resolver.addresses_within(deadline.left_s(), receiver.host, receiver.port, socket.SOCK_STREAM)
    sock = _any_address(found, deadline, cord)
    if tls is None:
        return Wire(sock)
    try:
        context = client_context(tls)
        secured = context.wrap_socket(
            sock, server_hostname=tls.server_name or receiver.host, do_handshake_on_connect=False
        )
    except BaseException:
        _close(sock, cord)
        raise
    try:
        cord.hold(secured)
        secured.settimeout(deadline.left_s())
        secured.do_handshake()
    except BaseException:
        _close(secured, cord)
        raise
    return Wire(secured)


def _any_address(found: Sequence[Address], deadline: Deadline, cord: Cord) -> socket.socket:
    last_problem = OSError("the name has no address")
    for index, (family, kind, protocol, _, address) in enumerate(found):
        try:
            # An address that swallows everything leaves the later ones their share of the time.
            share_s = deadline.left_s() / (len(found) - index)
            return _one_address(socket.socket(family, kind, protocol), address, share_s, cord)
        except OSError as problem:
            last_problem = problem
    raise last_problem


def _one_address(
    sock: socket.socket, address: tuple[str | int, ...] | tuple[int, bytes], limit_s: float, cord: Cord
) -> socket.socket:
    try:
        cord.hold(sock)
        sock.settimeout(limit_s)
        sock.connect(address)
        cord.hold(sock)
        _tune(sock)
    except BaseException:
        _close(sock, cord)
        raise
    return sock


def _close(sock: socket.socket, cord: Cord) -> None:
    with cord.closing():
        sock.close()


def _tune(sock: socket.socket) -> None:
    """Send at once, and notice a peer that is gone without a word while nothing is sent."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)
