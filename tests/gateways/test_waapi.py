"""WaAPI's dialect: events, answers, refusals."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
import hashlib
import hmac
import json
import logging
from typing import Any

from aiohttp import ClientSession
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
    Transport,
    UnreachableError,
    Webhook,
)
from custom_components.whatsapp_presence.gateways.pacing import Pacer, Priority
from custom_components.whatsapp_presence.gateways.waapi import WaApiGateway
from custom_components.whatsapp_presence.presence.model import (
    Activity,
    PresenceUpdate,
    Source,
)

from .conftest import ANNA, GROUP, LID, NUMBER, TOKEN, Script

BERT = "491700000000@c.us"
URL = "https://home.example/api/webhook/abc"
INSTANCE = "/api/v1/instances/123"
ACTION = f"{INSTANCE}/client/action"


def make(
    session: ClientSession | None, url: str | None = None, **config: Any
) -> WaApiGateway:
    """Create the client as the integration does."""
    data = {"instance_id": "123", "api_token": TOKEN, **config}
    if url is not None:
        data["url"] = url
    return WaApiGateway.from_config(session, data)  # type: ignore[arg-type]


@pytest.fixture
def gateway(session: ClientSession, script: Script) -> WaApiGateway:
    """Return a client that speaks to the scripted server."""
    return make(session, script.url)


@pytest.fixture
def parser() -> WaApiGateway:
    """Return a client that only reads events."""
    return make(None)


def presence(**fields: Any) -> dict[str, Any]:
    """Make a presence as the documentation has it."""
    return {
        "id": ANNA,
        "isGroup": False,
        "isOnline": True,
        "chatstate": "available",
        "lastSeen": None,
        "deny": False,
        "typingParticipants": [],
        "recordingParticipants": [],
        "hasData": True,
        "isSubscribed": True,
        **fields,
    }


def event(data: Any, name: str = "presence_update", **fields: Any) -> bytes:
    """Make a webhook's body."""
    return json.dumps(
        {"event": name, "instanceId": 123, "data": data, **fields}
    ).encode()


def action(payload: Any) -> dict[str, Any]:
    """Wrap an action's payload as the documentation has it."""
    return {
        "status": "success",
        "links": {"self": "https://waapi.app/"},
        "data": {"status": "success", "instanceId": "123", "data": payload},
    }


def update(**fields: Any) -> PresenceUpdate:
    """Make the update that `presence()` means, with differences."""
    known: dict[str, Any] = {
        "chat_id": ANNA,
        "online": True,
        "activity": Activity.IDLE,
        "last_seen_hidden": False,
        "subscribed": True,
    }
    return PresenceUpdate(**known | fields)


def answered(told: PresenceUpdate) -> PresenceUpdate:
    """Return the same, told when Anna was asked about: her present state."""
    asked_as = ANNA if told.chat_id != ANNA else None
    return replace(told, source=Source.LIVE, asked_as=asked_as)


PRESENCES: list[tuple[dict[str, Any], PresenceUpdate]] = [
    (presence(), update()),
    (
        presence(chatstate="typing"),
        update(activity=Activity.TYPING),
    ),
    (
        presence(chatstate="recording_audio"),
        update(activity=Activity.RECORDING),
    ),
    # Typing came before the first presence, or being online is hidden.
    (
        presence(chatstate="typing", isOnline=False),
        update(online=False, activity=Activity.TYPING),
    ),
    (
        presence(chatstate="unavailable", isOnline=False, lastSeen=1686719326),
        update(online=False, last_seen=1686719326.0),
    ),
    (
        presence(chatstate="unavailable", isOnline=False, lastSeen="1686719326"),
        update(online=False, last_seen=1686719326.0),
    ),
    (
        presence(chatstate="unavailable", isOnline=False, lastSeen=1686719326123),
        update(online=False, last_seen=1686719326.123),
    ),
    (
        presence(
            chatstate="unavailable", isOnline=False, lastSeen=1686719326, deny=True
        ),
        update(online=False, last_seen_hidden=True),
    ),
    # Unknown, whatever else it says.
    (
        presence(hasData=False, chatstate="unavailable", isOnline=False, lastSeen=1),
        PresenceUpdate(chat_id=ANNA, has_data=False, subscribed=True),
    ),
    (
        presence(hasData="false", isSubscribed=0),
        PresenceUpdate(chat_id=ANNA, has_data=False, subscribed=False),
    ),
    # No field is sure to be there, or to have its type.
    ({"id": ANNA}, PresenceUpdate(chat_id=ANNA)),
    (
        {"id": ANNA, "hasData": True},
        PresenceUpdate(chat_id=ANNA, last_seen_hidden=False),
    ),
    ({"id": ANNA, "deny": "1"}, PresenceUpdate(chat_id=ANNA, last_seen_hidden=True)),
    (
        {
            "id": {"_serialized": f"{NUMBER}:12@s.whatsapp.net"},
            "isOnline": "true",
            "chatstate": None,
            "lastSeen": "never",
            "deny": "maybe",
            "hasData": [],
            "isSubscribed": {},
        },
        PresenceUpdate(chat_id=ANNA, online=True),
    ),
    (
        presence(chatstate="dancing", isOnline=1),
        update(activity=None),
    ),
    (presence(chatstate=7), update(activity=None)),
    (presence(id=LID), update(chat_id=LID)),
    # Groups.
    (
        presence(
            id=GROUP,
            isGroup=True,
            chatstate=None,
            typingParticipants=[ANNA, {"_serialized": LID}, "status@broadcast", 7],
            recordingParticipants=[],
        ),
        PresenceUpdate(
            chat_id=GROUP,
            online=True,
            subscribed=True,
            typing_members=frozenset({ANNA, LID}),
            recording_members=frozenset(),
        ),
    ),
    (
        {"id": GROUP, "hasData": True, "isOnline": False, "typingParticipants": None},
        PresenceUpdate(chat_id=GROUP, online=False),
    ),
]


