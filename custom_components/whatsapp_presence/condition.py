"""Conditions in plain words: a contact is online, is typing, is recording."""

from collections.abc import Callable, Mapping
from typing import Unpack, override

from homeassistant.const import STATE_ON
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, State, callback
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    BEHAVIOR_ALL,
    Condition,
    ConditionCheckParams,
    ConditionConfig,
    EntityStateConditionBase,
)
from homeassistant.helpers.target import (
    TargetStateChangedData,
    async_extract_referenced_entity_ids,
    async_track_target_selector_state_change_event,
)
from homeassistant.helpers.typing import ConfigType

from .automation_entities import ChatTarget, async_validate_target
from .presence.model import Activity

_SPECS = {"binary_sensor": DomainSpec(), "sensor": DomainSpec()}


class _PresenceCondition(EntityStateConditionBase):
    """A presence is known, and is this."""

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

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Read the target."""
        super().__init__(hass, config)
        self._chats = ChatTarget(hass, config.target or {}, self._keys)

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Find the entity of each chat that tells of the presence."""
        return self._chats.tellers(entities)

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        """Test the condition; "all" only if everybody is known.

        Home Assistant leaves out who is not known, and is content if nobody is left.
        """
        if self._behavior == BEHAVIOR_ALL and not self._all_known():
            return False
        return super()._async_check(**kwargs)

    def _all_known(self) -> bool:
        found = async_extract_referenced_entity_ids(
            self._hass, self._target_selection, expand_group=False
        )
        states: list[State | None] = [
            self._hass.states.get(entity_id)
            for entity_id in self.entity_filter(
                found.referenced | found.indirectly_referenced
            )
        ]
        return (
            bool(states)
            and all(state and self._should_include(state) for state in states)
            and not self._chats.untold()
        )

    @override
    async def _async_track_changes(self, action: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when the result may have changed.

        Home Assistant follows the entities that are named; here another entity of the
        same chat may be the one that tells.
        """
        tracking = False

        @callback
        def state_changed(_: TargetStateChangedData) -> None:
            action()

        @callback
        def entities_updated(
            _added: set[str], _removed: set[str], _states: Mapping[str, State | None]
        ) -> None:
            # Told of the first ones, too.
            if tracking:
                action()

        unsubscribe = await async_track_target_selector_state_change_event(
            self._hass,
            self._target,
            state_changed,
            self.entity_filter,
            entities_updated,
        )
        tracking = True
        return unsubscribe


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
