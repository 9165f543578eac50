"""The ids of entities: made of names, and of nothing that should not be seen."""

import pytest

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .common import ANNA, BEN, ENTRY_ID, FAMILY, add_account, chat, set_up
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("entity_registry_enabled_by_default")


def ids_of(hass: HomeAssistant, chat_id: str) -> list[str]:
    """Return the ids of a chat's entities."""
    return sorted(
        entity.entity_id
        for entity in er.async_entries_for_config_entry(er.async_get(hass), ENTRY_ID)
        if entity.unique_id.startswith(f"{ENTRY_ID}_{chat_id}_")
    )


async def test_ids_are_made_of_names(hass: HomeAssistant, simulator: Simulator) -> None:
    """In whatever script they are written."""
    account = add_account(simulator)
    await set_up(hass, account, chat(ANNA, "Anna"), chat(BEN, "Борис 🌸"))
    assert "binary_sensor.anna" in ids_of(hass, ANNA)
    assert "binary_sensor.anna_typing" in ids_of(hass, ANNA)
    assert "binary_sensor.boris" in ids_of(hass, BEN)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chat(ANNA, "🌸"), chat(BEN, "🌸")),
        (chat(ANNA, "🌸"), chat(FAMILY, "✨🎉")),
        (chat(ANNA, "+49 1511234567"), chat(BEN, "+44 7700 900123")),
        (chat(ANNA, "Contact", stand_in=True), chat(BEN, "Contact", stand_in=True)),
    ],
    ids=["the same emoji", "other emoji", "numbers", "something that stands in"],
)
async def test_ids_where_there_is_no_name_to_make_them_of(
    hass: HomeAssistant, simulator: Simulator, first: dict, second: dict
) -> None:
    """They tell chats apart, stay, and give away no number."""
    account = add_account(simulator)
    # Nobody tells their names.
    simulator.fail_next(100, path="get-chats")
    simulator.fail_next(100, path="get-contacts")
    entry = await set_up(hass, account, first, second)
    ids = [ids_of(hass, one["unique_id"]) for one in (first, second)]
    roots = []
    for own in ids:
        (root,) = {one.partition(".")[2][:22] for one in own}
        assert root.startswith("whatsapp_chat_")
        assert f"binary_sensor.{root}" in own
        assert f"binary_sensor.{root}_typing" in own
        assert f"sensor.{root}_last_seen" in own
        roots.append(root)
    assert roots[0] != roots[1]
    shown = " ".join(one for own in ids for one in own)
    assert "unknown" not in shown
    assert not any(number in shown for number in ("1511234567", "7700", "900123"))

    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert [ids_of(hass, one["unique_id"]) for one in (first, second)] == ids
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), ENTRY_ID)
    names = {device.name for device in devices}
    assert {first["title"], second["title"]} <= names
