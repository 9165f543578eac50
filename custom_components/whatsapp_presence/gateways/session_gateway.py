"""What WAHA and Wawp, which runs on it, answer alike."""

from abc import abstractmethod
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar, Final, override

from ..presence.chat_id import is_group, phone_number
from ..presence.model import PresenceUpdate, Source
from .base import (
    ChatInfo,
    GatewayError,
    GatewayEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
)
from .client import Answer, segment
from .http_gateway import HttpGateway, asked, paged
from .pacing import Priority
from .presences import (
    NEVER_PAUSE,
    SUBSCRIBES_WHEN_ASKED,
    read_alias,
    read_contacts,
    read_engine,
    read_event,
    read_existing,
    read_info,
    read_picture,
    read_presence,
    read_version,
)
from .values import MAX_ITEMS, as_chat_id, chats, items, mapping, unwrapped

_PER_PAGE: Final = 500
_ANSWERS_AGAIN_AFTER: Final = 600.0
"""Seconds after which a server that did not answer for all chats is asked again."""


class SessionGateway(HttpGateway):
    """A session of WAHA, whoever stands before it.

    What is DOC for WAHA is to be expected of Wawp [INF], if its own file says no more.
    """

    # Whether an empty list of all presences is an answer, and what else is a refusal.
    may_know_nobody: ClassVar[bool] = True
    refused_for_all: ClassVar[tuple[type[GatewayError], ...]] = (
        NotAllowedError,
        NotFoundError,
        InvalidResponseError,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing learnt of what runs there."""
        super().__init__(*args, **kwargs)
        self._engine: str | None = None
        self._version: str | None = None
        self._answers_for_all = False
        self._can_t_answer_until = 0.0

    @override
    async def validate(self) -> InstanceInfo:
        """Check credentials and session; what is no session's form is no success."""
        try:
            session = await self._ask_session()
        except NotReadyError:
            return InstanceInfo(status=InstanceStatus.DISCONNECTED)
        if not self._is_session(session):
            raise InvalidResponseError(f"This is no answer of {self.name}.")
        return await self._read_session(session)

    @override
    async def subscribe(self, chat_id: str, wait: bool = True) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew; its state is asked for only where it has to be.

        SRC: asking for a state subscribes as well. GOWS does so each time, so that one
        request is enough; the others only if they have heard nothing of the chat yet.
        Where all presences can be had at once, they need not be asked for one by one.
        """
        chat = asked(chat_id)
        if self._asking_subscribes:
            return await self.snapshot(chat)
        answer = await self._request(
            "POST",
            f"{self._root}/presence/{segment(chat)}/subscribe",
            body=self._subscription(chat),
            priority=Priority.RENEWAL,
        )
        self._check(answer, chat=True)
        if self._answers_for_all:
            return None
        try:
            return await self.snapshot(chat)
        except NotAllowedError, NotFoundError, InvalidResponseError:
            # It is subscribed all the same.
            return None

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for a chat's state [DOC]; a chat without a presence tells nothing.

        RUN: it is the last word that was heard under that id, however old.
        """
        chat = asked(chat_id)
        answer = await self._ask_presence(f"{self._root}/presence/{segment(chat)}")
        if answer is None:
            return None
        body = unwrapped(self._read(answer, chat=True))
        return self._read_answer(body, answer, chat)

    @override
    async def presences(self) -> list[PresenceUpdate] | None:
        """Ask for the last words of all chats [SRC], which is no activity.

        SRC: GOWS answers an empty list always, WEBJS refuses in some versions. So does
        an engine that is not known, if its list is empty: it is asked again later.
        """
        now = asyncio.get_running_loop().time()
        if self._engine == SUBSCRIBES_WHEN_ASKED or now < self._can_t_answer_until:
            self._answers_for_all = False
            return None
        content: Any = None
        answer = await self._request(
            "GET", f"{self._root}/presence", priority=Priority.RENEWAL
        )
        with suppress(*self.refused_for_all):
            content = self._read(answer)
        found = [
            update
            for entry in map(mapping, items(content, "data", "presences")[:MAX_ITEMS])
            if (update := self._read_answer(entry, answer)) is not None
        ]
        self._answers_for_all = bool(found) or (
            self.may_know_nobody
            and isinstance(content, list)
            and self._engine is not None
        )
        if not self._answers_for_all:
            self._can_t_answer_until = now + _ANSWERS_AGAIN_AFTER
            return None
        return found

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id [DOC]."""
        path, query = self._contacts("check-exists")
        try:
            answer = await self._get(path, query={"phone": number, **query})
        except NotAllowedError, NotFoundError, InvalidResponseError:
            return f"{number}@c.us"
        return read_existing(number, unwrapped(answer))

    @override
    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other ids, one call each [DOC]; null where none is known yet.

        RUN: without its store the server answers 400, of what is no lid 422.
        """
        found: dict[str, str] = {}
        for chat in filter(None, map(as_chat_id, chat_ids)):
            if is_group(chat):
                continue
            number = phone_number(chat)
            tail = f"pn/{number}" if number else segment(chat)
            answer = await self._request(
                "GET", f"{self._root}/lids/{tail}", priority=Priority.LOOK_UP
            )
            if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and (
                "session" not in answer.hint
            ):
                continue
            with suppress(NotAllowedError, NotFoundError, InvalidResponseError):
                found |= read_alias(chat, unwrapped(self._read(answer)))
        return found

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members [DOC]; most with both of their ids [RUN]."""
        chat = segment(asked(chat_id))
        answer = await self._get(
            f"{self._root}/groups/{chat}/participants", priority=Priority.LOOK_UP
        )
        return chats(items(answer, "data", "participants"))

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address [DOC]; the server itself caches it for a day."""
        path, query = self._contacts("profile-picture")
        answer = await self._get(
            path,
            query={"contactId": asked(chat_id), **query},
            priority=Priority.PICTURE,
        )
        return read_picture(unwrapped(answer))

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [DOC]."""
        self._check(await self._announce(available))

    @override
    async def _ask_status(self) -> InstanceInfo:
        return await self._read_session(await self._ask_session())

    async def _read_session(self, session: dict[str, Any]) -> InstanceInfo:
        info = read_info(session, self._version or None)
        self._engine = info.engine or self._engine
        return info

    @override
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        if envelope.get("engine") != self._engine:
            self._engine = read_engine(envelope) or self._engine
            self._version = read_version(envelope) or self._version
        return read_event(
            envelope, self._notice, never_pauses=self._engine in NEVER_PAUSE
        )

    def _read_answer(
        self, body: dict[str, Any], answer: Answer, chat: str | None = None
    ) -> PresenceUpdate | None:
        """Read the presence in an answer about a chat, or all; None if there is none."""
        if not items(body.get("presences")):
            return None
        return read_presence(
            body,
            self._notice,
            asked=chat,
            asked_at=answer.asked_at,
            source=Source.REMEMBERED,
            never_pauses=self._engine in NEVER_PAUSE,
        )

    @property
    def _asking_subscribes(self) -> bool:
        """Whether asking for a state is sure to subscribe, and to be answered."""
        return False

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

    @abstractmethod
    def _is_session(self, session: dict[str, Any]) -> bool:
        """Whether this is what the gateway tells of a session, and nobody else."""

    def _subscription(self, chat: str) -> Mapping[str, str] | None:
        """Make the body of a subscription."""
        return None

    async def _announce(self, available: bool) -> Answer:
        return await self._request(
            "POST",
            f"{self._root}/presence",
            body={"presence": "online" if available else "offline"},
        )

    async def _ask_presence(self, path: str) -> Answer | None:
        """Ask for a presence; None: this session can't be asked."""
        return await self._request("GET", path, priority=Priority.RENEWAL)

    async def _list(self, path: str, query: Mapping[str, str]) -> list[ChatInfo]:
        """Read a list of chats or contacts, page by page."""

        async def page(offset: int) -> list[Any]:
            window = {"limit": str(_PER_PAGE), "offset": str(offset)}
            answer = await self._get(path, query={**query, **window})
            return items(answer, "data", "chats", "contacts")

        return await paged(_PER_PAGE, page, read_contacts)

    async def _list_chats(self) -> list[ChatInfo]:
        """List the chats of the store [DOC], which asks WhatsApp for nothing [SRC]."""
        return await self._list(f"{self._root}/chats", {})

    async def _list_contacts(self) -> list[ChatInfo]:
        return await self._list(*self._contacts("all"))
