"""Looking up whose ids they are that events come under."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from ..gateways.base import Gateway, GatewayError
from ..presence.model import PresenceUpdate

_LOGGER = logging.getLogger(__name__)

# A group has up to 1,024 members, who may all be named by ids that nobody knows yet.
MAX_WAITING: Final = 1100
MAX_STRANGERS: Final = 2000
# The latest word is what counts, but the one before it may be typing.
PENDING_UPDATES: Final = 4
# Who could not be named may be known later: gateways learn as messages come.
STRANGER_TIME: Final = 600.0


class Lookups:
    """Asks for unknown ids, one batch at a time, and no more than there is room for."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        on_pairs: Callable[[Mapping[str, str]], None],
        on_known: Callable[[PresenceUpdate], bool],
    ) -> None:
        """Begin with nobody to look up.

        `on_pairs` is given ids that belong together; `on_known` what was heard of an
        id meanwhile, and returns whether that id is a chat's.
        """
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._on_pairs = on_pairs
        self._on_known = on_known
        self._waiting: dict[str, deque[PresenceUpdate]] = {}
        # Ids that nobody could name, and when they were asked for, in loop time.
        self._strangers: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    @callback
    def async_ask(self, unknown: str, update: PresenceUpdate | None = None) -> None:
        """Find out whose id it is; what was heard under it is kept meanwhile."""
        if (updates := self._waiting.get(unknown)) is None:
            if len(self._waiting) >= MAX_WAITING or self._is_stranger(unknown):
                return
            updates = self._waiting[unknown] = deque(maxlen=PENDING_UPDATES)
        if update is not None:
            updates.append(update)
        if self._task is None or self._task.done():
            self._task = self._entry.async_create_background_task(
                self._hass, self._async_look_up(), f"{DOMAIN} look up ids"
            )

    @callback
    def forgive(self) -> None:
        """Ask again for whom nobody could name."""
        self._strangers.clear()

    def _is_stranger(self, unknown: str) -> bool:
        asked_at = self._strangers.get(unknown)
        return (
            asked_at is not None and self._hass.loop.time() - asked_at < STRANGER_TIME
        )

    async def _async_look_up(self) -> None:
        # A turn of the loop later, so that one body's ids are one batch.
        await asyncio.sleep(0)
        size = self._gateway.capabilities.lookup_batch
        while self._waiting:
            batch = list(self._waiting)[:size]
            try:
                self._on_pairs(await self._gateway.aliases(batch))
            except GatewayError as err:
                # They are asked for again when they are heard of again; the others, too,
                # for it may be the gateway that is gone.
                _LOGGER.debug("Looking up ids failed: %s", type(err).__name__)
                for one in batch:
                    del self._waiting[one]
                return
            for one in batch:
                self._settle(one, self._waiting.pop(one))

    @callback
    def _settle(self, one: str, updates: deque[PresenceUpdate]) -> None:
        """Hand on what was heard under an id; nobody's id is not asked for again soon."""
        if updates and all(self._on_known(update) for update in updates):
            return
        self._strangers.pop(one, None)
        if len(self._strangers) >= MAX_STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        self._strangers[one] = self._hass.loop.time()
