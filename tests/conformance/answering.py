"""Tools, resources and prompts that answer at once."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer, UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import EmbeddedResource, ImageContent, TextContent
from pydantic import Field

from tests.conformance.content import AUDIO, IMAGE, embedded, red_dot

PAUSE_S = 0.05

# --- one tool for each kind of content, and one that fails ---


def test_simple_text() -> TextContent:
    """Give one line of text."""
    return TextContent(text="This is a simple text response for testing.")


def test_image_content() -> object:
    """Give one picture."""
    return IMAGE


def test_audio_content() -> object:
    """Give one sound."""
    return AUDIO


def test_embedded_resource() -> EmbeddedResource:
    """Give one resource inside the result."""
    text = "This is an embedded resource content."
    return embedded("test://embedded-resource", "text/plain", text)


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Give a text, a picture and a resource."""
    body = json.dumps({"test": "data", "value": 123})
    return [
        TextContent(text="Multiple content types test:"),
        IMAGE,
        embedded("test://mixed-content-resource", "application/json", body),
    ]


def test_error_handling() -> str:
    """Fail, always."""
    raise ToolError("This tool intentionally returns an error for testing")


# --- tools that tell how they are getting on, and one that hangs up halfway ---


async def log(context: Context[Any, Any], text: str) -> None:
    # Logging left the protocol with 2026-07-28; clients of the version before still ask for it.
    await context.log("info", text)  # pyright: ignore[reportDeprecated]


async def test_tool_with_logging(context: Context[Any, Any]) -> str:
    """Log three times."""
    await log(context, "Tool execution started")
    await asyncio.sleep(PAUSE_S)
    await log(context, "Tool processing data")
    await asyncio.sleep(PAUSE_S)
    await log(context, "Tool execution completed")
    return "Logged three messages"


async def test_logging_tool(context: Context[Any, Any]) -> str:
    """Log once; only a client that asked for logs may see it."""
    await log(context, "Only for those who asked")
    return "Logged one message"


async def test_tool_with_progress(context: Context[Any, Any]) -> str:
    """Report progress three times."""
    for done in (0, 50, 100):
        await context.report_progress(done, 100)
        await asyncio.sleep(PAUSE_S)
    return "Reported progress"


async def test_reconnection(context: Context[Any, Any]) -> str:
    """Close the stream before the answer; the client has to come back for it."""
    await asyncio.sleep(PAUSE_S)
    await context.close_sse_stream()
    await asyncio.sleep(PAUSE_S)
    return "Answered after the stream was closed"


# --- tools after which subscribers hear of changed lists ---


async def test_trigger_tool_change(context: Context[Any, Any]) -> str:
    """Tell subscribers that the tools have changed."""
    await context.notify_tools_changed()
    return "Told them"


async def test_trigger_prompt_change(context: Context[Any, Any]) -> str:
    """Tell subscribers that the prompts have changed."""
    await context.notify_prompts_changed()
    return "Told them"


# --- tools whose schema matters ---


def test_custom_headers(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Say the region back, which travels in a header too."""
    return region


def json_schema_2020_12_tool(**details: Any) -> str:
    """Take the details of a contact."""
    return json.dumps(sorted(details))


def rich_schema_tool() -> Tool:
    """A tool whose schema uses what JSON Schema 2020-12 brought; it must come out as it went in."""
    tool = Tool.from_function(json_schema_2020_12_tool)
    text = {"type": "string"}
    address = {"type": "object", "properties": {"street": text, "city": text}}
    by_phone = {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]}
    tool.parameters = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {"$anchor": "addressDef", **address}},
        "properties": {
            "name": text,
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": text,
            "email": text,
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": by_phone,
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    }
    return tool


# --- resources ---


def static_text() -> str:
    """A text that stays as it is."""
    return "This is the content of the static text resource."


def watched_resource() -> str:
    """A text that a client may subscribe to."""
    return "Nothing has happened yet."


def template_data(id: str) -> str:  # noqa: A002 - the template's variable has this name
    """Some data for an id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


# --- prompts ---


def test_simple_prompt() -> str:
    """Give a fixed text."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Repeat two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(
    resourceUri: str,  # noqa: N803 - the suite names the argument
) -> list[UserMessage]:
    """Give a resource and what to do with it."""
    text = "Embedded resource content for testing."
    return [
        UserMessage(embedded(resourceUri, "text/plain", text)),
        UserMessage("Please process the embedded resource above."),
    ]


def test_prompt_with_image() -> list[UserMessage]:
    """Give a picture and what to do with it."""
    return [UserMessage(IMAGE), UserMessage("Please analyze the image above.")]


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_logging,
    test_logging_tool,
    test_tool_with_progress,
    test_reconnection,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_custom_headers,
)
PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
)


def add_to(server: MCPServer) -> None:
    """Give the server all of the above but `rich_schema_tool`, which a constructor must take."""
    for tool in TOOLS:
        server.add_tool(tool, structured_output=False)
    for prompt in PROMPTS:
        server.prompt()(prompt)
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png", name="static_binary")(red_dot)
    server.resource("test://watched-resource", mime_type="text/plain")(watched_resource)
    server.resource("test://template/{id}/data", mime_type="application/json")(template_data)
