"""Several receivers that stand in for each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gatetrail.errors import SinkUnavailable
from gatetrail_sinks.fluentd.cord import Cord
from gatetrail_sinks.fluentd.packing import Batch
from gatetrail_sinks.fluentd.sender import AckingSender


class Receivers:
    """Delivers each batch to the first receiver that works, in order of preference.

    One that failed is asked again after a while; until then only when no other works. A batch that was sent and not
    acknowledged is given up, so that whoever brings it again knows that there may be doubles. For one thread.
    """

    def __init__(
        self, senders: Sequence[AckingSender], return_after_s: float, monotonic_s: Callable[[], float]
    ) -> None:
        self._senders = senders
        self._return_after_s = return_after_s
        self._monotonic_s = monotonic_s
        self._away_until_s = {sender.receiver: 0.0 for sender in senders}

    def deliver(self, batch: Batch, cord: Cord) -> None:
        """Return when one of them has acknowledged. Raises SinkUnavailable, naming each that failed and why."""
        sender = self._opened(cord)
        try:
            sender.send_batch(batch)
        except OSError as problem:
            self._avoid(sender)
            raise SinkUnavailable(_told(sender, problem)) from problem

    def close(self) -> None:
        for sender in self._senders:
            sender.close()

    def _opened(self, cord: Cord) -> AckingSender:
        problems: list[str] = []
        for sender in self._in_order():
            sender.cord = cord
            try:
                sender.open()
            except OSError as problem:
                self._avoid(sender)
                problems.append(_told(sender, problem))
                if cord.is_cut:
                    break
            else:
                self._leave_all_but(sender)
                return sender
        raise SinkUnavailable("; ".join(problems))

    def _in_order(self) -> list[AckingSender]:
        now_s = self._monotonic_s()
        return sorted(self._senders, key=lambda sender: max(now_s, self._away_until_s[sender.receiver]))

    def _avoid(self, sender: AckingSender) -> None:
        self._away_until_s[sender.receiver] = self._monotonic_s() + self._return_after_s

    def _leave_all_but(self, chosen: AckingSender) -> None:
        for sender in self._senders:
            if sender is not chosen:
                sender.leave()


def _told(sender: AckingSender, problem: OSError) -> str:
    reason = problem.strerror or str(problem)
    if problem.filename:
        reason = f"{reason}: {problem.filename}"
    return f"{sender.receiver}: {reason}"
