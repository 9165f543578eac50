"""Wawp's dialect: events, credentials, refusals in every form, the list of webhooks."""

import asyncio
import copy
import json
import logging
from typing import Any

from aiohttp import ClientSession, web
import pytest

from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    ChatInfo,
    GatewayError,
    InstanceEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
    Transport,
    UnreachableError,
    Webhook,
)
from custom_components.whatsapp_presence.gateways.wawp import WawpGateway
from custom_components.whatsapp_presence.presence.model import (
    Activity,
    MemberUpdate,
    PresenceUpdate,
    Source,
)

from .conftest import ANNA, GROUP, LID, NUMBER, TOKEN, Script

INSTANCE_ID = "A1B2C3D4E5F6"
CREDENTIALS = {"instance_id": INSTANCE_ID, "access_token": TOKEN}
URL = "https://home.example/api/webhook/abc"
BERT = "491700000000@c.us"
SUCCESS = {"success": True, "message": "Operation completed successfully"}


def make(
    session: ClientSession | None, url: str | None = None, **config: Any
) -> WawpGateway:
    """Create the client as the integration does."""
    data = {**CREDENTIALS, **config}
    if url is not None:
        data["url"] = url
    return WawpGateway.from_config(session, data)  # type: ignore[arg-type]


@pytest.fixture
def gateway(session: ClientSession, script: Script) -> WawpGateway:
    """Return a client that speaks to the scripted server."""
    return make(session, script.url)


@pytest.fixture
def parser() -> WawpGateway:
    """Return a client that only reads events."""
    return make(None)


def envelope(payload: Any, name: str = "presence.update", **fields: Any) -> Any:
    """Make an event."""
    return {
        "id": "evt_1",
        "timestamp": 1634567890123,
        "session": "default",
        "metadata": {"user.id": "123"},
        "engine": "WEBJS",
        "event": name,
        "payload": payload,
        "me": {"id": "11111111111@c.us", "lid": "123@lid", "pushName": "Instance"},
        **fields,
    }


def update(**fields: Any) -> PresenceUpdate:
    """Make an update of Anna's, by the envelope above."""
    known: dict[str, Any] = {
        "chat_id": ANNA,
        "event_id": "evt_1",
        "time": 1634567890.123,
        # The envelope's engine is one that does not say paused.
        "never_pauses": True,
    }
    return PresenceUpdate(**known | fields)


WORDS: list[tuple[Any, bool | None, Activity | None]] = [
    ("online", True, Activity.IDLE),
    ("available", True, Activity.IDLE),
    ("typing", True, Activity.TYPING),
    ("composing", True, Activity.TYPING),
    ("recording", True, Activity.RECORDING),
    ("paused", True, Activity.IDLE),
    ("offline", False, Activity.IDLE),
    ("unavailable", False, Activity.IDLE),
    ("dancing", None, None),
    (None, None, None),
    (7, None, None),
    ([], None, None),
]


