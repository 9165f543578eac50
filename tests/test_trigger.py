"""The triggers, in automations."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from homeassistant.components import automation
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.setup import async_setup_component

from .common import (
    BEN,
    FAMILY,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    create_entry,
    online,
    set_up,
    settle,
)
from .simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


async def automate(
    hass: HomeAssistant, *triggers: str, target: dict[str, Any], **options: Any
) -> list[Event[Any]]:
    """Set up an automation; returns the events that it fires."""
    fired = async_capture_events(hass, "fired")
    assert await async_setup_component(
        hass,
        automation.DOMAIN,
        {
            automation.DOMAIN: {
                "trigger": [
                    {
                        "trigger": f"whatsapp_presence.{trigger}",
                        "target": target,
                        **({"options": options} if options else {}),
                        "id": trigger,
                    }
                    for trigger in triggers
                ],
                "action": {
                    "event": "fired",
                    "event_data": {
                        "id": "{{ trigger.id }}",
                        "entity": "{{ trigger.entity_id }}",
                    },
                },
                "mode": "queued",
            }
        },
    )
    await hass.async_block_till_done()
    assert hass.states.get("automation.automation_0") is not None
    return fired


def ids(fired: list[Event[Any]]) -> list[str]:
    """Return which triggers fired, and forget them."""
    found = [event.data["id"] for event in fired]
    fired.clear()
    return found


def device_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return the id of an entity's device."""
    entity = er.async_get(hass).async_get(entity_id)
    assert entity is not None
    assert entity.device_id is not None
    return entity.device_id


ALL = (
    "came_online",
    "went_offline",
    "started_typing",
    "stopped_typing",
    "started_recording",
    "stopped_recording",
)


@pytest.mark.parametrize("target_type", ["entity", "device", "area", "label"])
async def test_each_change_fires_once(
    hass: HomeAssistant,
    account: WaapiAccount,
    area_registry: ar.AreaRegistry,
    label_registry: lr.LabelRegistry,
    target_type: str,
) -> None:
    """Whatever the target, each change of a chat fires its trigger, once."""
    await set_up(hass, account)
    device_id = device_of(hass, "binary_sensor.anna")
    area = area_registry.async_create("Friends")
    label = label_registry.async_create("Watched")
    dr.async_get(hass).async_update_device(
        device_id, area_id=area.id, labels={label.label_id}
    )
    fired = await automate(
        hass,
        *ALL,
        target={
            "entity": {
                "entity_id": [
                    "binary_sensor.anna",
                    "binary_sensor.anna_typing",
                    "sensor.anna_activity",
                ]
            },
            "device": {"device_id": device_id},
            "area": {"area_id": area.id},
            "label": {"label_id": label.label_id},
        }[target_type],
    )
    for word, expected in (
        ("online", ["came_online"]),
        ("typing", ["started_typing"]),
        ("typing", []),
        ("paused", ["stopped_typing"]),
        ("recording", ["started_recording"]),
        ("typing", ["stopped_recording", "started_typing"]),
        ("recording", ["stopped_typing", "started_recording"]),
        ("paused", ["stopped_recording"]),
        ("offline", ["went_offline"]),
    ):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
        assert sorted(ids(fired)) == sorted(expected)


