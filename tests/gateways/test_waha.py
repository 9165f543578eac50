"""WAHA's dialect: the WebSocket, events, answers, refusals."""

import asyncio
from collections.abc import Awaitable, Callable
import gc
import json
from typing import Any

from aiohttp import (
    ClientConnectionResetError,
    ClientSession,
    ClientWebSocketResponse,
    WSCloseCode,
    WSMsgType,
    web,
)
import pytest

from custom_components.whatsapp_presence.gateways import waha, waha_stream
from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    ChatInfo,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    InstanceInfo,
    InstanceLister,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    Transport,
    UnreachableError,
)
from custom_components.whatsapp_presence.gateways.waha import WahaGateway
from custom_components.whatsapp_presence.presence.model import (
    Activity,
    MemberUpdate,
    PresenceUpdate,
    Source,
)

from .conftest import ANNA, GROUP, LID, NUMBER, TOKEN, Script

BERT = "491700000000@c.us"
OTHER = "http://waha.local:3000"


def make(
    client_session: ClientSession | None, url: str = OTHER, /, **config: Any
) -> WahaGateway:
    """Create the client as the integration does."""
    data = {"url": url, "api_key": TOKEN, "session": "default", **config}
    return WahaGateway.from_config(client_session, data)  # type: ignore[arg-type]


@pytest.fixture
def gateway(session: ClientSession, script: Script) -> WahaGateway:
    """Return a client that speaks to the scripted server."""
    return make(session, script.url)


@pytest.fixture
def parser() -> WahaGateway:
    """Return a client that only reads events."""
    return make(None)


def envelope(payload: Any, name: str = "presence.update", **fields: Any) -> Any:
    """Make an event as the documentation has it."""
    return {
        "id": "evt_01",
        "timestamp": 1741249702485,
        "event": name,
        "session": "default",
        "metadata": {},
        "me": {"id": "7111111@c.us", "pushName": "~"},
        "engine": "NOWEB",
        "environment": {"tier": "PLUS", "version": "2026.9.1"},
        "payload": payload,
        **fields,
    }


def presences(chat: str, *entries: tuple[str, str, Any]) -> dict[str, Any]:
    """Make a payload of participants, words and times."""
    return {
        "id": chat,
        "presences": [
            {"participant": participant, "lastKnownPresence": word, "lastSeen": seen}
            for participant, word, seen in entries
        ],
    }


TYPING = envelope(presences(ANNA, (ANNA, "typing", None)))
TYPING_UPDATE = PresenceUpdate(
    chat_id=ANNA,
    online=True,
    implied=True,
    never_pauses=True,
    activity=Activity.TYPING,
    event_id="evt_01",
    time=1741249702.485,
)


def test_a_group_is_told_member_by_member(parser: WahaGateway) -> None:
    """As the documentation's own example."""
    payload = presences(GROUP, ("11111111111@c.us", "typing", None))
    assert parser.parse_event(json.dumps(envelope(payload)).encode(), {}) == [
        PresenceUpdate(
            chat_id=GROUP,
            members=(
                MemberUpdate(
                    member_id="11111111111@c.us",
                    online=True,
                    implied=True,
                    activity=Activity.TYPING,
                ),
            ),
            never_pauses=True,
            event_id="evt_01",
            time=1741249702.485,
        )
    ]


def test_a_status_event_is_read(parser: WahaGateway) -> None:
    """Its history is of no interest."""
    payload = {
        "name": "default",
        "status": "WORKING",
        "statuses": [{"status": "STARTING", "timestamp": 1741249702400}],
    }
    raw = json.dumps(envelope(payload, "session.status")).encode()
    assert parser.parse_event(raw, {}) == [
        InstanceEvent(
            status=InstanceStatus.READY, event_id="evt_01", time=1741249702.485
        )
    ]