@pytest.mark.parametrize(("word", "online", "activity"), WORDS)
def test_both_shapes_tell_each_word(
    parser: WawpGateway, word: Any, online: bool | None, activity: Activity | None
) -> None:
    """One word tells whether somebody is online, and what they do."""
    implied = word in ("typing", "composing", "recording", "paused")
    expected = update(online=online, implied=implied, activity=activity)
    for payload in (
        {"chatId": ANNA, "type": word, "from": ANNA},
        {
            "id": ANNA,
            "presences": [
                {"participant": ANNA, "lastKnownPresence": word, "lastSeen": None}
            ],
        },
    ):
        raw = json.dumps(envelope(payload)).encode()
        assert parser.parse_event(raw, {}) == [expected]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        # The target under its lid.
        (
            {
                "id": LID,
                "presences": [{"participant": LID, "lastKnownPresence": "typing"}],
            },
            update(chat_id=LID, online=True, implied=True, activity=Activity.TYPING),
        ),
        (
            {
                "id": f"{NUMBER}@s.whatsapp.net",
                "presences": [
                    {
                        "participant": f"{NUMBER}:7@s.whatsapp.net",
                        "lastKnownPresence": "offline",
                        "lastSeen": "1686719326",
                    }
                ],
            },
            update(online=False, activity=Activity.IDLE, last_seen=1686719326.0),
        ),
        # Of several, the one of the chat itself.
        (
            {
                "id": {"_serialized": ANNA},
                "presences": [
                    {"participant": BERT, "lastKnownPresence": "offline"},
                    {
                        "participant": {"_serialized": ANNA},
                        "lastKnownPresence": "online",
                    },
                ],
            },
            update(online=True, activity=Activity.IDLE),
        ),
        (
            {"id": ANNA, "presences": [{"lastKnownPresence": "online"}]},
            update(online=True, activity=Activity.IDLE),
        ),
        ({"id": ANNA, "presences": []}, update()),
        ({"id": ANNA, "presences": None}, update()),
        ({"id": ANNA, "presences": ["x"]}, update()),
        ({"chatId": ANNA}, update()),
        (
            {"from": ANNA, "type": "available"},
            update(online=True, activity=Activity.IDLE),
        ),
        # Groups, member by member.
        (
            {
                "id": GROUP,
                "presences": [
                    {"participant": ANNA, "lastKnownPresence": "typing"},
                    {"participant": LID, "lastKnownPresence": "offline", "lastSeen": 5},
                    {"participant": BERT, "lastKnownPresence": "dancing"},
                    {"participant": GROUP, "lastKnownPresence": "online"},
                    {"participant": None, "lastKnownPresence": "online"},
                ],
            },
            update(
                chat_id=GROUP,
                members=(
                    MemberUpdate(
                        member_id=ANNA,
                        online=True,
                        implied=True,
                        activity=Activity.TYPING,
                    ),
                    MemberUpdate(
                        member_id=LID,
                        online=False,
                        activity=Activity.IDLE,
                        last_seen=5.0,
                    ),
                    MemberUpdate(member_id=BERT),
                ),
            ),
        ),
        (
            {"chatId": GROUP, "from": ANNA, "type": "recording"},
            update(
                chat_id=GROUP,
                members=(
                    MemberUpdate(
                        member_id=ANNA,
                        online=True,
                        implied=True,
                        activity=Activity.RECORDING,
                    ),
                ),
            ),
        ),
        (
            {"chatId": GROUP, "from": GROUP, "type": "recording"},
            update(chat_id=GROUP),
        ),
    ],
)
def test_a_presence_is_read_in_any_of_its_shapes(
    parser: WawpGateway, payload: dict[str, Any], expected: PresenceUpdate
) -> None:
    """Lids, devices, several people, groups."""
    raw = json.dumps(envelope(payload)).encode()
    assert parser.parse_event(raw, {}) == [expected]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("WORKING", InstanceStatus.READY),
        ("READY", InstanceStatus.READY),
        ("STARTING", InstanceStatus.STARTING),
        ("SCAN_QR_CODE", InstanceStatus.LOGIN_REQUIRED),
        ("PASSKEY_REQUIRED", InstanceStatus.LOGIN_REQUIRED),
        ("PASSKEY_CONFIRMATION_REQUIRED", InstanceStatus.LOGIN_REQUIRED),
        ("STOPPED", InstanceStatus.DISCONNECTED),
        ("PAUSED", InstanceStatus.DISCONNECTED),
        ("OFFLINE", InstanceStatus.DISCONNECTED),
        ("FAILED", InstanceStatus.FAILED),
        ("working", InstanceStatus.READY),
        ("DREAMING", InstanceStatus.UNKNOWN),
    ],
)
async def test_each_word_for_the_session_s_status_is_understood(
    parser: WawpGateway,
    gateway: WawpGateway,
    script: Script,
    word: str,
    status: InstanceStatus,
) -> None:
    """In an event and in an answer; an unknown one is not ready."""
    raw = json.dumps(
        envelope({"name": "default", "status": word}, "session.status")
    ).encode()
    assert parser.parse_event(raw, {}) == [
        InstanceEvent(status=status, event_id="evt_1", time=1634567890.123)
    ]
    script.answer(200, {"status": word})
    assert await gateway.status() == InstanceInfo(status=status)


PRESENCE = envelope({"chatId": ANNA, "type": "available"})
SESSION = envelope({"status": "WORKING"}, "session.status", id="evt_2")


@pytest.mark.parametrize(
    "body",
    [
        [PRESENCE, SESSION],
        [7, PRESENCE, {"payload": {}}, SESSION],
        json.dumps([PRESENCE, SESSION]),
    ],
)
def test_several_events_may_come_at_once(parser: WawpGateway, body: Any) -> None:
    """As an array, or as a string that holds one."""
    events = parser.parse_event(json.dumps(body).encode(), {})
    assert events == [
        update(online=True, activity=Activity.IDLE),
        InstanceEvent(
            status=InstanceStatus.READY, event_id="evt_2", time=1634567890.123
        ),
    ]


def test_a_string_may_hold_one_event(parser: WawpGateway) -> None:
    """JSON in JSON."""
    raw = json.dumps(json.dumps(PRESENCE)).encode()
    assert len(parser.parse_event(raw, {})) == 1


def test_an_event_needs_neither_id_nor_time(parser: WawpGateway) -> None:
    """Nor any session that would have to be ours."""
    raw = json.dumps(
        {"event": "presence.update", "payload": {"chatId": ANNA, "type": "online"}}
    ).encode()
    assert parser.parse_event(raw, {}) == [
        PresenceUpdate(chat_id=ANNA, online=True, activity=Activity.IDLE)
    ]


@pytest.mark.parametrize(
    "body",
    [
        envelope({"body": "hello"}, "message"),
        envelope(None),
        envelope([]),
        envelope({}),
        envelope({"chatId": "status@broadcast", "type": "online"}),
        envelope({"id": None, "presences": []}),
        envelope({}, "session.status"),
        envelope(None, "session.status"),
        envelope({"status": 7}, "session.status"),
    ],
)
def test_what_is_of_no_interest_is_nothing(parser: WawpGateway, body: Any) -> None:
    """Other events, other shapes."""
    assert parser.parse_event(json.dumps(body).encode(), {}) == []


