"""What a caller is told when an upstream gives no usable answer, and what the record calls it."""

from __future__ import annotations

from typing import ClassVar

from mcp.shared.exceptions import MCPError

from gatetrail.dispatcher.execution import NamedFailure, TimeLimitPassed

UNAVAILABLE = 50302
"""JSON-RPC error code: the upstream is away; the call was not, or not certainly, carried out."""

ANSWER_INVALID = 50202
"""JSON-RPC error code: the upstream answered something that MCP does not allow."""

TIMED_OUT = 40801
"""JSON-RPC error code: the upstream did not answer in time. The same as for a handler of our own."""


class UpstreamUnavailable(MCPError, NamedFailure):
    """`upstream tickets is unavailable: …`."""

    error_class: ClassVar[str] = "upstream_unavailable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(UNAVAILABLE, f"upstream {name} is unavailable: {reason}")


class UpstreamAnswerInvalid(MCPError, NamedFailure):
    """`upstream tickets gave an answer that is not valid MCP`."""

    error_class: ClassVar[str] = "upstream_answer_invalid"

    def __init__(self, name: str) -> None:
        super().__init__(ANSWER_INVALID, f"upstream {name} gave an answer that is not valid MCP")


class UpstreamTimedOut(MCPError, TimeLimitPassed):
    """`upstream tickets did not answer within 500 ms`."""

    def __init__(self, name: str, limit_ms: int) -> None:
        self.limit_ms = limit_ms
        super().__init__(TIMED_OUT, f"upstream {name} did not answer within {limit_ms} ms", {"limit_ms": limit_ms})
