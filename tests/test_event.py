"""The events of chats."""

from collections.abc import Awaitable, Callable
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components import whatsapp_presence
from custom_components.whatsapp_presence import PLATFORMS
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    ENTRY_ID,
    advance,
    anna,
    only,
    outlast_grace,
    set_up,
    settle,
    state,
)
from .simulator import Account

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_events(
    check_day: Callable[[Platform], Awaitable[None]],
) -> None:
    """Each chat has an event entity; nothing has happened yet."""
    await check_day(Platform.EVENT)


async def test_event_is_off_by_default(
    hass: HomeAssistant, account: Account, entity_registry: er.EntityRegistry
) -> None:
    """Triggers tell the same; who wants the events switches them on."""
    with only(Platform.EVENT):
        await set_up(hass, account)
    entity = entity_registry.async_get("event.anna_presence")
    assert entity is not None
    assert entity.unique_id == f"{ENTRY_ID}_{ANNA}_presence"
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert hass.states.get("event.anna_presence") is None


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_each_change_is_an_event(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """One for each change, in order, and none for what begins in the unknown."""
    await set_up(hass, account)
    assert state(hass, "event", "presence") == STATE_UNKNOWN
    happened: list[str | None] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        written = event.data["new_state"]
        assert written is not None
        happened.append(
            STATE_UNAVAILABLE
            if written.state == STATE_UNAVAILABLE
            else written.attributes["event_type"]
        )

    async_track_state_change_event(hass, "event.anna_presence", note)
    for word in ("online", "typing", "recording", "paused", "offline", "typing"):
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, 1)
    assert happened == [
        "came_online",
        "started_typing",
        "stopped_typing",
        "started_recording",
        "stopped_recording",
        "went_offline",
        "came_online",
        "started_typing",
    ]

    happened.clear()
    await account.flood(anna(account), 10)
    await settle(hass, account)
    assert happened == []

    # An outage is told, but nobody came or went.
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert happened.pop(0) == "stopped_typing"
    await account.set_status("ready")
    await settle(hass, account)
    assert happened == [STATE_UNAVAILABLE, "stopped_typing"]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("platforms", [PLATFORMS, PLATFORMS[::-1]])
async def test_an_event_comes_when_all_states_are_told(
    hass: HomeAssistant, account: Account, platforms: list[Platform]
) -> None:
    """Whichever platform was set up first, for that is a matter of chance."""
    for platform in PLATFORMS:
        assert await async_setup_component(hass, platform, {})
    await account.set_presence(anna(account), "offline")
    with patch.object(whatsapp_presence, "PLATFORMS", platforms):
        await set_up(hass, account)
    written: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        written.append(event.data["entity_id"])

    async_track_state_change_event(
        hass, hass.states.async_entity_ids(["binary_sensor", "sensor", "event"]), note
    )
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert [entity_id for entity_id in written if ".anna" in entity_id] == [
        "binary_sensor.anna",
        "binary_sensor.anna_typing",
        "sensor.anna_activity",
        "event.anna_presence",
        "event.anna_presence",
    ]
