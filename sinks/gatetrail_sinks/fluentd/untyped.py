"""What is used of fluent-logger and msgpack, which ship no types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import Iterator
    from threading import Lock

    class EventTime:
        """The forward protocol's time: whole seconds and nanoseconds, 32 bits each."""

        def __init__(self, timestamp: int, nanoseconds: int) -> None: ...

    class FluentSender:
        """The library's sender: keeps one socket, and calls `_reconnect` before it uses it."""

        tag: str
        host: str
        port: int
        lock: Lock
        socket: sockets.socket | None

        def __init__(
            self,
            tag: str,
            *,
            host: str,
            port: int,
            timeout: float,
            nanosecond_precision: bool,
            forward_packet_error: bool,
        ) -> None: ...
        def close(self) -> None: ...
        def _reconnect(self) -> None: ...
        def _check_recv_side(self) -> None: ...
        def _close(self) -> None: ...

    class Packer:
        """Packs values; a failure leaves it as it was."""

        def pack(self, value: object) -> bytes: ...

    class Unpacker:
        """Gives the values that the bytes fed so far contain; ends where one is not complete."""

        def __init__(self, *, raw: bool, max_buffer_size: int) -> None: ...
        def feed(self, data: bytes) -> None: ...
        def __iter__(self) -> Iterator[object]: ...

    class UnpackException(Exception):
        """What was fed is not msgpack, or too much of it."""

else:
    from fluent.sender import EventTime, FluentSender
    from msgpack import Packer, Unpacker, UnpackException

__all__ = ["EventTime", "FluentSender", "Packer", "UnpackException", "Unpacker"]
