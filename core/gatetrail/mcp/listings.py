"""The four lists of MCP: where their items are and what names an item, in typed results and in plain ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mcp_types import CacheableResult
from pydantic import BaseModel

from gatetrail.call import Kind

Page = BaseModel | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One list method. `wire` names are those of a result that is a plain dict."""

    method: str
    kind: Kind
    items: str
    wire_items: str
    name: str
    wire_name: str

    def name_of(self, item: Any) -> str:
        """What the policy matches: the name of a tool or prompt, the URI of a resource, the template as it stands."""
        return str(part_of(item, self.name, self.wire_name))


LISTINGS: dict[str, Listing] = {
    listing.method: listing
    for listing in (
        Listing("tools/list", Kind.TOOL, "tools", "tools", "name", "name"),
        Listing("prompts/list", Kind.PROMPT, "prompts", "prompts", "name", "name"),
        Listing("resources/list", Kind.RESOURCE, "resources", "resources", "uri", "uri"),
        Listing(
            "resources/templates/list",
            Kind.RESOURCE,
            "resource_templates",
            "resourceTemplates",
            "uri_template",
            "uriTemplate",
        ),
    )
}


def part_of(value: Any, attribute: str, key: str) -> Any:
    """One part of a result, which may be a model or its wire form; None when it has no such part."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).get(key)
    return getattr(value, attribute, None)


def items_of(listing: Listing, page: Page) -> Sequence[Any]:
    """The page's items, as the server gave them."""
    return cast("Sequence[Any]", part_of(page, listing.items, listing.wire_items) or ())


def next_cursor_of(page: Page) -> str | None:
    """Where the next page begins; None on the last."""
    cursor: object = part_of(page, "next_cursor", "nextCursor")
    return cursor if isinstance(cursor, str) else None


def kept(listing: Listing, page: Page, shows: Callable[[str], bool]) -> Page:
    """The page with only the items that are shown, in the same order, for this caller's cache alone."""
    items = [item for item in items_of(listing, page) if shows(listing.name_of(item))]
    if isinstance(page, BaseModel):
        return page.model_copy(update={listing.items: items, **_PRIVATE})
    return {**page, listing.wire_items: items, "cacheScope": "private"}


def private(result: Any) -> Any:
    """The same result, never to be kept in a cache that several callers share."""
    return result.model_copy(update=_PRIVATE) if isinstance(result, CacheableResult) else result


_PRIVATE = {"cache_scope": "private"}
