"""Which of the entities a trigger or a condition is about."""

from collections.abc import Iterable, Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN


@callback
def pick_entities(
    hass: HomeAssistant, entity_ids: Iterable[str], keys: Mapping[str, str]
) -> set[str]:
    """Pick one entity of each chat.

    `keys` leads from the translation keys of the entities that can tell to the
    entities' domains; of several in one device, the first that is wanted counts,
    lest a device as the target makes a trigger fire twice.
    """
    registry = er.async_get(hass)
    wanted = list(keys)
    found: dict[str, tuple[int, str]] = {}
    for entity_id in entity_ids:
        entry = registry.async_get(entity_id)
        if (
            entry is None
            or entry.disabled_by is not None
            or entry.platform != DOMAIN
            or entry.translation_key is None
            or keys.get(entry.translation_key) != entry.domain
        ):
            continue
        ranked = (wanted.index(entry.translation_key), entity_id)
        owner = entry.device_id or entity_id
        found[owner] = min(found.get(owner, ranked), ranked)
    return {entity_id for _, entity_id in found.values()}
