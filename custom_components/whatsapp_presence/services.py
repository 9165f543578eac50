"""The action that returns what is known of chats."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
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

from .const import DOMAIN
from .exceptions import translated
from .gateways.base import GatewayError
from .instance.chat import Chat
from .instance.hub import Instance, WhatsAppPresenceConfigEntry
from .presence.model import Activity

SERVICE_GET_PRESENCE = "get_presence"
ATTR_REFRESH = "refresh"

GET_PRESENCE_SCHEMA = cv.make_entity_service_schema(
    {vol.Optional(ATTR_REFRESH, default=False): cv.boolean}
)


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
    chats = _targeted_chats(call)
    if call.data[ATTR_REFRESH]:
        for instance, chat in chats.values():
            try:
                await instance.rounds.async_ask_now(chat)
            except GatewayError as err:
                raise translated(err) from err
    return {
        "chats": [
            _describe(entity_id, *chats[entity_id]) for entity_id in sorted(chats)
        ]
    }


def _targeted_chats(
    call: ServiceCall,
) -> dict[str, tuple[Instance, Chat]]:
    """Return the chats that a call is about, by their main entities' ids."""
    hass = call.hass
    referenced = async_extract_referenced_entity_ids(hass, TargetSelection(call.data))
    registry = er.async_get(hass)
    chats: dict[str, tuple[Instance, Chat]] = {}
    for entity_id in referenced.referenced | referenced.indirectly_referenced:
        entity = registry.async_get(entity_id)
        if (
            entity is None
            or entity.platform != DOMAIN
            or entity.config_subentry_id is None
            or entity.config_entry_id is None
        ):
            continue
        entry: WhatsAppPresenceConfigEntry | None = hass.config_entries.async_get_entry(
            entity.config_entry_id
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="entry_not_loaded"
            )
        instance = entry.runtime_data.instance
        if chat := instance.chats.get(entity.config_subentry_id):
            main = registry.async_get_entity_id(
                "binary_sensor", DOMAIN, f"{entry.entry_id}_{chat.chat_id}_online"
            )
            chats[main or entity_id] = (instance, chat)
    if not chats:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_chats"
        )
    return chats


def _describe(entity_id: str, instance: Instance, chat: Chat) -> dict[str, Any]:
    """Return what is known of a chat; None is unknown."""
    presence = chat.presence
    known: dict[str, Any] = {
        "entity_id": entity_id,
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