def test_an_event_of_another_session_is_ignored_and_told_once(
    parser: WahaGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """A webhook of the server may tell of all of them."""
    for name in ("other", "another"):
        raw = json.dumps({**TYPING, "session": name}).encode()
        assert parser.parse_event(raw, {}) == []
    [line] = caplog.messages
    assert "another session" in line
    raw = json.dumps({**TYPING, "session": None}).encode()
    assert parser.parse_event(raw, {}) == [TYPING_UPDATE]


def test_the_signature_of_the_documentation_is_good(parser: WahaGateway) -> None:
    """Its test vector, and what differs from it."""
    raw = b'{"event":"message","session":"default","engine":"WEBJS"}'
    digest = (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
        "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )
    headers = {"X-Webhook-Hmac": digest, "X-Webhook-Hmac-Algorithm": "sha512"}
    assert parser.verify_signature(raw, headers, "my-secret-key")
    assert parser.verify_signature(
        raw, {"x-webhook-hmac": digest.upper()}, "my-secret-key"
    )
    assert not parser.verify_signature(raw + b"\n", headers, "my-secret-key")
    assert not parser.verify_signature(raw, headers, "my-secret")
    assert not parser.verify_signature(raw, {}, "my-secret-key")
    for wrong in ("ü", "\udcff"):
        headers = {"X-Webhook-Hmac": wrong}
        assert not parser.verify_signature(raw, headers, "my-secret-key")


def test_what_it_says_of_itself(session: ClientSession) -> None:
    """Names, URL, secrets."""
    gateway = make(session, " http://Waha.local:3000/ ")
    assert gateway.name == "WAHA"
    assert gateway.url == OTHER
    assert gateway.unique_id == "waha.local:3000_default"
    assert make(session, "https://waha.local").unique_id == "waha.local:443_default"
    assert gateway.secrets == {TOKEN}
    assert gateway.capabilities.transport is Transport.WEBSOCKET
    assert gateway.capabilities.self_hosted
    assert isinstance(gateway, InstanceLister)


async def test_sessions_are_listed_without_one(
    session: ClientSession, script: Script
) -> None:
    """For the user to choose from."""
    script.answer(200, [{"name": "default"}, {"name": "second"}, {}, None])
    for chosen in ({"session": ""}, {"session": None}):
        gateway = make(session, script.url, **chosen)
        assert await gateway.list_instances() == ["default", "second"]
    request = script.received[0]
    assert (request.path, request.query) == ("/api/sessions", {"all": "true"})
    assert request.headers["X-Api-Key"] == TOKEN


async def test_validate_asks_for_the_session(
    gateway: WahaGateway, script: Script
) -> None:
    """It tells the account as well; the key is in the header alone."""
    script.answer(
        200,
        {
            "name": "default",
            "status": "WORKING",
            "me": {"id": ANNA, "pushName": "Olga"},
            "engine": {"engine": "NOWEB"},
        },
    )
    assert await gateway.validate() == InstanceInfo(
        status=InstanceStatus.READY,
        account_id=ANNA,
        account_name="Olga",
        engine="NOWEB",
    )
    [request] = script.received
    assert (request.path, request.query) == ("/api/sessions/default", {})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"status": "SCAN_QR_CODE", "me": None}, InstanceStatus.LOGIN_REQUIRED),
        (200, {"status": "STOPPED", "me": {}}, InstanceStatus.DISCONNECTED),
        (200, {"status": "DREAMING"}, InstanceStatus.UNKNOWN),
        (200, [], InstanceStatus.UNKNOWN),
        (422, {"error": "not as expected"}, InstanceStatus.DISCONNECTED),
    ],
)
async def test_a_session_that_is_not_working_is_no_error(
    gateway: WahaGateway,
    script: Script,
    status: int,
    body: Any,
    expected: InstanceStatus,
) -> None:
    """It has a status."""
    script.answer(status, body)
    assert await gateway.status() == InstanceInfo(status=expected)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "ü", "x" * 65])
async def test_a_session_that_can_be_none_is_not_found(
    session: ClientSession, script: Script, name: str
) -> None:
    """Without asking anybody."""
    gateway = make(session, script.url, session=name)
    for call in (gateway.validate(), gateway.subscribe(ANNA), gateway.list_chats()):
        with pytest.raises(NotFoundError):
            await call
    assert script.received == []


async def test_a_key_that_fits_no_header_is_refused(
    session: ClientSession, script: Script
) -> None:
    """Without sending it, whichever way."""
    gateway = make(session, script.url, api_key="a\r\nX-Evil: 1")
    with pytest.raises(AuthenticationError):
        await gateway.validate()
    with pytest.raises(AuthenticationError):
        await anext(gateway.events())
    assert script.received == []


