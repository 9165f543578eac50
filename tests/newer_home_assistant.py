"""What the test package misses in a Home Assistant newer than its own.

Each release of the test package is made from one Home Assistant's tests, and a new
Home Assistant may have none yet. Importing this puts back what moved; with a Home
Assistant that the package knows it does nothing. To be imported before the package's
own plugin or its common module.
"""

from typing import Any, Final

from homeassistant.components import logger
from homeassistant.components.logger import helpers
from homeassistant.core import callback
from homeassistant.helpers import entity_registry as er, restore_state

# What it has differs from one Home Assistant to the other.
RESTORE_STATE: Final[Any] = restore_state

# 2026.11 has it only where it is defined.
if not hasattr(logger, "_clear_logger_overwrites"):
    setattr(logger, "_clear_logger_overwrites", helpers._clear_logger_overwrites)


def _set_last_states(
    data: Any,
    last_states: dict[str, Any],
) -> None:
    """Index what was stored as loading it does, and as it is from then on."""
    for entity_id, stored in last_states.items():
        if (entry := er.async_get(data.hass).async_get(entity_id)) is None:
            data.last_states_by_entity_id[entity_id] = stored
        else:
            stored.entity_registry_id = entry.id
            data.last_states_by_entity_registry_id[entry.id] = stored
    data.hass.bus.async_listen(
        er.EVENT_ENTITY_REGISTRY_UPDATED,
        data._async_entity_registry_entry_created,
        event_filter=RESTORE_STATE._entity_registry_entry_created_filter,
    )


def _get_last_states(
    data: Any,
) -> dict[str, Any]:
    """Return what is stored, by entity id."""
    return {
        stored.state.entity_id: stored
        for states in (
            data.last_states_by_entity_id,
            data.last_states_by_entity_registry_id,
        )
        for stored in states.values()
    }


# 2026.11 keeps an entity's state by its registry id; the package's mock_restore_cache
# sets the only index there was.
if hasattr(restore_state.RestoreStateData, "async_get_stored_state"):
    RESTORE_STATE.RestoreStateData.last_states = property(
        _get_last_states, callback(_set_last_states)
    )
