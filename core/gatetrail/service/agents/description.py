"""How the endpoint of agents describes itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gatetrail.service.agents.claude_code import MOMENTS
from gatetrail.service.agents.samples import DENIED, PAYLOADS
from gatetrail.service.api.answers import Documented, problems
from gatetrail.service.problems import PROBLEM_JSON

DECISION_HEADER = "Gatetrail-Decision"
"""The id of the decision that an answer stands for. An answer without one, that denies nothing, is none of ours."""


class HookOutput(BaseModel):
    """A decision on a tool, in Claude Code's words."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    hookEventName: str  # noqa: N815 -- the agent's name for it
    permissionDecision: str  # noqa: N815
    """`deny`; `allow` only where the settings have it so."""
    permissionDecisionReason: str  # noqa: N815
    """For the model and its user: gate, reason, wait and the id of the decision."""


class HookAnswer(BaseModel):
    """Empty where there is nothing to say: the agent goes on under its own rules."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{}, DENIED]})

    hookSpecificOutput: HookOutput | None = None  # noqa: N815
    decision: str | None = Field(default=None, description="`block`: the agent is not to read the prompt.")
    reason: str | None = None


REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["hook_event_name", "session_id"],
                    "properties": {
                        "hook_event_name": {"enum": list(MOMENTS)},
                        "session_id": {"type": "string", "minLength": 1, "maxLength": 256},
                        "tool_name": {"type": "string", "minLength": 1, "maxLength": 256},
                        "tool_use_id": {"type": "string", "minLength": 1, "maxLength": 256},
                        "tool_input": {"type": "object"},
                    },
                    "description": "What the agent gives its hooks. Keys that are not named here may be there too; of"
                    " some the record has the digest or the text, the others are passed over.",
                    "examples": list(PAYLOADS.values()),
                }
            }
        },
    }
}


def documented() -> Documented:
    """The answers."""
    return {
        200: {
            "description": "Decided on, or recorded. A tool that may not be used gets this as well, with a denial: the"
            " agent would take an error for leave to go on. So does everybody, instead of each error below, whose"
            " report may have asked for a tool.",
            "headers": {
                DECISION_HEADER: {
                    "description": "The id of the decision, where one was made.",
                    "schema": {"type": "string"},
                }
            },
        },
        405: {"description": "Reports are sent with POST.", "content": _problem()},
        **problems(),
    }


def _problem() -> dict[str, Any]:
    return {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
