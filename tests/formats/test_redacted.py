"""What redaction leaves of a value goes only where such a thing may stand, and the preview has its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
import pytest

from gatetrail.formats.choice import Format, render_of
from gatetrail.formats.otel import otel_record
from tests.formats.making import entry_of
from tests.formats.test_ocsf import errors
from tests.samples import decided, make_stamp

pytestmark = [pytest.mark.requirement("F3"), pytest.mark.requirement("E11")]

HASHED = "hmac:0123456789abcdef0123456789abcdef"
PREVIEW = '{"password":"[redacted:secret_name]","x":"a=b|c","note":"cut…'
MARKS = (HASHED, "[redacted]")


def rendered(chosen: Format, **over: Any) -> str:
    return render_of(chosen)(entry_of(decided(make_stamp(), **over))).decode()


def document(chosen: Format, **over: Any) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(rendered(chosen, **over))
    return told


def under_key(value: Any, key: str) -> list[Any]:
    """All that stands under a key, at any depth."""
    if isinstance(value, list):
        return [found for inner in cast("Sequence[Any]", value) for found in under_key(inner, key)]
    if not isinstance(value, dict):
        return []
    pairs = cast("Mapping[str, Any]", value).items()
    return [found for name, inner in pairs for found in ([inner] if name == key else under_key(inner, key))]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("chosen", [Format.ECS, Format.OCSF, Format.OCSF_1_9])
def test_a_mark_is_in_no_field_for_addresses_and_is_not_lost(chosen: Format, mark: str) -> None:
    told = document(chosen, src_ip=mark)
    assert under_key(told, "ip") == []
    assert mark in rendered(chosen, src_ip=mark)


@pytest.mark.parametrize("mark", MARKS)
def test_ocsf_validates_with_everything_redacted(mark: str) -> None:
    over = dict.fromkeys(("src_ip", "user_id", "session_id", "department", "http_user_agent"), mark)
    assert errors(document(Format.OCSF, **over, roles=(mark,), arguments_preview=PREVIEW)) == []
    assert errors(document(Format.OCSF, src_ip="203.0.113.0")) == []


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("chosen", [Format.CEF, Format.LEEF])
def test_a_mark_is_no_source_of_cef_and_leef_and_is_not_lost(chosen: Format, mark: str) -> None:
    line = rendered(chosen, src_ip=mark)
    assert " src=" not in line
    assert "\tsrc=" not in line
    assert mark in line


def test_opentelemetry_lets_an_address_be_any_text() -> None:
    line = entry_of(decided(make_stamp(), src_ip=HASHED, arguments_preview=PREVIEW)).line
    attributes = otel_record(line).attributes
    assert attributes["client.address"] == HASHED
    assert attributes["mcp_governance.arguments_preview"] == PREVIEW
    assert "gen_ai.tool.call.arguments" not in attributes


def test_the_preview_is_in_our_namespace_because_ecs_9_4_and_ocsf_have_no_field_for_a_cut_text() -> None:
    assert document(Format.ECS, arguments_preview=PREVIEW)["mcp_governance"]["arguments_preview"] == PREVIEW
    for chosen in (Format.OCSF, Format.OCSF_1_9):
        assert document(chosen, arguments_preview=PREVIEW)["unmapped"]["arguments_preview"] == PREVIEW


def test_the_preview_has_a_named_field_in_cef_and_leef() -> None:
    assert r'{"password":"[redacted:secret_name]","x":"a\=b|c"' in rendered(Format.CEF, arguments_preview=PREVIEW)
    assert PREVIEW in rendered(Format.LEEF, arguments_preview=PREVIEW)
