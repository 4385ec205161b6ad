"""What a syslog sink is told in service.yaml."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gatetrail.tls import ClientTls


class TransportKind(StrEnum):
    """How messages travel. Only `relp` is acknowledged by the receiver."""

    UDP = "udp"
    """RFC 5426: one datagram per event; loses events on the way and in a busy receiver."""
    TCP = "tcp"
    """RFC 6587 with octet counting; loses what is under way when the receiver dies."""
    TLS = "tls"
    """RFC 5425; loses as TCP does, but nobody on the way can read or change events."""
    RELP = "relp"
    """Acknowledged for each event; over TLS where `tls` is set."""


class Facility(StrEnum):
    """RFC 5424 section 6.2.1, in the order of the numbers, under the names that rsyslog and syslog-ng use."""

    KERN = "kern"
    USER = "user"
    MAIL = "mail"
    DAEMON = "daemon"
    AUTH = "auth"
    SYSLOG = "syslog"
    LPR = "lpr"
    NEWS = "news"
    UUCP = "uucp"
    CRON = "cron"
    AUTHPRIV = "authpriv"
    FTP = "ftp"
    NTP = "ntp"
    AUDIT = "audit"
    ALERT = "alert"
    CLOCK = "clock"
    LOCAL0 = "local0"
    LOCAL1 = "local1"
    LOCAL2 = "local2"
    LOCAL3 = "local3"
    LOCAL4 = "local4"
    LOCAL5 = "local5"
    LOCAL6 = "local6"
    LOCAL7 = "local7"

    @property
    def number(self) -> int:
        """0 to 23."""
        return list(Facility).index(self)


DEFAULT_PORTS = {TransportKind.UDP: 514, TransportKind.TCP: 514, TransportKind.TLS: 6514, TransportKind.RELP: 2514}
"""UDP and TLS as RFC 5426 and 5425 assign them. TCP and RELP have no port of their own: what examples use."""

LARGEST_DATAGRAM_BYTES = 65_507
Milliseconds = Annotated[int, Field(ge=1, le=600_000)]


class SyslogSettings(BaseModel):
    """Where messages go, and what stands in their headers."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(min_length=1, examples=["syslog.example.com"])
    """Name or address; IPv6 addresses without brackets."""
    transport: TransportKind = TransportKind.RELP
    """The default is the one that loses nothing."""
    port: int = Field(default=0, ge=0, le=65_535)
    """0 takes the usual one: 514 for UDP and TCP, 6514 for TLS, 2514 for RELP."""
    tls: ClientTls | None = None
    """With `relp`: speak it over TLS. With `tls`: how, where the defaults do not fit."""

    facility: Facility = Facility.LOCAL0
    """`local0`, since every receiver can select it by name and no part of an operating system writes to it.
    Number 13 (`audit`) means what we do, but receivers disagree about its name."""
    app_name: str = Field(default="gatetrail", pattern=r"^[!-~]{1,48}$")
    hostname: str | None = Field(default=None, pattern=r"^[!-~]{1,255}$", examples=["gate-1.example.com"])
    """What stands in the header; without it the name that the operating system gives this machine."""
    enterprise_number: int = Field(default=32_473, ge=1)
    """Ends the id of the structured data, `gatetrail@32473`. The default is the number that RFC 5612 reserves for
    documentation, since Gatetrail has none from IANA. Put your own if a receiver tells senders apart by it."""

    max_message_bytes: int = Field(default=8_192, ge=480)
    """A longer message is not sent: its event goes to quarantine, since a receiver would cut it in the middle of
    the JSON. 8,192 is what rsyslog takes by default (`maxMessageSize`) and what RFC 5425 wants every receiver to
    take. With `udp` at most 65,507, and anything above about 1,400 is sent in fragments, of which none may be lost."""
    connect_timeout_ms: Milliseconds = 5_000
    """For name, connection, TLS and RELP's greeting together."""
    send_timeout_ms: Milliseconds = 10_000
    """So long may the receiver take no byte, or with `relp` answer nothing, before the connection is given up."""
    relp_window: int = Field(default=128, ge=1, le=1_024)
    """Messages that may be without an answer at a time; 128 is librelp's own."""

    @property
    def actual_port(self) -> int:
        """The port to connect to."""
        return self.port or DEFAULT_PORTS[self.transport]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.tls is not None and self.transport in {TransportKind.UDP, TransportKind.TCP}:
            raise ValueError(f"tls goes with transport tls or relp, not with {self.transport}")
        if self.transport is TransportKind.UDP and self.max_message_bytes > LARGEST_DATAGRAM_BYTES:
            raise ValueError(f"a datagram holds at most {LARGEST_DATAGRAM_BYTES} bytes (max_message_bytes)")
        return self
