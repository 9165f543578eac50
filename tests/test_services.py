"""The action that returns what is known of chats."""

import asyncio
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.instance.chat import Chat
from custom_components.whatsapp_presence.instance.rounds import Rounds
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import CONF_EXCLUDE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)

from .common import (
    BEN,
    FAMILY,
    add_account,
    advance,
    anna,
    ben,
    chat,
    create_entry,
    online,
    outlast_grace,
    set_up,
    settle,
    subscriptions,
)
from .simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

SEEN = 1_790_000_000


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


async def get_presence(hass: HomeAssistant, **data: Any) -> list[dict[str, Any]]:
    """Run the action; returns what it says of each chat."""
    response = await hass.services.async_call(
        DOMAIN, "get_presence", data, blocking=True, return_response=True
    )
    assert response is not None
    assert set(response) == {"chats"}
    chats = response["chats"]
    assert isinstance(chats, list)
    return chats


async def test_get_presence(hass: HomeAssistant, account: WaapiAccount) -> None:
    """All that is known of a chat is returned, null being unknown."""
    anna(account).last_seen = SEEN
    ben(account).has_data = False
    account.quirks.no_data_as = "object"
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    made = subscriptions(account)
    assert await get_presence(
        hass, entity_id=["binary_sensor.ben", "binary_sensor.anna"]
    ) == [
        {
            "entity_id": "binary_sensor.anna",
            "name": "Anna",
            "online": False,
            "activity": "idle",
            "last_seen": "2026-09-21T14:13:20+00:00",
            "presence_access": "visible",
        },
        {
            "entity_id": "binary_sensor.ben",
            "name": "Ben",
            "online": None,
            "activity": None,
            "last_seen": None,
            "presence_access": "waiting",
        },
    ]
    assert subscriptions(account) == made


async def test_targets(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
    label_registry: lr.LabelRegistry,
) -> None:
    """A chat is found by each of its entities, its device, its area and its label."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    main = entity_registry.async_get("binary_sensor.anna")
    assert main is not None
    assert main.device_id is not None
    area = area_registry.async_create("Friends")
    label = label_registry.async_create("Watched")
    device_registry.async_update_device(
        main.device_id, area_id=area.id, labels={label.label_id}
    )
    for target in (
        {"entity_id": "sensor.anna_presence_access"},
        {"entity_id": ["binary_sensor.anna_typing", "sensor.anna_last_seen"]},
        {"device_id": main.device_id},
        {"area_id": area.id},
        {"label_id": label.label_id},
    ):
        found = await get_presence(hass, **target)
        assert [one["entity_id"] for one in found] == ["binary_sensor.anna"]

    found = await get_presence(hass, area_id=area.id, entity_id="binary_sensor.ben")
    assert [one["name"] for one in found] == ["Anna", "Ben"]

    # Without its main entity, a chat goes by the one that was meant.
    entity_registry.async_remove("binary_sensor.anna")
    found = await get_presence(hass, entity_id="sensor.anna_activity")
    assert [one["entity_id"] for one in found] == ["sensor.anna_activity"]


async def test_refresh(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """The gateway is asked first, and the entities show the answer as well."""
    await set_up(hass, account)
    made = subscriptions(account)
    account.quirks.push_on_subscribe = False
    for hook in account.webhooks:
        account.delete_webhook(hook["id"])
    await account.set_presence(anna(account), "typing")
    (found,) = await get_presence(hass, entity_id="binary_sensor.anna", refresh=True)
    assert subscriptions(account) == made + 1
    assert (found["online"], found["activity"]) == (True, "typing")
    assert online(hass) == "on"


async def test_refresh_asks_for_all_at_once(
    hass: HomeAssistant, account: WaapiAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has to be waited for holds up nobody else."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    everybody = asyncio.Barrier(2)

    async def ask(_rounds: Rounds, _chat: Chat) -> None:
        async with asyncio.timeout(5):
            await everybody.wait()

    monkeypatch.setattr(Rounds, "async_ask_now", ask)
    found = await get_presence(hass, refresh=True)
    assert [one["name"] for one in found] == ["Anna", "Ben"]


@pytest.mark.parametrize("hidden_by", [None, er.RegistryEntryHider.USER])
@pytest.mark.parametrize("left_out", ["entity_id", "device_id"])
@pytest.mark.parametrize("target", ["nothing", "all", "area"])
async def test_what_is_left_out_is_a_chat(
    hass: HomeAssistant,
    account: WaapiAccount,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
    left_out: str,
    target: str,
    hidden_by: er.RegistryEntryHider | None,
) -> None:
    """A chat is left out by any of its entities, of whatever target, hidden or not."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    if CONF_EXCLUDE not in cv.ENTITY_SERVICE_FIELDS:
        # 2026.10 knows no target with a part left out, and says so.
        with pytest.raises(vol.Invalid, match="exclude"):
            await get_presence(hass, exclude={"entity_id": ["binary_sensor.ben"]})
        return
    area = area_registry.async_create("Friends")
    for entity_id in ("binary_sensor.anna", "binary_sensor.ben"):
        main = entity_registry.async_get(entity_id)
        assert main is not None
        assert main.device_id is not None
        device_registry.async_update_device(main.device_id, area_id=area.id)
    for entity in er.async_entries_for_device(entity_registry, main.device_id):
        entity_registry.async_update_entity(entity.entity_id, hidden_by=hidden_by)
    ben_s = {"entity_id": "sensor.ben_last_seen", "device_id": main.device_id}
    chosen = {
        "nothing": {},
        "all": {"entity_id": "all"},
        "area": {"area_id": [area.id]},
    }[target]
    found = await get_presence(hass, **chosen, exclude={left_out: [ben_s[left_out]]})
    assert [one["name"] for one in found] == ["Anna"]


