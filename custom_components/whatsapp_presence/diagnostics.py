"""Diagnostics. What could name somebody or let somebody in is left out, not masked."""

from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .const import (
    CONF_ALIAS,
    CONF_CLOUDHOOK_URL,
    CONF_GATEWAY,
    CONF_REGISTER_WEBHOOK,
    CONF_SETTLE_TIME,
    CONF_WEBHOOK_SECRET,
    CONF_WEBHOOK_URL,
)
from .entity import chat_device_identifier
from .instance.chat import Chat
from .instance.hub import WhatsAppPresenceConfigEntry


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry
) -> dict[str, Any]:
    """Return what helps to understand an instance."""
    loaded = entry.state is ConfigEntryState.LOADED
    return {
        "entry": {
            "gateway": entry.data.get(CONF_GATEWAY),
            "state": entry.state.value,
            "registers_webhook": entry.options.get(CONF_REGISTER_WEBHOOK, True),
            "verifies_signature": bool(entry.options.get(CONF_WEBHOOK_SECRET)),
            "webhook_registered_before": CONF_WEBHOOK_URL in entry.data,
            "has_cloudhook": CONF_CLOUDHOOK_URL in entry.data,
            "chats": [
                {
                    "settle_time": subentry.data.get(CONF_SETTLE_TIME),
                    "has_alias": CONF_ALIAS in subentry.data,
                }
                for subentry in entry.subentries.values()
            ],
        },
        "instance": _instance(entry) if loaded else None,
        "chats": [_chat(chat) for chat in entry.runtime_data.instance.chats.values()]
        if loaded
        else None,
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: WhatsAppPresenceConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what helps to understand a chat, or the instance for its device."""
    if entry.state is not ConfigEntryState.LOADED:
        return {"state": entry.state.value}
    for chat in entry.runtime_data.instance.chats.values():
        if chat_device_identifier(entry.entry_id, chat.chat_id) in device.identifiers:
            return {"instance": _instance(entry), "chat": _chat(chat)}
    return await async_get_config_entry_diagnostics(hass, entry)


def _instance(entry: WhatsAppPresenceConfigEntry) -> dict[str, Any]:
    data = entry.runtime_data
    instance = data.instance
    last_event = instance.delivery.last_event
    coordinator = instance.coordinator
    error = coordinator.trouble or coordinator.last_exception
    return {
        "status": coordinator.data.status,
        "ready": coordinator.ready,
        "reachable": coordinator.last_update_success and error is None,
        "last_error": type(error).__name__ if error else None,
        "events_arrive": instance.delivery.push,
        "last_event": last_event.isoformat() if last_event else None,
        "webhook_registered": data.webhook.registered,
        "has_webhook_url": data.webhook.url is not None,
        "capture": data.gateway.odd_shapes,
        "aliases": len(instance.people.aliases.main),
        "round_interval": round(instance.rounds.full_interval),
    }


def _chat(chat: Chat) -> dict[str, Any]:
    presence = chat.presence
    return {
        "group": chat.is_group,
        "online": presence.online,
        "activity": presence.activity,
        "last_seen_known": presence.last_seen is not None,
        "access": presence.access,
        "members_online": len(presence.online_members),
        "members_typing": len(presence.typing_members),
        "members_recording": len(presence.recording_members),
        "settle_time": chat.tracker.settle_time,
        "events": chat.pushes,
    }