@pytest.mark.parametrize(("data", "expected"), PRESENCES)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_presence_event_is_read_wherever_the_presence_is(
    parser: WaApiGateway,
    data: dict[str, Any],
    expected: PresenceUpdate,
    wrapped: bool,
) -> None:
    """At `data.presence` or `data` itself."""
    raw = event({"presence": data} if wrapped else data)
    assert parser.parse_event(raw, {}) == [expected]


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("ready", {"status": "ready"}, InstanceStatus.READY),
        ("disconnected", "NAVIGATION", InstanceStatus.DISCONNECTED),
        ("auth_failure", {}, InstanceStatus.FAILED),
        ("qr", {"qr": "x"}, InstanceStatus.LOGIN_REQUIRED),
        ("authenticated", None, InstanceStatus.STARTING),
        ("loading_screen", {"percent": 50}, InstanceStatus.STARTING),
        ("change_state", {"state": "CONNECTED"}, InstanceStatus.READY),
        ("change_state", "UNPAIRED", InstanceStatus.LOGIN_REQUIRED),
        ("change_state", {"status": "timeout"}, InstanceStatus.DISCONNECTED),
        ("change_state", {"state": "TOS_BLOCK"}, InstanceStatus.FAILED),
    ],
)
def test_an_instance_event_tells_the_status(
    parser: WaApiGateway, name: str, data: Any, status: InstanceStatus
) -> None:
    """Each of those that the documentation names."""
    assert parser.parse_event(event(data, name), {}) == [InstanceEvent(status=status)]


def test_an_instance_event_needs_no_data(parser: WaApiGateway) -> None:
    """Nor an instance id."""
    assert parser.parse_event(b'{"event": "ready"}', {}) == [
        InstanceEvent(status=InstanceStatus.READY)
    ]


@pytest.mark.parametrize(
    "raw",
    [
        event({"body": "hello"}, "message"),
        event(None, "state_change"),
        event({"state": "SOMETHING"}, "change_state"),
        event(None, "change_state"),
        event({"presence": None}),
        event(None),
        event([presence()]),
        event({"presence": []}),
        event(presence(id=None)),
        event(presence(id="status@broadcast")),
        event(presence(id="1" * 1000)),
        event({}),
    ],
)
def test_what_is_of_no_interest_is_nothing(parser: WaApiGateway, raw: bytes) -> None:
    """Other events, other words, other shapes."""
    assert parser.parse_event(raw, {}) == []


def test_several_events_in_one_body_are_all_read(parser: WaApiGateway) -> None:
    """Whatever is between them."""
    raw = b"[" + event(presence()) + b", 7, " + event(None, "ready") + b"]"
    assert parser.parse_event(raw, {}) == [
        update(),
        InstanceEvent(status=InstanceStatus.READY),
    ]