UNAUTHORIZED = {"message": "Unauthorized", "statusCode": 401}


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, UNAUTHORIZED, AuthenticationError, "key"),
        (403, {"message": "Forbidden"}, NotAllowedError, "not allowed"),
        (404, {"message": "Session not found"}, NotFoundError, "no such session"),
        (409, {}, NotReadyError, "not connected"),
        (422, {"error": "x", "expected": ["WORKING"]}, NotReadyError, "not connected"),
        (422, {"message": "available in Plus version"}, NotAllowedError, "Plus"),
        (501, {}, NotAllowedError, "engine"),
        (422, {"message": "not implemented by engine"}, NotAllowedError, "engine"),
        (418, {}, InvalidResponseError, "refused"),
        (500, {}, UnreachableError, "out of order"),
        (200, "<html>", InvalidResponseError, "not JSON"),
    ],
)
async def test_refusals_are_told_apart(
    gateway: WahaGateway,
    script: Script,
    status: int,
    *,
    body: Any,
    error: type[GatewayError],
    words: str,
) -> None:
    """The status first, then what can be recognised."""
    script.answer(status, body)
    with pytest.raises(error, match=words):
        await gateway.snapshot(ANNA)
    with pytest.raises(error, match=words):
        await gateway.group_members(GROUP)


async def test_subscribe_then_asks_for_the_state(
    gateway: WahaGateway, script: Script
) -> None:
    """Asking alone does not renew what the server believes to be there."""
    script.answer(201, "")
    script.answer(200, presences(LID, (LID, "offline", 1686719326)))
    assert await gateway.subscribe(ANNA) == PresenceUpdate(
        chat_id=LID,
        online=False,
        activity=Activity.IDLE,
        last_seen=1686719326.0,
        source=Source.REMEMBERED,
        asked_as=ANNA,
    )
    assert script.paths == [
        f"POST /api/default/presence/{ANNA}/subscribe",
        f"GET /api/default/presence/{ANNA}",
    ]
    assert script.received[0].body is None


@pytest.mark.parametrize("body", [presences(ANNA), {}, [], {"presences": None}])
async def test_a_chat_of_which_nothing_is_known_tells_nothing(
    gateway: WahaGateway, script: Script, body: Any
) -> None:
    """It is unknown, not offline."""
    script.answer(200, body)
    assert await gateway.snapshot(ANNA) is None


@pytest.mark.parametrize("status", [400, 404, 501, 418])
async def test_a_state_that_is_refused_leaves_the_subscription_good(
    gateway: WahaGateway, script: Script, status: int
) -> None:
    """It was made before."""
    script.answer(201, "")
    script.answer(status, {})
    assert await gateway.subscribe(ANNA) is None


async def test_the_chats_come_before_the_contacts_and_each_once(
    gateway: WahaGateway, script: Script
) -> None:
    """Read page by page."""
    full = [{"id": f"49151{i:07}@c.us", "name": None} for i in range(500)]
    script.answer(200, full)
    script.answer(200, [{"id": GROUP, "name": None}])
    script.answer(
        200, [{"id": "120363000000000002@g.us"}, {"id": GROUP, "subject": "F"}]
    )
    script.answer(200, [{"id": "491510000007@c.us", "pushname": "Jo"}, {"id": LID}])
    chats = await gateway.list_chats()
    assert len(chats) == 502
    assert chats[7] == ChatInfo(chat_id="491510000007@c.us", name="Jo")
    assert chats[500] == ChatInfo(chat_id=GROUP, name="F")
    assert chats[501] == ChatInfo(chat_id="120363000000000002@g.us")
    # The overview would ask WhatsApp for the picture of each.
    assert [(request.path, request.query) for request in script.received] == [
        ("/api/default/chats", {"limit": "500", "offset": "0"}),
        ("/api/default/chats", {"limit": "500", "offset": "500"}),
        ("/api/default/groups", {}),
        (
            "/api/contacts/all",
            {"session": "default", "limit": "500", "offset": "0"},
        ),
    ]


async def test_pages_that_repeat_themselves_end(
    gateway: WahaGateway, script: Script
) -> None:
    """A server that ignores the offset is not asked for ever."""
    script.answer(200, [{"id": f"49151{i:07}@c.us"} for i in range(500)])
    assert len(await gateway.list_chats()) == 500
    assert len(script.received) == 5


