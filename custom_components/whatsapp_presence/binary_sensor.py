"""Whether somebody is online, typing or recording; whether the instance is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import (
    ChatEntity,
    InstanceEntity,
    PicturedChatEntity,
    async_add_chat_entities,
)
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import ChatPresence

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class ChatBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of a chat."""

    is_on_fn: Callable[[ChatPresence], bool | None]


@dataclass(frozen=True, kw_only=True)
class InstanceBinarySensorDescription(BinarySensorEntityDescription):
    """A binary sensor of the instance."""

    is_on_fn: Callable[[Instance], bool]


CHAT_SENSORS = (
    ChatBinarySensorDescription(
        key="online",
        translation_key="online",
        name=None,
        is_on_fn=attrgetter("online"),
    ),
    ChatBinarySensorDescription(
        key="typing",
        translation_key="typing",
        is_on_fn=attrgetter("typing"),
    ),
    ChatBinarySensorDescription(
        key="recording",
        translation_key="recording",
        # The activity tells it too.
        entity_registry_enabled_default=False,
        is_on_fn=attrgetter("recording"),
    ),
)

INSTANCE_SENSORS = (
    InstanceBinarySensorDescription(
        key="ready",
        translation_key="ready",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda instance: instance.coordinator.ready,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors."""
    async_add_entities(
        InstanceBinarySensor(entry.runtime_data.instance, description)
        for description in INSTANCE_SENSORS
    )
    async_add_chat_entities(
        hass,
        entry,
        async_add_entities,
        lambda instance, chat: [
            (OnlineBinarySensor if description.key == "online" else ChatBinarySensor)(
                instance, chat, description
            )
            for description in CHAT_SENSORS
        ],
    )


class ChatBinarySensor(ChatEntity, BinarySensorEntity):
    """A fact about a chat that is true, false or unknown."""

    entity_description: ChatBinarySensorDescription

    @override
    def read(self) -> object:
        """Return the fact."""
        return self.entity_description.is_on_fn(self.chat.presence)

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether the fact is true."""
        return self.entity_description.is_on_fn(self.chat.presence)


class OnlineBinarySensor(PicturedChatEntity, ChatBinarySensor):
    """Whether somebody is online, with their picture where the gateway has one."""

    @override
    def read(self) -> tuple[bool | None, str | None]:
        """Return the fact and the picture's address."""
        return self.chat.presence.online, self.chat.picture_path


class InstanceBinarySensor(InstanceEntity, BinarySensorEntity):
    """A fact about the instance."""

    entity_description: InstanceBinarySensorDescription

    @override
    def read(self) -> bool:
        """Return the fact."""
        return self.entity_description.is_on_fn(self.instance)

    @property
    @override
    def is_on(self) -> bool:
        """Whether the fact is true."""
        return self.read()
