"""What other parts of Home Assistant make of the entities, as the page says."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from homeassistant.components import device_automation
from homeassistant.components.alexa.entities import ENTITY_ADAPTERS
from homeassistant.components.google_assistant.trait import TRAITS
from homeassistant.components.recorder.core import Recorder
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.condition import (
    async_from_config as async_condition_from_config,
    async_validate_conditions_config,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import (
    BEN,
    FAMILY,
    WEBHOOK_PATH,
    add_account,
    anna,
    ben,
    chat,
    outlast_grace,
    set_up,
    settle,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures(
    "entity_registry_enabled_by_default", "reachable", "unpaced"
)


@pytest.fixture
async def account(hass: HomeAssistant, simulator: Simulator) -> Account:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "offline")
    return account


def offered(hass: HomeAssistant, entity_id: str) -> set[str]:
    """Return what Google would offer of an entity."""
    state = hass.states.get(entity_id)
    assert state is not None
    return {
        trait.name
        for trait in TRAITS
        if trait.supported(
            state.domain,
            state.attributes.get("supported_features", 0),
            state.attributes.get("device_class"),
            state.attributes,
        )
    }


async def test_google_offers_nothing_of_a_chat(
    hass: HomeAssistant, account: Account
) -> None:
    """Only the switch and the button of the account have a counterpart."""
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    found = {
        entity.entity_id: traits
        for entity in entities
        if (traits := offered(hass, entity.entity_id))
    }
    assert found["switch.my_account_announce_online"] == {"action.devices.traits.OnOff"}
    assert not [one for one in found if "my_account" not in one]


async def test_alexa_can_ask_nothing_of_a_chat(
    hass: HomeAssistant, account: Account
) -> None:
    """Its binary sensors are listed, with no interface but their health."""
    await set_up(hass, account)

    class Config:
        """Nothing of this is configured."""

        entity_config: dict[str, Any] = {}

    for entity_id in ("binary_sensor.anna", "binary_sensor.anna_typing"):
        state = hass.states.get(entity_id)
        assert state is not None
        adapter: Any = ENTITY_ADAPTERS["binary_sensor"](hass, Config(), state)
        assert {one.name() for one in adapter.interfaces()} == {
            "Alexa",
            "Alexa.EndpointHealth",
        }
        assert adapter.default_display_categories() is None


def told_by(fired: list[Event[Any]]) -> list[str]:
    """Return which automations have fired since it was asked last."""
    found = [event.data["by"] for event in fired]
    fired.clear()
    return sorted(found)


async def test_a_state_trigger_on_the_event_entity(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """It fires when the account is away and back, too, and never for a word."""
    await set_up(hass, account)
    fired: list[Event[Any]] = async_capture_events(hass, "fired")

    def automation(alias: str, **trigger: Any) -> dict[str, Any]:
        return {
            "alias": alias,
            "triggers": {
                "trigger": "state",
                "entity_id": "event.anna_presence",
                **trigger,
            },
            "actions": {"event": "fired", "event_data": {"by": alias}},
        }

    config = {
        "automation": [
            automation("plain"),
            automation("word", to="came_online"),
            automation(
                "careful",
                not_from="unavailable",
                not_to="unavailable",
            ),
        ]
    }
    assert await async_setup_component(hass, "automation", config)

    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert told_by(fired) == ["careful", "plain"]
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert told_by(fired) == ["careful", "plain"]
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert told_by(fired) == ["plain"]
    await account.set_status("ready")
    await settle(hass, account)
    assert told_by(fired) == ["plain"]


async def test_a_device_trigger_of_online(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """It fires for whoever is online when the account is back, without having come."""
    await set_up(hass, account)
    fired: list[Event[Any]] = async_capture_events(hass, "fired")
    entity = er.async_get(hass).async_get("binary_sensor.anna")
    assert entity is not None
    offered = await device_automation.async_get_device_automations(
        hass, device_automation.DeviceAutomationType.TRIGGER, [entity.device_id]
    )
    device = {
        "domain": "binary_sensor",
        "device_id": entity.device_id,
        "entity_id": entity.id,
        "type": "turned_on",
    }
    assert device in [
        {key: one.get(key) for key in device} for one in offered[entity.device_id]
    ]
    target = {"entity_id": "binary_sensor.anna"}
    config = {
        "automation": [
            {
                "alias": alias,
                "triggers": trigger,
                "actions": {"event": "fired", "event_data": {"by": alias}},
            }
            for alias, trigger in (
                ("device", {"trigger": "device", **device}),
                ("own", {"trigger": "whatsapp_presence.came_online", "target": target}),
            )
        ]
    }
    assert await async_setup_component(hass, "automation", config)

    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert told_by(fired) == ["device", "own"]
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    await account.set_status("ready")
    await settle(hass, account)
    assert hass.states.is_state("binary_sensor.anna", "on")
    assert told_by(fired) == ["device"]


async def test_groups(hass: HomeAssistant, account: Account) -> None:
    """Who is unknown is off to a group of any, and spoils one of all."""
    ben(account).has_data = False
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert hass.states.is_state("binary_sensor.anna", "off")
    assert hass.states.is_state("binary_sensor.ben", "unknown")
    for name in ("any", "all"):
        helper = MockConfigEntry(
            domain="group",
            title=name,
            options={
                "group_type": "binary_sensor",
                "name": name,
                "entities": ["binary_sensor.anna", "binary_sensor.ben"],
                "hide_members": False,
                "all": name == "all",
            },
        )
        helper.add_to_hass(hass)
        assert await hass.config_entries.async_setup(helper.entry_id)
    await hass.async_block_till_done()
    assert hass.states.is_state("binary_sensor.any", "off")
    assert hass.states.is_state("binary_sensor.all", "unknown")


async def test_a_group_as_a_target(hass: HomeAssistant, account: Account) -> None:
    """An action looks into it; to a trigger or a condition it is nobody."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    members = ["binary_sensor.anna", "binary_sensor.ben"]
    groups = {"friends": {"entities": members}}
    assert await async_setup_component(hass, "group", {"group": groups})
    fired: list[Event[Any]] = async_capture_events(hass, "fired")
    target = {"entity_id": "group.friends"}
    config = {
        "automation": [
            {
                "alias": behavior,
                "triggers": {
                    "trigger": "whatsapp_presence.came_online",
                    "target": target,
                    "options": {"behavior": behavior},
                },
                "actions": {"event": "fired"},
            }
            for behavior in ("each", "first", "all")
        ]
    }
    assert await async_setup_component(hass, "automation", config)
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "online")
    await settle(hass, account)
    assert [hass.states.is_state(one, "on") for one in members] == [True, True]
    assert fired == []
    for behavior in ("any", "all"):
        condition = {
            "condition": "whatsapp_presence.is_online",
            "target": target,
            "options": {"behavior": behavior},
        }
        (valid,) = await async_validate_conditions_config(
            hass, cv.CONDITIONS_SCHEMA([condition])
        )
        checker = await async_condition_from_config(hass, valid)
        assert checker.async_check() is False
    response = await hass.services.async_call(
        "whatsapp_presence", "get_presence", target, blocking=True, return_response=True
    )
    assert response is not None
    chats: Any = response["chats"]
    assert [one["online"] for one in chats] == [True, True]


