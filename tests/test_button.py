"""The button that subscribes all chats again."""

from collections.abc import Awaitable, Callable

import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.components.button import DOMAIN as BUTTON_DOMAIN, SERVICE_PRESS
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .common import (
    ANNA,
    BEN,
    ENTRY_ID,
    add_account,
    chat,
    set_up,
    settle,
    subscriptions,
)
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

BUTTON = "button.my_account_resubscribe"


async def press(hass: HomeAssistant) -> None:
    """Press the button."""
    await hass.services.async_call(
        BUTTON_DOMAIN, SERVICE_PRESS, {ATTR_ENTITY_ID: BUTTON}, blocking=True
    )


async def test_button(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    check_day: Callable[[Platform], Awaitable[None]],
) -> None:
    """There is one for the instance."""
    await check_day(Platform.BUTTON)
    assert (
        entity_registry.async_get_entity_id(
            BUTTON_DOMAIN, DOMAIN, f"{ENTRY_ID}_resubscribe"
        )
        == BUTTON
    )


async def test_press(hass: HomeAssistant, simulator: Simulator) -> None:
    """All chats are subscribed again, once each."""
    account = add_account(simulator)
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    account.lose_subscriptions()
    await press(hass)
    await settle(hass, account)
    assert account.subscriptions == {ANNA, BEN}
    assert subscriptions(account) == 4


async def test_press_while_not_ready(hass: HomeAssistant, simulator: Simulator) -> None:
    """The user is told why nothing can be subscribed."""
    account = add_account(simulator)
    await set_up(hass, account)
    await account.set_status("disconnected")
    await settle(hass, account)
    with pytest.raises(HomeAssistantError) as err:
        await press(hass)
    assert (err.value.translation_domain, err.value.translation_key) == (
        DOMAIN,
        "not_ready",
    )
    assert subscriptions(account) == 1
