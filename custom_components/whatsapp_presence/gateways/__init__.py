"""The gateways that the integration can speak to. No Home Assistant in here."""

from enum import StrEnum

from .base import Gateway
from .waapi import WaApiGateway
from .waha import WahaGateway
from .wawp import WawpGateway


class GatewayType(StrEnum):
    """The gateways' keys, as stored in config entries."""

    WAAPI = "waapi"
    WAWP = "wawp"
    WAHA = "waha"


GATEWAYS: dict[GatewayType, type[Gateway]] = {
    GatewayType.WAAPI: WaApiGateway,
    GatewayType.WAWP: WawpGateway,
    GatewayType.WAHA: WahaGateway,
}
