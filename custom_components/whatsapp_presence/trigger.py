"""Triggers in plain words: a contact came online, started typing, and so on."""

from collections.abc import Iterable, Mapping
from typing import override

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    EntityTransitionTriggerBase,
    Trigger,
    TriggerConfig,
)
from homeassistant.helpers.typing import ConfigType

from .automation_entities import ChatTarget, async_validate_target
from .presence.model import Activity, PresenceChange

_SPECS = {"binary_sensor": DomainSpec(), "sensor": DomainSpec()}


class _PresenceTrigger(EntityTransitionTriggerBase):
    """A presence went from one known state to another."""

    _domain_specs = _SPECS
    _keys: Mapping[str, str]

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Validate the options, and that the target is no door."""
        config = await super().async_validate_config(hass, config)
        await async_validate_target(hass, config)
        return config

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Read the target."""
        super().__init__(hass, config)
        self._chats = ChatTarget(hass, config.target or {}, self._keys)

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Find the entity of each chat that tells of the change."""
        return self._chats.tellers(entities)

    @override
    def count_matches(
        self,
        entity_ids: Iterable[str],
        states: Mapping[str, State | None] | None = None,
    ) -> tuple[int, int]:
        """Count who matches, and everybody.

        Home Assistant leaves out who is not known; then "all" would be all of those
        who happen to be known, or nobody at all.
        """
        everybody = set(entity_ids)
        matches, _ = super().count_matches(everybody, states)
        return matches, len(everybody) + self._chats.untold()


def _online_trigger(before: str, after: str) -> type[Trigger]:
    class OnlineTrigger(_PresenceTrigger):
        """Somebody came online or went offline."""

        _keys = {"online": "binary_sensor"}
        _from_states = {before}
        _to_states = {after}

    return OnlineTrigger


def _activity_trigger(activity: Activity, *, starts: bool) -> type[Trigger]:
    during: set[str | bool] = {STATE_ON, activity}
    otherwise: set[str | bool] = {STATE_OFF, *(set(Activity) - {activity})}

    class ActivityTrigger(_PresenceTrigger):
        """Somebody began or stopped to type or to record."""

        # The binary sensor goes first: in a group, the activity is one word for
        # several people.
        _keys = {activity.value: "binary_sensor", "activity": "sensor"}
        _from_states = otherwise if starts else during
        _to_states = during if starts else otherwise

    return ActivityTrigger


TRIGGERS: dict[str, type[Trigger]] = {
    PresenceChange.CAME_ONLINE: _online_trigger(STATE_OFF, STATE_ON),
    PresenceChange.WENT_OFFLINE: _online_trigger(STATE_ON, STATE_OFF),
    PresenceChange.STARTED_TYPING: _activity_trigger(Activity.TYPING, starts=True),
    PresenceChange.STOPPED_TYPING: _activity_trigger(Activity.TYPING, starts=False),
    PresenceChange.STARTED_RECORDING: _activity_trigger(
        Activity.RECORDING, starts=True
    ),
    PresenceChange.STOPPED_RECORDING: _activity_trigger(
        Activity.RECORDING, starts=False
    ),
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the integration's triggers."""
    return TRIGGERS