async def test_group(hass: HomeAssistant, account: WaapiAccount) -> None:
    """A group comes with those of its members of whom something is known."""
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    (found,) = await get_presence(hass, entity_id="binary_sensor.family")
    assert found["members"] == []
    await account.set_presence(anna(account), "recording", group=FAMILY)
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    (found,) = await get_presence(hass, entity_id="binary_sensor.family")
    assert (found["online"], found["activity"]) == (True, "typing")
    assert found["members"] == [
        {"name": "…23", "online": None, "activity": "typing"},
        {"name": "Anna", "online": None, "activity": "recording"},
    ]


async def test_group_whose_members_are_told_apart(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """A gateway that tells who is online is quoted."""
    account = add_account(simulator, "wawp")
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await settle(hass, account)
    (found,) = await get_presence(hass, entity_id="binary_sensor.family")
    assert found["members"] == [{"name": "Anna", "online": True, "activity": "typing"}]


async def test_instance_that_is_not_ready(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """What was known holds no longer, and can't be asked for."""
    anna(account).last_seen = SEEN
    await set_up(hass, account)
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    (found,) = await get_presence(hass, entity_id="binary_sensor.anna")
    assert (found["online"], found["activity"]) == (None, None)
    assert found["last_seen"] == "2026-09-21T14:13:20+00:00"
    with pytest.raises(HomeAssistantError) as err:
        await get_presence(hass, entity_id="binary_sensor.anna", refresh=True)
    assert (err.value.translation_domain, err.value.translation_key) == (
        DOMAIN,
        "not_ready",
    )


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (200, "invalid_response"),
        (403, "not_allowed"),
        (404, "instance_not_found"),
        (409, "not_ready"),
        (429, "rate_limited"),
        (503, "cannot_connect"),
    ],
)
async def test_errors_are_told_in_the_users_language(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    status: int,
    key: str,
) -> None:
    """An action that can't be run says why."""
    await set_up(hass, account)
    simulator.fail_next(status=status, body="No.", path="get-chat-presence")
    with pytest.raises(HomeAssistantError) as err:
        await get_presence(hass, entity_id="binary_sensor.anna", refresh=True)
    assert (err.value.translation_domain, err.value.translation_key) == (DOMAIN, key)
    await hass.async_block_till_done()


async def test_refused_credentials_ask_for_new_ones(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """The action says so, and the user is asked without waiting for the poll."""
    entry = await set_up(hass, account)
    account.token = "an0ther"
    with pytest.raises(HomeAssistantError) as err:
        await get_presence(hass, entity_id="binary_sensor.anna", refresh=True)
    assert err.value.translation_key == "authentication_failed"
    await advance(hass, freezer, account, 1)
    assert len(list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))) == 1
    assert online(hass) == "unavailable"


