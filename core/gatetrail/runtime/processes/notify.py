"""What whoever started us wants to know: ready, still alive, ending (sd_notify(3))."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

log = logging.getLogger("gatetrail.notify")

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells a service manager how we are. Where there is none, nothing happens."""

    address: str | None = None
    """Of a datagram socket; a name that begins with `@` is an abstract one (unix(7))."""
    watchdog_s: float | None = None
    """Silence for this long counts as a hang; None: nobody watches."""

    def tell(self, *words: str, status: str | None = None) -> None:
        """One message. `status` is for people, on one line. A manager that is gone is no failure of ours."""
        if self.address is None:
            return
        lines = [*words, *([f"STATUS={status}"] if status else [])]
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)
                manager.sendto("\n".join(lines).encode(), address)
        except OSError as problem:
            log.warning("the service manager at %s does not hear us: %s", self.address, problem)

    async def stay_awake(self) -> None:
        """Tell twice in each limit that this event loop turns, for ever; nothing when nobody watches."""
        while self.watchdog_s is not None:
            self.tell(WATCHDOG)
            await asyncio.sleep(self.watchdog_s / 2)


def notifier_of(environment: MutableMapping[str, str], process_id: int) -> Notifier:
    """By NOTIFY_SOCKET and WATCHDOG_USEC, which are taken out of the environment: they are not for our children."""
    told = {name: environment.pop(name) for name in _VARIABLES if name in environment}
    return Notifier(told.get("NOTIFY_SOCKET") or None, _limit_s(told, process_id))


def _limit_s(told: dict[str, str], process_id: int) -> float | None:
    limit_us = told.get("WATCHDOG_USEC", "")
    for_us = told.get("WATCHDOG_PID", str(process_id)) == str(process_id)
    if not for_us or not (limit_us.isascii() and limit_us.isdecimal()) or int(limit_us) == 0:
        return None
    return int(limit_us) / 1_000_000
