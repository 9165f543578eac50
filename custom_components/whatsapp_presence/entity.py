"""What the entities of chats and of the instance have in common."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Iterable
from typing import Final, override

from homeassistant.const import EntityStateAttribute, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    EntityPlatform,
)
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .instance.chat import Chat
from .instance.coordinator import InstanceCoordinator
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .naming import awaits_name, makes_id, nameless_id


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
    create: Callable[[Instance, Chat], Iterable[Entity]],
) -> None:
    """Add the entities of all chats, and later of each that is added."""

    instance = entry.runtime_data.instance

    @callback
    def add(chat: Chat) -> None:
        async_add_entities(
            create(instance, chat), config_subentry_id=chat.subentry.subentry_id
        )

    for chat in instance.chats.values():
        add(chat)
    entry.async_on_unload(
        async_dispatcher_connect(hass, chat_added_signal(entry.entry_id), add)
    )


# The editor's filters know integrations, domains, classes and features, and nothing
# else by which a chat's entities could be told from the account's. So those of chats
# have a feature, of which nothing is made: notify.NotifyEntityFeature.TITLE.
CHAT_FEATURE: Final = 1

# The order in which a chat's entities are written, whichever platform was set up first:
# who is told of an event finds what it has led to in the states.
_TURNS: Final = (Platform.BINARY_SENSOR, Platform.SENSOR, Platform.EVENT)

_NOTHING: Final = object()
_UNAVAILABLE: Final = object()


class _WrittenOnChangeEntity(Entity):
    """An entity that is written only when what it shows has changed."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _written: object = _NOTHING

    @abstractmethod
    def read(self) -> object:
        """Return all that the entity shows: it is written when that has changed."""

    @callback
    def async_show(self) -> None:
        """Write what is shown, if it has changed."""
        shown = self.read() if self.available else _UNAVAILABLE
        if shown != self._written:
            self._written = shown
            self.async_write_ha_state()

    @callback
    def async_entity_id_changed(self, old_entity_id: str | None = None) -> None:
        """Nothing hangs on the entity's id."""


class ChatEntity(_WrittenOnChangeEntity):
    """An entity of a chat."""

    _attr_supported_features = CHAT_FEATURE

    def __init__(
        self,
        instance: Instance,
        chat: Chat,
        description: EntityDescription,
    ) -> None:
        """Create the entity."""
        self.instance = instance
        self.chat = chat
        self.entity_description = description

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the chat."""
        self.chat.async_add_listener(self)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Follow it no longer."""
        self.chat.async_remove_listener(self)

    @callback
    @override
    def add_to_platform_start(
        self,
        hass: HomeAssistant,
        platform: EntityPlatform,
        parallel_updates: asyncio.Semaphore | None,
    ) -> None:
        """Suggest an id where the chat has no name to make one of."""
        super().add_to_platform_start(hass, platform, parallel_updates)
        subentry = self.chat.subentry
        if makes_id(subentry.title) and not awaits_name(subentry):
            return
        ((_, identifier),) = self.device_info["identifiers"]
        parts = [nameless_id(identifier)]
        if self.entity_description.name is not None:
            parts.append(self.entity_description.key)
        self.entity_id = f"{platform.domain}.{'_'.join(parts)}"

    # All are asked for when the entity is added, so nothing is kept of them.

    @property
    def turn(self) -> int:
        """When the entity is written."""
        return _TURNS.index(Platform(self.platform.domain))

    @property
    @override
    def unique_id(self) -> str:
        """What the registry knows the entity by."""
        entry_id = self.instance.entry.entry_id
        return f"{entry_id}_{self.chat.chat_id}_{self.entity_description.key}"

    @property
    @override
    def device_info(self) -> DeviceInfo:
        """The chat's device."""
        instance, chat = self.instance, self.chat
        return DeviceInfo(
            identifiers={chat_device_identifier(instance.entry.entry_id, chat.chat_id)},
            entry_type=DeviceEntryType.SERVICE,
            manufacturer=instance.gateway.name,
            model="WhatsApp",
            name=chat.subentry.title,
            via_device_id=instance.device_id,
        )

    @property
    @override
    def available(self) -> bool:
        """Whether what is known of the chat holds."""
        return self.instance.coordinator.available


class PicturedChatEntity(ChatEntity):
    """An entity by which cards show a chat: with the picture, where there is one.

    The picture's address is among what is read.
    """

    # Somebody's face is for the front end, not for the history.
    _unrecorded_attributes = frozenset({EntityStateAttribute.ENTITY_PICTURE})

    @property
    @override
    def entity_picture(self) -> str | None:
        """Where the front end finds the picture that the image entity shows."""
        return self.chat.picture_path


class InstanceEntity(CoordinatorEntity[InstanceCoordinator], _WrittenOnChangeEntity):
    """An entity of the instance; available whatever befalls the gateway."""

    def __init__(self, instance: Instance, description: EntityDescription) -> None:
        """Create the entity."""
        super().__init__(instance.coordinator)
        self.instance = instance
        self.entity_description = description
        entry = instance.entry
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self.async_show()

    @property
    @override
    def available(self) -> bool:
        """Whether the entity can tell something: always."""
        return True