def test_each_oddity_is_logged_once_and_without_its_content(
    parser: WawpGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Two kinds, two lines."""
    caplog.set_level(logging.DEBUG)
    for word in ("dancing", "singing"):
        for payload in ({"chatId": ANNA, "type": word}, {"contact": ANNA}):
            parser.parse_event(json.dumps(envelope(payload)).encode(), {})
    assert len(caplog.messages) == 2
    assert not [line for line in caplog.messages if NUMBER in line or "ing'" in line]


def test_no_signature_is_good_enough(parser: WawpGateway) -> None:
    """Wawp has none that could be relied on."""
    assert not parser.verify_signature(b"{}", {"X-Webhook-Hmac": "x"}, "key")


def test_what_it_says_of_itself(session: ClientSession) -> None:
    """Names, URL, secrets."""
    gateway = make(session, access_token=f" {TOKEN} ")
    assert gateway.name == "Wawp"
    assert gateway.url == "https://api.wawp.net"
    assert gateway.unique_id == INSTANCE_ID
    assert gateway.secrets == {INSTANCE_ID, TOKEN}
    assert gateway.capabilities.transport is Transport.WEBHOOK


INFO = {"status": "WORKING", "me": {"id": ANNA, "pushName": "Olga"}}
KNOWN = InstanceInfo(status=InstanceStatus.READY, account_id=ANNA, account_name="Olga")


@pytest.mark.parametrize(
    "body",
    [
        INFO,
        {"success": True, "data": INFO},
        {"status": "success", "data": INFO},
        {"session": INFO},
        {"code": 200, "message": "ok", "data": {"session": INFO}},
    ],
)
async def test_the_session_is_found_wherever_it_is_in_the_answer(
    gateway: WawpGateway, script: Script, body: Any
) -> None:
    """Nobody showed the exact form."""
    script.answer(200, body)
    assert await gateway.validate() == KNOWN
    [request] = script.received
    assert (request.method, request.path) == ("POST", "/v2/session/info")
    assert request.body == CREDENTIALS
    assert request.query == {}


@pytest.mark.parametrize("body", [{}, [], {"status": []}, {"data": "x"}])
async def test_an_answer_without_a_status_is_not_ready(
    gateway: WawpGateway, script: Script, body: Any
) -> None:
    """And no crash."""
    script.answer(200, body)
    assert await gateway.status() == InstanceInfo(status=InstanceStatus.UNKNOWN)


@pytest.mark.parametrize("status", [404, 405])
async def test_session_info_is_asked_with_get_where_post_is_not_known(
    gateway: WawpGateway, script: Script, status: int
) -> None:
    """And from then on at once."""
    script.answer(status, "<html>no</html>", content_type="text/html")
    script.answer(200, INFO)
    assert await gateway.status() == KNOWN
    assert await gateway.status() == KNOWN
    assert script.paths == [
        "POST /v2/session/info",
        "GET /v2/session/info",
        "GET /v2/session/info",
    ]
    assert script.received[1].query == CREDENTIALS
    assert script.received[1].body is None


@pytest.mark.parametrize(
    "me",
    [
        {"id": ANNA, "pushName": "Olga"},
        {"me": {"id": ANNA, "pushName": "Olga"}},
        {"success": True, "data": {"id": ANNA, "pushName": "Olga"}},
    ],
)
async def test_the_account_is_asked_for_where_the_session_does_not_tell(
    gateway: WawpGateway, script: Script, me: Any
) -> None:
    """In a second call."""
    script.answer(200, {"status": "WORKING"})
    script.answer(200, me)
    assert await gateway.validate() == KNOWN
    assert script.paths[1] == "GET /v2/session/me"
    assert script.received[1].query == CREDENTIALS


async def test_validate_does_without_the_account(
    gateway: WawpGateway, script: Script
) -> None:
    """It is not needed."""
    script.answer(200, {"status": "WORKING"})
    script.answer(500, "")
    assert await gateway.validate() == InstanceInfo(status=InstanceStatus.READY)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"message": "Session status is not as expected"}),
        (409, ""),
        (400, "Session is not working"),
        (200, {"code": "session_error", "message": "Instance not connected"}),
    ],
)
async def test_an_instance_that_is_not_ready_is_no_error_of_status(
    gateway: WawpGateway, script: Script, status: int, body: Any
) -> None:
    """But one of subscribing."""
    script.answer(status, body)
    assert await gateway.status() == InstanceInfo(status=InstanceStatus.DISCONNECTED)
    with pytest.raises(NotReadyError):
        await gateway.subscribe(ANNA)


XML = '<?xml version="1.0"?><error><code>{}</code><message>x</message></error>'


@pytest.mark.parametrize("form", ["json", "xml", "html", "plain", "200", "200-rest"])
@pytest.mark.parametrize(
    ("status", "code", "error", "words"),
    [
        (401, "unauthorized", AuthenticationError, "wrong"),
        (403, "subscription_required", NotAllowedError, "paid plan"),
        (404, "invalid_session", NotFoundError, "no such instance"),
        (403, "quota_reached", RateLimitedError, "quota"),
    ],
)
async def test_refusals_are_told_apart_in_every_form(
    gateway: WawpGateway,
    script: Script,
    form: str,
    status: int,
    *,
    code: str,
    error: type[GatewayError],
    words: str,
) -> None:
    """JSON, XML, HTML, plain text, or a success that is none."""
    body: Any = {"code": code, "message": f"{NUMBER} {TOKEN}"}
    content_type = "application/json"
    match form:
        case "xml":
            body, content_type = XML.format(code), "application/xml"
        case "html":
            body, content_type = f"<html>{code}</html>", "text/html"
        case "plain":
            body, content_type = f"Error: {code}", "text/plain"
        case "200":
            status = 200
        case "200-rest":
            body |= {"data": {"status": status}}
            status = 200
    script.answer(status, body, content_type=content_type)
    for call in (gateway.validate(), gateway.subscribe(ANNA), gateway.list_webhooks()):
        with pytest.raises(error, match=words) as caught:
            await call
        assert NUMBER not in str(caught.value)
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (402, {}, NotAllowedError),
        (403, "<html>", NotAllowedError),
        (400, "<html>", InvalidResponseError),
        (418, "teapot", InvalidResponseError),
        (500, "<html>", UnreachableError),
        (502, XML.format("bad_gateway"), UnreachableError),
        (200, "<html>", InvalidResponseError),
        (200, "OK", InvalidResponseError),
        (200, "7", InvalidResponseError),
        (200, XML.format("subscription_required"), NotAllowedError),
        (200, "", InvalidResponseError),
        (200, {"success": False}, InvalidResponseError),
        (200, {"success": "false", "statusCode": 500}, UnreachableError),
        (200, {"code": 403, "message": "x"}, NotAllowedError),
        (200, {"code": "x", "message": "y", "statusCode": 404}, NotFoundError),
    ],
)
async def test_no_answer_is_a_traceback(
    gateway: WawpGateway,
    script: Script,
    status: int,
    body: Any,
    error: type[GatewayError],
) -> None:
    """The status first, then what can be recognised."""
    script.answer(status, body, content_type="text/html")
    with pytest.raises(error):
        await gateway.status()


# ------------------------------------------------------------------ credentials

MISSING = {"code": "missing_param", "message": "access_token is missing"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, MISSING),
        (401, {"message": "Missing credentials"}),
        (401, "<error/>"),
        (200, MISSING),
    ],
)
async def test_credentials_go_to_the_query_where_the_body_will_not_do(
    gateway: WawpGateway, script: Script, status: int, body: Any
) -> None:
    """That is remembered; the body is left with what is not a credential."""
    script.answer(status, body)
    script.answer(200, INFO)
    script.answer(200, SUCCESS)
    script.answer(200, {"id": ANNA, "presences": []})
    assert await gateway.status() == KNOWN
    await gateway.subscribe(ANNA)
    first, second, third, _ = script.received
    assert (first.query, first.body) == ({}, CREDENTIALS)
    assert (second.query, second.body) == (CREDENTIALS, None)
    assert (third.query, third.body) == (CREDENTIALS, {"chatId": ANNA})


async def test_credentials_that_are_wrong_are_tried_both_ways_once(
    gateway: WawpGateway, script: Script
) -> None:
    """Then they are wrong."""
    script.answer(401, {"message": "invalid access token"})
    with pytest.raises(AuthenticationError):
        await gateway.status()
    assert [bool(request.query) for request in script.received] == [False, True]


async def test_credentials_that_worked_are_not_tried_elsewhere(
    gateway: WawpGateway, script: Script
) -> None:
    """They were revoked; and a chat that is refused is no matter of credentials."""
    script.answer(200, INFO)
    script.answer(401, {"message": "revoked"})
    script.answer(400, {"code": "invalid_chat", "message": "x"})
    await gateway.status()
    with pytest.raises(AuthenticationError):
        await gateway.status()
    with pytest.raises(NotFoundError):
        await gateway.subscribe(ANNA)
    assert not any(request.query for request in script.received)


async def test_a_gateway_that_changes_its_mind_is_followed(
    gateway: WawpGateway, script: Script
) -> None:
    """If it says so."""
    script.answer(200, INFO)
    script.answer(400, MISSING)
    script.answer(200, INFO)
    await gateway.status()
    await gateway.status()
    await gateway.status()
    assert [bool(request.query) for request in script.received] == [
        False,
        False,
        True,
        True,
    ]


async def test_where_both_ways_miss_something_it_is_something_else(
    gateway: WawpGateway, script: Script
) -> None:
    """The first answer stands."""
    script.answer(400, {"code": "missing_param", "message": "chatId"})
    with pytest.raises(NotFoundError):
        await gateway.subscribe(ANNA)
    assert len(script.received) == 2


# --------------------------------------------------------------------- presence


async def test_subscribe_then_asks_for_the_state(
    gateway: WawpGateway, script: Script
) -> None:
    """Subscribing tells none."""
    script.answer(200, SUCCESS)
    script.answer(
        200,
        {
            "id": ANNA,
            "presences": [
                {
                    "participant": ANNA,
                    "lastKnownPresence": "offline",
                    "lastSeen": 1686719326,
                }
            ],
        },
    )
    assert await gateway.subscribe(f"{NUMBER}@s.whatsapp.net") == PresenceUpdate(
        chat_id=ANNA,
        online=False,
        activity=Activity.IDLE,
        last_seen=1686719326.0,
        source=Source.REMEMBERED,
    )
    subscribe, state = script.received
    assert (subscribe.method, subscribe.path) == (
        "POST",
        f"/v2/presence/{ANNA}/subscribe",
    )
    assert subscribe.body == {**CREDENTIALS, "chatId": ANNA}
    assert (state.method, state.path) == ("GET", f"/v2/presence/{ANNA}")
    assert state.query == CREDENTIALS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"success": True, "data": {"id": LID, "presences": [{}]}}, LID),
        ({"id": LID, "presences": [{}]}, LID),
        ({"presences": [{}]}, ANNA),
        ({"id": ANNA, "presences": []}, None),
        ({"success": True}, None),
        ([], None),
    ],
)
async def test_a_snapshot_may_tell_nothing_or_another_id(
    gateway: WawpGateway, script: Script, body: Any, expected: str | None
) -> None:
    """An alias to learn."""
    script.answer(200, body)
    answer = await gateway.snapshot(ANNA)
    assert (answer and answer.chat_id) == expected


@pytest.mark.parametrize("status", [404, 405])
async def test_an_instance_that_tells_no_state_is_not_asked_again(
    gateway: WawpGateway, script: Script, status: int
) -> None:
    """It lives on events alone."""
    script.answer(200, SUCCESS)
    script.answer(status, "<html>", content_type="text/html")
    script.answer(200, SUCCESS)
    assert await gateway.subscribe(ANNA) is None
    assert await gateway.subscribe(BERT) is None
    assert await gateway.snapshot(BERT) is None
    assert script.paths == [
        f"POST /v2/presence/{ANNA}/subscribe",
        f"GET /v2/presence/{ANNA}",
        f"POST /v2/presence/{BERT}/subscribe",
    ]


async def test_an_instance_that_told_no_state_is_asked_again_later(
    gateway: WawpGateway, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal may have been a passing one, and nobody restarts anything for it."""
    script.answer(404, {"code": "rest_no_route", "message": "x"})
    script.answer(200, {"id": ANNA, "presences": [{"lastKnownPresence": "online"}]})
    assert await gateway.snapshot(ANNA) is None
    assert await gateway.snapshot(ANNA) is None
    loop = asyncio.get_running_loop()
    later = loop.time() + 600
    monkeypatch.setattr(loop, "time", lambda: later)
    answer = await gateway.snapshot(ANNA)
    assert answer is not None
    assert answer.online


async def test_session_info_is_asked_with_post_again_where_get_is_no_longer_known(
    gateway: WawpGateway, script: Script
) -> None:
    """What was learnt of an instance need not hold for ever."""
    script.answer(405, {})
    script.answer(200, INFO)
    script.answer(404, {})
    script.answer(200, INFO)
    assert await gateway.status() == KNOWN
    with pytest.raises(NotFoundError):
        await gateway.status()
    assert await gateway.status() == KNOWN
    assert [path.partition(" ")[0] for path in script.paths] == [
        "POST",
        "GET",
        "GET",
        "POST",
    ]


async def test_a_session_that_is_gone_does_not_read_as_one_that_tells_nothing(
    gateway: WawpGateway, script: Script
) -> None:
    """Both are a 404."""
    script.answer(404, XML.format("invalid_session"))
    script.answer(200, {"id": ANNA, "presences": [{}]})
    with pytest.raises(NotFoundError, match="no such instance"):
        await gateway.snapshot(ANNA)
    assert await gateway.snapshot(ANNA) is not None


@pytest.mark.parametrize("status", [400, 403])
async def test_a_state_that_is_refused_leaves_the_subscription_good(
    gateway: WawpGateway, script: Script, status: int
) -> None:
    """It was made before."""
    script.answer(200, "")
    script.answer(status, {})
    assert await gateway.subscribe(ANNA) is None


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (500, UnreachableError)]
)
async def test_a_state_that_fails_for_the_instance_s_sake_is_told(
    gateway: WawpGateway, script: Script, status: int, error: type[GatewayError]
) -> None:
    """It concerns all chats."""
    script.answer(200, SUCCESS)
    script.answer(status, {})
    with pytest.raises(error):
        await gateway.subscribe(ANNA)


