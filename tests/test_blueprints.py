"""The blueprints: each is loaded, and run by Home Assistant's automations."""

from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.components.blueprint import models
from homeassistant.components.persistent_notification import (
    _async_get_or_create_notifications as notifications,
)
from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.selector import DeviceSelector
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict

from .common import (
    ANNA,
    BEN,
    ENTRY_ID,
    FAMILY,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    entity_id,
    online,
    outlast_grace,
    set_up,
    settle,
    state,
    until,
)
from .simulator import Simulator, WaapiAccount

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("blueprints/automation/whatsapp_presence")
BLUEPRINTS = sorted((ROOT / FOLDER).glob("*.yaml"))
HOME = "https://github.com/ha-whatsapp-presence/ha-whatsapp-presence/blob/main"
LAMP = "light.lamp"


def load(name: str) -> models.Blueprint:
    """Load a blueprint as Home Assistant does."""
    return models.Blueprint(
        load_yaml_dict(str(ROOT / FOLDER / name)),
        expected_domain=AUTOMATION,
        path=name,
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )


def test_there_are_five() -> None:
    """Those that the README offers."""
    assert [path.name for path in BLUEPRINTS] == [
        "ask_by_voice.yaml",
        "hold_notifications.yaml",
        "lamp_off_with_automation.yaml",
        "lamp_while_typing.yaml",
        "notify_when_online.yaml",
    ]


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_it_can_be_imported(path: Path) -> None:
    """It says where it comes from and what it needs; each input can be picked."""
    blueprint = load(path.name)
    assert blueprint.validate() is None
    about = blueprint.metadata
    assert about["source_url"] == f"{HOME}/{FOLDER}/{path.name}"
    assert about["homeassistant"]["min_version"] == "2026.10.0"
    assert about["description"]
    for given in blueprint.inputs.values():
        assert given["name"]
        assert given["selector"]
    assert (ROOT / "README.md").read_text("utf-8").count(path.name) == 1


@pytest.fixture
def account(simulator: Simulator, reachable: None, unpaced: None) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


@pytest.fixture
def lamp(hass: HomeAssistant) -> list[str]:
    """Return what is done to a lamp."""
    calls: list[str] = []

    @callback
    def switch(call: ServiceCall) -> None:
        assert call.data["entity_id"] == [LAMP]
        calls.append(call.service)
        hass.states.async_set(LAMP, call.service.removeprefix("turn_"))

    hass.services.async_register("light", "turn_on", switch)
    hass.services.async_register("light", "turn_off", switch)
    hass.states.async_set(LAMP, "off")
    return calls


@pytest.fixture
def blueprints() -> Generator[None]:
    """Let Home Assistant find them, as if they had been imported."""

    def load_imported(self: models.DomainBlueprints, path: str) -> models.Blueprint:
        assert self.domain == AUTOMATION
        return load(path)

    with patch.object(models.DomainBlueprints, "_load_blueprint", load_imported):
        yield


def devices(hass: HomeAssistant, blueprint: str, given: str, *chats: str) -> list[str]:
    """Return the devices of chats, as far as the blueprint offers them."""
    registry = dr.async_get(hass)
    described: dict[str, Any] = load(blueprint).inputs[given]
    (config,) = described["selector"].values()
    filters: Any = DeviceSelector(config).config["filter"]
    offered = [(one["integration"], one["model"]) for one in filters]
    found = []
    for chat_id in chats:
        device = registry.async_get_device_by_identifier(
            (DOMAIN, f"{ENTRY_ID}_{chat_id}"), ENTRY_ID
        )
        assert device is not None
        assert (DOMAIN, device.model) in offered
        found.append(device.id)
    instance = registry.async_get_device_by_identifier((DOMAIN, ENTRY_ID), ENTRY_ID)
    assert instance is not None
    assert (DOMAIN, instance.model) not in offered
    return found


async def automate(
    hass: HomeAssistant, blueprint: str, *others: dict[str, Any], **inputs: Any
) -> None:
    """Make an automation of a blueprint, and others beside it."""
    made = {
        "alias": "Blueprint",
        "use_blueprint": {"path": blueprint, "input": inputs},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [made, *others]})
    assert hass.states.get("automation.blueprint") is not None


