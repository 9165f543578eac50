"""What somebody is doing and when they were last seen; how the instance stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
import time
from typing import Any, Final, override

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    EVENT_HOMEASSISTANT_STOP,
    EntityCategory,
    EntityStateAttribute,
    UnitOfTime,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import (
    async_track_time_change,
    async_track_time_interval,
)
from homeassistant.helpers.typing import StateType
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .entity import (
    ChatEntity,
    InstanceEntity,
    PicturedChatEntity,
    async_add_chat_entities,
)
from .gateways.base import AuthenticationError, InstanceStatus
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import Activity, ChatPresence, PresenceAccess
from .presence.online_time import OnlineTime

PARALLEL_UPDATES = 0

# How often it is told of somebody who is online for how long that has been.
TICK_INTERVAL: Final = timedelta(minutes=1)

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
    # A number, for charts and the activity view; a unit that says something, or a state
    # class, would have the front end write "0" where it has a word.
    native_unit_of_measurement: str | None = ""


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


ACTIVITY_SENSOR = ChatSensorDescription(
    key="activity",
    translation_key="activity",
    device_class=SensorDeviceClass.ENUM,
    options=list(Activity),
    value_fn=attrgetter("activity"),
)

ACCESS_SENSOR = ChatSensorDescription(
    key="presence_access",
    translation_key="presence_access",
    device_class=SensorDeviceClass.ENUM,
    options=list(PresenceAccess),
    entity_category=EntityCategory.DIAGNOSTIC,
    value_fn=attrgetter("access"),
)

LAST_SEEN_SENSOR = ChatSensorDescription(
    key="last_seen",
    translation_key="last_seen",
    device_class=SensorDeviceClass.TIMESTAMP,
    value_fn=_last_seen,
)

ONLINE_TODAY_SENSOR = SensorEntityDescription(
    key="online_today",
    translation_key="online_today",
    device_class=SensorDeviceClass.DURATION,
    state_class=SensorStateClass.TOTAL_INCREASING,
    native_unit_of_measurement=UnitOfTime.SECONDS,
    suggested_unit_of_measurement=UnitOfTime.MINUTES,
    suggested_display_precision=0,
    # A row a minute of everybody who is online, and not needed by most.
    entity_registry_enabled_default=False,
)

MEMBERS_SENSORS = (
    MembersSensorDescription(
        key="online_members",
        translation_key="online_members",
        members_fn=lambda presence: presence.online_members,
        # Some gateways tell that somebody is online, and not who.
        known_fn=lambda presence: (
            bool(presence.online_members) or presence.online is False
        ),
    ),
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
        is_new = instance.store.is_new
        last_seen = RestoredLastSeenSensor if is_new else LastSeenSensor
        sensors: list[ChatEntity] = [
            ActivitySensor(instance, chat, ACTIVITY_SENSOR),
            ChatSensor(instance, chat, ACCESS_SENSOR),
            last_seen(instance, chat, LAST_SEEN_SENSOR),
            OnlineTodaySensor(instance, chat, ONLINE_TODAY_SENSOR),
        ]
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
    def read(self) -> object:
        """Return the value."""
        return self.entity_description.value_fn(self.chat.presence)

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """The value."""
        return self.entity_description.value_fn(self.chat.presence)


class ActivitySensor(PicturedChatEntity, ChatSensor):
    """What somebody is doing, with their picture where the gateway has one."""

    @override
    def read(self) -> tuple[Activity | None, str | None]:
        """Return the activity and the picture's address."""
        return self.chat.presence.activity, self.chat.picture_path


class LastSeenSensor(ChatSensor):
    """When somebody was last seen; the account's store keeps it through a restart."""

    @override
    def read(self) -> int | None:
        """Return the second."""
        last_seen = self.chat.presence.last_seen
        return None if last_seen is None else int(last_seen)

    @property
    @override
    def available(self) -> bool:
        """Whether it can be told: whatever befalls the account, it was then."""
        return True


