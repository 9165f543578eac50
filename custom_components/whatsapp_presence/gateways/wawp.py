"""Wawp (api.wawp.net): the dialect of its REST API and of its webhooks."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from http import HTTPStatus
import json
import logging
from typing import Any, ClassVar, Final, Self, override

from aiohttp import ClientSession

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
    InvalidResponseError,
    JsonLoads,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
    Transport,
    UnreachableError,
    Webhook,
)
from .client import Answer, Client, base_url, segment
from .presences import (
    EVENTS,
    STATUS,
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
    boolean,
    chats,
    display_name,
    envelopes,
    items,
    mapping,
    merged,
    text,
)

_LOGGER = logging.getLogger(__name__)

_CONTACTS_PER_PAGE: Final = 500
_MAX_PAGES: Final = 10
_TELLS_AGAIN_AFTER: Final = 600.0
"""Seconds after which an instance that told no state is asked again."""

_NO_SUCH_CALL: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_CREDENTIALS_REFUSED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
)
# What a `code` in a body means, where the HTTP status does not tell [OBS].
_STATUS_OF_CODE: Final = {
    "invalid_session": HTTPStatus.NOT_FOUND,
    "missing_param": HTTPStatus.BAD_REQUEST,
    "subscription_required": HTTPStatus.FORBIDDEN,
    "quota_reached": HTTPStatus.TOO_MANY_REQUESTS,
    "unauthorized": HTTPStatus.UNAUTHORIZED,
    "invalid_token": HTTPStatus.UNAUTHORIZED,
    "invalid_access_token": HTTPStatus.UNAUTHORIZED,
}
_NO_SESSION_WORDS: Final = (
    "invalid_session",
    "session does not exist",
    "session not found",
)
_NOT_READY_WORDS: Final = (
    "not ready",
    "not working",
    "not connected",
    "disconnected",
    "session status",
    "scan_qr_code",
)
_MISSING_WORDS: Final = ("missing", "required")
_CREDENTIAL_WORDS: Final = ("instance_id", "access_token", "credential")


class WawpGateway(Gateway):
    """An instance at Wawp, which is a session of WAHA beneath.

    No answer is sure to have any form: the status counts first, then the codes that can
    be recognised in JSON, XML, HTML or plain text.
    """

    key: ClassVar[str] = "wawp"
    name: ClassVar[str] = "Wawp"
    default_url: ClassVar[str | None] = "https://api.wawp.net"
    instance_field: ClassVar[str] = "instance_id"
    token_field: ClassVar[str] = "access_token"
    capabilities: ClassVar[Capabilities] = Capabilities(
        transport=Transport.WEBHOOK,
        manages_webhooks=True,
        signs_webhooks=False,
        sets_available=True,
        has_pictures=True,
        renewal_requests=2,
    )

    def __init__(
        self,
        session: ClientSession,
        *,
        instance_id: str,
        access_token: str,
        url: str | None = None,
        json_loads: JsonLoads = json.loads,
    ) -> None:
        """Create the client of an instance; raises ValueError for a bad URL."""
        self._instance_id = instance_id.strip()
        self._token = access_token.strip()
        self._json_loads = json_loads
        self._client = Client(
            session, base_url(url, self.default_url), json_loads=json_loads
        )
        self._credentials = {
            "instance_id": self._instance_id,
            "access_token": self._token,
        }
        # What is learnt of this instance, where the documentation contradicts itself.
        self._credentials_in_query = False
        self._credentials_work = False
        self._info_method = "POST"
        self._tells_nothing_until = 0.0
        self._webhooks_lock = asyncio.Lock()
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
        """Create from `instance_id`, `access_token` and, if it is there, `url`."""
        return cls(
            session,
            instance_id=config["instance_id"],
            access_token=config["access_token"],
            url=config.get("url"),
            json_loads=json_loads,
        )

    @property
    @override
    def url(self) -> str:
        """The base URL of the API."""
        return self._client.url

    @property
    @override
    def unique_id(self) -> str:
        """The instance id."""
        return self._instance_id

    @property
    @override
    def secrets(self) -> frozenset[str]:
        """The credentials, of which the instance id is a part."""
        return frozenset({self._instance_id, self._token})

    @override
    async def validate(self) -> InstanceInfo:
        """Check credentials and instance; the account's name may take a second call."""
        info = await self.status()
        if info.status is not InstanceStatus.READY or info.account_id:
            return info
        try:
            answer = await self._get("/v2/session/me", urgent=True)
        except GatewayError as err:
            _LOGGER.debug("Asking for the account failed: %s", type(err).__name__)
            return info
        me = mapping(answer)
        me = mapping(me.get("data")) or mapping(me.get("me")) or me
        return InstanceInfo(
            status=info.status,
            account_id=as_chat_id(me.get("id")),
            account_name=display_name(me.get("pushName")),
        )

    @override
    async def status(self) -> InstanceInfo:
        """Ask how the session stands.

        DOC: POST, though official clients use GET as well; UNKNOWN: where in the answer
        the status is. A word that is not known is not ready.
        """
        try:
            answer = await self._session_info()
        except NotReadyError:
            return InstanceInfo(status=InstanceStatus.DISCONNECTED)
        body = mapping(answer)
        data = mapping(body.get("data"))
        # `status` may also be the envelope's own word for success.
        places = [
            body,
            data,
            mapping(body.get("session")),
            mapping(data.get("session")),
        ]
        return read_info(
            next(
                (
                    place
                    for place in places
                    if (text(place.get("status")) or "").upper() in STATUS
                ),
                body,
            )
        )

    @override
    async def subscribe(self, chat_id: str) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew; then ask for its state.

        DOC: subscribing tells nothing but that it was done. Only `@c.us` ids are
        documented; groups and lids work in WAHA [INF].
        """
        chat = _asked(chat_id)
        answer = await self._post(
            f"/v2/presence/{segment(chat)}/subscribe", {"chatId": chat}
        )
        _read(answer, chat=True, lenient=True)
        try:
            return await self.snapshot(chat)
        except NotAllowedError, NotFoundError, InvalidResponseError:
            # It is subscribed all the same.
            return None

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for a chat's state.

        INF: the call is documented for the older API alone. An instance that does not
        know it is followed by its events, and asked again only now and then: the
        refusal may have been a passing one.
        """
        now = asyncio.get_running_loop().time()
        if now < self._tells_nothing_until:
            return None
        chat = _asked(chat_id)
        answer = await self._request("GET", f"/v2/presence/{segment(chat)}")
        if answer.status in _NO_SUCH_CALL and not _has(answer.hint, _NO_SESSION_WORDS):
            self._tells_nothing_until = now + _TELLS_AGAIN_AFTER
            return None
        body = mapping(_read(answer, chat=True))
        if "presences" not in body:
            body = mapping(body.get("data"))
        if not items(body.get("presences")):
            return None
        return read_presence(body, self._notice, asked=chat, asked_at=answer.asked_at)

    @override
    def parse_event(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Read a webhook's body.

        DOC: an envelope; OBS: a list of them, or a string that holds JSON. The
        `session` in it need not be the instance id, so it proves nothing.
        """
        return [
            event
            for envelope in envelopes(raw, self._json_loads)
            if (event := read_event(envelope, self._notice)) is not None
        ]

    @override
    def verify_signature(
        self, raw: bytes, headers: Mapping[str, str], secret: str
    ) -> bool:
        """Refuse: Wawp has no signature that could be relied on [DOC]."""
        return False

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then its contacts [DOC]."""
        answer = await self._get("/v2/chats/overview", urgent=True)
        found = chats(items(answer, "data", "chats"), "name")
        try:
            for page in range(_MAX_PAGES):
                offset = page * _CONTACTS_PER_PAGE
                answer = await self._get(
                    "/v2/contacts/all",
                    {"limit": str(_CONTACTS_PER_PAGE), "offset": str(offset)},
                    urgent=True,
                )
                entries = items(answer, "data", "contacts")
                known = len(found)
                found = merged(found, read_contacts(entries))
                if len(entries) < _CONTACTS_PER_PAGE or len(found) == known:
                    break
        except AuthenticationError:
            raise
        except GatewayError as err:
            _LOGGER.debug("Listing the contacts failed: %s", type(err).__name__)
        return merged(found)

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id [DOC]; the answer's form is that of WAHA [INF]."""
        plain = f"{number}@c.us"
        try:
            answer = await self._get(
                "/v2/contacts/check-exists", {"phone": number}, urgent=True
            )
        except InvalidResponseError, NotFoundError:
            return plain
        body = mapping(answer)
        body = mapping(body.get("data")) or body
        return read_existing(number, body)

    @override
    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other ids, one call each: by number [DOC], by lid [INF]."""
        found: dict[str, str] = {}
        for chat in filter(None, map(as_chat_id, chat_ids)):
            if is_group(chat):
                continue
            number = phone_number(chat)
            path = f"/v2/lids/pn/{number}" if number else f"/v2/lids/{segment(chat)}"
            try:
                answer = mapping(await self._get(path))
            except NotFoundError, InvalidResponseError:
                continue
            answer = mapping(answer.get("data")) or answer
            found |= read_alias(chat, answer)
        return found

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members [DOC]; the form is that of WAHA [INF]."""
        answer = await self._get(f"/v2/groups/{segment(_asked(chat_id))}/participants")
        return chats(items(answer, "data", "participants"), "name", "pushName")

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address [DOC], under either of its names."""
        answer = mapping(
            await self._get(
                "/v2/contacts/profile-picture", {"contactId": _asked(chat_id)}
            )
        )
        answer = mapping(answer.get("data")) or answer
        return read_picture(answer)

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [INF; the older API: DOC]."""
        word = "online" if available else "offline"
        answer = await self._post("/v2/presence", {"presence": word}, urgent=True)
        if answer.status in _NO_SUCH_CALL and not _has(answer.hint, _NO_SESSION_WORDS):
            raise NotAllowedError("This instance can't announce itself.")
        _read(answer, lenient=True)

    @override
    async def list_webhooks(self) -> list[Webhook]:
        """List the user's webhooks, each URL once.

        DOC: on paid plans alone, otherwise NotAllowedError. They have no ids; the URL
        serves as one. A URL that is there twice would bring each event twice.
        """
        found: dict[str, Webhook] = {}
        for entry in await self._read_webhooks():
            if (url := _webhook_url(entry)) is not None:
                working = url not in found and _works(entry)
                found[url] = Webhook(webhook_id=url, url=url, working=working)
        return list(found.values())

    @override
    async def create_webhook(self, url: str) -> None:
        """Add a webhook to the user's own, which are written back as they were read.

        DOC: writing replaces the whole list. The system's own configuration beside it
        is left alone.
        """
        async with self._webhooks_lock:
            webhooks = await self._read_webhooks()
            kept = [entry for entry in webhooks if _webhook_url(entry) != url]
            ours = {"url": url, "events": list(EVENTS), "is_active": True}
            await self._write_webhooks([*kept, ours])

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        """Take a webhook out of the list; all others stay as they are."""
        async with self._webhooks_lock:
            webhooks = await self._read_webhooks()
            kept = [entry for entry in webhooks if _webhook_url(entry) != webhook_id]
            if len(kept) != len(webhooks):
                await self._write_webhooks(kept)

    @override
    def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Refuse: the events arrive at a webhook."""
        raise NotAllowedError("The events of Wawp arrive at a webhook.")

    async def _session_info(self) -> Any:
        path = "/v2/session/info"
        if self._info_method == "POST":
            answer = await self._post(path, {}, urgent=True)
            if answer.status not in _NO_SUCH_CALL:
                return _read(answer)
        answer = await self._request("GET", path, urgent=True)
        # Should neither be known, both are tried again the next time.
        self._info_method = "POST"
        content = _read(answer)
        self._info_method = "GET"
        return content

    async def _read_webhooks(self) -> list[Any]:
        """Read the list as it is; raises rather than take an unknown form for empty."""
        body = mapping(await self._get("/v2/session/webhook", urgent=True))
        if "webhooks" not in body:
            body = mapping(body.get("data"))
        webhooks = body.get("webhooks", False)
        if webhooks is None:
            return []
        if isinstance(webhooks, dict) and all(map(str.isdecimal, webhooks)):
            return list(webhooks.values())
        if not isinstance(webhooks, list):
            raise InvalidResponseError("Wawp's list of webhooks can't be read.")
        return webhooks

    async def _write_webhooks(self, webhooks: list[Any]) -> None:
        answer = await self._post(
            "/v2/session/webhook", {"webhooks": webhooks}, urgent=True
        )
        _read(answer, lenient=True)

    async def _get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        urgent: bool = False,
    ) -> Any:
        return _read(await self._request("GET", path, query=query, urgent=urgent))

    async def _post(
        self, path: str, body: Mapping[str, Any], *, urgent: bool = False
    ) -> Answer:
        """Send a body, with the credentials in it or, where that fails, in the query.

        DOC contradicts itself on which is right; what worked is remembered.
        """
        answer = await self._send(path, body, self._credentials_in_query, urgent)
        if _accepts_credentials(answer):
            self._credentials_work = True
            return answer
        if self._credentials_work and not _misses_credentials(answer):
            return answer
        second = await self._send(path, body, not self._credentials_in_query, urgent)
        if second.status == HTTPStatus.UNAUTHORIZED or _misses_credentials(second):
            return answer
        self._credentials_in_query = not self._credentials_in_query
        self._credentials_work = _accepts_credentials(second)
        return second

    async def _send(
        self, path: str, body: Mapping[str, Any], in_query: bool, urgent: bool
    ) -> Answer:
        if in_query:
            return await self._request(
                "POST", path, body=body or None, query={}, urgent=urgent
            )
        return await self._client.request(
            "POST", path, body={**self._credentials, **body}, urgent=urgent
        )

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        urgent: bool = False,
    ) -> Answer:
        """Send a request with the credentials in the query."""
        return await self._client.request(
            method,
            path,
            query={**self._credentials, **(query or {})},
            body=body,
            urgent=urgent,
        )


def _read(answer: Answer, *, chat: bool = False, lenient: bool = False) -> Any:
    """Return an answer's JSON, errors raised, also those that come with a good status.

    `chat`: what is refused is a chat. `lenient`: an empty answer will do.
    """
    if not answer.ok:
        known = (*_STATUS_OF_CODE, *_NO_SESSION_WORDS, *_NOT_READY_WORDS)
        if chat and not _has(answer.hint, known):
            answer.check_refusal()
        raise _error(answer.status, answer.hint, chat=chat)
    if lenient and not answer.body.strip():
        return None
    content = answer.json_or_none()
    if isinstance(content, (dict, list)):
        if (status := _status_in(content)) is not None:
            raise _error(status, answer.hint, chat=chat)
        return content
    for code, status in _STATUS_OF_CODE.items():
        if code in answer.hint:
            raise _error(status, answer.hint, chat=chat)
    raise InvalidResponseError("Wawp answered something unexpected.")


def _status_in(content: Any) -> int | None:
    """Find the status of an error that was answered as a success [OBS]."""
    body = mapping(content)
    success = boolean(body.get("success"))
    if success is True or (
        success is None and not ("code" in body and "message" in body)
    ):
        return None
    code = body.get("code")
    known = _STATUS_OF_CODE.get(code.lower()) if isinstance(code, str) else code
    for status in (
        known,
        mapping(body.get("data")).get("status"),
        body.get("statusCode"),
    ):
        if isinstance(status, int) and HTTPStatus.BAD_REQUEST <= status < 600:
            return status
    if success is None and isinstance(code, int) and code < HTTPStatus.BAD_REQUEST:
        return None
    return HTTPStatus.BAD_REQUEST


def _error(status: int, hint: str, *, chat: bool) -> GatewayError:
    """Find the error that a status, or a known word beside it, tells of."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or "quota_reached" in hint:
        return RateLimitedError("The quota of the Wawp plan is used up.")
    if "subscription_required" in hint:
        return NotAllowedError("This needs a paid plan of Wawp.")
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.PAYMENT_REQUIRED):
        return NotAllowedError("The Wawp account is not allowed to do this.")
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationError("The access token or the instance id is wrong.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnreachableError("Wawp is out of order.")
    if _has(hint, _NO_SESSION_WORDS):
        return NotFoundError("Wawp knows no such instance of yours.")
    if status in (
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    ) or _has(hint, _NOT_READY_WORDS):
        return NotReadyError("The instance is not connected to WhatsApp.")
    if chat and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        return NotFoundError("Wawp does not accept this chat.")
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError("Wawp knows no such instance of yours.")
    return InvalidResponseError("Wawp refused the request.")


def _accepts_credentials(answer: Answer) -> bool:
    return answer.status not in _CREDENTIALS_REFUSED and not _misses_credentials(answer)


def _misses_credentials(answer: Answer) -> bool:
    """Whether an answer says that the credentials were not where it looked for them."""
    hint = answer.hint
    if "missing_param" in hint:
        return True
    return (
        answer.status in _CREDENTIALS_REFUSED
        and _has(hint, _MISSING_WORDS)
        and _has(hint, _CREDENTIAL_WORDS)
    )


def _has(hint: str, words: Sequence[str]) -> bool:
    return any(word in hint for word in words)


def _asked(raw: str) -> str:
    if (found := as_chat_id(raw)) is None:
        raise NotFoundError("This is no id of a chat.")
    return found


def _webhook_url(entry: Any) -> str | None:
    return text(entry.get("url") if isinstance(entry, dict) else entry)


def _works(entry: Any) -> bool:
    webhook = mapping(entry)
    events = {event for event in items(webhook.get("events")) if text(event)}
    return boolean(webhook.get("is_active")) is not False and (
        "*" in events or events.issuperset(EVENTS)
    )