async def test_the_account_announces_itself(
    gateway: WawpGateway, script: Script
) -> None:
    """And withdraws."""
    script.answer(200, SUCCESS)
    await gateway.set_available(True)
    await gateway.set_available(False)
    assert [request.body["presence"] for request in script.received] == [
        "online",
        "offline",
    ]
    assert script.paths == ["POST /v2/presence"] * 2


async def test_an_instance_that_can_t_announce_itself_says_so(
    gateway: WawpGateway, script: Script
) -> None:
    """The call is documented for the older API alone."""
    script.answer(404, "")
    with pytest.raises(NotAllowedError, match="can't announce"):
        await gateway.set_available(True)
    script.answers.clear()
    script.answer(404, XML.format("invalid_session"))
    with pytest.raises(NotFoundError):
        await gateway.set_available(True)


# ---------------------------------------------------------------- chats and ids


def keyed(rows: list[Any]) -> dict[str, Any]:
    """Make an object keyed "0", "1", … of a list."""
    return {str(index): row for index, row in enumerate(rows)}


OVERVIEW = [
    {"id": ANNA, "name": "", "picture": None},
    {"id": {"_serialized": GROUP}, "name": "Family"},
    {"id": "status@broadcast", "name": "Status"},
    None,
]


@pytest.mark.parametrize(
    "overview",
    [OVERVIEW, keyed(OVERVIEW), {"data": OVERVIEW}, {"data": keyed(OVERVIEW)}],
)
async def test_the_chats_come_before_the_contacts_and_each_once(
    gateway: WawpGateway, script: Script, overview: Any
) -> None:
    """In any of the overview's forms, where no other list is; no nameless lids."""
    script.answer(404, "")
    script.answer(200, overview)
    script.answer(
        200,
        [
            {"id": ANNA, "name": "Anna", "isWAContact": True},
            {"id": LID, "name": ""},
            {"id": "5@lid", "pushname": "Fritz"},
            {"id": BERT, "pushName": "Bert"},
            {"id": "491600000000@c.us", "name": "Fax", "isWAContact": False},
        ],
    )
    assert await gateway.list_chats() == [
        ChatInfo(chat_id=ANNA, name="Anna"),
        ChatInfo(chat_id=GROUP, name="Family"),
        ChatInfo(chat_id="5@lid", name="Fritz"),
        ChatInfo(chat_id=BERT, name="Bert"),
    ]
    assert script.paths == [
        "GET /v2/chats",
        "GET /v2/chats/overview",
        "GET /v2/contacts/all",
    ]
    assert script.received[2].query == {
        **CREDENTIALS,
        "limit": "500",
        "offset": "0",
    }