@pytest.mark.parametrize("instance_id", [124, "124", "", 0])
def test_an_event_of_another_instance_is_ignored_and_told_once(
    parser: WaApiGateway, instance_id: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names nobody."""
    for name in ("presence_update", "ready"):
        raw = event(presence(), name, instanceId=instance_id)
        assert parser.parse_event(raw, {}) == []
    [line] = caplog.messages
    assert "another instance" in line
    assert "124" not in line


@pytest.mark.parametrize("instance_id", [123, "123", " 123 ", None, [], {}])
def test_an_instance_id_in_any_form_will_do(
    parser: WaApiGateway, instance_id: Any
) -> None:
    """A number or a string, or none."""
    raw = event(presence(), instanceId=instance_id)
    assert parser.parse_event(raw, {}) == [update()]


def test_each_oddity_is_logged_once_and_without_its_content(
    parser: WaApiGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Three kinds, three lines."""
    caplog.set_level(logging.DEBUG)
    for word in ("dancing", "singing"):
        parser.parse_event(event(presence(chatstate=word)), {})
        parser.parse_event(event({"contact": ANNA}), {})
        parser.parse_event(event(presence(), instanceId=NUMBER), {})
    assert len(caplog.messages) == 3
    assert not [line for line in caplog.messages if NUMBER in line or "ing'" in line]


VECTOR = b'{"event":"ready","instanceId":123}'


@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
@pytest.mark.parametrize("name", ["x-waapi-hmac", "X-WaAPI-HMAC"])
@pytest.mark.parametrize("upper", [False, True])
def test_a_signature_is_verified(
    parser: WaApiGateway, prefix: str, name: str, upper: bool
) -> None:
    """With and without the algorithm's name, in either case."""
    digest = hmac.new(b"key", VECTOR, hashlib.sha256).hexdigest()
    given = prefix + (digest.upper() if upper else digest)
    assert parser.verify_signature(VECTOR, {name: given}, "key")
    assert not parser.verify_signature(VECTOR + b" ", {name: given}, "key")
    assert not parser.verify_signature(VECTOR, {name: given}, "other")


@pytest.mark.parametrize("given", ["", "sha256=", "0" * 64, "\N{SNOWMAN}", "\udcff"])
def test_a_wrong_signature_is_refused(parser: WaApiGateway, given: str) -> None:
    """Whatever is in its place."""
    assert not parser.verify_signature(VECTOR, {"x-waapi-hmac": given}, "key")
    assert not parser.verify_signature(VECTOR, {}, "key")


def test_what_it_says_of_itself(session: ClientSession) -> None:
    """Names, URL, secrets."""
    gateway = make(session, instance_id=" 123 ", api_token=f" {TOKEN}\n")
    assert gateway.name == "WaAPI"
    assert gateway.url == "https://waapi.app/api/v1"
    assert gateway.unique_id == "123"
    assert gateway.secrets == {TOKEN}
    assert gateway.capabilities.transport is Transport.WEBHOOK


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/v1"),
        ("https://proxy.example/waapi/", "https://proxy.example/waapi"),
        ("https://waapi.app/api/v1/", "https://waapi.app/api/v1"),
    ],
)
def test_a_url_without_a_path_gets_the_api_s(
    session: ClientSession, url: str, expected: str
) -> None:
    """As a user types it."""
    assert make(session, url).url == expected


@pytest.mark.parametrize("instance_id", ["abc", "1/../2", "", "１２", "-1", "1 2"])
async def test_an_instance_id_that_is_no_number_is_not_found(
    session: ClientSession, script: Script, instance_id: str
) -> None:
    """Without asking anybody."""
    with pytest.raises(NotFoundError):
        await make(session, script.url, instance_id=instance_id).validate()
    assert script.received == []


@pytest.mark.parametrize("token", ["a\nb", "a\r\nX-Evil: 1", "töken", "a\0b"])
async def test_a_token_that_fits_no_header_is_refused(
    session: ClientSession, script: Script, token: str
) -> None:
    """Without sending it."""
    with pytest.raises(AuthenticationError):
        await make(session, script.url, api_token=token).validate()
    assert script.received == []


ABOUT = {"instance": {"id": 123, "name": "Home"}, "status": "success"}
READY = {
    "clientStatus": {
        "status": "success",
        "instanceId": "123",
        "instanceStatus": "ready",
    },
    "status": "success",
}
ME = {
    "me": {
        "status": "success",
        "data": {"displayName": "Olga", "contactId": ANNA, "formattedNumber": "+49"},
    },
    "status": "success",
}


