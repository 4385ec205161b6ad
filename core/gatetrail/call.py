"""What is asked: one call of one tool, resource or prompt, with the facts that came with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

MAX_ID_BYTES = 128
MAX_NAME_BYTES = 128
MAX_TOOL_BYTES = 256
MAX_USER_AGENT_BYTES = 256
MAX_SENTENCE_BYTES = 300
MAX_LIST_BYTES = 256
CUT_MARK = "…"
"""Longer texts from outside are cut, counted as they stand in JSON: so that the longest line stays under 4.5 kB."""


class Endpoint(StrEnum):
    """What kind of capacity a call uses; each has a base rate of its own in the policy."""

    MCP = "mcp"
    INFERENCE = "inference"
    OAUTH = "oauth"
    CONTEXTS = "contexts"
    TASKS = "tasks"
    ARTIFACTS = "artifacts"
    REGISTRIES = "registries"
    AGENTS = "agents"
    STREAM = "stream"
    CONTENT = "content"


class Kind(StrEnum):
    """What is named by a call's `tool_name`."""

    TOOL = "tool"
    RESOURCE = "resource"
    PROMPT = "prompt"
    LISTING = "listing"
    """A list, a completion or a protocol method: nothing of a tool runs, scanner and rate apply."""
    METHOD = "method"
    """Any other MCP method; denied unless the policy names it."""


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids that come with a call. `trace_id` is 32 and `span_id` 16 lower-case hex digits (W3C Trace Context)."""

    trace_id: str
    span_id: str | None = None
    session_id: str | None = None
    """The transport's own session (`Mcp-Session-Id`); the governance session may come from a claim instead."""
    context_id: str | None = None
    client_id: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from. All None for a call made in process."""

    source_ip: str | None = None
    user_agent: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call, complete and validated, as the handler will get it."""

    server_name: str
    tool_name: str
    ids: Ids
    kind: Kind = Kind.TOOL
    method: str = "tools/call"
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    call_id: str | None = None
    """The request's own id (JSON-RPC id); unique within one transport session only."""
    known: bool = True
    """False when the server has no such tool, resource or prompt."""
    origin: Origin = Origin()

    def with_ids(self, ids: Ids) -> Call:
        """The same call with other ids. Written out: `dataclasses.replace` takes several times as long."""
        return Call(
            self.server_name,
            self.tool_name,
            ids,
            self.kind,
            self.method,
            self.arguments,
            self.call_id,
            self.known,
            self.origin,
        )


def clean(text: str, max_bytes: int) -> str:
    """Text that every store takes: no NUL, no lone surrogates, at most so many bytes in JSON, cut at the end."""
    if len(text) <= max_bytes and text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    whole = text[:max_bytes].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if len(whole) == len(text) and json_bytes(whole) <= max_bytes:
        return whole
    room = max_bytes - len(CUT_MARK.encode())
    while json_bytes(whole) > room:
        whole = whole[: len(whole) - max(1, (json_bytes(whole) - room) // 6)]
    return whole + CUT_MARK


def first_words(text: str, max_characters: int) -> str:
    """As many whole words as have room: half an address would hide that there is a password in it."""
    if len(text) <= max_characters:
        return text
    return text[: max_characters - 1].rpartition(" ")[0] + CUT_MARK


def clean_optional(text: str | None, max_bytes: int) -> str | None:
    """`clean`, where nothing or an empty text stays nothing."""
    return clean(text, max_bytes) if text else None


def clean_list(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The first texts of a list that have room together; None for an empty list."""
    kept: list[str] = []
    room = MAX_LIST_BYTES
    for text in texts:
        one = clean(text, MAX_NAME_BYTES)
        room -= json_bytes(one) + len('"",')
        if room < 0:
            break
        kept.append(one)
    return tuple(kept) or None


def json_bytes(text: str) -> int:
    """How many bytes a text has in JSON, without its quotes."""
    return len(orjson.dumps(text)) - 2


def arguments_digest(arguments: Mapping[str, Any]) -> str:
    """`sha256:` and 64 hex digits over `canonical_arguments`."""
    return f"sha256:{hashlib.sha256(canonical_arguments(arguments)).hexdigest()}"


def canonical_arguments(arguments: Mapping[str, Any]) -> bytes:
    """The arguments as JSON with sorted keys: equal arguments, equal bytes.

    Values that JSON cannot hold count as their text.
    """
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(arguments, option=options, default=str)
    except (orjson.JSONEncodeError, TypeError, RecursionError):
        return repr(sorted(arguments.items(), key=lambda item: str(item[0]))).encode("utf-8", "replace")
