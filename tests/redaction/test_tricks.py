"""Secrets in unusual writing, and beside their names in unusual places."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.redaction.test_preview import preview_of, redactor_of, shown

pytestmark = pytest.mark.requirement("F3")

SECRET = "hunter2Zq9xLm"

ARGUMENTS: dict[str, Any] = {
    "named beside it": {"headers": [{"name": "X-Api-Key", "value": SECRET}, {"Key": "Password", "Value": SECRET}]},
    "a list of pairs": {"headers": [["X-Auth-Token", SECRET], ("password", SECRET)]},
    "the value of an option": {"argv": ["login", "--password", SECRET]},
    "a name in bytes": {b"password": SECRET},
    "a name in full width": {"ｐａｓｓｗｏｒｄ": SECRET},
    "a name with an unseen character": {"pass\u200bword": SECRET},
    "a name with marks": {"pa\u0301ssword": SECRET},
    "another language": {"Passwort": SECRET},
    "a key by its kind": {"headers": {"X-Auth-Key": SECRET, "Ocp-Apim-Subscription-Key": SECRET}},
    "a short name": {"pw": SECRET},
    "JSON in a text": {"body": orjson.dumps({"pw": SECRET, "deep": [{"token": {"value": SECRET}}]}).decode()},
    "JSON in JSON": {"body": orjson.dumps({"x": orjson.dumps({"pw": [SECRET]}).decode()}).decode()},
}
TEXTS = (
    f"mysql --password {SECRET} -u root",
    f'tool --api-key "{SECRET}"',
    f"curl -s -u ann:{SECRET} https://example.com",
    f"ｐａｓｓｗｏｒｄ＝{SECRET}",
    f"pass\u200bword={SECRET}",
    f"pässword\u0301 password={SECRET}",
    'said: {"password":"ab\\"c' + SECRET + '"}',
    'said: {\\"password\\":\\"ab\\\\\\"c' + SECRET + '\\"}',
    f"SECRET_KEY = '{SECRET}'",
    f"password1={SECRET}",
    f"password_hash: {SECRET}",
    f"passcode: {SECRET}",
    f'"pin":"{SECRET}"',
    f"<password>{SECRET}</password>",
    f'<ns:db_password type="text"><![CDATA[{SECRET}]]></ns:db_password>',
    f"next=/?password%3D{SECRET}",
    f"header=Bearer%20{SECRET}",
    f"CREATE USER app IDENTIFIED BY '{SECRET}'",
    f"ALTER ROLE app PASSWORD 'it''s {SECRET}'",
    f"Settings(password=SecretStr('{SECRET}'))",
    f"{{'password': b'{SECRET}'}}",
    f"password: |\n  {SECRET}",
    f"passwords follow\npassword:\n  - {SECRET}",
    f"api key: {SECRET}",
    f"postgresql://app:123/{SECRET}@db/x",
    f"postgresql://app@corp:{SECRET}@db/x",
    f"postgresql://app:a'<{SECRET}@db/x",
    f"https://app:1234567/{SECRET}@example.com",
    f"https://discord.com/api/webhooks/123456789012345678/{SECRET}{SECRET}",
    f"123456789:AA{SECRET}{SECRET}hunter2",
    "４１１１ １１１１ １１１１ １１１１",
    "4111\u00a01111\u00a01111\u00a01111",
    "4111\u200b1111\u200b1111\u200b1111",
    "4111.1111.1111.1111",
    "AKIA\u200bIOSFODNN7EXAMPLE",
    "AKIA\u00adIOSFODNN7EXAMPLE",
    f"AKIAIOSFODNN7EXAMPLE and ｐassword={SECRET}",
)
PARTS = ("hunter2", "9xLm", "4111", "４１", "IOSF")


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_a_secret_is_known_by_its_name_wherever_that_stands(arguments: dict[str, Any]) -> None:
    assert SECRET not in preview_of(arguments)
    assert "[redacted:secret_name]" in preview_of(arguments)
    for action in ("hash", "drop"):
        assert SECRET not in preview_of(arguments, f"{{preview_bytes: 1000, classes: {{secret: {action}}}}}")


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_found_in_any_writing(text: str) -> None:
    told = redactor_of("{}").texts({"tool_name": text, "user_id": f"x {text}", "reason": f"no tool {text}"})
    for written in (preview_of({"note": text}), preview_of({text: 1}), *map(str, told.values())):
        assert not any(part in written for part in PARTS), written


@pytest.mark.parametrize("before", [0, 200, 760, 2_800])
@pytest.mark.parametrize("unseen", [0, 40, 400])
def test_a_cut_shows_no_beginning_of_a_secret_in_tricky_writing(before: int, unseen: int) -> None:
    text = "x" * before + "\u200b" * unseen + f" AKIA\u200bIOSFODNN7EXAMPLE password={SECRET}" + "y " * 3_000
    assert not any(part in preview_of({"note": text}, "{preview_bytes: 768}") for part in PARTS)


def test_harmless_text_of_any_writing_stays_as_it_is() -> None:
    arguments = {"note": "ｆｕｌｌ ｗｉｄｔｈ, a\u200bb, é e\u0301", "body": '{ "a" : 1 }', "number": -(1 << 63)}
    assert shown(arguments) == arguments


def test_numbers_that_json_writers_refuse_do_no_harm() -> None:
    assert shown({"a": -(1 << 63) - 1, "b": 1 << 64}) == {"a": "<int>", "b": "<int>"}
