"""Stands in for the integration in the benchmark: its entities, with nothing behind them.

What these cost is Home Assistant's own share.
"""

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

PLATFORMS = [Platform.BINARY_SENSOR, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry[None]) -> bool:
    """Set up the entities that the registry knows."""
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry[None]) -> bool:
    """Unload them."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


def add_entities(
    hass: HomeAssistant,
    entry: ConfigEntry[None],
    async_add_entities: AddConfigEntryEntitiesCallback,
    domain: str,
    entity_class: type[Entity],
) -> None:
    """Add the entities of a domain that were there before, chat by chat."""
    devices = dr.async_get(hass)
    found: dict[str | None, list[Entity]] = {}
    for known in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if known.domain != domain or known.disabled or known.device_id is None:
            continue
        device = devices.async_get(known.device_id)
        assert device is not None
        entity = entity_class()
        entity._attr_has_entity_name = True
        entity._attr_unique_id = known.unique_id
        entity._attr_device_info = DeviceInfo(identifiers=device.identifiers)
        found.setdefault(known.config_subentry_id, []).append(entity)
    for subentry_id, entities in found.items():
        async_add_entities(entities, config_subentry_id=subentry_id)
