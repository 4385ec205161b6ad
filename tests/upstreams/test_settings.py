"""Settings of servers that are not ours: what is wrong is said with its place, and no secret is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatetrail.errors import SettingsInvalid
from gatetrail.runtime.upstreams import mounted
from gatetrail.settings import CommandServer, PythonServer, UrlServer, load_settings

SECRET = "hunter2-hunter2"


def servers(folder: Path, text: str) -> dict[str, PythonServer | CommandServer | UrlServer]:
    path = folder / "service.yaml"
    path.write_text(f"servers: {{up: {text}}}")
    return load_settings(path).servers


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{python: 'a.b:c'}", PythonServer),
        ("{command: [npx, -y, thing], environment: {A: b, C: {from_env: D}}, folder: /srv}", CommandServer),
        ("{url: 'https://h.example/mcp', headers: {Authorization: {from_file: /x, prefix: 'Bearer '}}}", UrlServer),
    ],
)
def test_the_key_tells_the_kind(tmp_path: Path, text: str, kind: type) -> None:
    assert isinstance(servers(tmp_path, text)["up"], kind)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "servers.up (GATETRAIL_SERVERS__UP): Expected exactly one of python, command and url"),
        ("{command: [x], url: 'http://h/'}", "Expected exactly one of python, command and url"),
        ("5", "Expected exactly one of python, command and url"),
        ("{command: []}", "servers.up.command (GATETRAIL_SERVERS__UP__COMMAND): "),
        ("{command: 'npx -y'}", "servers.up.command (GATETRAIL_SERVERS__UP__COMMAND): "),
        ("{command: [x], environment: {'A B': c}}", "'A B' cannot be a variable"),
        ("{command: [x], environment: {A: 5}}", "Expected a text, {from_env: NAME} or {from_file: PATH}"),
        ("{command: [x], environment: {A: {from_env: 'B C'}}}", "servers.up.environment.A.from_env"),
        ("{command: [x], environment: {A: {from_env: B, from_file: /c}}}", "servers.up.environment.A.from_file"),
        ("{command: [x], headers: {}}", "servers.up.headers (GATETRAIL_SERVERS__UP__HEADERS): Extra inputs"),
        ("{command: [x], retry_initial_ms: 500, retry_max_ms: 100}", "must be at least retry_initial_ms"),
        ("{url: 'ftp://h/x'}", "expected http://HOST/PATH or https://HOST/PATH"),
        ("{url: 'http://'}", "expected http://HOST/PATH or https://HOST/PATH"),
        ("{url: 'http://h:99999/'}", "is not a URL"),
        (f"{{url: 'https://ann:{SECRET}@h/x'}}", "credentials do not belong in a URL; give them in headers"),
        ("{url: 'http://h/x', tls: {}}", "tls is of no use with an http URL"),
        (f"{{url: 'http://h/x', headers: {{Mcp-Session-Id: {SECRET}}}}}", "belongs to the protocol"),
        (f"{{url: 'http://h/x', headers: {{'A B': {SECRET}}}}}", "'A B' cannot be the name of a header"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        servers(tmp_path, text)
    assert complaint in str(caught.value)
    assert "(by " not in str(caught.value)
    assert "(from " not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("{from_env: NOWHERE}", "servers.up.environment.A.from_env: the environment variable NOWHERE is not set"),
        ("{from_file: /nowhere}", "servers.up.environment.A.from_file: /nowhere cannot be read: No such file"),
        ("{from_env: LINES}", "servers.up.environment.A: the value must be one line, without NUL characters"),
    ],
)
def test_a_credential_that_is_not_there_is_told_at_the_start(tmp_path: Path, value: str, complaint: str) -> None:
    settings = servers(tmp_path, f"{{command: [x], environment: {{A: {value}}}}}")["up"]
    assert isinstance(settings, CommandServer)
    with pytest.raises(SettingsInvalid) as caught:
        mounted("up", settings, {"LINES": f"{SECRET}\n{SECRET}"})
    assert str(caught.value).startswith(complaint)
    assert SECRET not in str(caught.value)


def test_no_secret_is_shown_by_settings_or_server(tmp_path: Path) -> None:
    headers = f"{{A: {SECRET}, B: {{from_env: OURS}}}}"
    settings = servers(tmp_path, f"{{url: 'https://h.example/mcp', headers: {headers}}}")["up"]
    assert isinstance(settings, UrlServer)
    server = mounted("up", settings, {"OURS": SECRET})
    shown = [repr(settings), str(settings), settings.model_dump_json(), repr(server), repr(server.upstream)]
    assert SECRET not in " ".join([*shown, repr(server.upstream.state())])
