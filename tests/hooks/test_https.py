"""Webhooks over https, and what a receiver cannot make of us."""

from __future__ import annotations

import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.hooks.conftest import OpenHouse
from tests.hooks.outside import Heard, Receiver, receiving, reply
from tests.sinks.certificates import Authority, Certificate

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.requirement("D5")]


def asked_at(url: str) -> dict[str, object]:
    return {"id": "h", "event": "pre_tool_use", "webhook": {"url": url, "secret": "soc"}}


def speaking_for(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    return context


async def test_only_a_receiver_whom_the_authority_knows_by_this_name_hears_anything(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    ours, others = Authority(tmp_path), Authority(tmp_path, "others")
    with (
        receiving(speaking_for(ours.sign("hooks.example.com"))) as right,
        receiving(speaking_for(others.sign("hooks.example.com"))) as wrong,
    ):
        at_right, at_wrong = (f"https://127.0.0.1:{one.port}/" for one in (right, wrong))
        by_another_name = f"https://localhost:{right.port}/"
        tls = {"ca_file": str(ours.ca_file)}
        async with open_house(asked_at(at_right), hosts=["127.0.0.1"], tls=tls) as house:
            assert await house.called() is None
        for url, believed in ((at_wrong, tls), (by_another_name, tls), (at_right, None)):
            async with open_house(asked_at(url), tls=believed) as house:
                denied = await house.called()
                assert denied is not None
                assert denied.reason_code == "hook_failed"
                assert (await house.events("hook.failed"))[-1]["reason"] == "it cannot be reached: ConnectError"
    assert (len(right.heard), len(wrong.heard)) == (1, 0)


async def test_a_receiver_leaves_nothing_behind_that_is_sent_to_the_next(
    open_house: OpenHouse, receiver: Receiver
) -> None:
    def leave_a_cookie(handler: BaseHTTPRequestHandler, _: Heard) -> None:
        reply(handler, 204, b"", **{"Set-Cookie": f"n{len(receiver.heard)}=x"})

    receiver.answer = leave_a_cookie
    async with open_house(asked_at(receiver.url)) as house:
        for _ in range(2):
            assert await house.called() is None
    assert len(receiver.heard) == 2
    assert "Cookie" not in receiver.heard[1].headers
