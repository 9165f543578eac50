"""The event stream of gateways that need no webhook."""

import asyncio
from contextlib import aclosing
import logging
import random

from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import InstanceCoordinator, WhatsAppPresenceConfigEntry
from .gateways.base import GatewayError

_LOGGER = logging.getLogger(__name__)

FIRST_DELAY = 1.0
MAX_DELAY = 60.0


@callback
def async_start_stream(
    hass: HomeAssistant,
    entry: WhatsAppPresenceConfigEntry,
    instance: InstanceCoordinator,
) -> None:
    """Stay connected to the gateway's event stream for as long as the entry is loaded."""
    entry.async_create_background_task(
        hass, _async_stay_connected(instance), f"{DOMAIN} event stream"
    )


async def _async_stay_connected(instance: InstanceCoordinator) -> None:
    delay = FIRST_DELAY
    while True:
        connected = False
        try:
            async with aclosing(instance.gateway.events()) as stream:
                async for events in stream:
                    if not connected:
                        connected = True
                        delay = FIRST_DELAY
                        instance.stream_connected()
                    if events:
                        instance.async_handle_events(events)
        except GatewayError as err:
            _LOGGER.debug("The event stream ended: %s", type(err).__name__)
        instance.stream_lost()
        await asyncio.sleep(delay * random.uniform(0.8, 1.2))
        delay = min(delay * 2, MAX_DELAY)