async def test_an_engine_without_a_store_lists_what_it_can(
    gateway: WahaGateway, script: Script
) -> None:
    """And says so if that is nothing."""
    script.answer(400, {"message": "Enable NOWEB store"})
    script.answer(200, {GROUP: {"id": GROUP, "subject": "Family"}})
    script.answer(400, {"message": "Enable NOWEB store"})
    assert await gateway.list_chats() == [ChatInfo(chat_id=GROUP, name="Family")]
    script.answers.clear()
    script.answer(400, {"message": "Enable NOWEB store"})
    with pytest.raises(InvalidResponseError):
        await gateway.list_chats()
    script.answers.clear()
    script.answer(401, UNAUTHORIZED)
    with pytest.raises(AuthenticationError):
        await gateway.list_chats()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"numberExists": True, "chatId": BERT}, BERT),
        (200, {"numberExists": False}, None),
        (200, {}, ANNA),
        (501, {}, ANNA),
    ],
)
async def test_resolve_finds_the_id_that_is_right(
    gateway: WahaGateway,
    script: Script,
    status: int,
    body: Any,
    expected: str | None,
) -> None:
    """Who can't tell does not hinder."""
    script.answer(status, body)
    assert await gateway.resolve(NUMBER) == expected
    assert script.received[0].query == {"phone": NUMBER, "session": "default"}


async def test_aliases_work_in_both_directions(
    gateway: WahaGateway, script: Script
) -> None:
    """One call each; null where none is known, groups not at all."""
    script.answer(200, {"lid": LID, "pn": ANNA})
    script.answer(200, {"lid": "5@lid", "pn": BERT})
    script.answer(200, {"lid": "6@lid", "pn": None})
    script.answer(404, {})
    asked = [ANNA, GROUP, "5@lid", "6@lid", "7@lid"]
    assert await gateway.aliases(asked) == {ANNA: LID, "5@lid": BERT}
    assert [request.path for request in script.received] == [
        f"/api/default/lids/pn/{NUMBER}",
        "/api/default/lids/5@lid",
        "/api/default/lids/6@lid",
        "/api/default/lids/7@lid",
    ]


async def test_group_members_and_pictures(gateway: WahaGateway, script: Script) -> None:
    """Where they can be had."""
    script.answer(200, [{"id": ANNA, "role": "admin"}, {"id": LID}])
    script.answer(200, {"profilePictureURL": "https://pps.example/x"})
    script.answer(200, {"profilePictureURL": None})
    assert await gateway.group_members(GROUP) == [
        ChatInfo(chat_id=ANNA),
        ChatInfo(chat_id=LID),
    ]
    assert await gateway.picture_url(ANNA) == "https://pps.example/x"
    assert await gateway.picture_url(ANNA) is None
    assert script.received[0].path == f"/api/default/groups/{GROUP}/participants"
    assert script.received[1].query == {"contactId": ANNA, "session": "default"}


async def test_the_account_announces_itself(
    gateway: WahaGateway, script: Script
) -> None:
    """And withdraws."""
    script.answer(201, "")
    await gateway.set_available(True)
    await gateway.set_available(False)
    assert [request.body for request in script.received] == [
        {"presence": "online"},
        {"presence": "offline"},
    ]


async def test_the_session_s_configuration_is_never_touched(
    gateway: WahaGateway, script: Script
) -> None:
    """Changing it would restart the session."""
    for call in (
        gateway.list_webhooks(),
        gateway.create_webhook("https://home.example"),
        gateway.delete_webhook("1"),
    ):
        with pytest.raises(NotAllowedError, match="its configuration"):
            await call
    assert script.received == []


# -------------------------------------------------------------------- WebSocket

type Talk = Callable[[web.WebSocketResponse], Awaitable[object]]


