"""What a service may answer when it is not well, is not ours, or cannot keep up."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gatetrail.events.wire import canonical, keys_of
from tests.cli.conftest import COMMAND, WITHIN_S, Gatetrail
from tests.cli.recorded import denied

pytestmark = pytest.mark.requirement("E4")

LINES = [canonical({**keys_of(denied()), "seq": seq}) for seq in range(1, 10)]
PROBLEM = "application/problem+json"


@dataclass
class Answer:
    """One answer; a stream that is `held` stays open until the test is over."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    held: bool = False


@dataclass
class Fake:
    """Answers pages with nothing and streams in turn; the last one again and again."""

    page: Answer
    streams: list[Answer] = field(default_factory=list[Answer])
    head: bytes = b"0"
    resumed_from: list[str] = field(default_factory=list[str])
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> Answer:
        if not handler.path.startswith("/v1/events/stream"):
            if "limit=1" in handler.path and self.page.status == 200 and "ndjson" not in handler.headers["accept"]:
                return Answer(body=b'{"head_seq":%s}' % self.head, headers={"Content-Type": "application/json"})
            return self.page
        self.resumed_from.append(handler.headers["last-event-id"])
        return self.streams.pop(0) if len(self.streams) > 1 else self.streams[0]


Serve = Callable[..., Fake]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[tuple[ThreadingHTTPServer, threading.Thread, Fake]] = []

    def begin(page: Answer, *streams: Answer, head: bytes = b"0") -> Fake:
        fake = Fake(page, list(streams), head)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(fake))
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread, fake))
        return fake

    yield begin
    for server, thread, fake in running:
        fake.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def handler_of(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = fake.answer(self)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.held:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()
            if answer.held:
                fake.over.wait(60)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 -- its name
            pass

    return Handler


NO_EVENTS = Answer(headers={"Content-Type": "application/x-ndjson"})


def stream(*frames: bytes, held: bool = False) -> Answer:
    return Answer(body=b"".join(frames), headers={"Content-Type": "text/event-stream"}, held=held)


def event(seq: int) -> bytes:
    return b"id: %d\nevent: tool_call.decided\ndata: %s\n\n" % (seq, LINES[seq - 1])


def gap(first_seq: int, last_seq: int) -> bytes:
    notice = {"event_name": "audit.gap", "first_missing_seq": first_seq, "last_missing_seq": last_seq, "reason": "slow"}
    return b"event: audit.gap\ndata: %s\n\n" % json.dumps(notice).encode()


def problem(status: int, detail: str, **headers: str) -> Answer:
    body = json.dumps({"status": status, "detail": detail, "code": "some_code"}).encode()
    return Answer(status, body, {"Content-Type": PROBLEM, **headers})


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem(503, "the database does not answer"), 3, "cannot answer now: 503 the database does not answer"),
        (Answer(502, b"<html>", {"Content-Type": "text/html"}), 3, "cannot answer now: 502 Bad Gateway"),
        (problem(429, "too many"), 3, "has no room now: too many"),
        (problem(400, "since: is odd"), 2, "refuses the question: 400 since: is odd"),
        (Answer(404, b"<html>", {"Content-Type": "text/html"}), 2, "is this a Gatetrail service"),
        (Answer(302, b"", {"Location": "https://elsewhere.example/"}), 2, "elsewhere.example"),
        (Answer(200, b"<html>hello</html>", {"Content-Type": "text/html"}), 2, "not as a Gatetrail service does"),
        (Answer(200, b'{"a":1}\n', {"Content-Type": "application/x-ndjson"}), 2, "not as a Gatetrail service does"),
        (problem(403, "first\nsecond\x1b[2J"), 1, "does not give that to this caller: first second\ufffd[2J"),
    ],
)
def test_every_answer_has_its_line_and_its_exit_code(
    offline: Gatetrail, serve: Serve, answer: Answer, code: int, said: str
) -> None:
    fake = serve(answer)
    ran = offline("events", "--json", "--url", fake.url)
    assert (ran.code, ran.out, len(ran.errors)) == (code, "", 1)
    assert said in ran.errors[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--url", "nowhere"), "'nowhere' is no address of a service"),
        (("--url", "ftp://a"), "is no address of a service"),
        (("--url", "http://[::1"), "is no address of a service"),
        (("--url", "http://ann:secret-word@a"), "the token belongs in GATETRAIL_TOKEN"),
        (("--url", "http://ann:secret-word@[::1"), "the token belongs in GATETRAIL_TOKEN"),
        (("--url", "ann:secret-word@a"), "the token belongs in GATETRAIL_TOKEN"),
        (("--url", "http://a", "--dsn", "postgresql://b"), "--url asks a service, --dsn a database"),
        (("--token-file", "t"), "--token-file is for a service"),
        (("--url", "http://a", "--token-file", "nowhere.jwt"), "nowhere.jwt: cannot be read: No such file"),
        (("--url", "http://a", "--token-file", "two.jwt"), "two.jwt: holds no token"),
        (("--json", "--format", "cef"), "--json is --format json"),
    ],
)
def test_what_cannot_be_asked_is_wrong_use(offline: Gatetrail, arguments: tuple[str, ...], said: str) -> None:
    (offline.folder / "two.jwt").write_text("one two\n")
    ran = offline("events", *arguments)
    assert (ran.code, ran.out, len(ran.errors)) == (2, "", 1)
    assert said in ran.errors[0]
    assert "secret-word" not in ran.err


