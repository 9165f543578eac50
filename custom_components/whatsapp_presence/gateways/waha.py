"""WAHA (self-hosted): the dialect of its REST API and of its webhooks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus
import re
from typing import Any, ClassVar, Final, override

from yarl import URL

from ..presence.model import Source
from .base import (
    Capabilities,
    ChatInfo,
    GatewayError,
    GatewayEvent,
    InstanceInfo,
    InvalidEventError,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    Transport,
)
from .pacing import HOME
from .presences import EVENTS, SUBSCRIBES_WHEN_ASKED
from .refusals import Refusals, Rule
from .session_gateway import SessionGateway
from .values import chats, items, mapping, text
from .waha_stream import messages

_ENGINE: Final = "The session's engine can't do this."


class WahaGateway(SessionGateway):
    """A session of a WAHA server.

    Its events come over a WebSocket, which needs no URL that the server could reach;
    webhooks that the user has configured there are read as well. DOC: changing those
    takes the whole of the session's configuration, and restarts it. SRC: what asks
    WhatsApp for something shows the account online for 25 s.
    """

    key: ClassVar[str] = "waha"
    name: ClassVar[str] = "WAHA"
    default_url: ClassVar[str | None] = None
    instance_field: ClassVar[str] = "session"
    token_field: ClassVar[str] = "api_key"
    capabilities: ClassVar[Capabilities] = Capabilities(
        transport=Transport.WEBSOCKET,
        manages_webhooks=False,
        signs_webhooks=True,
        sets_available=True,
        has_pictures=True,
        self_hosted=True,
        answers=Source.REMEMBERED,
        announce_seconds=25.0,
    )

    pace = HOME
    token_header = ("X-Api-Key", "{}")
    # DOC: letters, digits, dash and underscore.
    instance_form = re.compile(r"[A-Za-z0-9_-]{1,64}")
    # DOC
    signature = ("x-webhook-hmac", "sha512")
    # DOC, SRC
    refusals = Refusals(
        name,
        credential="API key",
        instance="session",
        not_ready={HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY},
        first=(
            Rule(
                NotAllowedError,
                "This needs WAHA Plus.",
                words=("plus version", "waha plus"),
            ),
            Rule(NotAllowedError, _ENGINE, {HTTPStatus.NOT_IMPLEMENTED}),
            Rule(NotAllowedError, _ENGINE, words=("not implemented", "not supported")),
            Rule(
                NotFoundError,
                "WAHA knows no such session of yours.",
                statuses={HTTPStatus.NOT_FOUND},
                words=("session",),
            ),
        ),
    )

    @property
    @override
    def unique_id(self) -> str:
        """Address and session: another server may have a session of that name."""
        url = URL(self.url)
        path = url.path.rstrip("/")
        return f"{url.host}:{url.port}{path}_{self._name}"

    async def list_instances(self) -> list[str]:
        """List the names of the server's sessions, stopped ones too [DOC]."""
        sessions = await self._get("/api/sessions", query={"all": "true"})
        if not isinstance(sessions, list):
            raise InvalidResponseError("This is no answer of WAHA.")
        return [
            name for session in sessions if (name := text(mapping(session).get("name")))
        ]

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then its groups, then its contacts.

        All are read from the store [DOC]; what can't be had of one (RUN: only groups can
        without the store) is done without. SRC: the overview of the chats would ask
        WhatsApp for the picture of each.
        """
        return await self._read_lists(
            self._list_chats,
            self._list_groups,
            self._list_contacts,
            without_first=True,
        )

    @override
    async def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Connect, yield an empty list for being connected, then events.

        Ends when the server closes the connection. Raises what `messages` raises. The key
        goes into the query: in a header alone it is refused [RUN], and there it would be
        sent along if the server redirected elsewhere.
        """
        self._check_token()
        query = [("x-api-key", self._token), ("session", self._name)]
        query += [("events", event) for event in EVENTS]
        url = URL(f"{self.url}/ws", encoded=True)
        async with aclosing(messages(self._client.session, url, query)) as stream:
            async for raw in stream:
                if raw is None:
                    yield []
                    continue
                try:
                    events = self.parse_event(raw, {})
                except InvalidEventError:
                    self._notice("something that is no event")
                    continue
                if events:
                    yield events

    @override
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        session = envelope.get("session")
        if isinstance(session, str) and session != self._name:
            self._notice("an event of another session")
            return None
        return super()._read_event(envelope)

    @property
    @override
    def _root(self) -> str:
        return f"/api/{self._instance}"

    @override
    def _contacts(self, call: str) -> tuple[str, dict[str, str]]:
        return f"/api/contacts/{call}", {"session": self._instance}

    @property
    @override
    def _asking_subscribes(self) -> bool:
        return self._engine == SUBSCRIBES_WHEN_ASKED

    @override
    async def _ask_session(self) -> dict[str, Any]:
        """Ask how the session stands, whose it is, and what runs it [DOC]."""
        return mapping(await self._get(f"/api/sessions/{self._instance}"))

    @override
    def _is_session(self, session: dict[str, Any]) -> bool:
        """DOC: it has its name, and a status."""
        has_status = text(session.get("status")) is not None
        return has_status and text(session.get("name")) == self._name

    @override
    async def _read_session(self, session: dict[str, Any]) -> InstanceInfo:
        info = await super()._read_session(session)
        if info.engine != "WEBJS" or self._version is not None:
            return info
        # Its version matters, and events tell it as well; so once is enough.
        self._version = ""
        with suppress(GatewayError):
            answer = mapping(await self._get("/api/server/version"))
            self._version = text(answer.get("version")) or ""
        return await super()._read_session(session)

    async def _list_groups(self) -> list[ChatInfo]:
        """List the groups; some engines key them by their ids [SRC]."""
        answer = await self._get(f"{self._root}/groups")
        if isinstance(answer, dict):
            answer = list(answer.values())
        return chats(items(answer))