async def test_the_overview_is_not_asked_for_what_the_list_tells(
    gateway: WawpGateway, script: Script
) -> None:
    """It would ask WhatsApp for the picture of each chat."""
    script.answer(200, OVERVIEW)
    script.answer(200, [])
    assert [chat.chat_id for chat in await gateway.list_chats()] == [ANNA, GROUP]
    assert script.paths == ["GET /v2/chats", "GET /v2/contacts/all"]


async def test_the_contacts_are_read_page_by_page(
    gateway: WawpGateway, script: Script
) -> None:
    """Until one is not full; and no further if the pages repeat themselves."""
    full = [{"id": f"49151{i:07}@c.us"} for i in range(500)]
    script.answer(200, OVERVIEW)
    script.answer(200, full)
    script.answer(200, [{"id": BERT}])
    assert len(await gateway.list_chats()) == 503
    assert script.received[2].query["offset"] == "500"
    script.received.clear()
    script.answers.clear()
    script.answer(200, OVERVIEW)
    script.answer(200, full)
    assert len(await gateway.list_chats()) == 502
    assert len(script.received) == 3


async def test_contacts_that_can_t_be_listed_are_done_without(
    gateway: WawpGateway, script: Script
) -> None:
    """But a token that was revoked is told."""
    script.answer(200, OVERVIEW)
    script.answer(404, "")
    assert len(await gateway.list_chats()) == 2
    script.answers.clear()
    script.answer(200, OVERVIEW)
    script.answer(401, "")
    with pytest.raises(AuthenticationError):
        await gateway.list_chats()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            200,
            {"numberExists": True, "chatId": "551199999999@c.us"},
            "551199999999@c.us",
        ),
        (200, {"data": {"numberExists": True, "chatId": BERT}}, BERT),
        (200, {"numberExists": True}, ANNA),
        (200, {"exists": "true"}, ANNA),
        (200, {"numberExists": False, "chatId": None}, None),
        (200, {"exists": False}, None),
        (200, [], ANNA),
        (404, "", ANNA),
        (400, "", ANNA),
    ],
)
async def test_resolve_finds_the_id_that_is_right(
    gateway: WawpGateway,
    script: Script,
    status: int,
    body: Any,
    expected: str | None,
) -> None:
    """Who can't tell does not hinder."""
    script.answer(status, body)
    assert await gateway.resolve(NUMBER) == expected
    [request] = script.received
    assert request.path == "/v2/contacts/check-exists"
    assert request.query == {**CREDENTIALS, "phone": NUMBER}


