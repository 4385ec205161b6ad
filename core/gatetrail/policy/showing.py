"""Which lists of which servers can look different under another policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatetrail.call import Kind
from gatetrail.policy.model import PolicyDocument
from gatetrail.policy.servers import Requirement, ServerPolicy

LISTED = (Kind.TOOL, Kind.RESOURCE, Kind.PROMPT)


def lists_changed(old: PolicyDocument, new: PolicyDocument) -> Mapping[str, frozenset[Kind]]:
    """By server: of which kinds some caller may be shown other names than before. Servers without any are left out."""
    found = {name: frozenset(_kinds(old.servers.get(name), new.servers.get(name))) for name in _names(old, new)}
    return {name: kinds for name, kinds in found.items() if kinds}


def _names(old: PolicyDocument, new: PolicyDocument) -> Iterator[str]:
    yield from new.servers
    yield from (name for name in old.servers if name not in new.servers)


def _kinds(old: ServerPolicy | None, new: ServerPolicy | None) -> Iterator[Kind]:
    return (kind for kind in LISTED if _shows(old, kind) != _shows(new, kind))


def _shows(server: ServerPolicy | None, kind: Kind) -> object:
    """All that decides on who may see a name: equal for two servers that show the same names to the same callers."""
    if server is None:
        return None
    own = _asked(server, Requirement())
    return own, server.unlisted, [(name, _asked(server, entry)) for name, entry in _entries(server, kind).items()]


def _entries(server: ServerPolicy, kind: Kind) -> Mapping[str, Requirement]:
    return {Kind.TOOL: server.tools, Kind.RESOURCE: server.resources, Kind.PROMPT: server.prompts}[kind]


def _asked(server: ServerPolicy, entry: Requirement) -> tuple[object, ...]:
    return tuple(
        getattr(server, name) if getattr(entry, name) is None else getattr(entry, name)
        for name in ("tier", "scopes", "audience", "departments")
    )
