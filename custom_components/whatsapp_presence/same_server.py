"""Which entries are of one server, whatever it is called in each."""

import asyncio
from collections.abc import Mapping
from typing import Any

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.util.network import is_ip_address

from .addresses import async_resolve
from .const import CONF_GATEWAY, DOMAIN
from .gateways import GATEWAYS


async def async_entries_at(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> list[ConfigEntry]:
    """Return the entries of a self-hosted server, whatever it is called there.

    `data` are an entry's; what a cloud's instances are called tells them apart.
    """
    if not GATEWAYS[data[CONF_GATEWAY]].capabilities.self_hosted:
        return []
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if entry.data.get(CONF_GATEWAY) == data[CONF_GATEWAY]
        and isinstance(url := entry.data.get(CONF_URL), str)
        and await _async_is_same(hass, url, data[CONF_URL])
    ]


async def async_abort_if_same(
    hass: HomeAssistant, data: Mapping[str, Any], itself: ConfigEntry | None = None
) -> None:
    """Abort if an entry has the same instance under another name of the server."""
    field = GATEWAYS[data[CONF_GATEWAY]].instance_field
    for entry in await async_entries_at(hass, data):
        if entry is not itself and entry.data.get(field) == data[field]:
            raise AbortFlow("already_configured")


async def async_leave_out_configured(
    hass: HomeAssistant, data: Mapping[str, Any], instances: list[str]
) -> list[str]:
    """Return the instances of a server that are not set up yet."""
    field = GATEWAYS[data[CONF_GATEWAY]].instance_field
    entries = await async_entries_at(hass, data)
    configured = {entry.data.get(field) for entry in entries}
    return [instance for instance in instances if instance not in configured]


async def _async_is_same(hass: HomeAssistant, first: str, second: str) -> bool:
    """Whether two addresses lead to the same path and port of the same host.

    All of this machine is one host; a name is where it leads to, if it leads somewhere.
    But one proxy has the names of many servers, where a name alone tells them apart.
    """
    try:
        one, two = URL(first), URL(second)
    except ValueError:
        return False
    if (one.port, one.path.rstrip("/")) != (two.port, two.path.rstrip("/")):
        return False
    names = [(url.host or "").rstrip(".") for url in (one, two)]
    if names[0] == names[1]:
        return True
    if one.is_default_port() and not any(map(_is_machine, names)):
        return False
    hosts = await asyncio.gather(*(async_resolve(hass, name) for name in names))
    if not hosts[0].isdisjoint(hosts[1]):
        return True
    # This machine has an address in the house as well.
    api = hass.config.api
    here = {"localhost", api.local_ip if api else "localhost"}
    return not any(map(here.isdisjoint, hosts))


def _is_machine(name: str) -> bool:
    """Whether a host is called by its address, or as itself."""
    return is_ip_address(name) or name == "localhost"
