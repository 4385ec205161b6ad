"""Makes JSON Schemas of models: described by the docstrings of their fields."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from textwrap import dedent
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gatetrail.events.wire import MAX_LINE_BYTES


class SchemaWriter(GenerateJsonSchema):
    """For files that people write and we read: every key is described, titles made up of key names are left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- the signature is pydantic's
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of one model, with the docstring of each field as the description of its key."""
        written = super().model_schema(schema)
        described = _docstrings(cast("type[BaseModel]", schema["cls"]))
        for key, property_ in written.get("properties", {}).items():
            if key in described:
                property_["description"] = described[key]
        return written


class OutgoingSchemaWriter(SchemaWriter):
    """For what we write and others read.

    A key that is absent is left out and never null; constant keys are always there. Readers of this version get
    through with later ones: unknown keys are no error.
    """

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ARG002, FBT001 -- the signature is pydantic's
        inner = field["schema"]
        return inner["type"] != "default" or inner.get("default") is not None

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        written.pop("additionalProperties", None)
        return written


class EventSchemaWriter(OutgoingSchemaWriter):
    """For events. The second number of `schema_version` is free."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        keys = written["properties"]
        keys["@timestamp"]["format"] = "date-time"
        keys["event_name"]["description"] = "Which kind of event this is."
        described = {"description": keys["schema_version"]["description"]}
        keys["schema_version"] = {"pattern": r"^1\.[0-9]+$", "type": "string", **described}
        written["dependentRequired"] = {"seq": ["chain_id", "prev_hash", "event_hash"]}
        written["$comment"] = f"As a line of JSON it has less than {MAX_LINE_BYTES} bytes."
        return written


@cache
def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text below each field, by the key that the field has in JSON."""
    texts = {name: text for base in reversed(model.__mro__) for name, text in _texts(base)}
    fields = model.model_fields.items()
    return {field.alias or name: texts[name] for name, field in fields if name in texts}


def _texts(base: type) -> Iterator[tuple[str, str]]:
    if not issubclass(base, BaseModel) or base.__module__.split(".")[0] not in {"gatetrail", "gatetrail_sinks"}:
        return
    (source,) = (node for node in ast.parse(dedent(inspect.getsource(base))).body if isinstance(node, ast.ClassDef))
    for field, below in zip(source.body, source.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(inspect.cleandoc(text).split())
            case _:
                pass
