"""The gateways that the integration can speak to. No Home Assistant in here."""

from .base import Gateway
from .waapi import WaApiGateway
from .waha import WahaGateway
from .wawp import WawpGateway

# By the keys that stand in config entries, in the order in which they are offered.
GATEWAYS: dict[str, type[Gateway]] = {
    gateway.key: gateway
    for gateway in (
        WaApiGateway,
        WawpGateway,
        WahaGateway,
    )
}
