"""The chats' pictures, asked for once a day."""

from collections.abc import Callable, Iterable
import logging
import math

from homeassistant.core import HomeAssistant

from ..gateways.base import Gateway, GatewayError, NotReadyError, RateLimitedError
from ..helpers import is_presentable
from .budget import AccountBudget
from .chat import Chat

_LOGGER = logging.getLogger(__name__)


class Pictures:
    """Finds the pictures' addresses, one by one, when all else is done."""

    def __init__(
        self,
        hass: HomeAssistant,
        gateway: Gateway,
        budget: AccountBudget,
        is_ready: Callable[[], bool],
    ) -> None:
        """Begin with none asked for; `is_ready` tells whether asking makes sense."""
        self._hass = hass
        self._gateway = gateway
        self._budget = budget
        self._is_ready = is_ready
        self._asked: set[Chat] = set()

    def expire(self) -> None:
        """Ask for all of them again: pictures change, and their addresses expire."""
        self._asked.clear()

    def forget(self, chat: Chat) -> None:
        """Keep nothing of a chat that is gone."""
        self._asked.discard(chat)

    async def async_find(self, chats: Iterable[Chat]) -> None:
        """Ask for those that have not been asked for.

        Where asking announces the account, only for as long as it is shown online
        anyway because of what was asked before.
        """
        if not self._gateway.capabilities.has_pictures:
            return
        now = self._hass.loop.time()
        until = math.inf if self._budget.is_free else self._budget.shown_until(now)
        for chat in chats:
            now = self._hass.loop.time()
            if not self._is_ready() or now >= until or self._budget.wait(now, 0.0) > 0:
                return
            if chat in self._asked:
                continue
            self._asked.add(chat)
            try:
                with self._budget.request(self._hass.loop.time):
                    url = await self._gateway.picture_url(chat.chat_id)
            except NotReadyError, RateLimitedError:
                # None can be had just now.
                self._asked.discard(chat)
                return
            except GatewayError as err:
                # The next one may be there; this one is asked for again tomorrow.
                _LOGGER.debug("Asking for a picture failed: %s", type(err).__name__)
                continue
            if url is not None and not is_presentable(url, self._gateway.secrets):
                url = None
            chat.show_picture(url)