async def test_validate_asks_for_the_instance_its_status_and_the_account(
    gateway: WaApiGateway, script: Script
) -> None:
    """Each with the token in its header."""
    script.answer(200, ABOUT)
    script.answer(200, READY)
    script.answer(200, ME)
    assert await gateway.validate() == InstanceInfo(
        status=InstanceStatus.READY, account_id=ANNA, account_name="Olga"
    )
    assert script.paths == [
        f"GET {INSTANCE}",
        f"GET {INSTANCE}/client/status",
        f"GET {INSTANCE}/client/me",
    ]
    assert {request.headers["Authorization"] for request in script.received} == {
        f"Bearer {TOKEN}"
    }
    assert not any(request.query for request in script.received)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("ready", InstanceStatus.READY),
        ("READY", InstanceStatus.READY),
        ("booting", InstanceStatus.STARTING),
        ("loading_screen", InstanceStatus.STARTING),
        ("authenticated", InstanceStatus.STARTING),
        ("qr", InstanceStatus.LOGIN_REQUIRED),
        ("auth_failure", InstanceStatus.FAILED),
        ("disconnected", InstanceStatus.DISCONNECTED),
        ("sleeping", InstanceStatus.UNKNOWN),
        ("", InstanceStatus.UNKNOWN),
        (None, InstanceStatus.UNKNOWN),
        (7, InstanceStatus.UNKNOWN),
    ],
)
async def test_status_understands_each_word(
    gateway: WaApiGateway, script: Script, word: Any, status: InstanceStatus
) -> None:
    """And takes others for unknown."""
    script.answer(200, {"clientStatus": {"instanceStatus": word}, "status": "success"})
    assert await gateway.status() == InstanceInfo(status=status)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"message": "instance not ready", "status": "error"}),
        (409, "conflict"),
        (200, {"status": "error", "message": "something"}),
        (200, {"status": "error"}),
        (400, {"message": "The instance is not ready yet."}),
    ],
)
async def test_status_of_an_instance_that_is_not_ready_is_no_error(
    gateway: WaApiGateway, script: Script, status: int, body: Any
) -> None:
    """Every form in which it is told."""
    script.answer(status, body)
    assert await gateway.status() == InstanceInfo(status=InstanceStatus.DISCONNECTED)
    with pytest.raises(NotReadyError):
        await gateway.subscribe(ANNA)


async def test_validate_of_an_instance_that_is_not_ready_is_no_error(
    gateway: WaApiGateway, script: Script
) -> None:
    """It has a name, but no account yet."""
    script.answer(200, ABOUT)
    script.answer(200, {"clientStatus": {"instanceStatus": "qr"}, "status": "success"})
    assert await gateway.validate() == InstanceInfo(
        status=InstanceStatus.LOGIN_REQUIRED, account_name="Home"
    )
    assert len(script.received) == 2


@pytest.mark.parametrize(
    ("status", "body", "name"),
    [
        (403, {"message": "scope"}, "Home"),
        (200, {}, "Home"),
        (200, {"me": {"data": {"displayName": "+49 151 1234567"}}}, "Home"),
        (200, "<html>", "Home"),
    ],
)
async def test_validate_does_without_the_account(
    gateway: WaApiGateway, script: Script, status: int, body: Any, name: str
) -> None:
    """A number is no name."""
    script.answer(200, ABOUT)
    script.answer(200, READY)
    script.answer(status, body)
    assert await gateway.validate() == InstanceInfo(
        status=InstanceStatus.READY, account_name=name
    )


TRIAL = "Your trial instance is only able to send actions to 49151…"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"message": "Unauthenticated."}, AuthenticationError, "token"),
        (401, "<html>", AuthenticationError, "token"),
        (403, {"message": "missing scope"}, NotAllowedError, "not allowed"),
        (403, {"message": TRIAL}, NotAllowedError, "trial"),
        (403, TRIAL, NotAllowedError, "trial"),
        (402, {}, NotAllowedError, "not allowed"),
        (404, {"message": "Not found"}, NotFoundError, "no such instance"),
        (405, "nope", InvalidResponseError, "refused"),
        (
            422,
            {"message": "The given data was invalid.", "errors": {}, "status": "error"},
            InvalidResponseError,
            "refused",
        ),
        (400, "nope", InvalidResponseError, "refused"),
        (500, "<html>", UnreachableError, "out of order"),
        (502, {}, UnreachableError, "out of order"),
        (200, "<html>", InvalidResponseError, "not JSON"),
        (200, "", InvalidResponseError, "not JSON"),
        (200, [], InvalidResponseError, "unexpected"),
        (200, {"status": "error", "message": TRIAL}, NotAllowedError, "trial"),
    ],
)
async def test_refusals_are_told_apart(
    gateway: WaApiGateway,
    script: Script,
    status: int,
    *,
    body: Any,
    error: type[GatewayError],
    words: str,
) -> None:
    """In our own words; the gateway's may hold a number."""
    script.answer(status, body)
    for call in (gateway.validate(), gateway.subscribe(ANNA), gateway.list_webhooks()):
        with pytest.raises(error, match=words) as caught:
            await call
        assert isinstance(caught.value, error)
        assert "49151" not in str(caught.value)


