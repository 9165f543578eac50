"""The action that returns what is known of chats."""

from dataclasses import dataclass
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    ATTR_AREA_ID,
    ATTR_DEVICE_ID,
    ATTR_ENTITY_ID,
    ATTR_FLOOR_ID,
    ATTR_LABEL_ID,
    ENTITY_MATCH_ALL,
)
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.util import dt as dt_util

from .automation_entities import is_of_chat
from .const import DOMAIN
from .exceptions import translated
from .gateways.base import GatewayError
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import Activity

SERVICE_GET_PRESENCE = "get_presence"
ATTR_REFRESH = "refresh"

TARGET_KEYS = (
    ATTR_ENTITY_ID,
    ATTR_DEVICE_ID,
    ATTR_AREA_ID,
    ATTR_FLOOR_ID,
    ATTR_LABEL_ID,
)
GET_PRESENCE_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_REFRESH, default=False): cv.boolean,
        **cv.ENTITY_SERVICE_FIELDS,
    }
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A chat that a call is about, and the entity that it goes by."""

    entity_id: str
    instance: Instance
    chat: Chat


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Set up the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_PRESENCE,
        _async_get_presence,
        schema=GET_PRESENCE_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_get_presence(call: ServiceCall) -> ServiceResponse:
    found = _chats_of(call)
    if call.data[ATTR_REFRESH]:
        await _async_refresh(found)
    return {"chats": [_describe(one) for one in found]}


async def _async_refresh(found: list[_Found]) -> None:
    """Ask for chats; one that fails does not keep the others from being told."""
    errors: list[GatewayError] = []
    for one in found:
        try:
            await one.instance.rounds.async_ask_now(one.chat)
        except GatewayError as err:
            errors.append(err)
    if errors and len(errors) == len(found):
        raise translated(errors[0]) from errors[0]


def _chats_of(call: ServiceCall) -> list[_Found]:
    """Return the chats that a call is about, each once; without a target, all."""
    hass = call.hass
    targets = [key for key in TARGET_KEYS if key in call.data]
    if not targets or call.data.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL:
        entities = _all_entities(hass)
    else:
        entities = _targeted_entities(call)
    registry = er.async_get(hass)
    found: dict[Chat, _Found] = {}
    for entity in sorted(entities, key=lambda entity: entity.entity_id):
        entry: WhatsAppPresenceConfigEntry | None = hass.config_entries.async_get_entry(
            entity.config_entry_id or ""
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise _not_loaded()
        instance = entry.runtime_data.instance
        chat = instance.chats.get(entity.config_subentry_id or "")
        if chat is None or chat in found:
            continue
        main = registry.async_get_entity_id(
            "binary_sensor", DOMAIN, f"{entry.entry_id}_{chat.chat_id}_online"
        )
        found[chat] = _Found(main or entity.entity_id, instance, chat)
    if targets and not found:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_chats",
            translation_placeholders={
                "targets": ", ".join(
                    target
                    for key in targets
                    for target in cv.ensure_list(call.data[key])
                )
            },
        )
    return sorted(found.values(), key=lambda one: one.entity_id)


def _all_entities(hass: HomeAssistant) -> list[er.RegistryEntry]:
    """Return the entities of the chats of all accounts that are set up."""
    entries = hass.config_entries.async_loaded_entries(DOMAIN)
    if not entries:
        raise _not_loaded()
    registry = er.async_get(hass)
    return [
        entity
        for entry in entries
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if is_of_chat(entity)
    ]


def _targeted_entities(call: ServiceCall) -> list[er.RegistryEntry]:
    """Return the entities of chats among those that a call's target leads to."""
    selected = async_extract_referenced_entity_ids(
        call.hass, TargetSelection(call.data)
    )
    registry = er.async_get(call.hass)
    return [
        entity
        for entity_id in selected.referenced | selected.indirectly_referenced
        if (entity := registry.async_get(entity_id)) is not None and is_of_chat(entity)
    ]


def _not_loaded() -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key="entry_not_loaded"
    )


def _describe(found: _Found) -> dict[str, Any]:
    """Return what is known of a chat; None is unknown."""
    instance, chat = found.instance, found.chat
    presence = chat.presence
    known: dict[str, Any] = {
        "entity_id": found.entity_id,
        "name": chat.subentry.title,
        "online": presence.online,
        "activity": presence.activity,
        "last_seen": None
        if presence.last_seen is None
        else dt_util.utc_from_timestamp(int(presence.last_seen)).isoformat(),
        "presence_access": presence.access,
    }
    if not instance.coordinator.available:
        known |= {"online": None, "activity": None}
    if chat.is_group:
        typing, recording = presence.typing_members, presence.recording_members
        known["members"] = [
            {
                "name": instance.people.member_name(member),
                "online": member in presence.online_members or None,
                "activity": Activity.TYPING
                if member in typing
                else Activity.RECORDING
                if member in recording
                else Activity.IDLE
                if presence.activity is not None
                else None,
            }
            for member in sorted({*presence.online_members, *typing, *recording})
        ]
    return known