async def test_the_webhook_in_a_browser(
    hass: HomeAssistant, account: Account, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """An empty page: 405 for ours, 200 for nobody's."""
    await set_up(hass, account)
    client = await hass_client_no_auth()
    for path, status in ((WEBHOOK_PATH, 405), (f"{WEBHOOK_PATH[:-1]}x", 200)):
        answer = await client.get(path)
        assert answer.status == status
        assert "<" not in await answer.text()


async def test_history_stats_counts_the_time_that_home_assistant_was_down(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing is written while it is down: what was last goes on until the next start."""
    begin = dt_util.utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
    for minute, shown in (
        (0, "off"),
        (10, "on"),
        # Down from 12:20 to 13:10; then the entity is there again, and known again.
        (70, "unavailable"),
        (71, "off"),
        (80, None),
    ):
        freezer.move_to(begin + timedelta(minutes=minute))
        if shown:
            hass.states.async_set("binary_sensor.anna", shown)
        await hass.async_block_till_done()
        await async_wait_recording_done(hass)
    stats = {
        "platform": "history_stats",
        "name": "Anna online",
        "entity_id": "binary_sensor.anna",
        "state": "on",
        "type": "time",
        "start": f"{{{{ as_datetime('{begin.isoformat()}') }}}}",
        "end": "{{ now() }}",
    }
    assert await async_setup_component(hass, "sensor", {"sensor": [stats]})
    await hass.async_block_till_done(wait_background_tasks=True)
    counted = hass.states.get("sensor.anna_online")
    assert counted is not None
    # It was watched for ten minutes.
    assert float(counted.state) == pytest.approx(1)