@pytest.mark.parametrize(
    ("inner", "error"),
    [
        ({"message": "incorrect chatId format.", "explanation": "x"}, NotFoundError),
        ({"message": "x", "explanation": "invalid wid"}, NotFoundError),
        ({"message": TRIAL}, NotAllowedError),
        ({"message": "client is not ready"}, NotReadyError),
        ({"message": "something else"}, InvalidResponseError),
        ({"message": None, "explanation": []}, InvalidResponseError),
    ],
)
async def test_the_inner_status_counts(
    gateway: WaApiGateway,
    script: Script,
    inner: Mapping[str, Any],
    error: type[GatewayError],
) -> None:
    """HTTP 200 and an outer success prove nothing."""
    script.answer(200, {"status": "success", "data": {"status": "error", **inner}})
    for call in (gateway.subscribe(ANNA), gateway.snapshot(ANNA)):
        with pytest.raises(error):
            await call


@pytest.mark.parametrize(("data", "expected"), PRESENCES)
async def test_subscribe_tells_the_state(
    gateway: WaApiGateway,
    script: Script,
    data: dict[str, Any],
    expected: PresenceUpdate,
) -> None:
    """It waits for the first push."""
    script.answer(200, action({"presence": data}))
    assert await gateway.subscribe(ANNA) == answered(expected)
    [request] = script.received
    assert (request.method, request.path) == ("POST", f"{ACTION}/get-chat-presence")
    assert request.body == {"chatId": ANNA, "waitForData": True, "timeoutMs": 6000}


@pytest.mark.parametrize(
    "body",
    [
        action({"presence": None}),
        action(None),
        action([]),
        {"status": "success"},
        {"status": "success", "data": None},
        {"status": "success", "data": {"status": "success", "presence": None}},
    ],
)
async def test_a_null_presence_is_nothing(
    gateway: WaApiGateway, script: Script, body: Any
) -> None:
    """Neither success nor failure of the subscription."""
    script.answer(200, body)
    assert await gateway.snapshot(ANNA) is None
    assert await gateway.subscribe(ANNA) is None


@pytest.mark.parametrize(
    "body",
    [
        {"status": "success", "data": {"presence": presence(id=LID)}},
        {
            "status": "success",
            "data": {"status": "success", "presence": presence(id=LID)},
        },
        action(presence(id=LID)),
    ],
)
async def test_a_snapshot_of_an_older_version_is_read_too(
    gateway: WaApiGateway, script: Script, body: Any
) -> None:
    """One level higher, and under another id: an alias to learn."""
    script.answer(200, body)
    assert await gateway.snapshot(ANNA) == answered(update(chat_id=LID))
    [request] = script.received
    assert request.path == f"{ACTION}/get-chat-presence-snapshot"
    assert request.body == {"chatId": ANNA}


async def test_an_answer_without_an_id_is_of_who_was_asked_for(
    gateway: WaApiGateway, script: Script
) -> None:
    """Whose else should it be."""
    script.answer(200, action({"presence": presence(id=None)}))
    assert await gateway.snapshot(ANNA) == answered(update())


def chat(identity: Any, name: Any = None, **fields: Any) -> dict[str, Any]:
    """Make a chat of a list."""
    return {"id": identity, "name": name, **fields}


async def test_the_chats_come_before_the_contacts_and_each_once(
    gateway: WaApiGateway, script: Script
) -> None:
    """A name that only the contact has is taken over."""
    script.answer(
        200,
        action(
            [
                chat({"_serialized": ANNA}, ""),
                chat({"_serialized": GROUP}, "Family", isGroup=True),
                chat({"_serialized": "status@broadcast"}, "Status"),
                "nonsense",
                {"name": "nobody"},
            ]
        ),
    )
    script.answer(
        200,
        action(
            [
                chat({"_serialized": ANNA}, "Anna", isMyContact=True),
                chat(BERT, None, pushname="Bert", isMyContact=True),
                chat({"_serialized": "491600000000@c.us"}, "Spam", isMyContact=False),
            ]
        ),
    )
    assert await gateway.list_chats() == [
        ChatInfo(chat_id=ANNA, name="Anna"),
        ChatInfo(chat_id=GROUP, name="Family"),
        ChatInfo(chat_id=BERT, name="Bert"),
    ]
    assert script.paths == [f"POST {ACTION}/get-chats", f"POST {ACTION}/get-contacts"]


