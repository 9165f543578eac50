"""What the webhook answers, and to whom."""

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping
from dataclasses import dataclass, field
import gc
import gzip
import hashlib
import hmac
from http import HTTPStatus
from io import BytesIO
import json
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from yarl import URL

from custom_components.whatsapp_presence.const import DOMAIN, MAX_WEBHOOK_BODY
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.http_gateway import HttpGateway
from custom_components.whatsapp_presence.instance.webhook import BODIES, LONGEST_BODY
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.const import EVENT_HOMEASSISTANT_STOP, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component

from ..common import (
    ANNA,
    WEBHOOK_ID,
    Writes,
    activity,
    anna,
    chat,
    chat_of,
    create_entry,
    entity_id,
    instance_of,
    online,
    set_up,
    settle,
    told,
    webhook_url,
    webhook_urls,
)
from ..simulator import Account, Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

SECRET = "correct horse"
WEBHOOK = "custom_components.whatsapp_presence.instance.webhook"


@pytest.fixture
def account(each_account: Account) -> Account:
    """Return an account at each of the gateways that know webhooks."""
    return each_account


@pytest.fixture(autouse=True)
async def websocket_api(hass: HomeAssistant) -> None:
    """Set up what relays webhooks, before there is a client."""
    assert await async_setup_component(hass, "websocket_api", {})


def body_of(account: Account, state: str = "online", **fields: Any) -> bytes:
    """Return an event that tells of Anna."""
    event: dict[str, Any]
    if account.gateway == "waapi":
        event = {
            "event": "presence_update",
            "instanceId": int(account.instance_id),
            "data": {
                "presence": {
                    "id": ANNA,
                    "isOnline": state != "offline",
                    "chatstate": "available" if state == "online" else state,
                    "hasData": True,
                }
            },
            **fields,
        }
    else:
        event = {
            "id": "evt_1",
            "timestamp": 1_900_000_000_000,
            "session": "default",
            "event": "presence.update",
            "payload": {
                "id": ANNA,
                "presences": [{"participant": ANNA, "lastKnownPresence": state}],
            },
            **fields,
        }
    return json.dumps(event).encode()


async def post(
    hass: HomeAssistant,
    data: Any,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> int:
    """Send a body to the webhook over HTTP; returns the status of the answer."""
    async with async_get_clientsession(hass).request(
        method, webhook_url(hass), data=data, headers=headers
    ) as response:
        return response.status


async def in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    """Send a body without telling its length."""
    for chunk in chunks:
        yield chunk


async def begin_body(
    hass: HomeAssistant, length: int = 1000
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to send a body, and wait until it is asked for."""
    url = URL(webhook_url(hass))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.host}\r\n"
    if length <= MAX_WEBHOOK_BODY:
        head += "Expect: 100-continue\r\n"
    writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode())
    if length <= MAX_WEBHOOK_BODY:
        assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
        await reader.readline()
    return reader, writer


def padded(account: Account, size: int) -> bytes:
    """Return an event of exactly so many bytes."""
    body = body_of(account)
    return body + b" " * (size - len(body))


def signed(body: bytes, secret: str = SECRET, prefix: str = "") -> dict[str, str]:
    """Return the header that signs a body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-waapi-hmac": f"{prefix}{digest}"}


@dataclass
class Relayed:
    """What a relayed request is to be answered with."""

    body: str
    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)


async def test_event_is_answered_and_applied(
    hass: HomeAssistant, account: Account
) -> None:
    """With 200, whatever kind of text it says it is."""
    await set_up(hass, account)
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    away = body_of(account, "offline", id="evt_2")
    assert await post(hass, away, headers=form) == HTTPStatus.OK
    assert online(hass) == STATE_OFF
    again = body_of(account, "typing", id="evt_3")
    assert await post(hass, in_chunks(again[:5], again[5:])) == HTTPStatus.OK
    assert activity(hass) == "typing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"no JSON",
        b"<xml/>",
        b"null",
        b"42",
        b'"text"',
        b"[]",
        b"{}",
        b'{"event": 1}',
        b'{"event": null, "data": {}}',
        b'{"data": {"presence": {}}}',
        b"[" * 10_000,
        b'{"event": "ready"',
    ],
)
async def test_what_is_no_event_is_refused(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
) -> None:
    """With 400, each time; the log tells it once, and changes nothing."""
    await set_up(hass, account)
    written = Writes(hass)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, body) == HTTPStatus.BAD_REQUEST
    assert told(caplog) == [
        "A webhook's body was no event of the gateway; it was refused (told once)"
    ]
    assert written.states == []
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON


