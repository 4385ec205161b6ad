"""The Fluentd sink with TLS, shared key and user: whom it believes, and whom it lets go."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gatetrail.errors import SinkUnavailable
from gatetrail.tls import ClientTls
from gatetrail_sinks.fluentd import FluentdReceiver, FluentdSettings, FluentdSink
from tests.entries import make_entries
from tests.sinks.certificates import Authority, Certificate
from tests.sinks.fluentd_scripted import Door, acknowledges, scripted
from tests.sinks.fluentd_server import PASSWORD, SERVER_HOSTNAME, SHARED_KEY, USER, FluentdServer

pytestmark = [pytest.mark.anyio, pytest.mark.node]

LOCAL = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def served(folder: Path, **over: Any) -> AsyncGenerator[FluentdServer]:
    server = FluentdServer(folder, **over)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


async def deliver(port: int, host: str = LOCAL, **over: Any) -> None:
    """One sink's whole life: three events, one batch. A peer without TLS would hang for long otherwise."""
    over.setdefault("connect_timeout_ms", 2_000)
    settings = FluentdSettings(receivers=(FluentdReceiver(host=host, port=port),), **over)
    sink = FluentdSink("fluentd", settings)
    try:
        await sink.write(await make_entries(3))
    finally:
        await sink.close()


@pytest.mark.requirement("E9")
@pytest.mark.parametrize("host", [LOCAL, "localhost"])
async def test_tls_with_the_authority_that_signed_works_by_name_and_by_address(
    tmp_path: Path, authority: Authority, host: str
) -> None:
    async with served(tmp_path, certificate=authority.sign("localhost")) as server:
        await deliver(server.port, host, tls=ClientTls(ca_file=authority.ca_file))
        assert len(await server.records(3)) == 3


async def test_the_name_in_the_certificate_can_be_another_than_the_host(tmp_path: Path, authority: Authority) -> None:
    async with served(tmp_path, certificate=authority.sign("receiver.test")) as server:
        await deliver(server.port, tls=ClientTls(ca_file=authority.ca_file, server_name="receiver.test"))


UNBELIEVED: dict[str, tuple[Callable[[Path], ClientTls | None], str]] = {
    "the system's authorities": (lambda _: ClientTls(), "certificate verify failed"),
    "another authority": (
        lambda folder: ClientTls(ca_file=Authority(folder, "other").ca_file),
        "certificate verify failed",
    ),
    "another name": (
        lambda folder: ClientTls(ca_file=ca_of(folder), server_name="other.test"),
        "Hostname mismatch",
    ),
    "no such file": (
        lambda folder: ClientTls(ca_file=folder / "none.pem"),
        r"ca_file .*none\.pem cannot be used: No such file",
    ),
    "no own certificate": (
        lambda folder: ClientTls(ca_file=ca_of(folder), certificate_file=folder / "none.pem"),
        r"certificate_file .*none\.pem cannot be used: No such file",
    ),
    "in the clear": (lambda _: None, "closed the connection|does it ask for TLS|Connection reset|Broken pipe"),
}


@pytest.mark.parametrize("why", UNBELIEVED)
async def test_a_receiver_that_cannot_be_believed_gets_nothing(tmp_path: Path, authority: Authority, why: str) -> None:
    tls, told = UNBELIEVED[why]
    async with served(tmp_path, certificate=authority.sign("receiver.test")) as server:
        with pytest.raises(SinkUnavailable, match=told):
            await deliver(server.port, tls=tls(tmp_path), ack_timeout_ms=2_000)
        assert server.received() == []


def ca_of(folder: Path) -> Path:
    return folder / "authority" / "ca.pem"


async def test_whoever_answers_is_believed_when_that_is_what_the_settings_say(
    tmp_path: Path, authority: Authority
) -> None:
    async with served(tmp_path, certificate=authority.sign("receiver.test")) as server:
        await deliver(server.port, tls=ClientTls(verify=False))


async def test_a_receiver_without_tls_gets_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        with pytest.raises(SinkUnavailable):
            await deliver(server.port, tls=ClientTls(verify=False))
        assert server.received() == []


async def test_a_receiver_that_asks_for_our_certificate_gets_it(tmp_path: Path, authority: Authority) -> None:
    own = authority.sign("gatetrail.test")
    stranger = Authority(tmp_path, "strangers").sign("stranger.test")
    asking = {"certificate": authority.sign("receiver.test"), "client_ca_file": authority.ca_file}
    async with served(tmp_path, **asking) as server:
        nothing = ClientTls(ca_file=authority.ca_file)
        for wrong in (nothing, with_own(nothing, stranger)):
            with pytest.raises(SinkUnavailable):
                await deliver(server.port, tls=wrong)
        assert server.received() == []
        await deliver(server.port, tls=with_own(nothing, own))
        assert len(await server.records(3)) == 3


def with_own(tls: ClientTls, own: Certificate) -> ClientTls:
    return tls.model_copy(update={"certificate_file": own.certificate_file, "key_file": own.key_file})


async def test_an_encrypted_key_is_told_and_nobody_is_asked_at_the_terminal(authority: Authority) -> None:
    own = authority.sign("gatetrail.test", password="secret of the key")
    tls = ClientTls(certificate_file=own.certificate_file, key_file=own.key_file)
    async with scripted() as peer:
        with pytest.raises(SinkUnavailable, match=r"key_file .*gatetrail\.test\.key cannot be used"):
            await deliver(peer.port, tls=tls)


