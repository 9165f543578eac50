"""The event stream of gateways that need no webhook."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
import logging
import random

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..gateways.base import Gateway, GatewayError, GatewayEvent

_LOGGER = logging.getLogger(__name__)

FIRST_DELAY = 1.0
MAX_DELAY = 60.0


@callback
def async_start_stream(
    hass: HomeAssistant,
    entry: ConfigEntry,
    gateway: Gateway,
    on_events: Callable[[list[GatewayEvent]], None],
    on_connected: Callable[[bool], None],
) -> None:
    """Stay connected to the gateway's event stream for as long as the entry is loaded.

    `on_connected` is told whenever the stream begins (True) and ends.
    """
    entry.async_create_background_task(
        hass,
        _async_stay_connected(gateway, on_events, on_connected),
        f"{DOMAIN} event stream",
    )


async def _async_stay_connected(
    gateway: Gateway,
    on_events: Callable[[list[GatewayEvent]], None],
    on_connected: Callable[[bool], None],
) -> None:
    delay = FIRST_DELAY
    while True:
        connected = False
        try:
            async with aclosing(gateway.events()) as stream:
                async for events in stream:
                    if not connected:
                        connected = True
                        delay = FIRST_DELAY
                        on_connected(True)
                    if events:
                        on_events(events)
        except GatewayError as err:
            _LOGGER.debug("The event stream ended: %s", type(err).__name__)
        on_connected(False)
        await asyncio.sleep(delay * random.uniform(0.8, 1.2))
        delay = min(delay * 2, MAX_DELAY)
