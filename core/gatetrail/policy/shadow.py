"""What is marked `shadow` in a policy: the same document without it, and as if it were in force.

A mark can never loosen anything: `enforced` is the document that decides, and it holds nothing that is marked. An
entry for a tool that says nothing but `shadow` is not there at all: it neither lists the tool nor hides a later glob.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.part import PolicyPart
from gatetrail.policy.servers import Requirement, ServerPolicy

Part = TypeVar("Part", bound=PolicyPart)
AnyRequirement = TypeVar("AnyRequirement", bound=Requirement)


class _Change(Protocol):
    def __call__(self, part: AnyRequirement, /) -> AnyRequirement: ...


def enforced(document: PolicyDocument) -> PolicyDocument:
    """Only what is in force; the same document when nothing is marked."""
    if not _is_marked(document):
        return document
    servers = {name: _each(server, _unmarked, _says_more) for name, server in document.servers.items()}
    return document.model_copy(
        update={
            "servers": servers,
            "scanner": document.scanner.model_copy(update={"shadow": None}),
            "blocklist": tuple(entry for entry in document.blocklist if not entry.shadow),
            "rate_limits": document.rate_limits.model_copy(update={"shadow": None}),
        }
    )


def promoted(document: PolicyDocument) -> PolicyDocument | None:
    """What the document would be with everything that is marked in force; None when nothing is marked."""
    if not _is_marked(document):
        return None
    servers = {name: _each(server, _demanding, _is_there) for name, server in document.servers.items()}
    return document.model_copy(
        update={
            "servers": servers,
            "scanner": _taking(document.scanner, document.scanner.shadow),
            "blocklist": tuple(entry.model_copy(update={"shadow": False}) for entry in document.blocklist),
            "rate_limits": _taking(document.rate_limits, document.rate_limits.shadow),
        }
    )


def _is_marked(document: PolicyDocument) -> bool:
    if document.scanner.shadow is not None or document.rate_limits.shadow is not None:
        return True
    return any(entry.shadow for entry in document.blocklist) or any(
        requirement.shadow is not None for server in document.servers.values() for requirement in _all_of(server)
    )


def _all_of(server: ServerPolicy) -> tuple[Requirement, ...]:
    return (server, *server.tools.values(), *server.resources.values(), *server.prompts.values())


def _each(server: ServerPolicy, change: _Change, stays: Callable[[Requirement], bool]) -> ServerPolicy:
    """The server with a change made to its own requirement and to each of those below it that stays."""
    below = {
        part: {name: change(one) for name, one in entries.items() if stays(one)}
        for part, entries in (("tools", server.tools), ("resources", server.resources), ("prompts", server.prompts))
    }
    return change(server).model_copy(update=below)


def _says_more(part: Requirement) -> bool:
    return part.model_fields_set != {"shadow"}


def _is_there(part: Requirement) -> bool:  # noqa: ARG001 -- any of them
    return True


def _unmarked(part: AnyRequirement) -> AnyRequirement:
    return part.model_copy(update={"shadow": None})


def _demanding(part: AnyRequirement) -> AnyRequirement:
    return _taking(part, part.shadow)


def _taking(part: Part, shadow: PolicyPart | None) -> Part:
    """A part with the keys that its shadow says, and without the shadow."""
    keys = frozenset[str]() if shadow is None else shadow.model_fields_set
    said = {name: value for name in keys if (value := getattr(shadow, name)) is not None}
    return part.model_copy(update={**said, "shadow": None})
