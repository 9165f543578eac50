"""Small things that flows and set-up share."""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import Any, Concatenate

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowHandler
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.json import json_loads
from homeassistant.util.network import is_ip_address, is_loopback, is_private

from .const import (
    CHAT_VERSION,
    CONF_CHAT,
    CONF_GATEWAY,
    CONF_SETTLE_TIME,
    CONF_VERSION,
    DOMAIN,
    ENTRY_VERSION,
    MAX_SETTLE_TIME,
    SUBENTRY_TYPE_CHAT,
)
from .gateways import GATEWAYS
from .gateways.base import Gateway
from .presence.chat_id import InvalidChatIdError, normalise

type _Step[FlowT, **P, ResultT] = Callable[
    Concatenate[FlowT, P], Coroutine[Any, Any, ResultT]
]


def ends_on[FlowT: FlowHandler[Any, Any, Any], **P, ResultT](
    error: type[Exception], *, reason: str
) -> Callable[[_Step[FlowT, P, ResultT]], _Step[FlowT, P, ResultT]]:
    """End a dialog at an error: what it is about was removed while it was open."""

    def decorate(step: _Step[FlowT, P, ResultT]) -> _Step[FlowT, P, ResultT]:
        @wraps(step)
        async def ended(self: FlowT, /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
            try:
                return await step(self, *args, **kwargs)
            except error:
                result: ResultT = self.async_abort(reason=reason)
                return result

        return ended

    return decorate


def create_gateway(hass: HomeAssistant, config: Mapping[str, Any]) -> Gateway:
    """Create the client of the gateway that an entry's data tell of."""
    return GATEWAYS[config[CONF_GATEWAY]].from_config(
        async_get_clientsession(hass), config, json_loads=json_loads
    )


def new_webhook_id() -> str:
    """Return an id for a webhook that nobody can guess.

    It has 128 bits, and is shorter than Home Assistant's own of 256: each call pays for
    the length of its path.
    """
    return token_urlsafe(16)


def is_complete(hass: HomeAssistant, data: Mapping[str, Any]) -> bool:
    """Whether an entry's data name a gateway that is known, and all that it needs."""
    gateway = find_gateway(data)
    if gateway is None:
        return False
    needed = (gateway.instance_field, gateway.token_field, CONF_URL, CONF_WEBHOOK_ID)
    if not all(isinstance(data.get(key), str) and data[key] for key in needed):
        return False
    try:
        create_gateway(hass, data)
    except ValueError:
        return False
    return True


def is_usable(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Whether what is stored of an account is in a form that is known, and complete."""
    return entry.version == ENTRY_VERSION and is_complete(hass, entry.data)


def webhook_holder(hass: HomeAssistant, entry: ConfigEntry) -> ConfigEntry:
    """Return whose an entry's webhook is: the first's of those that have the same.

    One was copied from the other then, by hand. What can't be set up has none.
    """
    entries = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    webhook_id = entry.data.get(CONF_WEBHOOK_ID)
    same = (one for one in entries if one.data.get(CONF_WEBHOOK_ID) == webhook_id)
    return next((one for one in same if one is entry or is_usable(hass, one)), entry)


def find_gateway(data: Mapping[str, Any]) -> type[Gateway] | None:
    """Return the gateway that an entry's data name, if there is such a one."""
    key = data.get(CONF_GATEWAY)
    return GATEWAYS.get(key) if isinstance(key, str) else None


def is_readable(subentry: ConfigSubentry) -> bool:
    """Whether a subentry is a chat's, and has what a chat needs."""
    data = subentry.data
    settle_time = data.get(CONF_SETTLE_TIME, 0)
    return (
        subentry.subentry_type == SUBENTRY_TYPE_CHAT
        and data.get(CONF_VERSION, CHAT_VERSION) == CHAT_VERSION
        and isinstance(settle_time, (int, float))
        and 0 <= settle_time <= MAX_SETTLE_TIME
        and _is_chat_id(data.get(CONF_CHAT))
    )


def _is_chat_id(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        normalise(value)
    except InvalidChatIdError:
        return False
    return True


def is_local_host(host: str) -> bool:
    """Whether a host is this machine or in the house, as far as its name alone tells."""
    if not is_ip_address(host):
        return host == "localhost"
    address = ip_address(host)
    return is_loopback(address) or is_private(address)
