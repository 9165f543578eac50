"""The address of a gateway, as it is typed or copied, in one form."""

from yarl import URL

from homeassistant.util.network import is_ipv6_address

from .gateways.base import Gateway
from .gateways.waha import WahaGateway
from .helpers import is_local_host

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
