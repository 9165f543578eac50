"""WAHA inside a house: what it needs, what it survives, what is left as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
import hashlib
import hmac
import json
import socket
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    ENTRY_ID,
    FAMILY,
    TITLE,
    WEBHOOK_ID,
    activity,
    add_account,
    anna,
    chat,
    create_entry,
    entity_id,
    in_time,
    instance_of,
    online,
    pass_time,
    until,
)
from .simulator import Simulator
from .simulator.waha import WahaAccount, sign

pytestmark = pytest.mark.usefixtures("unpaced")

SECRET = "my-secret-key"
# The vendor's test vector.
SIGNED_BODY = b'{"event":"message","session":"default","engine":"WEBJS"}'
SIGNATURE = (
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
    "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
)


@pytest.fixture
def server(simulator: Simulator) -> Simulator:
    """Return a server whose heartbeats do not outlive a test."""
    simulator.waha.heartbeat = None
    return simulator


def add_session(server: Simulator, engine: str) -> WahaAccount:
    """Add a session that runs on an engine."""
    account = add_account(server, "waha", engine=engine)
    assert isinstance(account, WahaAccount)
    return account


async def set_up(
    hass: HomeAssistant, account: WahaAccount, **options: Any
) -> MockConfigEntry:
    """Set up a session, and wait until all is connected and subscribed."""
    entry = create_entry(account, chat(), chat(FAMILY, "Family"), options=options)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await until(lambda: instance_of(entry).delivery.push)
    await until(lambda: account.subscriptions == {ANNA, FAMILY})
    return entry


@contextmanager
def everything_cut_but(port: int) -> Iterator[set[tuple[Any, ...]]]:
    """Let nothing be reached but a port of this machine, and no name be found.

    Yields the addresses that were tried, this one left out.
    """
    tried: set[tuple[Any, ...]] = set()
    connect = socket.socket.connect

    def connect_here(own: socket.socket, address: Any) -> None:
        if own.family in (socket.AF_INET, socket.AF_INET6) and address[:2] != (
            "127.0.0.1",
            port,
        ):
            tried.add(address)
            raise OSError("Network is unreachable")
        connect(own, address)

    with (
        patch.object(socket.socket, "connect", connect_here),
        patch.object(socket, "getaddrinfo", side_effect=socket.gaierror),
    ):
        yield tried


async def test_nothing_but_the_server_is_needed(
    hass: HomeAssistant, server: Simulator
) -> None:
    """Without the internet and without DNS, chats subscribe, and keep updating."""
    account = add_session(server, "GOWS")
    with everything_cut_but(server.port) as tried:
        with socket.socket() as other, pytest.raises(OSError, match="unreachable"):
            other.connect(("127.0.0.1", 9))
        tried.clear()
        entry = await set_up(hass, account)
        for word in ("typing", "paused", "offline", "online"):
            await account.set_presence(anna(account), word)
            shown = "typing" if word == "typing" else "idle"
            await until(lambda shown=shown: activity(hass) == shown)
        await until(lambda: online(hass) == STATE_ON)
        # A connection that is made anew needs nothing else either.
        server.waha.abort_sockets()
        assert await hass.config_entries.async_reload(ENTRY_ID)
        await until(lambda: instance_of(entry).delivery.push)
        await account.set_presence(anna(account), "offline")
        await until(lambda: online(hass) == STATE_OFF)
        assert await hass.config_entries.async_unload(ENTRY_ID)
    assert tried == set()
    assert ir.async_get(hass).issues == {}


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS", "WPP"])
async def test_server_that_is_killed_and_started_again(
    hass: HomeAssistant,
    server: Simulator,
    freezer: FrozenDateTimeFactory,
    engine: str,
) -> None:
    """With the first connection all is as it was, and what changed meanwhile shows."""
    account = add_session(server, engine)
    account.quirks.tags_events_on = True
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account)
    await until(lambda: online(hass) == STATE_ON)

    await server.stop()
    account.lose_subscriptions()
    await in_time(hass, freezer, lambda: online(hass) == STATE_UNAVAILABLE)
    await account.set_presence(anna(account), "offline")
    await server.start()
    await account.restart()
    instance = instance_of(entry)
    await in_time(
        hass, freezer, lambda: instance.delivery.push and instance.coordinator.ready
    )
    # What an answer remembers is shown when no event contradicts it.
    await in_time(hass, freezer, lambda: online(hass) == STATE_OFF, 10)
    await until(lambda: account.subscriptions == {ANNA, FAMILY})
    await account.set_presence(anna(account), "typing")
    await until(lambda: activity(hass) == "typing")
    assert await hass.config_entries.async_unload(ENTRY_ID)


async def test_engine_that_tells_no_presence(
    hass: HomeAssistant, server: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Subscribed, working, and silent: the repair names the setting that is missing."""
    account = add_session(server, "WEBJS")
    account.quirks.events_under_lid = False
    entry = await set_up(hass, account)
    for word, shown in (
        ("online", STATE_ON),
        ("offline", STATE_OFF),
        ("online", STATE_ON),
        ("offline", STATE_OFF),
    ):
        await account.set_presence(anna(account), word)
        freezer.tick(1501)
        async_fire_time_changed(hass)
        await until(lambda shown=shown: online(hass) == shown)
    told = {one.translation_key: one for one in ir.async_get(hass).issues.values()}
    # The one tells what is missing, the other what came of it.
    assert told.keys() == {Issue.ENGINE_CANNOT_TELL, Issue.STREAM_SILENT}
    issue = told[Issue.STREAM_SILENT]
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["instance"] == TITLE
    for language in ("en", "de", "ar"):
        texts = await async_get_translations(hass, language, "issues", [DOMAIN])
        text = texts[f"component.{DOMAIN}.issues.{Issue.STREAM_SILENT}.description"]
        assert "`config.webjs.tagsEventsOn: true`" in text
    assert not instance_of(entry).delivery.push

    account.quirks.tags_events_on = True
    await account.set_presence(anna(account), "typing")
    await until(lambda: activity(hass) == "typing")
    told = {one.translation_key: one for one in ir.async_get(hass).issues.values()}
    assert Issue.STREAM_SILENT not in told
    await pass_time(hass, freezer, 60)
    await until(lambda: ir.async_get(hass).issues == {})
    assert instance_of(entry).delivery.push
    assert await hass.config_entries.async_unload(ENTRY_ID)


