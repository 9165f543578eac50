"""The event stream of gateways that need no webhook."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
import logging
import random

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..exceptions import unexpected
from ..gateways.base import AuthenticationError, Gateway, GatewayError, NotAllowedError
from .inbox import Read

_LOGGER = logging.getLogger(__name__)

FIRST_DELAY = 1.0
MAX_DELAY = 60.0
# Who ends a connection sooner does not want it, whatever it says.
HELD = 5.0


@callback
def async_start_stream(
    hass: HomeAssistant,
    entry: ConfigEntry,
    gateway: Gateway,
    take: Callable[[Read], Awaitable[None]],
    on_connected: Callable[[bool], None],
    on_refused: Callable[[GatewayError | None], None],
) -> None:
    """Stay connected to the gateway's event stream for as long as the entry is loaded.

    What arrives is read on when `take` has taken it. `on_connected` is told whenever
    the stream begins (True) and ends; `on_refused` each time that the gateway refuses
    it to the key, and why, and with None when it does not.
    """
    entry.async_create_background_task(
        hass,
        _async_stay_connected(gateway, take, on_connected, on_refused),
        f"{DOMAIN} event stream",
    )


async def _async_stay_connected(
    gateway: Gateway,
    take: Callable[[Read], Awaitable[None]],
    on_connected: Callable[[bool], None],
    on_refused: Callable[[GatewayError | None], None],
) -> None:
    now = asyncio.get_running_loop().time
    delay = FIRST_DELAY
    while True:
        connected = False
        began = now()
        refusal: GatewayError | None = None
        try:
            async with aclosing(gateway.events()) as stream:
                async for events in stream:
                    if not connected:
                        connected = True
                        on_refused(None)
                        on_connected(True)
                    if events:
                        await take(partial(list, events))
        except (AuthenticationError, NotAllowedError) as err:
            refusal = err
        except GatewayError as err:
            _LOGGER.debug("The event stream ended: %s", type(err).__name__)
        except Exception as err:  # noqa: BLE001
            # An event that can't be borne must not be the last one.
            _LOGGER.error("%s, in the event stream", unexpected(err))
        if refusal is not None:
            on_refused(refusal)
        elif connected and now() - began >= HELD:
            delay = FIRST_DELAY
        on_connected(False)
        await asyncio.sleep(delay * random.uniform(0.8, 1.2))
        delay = min(delay * 2, MAX_DELAY)
