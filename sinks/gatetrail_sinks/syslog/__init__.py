"""Events to a syslog receiver: RFC 5424 messages over UDP, TCP, TLS or RELP.

What can be lost, and why:

- `relp`: nothing that the receiver answers for. Each event is acknowledged before the cursor moves. rsyslog
  answers when the event is in its ruleset's queue; a queue in memory dies with it, so take `queue.type="Direct"`
  or a disk queue there.
- `tcp` and `tls`: syslog over a stream has no acknowledgement. A write counts as delivered when the operating
  system took the bytes and no farewell of the receiver had come by then. What was in buffers on either side, or in
  the receiver's queue in memory, when receiver, machine or network died is lost without anybody being told.
- `udp`: any datagram may be lost, doubled or overtaken, on the way and in a receiver that is busy. That nobody
  listens is noticed only when the other machine says so (ICMP).

Where nothing may be lost and the receiver speaks no RELP, let a forwarder follow the file of the file sink.
"""

from __future__ import annotations

from gatetrail_sinks.syslog.settings import Facility, SyslogSettings, TransportKind
from gatetrail_sinks.syslog.sink import SyslogSink

__all__ = ["Facility", "SyslogSettings", "SyslogSink", "TransportKind"]
