"""The presence's changes as events.

The logbook needs no platform of ours: it hands the event's type to the front end,
which tells it in the user's language. Describing changes by ourselves would cost an
event on the bus for each, and be worded by the server for all languages alike.
"""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import ChatEntity, async_add_chat_entities
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import PresenceChange, changes

PARALLEL_UPDATES = 0

PRESENCE_EVENT = EventEntityDescription(
    key="presence",
    translation_key="presence",
    event_types=list(PresenceChange),
    entity_registry_enabled_default=False,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the event entities."""
    async_add_chat_entities(
        hass,
        entry,
        async_add_entities,
        lambda instance, chat: [PresenceEvent(instance, chat, PRESENCE_EVENT)],
    )


class PresenceEvent(ChatEntity, EventEntity):
    """The changes of a chat's presence."""

    def __init__(
        self,
        instance: Instance,
        chat: Chat,
        description: EventEntityDescription,
    ) -> None:
        """Begin with what is known."""
        super().__init__(instance, chat, description)
        self._presence = chat.presence

    @override
    def read(self) -> None:
        """Events are no state: only the availability is written on its own."""

    @callback
    @override
    def async_show(self) -> None:
        """Write each change as an event."""
        before, self._presence = self._presence, self.chat.presence
        for change in changes(before, self._presence):
            self._trigger_event(change)
            self.async_write_ha_state()
        super().async_show()
