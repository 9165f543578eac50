"""The action that returns what is known of chats."""

import asyncio
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
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

from .automation_entities import ChatTarget, is_of_chat
from .const import CONF_CHAT, DOMAIN
from .exceptions import translated
from .gateways.base import GatewayError
from .helpers import is_readable
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.chat_id import is_group
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
    found, out_of_reach = _chats_of(call)
    if call.data[ATTR_REFRESH]:
        await _async_refresh(found)
    chats = [*map(_describe, found), *out_of_reach]
    chats.sort(key=itemgetter("entity_id"))
    return {"chats": list(chats)}


async def _async_refresh(found: list[_Found]) -> None:
    """Ask for chats; one that fails does not keep the others from being told."""
    asked = await asyncio.gather(*map(_async_ask, found))
    errors = [err for err in asked if err is not None]
    if errors and len(errors) == len(found):
        raise translated(errors[0]) from errors[0]


async def _async_ask(one: _Found) -> GatewayError | None:
    """Ask for a chat; returns why it could not be asked for."""
    try:
        await one.instance.rounds.async_ask_now(one.chat)
    except GatewayError as err:
        return err
    return None


def _chats_of(call: ServiceCall) -> tuple[list[_Found], list[dict[str, Any]]]:
    """Return the chats that a call is about, each once; without a target, all.

    Those of an account that is not set up come as what is told of them: nothing is
    known. It is an error only if there are no others.
    """
    hass = call.hass
    targets = [key for key in TARGET_KEYS if key in call.data]
    is_all = not targets or call.data.get(ATTR_ENTITY_ID) == ENTITY_MATCH_ALL
    entities = _all_entities(hass) if is_all else _targeted_entities(call)
    excluded = ChatTarget(hass, call.data, {}).excluded()
    # The first of each chat is left.
    entities.sort(key=attrgetter("entity_id"), reverse=True)
    chats = {one.device_id: one for one in entities if one.device_id not in excluded}
    found: list[_Found] = []
    out_of_reach: list[dict[str, Any]] = []
    for entity in chats.values():
        entry: WhatsAppPresenceConfigEntry | None = hass.config_entries.async_get_entry(
            entity.config_entry_id or ""
        )
        subentry_id = entity.config_subentry_id or ""
        subentry = entry.subentries.get(subentry_id) if entry is not None else None
        if entry is None or subentry is None or not is_readable(subentry):
            continue
        entity_id = _main_entity(hass, entry, subentry) or entity.entity_id
        if entry.state is not ConfigEntryState.LOADED:
            out_of_reach.append(_nothing_known(entity_id, subentry))
        elif chat := entry.runtime_data.instance.chats.get(subentry_id):
            found.append(_Found(entity_id, entry.runtime_data.instance, chat))
    if out_of_reach and not found:
        raise _not_loaded()
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
    return found, out_of_reach


def _main_entity(
    hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry
) -> str | None:
    """Return the entity that a chat goes by, unless it was deleted."""
    return er.async_get(hass).async_get_entity_id(
        "binary_sensor", DOMAIN, f"{entry.entry_id}_{subentry.data[CONF_CHAT]}_online"
    )


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


def _nothing_known(entity_id: str, subentry: ConfigSubentry) -> dict[str, Any]:
    """Return what is told of a chat of which nothing is known; None is unknown."""
    chat: dict[str, Any] = {
        "entity_id": entity_id,
        "name": subentry.title,
        "online": None,
        "activity": None,
        "last_seen": None,
        "presence_access": None,
    }
    if is_group(subentry.data[CONF_CHAT]):
        chat["members"] = []
    return chat


def _describe(found: _Found) -> dict[str, Any]:
    """Return what is known of a chat; None is unknown."""
    instance, chat = found.instance, found.chat
    presence = chat.presence
    known = _nothing_known(found.entity_id, chat.subentry) | {
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
