"""WAHA (self-hosted): the dialect of its REST API, its WebSocket and its webhooks."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
import hashlib
import hmac
from http import HTTPStatus
import json
import logging
import re
from typing import Any, ClassVar, Final, Self, override

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSCloseCode,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
)
from yarl import URL

from ..presence.chat_id import is_group, phone_number
from ..presence.model import PresenceUpdate
from .base import (
    AuthenticationError,
    Capabilities,
    ChatInfo,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidEventError,
    InvalidResponseError,
    JsonLoads,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    Transport,
    UnreachableError,
    Webhook,
)
from .client import TIME_LIMIT, Answer, Client, base_url, segment
from .presences import (
    EVENTS,
    read_alias,
    read_contacts,
    read_event,
    read_existing,
    read_info,
    read_picture,
    read_presence,
)
from .values import (
    OnceLogger,
    as_chat_id,
    chats,
    envelopes,
    header,
    items,
    mapping,
    merged,
    text,
)

_LOGGER = logging.getLogger(__name__)

_PER_PAGE: Final = 500
_MAX_PAGES: Final = 10
_HEARTBEAT: Final = 30.0
_CLOSE_TIMEOUT: Final = 2.0
_MAX_MESSAGE: Final = 1024 * 1024

# DOC: letters, digits, dash and underscore.
_SESSION_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_PLUS_WORDS: Final = ("plus version", "waha plus")
_ENGINE_WORDS: Final = ("not implemented", "not supported")


class WahaGateway(Gateway):
    """A session of a WAHA server.

    Its events come over a WebSocket, which needs no URL that the server could reach;
    webhooks that the user has configured there are read as well.
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

    def __init__(
        self,
        session: ClientSession,
        *,
        url: str,
        api_key: str,
        session_name: str,
        json_loads: JsonLoads = json.loads,
    ) -> None:
        """Create the client of a session; raises ValueError for a bad URL."""
        self._name = session_name.strip()
        self._key = api_key.strip()
        self._json_loads = json_loads
        self._client = Client(
            session,
            base_url(url),
            headers={"X-Api-Key": self._key},
            json_loads=json_loads,
        )
        self._notice = OnceLogger(_LOGGER, self.name)

    @classmethod
    @override
    def from_config(
        cls,
        session: ClientSession,
        config: Mapping[str, Any],
        *,
        json_loads: JsonLoads = json.loads,
    ) -> Self:
        """Create from `url`, `api_key` and `session`.

        Without a session it can but list what sessions there are.
        """
        return cls(
            session,
            url=config["url"],
            api_key=config["api_key"],
            session_name=config.get("session") or "",
            json_loads=json_loads,
        )

    @property
    @override
    def url(self) -> str:
        """The server's base URL."""
        return self._client.url

    @property
    @override
    def unique_id(self) -> str:
        """Host, port and session: another server may have a session of that name."""
        url = URL(self.url)
        return f"{url.host}:{url.port}_{self._name}"

    @property
    @override
    def secrets(self) -> frozenset[str]:
        """The API key."""
        return frozenset({self._key})

    async def list_instances(self) -> list[str]:
        """List the names of the server's sessions, stopped ones too [DOC]."""
        answer = await self._request(
            "GET", "/api/sessions", {"all": "true"}, urgent=True
        )
        return [
            name
            for session in items(_read(answer))
            if (name := text(mapping(session).get("name")))
        ]

    @override
    async def validate(self) -> InstanceInfo:
        """Check key and session."""
        return await self.status()

    @override
    async def status(self) -> InstanceInfo:
        """Ask how the session stands, and whose it is [DOC]."""
        try:
            answer = await self._get(f"/api/sessions/{self._session}", urgent=True)
        except NotReadyError:
            return InstanceInfo(status=InstanceStatus.DISCONNECTED)
        return read_info(mapping(answer))

    @override
    async def subscribe(self, chat_id: str) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew; then ask for its state.

        SRC: asking subscribes as well, but only a chat that the server takes for not
        subscribed; what the connection forgot (GOWS) has to be subscribed anew.
        """
        chat = _asked(chat_id)
        answer = await self._request("POST", f"{self._presence(chat)}/subscribe")
        _raise_for_status(answer, chat=True)
        try:
            return await self.snapshot(chat)
        except NotAllowedError, NotFoundError, InvalidResponseError:
            # It is subscribed all the same.
            return None

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for a chat's state [DOC]; a chat without a presence tells nothing."""
        chat = _asked(chat_id)
        answer = await self._request("GET", self._presence(chat))
        body = mapping(_read(answer, chat=True))
        if not items(body.get("presences")):
            return None
        return read_presence(body, self._notice, asked=chat, asked_at=answer.asked_at)

    @override
    def parse_event(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Read a webhook's body, or a message of the WebSocket: the same [DOC]."""
        events: list[GatewayEvent] = []
        for envelope in envelopes(raw, self._json_loads):
            session = envelope.get("session")
            if isinstance(session, str) and session != self._name:
                self._notice("an event of another session")
            elif (event := read_event(envelope, self._notice)) is not None:
                events.append(event)
        return events

    @override
    def verify_signature(
        self, raw: bytes, headers: Mapping[str, str], secret: str
    ) -> bool:
        """Whether `X-Webhook-Hmac` is the body's HMAC-SHA512, in hexadecimal [DOC]."""
        given = header(headers, "x-webhook-hmac").strip().lower()
        expected = hmac.new(secret.encode(), raw, hashlib.sha512).hexdigest()
        return hmac.compare_digest(given.encode(errors="replace"), expected.encode())

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then its contacts [DOC].

        Some engines can list them only with their store switched on; what can be had
        of the one does not wait for the other.
        """
        found: list[ChatInfo] = []
        refused: GatewayError | None = None
        for path, query in (
            (f"/api/{self._session}/chats/overview", {}),
            ("/api/contacts/all", {"session": self._name}),
        ):
            try:
                found = merged(found, await self._list(path, query))
            except (NotAllowedError, NotFoundError, InvalidResponseError) as err:
                _LOGGER.debug("Listing failed: %s", type(err).__name__)
                refused = err
        if refused is not None and not found:
            raise refused
        return found

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id [DOC]."""
        try:
            answer = await self._get(
                "/api/contacts/check-exists",
                {"phone": number, "session": self._session},
                urgent=True,
            )
        except NotAllowedError, NotFoundError, InvalidResponseError:
            return f"{number}@c.us"
        return read_existing(number, mapping(answer))

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
                answer = await self._get(f"/api/{self._session}/lids/{tail}")
            except NotAllowedError, NotFoundError, InvalidResponseError:
                continue
            found |= read_alias(chat, mapping(answer))
        return found

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members [SRC]."""
        chat = segment(_asked(chat_id))
        answer = await self._get(f"/api/{self._session}/groups/{chat}/participants")
        return chats(items(answer, "participants"), "name", "pushName")

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address [DOC]; the server itself caches it for a day."""
        answer = await self._get(
            "/api/contacts/profile-picture",
            {"contactId": _asked(chat_id), "session": self._session},
        )
        return read_picture(mapping(answer))

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [DOC]."""
        answer = await self._request(
            "POST",
            f"/api/{self._session}/presence",
            body={"presence": "online" if available else "offline"},
            urgent=True,
        )
        _raise_for_status(answer)

    @override
    async def list_webhooks(self) -> list[Webhook]:
        """Refuse: webhooks are a part of the session's configuration.

        DOC: changing it takes the whole of it, and restarts the session.
        """
        raise NotAllowedError("WAHA's webhooks are set in its own configuration.")

    @override
    async def create_webhook(self, url: str) -> None:
        """Refuse, as for listing."""
        raise NotAllowedError("WAHA's webhooks are set in its own configuration.")

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        """Refuse, as for listing."""
        raise NotAllowedError("WAHA's webhooks are set in its own configuration.")

    @override
    async def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Connect, yield an empty list for being connected, then events.

        Ends when the server closes the connection. Raises UnreachableError when there
        is no connection or it is lost, AuthenticationError when the key is refused
        (DOC: the server lets the connection in first, and closes it with code 1008).
        """
        socket = await self._connect()
        try:
            yield []
            while (raw := await _receive(socket)) is not None:
                try:
                    events = self.parse_event(raw, {})
                except InvalidEventError:
                    self._notice("something that is no event")
                    continue
                if events:
                    yield events
        finally:
            await socket.close()
        if socket.close_code == WSCloseCode.POLICY_VIOLATION:
            raise AuthenticationError("WAHA refused the API key.")

    async def _connect(self) -> ClientWebSocketResponse:
        """Connect to the WebSocket.

        The key goes into the query [DOC] and not into a header as well, for that would
        be sent along if the server redirected elsewhere.
        """
        self._check()
        url = URL(f"{self.url}/ws", encoded=True)
        query = [("x-api-key", self._key), ("session", self._name)]
        query += [("events", event) for event in EVENTS]
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return await self._client.session.ws_connect(
                    url.with_scheme("wss" if url.scheme == "https" else "ws"),
                    params=query,
                    autoping=False,
                    max_msg_size=_MAX_MESSAGE,
                    timeout=ClientWSTimeout(ws_close=_CLOSE_TIMEOUT),
                )
        except TimeoutError:
            raise UnreachableError("WAHA did not answer in time.") from None
        except WSServerHandshakeError as err:
            # Their texts hold the URL, and with it the key.
            if err.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise AuthenticationError("WAHA refused the API key.") from None
            raise UnreachableError("WAHA refused the connection.") from None
        except ClientError, OSError, RuntimeError, ValueError:
            raise UnreachableError("WAHA can't be reached.") from None

    @property
    def _session(self) -> str:
        """The session's name, sure to be one segment of a path."""
        if not _SESSION_NAME.fullmatch(self._name):
            raise NotFoundError("WAHA knows no such session.")
        return self._name

    def _presence(self, chat: str) -> str:
        return f"/api/{self._session}/presence/{segment(chat)}"

    async def _list(self, path: str, query: Mapping[str, str]) -> list[ChatInfo]:
        found: list[ChatInfo] = []
        for page in range(_MAX_PAGES):
            window = {"limit": str(_PER_PAGE), "offset": str(page * _PER_PAGE)}
            entries = items(await self._get(path, {**query, **window}, urgent=True))
            known = len(found)
            found = merged(found, read_contacts(entries))
            if len(entries) < _PER_PAGE or len(found) == known:
                break
        return found

    async def _get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        urgent: bool = False,
    ) -> Any:
        return _read(await self._request("GET", path, query, urgent=urgent))

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> Answer:
        self._check()
        return await self._client.request(
            method, path, query=query, body=body, urgent=urgent
        )

    def _check(self) -> None:
        if not (self._key.isascii() and self._key.isprintable()):
            raise AuthenticationError("The API key has characters that it can't have.")


