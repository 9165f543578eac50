"""Which chats a trigger or a condition is about, and which entity tells of each."""

from collections.abc import Iterable, Mapping
from typing import Final

import voluptuous as vol

from homeassistant.const import CONF_DEVICE_ID, CONF_ENTITY_ID, CONF_TARGET
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .exceptions import async_message

# Home Assistant 2026.11 has it in `const`, 2026.10 does not know it.
_CONF_EXCLUDE: Final = "exclude"


class ChatTarget:
    """A target, read as chats: any entity of a chat means the chat."""

    def __init__(
        self, hass: HomeAssistant, target: ConfigType, keys: Mapping[str, str]
    ) -> None:
        """Read a target.

        `keys` leads from the translation keys of the entities that can tell to the
        entities' domains; of several in one chat, the first that is enabled counts,
        lest a device as the target makes a trigger fire twice.
        """
        self._hass = hass
        self._keys = keys
        self._selection = TargetSelection(target)
        exclude = target.get(_CONF_EXCLUDE)
        self._exclude = TargetSelection(exclude) if exclude else None

    @callback
    def tellers(self, entity_ids: Iterable[str]) -> set[str]:
        """Pick the entity of each chat that tells; the chats are named by any entity."""
        chats = self._chats(entity_ids) - self.excluded()
        return {teller for chat in chats if (teller := self._teller(chat)) is not None}

    @callback
    def untold(self) -> int:
        """Count what is named and leads to no entity that could ever tell.

        It was renamed or deleted, or is disabled: nobody knows whether it matches.
        """
        devices = dr.async_get(self._hass)
        found = async_extract_referenced_entity_ids(
            self._hass, self._selection, expand_group=False
        )
        named = {
            device_id
            for device_id in self._selection.device_ids
            if devices.async_get(device_id) is not None
        }
        chats = named | self._chats(found.referenced | found.indirectly_referenced)
        gone = len(self._selection.device_ids - named) + sum(
            self._chat(entity_id) is None for entity_id in self._selection.entity_ids
        )
        return gone + sum(
            self._teller(chat) is None for chat in chats - self.excluded()
        )

    def _chats(self, entity_ids: Iterable[str]) -> set[str]:
        """The devices of the chats that entities belong to."""
        chats = {self._chat(entity_id) for entity_id in entity_ids}
        return {chat for chat in chats if chat is not None}

    def _chat(self, entity_id: str) -> str | None:
        entry = er.async_get(self._hass).async_get(entity_id)
        return entry.device_id if entry is not None and is_of_chat(entry) else None

    @callback
    def excluded(self) -> set[str]:
        """Return the devices of the chats that are left out, by any of their entities."""
        if self._exclude is None:
            return set()
        found = async_extract_referenced_entity_ids(
            self._hass, self._exclude, expand_group=False, primary_entities_only=False
        )
        chats = self._chats(found.referenced | found.indirectly_referenced)
        # One may have hidden entities alone, which an expansion leaves out.
        return chats | self._exclude.device_ids

    def _teller(self, chat: str) -> str | None:
        wanted = list(self._keys)
        ranked = [
            (wanted.index(entry.translation_key), entry.entity_id)
            for entry in er.async_entries_for_device(er.async_get(self._hass), chat)
            if is_of_chat(entry)
            and entry.translation_key is not None
            and self._keys.get(entry.translation_key) == entry.domain
        ]
        return min(ranked)[1] if ranked else None


async def async_validate_target(hass: HomeAssistant, config: ConfigType) -> None:
    """Refuse a target that is known to be no chat, in the user's language.

    What the registries do not know passes: it may come back, and targets are
    validated while Home Assistant starts, too.

    Raises vol.Invalid.
    """
    target = config[CONF_TARGET]
    entities = er.async_get(hass)
    for entity_id in target.get(CONF_ENTITY_ID, ()):
        entry = entities.async_get(entity_id)
        if entry is not None and not is_of_chat(entry):
            raise await _async_no_chat(hass, entity_id, CONF_ENTITY_ID)
    devices = dr.async_get(hass)
    for device_id in target.get(CONF_DEVICE_ID, ()):
        device = devices.async_get(device_id)
        if device is not None and not any(
            is_of_chat(entry)
            for entry in er.async_entries_for_device(
                entities, device_id, include_disabled_entities=True
            )
        ):
            name = device.name_by_user or device.name or device_id
            raise await _async_no_chat(hass, name, CONF_DEVICE_ID)


async def _async_no_chat(hass: HomeAssistant, target: str, key: str) -> vol.Invalid:
    return vol.Invalid(
        await async_message(
            hass,
            translation_domain=DOMAIN,
            translation_key="target_is_no_chat",
            placeholders={"target": target},
        ),
        path=[CONF_TARGET, key],
    )


def is_of_chat(entry: er.RegistryEntry) -> bool:
    """Whether an entity is one of a chat; the account's own are in no subentry."""
    return (
        entry.platform == DOMAIN
        and entry.config_subentry_id is not None
        and entry.device_id is not None
    )