@pytest.mark.parametrize(
    ("asked", "body", "expected"),
    [
        (ANNA, {"lid": LID, "pn": ANNA}, LID),
        (ANNA, {"lid": LID, "number": NUMBER}, LID),
        (ANNA, {"data": {"lid": LID}}, LID),
        (ANNA, {"lid": None, "pn": ANNA}, None),
        (LID, {"lid": LID, "pn": ANNA}, ANNA),
        (LID, {"lid": LID, "number": f"+{NUMBER}"}, ANNA),
        (LID, {"lid": LID, "number": NUMBER}, ANNA),
        (LID, {"lid": LID, "pn": None}, None),
        (LID, {"lid": LID, "pn": 7}, None),
        (LID, [], None),
    ],
)
async def test_aliases_work_in_both_directions(
    gateway: WawpGateway, script: Script, asked: str, body: Any, expected: str | None
) -> None:
    """A number may be bare digits."""
    script.answer(200, body)
    found = await gateway.aliases([asked, GROUP, "x"])
    assert found == ({} if expected is None else {asked: expected})
    [request] = script.received
    assert request.path == (
        f"/v2/lids/pn/{NUMBER}" if asked == ANNA else f"/v2/lids/{LID}"
    )


async def test_an_alias_that_can_t_be_found_does_not_hide_the_others(
    gateway: WawpGateway, script: Script
) -> None:
    """The call by lid may not exist."""
    script.answer(404, "")
    script.answer(200, {"lid": "5@lid"})
    assert await gateway.aliases([LID, BERT]) == {BERT: "5@lid"}


@pytest.mark.parametrize(
    "body",
    [
        [ANNA, LID, None],
        [{"id": ANNA}, {"id": {"_serialized": LID}}, {}],
        {"participants": [{"id": ANNA}, LID]},
        {"data": {"0": {"id": ANNA}, "1": {"id": LID}}},
    ],
)
async def test_group_members_are_listed(
    gateway: WawpGateway, script: Script, body: Any
) -> None:
    """In any of the list's forms."""
    script.answer(200, body)
    assert await gateway.group_members(GROUP) == [
        ChatInfo(chat_id=ANNA),
        ChatInfo(chat_id=LID),
    ]
    assert script.paths == [f"GET /v2/groups/{GROUP}/participants"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"url": "https://pps.example/x"}, "https://pps.example/x"),
        ({"profilePictureURL": "https://pps.example/x"}, "https://pps.example/x"),
        ({"data": {"url": "https://pps.example/x"}}, "https://pps.example/x"),
        ({"url": None}, None),
        ([], None),
    ],
)
async def test_a_picture_may_be_missing(
    gateway: WawpGateway, script: Script, body: Any, expected: str | None
) -> None:
    """And has two names."""
    script.answer(200, body)
    assert await gateway.picture_url(ANNA) == expected
    assert script.received[0].query == {**CREDENTIALS, "contactId": ANNA}