async def test_activity_alone_tells_of_typing_and_recording(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """The sensor tells as much as the binary sensors do."""
    await set_up(hass, account)
    fired = await automate(hass, *ALL, target={"entity_id": "sensor.anna_activity"})
    for word in ("typing", "recording", "paused"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    assert ids(fired) == [
        "started_typing",
        "stopped_typing",
        "started_recording",
        "stopped_recording",
    ]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_recording_in_a_group_where_somebody_types(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A binary sensor that is enabled tells better than the one word."""
    await set_up(hass, account, chat(FAMILY, "Family"))
    fired = await automate(
        hass, *ALL, target={"device_id": device_of(hass, "binary_sensor.family")}
    )
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await account.set_presence(ben(account), "recording", group=FAMILY)
    await settle(hass, account)
    assert ids(fired) == ["came_online", "started_typing", "started_recording"]


async def test_disabled_binary_sensor_does_not_hide_the_activity(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """An entity that is disabled can't tell, even if it is named."""
    await set_up(hass, account)
    fired = await automate(
        hass,
        "started_recording",
        target={"entity_id": ["binary_sensor.anna_recording", "sensor.anna_activity"]},
    )
    await account.set_presence(anna(account), "recording")
    await settle(hass, account)
    assert ids(fired) == ["started_recording"]


async def test_other_integrations_entities_do_not_count(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    area_registry: ar.AreaRegistry,
) -> None:
    """A door in the same area comes online for nobody; nor does the gateway."""
    await set_up(hass, account)
    area = area_registry.async_create("Friends")
    door = entity_registry.async_get_or_create(
        "binary_sensor",
        "other",
        "1",
        suggested_object_id="door",
        translation_key="online",
    )
    entity_registry.async_update_entity(door.entity_id, area_id=area.id)
    fired = await automate(
        hass,
        "came_online",
        target={
            "area_id": area.id,
            "entity_id": [
                "binary_sensor.unregistered",
                "binary_sensor.my_account_ready",
                "binary_sensor.anna_typing",
                "sensor.anna_presence_access",
            ],
        },
    )
    for entity_id in (door.entity_id, "binary_sensor.unregistered"):
        hass.states.async_set(entity_id, STATE_OFF)
        hass.states.async_set(entity_id, STATE_ON)
    await account.set_presence(anna(account), "typing")
    await account.set_status("disconnected")
    await settle(hass, account)
    await account.set_status("ready")
    await settle(hass, account)
    assert ids(fired) == []


async def test_nothing_fires_for_what_begins_in_the_unknown(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Neither a start, nor an outage, nor a reload is somebody's coming or going."""
    await account.set_presence(anna(account), "typing")
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    fired = await automate(
        hass,
        *ALL,
        target={"entity_id": ["binary_sensor.anna", "sensor.anna_activity"]},
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert activity(hass) == "typing"

    await account.set_status("disconnected")
    await settle(hass, account)
    await account.set_presence(anna(account), "offline")
    await account.set_status("ready")
    await settle(hass, account)
    assert online(hass) == STATE_OFF

    # Forgotten by the gateway, then told again.
    account.emit("presence_update", {"presence": account.empty_object(anna(account))})
    await settle(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON

    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert ids(fired) == []

    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert ids(fired) == ["went_offline"]


async def test_for(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody must have been online for so long."""
    await set_up(hass, account)
    fired = await automate(
        hass,
        "came_online",
        target={"entity_id": "binary_sensor.anna"},
        **{"for": "00:00:30"},
    )
    await account.set_presence(anna(account), "online")
    await advance(hass, freezer, account, 20)
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 20)
    assert ids(fired) == []

    await account.set_presence(anna(account), "online")
    await advance(hass, freezer, account, 29)
    assert ids(fired) == []
    await advance(hass, freezer, account, 2)
    assert ids(fired) == ["came_online"]


@pytest.mark.parametrize(
    ("behavior", "expected"), [("each", [1, 1]), ("first", [1, 0]), ("all", [0, 1])]
)
async def test_behavior(
    hass: HomeAssistant, account: WaapiAccount, behavior: str, expected: list[int]
) -> None:
    """Of several chats each, the first or the last to come fires."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    fired = await automate(
        hass,
        "came_online",
        target={
            "device_id": [
                device_of(hass, "binary_sensor.anna"),
                device_of(hass, "binary_sensor.ben"),
            ]
        },
        behavior=behavior,
    )
    for person, count in zip((anna(account), ben(account)), expected, strict=True):
        await account.set_presence(person, "online")
        await settle(hass, account)
        assert len(ids(fired)) == count
