"""The triggers, in automations."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)
import voluptuous as vol

from custom_components.whatsapp_presence.automation_entities import ChatTarget
from homeassistant.components import automation
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.helpers.trigger import async_validate_trigger_config
from homeassistant.setup import async_setup_component

from .common import BEN, FAMILY, add_account, anna, ben, chat, set_up, settle
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
    hass: HomeAssistant, account: WaapiAccount, entity_registry: er.EntityRegistry
) -> None:
    """The sensor tells as much as the binary sensors do, if they are disabled."""
    await set_up(hass, account)
    entity_registry.async_update_entity(
        "binary_sensor.anna_typing", disabled_by=er.RegistryEntryDisabler.USER
    )
    await settle(hass, account)
    fired = await automate(hass, *ALL[2:], target={"entity_id": "binary_sensor.anna"})
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


@pytest.mark.parametrize(
    "entity_id",
    [
        "binary_sensor.anna_typing",
        "sensor.anna_activity",
        "sensor.anna_last_seen",
        "sensor.anna_presence_access",
        "binary_sensor.anna_recording",
        "event.anna_presence",
    ],
)
async def test_any_entity_means_the_chat(
    hass: HomeAssistant, account: WaapiAccount, entity_id: str
) -> None:
    """Whichever is picked in the editor, even one that is disabled."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    fired = await automate(hass, *ALL, target={"entity_id": entity_id})
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "online")
        await account.set_presence(person, "recording")
        await account.set_presence(person, "offline")
        await settle(hass, account)
    assert sorted(ids(fired)) == [
        "came_online",
        "started_recording",
        "stopped_recording",
        "went_offline",
    ]


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
    for entity_id in (door.entity_id, "binary_sensor.my_account_ready"):
        entity_registry.async_update_entity(entity_id, area_id=area.id)
    fired = await automate(
        hass,
        "came_online",
        target={"area_id": area.id, "entity_id": ["binary_sensor.unregistered"]},
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


@pytest.mark.parametrize("trigger", ALL)
async def test_what_is_no_chat_is_refused(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    trigger: str,
) -> None:
    """The editor says so; what nobody knows may come back, and passes."""
    await set_up(hass, account)
    door = entity_registry.async_get_or_create(
        "binary_sensor", "other", "1", suggested_object_id="door"
    )
    anna_device = device_of(hass, "binary_sensor.anna")
    own_device = device_of(hass, "binary_sensor.my_account_ready")

    async def validate(target: dict[str, Any]) -> None:
        config = {"trigger": f"whatsapp_presence.{trigger}", "target": target}
        await async_validate_trigger_config(hass, cv.TRIGGER_SCHEMA(config))

    for target, words in (
        ({"entity_id": ["binary_sensor.anna", door.entity_id]}, door.entity_id),
        ({"entity_id": "binary_sensor.my_account_ready"}, "my_account_ready"),
        ({"device_id": [anna_device, own_device]}, "My account"),
    ):
        with pytest.raises(vol.Invalid, match=f"{words} is no .*WhatsApp chat"):
            await validate(target)
    await validate({"entity_id": "binary_sensor.gone", "device_id": "gone"})
    await validate({"entity_id": "sensor.anna_last_seen", "device_id": anna_device})


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


NAMES = ("anna", "ben")
# What tells of each trigger, and the states between which it fires.
TELLS = {
    "came_online": ("binary_sensor.{}", STATE_OFF, STATE_ON),
    "went_offline": ("binary_sensor.{}", STATE_ON, STATE_OFF),
    "started_typing": ("binary_sensor.{}_typing", STATE_OFF, STATE_ON),
    "stopped_typing": ("binary_sensor.{}_typing", STATE_ON, STATE_OFF),
    "started_recording": ("sensor.{}_activity", "idle", "recording"),
    "stopped_recording": ("sensor.{}_activity", "recording", "idle"),
}
# Of somebody of whom nothing is known.
LOST = (STATE_UNKNOWN, STATE_UNAVAILABLE, None)


def put(hass: HomeAssistant, entity_id: str, state: str | None) -> None:
    """Set a state; None takes it away, as for an entity that is not loaded."""
    if state is None:
        hass.states.async_remove(entity_id)
    else:
        hass.states.async_set(entity_id, state)


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("trigger", ALL)
async def test_all_is_not_all_of_those_who_are_known(
    hass: HomeAssistant, account: WaapiAccount, trigger: str, lost: str | None
) -> None:
    """While one of them, or everybody, is not known, "all" does not fire."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    name, before, after = TELLS[trigger]
    first, second = name.format("anna"), name.format("ben")
    fired = await automate(
        hass, trigger, target={"entity_id": [first, second]}, behavior="all"
    )

    async def see(entity_id: str, *states: str | None) -> list[str]:
        for state in states:
            put(hass, entity_id, state)
            await hass.async_block_till_done()
        return ids(fired)

    # One of them, whoever follows last.
    assert await see(second, before, lost) == []
    assert await see(first, before, after) == []
    assert await see(second, after) == []
    # Everybody.
    assert await see(first, lost) == []
    assert await see(second, lost) == []
    assert await see(first, after) == []
    assert await see(second, after) == []
    # Nobody.
    assert await see(first, before) == []
    assert await see(first, after) == [trigger]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("trigger", ALL)
async def test_all_has_to_be_known_for_so_long(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    trigger: str,
    lost: str | None,
) -> None:
    """Who is lost meanwhile, or was before, keeps the time from running."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    name, before, after = TELLS[trigger]
    first, second = name.format("anna"), name.format("ben")
    fired = await automate(
        hass,
        trigger,
        target={"entity_id": [first, second]},
        behavior="all",
        **{"for": "00:00:05"},
    )

    async def see(entity_id: str, *states: str | None) -> list[str]:
        for state in states:
            put(hass, entity_id, state)
            await hass.async_block_till_done()
        freezer.tick(6)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        return ids(fired)

    assert await see(second, before, lost) == []
    assert await see(first, before, after) == []
    # Lost as soon as the time runs, and back before it is over.
    put(hass, second, before)
    put(hass, second, after)
    await hass.async_block_till_done()
    assert await see(second, lost, after) == []
    assert await see(second, before, after) == [trigger]


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [("first", ["binary_sensor.anna"]), ("each", [])],
)
async def test_who_was_the_first_may_have_left(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    behavior: str,
    expected: list[str],
) -> None:
    """The time of the first goes on with whoever is there, as the page says."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    fired = await automate(
        hass,
        "came_online",
        target={"entity_id": ["binary_sensor.anna", "binary_sensor.ben"]},
        behavior=behavior,
        **{"for": "00:05:00"},
    )
    for minute, entity_id, state in (
        (0, "binary_sensor.anna", STATE_ON),
        (4, "binary_sensor.ben", STATE_ON),
        (0.5, "binary_sensor.anna", STATE_OFF),
    ):
        freezer.tick(60 * minute)
        hass.states.async_set(entity_id, state)
        await hass.async_block_till_done()
    freezer.tick(31)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert [event.data["entity"] for event in fired] == expected


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("trigger", ALL)
async def test_a_gap_ends_the_time_of_each(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    trigger: str,
    lost: str | None,
) -> None:
    """And only another change begins it anew: what follows a gap is none."""
    await set_up(hass, account, chat())
    name, before, after = TELLS[trigger]
    entity_id = name.format("anna")
    fired = await automate(
        hass, trigger, target={"entity_id": [entity_id]}, **{"for": "00:00:05"}
    )

    async def see(*states: str | None, seconds: int) -> list[str]:
        for state in states:
            put(hass, entity_id, state)
            await hass.async_block_till_done()
        freezer.tick(seconds)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        return ids(fired)

    assert await see(before, after, seconds=2) == []
    assert await see(lost, after, seconds=60) == []
    assert await see(before, after, seconds=6) == [trigger]


@pytest.mark.parametrize("trigger", ALL)
async def test_all_of_an_entry_that_is_not_loaded(
    hass: HomeAssistant, account: WaapiAccount, trigger: str
) -> None:
    """They are not known any more, and what comes back is no change."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    name, before, after = TELLS[trigger]
    fired = await automate(
        hass,
        trigger,
        target={"device_id": [device_of(hass, f"binary_sensor.{n}") for n in NAMES]},
        behavior="all",
    )
    for who in NAMES:
        put(hass, name.format(who), before)
    assert await hass.config_entries.async_unload(entry.entry_id)
    for who in NAMES:
        put(hass, name.format(who), after)
    await hass.async_block_till_done()
    assert ids(fired) == []