@pytest.mark.parametrize(
    "body",
    [
        {"event": "message", "instanceId": 12345, "data": {"body": "hello"}},
        {"event": "never_heard_of"},
        {"event": "presence_update", "instanceId": 54321, "data": {"id": ANNA}},
        {"event": "presence_update", "instanceId": "54321", "data": {"id": ANNA}},
        {"event": "ready", "instanceId": 54321},
        {"event": "presence_update", "instanceId": 12345},
        {"event": "presence_update", "instanceId": 12345, "data": {"presence": None}},
        {"event": "presence_update", "instanceId": 12345, "data": {"id": "x@y"}},
        {"event": "presence_update", "instanceId": 12345, "data": [1, 2]},
        {
            "event": "presence_update",
            "instanceId": 12345,
            "data": {"id": "4930123456@c.us", "isOnline": True, "hasData": True},
        },
    ],
)
async def test_what_is_of_no_interest_is_accepted(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """With 200, lest the gateway sends it again; no state changes."""
    await set_up(hass, waapi)
    written = Writes(hass)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, json.dumps(body)) == HTTPStatus.OK
    await settle(hass, waapi)
    assert online(hass) == STATE_OFF
    assert {one for one, _ in written.states} <= {
        entity_id(hass, "binary_sensor", "ready", None)
    }
    assert len(told(caplog)) <= 1
    for private in (ANNA.partition("@")[0], "4930123456", "hello", WEBHOOK_ID):
        assert private not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        {"event": "message", "session": "default", "payload": {"body": "hello"}},
        {"event": "presence.update", "payload": None},
        {"event": "presence.update", "payload": {"id": ANNA, "presences": []}},
        {"event": "presence.update", "payload": {"id": ANNA, "presences": "x"}},
        {"event": "presence.update", "payload": {"chatId": ANNA, "type": "dancing"}},
        {"event": "session.status", "payload": None},
    ],
)
async def test_what_is_of_no_interest_is_accepted_of_wawp(
    hass: HomeAssistant,
    wawp: WawpAccount,
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """The same in Wawp's dialect."""
    await set_up(hass, wawp)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, json.dumps(body)) == HTTPStatus.OK
    await settle(hass, wawp)
    assert online(hass) == STATE_OFF
    assert len(told(caplog)) <= 1
    for private in (ANNA.partition("@")[0], "hello", "dancing", WEBHOOK_ID):
        assert private not in "\n".join(told(caplog))


