"""Diagnostics: what helps, and nothing that names somebody or lets somebody in."""

import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    ANNA_LID,
    BEN_LID,
    ENTRY_ID,
    FAMILY,
    WEBHOOK_ID,
    add_account,
    anna,
    chat,
    set_up,
    settle,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("diagnostics", "reachable", "unpaced")

PRIVATE = (
    "t0ken",
    WEBHOOK_ID,
    "491511234567",
    "447700900123",
    ANNA_LID.partition("@")[0],
    BEN_LID.partition("@")[0],
    FAMILY.partition("@")[0],
    "Anna",
    "Ben",
    "Family",
    "s3cret",
)


@pytest.fixture
async def diagnostics(hass: HomeAssistant) -> None:
    """Set the component up before there is a server, as its views need."""
    assert await async_setup_component(hass, "diagnostics", {})


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """Return an account that knows Anna, Ben and a group."""
    return add_account(simulator)


def assert_private(diagnostics: Any) -> None:
    """Check that a dump tells nothing that it should not."""
    dump = json.dumps(diagnostics)
    for word in PRIVATE:
        assert word not in dump


async def test_entry_diagnostics_tell_how_things_stand(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, account: Account
) -> None:
    """The instance and each chat, by facts alone."""
    entry = await set_up(
        hass,
        account,
        chat(alias=ANNA_LID),
        chat(FAMILY, "Family"),
        options={"webhook_secret": ""},
    )
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert_private(diagnostics)
    assert diagnostics["entry"] == {
        "gateway": "waapi",
        "state": "loaded",
        "registers_webhook": True,
        "verifies_signature": False,
        "webhook_registered_before": True,
        "has_cloudhook": False,
        "chats": [
            {"settle_time": 0, "has_alias": True},
            {"settle_time": 0, "has_alias": False},
        ],
    }
    instance = diagnostics["instance"]
    assert instance["ready"] is instance["reachable"] is True
    assert instance["status"] == "ready"
    assert instance["last_error"] is None
    assert instance["last_event"] is not None
    assert instance["events_arrive"] is instance["webhook_registered"] is True
    first, group = diagnostics["chats"]
    assert (first["online"], first["activity"], first["group"]) == (
        True,
        "typing",
        False,
    )
    assert first["access"] == "visible"
    assert first["events"] >= 1
    assert group["group"] is True


async def test_entry_that_is_not_loaded_has_diagnostics(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, account: Account
) -> None:
    """They tell what is stored."""
    entry = await set_up(hass, account)
    assert await hass.config_entries.async_unload(entry.entry_id)

    diagnostics = await get_diagnostics_for_config_entry(hass, hass_client, entry)

    assert_private(diagnostics)
    assert diagnostics["entry"]["state"] == "not_loaded"
    assert diagnostics["instance"] is diagnostics["chats"] is None


async def test_device_diagnostics_are_those_of_the_chat_or_of_the_instance(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, account: Account
) -> None:
    """Each device tells of what it stands for; none, once unloaded."""
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    devices = dr.async_get(hass)
    of_chat = devices.async_get_device_by_identifier(
        (DOMAIN, f"{ENTRY_ID}_{ANNA}"), ENTRY_ID
    )
    of_instance = devices.async_get_device_by_identifier((DOMAIN, ENTRY_ID), ENTRY_ID)
    assert of_chat is not None
    assert of_instance is not None

    told = await get_diagnostics_for_device(hass, hass_client, entry, of_chat)
    assert_private(told)
    assert told["chat"]["group"] is False
    assert told["instance"]["ready"] is True

    told = await get_diagnostics_for_device(hass, hass_client, entry, of_instance)
    assert_private(told)
    assert len(told["chats"]) == 2

    assert await hass.config_entries.async_unload(entry.entry_id)
    told = await get_diagnostics_for_device(hass, hass_client, entry, of_chat)
    assert told == {"state": "not_loaded"}