async def _receive(socket: ClientWebSocketResponse) -> bytes | None:
    """Wait for the next message; None: the connection was closed.

    Silence is answered with a ping, and more silence ends the connection. aiohttp's
    own heartbeat would do so as well, but leaves a timer behind when it is closed.
    """
    pinged = False
    while True:
        message = await _wait(socket)
        if message is None and pinged:
            raise UnreachableError("The connection to WAHA was lost.")
        pinged = message is None
        try:
            if message is None:
                await socket.ping()
                continue
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
        except ClientError, OSError:
            raise UnreachableError("The connection to WAHA was lost.") from None
        if message.type is WSMsgType.TEXT:
            return str(message.data).encode(errors="replace")
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is WSMsgType.ERROR:
            raise InvalidResponseError("WAHA sent something that is no message.")
        if message.type not in (WSMsgType.PING, WSMsgType.PONG):
            return None


async def _wait(socket: ClientWebSocketResponse) -> WSMessage | None:
    try:
        return await socket.receive(timeout=_HEARTBEAT)
    except TimeoutError:
        return None


def _read(answer: Answer, *, chat: bool = False) -> Any:
    """Return an answer's JSON, errors raised; `chat`: what is refused is a chat."""
    _raise_for_status(answer, chat=chat)
    return answer.json()


