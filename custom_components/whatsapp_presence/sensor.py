"""What somebody is doing and when they were last seen; how the instance stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .entity import ChatEntity, InstanceEntity, async_add_chat_entities
from .gateways.base import AuthenticationError, InstanceStatus
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import Activity, ChatPresence, PresenceAccess

PARALLEL_UPDATES = 0

# How the instance stands when its gateway can't be asked.
STATUS_UNREACHABLE = "unreachable"
STATUS_UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, kw_only=True)
class ChatSensorDescription(SensorEntityDescription):
    """A sensor of a chat."""

    value_fn: Callable[[ChatPresence], StateType | datetime]


@dataclass(frozen=True, kw_only=True)
class MembersSensorDescription(SensorEntityDescription):
    """A sensor of a group's members."""

    members_fn: Callable[[ChatPresence], tuple[str, ...]]
    known_fn: Callable[[ChatPresence], bool]


@dataclass(frozen=True, kw_only=True)
class InstanceSensorDescription(SensorEntityDescription):
    """A sensor of the instance."""

    value_fn: Callable[[Instance], StateType | datetime]


def _last_seen(presence: ChatPresence) -> datetime | None:
    if presence.last_seen is None:
        return None
    return dt_util.utc_from_timestamp(int(presence.last_seen))


def _status(instance: Instance) -> str:
    coordinator = instance.coordinator
    if coordinator.trouble is not None:
        return STATUS_UNREACHABLE
    if coordinator.last_update_success:
        return coordinator.data.status
    cause = coordinator.last_exception.__cause__ if coordinator.last_exception else None
    if isinstance(cause, AuthenticationError):
        return STATUS_UNAUTHORIZED
    return STATUS_UNREACHABLE


CHAT_SENSORS = (
    ChatSensorDescription(
        key="activity",
        translation_key="activity",
        device_class=SensorDeviceClass.ENUM,
        options=list(Activity),
        value_fn=attrgetter("activity"),
    ),
    ChatSensorDescription(
        key="presence_access",
        translation_key="presence_access",
        device_class=SensorDeviceClass.ENUM,
        options=list(PresenceAccess),
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=attrgetter("access"),
    ),
)

LAST_SEEN_SENSOR = ChatSensorDescription(
    key="last_seen",
    translation_key="last_seen",
    device_class=SensorDeviceClass.TIMESTAMP,
    value_fn=_last_seen,
)

MEMBERS_SENSORS = (
    MembersSensorDescription(
        key="typing_members",
        translation_key="typing_members",
        members_fn=lambda presence: presence.typing_members,
        known_fn=lambda presence: presence.typing is not None,
    ),
    MembersSensorDescription(
        key="recording_members",
        translation_key="recording_members",
        members_fn=lambda presence: presence.recording_members,
        known_fn=lambda presence: presence.recording is not None,
    ),
)

INSTANCE_SENSORS = (
    InstanceSensorDescription(
        key="status",
        translation_key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[*InstanceStatus, STATUS_UNREACHABLE, STATUS_UNAUTHORIZED],
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_status,
    ),
)

LAST_EVENT_SENSOR = InstanceSensorDescription(
    key="last_event",
    translation_key="last_event",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    value_fn=lambda instance: instance.delivery.last_event,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors."""
    instance = entry.runtime_data.instance
    async_add_entities(
        [
            *(
                InstanceSensor(instance, description)
                for description in INSTANCE_SENSORS
            ),
            LastEventSensor(instance, LAST_EVENT_SENSOR),
        ]
    )

    def create(instance: Instance, chat: Chat) -> list[ChatEntity]:
        sensors: list[ChatEntity] = [
            ChatSensor(instance, chat, description) for description in CHAT_SENSORS
        ]
        sensors.append(LastSeenSensor(instance, chat, LAST_SEEN_SENSOR))
        if chat.is_group:
            sensors.extend(
                MembersSensor(instance, chat, description)
                for description in MEMBERS_SENSORS
            )
        return sensors

    async_add_chat_entities(hass, entry, async_add_entities, create)


class ChatSensor(ChatEntity, SensorEntity):
    """A value of a chat."""

    entity_description: ChatSensorDescription

    @override
    def read(self) -> StateType | datetime:
        """Return the value."""
        return self.entity_description.value_fn(self.chat.presence)

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """The value."""
        return self.entity_description.value_fn(self.chat.presence)


class LastSeenSensor(ChatSensor, RestoreSensor):
    """When somebody was last seen, kept through a restart."""

    @override
    def read(self) -> int | None:
        """Return the second."""
        last_seen = self.chat.presence.last_seen
        return None if last_seen is None else int(last_seen)

    @override
    async def async_added_to_hass(self) -> None:
        """Hand back what was known before the restart."""
        await super().async_added_to_hass()
        if (
            restored := await self.async_get_last_sensor_data()
        ) is not None and isinstance(restored.native_value, datetime):
            # Kept in a store of the integration's own since; here from before that.
            self.chat.restore_last_seen(restored.native_value.timestamp())

    @property
    @override
    def available(self) -> bool:
        """Whether it can be told: whatever befalls the account, it was then."""
        return True


class MembersSensor(ChatEntity, SensorEntity):
    """How many members of a group are doing something, and who."""

    entity_description: MembersSensorDescription
    _unrecorded_attributes = frozenset({"members"})

    @override
    def read(self) -> list[str] | None:
        """Return the members' names; None if the group is unknown."""
        presence = self.chat.presence
        if not self.entity_description.known_fn(presence):
            return None
        return [
            self.instance.people.member_name(member)
            for member in self.entity_description.members_fn(presence)
        ]

    @property
    @override
    def native_value(self) -> int | None:
        """How many they are."""
        members = self.read()
        return None if members is None else len(members)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Who they are."""
        return {"members": self.read() or []}


class InstanceSensor(InstanceEntity, SensorEntity):
    """A value of the instance."""

    entity_description: InstanceSensorDescription

    @override
    def read(self) -> StateType | datetime:
        """Return the value."""
        return self.entity_description.value_fn(self.instance)

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """The value."""
        return self.read()


class LastEventSensor(InstanceSensor):
    """When the gateway last sent something."""

    @override
    async def async_added_to_hass(self) -> None:
        """Follow each event: the coordinator tells only of the instance's status."""
        await super().async_added_to_hass()
        self.async_on_remove(
            self.instance.delivery.async_add_event_listener(self.async_show)
        )
