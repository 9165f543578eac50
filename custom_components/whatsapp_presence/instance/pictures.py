"""The chats' pictures: asked for and fetched once a day."""

from collections.abc import Callable, Iterable
import logging
import math
from typing import Final
from urllib.parse import unquote

from aiohttp import ClientError, ClientTimeout

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from ..addresses import async_check_picture_url
from ..gateways.base import Gateway, GatewayError, NotReadyError, RateLimitedError
from .budget import AccountBudget
from .chat import Chat, Picture

_LOGGER = logging.getLogger(__name__)

FETCH_TIMEOUT: Final = ClientTimeout(total=15)
# Those that WhatsApp hands out have 640 by 640 dots, and a fifth of this.
MAX_SIZE: Final = 512 * 1024
# What browsers show as a picture, and as nothing else.
CONTENT_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})


class Pictures:
    """Finds the pictures, one by one, when all else is done."""

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
        self._asked_again: set[Chat] = set()

    def expire(self) -> None:
        """Ask for all of them again: pictures change, and their addresses expire."""
        self._asked.clear()
        self._asked_again.clear()

    def forget(self, chat: Chat) -> None:
        """Keep nothing of a chat that is gone."""
        self._asked.discard(chat)
        self._asked_again.discard(chat)

    async def async_find(self, chats: Iterable[Chat]) -> None:
        """Find those that somebody shows, and that have not been asked for."""
        if not self._gateway.capabilities.has_pictures:
            return
        for chat, url in await self._async_ask(chats):
            if url is None:
                chat.take_picture(None)
            else:
                await self._async_take(chat, url)

    async def _async_ask(self, chats: Iterable[Chat]) -> list[tuple[Chat, str | None]]:
        """Ask for the addresses; None if there is no picture.

        Where asking announces the account, only for as long as it is shown online
        anyway because of what was asked before.
        """
        found: list[tuple[Chat, str | None]] = []
        now = self._hass.loop.time()
        until = math.inf if self._budget.is_free else self._budget.shown_until(now)
        for chat in chats:
            now = self._hass.loop.time()
            if not self._is_ready() or now >= until or self._budget.wait(now, 0.0) > 0:
                break
            if chat.on_picture is None or chat in self._asked:
                continue
            self._asked.add(chat)
            try:
                with self._budget.request(self._hass.loop.time):
                    url = await self._gateway.picture_url(chat.chat_id)
                found.append((chat, url))
            except NotReadyError, RateLimitedError:
                # None can be had just now.
                self._asked.discard(chat)
                break
            except GatewayError as err:
                # The next one may be there; this one is asked for again tomorrow.
                _LOGGER.debug("Asking for a picture failed: %s", type(err).__name__)
        return found

    async def _async_take(self, chat: Chat, url: str) -> None:
        """Fetch a picture. What is shown stays until there is another one, or none."""
        if holds_secret(
            url, self._gateway.secrets
        ) or not await async_check_picture_url(self._hass, url, self._gateway.url):
            _LOGGER.debug("The address of a picture was refused")
            chat.take_picture(None)
            return
        try:
            picture = await self._async_fetch(url)
        except (ClientError, TimeoutError, ValueError) as err:
            # The address may have expired: another one is asked for, once a day.
            _LOGGER.debug("Fetching a picture failed: %s", type(err).__name__)
            if chat not in self._asked_again:
                self._asked_again.add(chat)
                self._asked.discard(chat)
            return
        shown = chat.picture
        if shown is None or shown.content != picture.content:
            chat.take_picture(picture)

    async def _async_fetch(self, url: str) -> Picture:
        """Fetch what is at an address; ValueError: it is none of the allowed pictures."""
        async with async_get_clientsession(self._hass).get(
            url,
            allow_redirects=False,
            raise_for_status=True,
            timeout=FETCH_TIMEOUT,
        ) as response:
            if response.content_type not in CONTENT_TYPES:
                raise ValueError(response.content_type)
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_SIZE:
                    raise ValueError(MAX_SIZE)
            if not content:
                raise ValueError
            return Picture(bytes(content), response.content_type, dt_util.utcnow())


def holds_secret(url: str, secrets: frozenset[str]) -> bool:
    """Whether one of the secrets is in an address, as it is or escaped."""
    return any(secret in text for secret in secrets for text in (url, unquote(url)))
