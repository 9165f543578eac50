"""Errors in the user's language."""

from collections.abc import Mapping
from pathlib import PurePath
from traceback import walk_tb

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_translations

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


def unexpected(err: Exception) -> str:
    """Return what may be logged of an error: its kind, and where it was raised.

    Its own words, and a traceback's, may hold what must not be in a log.
    """
    *_, (frame, line) = walk_tb(err.__traceback__)
    place = PurePath(frame.f_code.co_filename).name
    return f"Unexpected {type(err).__name__} in {place}, line {line}"


async def async_message(
    hass: HomeAssistant,
    *,
    translation_domain: str,
    translation_key: str,
    placeholders: Mapping[str, str],
) -> str:
    """Return an error's words in the language of the house.

    For where the front end shows what it is given: Home Assistant itself words an
    error that carries a translation key in English.
    """
    texts = await async_get_translations(
        hass, hass.config.language, "exceptions", {translation_domain}
    )
    text = texts[f"component.{translation_domain}.exceptions.{translation_key}.message"]
    return text.format(**placeholders)
