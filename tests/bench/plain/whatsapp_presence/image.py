"""The plain pictures."""

from typing import Any

from homeassistant.components.image import ImageEntity
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

    class PlainImage(PlainEntity, ImageEntity):
        """One of them."""

        def __init__(self, known: er.RegistryEntry, device: dr.DeviceEntry) -> None:
            """Create the entity."""
            ImageEntity.__init__(self, hass)
            super().__init__(known, device)

    async_add_plain_entities(
        hass, entry, async_add_entities, Platform.IMAGE, PlainImage
    )
