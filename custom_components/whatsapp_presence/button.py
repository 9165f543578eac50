"""The button that subscribes all chats again."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .entity import InstanceEntity
from .instance.hub import WhatsAppPresenceConfigEntry

PARALLEL_UPDATES = 0

RESUBSCRIBE_BUTTON = ButtonEntityDescription(
    key="resubscribe",
    translation_key="resubscribe",
    entity_category=EntityCategory.CONFIG,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the button."""
    async_add_entities(
        [ResubscribeButton(entry.runtime_data.instance, RESUBSCRIBE_BUTTON)]
    )


class ResubscribeButton(InstanceEntity, ButtonEntity):
    """Asks the gateway for all chats' presence again, in the background."""

    @override
    def read(self) -> None:
        """A button shows nothing of the instance."""

    @override
    async def async_press(self) -> None:
        """Subscribe all chats again."""
        if not self.coordinator.ready:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_ready"
            )
        self.instance.async_resubscribe()