# --------------------------------------------------------------------- webhooks

FOREIGN = [
    {"url": "https://crm.example/hook?x=1", "events": ["message"], "is_active": False},
    {
        "url": "https://n8n.example/",
        "events": ["*"],
        "retries": {"attempts": 15, "delay": 2.5},
        "customHeaders": [{"name": "X", "value": "ü"}],
        "id": 7,
    },
    "https://bare.example/",
    None,
    7,
]
OURS = {"url": URL, "events": ["presence.update", "session.status"], "is_active": True}
SYSTEM = {"events": ["message"], "filters": {"x": 1}}


class Account:
    """The list of webhooks at Wawp, as its API reads and overwrites it."""

    def __init__(self, script: Script, webhooks: Any) -> None:
        """Answer from a list."""
        self.webhooks = webhooks
        self.writes: list[Any] = []
        self._script = script
        script.call(self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        if request.method == "GET":
            return web.json_response(
                {"webhooks": self.webhooks, "systemConfig": SYSTEM}
            )
        body = await request.json()
        self.writes.append(body)
        self.webhooks = body["webhooks"]
        return web.json_response(SUCCESS)


async def test_a_webhook_is_added_without_touching_the_others(
    gateway: WawpGateway, script: Script
) -> None:
    """The whole list is written, and nothing beside it."""
    account = Account(script, copy.deepcopy(FOREIGN))
    await gateway.create_webhook(URL)
    assert account.writes == [{**CREDENTIALS, "webhooks": [*FOREIGN, OURS]}]


@pytest.mark.parametrize("webhooks", [None, [], {}])
async def test_a_webhook_is_added_to_an_empty_list(
    gateway: WawpGateway, script: Script, webhooks: Any
) -> None:
    """In any form of emptiness."""
    account = Account(script, webhooks)
    await gateway.create_webhook(URL)
    assert account.webhooks == [OURS]


async def test_a_list_that_is_an_object_is_read_as_a_list(
    gateway: WawpGateway, script: Script
) -> None:
    """As PHP writes it."""
    account = Account(script, keyed(FOREIGN))
    await gateway.create_webhook(URL)
    assert account.webhooks == [*FOREIGN, OURS]


async def test_a_webhook_that_is_there_already_is_replaced_by_a_good_one(
    gateway: WawpGateway, script: Script
) -> None:
    """There is one of ours then."""
    account = Account(
        script, [{**OURS, "is_active": False}, *FOREIGN, {**OURS, "events": []}]
    )
    await gateway.create_webhook(URL)
    assert account.webhooks == [*FOREIGN, OURS]


async def test_a_webhook_is_removed_without_touching_the_others(
    gateway: WawpGateway, script: Script
) -> None:
    """And nothing is written if it is gone."""
    account = Account(script, [FOREIGN[0], OURS, *FOREIGN[1:]])
    await gateway.delete_webhook(URL)
    assert account.webhooks == FOREIGN
    await gateway.delete_webhook(URL)
    assert len(account.writes) == 1


async def test_changes_at_the_same_time_lose_nothing(
    gateway: WawpGateway, script: Script
) -> None:
    """Reading and writing are one step."""
    account = Account(script, [OURS, *FOREIGN])
    await asyncio.gather(
        gateway.create_webhook(f"{URL}1"),
        gateway.delete_webhook(URL),
        gateway.create_webhook(f"{URL}2"),
    )
    assert account.webhooks == [
        *FOREIGN,
        {**OURS, "url": f"{URL}1"},
        {**OURS, "url": f"{URL}2"},
    ]


class Contested(Account):
    """The same, of which another client writes its own version after our first write."""

    def __init__(self, script: Script, webhooks: Any, theirs: list[Any]) -> None:
        """Take what the other will write over ours."""
        super().__init__(script, webhooks)
        self._theirs: list[Any] | None = theirs

    async def _handle(self, request: web.Request) -> web.Response:
        answer = await super()._handle(request)
        if self.writes and self._theirs is not None:
            self.webhooks, self._theirs = self._theirs, None
        return answer


async def test_a_webhook_that_another_wrote_over_is_written_into_what_that_one_made(
    gateway: WawpGateway, script: Script
) -> None:
    """What the other added stays."""
    added = {**OURS, "url": "https://other-home.example/"}
    account = Contested(script, FOREIGN, theirs=[*FOREIGN, added])
    await gateway.create_webhook(URL)
    assert account.webhooks == [*FOREIGN, added, OURS]


@pytest.mark.parametrize("keeps_ours", [True, False])
async def test_what_another_took_away_is_not_put_back(
    gateway: WawpGateway, script: Script, keeps_ours: bool
) -> None:
    """It was read before, and is gone after; but not because of what was written here."""
    theirs = [*FOREIGN[1:], OURS] if keeps_ours else FOREIGN[1:]
    account = Contested(script, FOREIGN, theirs=theirs)
    await gateway.create_webhook(URL)
    assert account.webhooks == [*FOREIGN[1:], OURS]
    assert len(account.writes) == (1 if keeps_ours else 2)


async def test_a_write_comes_right_after_what_it_is_made_from(
    gateway: WawpGateway, script: Script
) -> None:
    """What another writes in between is lost: there is as little time for it as can be."""
    Account(script, [*FOREIGN, {**OURS, "url": f"{URL}1"}])
    await gateway.create_webhook(URL)
    await gateway.delete_webhook(f"{URL}1")
    get, post = "GET /v2/session/webhook", "POST /v2/session/webhook"
    assert script.paths == [get, post, get, get, post, get]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"webhooks": "x"},
        {"webhooks": {"url": URL}},
        {"webhooks": False},
        "<html>",
    ],
)
async def test_a_list_that_can_t_be_read_is_never_overwritten(
    gateway: WawpGateway, script: Script, body: Any
) -> None:
    """It may hold what is the user's."""
    script.answer(200, body)
    for call in (gateway.create_webhook(URL), gateway.delete_webhook(URL)):
        with pytest.raises(InvalidResponseError):
            await call
    assert script.paths == ["GET /v2/session/webhook"] * 2


