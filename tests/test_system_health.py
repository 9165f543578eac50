"""System health: how many there are, and whether they work."""

import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import FAMILY, add_account, chat, set_up
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


async def test_system_health_counts_and_asks_the_gateway(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """One instance, two chats, events, and a gateway that answers or does not."""
    assert await async_setup_component(hass, "system_health", {})
    await set_up(hass, add_account(simulator), chat(), chat(FAMILY, "Family"))

    info = await get_system_health_info(hass, DOMAIN)

    assert await info.pop("can_reach_waapi") == "ok"
    assert info == {"instances": 1, "ready": 1, "receiving_events": 1, "chats": 2}

    await simulator.stop()
    info = await get_system_health_info(hass, DOMAIN)
    assert await info.pop("can_reach_waapi") == {
        "type": "failed",
        "error": "unreachable",
    }
