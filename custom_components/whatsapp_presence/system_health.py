"""System health: how many instances and chats there are, and whether they work."""

import asyncio
from collections.abc import Iterable
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
    urls: dict[str, set[str]] = {}
    for one in data:
        urls.setdefault(one.gateway.key, set()).add(one.gateway.url)
    for key, addresses in urls.items():
        info[f"can_reach_{key}"] = _async_check_can_reach(hass, addresses)
    return info


async def _async_check_can_reach(
    hass: HomeAssistant, urls: Iterable[str]
) -> str | dict[str, str]:
    """Check each address once; tells the first that can't be reached, if there is one."""
    found = await asyncio.gather(
        *(system_health.async_check_can_reach_url(hass, url) for url in sorted(urls))
    )
    return next((one for one in found if isinstance(one, dict)), found[0])