def runs(hass: HomeAssistant) -> int:
    """Return how many runs of the automation have not ended."""
    found = hass.states.get("automation.blueprint")
    assert found is not None
    return int(found.attributes["current"])


async def later(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass while an automation waits."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)


def told(events: list[Event[Any]]) -> list[str]:
    """Return what was told, and forget it."""
    found = [event.data["what"] for event in events]
    events.clear()
    return found


TELL = [{"event": "told", "event_data": {"what": "{{ contact_name }}"}}]
NOTIFY = [{"event": "told", "event_data": {"what": "{{ trigger.event.data.what }}"}}]
BELL = [{"trigger": "event", "event_type": "bell"}]


@pytest.mark.usefixtures("blueprints")
async def test_notify_when_online(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Who was away for an hour is told of, who was for a minute is not."""
    await account.set_presence(anna(account), "online")
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    events = async_capture_events(hass, "told")
    await automate(
        hass,
        "notify_when_online.yaml",
        contacts=devices(hass, "notify_when_online.yaml", "contacts", ANNA, BEN),
        actions=TELL,
    )
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 60)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == "on"
    assert told(events) == []

    await account.set_presence(anna(account), "offline")
    await account.set_presence(ben(account), "offline")
    for _ in range(6):
        await advance(hass, freezer, account, 10 * 60)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert told(events) == ["Anna"]

    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    assert online(hass, BEN) == "unavailable"
    await account.set_status("ready")
    await advance(hass, freezer, account, 61)
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert online(hass, BEN) == "on"
    # What happened without a connection is not known.
    assert told(events) == []


@pytest.mark.usefixtures("blueprints")
async def test_notify_when_online_does_something_by_itself(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Without any actions, it is a notification in Home Assistant."""
    await account.set_presence(anna(account), "offline")
    await set_up(hass, account)
    assert await async_setup_component(hass, "persistent_notification", {})
    await automate(
        hass,
        "notify_when_online.yaml",
        contacts=devices(hass, "notify_when_online.yaml", "contacts", ANNA),
        away_for={"minutes": 2},
    )
    await advance(hass, freezer, account, 121)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    (notification,) = notifications(hass).values()
    assert notification["title"] == "Anna"
    assert notification["message"] == "Anna is online."


PHONE = "Anna's Pixel"


@pytest.fixture
def phone(hass: HomeAssistant) -> tuple[str, list[ServiceCall]]:
    """Return a phone with the Home Assistant app, and what it is told."""
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "1")}, name=PHONE
    )
    return device.id, async_mock_service(hass, "notify", "mobile_app_anna_s_pixel")


async def come_online(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    phone: str,
    **inputs: Any,
) -> None:
    """Let Anna, and then the family, come online after two hours and a quarter."""
    await account.set_presence(anna(account), "offline")
    await account.set_presence(ben(account), "offline")
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    name = "notify_when_online.yaml"
    await automate(
        hass,
        name,
        contacts=devices(hass, name, "contacts", ANNA, FAMILY),
        phones=[phone],
        **inputs,
    )
    for chat_id in (ANNA, FAMILY):
        hass.states.async_set(
            entity_id(hass, "binary_sensor", "online", chat_id),
            "off",
            {"entity_picture": f"/api/image_proxy/image.{chat_id[:4]}?token=1"},
        )
    freezer.tick(2 * 60 * 60 + 15 * 60)
    for chat_id in (ANNA, FAMILY):
        online_id = entity_id(hass, "binary_sensor", "online", chat_id)
        before = hass.states.get(online_id)
        assert before is not None
        hass.states.async_set(online_id, "on", before.attributes)
    await hass.async_block_till_done()


@pytest.mark.usefixtures("blueprints")
async def test_a_phone_is_told_with_a_picture(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    phone: tuple[str, list[ServiceCall]],
) -> None:
    """A tap opens Home Assistant, for nobody asked for more."""
    device, calls = phone
    await come_online(hass, account, freezer, device, actions=[])
    assert [call.data for call in calls] == [
        {
            "title": name,
            "message": f"{name} is online, after 2 hours 15 minutes.",
            "data": {"tag": f"binary_sensor.{name.lower()}", "image": picture},
        }
        for name, picture in (
            ("Anna", "/api/image_proxy/image.4915?token=1"),
            ("Family", "/api/image_proxy/image.1203?token=1"),
        )
    ]


