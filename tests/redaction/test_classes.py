"""Every key of every event has a class, and the schemas tell it."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from pydantic import BaseModel, Field

from gatetrail.events.classes import SCHEMA_KEY, classes_of
from gatetrail.events.fields import Identifier, Personal
from gatetrail.events.model import SENSITIVE_KEYS, Event
from gatetrail.resources import schemas
from gatetrail.words import Sensitivity

pytestmark = pytest.mark.requirement("F3")

KINDS: tuple[type[BaseModel], ...] = get_args(get_args(Event)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_a_class_and_none_is_for_secrets(kind: type[BaseModel]) -> None:
    classes = classes_of(kind)
    assert set(classes) == {field.alias or name for name, field in kind.model_fields.items()}
    assert Sensitivity.SECRET not in classes.values()


def test_a_key_is_of_the_same_class_in_every_event() -> None:
    for kind in KINDS:
        for key, found in classes_of(kind).items():
            assert (found is Sensitivity.SENSITIVE) == (key in SENSITIVE_KEYS), (kind, key)


def test_what_tells_about_a_person_is_sensitive() -> None:
    assert {
        *("user_id", "claimed_user_id", "session_id", "department", "roles", "src_ip"),
        *("http_user_agent", "arguments_preview", "working_directory", "changed_by"),
    } == SENSITIVE_KEYS


def test_a_text_without_a_class_is_a_mistake() -> None:
    class Careless(BaseModel):
        note: str = Field(max_length=5)

    class Torn(BaseModel):
        note: tuple[Identifier | Personal, ...]

    for kind in (Careless, Torn):
        with pytest.raises(TypeError, match="the type of note names no class, or several"):
            classes_of(kind)


def test_the_shipped_schemas_tell_the_classes() -> None:
    schema = json.loads((schemas() / "v1" / "events" / "tool_call.decided.schema.json").read_text("utf-8"))
    told = {name: one.get(SCHEMA_KEY) for name, one in schema["properties"].items()}
    assert {name for name, found in told.items() if found == "sensitive"} == SENSITIVE_KEYS - {
        "changed_by",
        "claimed_user_id",
        "working_directory",
    }
    assert told["tool_name"] == "public"