async def test_limit_of_a_body(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """256 KiB are read; one byte more is refused with 413, told or not."""
    await set_up(hass, account)
    caplog.clear()
    assert await post(hass, padded(account, MAX_WEBHOOK_BODY)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    too_large = body_of(account, "offline", id="evt_2")
    too_large += b" " * (MAX_WEBHOOK_BODY + 1 - len(too_large))
    for body in (
        too_large,
        in_chunks(too_large),
        in_chunks(too_large[:-1], b" "),
        in_chunks(*[b" " * 65536] * 16),
        BytesIO(too_large * 8),
    ):
        assert await post(hass, body) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    whole = padded(account, MAX_WEBHOOK_BODY)
    assert await post(hass, in_chunks(whole[:100], whole[100:])) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    assert told(caplog) == [
        "A webhook's body was too large; it was refused (told once)"
    ]


async def test_body_that_never_comes_to_its_end(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """It is waited for, but not for ever; then the connection is closed."""
    await set_up(hass, account)
    caplog.clear()
    with patch(f"{WEBHOOK}.BODY_TIME", 0):
        for _ in range(2):
            reader, writer = await begin_body(hass)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 408 ")
            writer.close()
    assert told(caplog) == [
        "A webhook's body did not arrive in time; it was refused (told once)"
    ]
    assert await post(hass, body_of(account)) == HTTPStatus.OK


@pytest.mark.parametrize("length", [1000, MAX_WEBHOOK_BODY + 1])
async def test_nobody_who_still_sends_is_waited_for_at_the_stop(
    hass: HomeAssistant, account: Account, length: int
) -> None:
    """The connection is closed, be the body waited for or refused already."""
    await set_up(hass, account)
    reader, writer = await begin_body(hass, length)
    if length > MAX_WEBHOOK_BODY:
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    async with asyncio.timeout(60):
        await reader.read()
    writer.close()


async def test_body_that_says_it_is_too_large_is_refused_unread(
    hass: HomeAssistant, account: Account
) -> None:
    """Not a byte of it is waited for."""
    await set_up(hass, account)
    body = MagicMock(side_effect=AssertionError("it was read"))
    request = MagicMock(method="POST", content_length=MAX_WEBHOOK_BODY + 1)
    request.content.read = body
    answer = await async_handle_webhook(hass, WEBHOOK_ID, request)
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body.assert_not_called()


async def test_compressed_body_is_limited_by_what_is_in_it(
    hass: HomeAssistant, account: Account
) -> None:
    """A small body that unpacks to a large one is a large one."""
    await set_up(hass, account)
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(padded(account, MAX_WEBHOOK_BODY))
    assert await post(hass, body, headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    for size in (MAX_WEBHOOK_BODY + 1, 64 * MAX_WEBHOOK_BODY):
        body = gzip.compress(b" " * size)
        assert len(body) < MAX_WEBHOOK_BODY
        assert (
            await post(hass, body, headers=headers)
            == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        )


async def test_body_that_can_not_be_unpacked(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused like all that makes no sense."""
    await set_up(hass, account)
    caplog.clear()
    # Who sends the next one by the same connection is told that it ends.
    headers = {"Content-Encoding": "gzip"}
    for _ in range(2):
        assert (
            await post(hass, body_of(account), headers=headers)
            == HTTPStatus.BAD_REQUEST
        )
    assert told(caplog) == [
        "A webhook's body could not be read; it was refused (told once)"
    ]
    # Nor has the server anything to tell.
    assert [record.name for record in caplog.records if record.exc_info] == []
    assert online(hass) == STATE_OFF


async def test_body_that_breaks_off(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A sender that hangs up in the middle has sent nothing."""
    await set_up(hass, account)
    url = URL(webhook_url(hass))
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST {url.path} HTTP/1.1\r\nHost: home\r\nContent-Length: 1000\r\n\r\n"
        '{"event": "pre'.encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    assert told(caplog) == []
    assert "Error processing webhook" not in caplog.text


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("GET", HTTPStatus.METHOD_NOT_ALLOWED),
        ("PUT", HTTPStatus.METHOD_NOT_ALLOWED),
        ("DELETE", HTTPStatus.METHOD_NOT_ALLOWED),
        ("HEAD", HTTPStatus.OK),
    ],
)
async def test_other_methods(
    hass: HomeAssistant, account: Account, method: str, status: HTTPStatus
) -> None:
    """An event is posted; HEAD is how websites look whether there is something."""
    await set_up(hass, account)
    assert await post(hass, body_of(account), method=method) == status
    assert online(hass) == STATE_OFF


async def test_signature_is_asked_for_when_there_is_a_secret(
    hass: HomeAssistant, waapi: WaapiAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """Missing or wrong: 401, before anything of the body is read."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    body = body_of(waapi)
    for headers in (
        {},
        {"x-waapi-hmac": ""},
        {"x-waapi-hmac": "sha256="},
        {"x-waapi-hmac": "nonsense ä"},
        {"x-waapi-hmac": "0" * 64},
        signed(body, "another secret"),
        signed(body + b" "),
    ):
        assert await post(hass, body, headers=headers) == HTTPStatus.UNAUTHORIZED
    assert await post(hass, b"no event") == HTTPStatus.UNAUTHORIZED
    assert online(hass) == STATE_OFF
    assert told(caplog) == [
        "A webhook's signature was missing or wrong; it was refused (told once)"
    ]
    assert SECRET not in caplog.text

    # What is signed and no event is still none.
    assert (
        await post(hass, b"no event", headers=signed(b"no event"))
        == HTTPStatus.BAD_REQUEST
    )


@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
async def test_signature_is_of_the_bytes_as_they_came(
    hass: HomeAssistant, waapi: WaapiAccount, prefix: str
) -> None:
    """Not of what a parser would make of them."""
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    body = b" \n" + body_of(waapi).replace(b", ", b" ,\t") + b"\n\n"
    headers = signed(body, prefix=prefix)
    assert await post(hass, body, headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    upper = {"X-WAAPI-HMAC": signed(body)["x-waapi-hmac"].upper()}
    assert await post(hass, body, headers=upper) == HTTPStatus.OK


@pytest.mark.parametrize("key", ["waapi", "waha"])
@pytest.mark.parametrize("given", ["", "00", "ü", "a" * 64, "a" * 128])
def test_signatures_are_compared_in_constant_time(key: str, given: str) -> None:
    """How long it takes to refuse one tells nothing of the right one."""
    header = {"waapi": "x-waapi-hmac", "waha": "x-webhook-hmac"}[key]
    config = {
        "instance_id": "1",
        "api_token": "t",
        "api_key": "t",
        "url": "https://gateway.example",
    }
    gateway = GATEWAYS[key].from_config(MagicMock(), config)
    with patch("hmac.compare_digest", wraps=hmac.compare_digest) as compare:
        assert not gateway.verify_signature(b"body", {header: given}, SECRET)
    compare.assert_called_once()


@pytest.mark.parametrize("prefix", [False, True])
async def test_gateway_that_signs(
    hass: HomeAssistant, waapi: WaapiAccount, prefix: bool
) -> None:
    """Its events arrive; the secret can be set and changed without a reload."""
    waapi.quirks.hmac_secret, waapi.quirks.hmac_prefix = SECRET, prefix
    entry = await set_up(hass, waapi, options={"webhook_secret": "old"})
    await waapi.set_presence(anna(waapi), "online")
    await settle(hass, waapi)
    assert online(hass) == STATE_OFF
    hass.config_entries.async_update_entry(entry, options={"webhook_secret": SECRET})
    await settle(hass, waapi)
    await waapi.set_presence(anna(waapi), "typing")
    await settle(hass, waapi)
    assert activity(hass) == "typing"


async def test_signature_is_not_looked_at_without_a_secret(
    hass: HomeAssistant, waapi: WaapiAccount
) -> None:
    """The secret that counts then is the address."""
    await set_up(hass, waapi)
    headers = {"x-waapi-hmac": "whatever"}
    assert await post(hass, body_of(waapi), headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON


async def test_each_kind_of_trouble_is_told_once(
    hass: HomeAssistant, waapi: WaapiAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each, however often and in whatever order it comes."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    strange = body_of(waapi, instanceId=54321)
    for _ in range(3):
        await post(hass, b" " * (MAX_WEBHOOK_BODY + 1))
        await post(hass, b"unsigned")
        await post(hass, b"no event", headers=signed(b"no event"))
        assert await post(hass, strange, headers=signed(strange)) == HTTPStatus.OK
    assert len(told(caplog)) == len(set(told(caplog))) == 4
    for private in (ANNA.partition("@")[0], WEBHOOK_ID, SECRET, "unsigned", "54321"):
        assert private not in "\n".join(told(caplog))


async def test_event_that_comes_twice_counts_once(
    hass: HomeAssistant, account: Account
) -> None:
    """Delivery is at least once: what comes again is answered, and changes nothing."""
    entry = await set_up(hass, account)
    await post(hass, body_of(account, "typing"))
    written, pushes = Writes(hass), chat_of(entry).pushes
    for _ in range(5):
        assert await post(hass, body_of(account, "typing")) == HTTPStatus.OK
    assert written.states == []
    assert chat_of(entry).pushes == pushes + 5


@pytest.fixture
def parsed() -> Generator[list[bytes]]:
    """Return the bodies that are read, one by one."""
    read = HttpGateway.parse_event
    bodies: list[bytes] = []

    def parse(gateway: Any, raw: bytes, headers: Mapping[str, str]) -> Any:
        bodies.append(raw)
        return read(gateway, raw, headers)

    with patch.object(HttpGateway, "parse_event", parse):
        yield bodies


async def test_body_that_comes_again_is_read_once_if_it_has_no_time_of_its_own(
    hass: HomeAssistant, account: Account, parsed: list[bytes]
) -> None:
    """WaAPI says the same again in the same bytes; Wawp's bytes are never the same."""
    await set_up(hass, account)
    parsed.clear()
    here, gone = body_of(account), body_of(account, "offline", id="evt_2")
    for body, state in ((here, STATE_ON), (gone, STATE_OFF)) * 3:
        assert await post(hass, body) == HTTPStatus.OK
        if account.gateway == "waapi":
            assert online(hass) == state
    assert parsed == ([here, gone] if account.gateway == "waapi" else [here, gone] * 3)


async def test_body_that_is_remembered_still_needs_its_signature(
    hass: HomeAssistant, waapi: WaapiAccount, parsed: list[bytes]
) -> None:
    """Who has heard an event may not send it again."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    body = body_of(waapi)
    for headers, status in (
        (signed(body), HTTPStatus.OK),
        ({}, HTTPStatus.UNAUTHORIZED),
        (signed(body, "wrong"), HTTPStatus.UNAUTHORIZED),
        (signed(body), HTTPStatus.OK),
    ):
        assert await post(hass, body, headers=headers) == status
    assert parsed == [body]


async def test_bodies_are_remembered_up_to_a_bound(
    hass: HomeAssistant, waapi: WaapiAccount, parsed: list[bytes]
) -> None:
    """Neither many nor large ones are kept."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi)
    large = body_of(waapi, more="x" * LONGEST_BODY)
    bodies = [body_of(waapi, more=number) for number in range(BODIES)]
    for body in (large, large, *bodies):
        assert await post(hass, body) == HTTPStatus.OK
    assert parsed == [large, large, *bodies]
    parsed.clear()
    # The oldest goes with the next new one, and no other.
    new = body_of(waapi, more="new")
    for body in (bodies[0], new, bodies[1], bodies[0]):
        assert await post(hass, body) == HTTPStatus.OK
    assert parsed == [new, bodies[0]]


async def test_bodies_are_forgotten_when_the_entry_is_unloaded(
    hass: HomeAssistant, waapi: WaapiAccount, parsed: list[bytes]
) -> None:
    """They tell of people."""
    waapi.quirks.push_on_subscribe = False
    entry = await set_up(hass, waapi)
    body = body_of(waapi)
    assert await post(hass, body) == HTTPStatus.OK
    gc.collect()
    assert _kept(body)
    assert await hass.config_entries.async_unload(entry.entry_id)
    gc.collect()
    assert not _kept(body)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, waapi)
    assert await post(hass, body) == HTTPStatus.OK
    assert parsed == [body, body]


def _kept(body: bytes) -> bool:
    """Whether a body is among what the receivers of events remember."""
    return any(
        body in one
        for one in gc.get_objects()
        if type(one) is dict and one and type(next(iter(one))) is bytes
    )


async def test_late_double_does_not_go_back(
    hass: HomeAssistant, wawp: WawpAccount
) -> None:
    """The same event once more, after a newer one."""
    await set_up(hass, wawp)
    first = body_of(wawp, "online")
    second = body_of(wawp, "offline", id="evt_2", timestamp=1_900_000_001_000)
    await post(hass, first)
    await post(hass, second)
    assert online(hass) == STATE_OFF
    assert await post(hass, first) == HTTPStatus.OK
    assert online(hass) == STATE_OFF


async def test_crash_while_applying_is_no_refusal(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant answers for us, and the log does not name the webhook."""
    entry = await set_up(hass, account)
    people = instance_of(entry).people
    with patch.object(people, "async_hear", side_effect=RuntimeError("bug")):
        assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert "RuntimeError: bug" in caplog.text
    assert WEBHOOK_ID not in caplog.text


async def test_cloudhook_is_a_request_of_another_kind(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The cloud and the websocket hand a request over that has no length."""
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    websocket = await hass_ws_client(hass)
    body = body_of(waapi)
    large = padded(waapi, MAX_WEBHOOK_BODY + 1).decode()
    for case in (
        Relayed(large, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        Relayed(body.decode(), HTTPStatus.UNAUTHORIZED),
        Relayed("no event", HTTPStatus.BAD_REQUEST, signed(b"no event")),
        Relayed("", HTTPStatus.BAD_REQUEST, signed(b"")),
        Relayed(
            body.decode(),
            HTTPStatus.OK,
            {"X-Waapi-Hmac": signed(body, prefix="sha256=")["x-waapi-hmac"]},
        ),
    ):
        assert online(hass) == STATE_OFF
        await websocket.send_json_auto_id(
            {
                "type": "webhook/handle",
                "webhook_id": WEBHOOK_ID,
                "method": "POST",
                "body": case.body,
                "headers": case.headers,
            }
        )
        answer = await websocket.receive_json()
        assert answer["success"]
        assert answer["result"]["status"] == case.status
    assert online(hass) == STATE_ON


async def test_other_entry_of_the_same_gateway(
    hass: HomeAssistant, simulator: Simulator, waapi: WaapiAccount
) -> None:
    """Each has a webhook of its own, and leaves the other's alone."""
    await set_up(hass, waapi)
    second = simulator.add_instance("waapi", "777", token="t0ken-2")
    first = create_entry(second, chat())
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Second",
        data={**first.data, "webhook_id": "fedcba9876543210"},
        unique_id="waapi_777",
        subentries_data=(chat(),),
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await settle(hass, waapi)
    assert webhook_urls(waapi) == [webhook_url(hass)]
    assert webhook_urls(second) == [
        webhook_url(hass).replace(WEBHOOK_ID, "fedcba9876543210")
    ]

    # An event that was sent to the wrong one of the two is nobody's.
    assert await post(hass, body_of(second)) == HTTPStatus.OK
    assert online(hass) == STATE_OFF
    await hass.config_entries.async_remove(other.entry_id)
    assert webhook_urls(waapi) == [webhook_url(hass)]
    assert second.webhooks == []
