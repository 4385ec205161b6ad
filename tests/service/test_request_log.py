"""The line of each request, and the id that goes back with its answer."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI

from gatetrail.service.problems import install_problems
from gatetrail.service.request_log import log_requests

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("G5")]


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    install_problems(app)

    @app.get("/fails")
    async def fails() -> None:  # pyright: ignore[reportUnusedFunction]
        raise LookupError

    log_requests(app, lambda: "0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gate")


async def test_a_request_that_fails_is_logged_as_it_was_answered(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gatetrail.http")
    async with client:
        answer = await client.get("/fails", headers={"x-request-id": "one-7"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "one-7")
    (record,) = [record for record in caplog.records if record.name == "gatetrail.http"]
    assert (vars(record)["status"], vars(record)["request_id"]) == (500, "one-7")


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<b>", "a\xe9"])
async def test_an_id_that_is_none_is_not_given_back(client: httpx.AsyncClient, given: str) -> None:
    async with client:
        answer = await client.get("/nowhere", headers=[(b"x-request-id", given.encode("latin-1"))])
    assert answer.headers.get_list("x-request-id") == ["0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c"]
