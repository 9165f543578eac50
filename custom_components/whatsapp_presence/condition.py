"""Conditions in plain words: a contact is online, is typing, is recording."""

from collections.abc import Mapping
from typing import override

from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .automation_entities import pick_entities
from .presence.model import Activity

_SPECS = {"binary_sensor": DomainSpec(), "sensor": DomainSpec()}


class _PresenceCondition(EntityStateConditionBase):
    """A presence is known, and is this."""

    _domain_specs = _SPECS
    _keys: Mapping[str, str]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the entity of each chat that tells of the presence."""
        return pick_entities(self._hass, entities, self._keys)


class _IsOnline(_PresenceCondition):
    """Somebody is online."""

    _keys = {"online": "binary_sensor"}
    _states = {STATE_ON}


class _IsTyping(_PresenceCondition):
    """Somebody is typing."""

    _keys = {"typing": "binary_sensor", "activity": "sensor"}
    _states = {STATE_ON, Activity.TYPING}


class _IsRecording(_PresenceCondition):
    """Somebody is recording."""

    _keys = {"recording": "binary_sensor", "activity": "sensor"}
    _states = {STATE_ON, Activity.RECORDING}


CONDITIONS: dict[str, type[Condition]] = {
    "is_online": _IsOnline,
    "is_typing": _IsTyping,
    "is_recording": _IsRecording,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the integration's conditions."""
    return CONDITIONS
