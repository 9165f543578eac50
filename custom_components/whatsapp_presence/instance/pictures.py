"""The chats' pictures, asked for once a day."""

from collections.abc import Callable, Iterable
import logging

from ..gateways.base import (
    Gateway,
    GatewayError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
)
from ..helpers import is_presentable
from .chat import Chat

_LOGGER = logging.getLogger(__name__)


class Pictures:
    """Finds the pictures' addresses, one by one."""

    def __init__(self, gateway: Gateway, is_ready: Callable[[], bool]) -> None:
        """Begin with none asked for; `is_ready` tells whether asking makes sense."""
        self._gateway = gateway
        self._is_ready = is_ready
        self._asked: set[Chat] = set()

    def expire(self) -> None:
        """Ask for all of them again: pictures change, and their addresses expire."""
        self._asked.clear()

    async def async_find(self, chats: Iterable[Chat]) -> None:
        """Ask for those that have not been asked for."""
        if not self._gateway.capabilities.has_pictures:
            return
        for chat in chats:
            if chat in self._asked or not self._is_ready():
                continue
            try:
                url = await self._gateway.picture_url(chat.chat_id)
            except NotAllowedError, NotFoundError, InvalidResponseError:
                url = None
            except GatewayError as err:
                _LOGGER.debug("Asking for pictures failed: %s", type(err).__name__)
                return
            self._asked.add(chat)
            if url is not None and not is_presentable(url, self._gateway.secrets):
                url = None
            chat.show_picture(url)