def talk(script: Script, say: Talk) -> None:
    """Let the server accept a WebSocket, and then say something."""

    async def respond(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await say(socket)
        await socket.close()
        return socket

    script.call(respond)


async def collect(gateway: WahaGateway) -> list[list[GatewayEvent]]:
    """Read all that comes until the connection ends."""
    return [events async for events in gateway.events()]


async def test_events_come_over_the_websocket(
    gateway: WahaGateway, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no event is told once; what is of no interest is left out."""

    async def say(socket: web.WebSocketResponse) -> None:
        await socket.send_json(TYPING)
        await socket.send_str("hello")
        await socket.send_str("hello again")
        await socket.send_json(envelope({}, "message"))
        await socket.send_bytes(json.dumps(TYPING).encode())

    talk(script, say)
    assert await collect(gateway) == [[], [TYPING_UPDATE], [TYPING_UPDATE]]
    [line] = [
        record.getMessage() for record in caplog.records if record.name == waha.__name__
    ]
    assert "hello" not in line
    [request] = script.received
    assert request.path == "/ws"
    assert request.query["x-api-key"] == TOKEN
    assert request.query["session"] == "default"
    assert "X-Api-Key" not in request.headers


async def test_both_kinds_of_events_are_asked_for(
    gateway: WahaGateway, script: Script
) -> None:
    """The key `events` is there twice."""
    asked: list[str] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        asked.extend(request.query.getall("events"))
        return web.Response(status=500)

    script.call(respond)
    with pytest.raises(UnreachableError):
        await collect(gateway)
    assert asked == ["presence.update", "session.status"]


async def test_a_refused_key_closes_the_websocket(
    gateway: WahaGateway, script: Script
) -> None:
    """With code 1008, after it was opened."""

    async def say(socket: web.WebSocketResponse) -> None:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Unauthorized")

    talk(script, say)
    with pytest.raises(AuthenticationError) as caught:
        await collect(gateway)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, UnreachableError),
        (200, UnreachableError),
        (502, UnreachableError),
    ],
)
async def test_a_refused_handshake_tells_no_secret(
    gateway: WahaGateway, script: Script, status: int, error: type[GatewayError]
) -> None:
    """The key is in the URL, and the HTTP stack's errors name the URL."""
    script.answer(status, {})
    with pytest.raises(error) as caught:
        await collect(gateway)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_nobody_there_is_unreachable(session: ClientSession) -> None:
    """As for any request."""
    gateway = make(session, "http://127.0.0.1:1")
    with pytest.raises(UnreachableError) as caught:
        await collect(gateway)
    assert TOKEN not in str(caught.value)


async def test_a_handshake_that_hangs_is_given_up(
    gateway: WahaGateway, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the same time as any request."""
    monkeypatch.setattr(waha_stream, "TIME_LIMIT", 0.05)
    forever = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        await forever.wait()
        return web.Response()

    script.call(respond)
    with pytest.raises(UnreachableError, match="in time"):
        await collect(gateway)
    forever.set()


async def test_a_message_without_bounds_is_given_up(
    gateway: WahaGateway, script: Script
) -> None:
    """It is not read to its end."""

    async def say(socket: web.WebSocketResponse) -> None:
        await socket.send_str("x" * (2 * 1024 * 1024))

    talk(script, say)
    with pytest.raises(InvalidResponseError):
        await collect(gateway)


@pytest.mark.parametrize("answers", [True, False])
async def test_silence_is_answered_with_a_ping(
    gateway: WahaGateway,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
) -> None:
    """Who answers it may stay silent; who does not is gone."""
    monkeypatch.setattr(waha_stream, "_HEARTBEAT", 0.05)
    pings = 0

    async def respond(request: web.Request) -> web.StreamResponse:
        nonlocal pings
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        while pings < 5:
            message = await socket.receive()
            if message.type is not WSMsgType.PING:
                return socket
            pings += 1
            if answers:
                await socket.pong(message.data)
        await socket.send_json(TYPING)
        await socket.close()
        return socket

    script.call(respond)
    if answers:
        assert await collect(gateway) == [[], [TYPING_UPDATE]]
        assert pings == 5
    else:
        with pytest.raises(UnreachableError, match="lost"):
            await collect(gateway)
        assert pings == 1


async def test_a_ping_is_answered(gateway: WahaGateway, script: Script) -> None:
    """The server too wants to know."""
    pongs: list[bytes] = []

    async def respond(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await socket.ping(b"there?")
        message = await socket.receive()
        assert message.type is WSMsgType.PONG
        pongs.append(bytes(message.data))
        await socket.close()
        return socket

    script.call(respond)
    assert await collect(gateway) == [[]]
    assert pongs == [b"there?"]


@pytest.mark.parametrize("silent", [True, False])
async def test_a_connection_that_breaks_under_a_ping_is_unreachable(
    gateway: WahaGateway,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
    silent: bool,
) -> None:
    """Under ours, and under the answer to the server's."""
    monkeypatch.setattr(waha_stream, "_HEARTBEAT", 0.05)

    async def broken(self: object, message: bytes = b"") -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(ClientWebSocketResponse, "ping", broken)
    monkeypatch.setattr(ClientWebSocketResponse, "pong", broken)

    async def say(socket: web.WebSocketResponse) -> None:
        if not silent:
            await socket.ping()
        await socket.receive()

    talk(script, say)
    with pytest.raises(UnreachableError, match="lost"):
        await collect(gateway)


async def test_a_connection_that_is_cut_ends_the_events(
    gateway: WahaGateway, script: Script
) -> None:
    """Without a word."""

    async def respond(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(TYPING)
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return socket

    script.call(respond)
    assert await collect(gateway) == [[], [TYPING_UPDATE]]


async def test_who_stops_listening_closes_the_connection(
    gateway: WahaGateway, script: Script
) -> None:
    """Nothing is left behind."""
    closed = asyncio.Event()

    async def say(socket: web.WebSocketResponse) -> None:
        await socket.send_json(TYPING)
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        closed.set()

    talk(script, say)
    events = gateway.events()
    assert await anext(events) == []
    assert await anext(events) == [TYPING_UPDATE]
    await events.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(60):
        await closed.wait()


# ---------------------------------------------------------- what is remembered


SESSION = {"name": "default", "status": "WORKING", "me": {"id": ANNA}}


async def learn(gateway: WahaGateway, script: Script, engine: str) -> None:
    """Let the gateway be told which engine it is."""
    script.answer(200, {**SESSION, "engine": {"engine": engine}})
    assert (await gateway.status()).engine == engine
    script.received.clear()
    script.answers.clear()


ALL = [
    presences(ANNA, (ANNA, "typing", None)),
    presences(LID, (LID, "offline", 1686719326)),
    presences(BERT),
    presences("status@broadcast", ("status@broadcast", "online", None)),
]


async def test_all_presences_are_asked_for_at_once(
    gateway: WahaGateway, script: Script
) -> None:
    """What is remembered of nobody tells nothing; then a renewal is one request."""
    await learn(gateway, script, "NOWEB")
    script.answer(200, ALL)
    about: dict[str, Any] = {"source": Source.REMEMBERED, "never_pauses": True}
    assert await gateway.presences() == [
        PresenceUpdate(
            chat_id=ANNA, online=True, implied=True, activity=Activity.TYPING, **about
        ),
        PresenceUpdate(
            chat_id=LID,
            online=False,
            activity=Activity.IDLE,
            last_seen=1686719326.0,
            **about,
        ),
    ]
    assert await gateway.subscribe(ANNA) is None
    assert script.paths == [
        "GET /api/default/presence",
        f"POST /api/default/presence/{ANNA}/subscribe",
    ]


async def test_an_engine_that_is_known_may_know_nobody(
    gateway: WahaGateway, script: Script
) -> None:
    """It was started just now; nobody else would know more."""
    await learn(gateway, script, "NOWEB")
    script.answer(200, [])
    assert await gateway.presences() == []
    assert await gateway.presences() == []
    assert len(script.received) == 2


async def test_gows_is_asked_one_by_one(gateway: WahaGateway, script: Script) -> None:
    """Its list is empty always; but to ask it for a chat is to subscribe."""
    await learn(gateway, script, "GOWS")
    script.answer(200, presences(ANNA, (ANNA, "online", None)))
    assert await gateway.presences() is None
    update = await gateway.subscribe(ANNA)
    assert update is not None
    assert (update.online, update.implied, update.never_pauses) == (True, False, False)
    assert script.paths == [f"GET /api/default/presence/{ANNA}"]


@pytest.mark.parametrize(
    ("status", "body"), [(200, []), (501, {}), (404, {}), (400, {}), (200, "<html>")]
)
async def test_who_can_t_answer_for_all_is_asked_again_later(
    gateway: WahaGateway,
    script: Script,
    status: int,
    body: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that is not known and an empty list prove nothing."""
    script.answer(status, body)
    script.answer(200, ALL)
    assert await gateway.presences() is None
    assert await gateway.presences() is None
    assert len(script.received) == 1
    loop = asyncio.get_running_loop()
    later = loop.time() + 600
    monkeypatch.setattr(loop, "time", lambda: later)
    found = await gateway.presences()
    assert found is not None
    assert len(found) == 2


@pytest.mark.parametrize(
    ("engine", "never"), [("NOWEB", True), ("WEBJS", True), ("GOWS", False)]
)
def test_an_event_says_whether_its_engine_tells_of_pauses(
    parser: WahaGateway, engine: str, never: bool
) -> None:
    """Where it does not, being online may mean having paused."""
    payload = presences(ANNA, (ANNA, "online", None))
    raw = json.dumps(envelope(payload, engine=engine)).encode()
    [update] = parser.parse_event(raw, {})
    assert isinstance(update, PresenceUpdate)
    assert update.never_pauses is never
    assert (update.source, update.implied) == (Source.EVENT, False)


def test_the_newer_of_two_entries_counts(parser: WahaGateway) -> None:
    """Of a member as of a person; a group's own entry and a missing word are nothing."""
    twice = ((LID, "typing", None), (GROUP, "online", None), (LID, "offline", 5))
    payload = presences(GROUP, *twice)
    payload["presences"].append({"participant": BERT})
    [update] = parser.parse_event(json.dumps(envelope(payload)).encode(), {})
    assert isinstance(update, PresenceUpdate)
    assert update.members == (
        MemberUpdate(
            member_id=LID, online=False, activity=Activity.IDLE, last_seen=5.0
        ),
        MemberUpdate(member_id=BERT),
    )
    payload = presences(
        ANNA, (ANNA, "online", None), (f"{NUMBER}:7@c.us", "offline", 5)
    )
    [update] = parser.parse_event(json.dumps(envelope(payload)).encode(), {})
    assert isinstance(update, PresenceUpdate)
    assert update.online is False


@pytest.mark.parametrize(
    "participant",
    [
        {"id": LID, "phoneNumber": f"{NUMBER}@s.whatsapp.net", "admin": None},
        {"id": LID, "phoneNumber": NUMBER},
        {"id": f"{NUMBER}@s.whatsapp.net", "lid": LID},
        {"JID": "199900011122233@hosted.lid", "PhoneNumber": f"{NUMBER}@hosted"},
    ],
)
async def test_members_tell_both_of_their_ids(
    gateway: WahaGateway, script: Script, participant: dict[str, Any]
) -> None:
    """With the store off too."""
    script.answer(200, [{**participant, "name": "+49 1512 3456789"}])
    [member] = await gateway.group_members(GROUP)
    assert {member.chat_id, member.alias} == {ANNA, LID}
    # A number in a name's place is none.
    assert member.name is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"message": "Enable NOWEB store"}),
        (422, {"message": "Invalid lid", "statusCode": 422}),
        (404, {}),
        (501, {}),
    ],
)
async def test_who_can_t_tell_another_id_is_no_failure(
    gateway: WahaGateway, script: Script, status: int, body: Any
) -> None:
    """The store is off, or what was asked about is no lid."""
    script.answer(status, body)
    assert await gateway.aliases([LID]) == {}


async def test_a_look_up_at_a_session_that_is_not_working_fails(
    gateway: WahaGateway, script: Script
) -> None:
    """That is not of the id."""
    body = {"error": "Session status is not as expected", "session": "default"}
    script.answer(422, {**body, "status": "STARTING", "expected": ["WORKING"]})
    with pytest.raises(NotReadyError):
        await gateway.aliases([LID])


@pytest.mark.parametrize(
    ("engine", "config", "version", "expected"),
    [
        ("NOWEB", {"noweb": {"store": {"enabled": True}}}, None, None),
        ("NOWEB", {"noweb": {"store": {"enabled": False}}}, None, "store_off"),
        ("NOWEB", {}, None, "store_off"),
        ("NOWEB", None, None, "store_off"),
        ("WEBJS", {"webjs": {"tagsEventsOn": True}}, "2026.9.1", None),
        ("WEBJS", {"webjs": {"tagsEventsOn": True}}, "2026.10.2", None),
        ("WEBJS", {"webjs": {"tagsEventsOn": True}}, "nightly", None),
        (
            "WEBJS",
            {"webjs": {"tagsEventsOn": True}},
            "2026.8.2",
            "version_too_old",
        ),
        ("WEBJS", {"webjs": {}}, "2026.9.1", "tags_off"),
        ("GOWS", {}, None, None),
    ],
)
async def test_set_up_knows_what_can_tell_no_presence(
    gateway: WahaGateway,
    script: Script,
    *,
    engine: str,
    config: Any,
    version: str | None,
    expected: str | None,
) -> None:
    """By the session's engine and configuration, and for one engine its version."""
    script.answer(200, {**SESSION, "engine": {"engine": engine}, "config": config})
    if version is not None:
        script.answer(200, {"version": version, "engine": engine})
    info = await gateway.validate()
    assert (info.engine, info.version, info.cannot_tell) == (engine, version, expected)


async def test_what_is_not_told_of_the_engine_is_unknown(
    gateway: WahaGateway, script: Script
) -> None:
    """Nobody is told to change what may be right; an event tells the version too."""
    script.answer(200, {**SESSION, "engine": {"engine": "NOWEB"}})
    gateway.parse_event(json.dumps(TYPING).encode(), {})
    info = await gateway.status()
    assert (info.version, info.cannot_tell) == ("2026.9.1", None)
    script.answers.clear()
    script.answer(200, SESSION)
    info = await gateway.status()
    assert (info.engine, info.cannot_tell) == (None, None)


@pytest.mark.parametrize("body", [{}, [], {"status": ""}])
async def test_what_has_not_the_server_s_form_is_no_success(
    gateway: WahaGateway, script: Script, body: Any
) -> None:
    """Something else answers at this address."""
    script.answer(200, body)
    with pytest.raises(InvalidResponseError, match="no answer of WAHA"):
        await gateway.validate()
    if not isinstance(body, list):
        with pytest.raises(InvalidResponseError, match="no answer of WAHA"):
            await gateway.list_instances()


# ------------------------------------------------ who is let in and sent away


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("Unauthorized", AuthenticationError),
        ("Forbidden", NotAllowedError),
        ("", NotAllowedError),
    ],
)
async def test_who_is_sent_away_was_never_connected(
    gateway: WahaGateway, script: Script, reason: str, error: type[GatewayError]
) -> None:
    """The server lets everybody in first; a good key of another session is no bad one."""

    async def say(socket: web.WebSocketResponse) -> None:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason.encode())

    talk(script, say)
    events = gateway.events()
    # Not even the empty list that says so.
    with pytest.raises(error):
        await anext(events)


