"""The API's description, and everything that it allows, asked of the real service."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, cast

import orjson
import pytest

from gatetrail.events.asking import FILTER_WORDS
from gatetrail.service.api.samples import DENIED, EXPLAINED
from tests.schema_watch import complaints, validator_of
from tests.service.api.conftest import Service

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


async def description(service: Service) -> dict[str, Any]:
    answer = await service.get("/openapi.json", {})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_it_is_open_and_names_every_route(service: Service) -> None:
    found = await description(service)
    assert {path for path in found["paths"] if path.startswith("/v1/")} == {
        "/v1/events",
        "/v1/events/stream",
        "/v1/executions",
        "/v1/decisions/{id}",
        "/v1/stats",
        "/v1/policy",
        "/v1/policy/reload",
        "/v1/sinks",
    }
    assert found["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_every_route_is_explained_and_tells_its_problems(service: Service) -> None:
    found = await description(service)
    for path, methods in found["paths"].items():
        if not path.startswith("/v1/"):
            continue
        ((method, operation),) = methods.items()
        assert method == ("post" if path.endswith("/reload") else "get")
        assert operation["summary"]
        assert operation["description"]
        assert operation["security"] == [{"bearer": []}]
        assert set(operation["responses"]) >= {"200", "400", "401", "403", "404", "422", "429", "503"}
        for status in ("400", "401", "403", "404", "422", "429", "503"):
            schema = operation["responses"][status]["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
        assert all(parameter.get("description") for parameter in operation.get("parameters", ()))


async def test_the_endpoint_of_agents_shows_a_payload_of_each_kind_and_tells_that_errors_are_denials(
    service: Service,
) -> None:
    operation = (await description(service))["paths"]["/hooks/claude-code"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert {one["hook_event_name"] for one in schema["examples"]} == {*schema["properties"]["hook_event_name"]["enum"]}
    assert operation["security"] == [{"bearer": []}]
    assert "with a denial" in operation["responses"]["200"]["description"]
    assert set(operation["responses"]) >= {"200", "400", "401", "403", "404", "421", "422", "429", "503"}


async def test_the_words_are_the_command_lines(service: Service) -> None:
    paths = (await description(service))["paths"]
    asked = {path: methods["get"].get("parameters", ()) for path, methods in paths.items() if "get" in methods}
    names = {path: {one["name"] for one in parameters} for path, parameters in asked.items()}
    assert names["/v1/events"] == {*FILTER_WORDS, "after", "before", "limit", "format"}
    assert names["/v1/events/stream"] == {*FILTER_WORDS, "after"}
    only_events = {"decision", "event"}
    assert names["/v1/executions"] == {*FILTER_WORDS, "after", "before", "limit", "status", "stuck"} - only_events


async def test_every_example_is_what_its_schema_says(service: Service) -> None:
    found = await description(service)
    checked = 0
    for schema, example in examples(found):
        problems = [*validator_of({**schema, "components": found["components"]}).iter_errors(example)]
        assert not problems, (example, problems)
        checked += 1
    assert checked >= 8
    assert not [*complaints([orjson.dumps(DENIED)])]
    assert {*EXPLAINED} == {*found["components"]["schemas"]["Decision"]["properties"]}


def examples(node: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every example with the schema that stands beside it."""
    if "example" in node:
        yield node["schema"], node["example"]
    yield from ((node, one) for one in node.get("examples", ()))
    for child in node.values():
        several = cast("list[object]", child) if isinstance(child, list) else [child]
        for one in several:
            if isinstance(one, dict):
                yield from examples(cast("dict[str, Any]", one))


class Links(HTMLParser):
    """What a page would load or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "action"}]


async def test_the_page_needs_nothing_from_elsewhere(service: Service) -> None:
    answer = await service.get("/docs", {})
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    links = Links()
    links.feed(answer.text)
    assert not links.tags & {"script", "link", "img", "iframe"}
    assert all(link.startswith("#") or link == "openapi.json" for link in links.found)
    assert "/v1/decisions/{id}" in answer.text
