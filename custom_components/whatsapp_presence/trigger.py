"""Triggers in plain words: a contact came online, started typing, and so on."""

from collections.abc import Mapping
from typing import override

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import EntityTransitionTriggerBase, Trigger

from .automation_entities import pick_entities
from .presence.model import Activity, PresenceChange

_SPECS = {"binary_sensor": DomainSpec(), "sensor": DomainSpec()}


class _PresenceTrigger(EntityTransitionTriggerBase):
    """A presence went from one known state to another."""

    _domain_specs = _SPECS
    _keys: Mapping[str, str]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the entity of each chat that tells of the change."""
        return pick_entities(self._hass, entities, self._keys)


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
