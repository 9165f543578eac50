"""What the automation editor is told: what is offered for a target, and what is wrong."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from homeassistant.components import automation
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .common import FAMILY, add_account, chat, set_up
from .simulator import Account, Simulator
from .test_trigger import ALL, device_of


@pytest.fixture
async def websocket(hass: HomeAssistant) -> None:
    """Set the front end's connection up, before the first client asks for anything."""
    assert await async_setup_component(hass, "websocket_api", {})


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """Return an account at WaAPI."""
    return add_account(simulator)


@pytest.mark.usefixtures("unpaced")
async def test_the_editor_says_what_is_wrong_in_the_users_language(
    hass: HomeAssistant,
    websocket: None,
    reachable: None,
    account: Account,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Triggers and conditions, entities and devices alike."""
    client = await hass_ws_client()
    await set_up(hass, account)
    hass.config.language = "de"
    own = {"device_id": device_of(hass, "binary_sensor.my_account_ready")}
    ready = {"entity_id": "binary_sensor.my_account_ready"}
    for target, name in ((ready, ready["entity_id"]), (own, "My account")):
        await client.send_json_auto_id(
            {
                "type": "validate_config",
                "triggers": [
                    {"trigger": "whatsapp_presence.came_online", "target": target}
                ],
                "conditions": [
                    {"condition": "whatsapp_presence.is_online", "target": target}
                ],
            }
        )
        result = (await client.receive_json())["result"]
        for part in ("triggers", "conditions"):
            assert not result[part]["valid"]
            assert f"{name} ist kein WhatsApp-Chat. Wähle" in result[part]["error"]


@pytest.mark.usefixtures("entity_registry_enabled_by_default", "unpaced")
async def test_all_are_offered_for_any_entity_of_a_chat(
    hass: HomeAssistant,
    websocket: None,
    reachable: None,
    account: Account,
    entity_registry: er.EntityRegistry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """And for its device; for no device of the account, and for nobody else's door."""
    client = await hass_ws_client()
    entry = await set_up(hass, account, chat(FAMILY, "Family"))
    await async_setup_component(hass, automation.DOMAIN, {})
    hass.states.async_set("binary_sensor.door", "off")

    async def offered(kind: str, target: dict[str, Any]) -> set[str]:
        await client.send_json_auto_id(
            {"type": f"get_{kind}_for_target", "target": target}
        )
        answer = await client.receive_json()
        return {
            one.removeprefix("whatsapp_presence.")
            for one in answer["result"]
            if one.startswith("whatsapp_presence.")
        }

    for kind, keys in (
        ("triggers", set(ALL)),
        ("conditions", {"is_online", "is_typing", "is_recording"}),
        ("services", {"get_presence"}),
    ):
        of_chat = [
            entity.entity_id
            for entity in er.async_entries_for_config_entry(
                entity_registry, entry.entry_id
            )
            if entity.config_subentry_id
        ]
        assert len(of_chat) > 7
        for entity_id in of_chat:
            assert await offered(kind, {"entity_id": entity_id}) == keys, entity_id
        device = device_of(hass, "binary_sensor.family")
        assert await offered(kind, {"device_id": device}) == keys
        own = device_of(hass, "binary_sensor.my_account_ready")
        assert await offered(kind, {"device_id": own}) == set()
        for entity_id in (
            "binary_sensor.door",
            "binary_sensor.my_account_ready",
            "sensor.my_account_status",
            "sensor.my_account_last_event",
            "button.my_account_resubscribe",
            "switch.my_account_announce_online",
        ):
            assert await offered(kind, {"entity_id": entity_id}) == set()
