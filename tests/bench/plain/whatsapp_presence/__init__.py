"""Stands in for the integration: as many entities, with nothing behind them.

What they cost is Home Assistant's own.
"""

from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

PLATFORMS = [Platform.BINARY_SENSOR, Platform.IMAGE, Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry[Any]) -> bool:
    """Set up the entities."""
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry[Any]) -> bool:
    """Unload the entities."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


class PlainEntity(Entity):
    """An entity as the registry knows it, that shows nothing and follows nobody."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, known: er.RegistryEntry, device: dr.DeviceEntry) -> None:
        """Create the entity."""
        self._attr_unique_id = known.unique_id
        self._attr_translation_key = known.translation_key
        self._attr_device_class = known.original_device_class
        self._identifiers = device.identifiers

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """The chat's device."""
        return DeviceInfo(identifiers=self._identifiers)


@callback
def async_add_plain_entities(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    async_add_entities: AddConfigEntryEntitiesCallback,
    platform: Platform,
    create: type[PlainEntity],
) -> None:
    """Add what the registry knows, as it was added: chat by chat."""
    devices = dr.async_get(hass)
    chats: dict[str | None, list[PlainEntity]] = {}
    for known in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if known.domain == platform and known.disabled_by is None and known.device_id:
            device = devices.async_get(known.device_id)
            chats.setdefault(known.config_subentry_id, []).append(create(known, device))
    for subentry_id, entities in chats.items():
        async_add_entities(entities, config_subentry_id=subentry_id)