async def test_signed_webhooks_beside_the_stream(
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    server: Simulator,
) -> None:
    """Who has set them up is heard; what is not signed with the secret is refused."""
    assert await async_setup_component(hass, "webhook", {})
    client = await hass_client_no_auth()
    account = add_session(server, "NOWEB")
    await set_up(hass, account, webhook_secret=SECRET)
    path = f"/api/webhook/{WEBHOOK_ID}"

    async def post(body: bytes, **headers: str) -> int:
        response = await client.post(
            path,
            data=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        return response.status

    assert sign(SIGNED_BODY, SECRET) == SIGNATURE
    assert await post(SIGNED_BODY, X_Webhook_Hmac=SIGNATURE) == 200
    assert await post(SIGNED_BODY + b" ", X_Webhook_Hmac=SIGNATURE) == 401
    assert await post(SIGNED_BODY) == 401
    wrong = hmac.new(SECRET.encode(), SIGNED_BODY, hashlib.sha256).hexdigest()
    assert await post(SIGNED_BODY, X_Webhook_Hmac=wrong) == 401

    # The connection is not what brings this one.
    body = json.dumps(
        account.envelope(
            "presence.update",
            {
                "id": ANNA,
                "presences": [
                    {
                        "participant": ANNA,
                        "lastKnownPresence": "recording",
                        "lastSeen": None,
                    }
                ],
            },
        )
    ).encode()
    assert await post(body) == 401
    assert activity(hass) == "idle"
    assert await post(body, X_Webhook_Hmac=sign(body, SECRET)) == 200
    await until(lambda: activity(hass) == "recording")
    assert await hass.config_entries.async_unload(ENTRY_ID)


@pytest.mark.parametrize("register", [True, False])
async def test_the_sessions_configuration_is_never_written(
    hass: HomeAssistant, server: Simulator, register: bool
) -> None:
    """Whatever the integration is asked to do, the server keeps what the user set."""
    account = add_session(server, "NOWEB")
    account.add_webhook("http://127.0.0.1:9/other", hmac={"key": SECRET})
    before = json.dumps(account.config)
    entry = await set_up(hass, account, register_webhook=register)
    switch = entity_id(hass, "switch", "announce_online", None)
    for action in ("turn_on", "turn_off"):
        await hass.services.async_call(
            "switch", action, {"entity_id": switch}, blocking=True
        )
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": entity_id(hass, "button", "resubscribe", None)},
        blocking=True,
    )
    await hass.services.async_call(
        DOMAIN,
        "get_presence",
        {"entity_id": entity_id(hass, "binary_sensor", "online"), "refresh": True},
        blocking=True,
        return_response=True,
    )
    hass.config_entries.async_update_entry(
        entry, options={"register_webhook": not register, "webhook_secret": SECRET}
    )
    await hass.async_block_till_done()
    assert await hass.config_entries.async_reload(ENTRY_ID)
    await until(lambda: instance_of(entry).delivery.push)
    assert await hass.config_entries.async_remove(ENTRY_ID)

    assert json.dumps(account.config) == before
    assert account.config_writes == 0
    written = {
        request.path.rpartition("/")[2]
        for request in server.requests
        if request.method != "GET"
    }
    assert written == {"presence", "subscribe"}