@pytest.mark.usefixtures("blueprints")
async def test_a_tap_opens_the_chat_of_a_number(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    phone: tuple[str, list[ServiceCall]],
) -> None:
    """If the user wants it so; a group has no number."""
    device, calls = phone
    variables = ("away_minutes", "online_since", "away_since", "chat_link")
    events = async_capture_events(hass, "told")
    await come_online(
        hass,
        account,
        freezer,
        device,
        open_chat=True,
        title="{{ contact_name }} ({{ away_minutes }} min)",
        actions=[
            {"event": "told", "event_data": {v: f"{{{{ {v} }}}}" for v in variables}}
        ],
    )
    link = "https://wa.me/491511234567"
    assert [
        (call.data["data"].get("url"), call.data["data"].get("clickAction"))
        for call in calls
    ] == [(link, link), (None, None)]
    assert calls[0].data["title"] == "Anna (135 min)"
    first, second = (event.data for event in events)
    assert (first["away_minutes"], first["chat_link"]) == (135, link)
    assert second["chat_link"] == ""
    began, left = (
        datetime.fromisoformat(first[key]) for key in ("online_since", "away_since")
    )
    assert began - left == timedelta(hours=2, minutes=15)


async def light_up(
    hass: HomeAssistant, account: WaapiAccount, *others: dict[str, Any], **inputs: Any
) -> None:
    """Make an automation of the lamp's blueprint, and others beside it."""
    await account.set_presence(anna(account), "online")
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    await automate(
        hass,
        "lamp_while_typing.yaml",
        *others,
        contacts=devices(hass, "lamp_while_typing.yaml", "contacts", ANNA, FAMILY),
        lamp=LAMP,
        **inputs,
    )


