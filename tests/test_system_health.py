"""System health: how many instances and chats there are, and whether they work."""

from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .common import BEN, ENTRY_ID, add_account, chat, create_entry, set_up, settle
from .simulator import Simulator, SkippingClock

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@pytest.fixture(autouse=True)
async def system_health(hass: HomeAssistant) -> None:
    """Set system health up before there is a client."""
    assert await async_setup_component(hass, "websocket_api", {})
    assert await async_setup_component(hass, "system_health", {})


async def ask(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> dict[str, Any]:
    """Ask as the front end does, and wait for all answers."""
    websocket = await hass_ws_client(hass)
    await websocket.send_json_auto_id({"type": "system_health/info"})
    assert (await websocket.receive_json())["success"]
    info: dict[str, Any] = {}
    while (event := (await websocket.receive_json())["event"])["type"] != "finish":
        if event["type"] == "initial":
            info = event["data"][DOMAIN]["info"]
        elif event["domain"] == DOMAIN:
            assert event["success"]
            info[event["key"]] = event["data"]
    return info


async def test_system_health(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, simulator: Simulator
) -> None:
    """Each gateway in use is asked for being there; nobody is named."""
    account = add_account(simulator)
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    other = add_account(simulator, "wawp", plan="free")
    entry = create_entry(other, chat())
    object.__setattr__(entry, "entry_id", f"{ENTRY_ID}2")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_id": "fedcba9876543210"}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, other)

    assert await ask(hass, hass_ws_client) == {
        "instances": 2,
        "ready": 2,
        "receiving_events": 1,
        "chats": 3,
        "can_reach_waapi": "ok",
        "can_reach_wawp": "ok",
    }


async def add_another(
    hass: HomeAssistant, simulator: Simulator, instance_id: str
) -> None:
    """Set up another account at WaAPI."""
    other = simulator.add_instance("waapi", instance_id, token="t0ken")
    entry = create_entry(other)
    object.__setattr__(entry, "entry_id", f"{ENTRY_ID}{instance_id}")
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_id": instance_id * 8}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, other)


async def test_accounts_of_one_gateway(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, simulator: Simulator
) -> None:
    """Each address is asked once, and one that is gone is told."""
    account = add_account(simulator)
    entry = await set_up(hass, account)
    await add_another(hass, simulator, "67890")
    async with Simulator(clock=SkippingClock()) as another:
        await add_another(hass, another, "77777")
    here, elsewhere = entry.data["url"], f"{another.url}/api/v1"
    answers = {here: "ok", elsewhere: {"type": "failed", "error": "x"}}
    asked: list[str] = []

    async def check(hass: HomeAssistant, url: str) -> str | dict[str, str]:
        asked.append(url)
        return answers[url]

    with patch(
        "homeassistant.components.system_health.async_check_can_reach_url", check
    ):
        found = await ask(hass, hass_ws_client)
        assert found["instances"] == 3
        assert found["can_reach_waapi"] == {"type": "failed", "error": "x"}
        assert sorted(asked) == sorted(answers)
        answers[elsewhere] = "ok"
        assert (await ask(hass, hass_ws_client))["can_reach_waapi"] == "ok"


async def test_gateway_that_is_gone(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, simulator: Simulator
) -> None:
    """That is told apart from an instance that is not ready."""
    account = add_account(simulator)
    await set_up(hass, account)
    await account.set_status("disconnected")
    await settle(hass, account)
    assert await ask(hass, hass_ws_client) == {
        "instances": 1,
        "ready": 0,
        "receiving_events": 1,
        "chats": 1,
        "can_reach_waapi": "ok",
    }
    await simulator.stop()
    found = await ask(hass, hass_ws_client)
    assert found["can_reach_waapi"] == {"type": "failed", "error": "unreachable"}


async def test_nothing_is_set_up(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator, simulator: Simulator
) -> None:
    """An entry that is not loaded counts for nothing, and breaks nothing."""
    entry = create_entry(add_account(simulator), chat())
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.config_entries.async_unload(entry.entry_id)
    assert await ask(hass, hass_ws_client) == {
        "instances": 0,
        "ready": 0,
        "receiving_events": 0,
        "chats": 0,
    }
