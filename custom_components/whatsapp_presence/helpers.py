"""Small things that flows and set-up share."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.json import json_loads
from homeassistant.util.network import is_ip_address, is_loopback, is_private

from .const import CONF_GATEWAY
from .gateways import GATEWAYS
from .gateways.base import Gateway

# Those of pictures have some 500 characters.
MAX_URL = 4096


def create_gateway(hass: HomeAssistant, config: Mapping[str, Any]) -> Gateway:
    """Create the client of the gateway that an entry's data tell of."""
    return GATEWAYS[config[CONF_GATEWAY]].from_config(
        async_get_clientsession(hass), config, json_loads=json_loads
    )


def is_local_host(host: str) -> bool:
    """Whether a host is this machine or in the house, as far as its name alone tells."""
    if not is_ip_address(host):
        return host == "localhost"
    address = ip_address(host)
    return is_loopback(address) or is_private(address)


def is_fetchable(url: str, secrets: frozenset[str]) -> bool:
    """Whether an address may be asked for: a web address without a secret."""
    if len(url) > MAX_URL:
        return False
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return (
        parsed.scheme in ("http", "https")
        and bool(parsed.host)
        and parsed.user is None
        and parsed.password is None
        and not any(
            secret in text for secret in secrets for text in (url, parsed.human_repr())
        )
    )
