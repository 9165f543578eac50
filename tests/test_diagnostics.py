"""Diagnostics: useful, and fit to be shown to anybody."""

from datetime import datetime, timedelta
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import (
    ANNA,
    ANNA_LID,
    BEN,
    ENTRY_ID,
    FAMILY,
    TITLE,
    WEBHOOK_ID,
    add_account,
    anna,
    ben,
    chat,
    create_entry,
    set_up,
    settle,
)
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

PRIVATE = (
    ANNA.partition("@")[0],
    ANNA_LID.partition("@")[0],
    BEN.partition("@")[0],
    FAMILY.partition("@")[0],
    "Anna",
    "Ben",
    "Family",
    "t0ken",
    "hush-hush",
    WEBHOOK_ID,
    ENTRY_ID,
    TITLE,
    "127.0.0.1",
)


@pytest.fixture(autouse=True)
async def diagnostics(hass: HomeAssistant) -> None:
    """Set diagnostics up before there is a client."""
    assert await async_setup_component(hass, "diagnostics", {})


def assert_nothing_private(diagnostics: Any) -> None:
    """Make sure that nobody is named and nothing lets anybody in."""
    text = json.dumps(diagnostics)
    assert [private for private in PRIVATE if private in text] == []


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_diagnostics_of_an_entry(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    snapshot: SnapshotAssertion,
    gateway: str,
) -> None:
    """They tell how the instance and its chats stand."""
    signs = {"hmac_secret": "hush-hush"} if gateway == "waapi" else {}
    account = add_account(simulator, gateway, **signs)
    await account.set_presence(anna(account), "recording")
    entry = await set_up(
        hass,
        account,
        chat(alias=ANNA_LID),
        chat(BEN, "Ben", settle_time=7),
        chat(FAMILY, "Family"),
        options={"webhook_secret": "hush-hush"} if signs else None,
    )
    # Of a group's members is told what they do in it; not by all that they are online.
    await account.set_presence(anna(account), "typing", group=FAMILY)
    await account.set_presence(anna(account), "paused", group=FAMILY)
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)

    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert isinstance(found["instance"], dict)
    last_event = datetime.fromisoformat(str(found["instance"].pop("last_event")))
    assert abs(last_event - dt_util.utcnow()) < timedelta(minutes=1)
    assert isinstance(found["chats"], list)
    for shown in found["chats"]:
        # How many come before the webhook is registered is left to chance.
        assert isinstance(shown, dict)
        assert isinstance(shown.pop("events"), int)
    assert found == snapshot
    assert_nothing_private(found)


async def test_the_name_of_the_file(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, simulator: Simulator
) -> None:
    """Home Assistant names a device's after the device, and an entry's after nobody."""
    entry = await set_up(hass, add_account(simulator))
    devices = dr.async_get(hass)
    (device,) = (
        device
        for device in dr.async_entries_for_config_entry(devices, entry.entry_id)
        if device.name == "Anna"
    )
    devices.async_update_device(device.id, name_by_user="Somebody")
    client = await hass_client()
    path = f"/api/diagnostics/config_entry/{entry.entry_id}"
    for url, told in ((path, False), (f"{path}/device/{device.id}", True)):
        answer = await client.get(url)
        assert answer.status == 200
        assert ("Anna" in answer.headers["Content-Disposition"]) is told
        assert "Anna" not in await answer.text()


async def test_a_form_that_nobody_showed_is_captured_without_what_it_said(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    simulator: Simulator,
) -> None:
    """Names of fields, types, and nothing else."""
    account = add_account(simulator)
    entry = await set_up(hass, account)
    client = await hass_client_no_auth()
    odd = {"contact": {"wid": ANNA_LID, "shortName": "Anna"}, ANNA: ["typing"]}
    body = {"event": "presence_update", "instanceId": 12345, "data": odd}
    assert (await client.post(f"/api/webhook/{WEBHOOK_ID}", json=body)).status == 200
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert isinstance(found["instance"], dict)
    [captured] = found["instance"]["capture"]
    assert captured == {
        "kind": "a presence update in an unknown form",
        "structure": {
            "data": {
                "contact": {"wid": "string", "shortName": "string"},
                "<key>": ["string"],
            }
        },
        "count": 1,
    }
    assert_nothing_private(found)


async def test_diagnostics_of_an_entry_that_is_not_loaded(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    snapshot: SnapshotAssertion,
) -> None:
    """They are most needed where the set-up fails."""
    account = add_account(simulator)
    await simulator.stop()
    entry = create_entry(account, chat(), options={"register_webhook": False})
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert found == snapshot
    assert_nothing_private(found)


async def test_diagnostics_of_an_instance_in_trouble(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, simulator: Simulator
) -> None:
    """The kind of the last error is told, not its words."""
    account = add_account(simulator)
    entry = await set_up(hass, account)
    await simulator.stop()
    await entry.runtime_data.instance.coordinator.async_refresh()
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert isinstance(found["instance"], dict)
    assert found["instance"]["last_error"] == "UnreachableError"
    assert found["instance"]["reachable"] is False
    assert found["instance"]["ready"] is False
    assert_nothing_private(found)


async def test_diagnostics_of_devices(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    simulator: Simulator,
    snapshot: SnapshotAssertion,
) -> None:
    """Those of a chat tell of that chat alone, those of the instance of all."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "typing")
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    devices = dr.async_get(hass)
    of_anna = devices.async_get_device_by_identifier(
        (DOMAIN, f"{ENTRY_ID}_{ANNA}"), ENTRY_ID
    )
    of_all = devices.async_get_device_by_identifier((DOMAIN, ENTRY_ID), ENTRY_ID)
    assert of_anna is not None
    assert of_all is not None

    found = await get_diagnostics_for_device(hass, hass_client, entry, of_anna)
    assert isinstance(found["chat"], dict)
    assert isinstance(found["chat"].pop("events"), int)
    assert found["chat"] == snapshot
    assert set(found) == {"instance", "chat"}
    assert_nothing_private(found)

    found = await get_diagnostics_for_device(hass, hass_client, entry, of_all)
    assert set(found) == {"entry", "instance", "chats"}
    assert isinstance(found["chats"], list)
    assert len(found["chats"]) == 2
    assert_nothing_private(found)

    await hass.config_entries.async_unload(ENTRY_ID)
    found = await get_diagnostics_for_device(hass, hass_client, entry, of_anna)
    assert found == {"state": "not_loaded"}
