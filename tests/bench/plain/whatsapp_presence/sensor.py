"""The plain sensors."""

from typing import Any

from homeassistant.components.sensor import SensorEntity
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import PlainEntity, async_add_plain_entities


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the entities."""
    async_add_plain_entities(
        hass, entry, async_add_entities, Platform.SENSOR, PlainSensor
    )


class PlainSensor(PlainEntity, SensorEntity):
    """One of them; of an enumeration it has the words."""

    def __init__(self, known: er.RegistryEntry, device: dr.DeviceEntry) -> None:
        """Create the entity."""
        super().__init__(known, device)
        self._attr_options = (known.capabilities or {}).get("options")