@pytest.mark.requirement("E9")
async def test_shared_key_and_user_open_the_door(tmp_path: Path) -> None:
    async with served(tmp_path, shared_key=SHARED_KEY) as server:
        await deliver(server.port, shared_key=SecretStr(SHARED_KEY))
        await deliver(server.port, shared_key=SecretStr(SHARED_KEY), user="nobody asks", password=SecretStr("x"))
    async with served(tmp_path, shared_key=SHARED_KEY, users={USER: PASSWORD}) as server:
        await deliver(server.port, shared_key=SecretStr(SHARED_KEY), user=USER, password=SecretStr(PASSWORD))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another key": (
        {"shared_key": SecretStr("hidden-key"), "user": USER, "password": SecretStr(PASSWORD)},
        "lets us not in: shared key mismatch",
    ),
    "another user": ({"user": "bob", "password": SecretStr("hidden-word")}, "lets us not in: username/password"),
    "another password": ({"user": USER, "password": SecretStr("hidden-word")}, "lets us not in: username/password"),
    "no user": ({}, "asks for a user, and none is configured"),
    "its own name": ({"self_hostname": SERVER_HOSTNAME, "user": USER, "password": SecretStr("x")}, "Same hostname"),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_who_is_not_let_in_says_why_and_shows_no_secret(tmp_path: Path, reason: str) -> None:
    given, told = REFUSED[reason]
    over: dict[str, Any] = {"shared_key": SecretStr(SHARED_KEY), **given}
    async with served(tmp_path, shared_key=SHARED_KEY, users={USER: PASSWORD}) as server:
        with pytest.raises(SinkUnavailable, match=told) as problem:
            await deliver(server.port, **over)
        assert "hidden" not in str(problem.value)
        assert server.received() == []


async def test_a_key_where_none_is_asked_for_and_none_where_one_is(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        with pytest.raises(SinkUnavailable, match="did not begin with HELO: does it have a shared key"):
            await deliver(server.port, shared_key=SecretStr("key"), connect_timeout_ms=300)
    async with served(tmp_path, shared_key=SHARED_KEY) as server:
        with pytest.raises(SinkUnavailable):
            await deliver(server.port)
        assert server.received() == []


async def test_secrets_may_be_in_files_that_are_read_anew_at_each_connect(tmp_path: Path) -> None:
    key_file, password_file = tmp_path / "key", tmp_path / "password"
    async with served(tmp_path, shared_key=SHARED_KEY, users={USER: PASSWORD}) as server:
        receivers = (FluentdReceiver(host=LOCAL, port=server.port),)
        settings = FluentdSettings(
            receivers=receivers, shared_key_file=key_file, user=USER, password_file=password_file
        )
        sink, entries = FluentdSink("fluentd", settings), await make_entries(1)
        with pytest.raises(SinkUnavailable, match=f"No such file or directory: {key_file}"):
            await sink.write(entries)
        key_file.write_text("\n")
        with pytest.raises(SinkUnavailable, match=f"{key_file} is empty"):
            await sink.write(entries)
        key_file.write_text(f"{SHARED_KEY}\n")
        password_file.write_text(PASSWORD)
        await sink.write(entries)
        await sink.close()


async def test_all_six_parts_of_ping_are_texts() -> None:
    door = Door(b"key", user_salt=b"\x00\xffsalt")
    async with scripted(acknowledges, door=door) as peer:
        for _ in range(2):
            await deliver(peer.port, shared_key=SecretStr("key"), user="ann", password=SecretStr("word"))
    assert [type(part) for ping in door.pings for part in ping] == [str] * 12
    (_, hostname, salt, _, user, _), (_, _, other_salt, *_) = door.pings
    assert (hostname, user) == ("gatetrail", "ann")
    assert salt != other_salt


FALSE_DOORS: dict[str, tuple[Callable[[bytes], object], str]] = {
    "another digest": (lambda _: ["PONG", True, "", "receiver", "0" * 128], "does not have the shared key"),
    "our own digest back": (lambda _: ["PONG", True, "", "gatetrail", ""], "calls itself gatetrail, as we do"),
    "no digest": (lambda _: ["PONG", True, "", "receiver"], "did not answer with PONG"),
    "yes, nearly": (lambda digest: ["PONG", 1, "", "receiver.test", digest], "did not answer with PONG|shared key"),
    "no": (lambda _: ["PONG", False, "", "", ""], "lets us not in: no reason given"),
    "an acknowledgement": (lambda _: {"ack": "x"}, "did not answer with PONG"),
}


@pytest.mark.parametrize("lie", FALSE_DOORS)
async def test_a_receiver_that_does_not_have_the_key_gets_nothing(lie: str) -> None:
    answer, told = FALSE_DOORS[lie]
    async with scripted(door=Door(b"key", answer=answer)) as peer:
        with pytest.raises(SinkUnavailable, match=told):
            await deliver(peer.port, shared_key=SecretStr("key"))
        assert peer.frames == []


@pytest.mark.parametrize("helo", [["HELO"], ["HELO", {}], ["HELO", {"nonce": 7}], ["HELO", []], ["NO"], [], {}])
async def test_a_beginning_that_is_no_helo_is_told(helo: Any) -> None:
    async with scripted(door=Door(b"key", opening=helo)) as peer:
        with pytest.raises(SinkUnavailable, match="did not begin with a HELO"):
            await deliver(peer.port, shared_key=SecretStr("key"))


async def test_a_receiver_that_hangs_up_instead_of_refusing_is_understood() -> None:
    async with scripted(door=Door(b"key", answer=lambda _: None)) as peer:
        with pytest.raises(SinkUnavailable, match="is it the same shared key, user and password there"):
            await deliver(peer.port, shared_key=SecretStr("key"))
