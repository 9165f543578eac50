"""What all dialects do alike."""

import json

from aiohttp import ClientSession
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    Gateway,
    InvalidEventError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    Transport,
    UnreachableError,
)

from .conftest import ANNA, CONFIGS, NUMBER, Script

SESSIONS = ("wawp", "waha")


@pytest.fixture(params=list(GATEWAYS))
def key(request: pytest.FixtureRequest) -> str:
    """Return each gateway's key."""
    found: str = request.param
    return found


@pytest.fixture
def gateway(key: str, session: ClientSession, script: Script) -> Gateway:
    """Return each gateway's client, speaking to the scripted server."""
    config = {**CONFIGS[key], "url": script.url}
    return GATEWAYS[key].from_config(session, config)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"x",
        b"hello",
        b"pong",
        b"<xml/>",
        b"\xff\xfe",
        b"null",
        b"7",
        b"[]",
        b"[[]]",
        b"[1, null]",
        b"{}",
        b'{"event": null}',
        b'{"event": 7}',
        b'"x"',
        b'"hello"',
        b'"{}"',
        b'"\\"x\\""',
        b'"\\ud800"',
        b"[" * 100000,
        b'{"a":' * 10000,
        json.dumps({"id": ANNA, "isOnline": True, "chatstate": "typing"}).encode(),
    ],
)
def test_what_is_no_event_is_refused(gateway: Gateway, raw: bytes) -> None:
    """Nothing in it names an event; the message does not repeat it."""
    with pytest.raises(InvalidEventError) as caught:
        gateway.parse_event(raw, {})
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "hello" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize("body", ["", " \n", "<!DOCTYPE html><p>No", "<html>No</html>"])
async def test_the_page_of_a_proxy_is_no_refusal_of_a_chat(
    gateway: Gateway, script: Script, status: int, body: str
) -> None:
    """It passes; a chat that is refused would not be tried again soon."""
    script.answer(status, body, content_type="text/html")
    with pytest.raises(UnreachableError):
        await gateway.subscribe(ANNA)


@pytest.mark.parametrize("body", ["<!DOCTYPE html><title>Wait", "<html>Wait</html>"])
@pytest.mark.parametrize("status", [200, 201])
async def test_a_page_is_no_success(
    gateway: Gateway, script: Script, status: int, body: str
) -> None:
    """What stands before the gateway tells of a maintenance; nothing was done."""
    for call in (lambda: gateway.subscribe(ANNA), lambda: gateway.set_available(True)):
        script.answer(status, body, content_type="text/html")
        with pytest.raises(InvalidResponseError):
            await call()


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("key", SESSIONS)
async def test_a_chat_that_is_refused_is_that_chat_s_problem(
    gateway: Gateway, script: Script, status: int
) -> None:
    """Not the instance's."""
    script.answer(status, {"message": "chatId is invalid"})
    with pytest.raises(NotFoundError, match="this chat"):
        await gateway.subscribe(ANNA)


@pytest.mark.parametrize(
    "chat", ["", "4915", NUMBER, f"{NUMBER}@c.uss", "x@g.us", "../../sessions"]
)
async def test_an_id_that_is_none_is_not_sent(
    gateway: Gateway, script: Script, chat: str
) -> None:
    """Nobody can answer for it; WaAPI would accept it and do nothing."""
    for call in (
        gateway.subscribe(chat),
        gateway.snapshot(chat),
        gateway.group_members(chat),
        gateway.picture_url(chat),
    ):
        with pytest.raises(NotFoundError):
            await call
    assert script.received == []


def test_events_come_one_way(gateway: Gateway) -> None:
    """Where they come to a webhook, there is no connection for them."""
    if gateway.capabilities.transport is Transport.WEBHOOK:
        with pytest.raises(NotAllowedError, match="webhook"):
            gateway.events()
    else:
        assert gateway.events() is not None
