"""The binary sensors of chats and of the instance."""

from collections.abc import Awaitable, Callable

from freezegun.api import FrozenDateTimeFactory
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.const import (
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .common import (
    ANNA,
    ENTRY_ID,
    FAMILY,
    TITLE,
    Writes,
    add_account,
    advance,
    anna,
    chat,
    names_of,
    online,
    set_up,
    settle,
    state,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_binary_sensors(
    check_day: Callable[[Platform], Awaitable[None]],
) -> None:
    """Contacts and a group show who is online, typing and recording."""
    await check_day(Platform.BINARY_SENSOR)


async def test_names_and_unique_ids(hass: HomeAssistant, account: Account) -> None:
    """Users and automations rely on them."""
    named = await names_of(
        hass, account, Platform.BINARY_SENSOR, chat(), chat(FAMILY, "Family")
    )
    assert named.entities == {
        f"{ENTRY_ID}_ready": ("binary_sensor.my_account_ready", "ready"),
        f"{ENTRY_ID}_{ANNA}_online": ("binary_sensor.anna", "online"),
        f"{ENTRY_ID}_{ANNA}_typing": ("binary_sensor.anna_typing", "typing"),
        f"{ENTRY_ID}_{ANNA}_recording": ("binary_sensor.anna_recording", "recording"),
        f"{ENTRY_ID}_{FAMILY}_online": ("binary_sensor.family", "online"),
        f"{ENTRY_ID}_{FAMILY}_typing": ("binary_sensor.family_typing", "typing"),
        f"{ENTRY_ID}_{FAMILY}_recording": (
            "binary_sensor.family_recording",
            "recording",
        ),
    }
    assert named.disabled == {
        "binary_sensor.anna_recording",
        "binary_sensor.family_recording",
    }
    assert named.diagnostic == {"binary_sensor.my_account_ready"}
    main = hass.states.get("binary_sensor.anna")
    assert main is not None
    assert main.name == "Anna"


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_devices(
    hass: HomeAssistant,
    simulator: Simulator,
    gateway: str,
    device_registry: dr.DeviceRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Each chat has a device of its own, behind that of the instance."""
    account = add_account(simulator, gateway)
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    devices = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert {device.name for device in devices} == {TITLE, "Anna", "Family"}
    for device in sorted(devices, key=lambda device: device.name or ""):
        assert device == snapshot(name=device.name)
    hub = next(device for device in devices if device.name == TITLE)
    assert hub.identifiers == {(DOMAIN, ENTRY_ID)}
    assert {device.via_device_id for device in devices} == {None, hub.id}
    assert {
        entry.subentries[device.config_subentry_id].title
        for device in devices
        if device.config_subentry_id
    } == {"Anna", "Family"}


async def test_unknown_is_not_off(hass: HomeAssistant, account: Account) -> None:
    """What the gateway has not told is unknown, down to each entity."""
    anna(account).has_data = False
    account.quirks.no_data_as = "object"
    await set_up(hass, account)
    assert online(hass) == STATE_UNKNOWN
    assert state(hass, "binary_sensor", "typing") == STATE_UNKNOWN

    await account.set_presence(anna(account), "offline", has_data=True)
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert state(hass, "binary_sensor", "typing") == STATE_OFF


async def test_typing_without_being_online(
    hass: HomeAssistant, account: Account
) -> None:
    """Who hides being online may be seen typing at a gateway that tells both."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "typing", online_hidden=True)
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert state(hass, "binary_sensor", "typing") == STATE_ON


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_nothing_is_written_when_nothing_changed(
    hass: HomeAssistant,
    simulator: Simulator,
    gateway: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A flood, a renewal and a poll that bring nothing new cost no write at all."""
    account = add_account(simulator, gateway)
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert state(hass, "binary_sensor", "typing") == STATE_ON

    writes = Writes(hass)
    await account.flood(anna(account), 50)
    await settle(hass, account)
    assert writes.states == []

    await account.set_presence(anna(account), "offline", last_seen=1_790_000_000)
    await settle(hass, account)
    assert writes.of("binary_sensor.anna") == [STATE_OFF]
    assert writes.of("binary_sensor.anna_typing") == [STATE_OFF]

    writes.states.clear()
    for _ in range(12):
        await advance(hass, freezer, account, 60)
    assert writes.states == []


async def test_writes_of_an_outage(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An hour's outage is written once for each entity, and so is its end."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    writes = Writes(hass)
    failure = simulator.fail_next(10_000, status=503)
    for _ in range(60):
        await advance(hass, freezer, account, 60)
    assert writes.of("binary_sensor.anna") == [STATE_UNAVAILABLE]
    assert writes.of("binary_sensor.my_account_ready") == [STATE_OFF]

    writes.states.clear()
    simulator.failures.remove(failure)
    await advance(hass, freezer, account, 60)
    await advance(hass, freezer, account, 60)
    assert writes.of("binary_sensor.my_account_ready") == [STATE_ON]
    # Back, but unknown until the gateway has told.
    assert writes.of("binary_sensor.anna") == [STATE_UNKNOWN, STATE_ON]
