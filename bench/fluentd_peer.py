"""The least that a Fluentd receiver can do: take apart, count, acknowledge.

    python -m bench.fluentd_peer

Prints its port, and then the number of events so far whenever all that has come is counted.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

from gatetrail_sinks.fluentd.untyped import Packer, Unpacker

LONGEST_BYTES = 64 * 1024 * 1024
count = 0


def taken(message: list[Any]) -> bytes:
    """Count the events of one message, in PackedForward or Message mode; gives what to answer."""
    global count  # noqa: PLW0603 one number for the whole process
    if not isinstance(message[1], bytes):
        count += 1
        return b""
    unpacker = Unpacker(raw=False, max_buffer_size=LONGEST_BYTES)
    unpacker.feed(message[1])
    count += sum(1 for _ in unpacker)
    return Packer().pack({"ack": message[2]["chunk"]})


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    unpacker = Unpacker(raw=False, max_buffer_size=LONGEST_BYTES)
    while data := await reader.read(1 << 18):
        unpacker.feed(data)
        writer.writelines([taken(cast("list[Any]", message)) for message in unpacker])
        say(count)
    writer.close()


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