@pytest.mark.usefixtures("blueprints")
async def test_lamp_while_typing(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """It is on for as long as anybody types, each time."""
    await light_up(hass, account)
    for _ in range(2):
        await account.set_presence(anna(account), "typing")
        await until(lambda: lamp == ["turn_on"])
        await account.set_presence(ben(account), "typing", group=FAMILY)
        await until(lambda: activity(hass, FAMILY) == "typing")
        await account.set_presence(anna(account), "paused")
        await until(lambda: activity(hass) == "idle")
        assert lamp == ["turn_on"]
        await account.set_presence(ben(account), "paused", group=FAMILY)
        await until(lambda: lamp == ["turn_on", "turn_off"])
        await settle(hass, account)
        lamp.clear()


@pytest.mark.usefixtures("blueprints")
async def test_lamp_that_is_on_already(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """Somebody needs it: it is neither turned on nor off."""
    await light_up(hass, account)
    hass.states.async_set(LAMP, "on")
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"
    await account.set_presence(anna(account), "paused")
    await settle(hass, account)
    assert activity(hass) == "idle"
    assert lamp == []


@pytest.mark.usefixtures("blueprints")
async def test_lamp_goes_off_at_last(
    hass: HomeAssistant,
    account: WaapiAccount,
    lamp: list[str],
    freezer: FrozenDateTimeFactory,
) -> None:
    """After the longest time, however much there is to say."""
    await light_up(hass, account, longest={"seconds": 20})
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"])
    await until(lambda: runs(hass))
    await later(hass, freezer, 21)
    await until(lambda: lamp == ["turn_on", "turn_off"])
    assert activity(hass) == "typing"


@pytest.mark.usefixtures("blueprints")
async def test_lamp_goes_off_without_a_connection(
    hass: HomeAssistant,
    account: WaapiAccount,
    lamp: list[str],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whether somebody is still typing can't be seen any more."""
    await light_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"])
    await account.set_status("qr")
    await until(lambda: activity(hass) == "unavailable")
    await later(hass, freezer, 31)
    await until(lambda: lamp == ["turn_on", "turn_off"])


async def switch(hass: HomeAssistant, service: str, **how: bool) -> None:
    """Switch the automation on or off."""
    await hass.services.async_call(
        "automation",
        service,
        {"entity_id": "automation.blueprint", **how},
        blocking=True,
    )


@pytest.mark.usefixtures("blueprints")
async def test_lamp_of_an_automation_that_was_switched_off(
    hass: HomeAssistant,
    account: WaapiAccount,
    lamp: list[str],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It goes off with the automation's return, unless somebody else turned it on."""
    await light_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"] and runs(hass))
    await switch(hass, "turn_off")
    await account.set_presence(anna(account), "paused")
    await until(lambda: activity(hass) == "idle")
    assert lamp == ["turn_on"]
    await switch(hass, "turn_on")
    await until(lambda: lamp == ["turn_on", "turn_off"])

    await switch(hass, "turn_off")
    freezer.tick(60)
    hass.states.async_set(LAMP, "on")
    await switch(hass, "turn_on")
    await settle(hass, account)
    assert lamp == ["turn_on", "turn_off"]


@pytest.mark.usefixtures("blueprints")
async def test_lamp_of_an_automation_that_goes_on(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """It was switched off and on again without its run being stopped."""
    await light_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"] and runs(hass))
    await switch(hass, "turn_off", stop_actions=False)
    await switch(hass, "turn_on")
    await account.set_presence(anna(account), "paused")
    await settle(hass, account)
    assert lamp == ["turn_on", "turn_off"]


@pytest.mark.usefixtures("blueprints")
@pytest.mark.parametrize("service", ["turn_off", "toggle"])
async def test_lamp_goes_off_with_its_automation(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str], service: str
) -> None:
    """A second automation sees to it, and does nothing to a lamp that it did not light."""
    guard = {
        "alias": "Guard",
        "use_blueprint": {
            "path": "lamp_off_with_automation.yaml",
            "input": {"watched": "automation.blueprint", "lamp": LAMP},
        },
    }
    await light_up(hass, account, guard)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"] and runs(hass))
    await switch(hass, service)
    await settle(hass, account)
    assert lamp == ["turn_on", "turn_off"]

    await switch(hass, "turn_on")
    hass.states.async_set(LAMP, "on")
    await switch(hass, service)
    await settle(hass, account)
    assert lamp == ["turn_on", "turn_off"]


@pytest.mark.usefixtures("blueprints")
async def test_lamp_goes_off_before_automations_are_reloaded(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """Which ends the run of one that was changed or is gone."""
    await light_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"] and runs(hass))
    nothing = "homeassistant.config.load_yaml_config_file"
    with patch(nothing, autospec=True, return_value={}):
        await hass.services.async_call("automation", "reload", blocking=True)
    await until(lambda: lamp == ["turn_on", "turn_off"])
    assert hass.states.get("automation.blueprint") is None


@pytest.mark.usefixtures("blueprints")
async def test_lamp_goes_off_before_home_assistant_stops(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """A restart ends the run too; a lamp that somebody else turned on is left alone."""
    await light_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await until(lambda: lamp == ["turn_on"] and runs(hass))
    await hass.async_stop(force=True)
    assert lamp == ["turn_on", "turn_off"]


@pytest.mark.usefixtures("blueprints")
async def test_lamp_of_somebody_else_outlasts_a_restart(
    hass: HomeAssistant, account: WaapiAccount, lamp: list[str]
) -> None:
    """It was on before anybody typed."""
    await light_up(hass, account)
    hass.states.async_set(LAMP, "on")
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    await hass.async_stop(force=True)
    assert lamp == []


async def hold(
    hass: HomeAssistant, account: WaapiAccount, **inputs: Any
) -> list[Event[Any]]:
    """Make an automation of the blueprint that holds notifications."""
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(FAMILY, "Family"))
    await automate(
        hass,
        "hold_notifications.yaml",
        chats=devices(hass, "hold_notifications.yaml", "chats", FAMILY),
        when=BELL,
        notify=NOTIFY,
        **inputs,
    )
    events: list[Event[Any]] = async_capture_events(hass, "told")
    return events


@pytest.mark.usefixtures("blueprints")
@pytest.mark.parametrize("word", ["typing", "recording"])
async def test_hold_notifications(
    hass: HomeAssistant, account: WaapiAccount, word: str
) -> None:
    """At once while the chat is quiet; else afterwards, in their order."""
    events = await hold(hass, account)
    hass.bus.async_fire("bell", {"what": "postman"})
    await settle(hass, account)
    assert told(events) == ["postman"]

    await account.set_presence(ben(account), word, group=FAMILY)
    await settle(hass, account)
    assert state(hass, "sensor", "activity", FAMILY) == word
    for what in ("door", "window"):
        hass.bus.async_fire("bell", {"what": what})
    await until(lambda: runs(hass) == 2)
    assert told(events) == []
    await account.set_presence(ben(account), "paused", group=FAMILY)
    await until(lambda: len(events) == 2)
    assert told(events) == ["door", "window"]


@pytest.mark.usefixtures("blueprints")
async def test_notifications_come_at_last(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """After the longest time, however much the family has to say."""
    events = await hold(hass, account, longest={"seconds": 25})
    await account.set_presence(ben(account), "recording", group=FAMILY)
    await settle(hass, account)
    hass.bus.async_fire("bell", {"what": "door"})
    await until(lambda: runs(hass))
    assert told(events) == []
    await later(hass, freezer, 26)
    await until(lambda: events)
    assert told(events) == ["door"]
    assert state(hass, "sensor", "activity", FAMILY) == "recording"


@pytest.mark.usefixtures("blueprints")
async def test_a_phone_is_told_when_the_chat_is_quiet(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    phone: tuple[str, list[ServiceCall]],
) -> None:
    """With a title, a picture and a tap if the user wants them; what is due at once, too."""
    device, calls = phone
    variables = ("about", "due", "held")
    events = async_capture_events(hass, "told")
    hass.states.async_set("binary_sensor.door", "off", {"friendly_name": "Front door"})
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(FAMILY, "Family"))
    await automate(
        hass,
        "hold_notifications.yaml",
        chats=devices(hass, "hold_notifications.yaml", "chats", FAMILY),
        when=[
            *BELL,
            {"trigger": "state", "entity_id": "binary_sensor.door", "to": "on"},
        ],
        phones=[device],
        title="{{ 'Held for ' ~ held if held else '' }}",
        picture="/api/camera_proxy/camera.door",
        tap="/lovelace/door",
        notify=[
            {"event": "told", "event_data": {v: f"{{{{ {v} }}}}" for v in variables}}
        ],
    )
    extras = {
        "image": "/api/camera_proxy/camera.door",
        "clickAction": "/lovelace/door",
        "url": "/lovelace/door",
    }
    due = dt_util.utcnow()
    hass.bus.async_fire("bell", {"what": "postman"})
    await until(lambda: events)
    assert [call.data for call in calls] == [
        {"message": "event 'bell'", "data": extras}
    ]

    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    hass.states.async_set("binary_sensor.door", "on", {"friendly_name": "Front door"})
    await until(lambda: runs(hass))
    assert len(calls) == 1
    await later(hass, freezer, 20)
    await account.set_presence(ben(account), "paused", group=FAMILY)
    await until(lambda: len(events) == 2)
    assert calls[1].data == {
        "title": "Held for 20 seconds",
        "message": "Front door",
        "data": extras,
    }
    assert events[0].data["held"] == ""
    assert events[1].data["about"] == "Front door"
    assert datetime.fromisoformat(events[1].data["due"]) - due < timedelta(seconds=1)


@pytest.mark.usefixtures("blueprints")
async def test_a_phone_is_told_without_more_than_a_message(
    hass: HomeAssistant, account: WaapiAccount, phone: tuple[str, list[ServiceCall]]
) -> None:
    """Nothing else has to be filled in."""
    device, calls = phone
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(FAMILY, "Family"))
    await automate(
        hass,
        "hold_notifications.yaml",
        chats=devices(hass, "hold_notifications.yaml", "chats", FAMILY),
        when=BELL,
        phones=[device],
        message="The bell",
    )
    hass.bus.async_fire("bell")
    await until(lambda: calls)
    assert calls[0].data == {"message": "The bell"}
