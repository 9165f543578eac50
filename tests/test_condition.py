"""The conditions, in automations."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
import voluptuous as vol

from homeassistant.components import automation
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    label_registry as lr,
)
from homeassistant.helpers.condition import (
    async_from_config,
    async_validate_conditions_config,
)
from homeassistant.setup import async_setup_component

from .common import BEN, FAMILY, add_account, advance, anna, ben, chat, set_up, settle
from .simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


CONDITIONS = ("is_online", "is_typing", "is_recording")


class Conditions:
    """Automations that hold one condition each, asked all at once."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Listen to what they say."""
        self.hass = hass
        self.passed = async_capture_events(hass, "passed")

    async def set_up(self, target: dict[str, Any], **options: Any) -> None:
        """Set the automations up for a target."""
        assert await async_setup_component(
            self.hass,
            automation.DOMAIN,
            {
                automation.DOMAIN: [
                    {
                        "alias": key,
                        "trigger": {"trigger": "event", "event_type": "ask"},
                        "condition": {
                            "condition": f"whatsapp_presence.{key}",
                            "target": target,
                            **({"options": options} if options else {}),
                        },
                        "action": {"event": "passed", "event_data": {"id": key}},
                    }
                    for key in CONDITIONS
                ]
            },
        )
        await self.hass.async_block_till_done()
        for key in CONDITIONS:
            assert self.hass.states.get(f"automation.{key}") is not None

    async def ask(self) -> set[str]:
        """Return the conditions that hold."""
        self.passed.clear()
        self.hass.bus.async_fire("ask")
        await self.hass.async_block_till_done()
        return {event.data["id"] for event in self.passed}


def device_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return the id of an entity's device."""
    entity = er.async_get(hass).async_get(entity_id)
    assert entity is not None
    assert entity.device_id is not None
    return entity.device_id


@pytest.mark.parametrize("target_type", ["entity", "device", "area", "label"])
async def test_conditions(
    hass: HomeAssistant,
    account: WaapiAccount,
    area_registry: ar.AreaRegistry,
    label_registry: lr.LabelRegistry,
    target_type: str,
) -> None:
    """They tell who is online, typing and recording, whatever the target."""
    await set_up(hass, account)
    device_id = device_of(hass, "binary_sensor.anna")
    area = area_registry.async_create("Friends")
    label = label_registry.async_create("Watched")
    dr.async_get(hass).async_update_device(
        device_id, area_id=area.id, labels={label.label_id}
    )
    conditions = Conditions(hass)
    await conditions.set_up(
        {
            "entity": {"entity_id": ["binary_sensor.anna", "sensor.anna_activity"]},
            "device": {"device_id": device_id},
            "area": {"area_id": area.id},
            "label": {"label_id": label.label_id},
        }[target_type]
    )
    for word, expected in (
        ("offline", set()),
        ("online", {"is_online"}),
        ("typing", {"is_online", "is_typing"}),
        ("recording", {"is_online", "is_recording"}),
        ("paused", {"is_online"}),
        ("offline", set()),
    ):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
        assert await conditions.ask() == expected


