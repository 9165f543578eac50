"""The plain binary sensors."""

from typing import Any

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from . import PlainEntity, async_add_plain_entities


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the entities."""
    async_add_plain_entities(
        hass, entry, async_add_entities, Platform.BINARY_SENSOR, PlainBinarySensor
    )


class PlainBinarySensor(PlainEntity, BinarySensorEntity):
    """One of them."""
