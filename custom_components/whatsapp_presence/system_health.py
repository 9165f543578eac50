"""System health: how many instances and chats there are, and whether they work."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .instance.hub import WhatsAppPresenceConfigEntry


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register the information."""
    register.async_register_info(_async_system_health_info)


async def _async_system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the information; the gateways are asked for being reachable."""
    entries: list[WhatsAppPresenceConfigEntry] = (
        hass.config_entries.async_loaded_entries(DOMAIN)
    )
    data = [entry.runtime_data for entry in entries]
    info: dict[str, Any] = {
        "instances": len(data),
        "ready": sum(one.instance.coordinator.ready for one in data),
        "receiving_events": sum(one.instance.delivery.push for one in data),
        "chats": sum(len(one.instance.chats) for one in data),
    }
    for one in data:
        info[f"can_reach_{one.gateway.key}"] = system_health.async_check_can_reach_url(
            hass, one.gateway.url
        )
    return info
