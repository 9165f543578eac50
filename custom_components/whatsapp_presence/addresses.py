"""The addresses of gateways: as they are typed, and which of them are the same."""

import asyncio
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
import socket
from typing import Any

from yarl import URL

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.util.network import is_ip_address, is_ipv6_address

from .const import CONF_GATEWAY, DOMAIN
from .gateways import GATEWAYS
from .gateways.base import Gateway
from .gateways.waha import WahaGateway
from .helpers import is_local_host

RESOLVE_TIMEOUT = 5

# Where a network without IPv4 reaches what has nothing else.
_NAT64 = ip_network("64:ff9b::/96")
# Addresses of examples lead nowhere: neither into a house nor out of one.
_EXAMPLES = tuple(
    map(
        ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    )
)
# The ends of names that no name server on the internet knows.
_HOME_NAMES = (
    ".local",
    ".localhost",
    ".localdomain",
    ".internal",
    ".home.arpa",
    ".lan",
    ".home",
    ".corp",
    ".intranet",
    ".private",
)

# Where a server listens that somebody runs at home.
_PORTS = {WahaGateway.key: 3000}


# What begins the path of a page or a call of a self-hosted server, not of the server.
_PAGES = {
    WahaGateway.key: frozenset(
        {"api", "api-docs", "dashboard", "docs", "health", "ping", "swagger", "ws"}
    )
}


def possible_urls(text: str, gateway_class: type[Gateway]) -> list[str]:
    """Bring an address into one form; none if no token must be sent there.

    A self-hosted server may be below a path, behind a proxy. But a path may also be
    that of a page of the server's; what is not known as such is asked first as it is.
    """
    if (url := _normalised(text, gateway_class)) is None:
        return []
    if not gateway_class.capabilities.self_hosted:
        return [str(url).rstrip("/")]
    pages = _PAGES.get(gateway_class.key, frozenset())
    kept: list[str] = []
    for part in url.parts[1:]:
        if part.lower() in pages:
            break
        kept.append(part)
    origin = url.origin()
    below = str(origin.joinpath(*kept)).rstrip("/")
    return list(dict.fromkeys((below, str(origin))))


def _normalised(text: str, gateway_class: type[Gateway]) -> URL | None:
    is_self_hosted = gateway_class.capabilities.self_hosted
    if is_self_hosted:
        text = _completed(text, _PORTS.get(gateway_class.key))
    try:
        url = URL(text)
        host = url.host
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not host:
        return None
    if url.user is not None or url.password is not None:
        return None
    if is_self_hosted:
        return url
    if "?" in text or "#" in text:
        return None
    if url.scheme == "http" and not is_local_host(host):
        return None
    return url


def _completed(text: str, port: int | None) -> str:
    """Add what nobody types of an address at home: http, and the usual port."""
    if not text or "://" in text:
        return text
    if is_ipv6_address(text):
        text = f"[{text}]"
    try:
        url = URL(f"http://{text}")
        has_port = url.explicit_port is not None
        return str(url if has_port or port is None else url.with_port(port))
    except ValueError:
        return text


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


async def async_check_picture_url(
    hass: HomeAssistant, url: str, gateway_url: str
) -> bool:
    """Whether a picture may be fetched from an address that a gateway has named.

    It may from a public one, over https; and, if the gateway itself is local, from
    exactly where that is. A name is looked up for this, and must lead to nothing else.
    Who fetches must follow no redirect, for it would not be checked.
    """
    try:
        parsed, gateway = URL(url), URL(gateway_url)
    except ValueError:
        return False
    if parsed.user is not None or parsed.password is not None or not parsed.host:
        return False
    is_public = await _async_is_public(hass, parsed.host)
    if _origin(parsed) == _origin(gateway) and not is_public:
        return True
    return parsed.scheme == "https" and is_public


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


async def _async_is_public(hass: HomeAssistant, host: str) -> bool:
    """Whether a host is somewhere in the internet, under all of its addresses."""
    return all(map(_is_public, await _async_resolve(hass, host)))


def _is_public(text: str) -> bool:
    if not is_ip_address(text):
        # Loopback, or a name that leads nowhere.
        return False
    address = _plain(text)
    return address.is_global and not address.is_multicast


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Read an address; one that stands for another is that one."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if not isinstance(address, IPv6Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


async def _async_is_same(hass: HomeAssistant, first: str, second: str) -> bool:
    """Whether two addresses lead to the same path and port of the same host.

    All of loopback is one host; a name is where it leads to, if it leads somewhere.
    """
    try:
        one, two = URL(first), URL(second)
    except ValueError:
        return False
    if (one.port, one.path.rstrip("/")) != (two.port, two.path.rstrip("/")):
        return False
    if one.host == two.host:
        return True
    hosts = await asyncio.gather(
        *(_async_resolve(hass, url.host or "") for url in (one, two))
    )
    return not hosts[0].isdisjoint(hosts[1])


async def _async_resolve(hass: HomeAssistant, host: str) -> set[str]:
    """Return a host's addresses; its name alone if it has none."""
    if is_ip_address(host):
        return {_one_form(host)}
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            found = await hass.loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError, UnicodeError:
        return {host}
    return {_one_form(str(address[0])) for *_, address in found}


def _one_form(text: str) -> str:
    address = _plain(text)
    return "localhost" if address.is_loopback else str(address)


async def async_leads_home(hass: HomeAssistant, host: str, *, look_up: bool) -> bool:
    """Whether a host can't be reached from the internet.

    A name is looked up if its end does not tell; one that leads nowhere at the moment
    may well lead somewhere for others.
    """
    name = host.rstrip(".").lower()
    if is_ip_address(name):
        return _is_inside(name)
    if "." not in name or name.endswith(_HOME_NAMES):
        return True
    if not look_up:
        return False
    return all(
        found == "localhost" or (found != host and _is_inside(found))
        for found in await _async_resolve(hass, host)
    )


def _is_inside(text: str) -> bool:
    """Whether an address can't be reached from outside; this machine's own is not meant."""
    address = _plain(text)
    if address.is_loopback or any(address in network for network in _EXAMPLES):
        return False
    return not address.is_global or address.is_multicast
