"""Asking a gateway for the config flow: at which address, and what is worth knowing."""

import asyncio
from collections.abc import Awaitable, Callable
import logging
from typing import Any

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant

from .chat_list import Notice
from .const import CONF_GATEWAY
from .exceptions import unexpected
from .gateways import GATEWAYS
from .gateways.base import (
    AuthenticationError,
    CannotTell,
    Gateway,
    GatewayError,
    InstanceInfo,
    InstanceStatus,
    NotAllowedError,
    NotFoundError,
)
from .helpers import create_gateway
from .server_url import possible_urls

_LOGGER = logging.getLogger(__name__)

# The dialog does not wait any longer for what it can do without.
RIGHTS_TIMEOUT = 5

# Of the errors of several addresses, the first is told that is among these; what is left
# is for the gateway, not for the user, to mend.
ERRORS: dict[type[GatewayError], str] = {
    AuthenticationError: "invalid_auth",
    NotAllowedError: "not_allowed",
    NotFoundError: "instance_not_found",
}


async def async_ask[T](
    hass: HomeAssistant,
    data: dict[str, Any],
    errors: dict[str, str],
    question: Callable[[Gateway], Awaitable[T]],
) -> tuple[Gateway, T] | None:
    """Ask at the address, and keep the one of its forms that answers.

    What went wrong instead is put among the errors.
    """
    gateway_class = GATEWAYS[data[CONF_GATEWAY]]
    urls = possible_urls(
        data.get(CONF_URL) or gateway_class.default_url or "", gateway_class
    )
    if not urls:
        # A section's own fields can't show errors.
        field = CONF_URL if gateway_class.default_url is None else "base"
        errors[field] = "invalid_url"
        return None
    if not data[gateway_class.token_field]:
        errors["base"] = "invalid_auth"
        return None
    refusals: list[GatewayError] = []
    for url in urls:
        gateway = create_gateway(hass, {**data, CONF_URL: url})
        try:
            answer = await question(gateway)
        except GatewayError as err:
            refusals.append(err)
        except Exception as err:  # noqa: BLE001
            _LOGGER.error("%s, while asking a gateway", unexpected(err))
            errors["base"] = "unknown"
            return None
        else:
            data[CONF_URL] = url
            return gateway, answer
    kinds = {type(err) for err in refusals}
    errors["base"] = next(
        (key for kind, key in ERRORS.items() if kind in kinds), "cannot_connect"
    )
    return None


async def async_find_notices(
    gateway: Gateway, info: InstanceInfo
) -> tuple[Notice, ...]:
    """Find out what the user should know before choosing the first chat."""
    may_register = True
    if gateway.capabilities.manages_webhooks:
        try:
            async with asyncio.timeout(RIGHTS_TIMEOUT):
                may_register = await gateway.may_register()
        except Exception as err:  # noqa: BLE001
            # Whatever it is, the account is good; a repair will tell if need be.
            _LOGGER.debug("Asking for rights failed: %s", type(err).__name__)
    told = {
        Notice.NOT_CONNECTED: info.status is not InstanceStatus.READY,
        Notice.TRIAL: info.trial is True,
        Notice.NO_WEBHOOK: not may_register,
        Notice.STORE_OFF: info.cannot_tell is CannotTell.STORE_OFF,
    }
    return tuple(notice for notice, is_so in told.items() if is_so)