async def test_a_free_plan_may_not_manage_webhooks(
    gateway: WawpGateway, script: Script
) -> None:
    """The user has to paste the URL."""
    script.answer(403, {"code": "subscription_required", "message": "upgrade"})
    for call in (
        gateway.list_webhooks(),
        gateway.create_webhook(URL),
        gateway.delete_webhook(URL),
    ):
        with pytest.raises(NotAllowedError, match="paid plan"):
            await call


async def test_a_write_that_is_refused_is_told(
    gateway: WawpGateway, script: Script
) -> None:
    """Also if it looks like a success."""
    script.answer(200, {"webhooks": []})
    script.answer(200, {"code": "subscription_required", "message": "upgrade"})
    with pytest.raises(NotAllowedError):
        await gateway.create_webhook(URL)


async def test_webhooks_are_listed_with_whether_they_work(
    gateway: WawpGateway, script: Script
) -> None:
    """Each URL once; one that is there more than once is not as it should be."""
    script.answer(
        200,
        {
            "success": True,
            "data": {
                "webhooks": [
                    {**OURS, "is_active": False},
                    OURS,
                    {**OURS, "events": []},
                    *FOREIGN,
                    {"url": "https://part.example", "events": ["presence.update"]},
                ]
            },
        },
    )
    assert await gateway.list_webhooks() == [
        Webhook(webhook_id=url, url=url, working=working)
        for url, working in (
            (URL, False),
            ("https://crm.example/hook?x=1", False),
            ("https://n8n.example/", True),
            ("https://bare.example/", False),
            ("https://part.example", False),
        )
    ]


# ------------------------------------------------------------------ all at once


def remembered(chat: str, word: str) -> dict[str, Any]:
    """Make a presence as WAHA beneath has it."""
    return {"id": chat, "presences": [{"participant": chat, "lastKnownPresence": word}]}


@pytest.mark.parametrize("wrap", [False, True])
async def test_all_presences_may_be_had_at_once(
    gateway: WawpGateway, script: Script, wrap: bool
) -> None:
    """Then a renewal is one request."""
    found = [remembered(ANNA, "online"), remembered(LID, "paused")]
    script.answer(200, {"success": True, "data": found} if wrap else found)
    script.answer(200, SUCCESS)
    assert await gateway.presences() == [
        PresenceUpdate(
            chat_id=ANNA,
            online=True,
            activity=Activity.IDLE,
            source=Source.REMEMBERED,
        ),
        PresenceUpdate(
            chat_id=LID,
            online=True,
            implied=True,
            activity=Activity.IDLE,
            source=Source.REMEMBERED,
        ),
    ]
    assert await gateway.subscribe(ANNA) is None
    assert script.paths == ["GET /v2/presence", f"POST /v2/presence/{ANNA}/subscribe"]
    assert script.received[0].query == CREDENTIALS


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "<html>"),
        (405, {}),
        (401, {}),
        (403, {}),
        (400, {}),
        (200, []),
        (200, SUCCESS),
    ],
)
async def test_an_instance_that_can_t_answer_for_all_is_left_alone(
    gateway: WawpGateway, script: Script, status: int, body: Any
) -> None:
    """The call is documented nowhere; single chats are asked all the same."""
    script.answer(status, body)
    script.answer(200, SUCCESS)
    script.answer(200, remembered(ANNA, "online"))
    # An engine that is known changes nothing about an empty list here.
    gateway.parse_event(json.dumps(PRESENCE).encode(), {})
    assert await gateway.presences() is None
    assert await gateway.presences() is None
    assert await gateway.subscribe(ANNA) is not None
    assert script.paths == [
        "GET /v2/presence",
        f"POST /v2/presence/{ANNA}/subscribe",
        f"GET /v2/presence/{ANNA}",
    ]


@pytest.mark.parametrize("body", [{}, [], {"success": True}])
async def test_what_has_not_the_gateway_s_form_is_no_success(
    gateway: WawpGateway, script: Script, body: Any
) -> None:
    """Something else answers at this address."""
    script.answer(200, body)
    with pytest.raises(InvalidResponseError, match="no answer of Wawp"):
        await gateway.validate()
