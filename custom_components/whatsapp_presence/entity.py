"""What the entities of chats and of the instance have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import (
    ChatCoordinator,
    InstanceCoordinator,
    WhatsAppPresenceConfigEntry,
)


def chat_device_identifier(entry_id: str, chat_id: str) -> tuple[str, str]:
    """Return what identifies a chat's device."""
    return (DOMAIN, f"{entry_id}_{chat_id}")


def chat_added_signal(entry_id: str) -> str:
    """Return the signal that tells the platforms of a chat that came later."""
    return f"{DOMAIN}_chat_added_{entry_id}"


@callback
def async_add_chat_entities(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    create: Callable[[ChatCoordinator], Iterable[Entity]],
) -> None:
    """Add the entities of all chats, and later of each that is added."""

    @callback
    def add(chat: ChatCoordinator) -> None:
        async_add_entities(create(chat), config_subentry_id=chat.subentry.subentry_id)

    for chat in entry.runtime_data.instance.chats.values():
        add(chat)
    entry.async_on_unload(
        async_dispatcher_connect(hass, chat_added_signal(entry.entry_id), add)
    )


class _WrittenOnChangeEntity[CoordinatorT: (ChatCoordinator, InstanceCoordinator)](
    CoordinatorEntity[CoordinatorT]
):
    """An entity that is written only when what it shows has changed."""

    _attr_has_entity_name = True
    _written: tuple[bool, Any] | None = None

    @abstractmethod
    def read(self) -> Any:
        """Return all that the entity shows of the coordinator's data."""

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        shown = (self.available, self.read())
        if shown != self._written:
            self._written = shown
            self.async_write_ha_state()

    @callback
    def async_entity_id_changed(self) -> None:
        """Nothing hangs on the entity's id."""


class ChatEntity(_WrittenOnChangeEntity[ChatCoordinator]):
    """An entity of a chat."""

    def __init__(
        self, coordinator: ChatCoordinator, description: EntityDescription
    ) -> None:
        """Create the entity."""
        super().__init__(coordinator)
        self.entity_description = description
        entry_id = coordinator.config_entry.entry_id
        self._attr_unique_id = f"{entry_id}_{coordinator.chat_id}_{description.key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """The chat's device. Asked for once, so nothing is kept of it."""
        chat = self.coordinator
        return DeviceInfo(
            identifiers={
                chat_device_identifier(chat.config_entry.entry_id, chat.chat_id)
            },
            entry_type=DeviceEntryType.SERVICE,
            manufacturer=chat.instance.gateway.name,
            model="WhatsApp",
            name=chat.subentry.title,
            via_device_id=chat.instance.device_id,
        )

    @property
    @override
    def available(self) -> bool:
        """Whether what is known of the chat holds."""
        return self.coordinator.available


class InstanceEntity(_WrittenOnChangeEntity[InstanceCoordinator]):
    """An entity of the instance; available whatever befalls the gateway."""

    def __init__(
        self, coordinator: InstanceCoordinator, description: EntityDescription
    ) -> None:
        """Create the entity."""
        super().__init__(coordinator)
        self.entity_description = description
        entry = coordinator.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})

    @property
    @override
    def available(self) -> bool:
        """Whether the entity can tell something: always."""
        return True