@pytest.mark.parametrize(
    "entity_id", ["binary_sensor.anna_typing", "sensor.anna_activity"]
)
async def test_either_entity_tells_of_typing(
    hass: HomeAssistant, account: WaapiAccount, entity_id: str
) -> None:
    """The binary sensor and the activity are as good."""
    await set_up(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up({"entity_id": entity_id})
    assert await conditions.ask() == set()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert await conditions.ask() == {"is_online", "is_typing"}


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_group_in_which_one_types_and_one_records(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Both hold, although the activity is one word."""
    await set_up(hass, account, chat(FAMILY, "Family"))
    conditions = Conditions(hass)
    await conditions.set_up({"device_id": device_of(hass, "binary_sensor.family")})
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await account.set_presence(ben(account), "recording", group=FAMILY)
    await settle(hass, account)
    assert await conditions.ask() == set(CONDITIONS)


async def test_unknown_and_unavailable_are_false(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Who is not known to be online is not online."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up({"device_id": device_of(hass, "binary_sensor.anna")})
    assert await conditions.ask() == {"is_online", "is_typing"}

    # It may forget for a moment; not for good.
    await advance(hass, freezer, account, 125)
    account.emit("presence_update", {"presence": account.empty_object(anna(account))})
    await settle(hass, account)
    assert await conditions.ask() == set()

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert await conditions.ask() == {"is_online", "is_typing"}
    await account.set_status("qr")
    await settle(hass, account)
    assert await conditions.ask() == set()


async def test_other_entities_do_not_count(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    area_registry: ar.AreaRegistry,
) -> None:
    """A door that is open is nobody online; nor is the gateway's being ready."""
    await set_up(hass, account)
    area = area_registry.async_create("Friends")
    door = entity_registry.async_get_or_create(
        "binary_sensor", "other", "1", translation_key="online"
    )
    for entity_id in (door.entity_id, "binary_sensor.my_account_ready"):
        entity_registry.async_update_entity(entity_id, area_id=area.id)
    for entity_id in (door.entity_id, "binary_sensor.unregistered"):
        hass.states.async_set(entity_id, STATE_ON)
    conditions = Conditions(hass)
    await conditions.set_up(
        {"area_id": area.id, "entity_id": "binary_sensor.unregistered"}
    )
    assert await conditions.ask() == set()


@pytest.mark.parametrize("key", CONDITIONS)
async def test_what_is_no_chat_is_refused(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    key: str,
) -> None:
    """The editor says so; what nobody knows may come back, and passes."""
    await set_up(hass, account)
    door = entity_registry.async_get_or_create("binary_sensor", "other", "1")
    anna_device = device_of(hass, "binary_sensor.anna")
    own_device = device_of(hass, "binary_sensor.my_account_ready")

    async def validate(target: dict[str, Any]) -> None:
        config = {"condition": f"whatsapp_presence.{key}", "target": target}
        await async_validate_conditions_config(hass, cv.CONDITIONS_SCHEMA([config]))

    for target, words in (
        ({"entity_id": ["binary_sensor.anna", door.entity_id]}, door.entity_id),
        ({"entity_id": "binary_sensor.my_account_ready"}, "my_account_ready"),
        ({"device_id": [anna_device, own_device]}, "My account"),
    ):
        with pytest.raises(vol.Invalid, match=f"{words} is no .*WhatsApp chat"):
            await validate(target)
    await validate({"entity_id": "binary_sensor.gone", "device_id": "gone"})
    await validate({"entity_id": "sensor.anna_last_seen", "device_id": anna_device})


@pytest.mark.parametrize("entity_id", ["binary_sensor.anna", "sensor.anna_last_seen"])
async def test_who_waits_for_a_condition_is_told(
    hass: HomeAssistant, account: WaapiAccount, entity_id: str
) -> None:
    """Of a change in the entity that tells, whichever entity was named."""
    await set_up(hass, account)
    config = {
        "condition": "whatsapp_presence.is_online",
        "target": {"entity_id": entity_id},
        "options": {"behavior": "any"},
    }
    (config,) = await async_validate_conditions_config(
        hass, cv.CONDITIONS_SCHEMA([config])
    )
    condition = await async_from_config(hass, config)
    told: list[bool | None] = []
    stop = await condition.async_track_changes(
        lambda: told.append(condition.async_check())
    )
    assert told == []
    for word in ("offline", "online"):
        await account.set_presence(anna(account), word)
        await settle(hass, account)
    assert told[-1] is True
    told.clear()
    stop()
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert told == []
    condition.async_unload()


# What tells of each condition, and the states in which it is false and true.
TELLS = {
    "is_online": ("binary_sensor.{}", STATE_OFF, STATE_ON),
    "is_typing": ("binary_sensor.{}_typing", STATE_OFF, STATE_ON),
    "is_recording": ("sensor.{}_activity", "idle", "recording"),
}
NAMES = ("anna", "ben")


@pytest.mark.parametrize("options", [{}, {"for": "00:00:05"}], ids=["now", "for"])
@pytest.mark.parametrize("lost", [STATE_UNKNOWN, STATE_UNAVAILABLE, None])
@pytest.mark.parametrize("key", CONDITIONS)
async def test_all_is_not_all_of_those_who_are_known(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    key: str,
    lost: str | None,
    options: dict[str, Any],
) -> None:
    """While one of them, or everybody, is not known, "all" is false."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    name, false, true = TELLS[key]
    conditions = Conditions(hass)
    await conditions.set_up(
        {"device_id": [device_of(hass, f"binary_sensor.{who}") for who in NAMES]},
        behavior="all",
        **options,
    )

    async def holds(*states: str | None) -> bool:
        for who, state in zip(NAMES, states, strict=True):
            if state is None:
                hass.states.async_remove(name.format(who))
            else:
                hass.states.async_set(name.format(who), state)
        await hass.async_block_till_done()
        freezer.tick(6)
        return key in await conditions.ask()

    assert await holds(true, true)
    assert not await holds(true, lost)
    assert not await holds(lost, true)
    assert not await holds(lost, lost)
    assert not await holds(false, lost)
    assert not await holds(true, false)
    assert await holds(true, true)


@pytest.mark.parametrize("behavior", ["any", "all"])
async def test_an_entry_that_is_not_loaded(
    hass: HomeAssistant, account: WaapiAccount, behavior: str
) -> None:
    """Nothing is known of its chats."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "typing")
    await settle(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up(
        {"entity_id": ["binary_sensor.anna", "binary_sensor.ben"]}, behavior=behavior
    )
    assert await conditions.ask() == {"is_online", "is_typing"}
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    assert await conditions.ask() == set()


async def test_all_of_nobody(
    hass: HomeAssistant, account: WaapiAccount, area_registry: ar.AreaRegistry
) -> None:
    """Nor is it true of an area in which there is no chat, or of who is gone."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up(
        {"area_id": area_registry.async_create("Nowhere").id}, behavior="all"
    )
    assert await conditions.ask() == set()


@pytest.mark.parametrize(
    "gone", [{"entity_id": ["binary_sensor.ben"]}, {"device_id": ["gone"]}]
)
async def test_all_with_somebody_who_is_gone(
    hass: HomeAssistant, account: WaapiAccount, gone: dict[str, list[str]]
) -> None:
    """What was named and is there no more is not known."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    conditions = Conditions(hass)
    target: dict[str, list[str]] = {"entity_id": ["binary_sensor.anna"]}
    for key, found in gone.items():
        target[key] = [*target.get(key, []), *found]
    await conditions.set_up(target, behavior="all")
    assert await conditions.ask() == set()


async def test_all_of_an_area_with_somebody_whose_entity_is_disabled(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
) -> None:
    """Whoever is in the area is one of all, though nobody can tell of them."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    area_id = area_registry.async_create("Friends").id
    for name in ("anna", "ben"):
        device_registry.async_update_device(
            device_of(hass, f"binary_sensor.{name}"), area_id=area_id
        )
    entity_registry.async_update_entity(
        "binary_sensor.ben", disabled_by=er.RegistryEntryDisabler.USER
    )
    await settle(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up({"area_id": area_id}, behavior="all")
    assert await conditions.ask() == set()


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        ("any", [set(), {"is_online"}, {"is_online"}]),
        ("all", [set(), set(), {"is_online"}]),
    ],
)
async def test_behavior(
    hass: HomeAssistant,
    account: WaapiAccount,
    behavior: str,
    expected: list[set[str]],
) -> None:
    """Of several chats any, or all, must be online."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    conditions = Conditions(hass)
    await conditions.set_up(
        {"entity_id": ["binary_sensor.anna", "binary_sensor.ben"]}, behavior=behavior
    )
    found = [await conditions.ask() & {"is_online"}]
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "online")
        await settle(hass, account)
        found.append(await conditions.ask() & {"is_online"})
    assert found == expected


async def test_for(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody must have been online for so long."""
    await set_up(hass, account)
    conditions = Conditions(hass)
    await conditions.set_up({"entity_id": "binary_sensor.anna"}, **{"for": "00:01:00"})
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert await conditions.ask() == set()
    await advance(hass, freezer, account, 59)
    assert await conditions.ask() == set()
    await advance(hass, freezer, account, 2)
    assert await conditions.ask() == {"is_online"}