async def test_the_chats_are_read_page_by_page(
    gateway: WaApiGateway, script: Script
) -> None:
    """Until one is not full; and no further if the pages repeat themselves."""

    def page(start: int, count: int) -> list[dict[str, Any]]:
        return [chat(f"49151{i:07}@c.us") for i in range(start, start + count)]

    script.answer(200, action(page(0, 200)))
    script.answer(200, {"status": "success", "data": {"chats": page(200, 100)}})
    script.answer(200, action([]))
    assert len(await gateway.list_chats()) == 300
    assert [request.body for request in script.received] == [
        {"offset": 0, "limit": 200},
        {"offset": 200, "limit": 200},
        {},
    ]
    script.received.clear()
    script.answers.clear()
    script.answer(200, action(page(0, 200)))
    assert len(await gateway.list_chats()) == 200
    assert len(script.received) == 3


async def test_contacts_that_can_t_be_listed_are_done_without(
    gateway: WaApiGateway, script: Script
) -> None:
    """But a token that was revoked is told."""
    script.answer(200, action([chat(ANNA, "Anna")]))
    script.answer(403, {})
    assert await gateway.list_chats() == [ChatInfo(chat_id=ANNA, name="Anna")]
    script.answers.clear()
    script.answer(200, action([]))
    script.answer(401, {})
    with pytest.raises(AuthenticationError):
        await gateway.list_chats()


async def test_the_first_pass_does_not_wait(
    gateway: WaApiGateway, script: Script
) -> None:
    """The pushes bring what is not known yet."""
    script.answer(200, action({"presence": None}))
    assert await gateway.subscribe(ANNA, wait=False) is None
    [request] = script.received
    assert request.body == {"chatId": ANNA, "waitForData": False}


async def test_nothing_answers_for_all(gateway: WaApiGateway, script: Script) -> None:
    """Each chat has to be asked."""
    assert await gateway.presences() is None
    assert script.received == []


def test_typing_implies_nothing(parser: WaApiGateway) -> None:
    """Who is online is told by itself, also while somebody types."""
    for word, online in (("typing", False), ("recording_audio", True)):
        raw = event(presence(chatstate=word, isOnline=online))
        [told] = parser.parse_event(raw, {})
        assert isinstance(told, PresenceUpdate)
        assert (told.online, told.implied) == (online, False)
        assert (told.source, told.never_pauses) == (Source.EVENT, False)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (TRIAL, "on trial"),
        ("The token lacks a scope.", "lacks a scope"),
        ("Invalid ability provided.", "lacks a scope"),
        ("Your account is blocked.", "blocked by WaAPI"),
        ("Forbidden", "is not allowed to do this"),
    ],
)
async def test_what_is_not_allowed_is_told_apart(
    gateway: WaApiGateway, script: Script, message: str, told: str
) -> None:
    """Each wants something else of the user, and none of them a new token."""
    script.answer(403, {"message": message, "status": "error"})
    with pytest.raises(NotAllowedError, match=told):
        await gateway.subscribe(ANNA)


@pytest.mark.parametrize("body", [{}, {"status": "success"}, {"instance": []}])
async def test_what_has_not_the_gateway_s_form_is_no_success(
    gateway: WaApiGateway, script: Script, body: Any
) -> None:
    """Something else answers at this address."""
    script.answer(200, body)
    with pytest.raises(InvalidResponseError, match="no answer of WaAPI"):
        await gateway.validate()


@pytest.mark.parametrize("trial", [True, False])
async def test_a_trial_is_told(
    gateway: WaApiGateway, script: Script, trial: bool
) -> None:
    """Before the first chat is chosen."""
    script.answer(200, {"instance": {"id": 123, "is_trial": trial}})
    script.answer(200, {"clientStatus": {"instanceStatus": "qr"}})
    assert (await gateway.validate()).trial is trial


