"""Recognising probes by what they ask for and by the name that they give themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from gatetrail.gates.paths import climbs, climbs_hidden, normalise_path, readings
from gatetrail.gates.probes import AGENTS, EXTENSIONS, PROBE_PATHS, SECRET_PATHS, URI_PATHS
from gatetrail.policy.globs import compile_glob, is_literal
from gatetrail.policy.scanner import ScannerPolicy

MAX_REMEMBERED = 4_096
MAX_REMEMBERED_CHARACTERS = 512
"""Longer texts are looked at each time, so that nobody fills the memory with them."""

DETOUR = ".."
"""The entry that stands for a path which goes up beyond where it begins, or up in a way that is hidden."""

Finder = Callable[[str], str | None]
"""Gives the entry of the list that a text hits, or None."""


class Probes:
    """The lists of one policy, ready to be asked. Answers for short texts are remembered."""

    def __init__(self, policy: ScannerPolicy) -> None:
        everywhere = PathList(SECRET_PATHS if policy.paths is None else policy.paths)
        in_uris = PathList(URI_PATHS if policy.paths is None else ())
        on_http = PathList(PROBE_PATHS if policy.paths is None else ())
        exempt = _exempt_paths(policy.exempt_paths)
        endings = frozenset(
            ending.casefold().lstrip(".") for ending in (EXTENSIONS if policy.extensions is None else policy.extensions)
        )

        def find_in_uri(uri: str) -> str | None:
            for path in readings(uri):
                if not exempt(path) and (entry := everywhere.find(path) or in_uris.find(path)):
                    return entry
            return None if exempt(normalise_path(uri)) else _detour(uri.partition(":")[2])

        def find_in_path(raw: str) -> str | None:
            for path in readings(raw):
                if not exempt(path) and (
                    entry := everywhere.find(path) or on_http.find(path) or _ending(path, endings)
                ):
                    return entry
            return None if exempt(normalise_path(raw)) else _detour(raw)

        self.in_path: Finder = _remembering(find_in_path)
        """For the path of an HTTP request."""
        self.in_uri: Finder = _remembering(find_in_uri)
        """For the URI of an MCP resource."""
        self.in_agent: Finder = _remembering(_agent_finder(policy))
        """For a `User-Agent`. No agent at all, and a library's own, are no scanners."""


class PathList:
    """Entries are one segment or several in a row, anywhere in a path; globs stay within a segment."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, str]]] = {}
        self._globs: list[tuple[tuple[re.Pattern[str], ...], str]] = []
        for entry in entries:
            wanted = entry.casefold().strip("/").split("/")
            if is_literal(entry):
                text = f"/{'/'.join(wanted)}/"
                self._by_first.setdefault(wanted[0], []).append((text, entry))
            else:
                self._globs.append((tuple(map(compile_glob, wanted)), entry))

    def find(self, path: str) -> str | None:
        closed, segments = f"{path}/", path.split("/")[1:]
        for segment in segments:
            for wanted, entry in self._by_first.get(segment, ()):
                if wanted in closed:
                    return entry
        return next((entry for glob, entry in self._globs if _in_a_row(glob, segments)), None)


def _in_a_row(globs: tuple[re.Pattern[str], ...], segments: list[str]) -> bool:
    return any(
        all(glob.fullmatch(name) for glob, name in zip(globs, segments[start:], strict=False))
        for start in range(len(segments) - len(globs) + 1)
    )


def _detour(path: str) -> str | None:
    return DETOUR if climbs(path) or climbs_hidden(path) else None


def _ending(path: str, endings: frozenset[str]) -> str | None:
    name, dot, ending = path.rpartition("/")[2].rpartition(".")
    return f"*.{ending}" if dot and name and ending in endings else None


def _exempt_paths(globs: Iterable[str]) -> Callable[[str], bool]:
    patterns = [compile_glob(glob) for glob in globs]
    return lambda path: any(pattern.fullmatch(path) for pattern in patterns)


def _agent_finder(policy: ScannerPolicy) -> Finder:
    scanners = {_words(agent): agent for agent in (AGENTS if policy.agents is None else policy.agents)}
    exempt = tuple(_words(agent) for agent in policy.exempt_agents)

    def find(agent: str) -> str | None:
        words = _words(agent)
        if any(phrase in words for phrase in exempt):
            return None
        return next((name for phrase, name in scanners.items() if phrase in words), None)

    return find


def _words(text: str) -> str:
    """Letters and digits apart, one space around each run: `w3af/1.6` is ` w 3 af 1 6 `."""
    return f" {' '.join(re.findall('[a-z]+|[0-9]+', text.casefold()))} "


def _remembering(find: Finder) -> Finder:
    remembered = lru_cache(MAX_REMEMBERED)(find)
    return lambda text: remembered(text) if len(text) <= MAX_REMEMBERED_CHARACTERS else find(text)
