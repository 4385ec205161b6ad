"""Who reports, from where, and under which ids that is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from gatetrail.call import Ids, Origin
from gatetrail.identity.caller import Authenticated, Caller
from gatetrail.service.agents.report import Report


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of an agent, apart from what it says."""

    source: str
    """The kind of agent."""
    server_name: str
    """The server of the policy that its tools are under."""
    caller: Caller
    """Whom the bearer token proves. Nothing in a report can be more."""
    origin: Origin
    trace_id: str
    span_id: str | None = None

    @property
    def names_context(self) -> bool:
        """Whether the proof names the conversation, so that it is not the agent's own session."""
        return isinstance(self.caller, Authenticated) and self.caller.context_id is not None

    def ids(self, report: Report | None) -> Ids:
        """The ids of a call. The agent's own session is both the transport's session and the conversation."""
        session_id = report.session_id if report else None
        return Ids(
            trace_id=self.trace_id,
            span_id=self.span_id,
            session_id=session_id,
            context_id=session_id,
            client_id=self.source,
            task_id=report.subagent_id if report else None,
        )

    def recorded_ids(self, report: Report | None) -> dict[str, str | None]:
        """The same as the record has them: what the proof names goes over what the agent says."""
        ids = self.ids(report)
        proven = self.caller if isinstance(self.caller, Authenticated) else None
        if proven is None:
            return {**_texts(ids), "user_id": None}
        return {
            **_texts(ids),
            "user_id": proven.user_id,
            "session_id": proven.session_id or ids.session_id or proven.derived_session_id,
            "context_id": proven.context_id or ids.context_id,
            "client_id": proven.client_id or ids.client_id,
        }


def _texts(ids: Ids) -> dict[str, str | None]:
    return {
        "session_id": ids.session_id,
        "context_id": ids.context_id,
        "client_id": ids.client_id,
        "task_id": ids.task_id,
    }
