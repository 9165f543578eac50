"""The HTTP client against a server that does what gateways do on a bad day."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
import gzip
import logging
import math
import socket
import zlib

from aiohttp import ClientSession, web
import pytest

from custom_components.whatsapp_presence.gateways.base import (
    GatewayError,
    InvalidResponseError,
    RateLimitedError,
    UnreachableError,
)
from custom_components.whatsapp_presence.gateways.client import (
    MAX_BODY,
    Client,
    base_url,
    segment,
)
from custom_components.whatsapp_presence.gateways.pacing import Pace, Pacer

from .conftest import NUMBER, TOKEN, Script


@pytest.fixture
def client(session: ClientSession, script: Script) -> Client:
    """Return a client that speaks to the server."""
    return Client(session, script.url, headers={"X-Key": TOKEN}, time_limit=5)


async def test_a_request_says_what_it_was_told_to(
    client: Client, script: Script
) -> None:
    """Path, query, body and headers arrive as they were given."""
    script.answer(201, {"a": [1]})
    answer = await client.request(
        "POST",
        f"/x/{segment('a/b?c')}/{NUMBER}@c.us",
        query={"q": "1&2"},
        body={"b": "ü"},
    )
    assert (answer.status, answer.ok, answer.json()) == (201, True, {"a": [1]})
    [received] = script.received
    assert received.path == f"/x/a%2Fb%3Fc/{NUMBER}@c.us"
    assert received.query == {"q": "1&2"}
    assert received.body == {"b": "ü"}
    assert received.headers["X-Key"] == TOKEN
    assert received.headers["Accept"] == "application/json"


@pytest.mark.parametrize("body", ["", "<html>", '{"a":', b"\xff\xfe\x00", "[" * 100000])
async def test_a_body_that_is_no_json_is_told_only_when_it_is_read(
    client: Client, script: Script, body: str | bytes
) -> None:
    """The status can be looked at all the same."""
    script.answer(400, body, content_type="text/html")
    answer = await client.request("GET", "/")
    assert not answer.ok
    assert answer.json_or_none() is None
    with pytest.raises(InvalidResponseError, match="not JSON"):
        answer.json()
    assert isinstance(answer.hint, str)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
async def test_a_redirect_is_not_followed(
    client: Client, script: Script, status: int
) -> None:
    """The credentials are for the configured host alone."""
    script.answer(status, {}, headers={"Location": "http://elsewhere.example/"})
    with pytest.raises(InvalidResponseError, match="redirect"):
        await client.request("GET", "/")
    assert len(script.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
async def test_an_outage_is_unreachable(
    client: Client, script: Script, status: int
) -> None:
    """Whatever the body is."""
    script.answer(status, "<h1>Bad gateway</h1>", content_type="text/html")
    with pytest.raises(UnreachableError):
        await client.request("GET", "/")


async def test_not_implemented_is_an_answer(client: Client, script: Script) -> None:
    """An engine that can't do something is not out of order."""
    script.answer(501, {})
    assert (await client.request("GET", "/")).status == 501


async def test_a_hanging_gateway_is_unreachable(
    session: ClientSession, script: Script
) -> None:
    """The limit is on the call, with its body."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    script.call(drip)
    client = Client(session, script.url, time_limit=0.1)
    with pytest.raises(UnreachableError, match="in time"):
        await client.request("GET", "/")


async def test_the_time_limit_leaves_out_the_wait_for_a_turn(
    session: ClientSession, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many slow requests all come to their end."""
    loop = asyncio.get_running_loop()
    time, passed = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: time() + passed)

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal passed
        passed += 10
        return web.json_response({})

    script.call(slow)
    pacer = Pacer(pace=Pace(at_once=2, per_second=math.inf))
    client = Client(session, script.url, pacer=pacer, time_limit=60)
    answers = await asyncio.gather(*(client.request("GET", "/") for _ in range(10)))
    assert [answer.status for answer in answers] == [200] * 10
    assert passed == 100


async def test_nobody_there_is_unreachable(session: ClientSession) -> None:
    """The message does not say where."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = Client(session, f"http://127.0.0.1:{port}")
    with pytest.raises(UnreachableError) as caught:
        await client.request("GET", f"/{NUMBER}", query={"token": TOKEN})
    assert_private(caught.value)


@pytest.mark.parametrize("url", ["http://" + "a" * 80, "http://a..b", "ftp://a"])
async def test_a_host_that_can_be_none_is_unreachable(
    session: ClientSession, url: str
) -> None:
    """It is the user's to mend, and no traceback."""
    with pytest.raises(UnreachableError):
        await Client(session, url).request("GET", "/")


async def test_a_closed_session_is_unreachable(script: Script) -> None:
    """As it is while Home Assistant stops."""
    session = ClientSession()
    await session.close()
    with pytest.raises(UnreachableError):
        await Client(session, script.url).request("GET", "/")