async def test_all_with_somebody_who_is_gone(
    hass: HomeAssistant, account: WaapiAccount, entity_registry: er.EntityRegistry
) -> None:
    """An entity that was named and renamed, deleted or disabled is not known."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    fired = await automate(
        hass,
        "came_online",
        target={"entity_id": ["binary_sensor.anna", "binary_sensor.ben"]},
        behavior="all",
    )

    async def anna_comes() -> list[str]:
        for state in (STATE_OFF, STATE_ON):
            hass.states.async_set("binary_sensor.anna", state)
            await hass.async_block_till_done()
        return ids(fired)

    hass.states.async_set("binary_sensor.ben", STATE_ON)
    assert await anna_comes() == ["came_online"]
    entity_registry.async_update_entity(
        "binary_sensor.ben", new_entity_id="binary_sensor.benny"
    )
    assert await anna_comes() == []
    entity_registry.async_update_entity(
        "binary_sensor.benny", new_entity_id="binary_sensor.ben"
    )
    await hass.async_block_till_done()
    hass.states.async_set("binary_sensor.ben", STATE_ON)
    await hass.async_block_till_done()
    assert ids(fired) == ["came_online"]
    assert await anna_comes() == ["came_online"]
    entity_registry.async_update_entity(
        "binary_sensor.ben", disabled_by=er.RegistryEntryDisabler.USER
    )
    await hass.async_block_till_done()
    assert await anna_comes() == []


async def test_what_is_left_out_is_a_chat_too(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Any entity that a target excludes excludes its chat."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    target = {
        "device_id": [device_of(hass, f"binary_sensor.{n}") for n in NAMES],
        "exclude": {"entity_id": ["sensor.ben_last_seen"]},
    }
    chats = ChatTarget(hass, target, {"online": "binary_sensor"})
    named = {"sensor.anna_activity", "sensor.ben_activity"}
    assert chats.tellers(named) == {"binary_sensor.anna"}
    assert chats.untold() == 0