async def test_requests_go_in_their_order(
    gateway: WaApiGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renewals before look-ups before pictures, all of them after what is waited for."""
    levels: list[Priority] = []

    @asynccontextmanager
    async def turn(self: Pacer, own: Priority) -> AsyncIterator[None]:
        levels.append(own)
        raise UnreachableError("Enough is known.")
        yield

    monkeypatch.setattr(Pacer, "turn", turn)
    for call in (
        gateway.status(),
        gateway.subscribe(ANNA),
        gateway.snapshot(ANNA),
        gateway.aliases([ANNA]),
        gateway.group_members(GROUP),
        gateway.picture_url(ANNA),
    ):
        with pytest.raises(UnreachableError):
            await call
    assert levels == [
        Priority.URGENT,
        Priority.RENEWAL,
        Priority.RENEWAL,
        Priority.LOOK_UP,
        Priority.LOOK_UP,
        Priority.PICTURE,
    ]


BRAZIL = {"server": "c.us", "user": "551199999999", "_serialized": "551199999999@c.us"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([(200, action({"numberId": BRAZIL}))], "551199999999@c.us"),
        ([(200, action({"numberId": None}))], None),
        ([(200, action(BRAZIL))], "551199999999@c.us"),
        ([(200, {"status": "success", "data": {"numberId": None}})], None),
        # What says nothing leads to the second question.
        ([(200, action({})), (200, action(True))], ANNA),
        ([(200, action({})), (200, action(False))], None),
        ([(200, action({})), (200, action({"isRegisteredUser": True}))], ANNA),
        ([(200, action({})), (200, action({"isRegisteredUser": False}))], None),
        # Who can't tell does not hinder.
        ([(200, action({})), (200, action({}))], ANNA),
        ([(404, {})], ANNA),
        ([(200, {"data": {"status": "error", "message": "unknown action"}})], ANNA),
    ],
)
async def test_resolve_finds_the_id_that_is_right(
    gateway: WaApiGateway,
    script: Script,
    answers: list[tuple[int, Any]],
    expected: str | None,
) -> None:
    """Also where it has other digits than the number."""
    for status, body in answers:
        script.answer(status, body)
    assert await gateway.resolve(NUMBER) == expected
    assert script.received[0].path == f"{ACTION}/get-number-id"
    assert script.received[0].body == {"number": NUMBER}
    if len(answers) > 1:
        assert script.received[1].path == f"{ACTION}/is-registered-user"
        assert script.received[1].body == {"contactId": ANNA}


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (403, NotAllowedError), (409, NotReadyError)],
)
async def test_resolve_tells_what_is_wrong_with_the_instance(
    gateway: WaApiGateway, script: Script, status: int, error: type[GatewayError]
) -> None:
    """That is not for a guess."""
    script.answer(status, {})
    with pytest.raises(error):
        await gateway.resolve(NUMBER)


async def test_aliases_work_in_both_directions(
    gateway: WaApiGateway, script: Script
) -> None:
    """Groups and nonsense are not asked for; what has no other id is left out."""
    script.answer(
        200,
        action(
            {
                "contacts": [
                    {"lid": LID, "pn": ANNA},
                    {"lid": "5@lid", "pn": BERT},
                    {"lid": None, "pn": "491600000000@c.us"},
                    {"lid": "6@lid", "pn": "6@lid"},
                    None,
                ]
            }
        ),
    )
    assert await gateway.aliases([ANNA, GROUP, "x", "5@lid"]) == {
        ANNA: LID,
        "5@lid": BERT,
    }
    [request] = script.received
    assert request.path == f"{ACTION}/get-lid"
    assert request.body == {"contactIds": [ANNA, "5@lid"]}


async def test_many_aliases_are_asked_for_at_once(
    gateway: WaApiGateway, script: Script
) -> None:
    """As many as one call takes; and none in none."""
    script.answer(200, action({"contacts": [{"lid": LID, "pn": ANNA}]}))
    assert await gateway.aliases([GROUP]) == {}
    many = [f"49151{i:07}@c.us" for i in range(49)]
    assert gateway.capabilities.lookup_batch == 50
    assert await gateway.aliases([*many, ANNA]) == {ANNA: LID}
    [request] = script.received
    assert request.body["contactIds"] == [*many, ANNA]


async def test_group_members_are_listed(gateway: WaApiGateway, script: Script) -> None:
    """By their ids; names are not told."""
    script.answer(
        200,
        action(
            {
                "subject": "Family",
                "participants": [
                    {"id": {"_serialized": ANNA}, "isAdmin": True},
                    {"id": {"_serialized": LID}},
                    {"id": None},
                ],
            }
        ),
    )
    assert await gateway.group_members(GROUP) == [
        ChatInfo(chat_id=ANNA),
        ChatInfo(chat_id=LID),
    ]
    assert script.received[0].body == {"chatId": GROUP}
    assert script.received[0].path == f"{ACTION}/get-group-info"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"profilePicUrl": "https://pps.example/x"}, "https://pps.example/x"),
        ({"profilePicUrl": None}, None),
        ({}, None),
        ([], None),
    ],
)
async def test_a_picture_may_be_missing(
    gateway: WaApiGateway, script: Script, payload: Any, expected: str | None
) -> None:
    """Null if there is none or it is hidden."""
    script.answer(200, action(payload))
    assert await gateway.picture_url(ANNA) == expected
    assert script.received[0].body == {"contactId": ANNA}


async def test_the_account_announces_itself(
    gateway: WaApiGateway, script: Script
) -> None:
    """And withdraws."""
    script.answer(200, action({"available": True}))
    await gateway.set_available(True)
    await gateway.set_available(False)
    assert script.paths == [
        f"POST {ACTION}/send-presence-available",
        f"POST {ACTION}/send-presence-unavailable",
    ]


def hook(webhook_id: Any = 42, **fields: Any) -> dict[str, Any]:
    """Make a webhook subscription."""
    return {
        "id": webhook_id,
        "url": URL,
        "events": ["presence_update", "ready"],
        "source": "api",
        "isActive": True,
        **fields,
    }


async def test_webhooks_are_listed_with_whether_they_work(
    gateway: WaApiGateway, script: Script
) -> None:
    """Inactive ones, and those without an event that is needed, do not."""
    script.answer(
        200,
        {
            "data": [
                hook(),
                hook("43", isActive=False),
                hook(44, events=["message"]),
                hook(45, events=None, url="https://other.example"),
                hook(None),
                hook(46, url=None),
                hook(True),
                "nonsense",
            ]
        },
    )
    assert await gateway.list_webhooks() == [
        Webhook(webhook_id="42", url=URL, working=True),
        Webhook(webhook_id="43", url=URL, working=False),
        Webhook(webhook_id="44", url=URL, working=False),
        Webhook(webhook_id="45", url="https://other.example", working=False),
    ]
    assert script.paths == [f"GET {INSTANCE}/webhooks"]


EVENTS = [
    "presence_update",
    "ready",
    "disconnected",
    "auth_failure",
    "change_state",
    "qr",
]


async def test_a_webhook_is_created(gateway: WaApiGateway, script: Script) -> None:
    """For the events that are read."""
    script.answer(201, {"data": hook(events=EVENTS)})
    await gateway.create_webhook(URL)
    [request] = script.received
    assert (request.method, request.path) == ("POST", f"{INSTANCE}/webhooks")
    assert request.body == {"url": URL, "events": EVENTS, "source": "api"}


@pytest.mark.parametrize("fields", [{"events": ["message"]}, {"isActive": False}])
async def test_a_webhook_that_is_there_but_does_not_work_is_replaced(
    gateway: WaApiGateway, script: Script, fields: dict[str, Any]
) -> None:
    """The gateway answers with the old one instead of making a new one."""
    script.answer(200, {"data": hook(**fields)})
    script.answer(204, "")
    script.answer(201, {"data": hook(43)})
    await gateway.create_webhook(URL)
    assert script.paths == [
        f"POST {INSTANCE}/webhooks",
        f"DELETE {INSTANCE}/webhooks/42",
        f"POST {INSTANCE}/webhooks",
    ]


async def test_too_many_webhooks_are_not_allowed(
    gateway: WaApiGateway, script: Script
) -> None:
    """25 is the gateway's limit."""
    script.answer(422, {"message": "The given data was invalid.", "status": "error"})
    with pytest.raises(NotAllowedError, match="no further webhook"):
        await gateway.create_webhook(URL)


@pytest.mark.parametrize(("status", "body"), [(204, ""), (404, {}), (200, "{}")])
async def test_a_webhook_that_is_gone_already_is_no_error(
    gateway: WaApiGateway, script: Script, status: int, body: Any
) -> None:
    """Gone is what was wanted."""
    script.answer(status, body)
    await gateway.delete_webhook("4/2")
    assert script.paths == [f"DELETE {INSTANCE}/webhooks/4%2F2"]


async def test_a_webhook_that_may_not_be_deleted_is_an_error(
    gateway: WaApiGateway, script: Script
) -> None:
    """The scope is missing."""
    script.answer(403, {})
    with pytest.raises(NotAllowedError):
        await gateway.delete_webhook("42")