async def test_who_is_let_in_and_left_in_peace_is_connected(
    gateway: WahaGateway, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a moment, though nothing happens."""
    monkeypatch.setattr(waha_stream, "_HOLDS_AFTER", 0.05)
    done = asyncio.Event()

    async def say(socket: web.WebSocketResponse) -> None:
        await done.wait()
        await socket.send_json(TYPING)

    talk(script, say)
    events = gateway.events()
    assert await anext(events) == []
    done.set()
    assert await anext(events) == [TYPING_UPDATE]
    assert [told async for told in events] == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_of_the_websocket_is_refused(
    gateway: WahaGateway, script: Script, status: int
) -> None:
    """It is for this host alone, and leaves no trace elsewhere."""
    script.answer(status, {}, headers={"Location": f"{script.url}/elsewhere"})
    with pytest.raises(InvalidResponseError, match="redirect") as caught:
        await collect(gateway)
    assert TOKEN not in str(caught.value)
    assert [request.path for request in script.received] == ["/ws"]


def test_a_large_group_calls_for_no_garbage_collection(parser: WahaGateway) -> None:
    """Its members are there as they are told or as they are read, not both at once."""
    count = 1000
    told = ((f"{10**14 + number}@lid", "typing", None) for number in range(count))
    body = json.dumps(envelope(presences(GROUP, *told))).encode()
    (first,) = parser.parse_event(body, {})
    assert isinstance(first, PresenceUpdate)
    collections = 0

    def collect(phase: str, info: dict[str, int]) -> None:
        nonlocal collections
        collections += phase == "start"

    before = gc.get_threshold()
    gc.collect()
    gc.callbacks.append(collect)
    gc.set_threshold(count + count // 2)
    try:
        (second,) = parser.parse_event(body, {})
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(collect)
    assert second == first
    assert len(first.members) == count
    assert collections == 0