class RestoredLastSeenSensor(LastSeenSensor, RestoreSensor):
    """The same, while the store has kept nothing yet: before, Home Assistant did.

    It takes more memory for that than all that is known of a chat.
    """

    @override
    async def async_added_to_hass(self) -> None:
        """Hand back what was known before the restart."""
        await super().async_added_to_hass()
        if (
            restored := await self.async_get_last_sensor_data()
        ) is not None and isinstance(restored.native_value, datetime):
            self.chat.restore_last_seen(restored.native_value.timestamp())


class OnlineTodaySensor(ChatEntity, RestoreSensor):
    """For how long somebody has been online since midnight.

    Written when that begins and ends, at midnight, and once a minute in between.
    """

    def __init__(
        self, instance: Instance, chat: Chat, description: SensorEntityDescription
    ) -> None:
        """Begin with nothing counted."""
        super().__init__(instance, chat, description)
        self._time = OnlineTime()
        self._stop_ticking: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        """Go on from what was counted of the day before a restart."""
        await super().async_added_to_hass()
        await self._async_restore()
        self.async_on_remove(
            self.hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._count_at_stop)
        )
        self.async_on_remove(
            async_track_time_change(self.hass, self._look_at_day, second=0)
        )
        self._follow()

    async def _async_restore(self) -> None:
        if (
            kept := self.instance.store.online_today.get(self.chat.chat_id)
        ) is not None:
            midnight, seconds = kept
            self._time.restore(seconds, midnight)
            return
        # Kept in a store of the integration's own since; here from before that.
        before = await self.async_get_last_sensor_data()
        state = await self.async_get_last_state()
        if before is not None and state is not None:
            counted = before.native_value
            if isinstance(counted, (int, float)):
                day = dt_util.start_of_local_day(dt_util.as_local(state.last_updated))
                self._time.restore(counted, day.timestamp())

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Count up to here, unless the chat is gone."""
        await super().async_will_remove_from_hass()
        if self.chat in self.instance.chats.values():
            self._follow()
        self._stop()

    @callback
    def _count_at_stop(self, _event: Event) -> None:
        self._follow()

    @callback
    @override
    def async_show(self) -> None:
        """Write when a stay begins or ends, and not whatever else is news."""
        if bool(self.chat.presence.online) is not self._time.is_counting:
            self._follow()
            super().async_show()

    @callback
    def _look_at_day(self, now: datetime) -> None:
        """Begin anew at midnight, or where a clock or a time zone was set past it."""
        if dt_util.start_of_local_day().timestamp() != self._time.midnight:
            self._tick(now)

    @callback
    def _tick(self, _now: datetime) -> None:
        self._follow()
        super().async_show()

    @callback
    def _follow(self) -> None:
        midnight = dt_util.start_of_local_day().timestamp()
        self._time.follow(self.chat.presence.online, time.time(), midnight)
        self.instance.store.keep_online_today(
            self.chat.chat_id, midnight, self._time.seconds
        )
        if not self._time.is_counting:
            self._stop()
        elif self._stop_ticking is None:
            self._stop_ticking = async_track_time_interval(
                self.hass, self._tick, TICK_INTERVAL, name=f"{DOMAIN} online today"
            )

    @callback
    def _stop(self) -> None:
        if self._stop_ticking is not None:
            self._stop_ticking()
            self._stop_ticking = None

    @override
    def read(self) -> int:
        """Return the seconds."""
        return round(self._time.seconds)

    @property
    @override
    def native_value(self) -> int:
        """The seconds."""
        return self.read()

    @property
    @override
    def available(self) -> bool:
        """Whether it can be told: what was counted stays true."""
        return True


class MembersSensor(PicturedChatEntity, SensorEntity):
    """How many members of a group are doing something, and who."""

    entity_description: MembersSensorDescription
    _unrecorded_attributes = frozenset({"members", EntityStateAttribute.ENTITY_PICTURE})

    @override
    def read(self) -> tuple[list[str] | None, str | None]:
        """Return the members' names, and the address of the group's picture."""
        return self._names(), self.chat.picture_path

    def _names(self) -> list[str] | None:
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
        members = self._names()
        return None if members is None else len(members)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Who they are."""
        return {"members": self._names() or []}


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