def _raise_for_status(answer: Answer, *, chat: bool = False) -> None:
    """Raise what a status of failure means [DOC, SRC]."""
    if answer.ok:
        return
    hint = answer.hint
    status = answer.status
    if status == HTTPStatus.UNAUTHORIZED:
        raise AuthenticationError("WAHA refused the API key.")
    if chat:
        answer.check_refusal()
    if status == HTTPStatus.FORBIDDEN:
        raise NotAllowedError("The API key is not allowed to do this.")
    if any(word in hint for word in _PLUS_WORDS):
        raise NotAllowedError("This needs WAHA Plus.")
    if status == HTTPStatus.NOT_IMPLEMENTED or any(
        word in hint for word in _ENGINE_WORDS
    ):
        raise NotAllowedError("The session's engine can't do this.")
    if status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        raise NotReadyError("The session is not connected to WhatsApp.")
    if status == HTTPStatus.NOT_FOUND and "session" in hint:
        raise NotFoundError("WAHA knows no such session.")
    if chat and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        raise NotFoundError("WAHA does not accept this chat.")
    if status == HTTPStatus.NOT_FOUND:
        raise NotFoundError("WAHA knows no such session.")
    raise InvalidResponseError("WAHA refused the request.")


def _asked(raw: str) -> str:
    if (found := as_chat_id(raw)) is None:
        raise NotFoundError("This is no id of a chat.")
    return found
