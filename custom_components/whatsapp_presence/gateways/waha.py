"""WAHA (self-hosted): the dialect of its REST API and of its webhooks."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
import re
from typing import Any, ClassVar, Final, override

from yarl import URL

from .base import (
    Capabilities,
    ChatInfo,
    GatewayEvent,
    InvalidEventError,
    NotAllowedError,
    NotFoundError,
    Transport,
)
from .presences import EVENTS
from .refusals import Refusals, Rule
from .session_gateway import SessionGateway
from .values import items, mapping, text
from .waha_stream import messages

_ENGINE: Final = "The session's engine can't do this."


class WahaGateway(SessionGateway):
    """A session of a WAHA server.

    Its events come over a WebSocket, which needs no URL that the server could reach;
    webhooks that the user has configured there are read as well. DOC: changing those
    takes the whole of the session's configuration, and restarts it.
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
        renewal_requests=2,
    )

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
            Rule(NotAllowedError, _ENGINE, statuses={HTTPStatus.NOT_IMPLEMENTED}),
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
        """Host, port and session: another server may have a session of that name."""
        url = URL(self.url)
        return f"{url.host}:{url.port}_{self._name}"

    async def list_instances(self) -> list[str]:
        """List the names of the server's sessions, stopped ones too [DOC]."""
        sessions = await self._get("/api/sessions", query={"all": "true"}, urgent=True)
        return [
            name
            for session in items(sessions)
            if (name := text(mapping(session).get("name")))
        ]

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then its contacts [DOC].

        Some engines can list them only with their store switched on; what can be had
        of the one does not wait for the other.
        """
        return await self._read_lists(
            self._list_overview, self._list_contacts, without_first=True
        )

    @override
    async def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Connect, yield an empty list for being connected, then events.

        Ends when the server closes the connection. Raises UnreachableError when there
        is no connection or it is lost, AuthenticationError when the key is refused.
        The key goes into the query [DOC] and not into a header as well, for that would
        be sent along if the server redirected elsewhere.
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

    @override
    async def _ask_session(self) -> dict[str, Any]:
        """Ask how the session stands, and whose it is [DOC]."""
        return mapping(await self._get(f"/api/sessions/{self._instance}", urgent=True))

    async def _list_overview(self) -> list[ChatInfo]:
        return await self._list(f"{self._root}/chats/overview", {})
