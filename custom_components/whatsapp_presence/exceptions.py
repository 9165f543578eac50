"""The gateways' errors in the user's language."""

from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN
from .gateways.base import (
    AuthenticationError,
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
)

_KEYS: dict[type[GatewayError], str] = {
    AuthenticationError: "authentication_failed",
    NotAllowedError: "not_allowed",
    NotFoundError: "instance_not_found",
    NotReadyError: "not_ready",
    RateLimitedError: "rate_limited",
    InvalidResponseError: "invalid_response",
}


def error_key(err: GatewayError) -> str:
    """Return the translation key of a gateway's error."""
    return _KEYS.get(type(err), "cannot_connect")


def translated(err: GatewayError) -> HomeAssistantError:
    """Return the error as one that an action may raise."""
    return HomeAssistantError(translation_domain=DOMAIN, translation_key=error_key(err))