async def test_a_connection_that_breaks_is_unreachable(
    client: Client, script: Script
) -> None:
    """Before the answer, and in its middle."""

    async def abort(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    script.call(abort)
    with pytest.raises(UnreachableError):
        await client.request("GET", "/")


async def test_something_that_is_not_http_is_invalid(session: ClientSession) -> None:
    """Another service listens at that port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidResponseError, match="not HTTP"):
            await Client(session, f"http://127.0.0.1:{port}").request("GET", "/")


async def test_an_endless_body_is_given_up(client: Client, script: Script) -> None:
    """It is read up to the limit, and no further."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent += 65536

    script.call(endless)
    with pytest.raises(InvalidResponseError, match="too large"):
        await client.request("GET", "/")
    assert sent < 4 * MAX_BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_bomb_is_given_up(
    client: Client, script: Script, coding: str
) -> None:
    """What counts is the size that it has in memory."""
    zeros = b"0" * (16 * MAX_BODY)
    bomb = gzip.compress(zeros) if coding == "gzip" else zlib.compress(zeros)
    assert len(bomb) < MAX_BODY / 10
    script.answer(200, bomb, headers={"Content-Encoding": coding})
    with pytest.raises(InvalidResponseError, match="too large"):
        await client.request("GET", "/")


async def test_a_compressed_answer_is_read(client: Client, script: Script) -> None:
    """A usual one."""
    script.answer(200, gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    assert (await client.request("GET", "/")).json() == [1]


async def test_a_coding_that_lies_is_unreachable(
    client: Client, script: Script
) -> None:
    """A body that can't be decompressed is no answer."""
    script.answer(200, b"not compressed", headers={"Content-Encoding": "gzip"})
    with pytest.raises(GatewayError):
        await client.request("GET", "/")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("0", 0),
        ("99999999999999999999", 999999999),
        ("soon", None),
        ("-5", None),
        ("²", None),
        ("", None),
    ],
)
async def test_too_many_requests_tells_when_to_come_back(
    client: Client, script: Script, value: str, expected: float | None
) -> None:
    """In seconds; nonsense is as good as nothing."""
    script.answer(429, "slow down", headers={"Retry-After": value})
    with pytest.raises(RateLimitedError) as caught:
        await client.request("GET", "/")
    assert caught.value.retry_after == expected


@pytest.mark.parametrize(("hours", "low", "high"), [(1, 3000, 3600), (-1, 0, 0)])
async def test_too_many_requests_may_tell_a_date(
    client: Client, script: Script, hours: int, low: float, high: float
) -> None:
    """A date in the past is now."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    script.answer(429, "", headers={"Retry-After": date})
    with pytest.raises(RateLimitedError) as caught:
        await client.request("GET", "/")
    assert caught.value.retry_after is not None
    assert low <= caught.value.retry_after <= high


async def test_after_too_many_requests_none_is_sent(
    client: Client, script: Script
) -> None:
    """All of the instance wait, or are told."""
    script.answer(429, "", headers={"Retry-After": "600"})
    for urgent in (False, True, False):
        with pytest.raises(RateLimitedError):
            await client.request("GET", "/", urgent=urgent)
    assert len(script.received) == 1


async def test_a_short_pause_is_waited_for(client: Client, script: Script) -> None:
    """And then the request is sent."""
    script.answer(429, "", headers={"Retry-After": "1"})
    script.answer(200, {})
    with pytest.raises(RateLimitedError):
        await client.request("GET", "/")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.request("GET", "/")
    assert loop.time() - began > 0.9


def assert_private(err: BaseException) -> None:
    """Check that nothing of the request is in an error, or in what it came of."""
    assert not err.__cause__
    assert err.__suppress_context__ or err.__context__ is None
    for secret in (NUMBER, TOKEN, "127.0.0.1"):
        assert secret not in str(err)
        assert secret not in repr(err)


@pytest.mark.parametrize("status", [302, 429, 500])
async def test_no_error_and_no_log_line_tells_what_was_asked(
    client: Client,
    script: Script,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At debug level too, the HTTP stack's own lines included."""
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    script.answer(status, f"{TOKEN} {NUMBER}", headers={"Location": f"/?{TOKEN}"})
    with pytest.raises(GatewayError) as caught:
        await client.request(
            "POST", f"/{NUMBER}", query={"token": TOKEN}, body={"token": TOKEN}
        )
    assert_private(caught.value)
    lines = [
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith("aiohttp.access")
    ]
    assert not [line for line in lines if TOKEN in line or NUMBER in line]


@pytest.mark.parametrize(
    ("text", "default", "path", "expected"),
    [
        (None, "https://api.example", "", "https://api.example"),
        ("", "https://api.example", "/v1", "https://api.example/v1"),
        (" http://host:3000/ ", None, "", "http://host:3000"),
        ("http://host", None, "/api/v1", "http://host/api/v1"),
        ("http://host/", None, "/api/v1", "http://host/api/v1"),
        ("http://host/proxy/", None, "/api/v1", "http://host/proxy"),
        ("https://u:p@host/a?b=c#d", None, "", "https://host/a"),
        ("HTTPS://Host/Ü x", None, "", "https://host/%C3%9C%20x"),
    ],
)
def test_a_base_url_has_one_form(
    text: str | None, default: str | None, path: str, expected: str
) -> None:
    """Without credentials, query and last slash."""
    assert base_url(text, default, path) == expected


@pytest.mark.parametrize(
    "text", ["", "host", "ftp://host", "http://", "http://[", "/x"]
)
def test_what_is_no_http_url_is_refused(text: str) -> None:
    """As a ValueError, before anything is sent."""
    with pytest.raises(ValueError):
        base_url(text)
