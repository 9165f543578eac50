"""Where hosts are: in the house or in the internet, and at which addresses."""

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
import socket

from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.util.network import is_ip_address

RESOLVE_TIMEOUT = 5

# All of IPv6 that leads anywhere in the internet; there is more that was given up, such as
# addresses of one site.
_INTERNET = ip_network("2000::/3")
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
    return all(map(_is_public, await async_resolve(hass, host)))


def _is_public(text: str) -> bool:
    """Whether a host is one in the internet; some are neither there nor inside."""
    if not is_ip_address(text):
        # Loopback, or a name that leads nowhere.
        return False
    return _is_global(_plain(text))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _INTERNET:
        return False
    return address.is_global and not address.is_multicast


async def async_resolve(hass: HomeAssistant, host: str) -> set[str]:
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
    # Who asks at no address in particular, is answered by this machine.
    if address.is_loopback or address.is_unspecified:
        return "localhost"
    return str(address)


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Read an address without the interface; one that stands for another is that one."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


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
        for found in await async_resolve(hass, host)
    )


def _is_inside(text: str) -> bool:
    """Whether the internet does not lead to an address; this machine's own is not meant."""
    address = _plain(text)
    if address.is_loopback or any(address in network for network in _EXAMPLES):
        return False
    return not _is_global(address)