@pytest.mark.parametrize(
    ("url", "token", "warned"),
    [
        ("http://gate.invalid:8080", "t", True),
        ("http://gate.invalid:8080", "", False),
        ("https://gate.invalid:8080", "t", False),
        ("http://127.0.0.1:1", "t", False),
        ("http://[::1]:1", "t", False),
        ("http://localhost:1", "t", False),
    ],
)
def test_a_token_that_others_can_overhear_is_warned_of(offline: Gatetrail, url: str, token: str, warned: bool) -> None:
    ran = offline("events", "--url", url, GATETRAIL_TOKEN=token)
    assert ran.code == 3
    assert (f"warning: {url}: the token goes over the network unencrypted" in ran.err) == warned


@pytest.mark.parametrize("frame", [b"id: x\n\n", event(1).replace(b"id: 1", b"id: x"), b"id: 7\ndata: 1\n\n"])
def test_a_stream_that_is_none_of_ours_is_wrong_use(offline: Gatetrail, serve: Serve, frame: bytes) -> None:
    fake = serve(NO_EVENTS, stream(frame, held=True))
    following = offline.start("events", "--json", "--follow", "--url", fake.url)
    assert following.process.wait(WITHIN_S) == 2
    assert "not as a Gatetrail service does" in following.err.wait_for(bool)[0]


def test_a_head_that_is_no_number_is_wrong_use(offline: Gatetrail, serve: Serve) -> None:
    fake = serve(NO_EVENTS, stream(), head=b"null")
    ran = offline("events", "--json", "--follow", "--url", fake.url)
    assert (ran.code, len(ran.errors)) == (2, 1)


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (("sinks",), b'{"sinks":null}'),
        (("sinks",), b'{"sinks":[5]}'),
        (("sinks",), b"[]"),
        (("why", "0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c"), b'{"events":[5]}'),
        (("why", "0199f2c4-8a51-7d3e-9b6f-2c1d0e4a5b6c"), b'{"events":[{"seq":1}]}'),
    ],
)
def test_objects_of_another_shape_are_wrong_use(
    offline: Gatetrail, serve: Serve, command: tuple[str, ...], body: bytes
) -> None:
    ran = offline(*command, "--url", serve(Answer(200, body, {"Content-Type": "application/json"})).url)
    assert (ran.code, ran.out, len(ran.errors)) == (2, "", 1)
    assert "not as a Gatetrail service does" in ran.errors[0]


def test_a_stream_that_a_proxy_has_spoilt_is_taken_up_again(offline: Gatetrail, serve: Serve) -> None:
    spoilt = stream(b"no gzip at all")
    spoilt.headers["Content-Encoding"] = "gzip"
    fake = serve(NO_EVENTS, stream(event(1)), spoilt, stream(event(2), held=True))
    following = offline.start("events", "--json", "--follow", "--url", fake.url)
    shown = following.out.wait_for(lambda lines: len(lines) == 2)
    assert [json.loads(line)["seq"] for line in shown] == [1, 2]
    assert fake.resumed_from == ["0", "1", "1"]


def test_what_a_slow_reader_missed_is_told_and_fetched(offline: Gatetrail, serve: Serve) -> None:
    fake = serve(
        NO_EVENTS,
        stream(b"retry: 10\n\n", event(1), event(2), gap(3, 4), event(5), held=True),
        stream(event(3), event(4), event(5), b": heartbeat\nid: 7\n\n", held=False),
        stream(event(8), held=True),
    )
    following = offline.start("events", "--json", "--follow", "--url", fake.url)
    shown = following.out.wait_for(lambda lines: len(lines) == 6)
    assert [json.loads(line)["seq"] for line in shown] == [1, 2, 3, 4, 5, 8]
    assert shown[0].encode() == LINES[0]
    assert fake.resumed_from == ["0", "2", "7"]
    assert following.err.wait_for(bool) == ["gatetrail: warning: events 3 to 4 did not come: slow"]


def test_a_gap_that_stays_is_told_once_and_the_rest_goes_on(offline: Gatetrail, serve: Serve) -> None:
    fake = serve(NO_EVENTS, stream(event(1), gap(2, 4), event(5)), stream(gap(2, 4), event(5), event(6), held=True))
    following = offline.start("events", "--json", "--follow", "--url", fake.url)
    shown = following.out.wait_for(lambda lines: len(lines) == 3)
    assert [json.loads(line)["seq"] for line in shown] == [1, 5, 6]
    assert len(following.err.wait_for(bool)) == 1


def test_a_full_service_is_waited_for_and_an_ended_token_is_the_end(offline: Gatetrail, serve: Serve) -> None:
    fake = serve(
        NO_EVENTS,
        problem(429, "ten streams are open", **{"Retry-After": "1"}),
        problem(503, "not yet"),
        stream(event(1)),
        problem(401, "the token has expired"),
    )
    following = offline.start("events", "--json", "--follow", "--url", fake.url, GATETRAIL_TOKEN="t")
    assert following.process.wait(60) == 2
    assert [json.loads(line)["seq"] for line in following.out.wait_for(bool)] == [1]
    told = following.err.wait_for(lambda lines: len(lines) == 3)
    assert told[0].endswith("has no room now: ten streams are open; trying again until it is back")
    assert told[1] == "The service is back."
    assert "does not take the token: the token has expired" in told[2]


def test_a_reader_that_leaves_ends_a_quiet_stream(offline: Gatetrail, serve: Serve) -> None:
    fake = serve(NO_EVENTS, stream(event(1), held=True))
    piped: Any = subprocess.Popen(
        [*COMMAND, "events", "--json", "--follow", "--url", fake.url],
        env=offline.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with piped:
        assert piped.stdout.readline()
        piped.stdout.close()
        assert piped.wait(WITHIN_S) == 0
        assert piped.stderr.read() == b""
