"""What WAHA and Wawp, which runs on it, answer alike."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, override

from ..presence.chat_id import is_group, phone_number
from ..presence.model import PresenceUpdate
from .base import (
    ChatInfo,
    GatewayEvent,
    InstanceInfo,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
)
from .client import Answer, segment
from .http_gateway import HttpGateway, asked, paged
from .presences import (
    read_alias,
    read_contacts,
    read_event,
    read_existing,
    read_info,
    read_picture,
    read_presence,
)
from .values import as_chat_id, chats, items, unwrapped

_PER_PAGE: Final = 500


class SessionGateway(HttpGateway):
    """A session of WAHA, whoever stands before it.

    What is DOC for WAHA is to be expected of Wawp [INF], if its own file says no more.
    """

    @override
    async def subscribe(self, chat_id: str) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew; then ask for its state.

        SRC: asking subscribes as well, but only a chat that the server takes for not
        subscribed; what the connection forgot (GOWS) has to be subscribed anew.
        """
        chat = asked(chat_id)
        answer = await self._request(
            "POST",
            f"{self._root}/presence/{segment(chat)}/subscribe",
            body=self._subscription(chat),
        )
        self._check(answer, chat=True)
        try:
            return await self.snapshot(chat)
        except NotAllowedError, NotFoundError, InvalidResponseError:
            # It is subscribed all the same.
            return None

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for a chat's state [DOC]; a chat without a presence tells nothing."""
        chat = asked(chat_id)
        answer = await self._ask_presence(f"{self._root}/presence/{segment(chat)}")
        if answer is None:
            return None
        body = unwrapped(self._read(answer, chat=True))
        if not items(body.get("presences")):
            return None
        return read_presence(body, self._notice, asked=chat, asked_at=answer.asked_at)

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id [DOC]."""
        path, query = self._contacts("check-exists")
        try:
            answer = await self._get(
                path, query={"phone": number, **query}, urgent=True
            )
        except NotAllowedError, NotFoundError, InvalidResponseError:
            return f"{number}@c.us"
        return read_existing(number, unwrapped(answer))

    @override
    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other ids, one call each [DOC]; null where the server knows none."""
        found: dict[str, str] = {}
        for chat in filter(None, map(as_chat_id, chat_ids)):
            if is_group(chat):
                continue
            number = phone_number(chat)
            tail = f"pn/{number}" if number else segment(chat)
            try:
                answer = await self._get(f"{self._root}/lids/{tail}")
            except NotAllowedError, NotFoundError, InvalidResponseError:
                continue
            found |= read_alias(chat, unwrapped(answer))
        return found

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members [DOC]."""
        chat = segment(asked(chat_id))
        answer = await self._get(f"{self._root}/groups/{chat}/participants")
        return chats(items(answer, "data", "participants"), "name", "pushName")

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address [DOC]; the server itself caches it for a day."""
        path, query = self._contacts("profile-picture")
        answer = await self._get(path, query={"contactId": asked(chat_id), **query})
        return read_picture(unwrapped(answer))

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [DOC]."""
        self._check(await self._announce(available))

    @override
    async def _ask_status(self) -> InstanceInfo:
        return read_info(await self._ask_session())

    @override
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        return read_event(envelope, self._notice)

    @property
    @abstractmethod
    def _root(self) -> str:
        """The path of what belongs to the session."""

    @abstractmethod
    def _contacts(self, call: str) -> tuple[str, dict[str, str]]:
        """Name the path of a call of the contacts, and the query that it needs."""

    @abstractmethod
    async def _ask_session(self) -> dict[str, Any]:
        """Ask for what has the session's `status` and `me`."""

    def _subscription(self, chat: str) -> Mapping[str, str] | None:
        """Make the body of a subscription."""
        return None

    async def _announce(self, available: bool) -> Answer:
        return await self._request(
            "POST",
            f"{self._root}/presence",
            body={"presence": "online" if available else "offline"},
            urgent=True,
        )

    async def _ask_presence(self, path: str) -> Answer | None:
        """Ask for a presence; None: this session can't be asked."""
        return await self._request("GET", path)

    async def _list(self, path: str, query: Mapping[str, str]) -> list[ChatInfo]:
        """Read a list of chats or contacts, page by page."""

        async def page(offset: int) -> list[Any]:
            window = {"limit": str(_PER_PAGE), "offset": str(offset)}
            answer = await self._get(path, query={**query, **window}, urgent=True)
            return items(answer, "data", "chats", "contacts")

        return await paged(_PER_PAGE, page, read_contacts)

    async def _list_contacts(self) -> list[ChatInfo]:
        return await self._list(*self._contacts("all"))