async def test_entry_that_is_not_loaded(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """The user is told which part is missing, not that nothing was found."""
    entry = await set_up(hass, account)
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as err:
        await get_presence(hass, entity_id="binary_sensor.anna")
    assert (err.value.translation_domain, err.value.translation_key) == (
        DOMAIN,
        "entry_not_loaded",
    )


async def test_an_account_that_is_not_set_up_keeps_the_others_from_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
) -> None:
    """In an area with chats of two accounts, those of one are told as unknown."""
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    other = simulator.add_instance("waapi", "678", token="t0ken")
    other.add_person("33612345678", name="Carl")
    more = MockConfigEntry(
        domain=DOMAIN,
        title="Work",
        data={**create_entry(other).data, "webhook_id": "f" * 32},
        subentries_data=[chat("33612345678@c.us", "Carl")],
    )
    more.add_to_hass(hass)
    assert await hass.config_entries.async_setup(more.entry_id)
    await settle(hass, account)
    area = area_registry.async_create("Friends")
    for device in device_registry.devices:
        if device.name in ("Anna", "Family", "Carl"):
            device_registry.async_update_device(device.id, area_id=area.id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    unknown = {
        "online": None,
        "activity": None,
        "last_seen": None,
        "presence_access": None,
    }
    for refresh in (False, True):
        found = await get_presence(hass, area_id=area.id, refresh=refresh)
        assert [one["name"] for one in found] == ["Anna", "Carl", "Family"]
        assert found[0] == {
            "entity_id": "binary_sensor.anna",
            "name": "Anna",
            **unknown,
        }
        assert found[1]["online"] is False
        assert found[2] == {
            "entity_id": "binary_sensor.family",
            "name": "Family",
            **unknown,
            "members": [],
        }
    assert await hass.config_entries.async_unload(more.entry_id)
    with pytest.raises(ServiceValidationError) as err:
        await get_presence(hass, area_id=area.id)
    assert err.value.translation_key == "entry_not_loaded"


async def test_targets_that_are_no_chats(
    hass: HomeAssistant, account: WaapiAccount, entity_registry: er.EntityRegistry
) -> None:
    """Somebody else's entities and those of the instance are none."""
    await set_up(hass, account)
    other = entity_registry.async_get_or_create("binary_sensor", "other", "1")
    for target in (
        "binary_sensor.my_account_ready",
        "binary_sensor.nobody",
        other.entity_id,
    ):
        with pytest.raises(ServiceValidationError) as err:
            await get_presence(hass, entity_id=target)
        assert (err.value.translation_domain, err.value.translation_key) == (
            DOMAIN,
            "no_chats",
        )
    # Beside a chat, they are left out.
    assert (
        len(
            await get_presence(
                hass, entity_id=[other.entity_id, "sensor.anna_activity"]
            )
        )
        == 1
    )


async def test_entity_whose_chat_is_just_being_removed(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Nothing is known of a chat that is tracked no longer."""
    entry = await set_up(hass, account)
    entry.runtime_data.instance.chats.clear()
    with pytest.raises(ServiceValidationError):
        await get_presence(hass, entity_id="binary_sensor.anna")


async def test_without_a_target_all_are_told_of(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Of each account that is set up; one that is not stops nobody."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    other = simulator.add_instance("waapi", "678", token="t0ken")
    other.add_person("33612345678", name="Carl")
    like = create_entry(other)
    more = MockConfigEntry(
        domain=DOMAIN,
        title="Work",
        unique_id=like.unique_id,
        data={**like.data, "webhook_id": "f" * 32},
        subentries_data=[chat("33612345678@c.us", "Carl")],
    )
    more.add_to_hass(hass)
    assert await hass.config_entries.async_setup(more.entry_id)
    await settle(hass, account)
    everybody = ["Anna", "Ben", "Carl"]
    for target in ({}, {"entity_id": "all"}):
        found = await get_presence(hass, **target)
        assert [one["name"] for one in found] == everybody

    await hass.config_entries.async_unload(entry.entry_id)
    assert [one["name"] for one in await get_presence(hass)] == ["Carl"]
    await hass.config_entries.async_unload(more.entry_id)
    with pytest.raises(ServiceValidationError) as err:
        await get_presence(hass)
    assert err.value.translation_key == "entry_not_loaded"


async def test_a_target_that_turns_out_empty_is_not_everybody(
    hass: HomeAssistant, account: WaapiAccount, area_registry: ar.AreaRegistry
) -> None:
    """A template that finds nobody does not tell of all; the error says of what."""
    await set_up(hass, account)
    area = area_registry.async_create("Cellar")
    for target, said in (
        ({"entity_id": []}, ""),
        ({"area_id": area.id}, "cellar"),
        ({"label_id": ["nothing", "nobody"]}, "nothing, nobody"),
    ):
        with pytest.raises(ServiceValidationError) as err:
            await get_presence(hass, **target)
        assert err.value.translation_key == "no_chats"
        assert err.value.translation_placeholders == {"targets": said}


async def test_a_floor_leads_to_its_chats(
    hass: HomeAssistant,
    account: WaapiAccount,
    device_registry: dr.DeviceRegistry,
    area_registry: ar.AreaRegistry,
    floor_registry: fr.FloorRegistry,
) -> None:
    """By way of its areas."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    floor = floor_registry.async_create("Upstairs")
    area = area_registry.async_create("Friends", floor_id=floor.floor_id)
    (device,) = [device for device in device_registry.devices if device.name == "Ben"]
    device_registry.async_update_device(device.id, area_id=area.id)
    found = await get_presence(hass, floor_id=floor.floor_id)
    assert [one["name"] for one in found] == ["Ben"]


async def test_a_chat_counts_once(
    hass: HomeAssistant, account: WaapiAccount, entity_registry: er.EntityRegistry
) -> None:
    """Even if its main entity is gone, and two of the others are named."""
    await set_up(hass, account)
    entity_registry.async_remove("binary_sensor.anna")
    found = await get_presence(
        hass, entity_id=["sensor.anna_last_seen", "sensor.anna_activity"]
    )
    assert [one["entity_id"] for one in found] == ["sensor.anna_activity"]


async def test_a_refresh_that_fails_for_one_tells_of_the_others(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Only if all fail, the action does."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    simulator.fail_next(status=403, body="No.", path="get-chat-presence")
    found = await get_presence(hass, refresh=True)
    assert [one["name"] for one in found] == ["Anna", "Ben"]
    await settle(hass, account)
    for _ in range(2):
        simulator.fail_next(status=403, body="No.", path="get-chat-presence")
    with pytest.raises(HomeAssistantError) as err:
        await get_presence(hass, refresh=True)
    assert err.value.translation_key == "not_allowed"
    await settle(hass, account)
