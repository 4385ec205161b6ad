"""fluent-logger's sender, taught to wait for the acknowledgement."""

from __future__ import annotations

import contextlib

from gatetrail.resolver import Resolver
from gatetrail_sinks.fluentd.cord import Cord
from gatetrail_sinks.fluentd.handshake import Helo, credentials, shake_hands
from gatetrail_sinks.fluentd.packing import Batch
from gatetrail_sinks.fluentd.settings import FluentdReceiver, FluentdSettings
from gatetrail_sinks.fluentd.untyped import FluentSender
from gatetrail_sinks.fluentd.wire import Answer, Deadline, Wire, connected


class AckingSender(FluentSender):
    """A `FluentSender` whose `send_batch` returns when the receiver has acknowledged the batch, and not before.

    Connects over IPv4 and IPv6, with TLS, shared key and user if they are configured. `emit`, as inherited, goes
    over the same connection and promises as little as ever: nothing here calls it. All methods raise OSError,
    after which the connection is closed.
    """

    def __init__(self, receiver: FluentdReceiver, settings: FluentdSettings) -> None:
        super().__init__(
            settings.tag,
            host=receiver.host,
            port=receiver.port,
            timeout=settings.connect_timeout_ms / 1000,
            nanosecond_precision=True,
            forward_packet_error=False,
        )
        self.receiver = receiver
        self.cord = Cord()
        """That of the write under way; set by whoever calls."""
        self._settings = settings
        self._resolver = Resolver()
        self._wire: Wire | None = None
        self._helo: Helo | None = None

    def open(self) -> None:
        """Have a connection that is fit for use as far as can be known."""
        with self.lock:
            if self._wire is not None:
                try:
                    self.cord.hold(self._wire.socket)
                    self._check_recv_side()
                except OSError:
                    self._close()
            self._reconnect()

    def send_batch(self, batch: Batch) -> None:
        """Return when the receiver has acknowledged exactly this batch. On any error it may or may not have it."""
        limit_s = self._settings.ack_timeout_ms / 1000
        with self.lock:
            try:
                self._exchange(batch, Deadline(limit_s))
            except TimeoutError as problem:
                self._close()
                raise TimeoutError(f"did not acknowledge {batch.count} events within {limit_s:g} s") from problem
            except BaseException:
                self._close()
                raise

    def leave(self) -> None:
        """Close the connection; `open` makes a new one."""
        with self.lock:
            self._close()

    def _exchange(self, batch: Batch, deadline: Deadline) -> None:
        self._reconnect()
        if self._wire is None:
            raise ConnectionError("is not connected")
        self._wire.send(batch.frame, deadline)
        _check_ack(self._wire.receive(deadline), batch.chunk)
        if self._helo is not None and not self._helo.keepalive:
            self._close()

    def _reconnect(self) -> None:
        if self._wire is None:
            limit_s = self._settings.connect_timeout_ms / 1000
            try:
                self._connect(Deadline(limit_s))
            except TimeoutError as problem:
                self._close()
                raise TimeoutError(f"could not be connected to within {limit_s:g} s") from problem
            except BaseException:
                self._close()
                raise

    def _connect(self, deadline: Deadline) -> None:
        known = credentials(self._settings)
        self._wire = connected(self._resolver, self.receiver, self._settings.tls, deadline, self.cord)
        self.socket = self._wire.socket
        self._helo = None if known is None else shake_hands(self._wire, known, deadline)

    def _check_recv_side(self) -> None:
        if self._wire is not None:
            self._wire.require_idle()

    def _close(self) -> None:
        wire, self._wire = self._wire, None
        with self.cord.closing():
            if wire is not None:
                wire.say_goodbye()
            with contextlib.suppress(OSError):
                super()._close()


def _check_ack(answer: Answer, chunk: str) -> None:
    if isinstance(answer, dict) and answer.get(b"ack") == chunk.encode():
        return
    if isinstance(answer, list) and answer[:1] == [b"HELO"]:
        raise ConnectionError("asks for a shared key, and none is configured")
    raise ConnectionError("answered with something else than the acknowledgement of this batch")
