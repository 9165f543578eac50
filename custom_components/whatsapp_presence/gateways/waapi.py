"""WaAPI (waapi.app): the dialect of its REST API and of its webhooks."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
import hashlib
import hmac
from http import HTTPStatus
import json
import logging
from typing import Any, ClassVar, Final, Self, override

from aiohttp import ClientSession

from ..presence.chat_id import is_group
from ..presence.model import Activity, PresenceUpdate
from .base import (
    AuthenticationError,
    Capabilities,
    ChatInfo,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    JsonLoads,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    Transport,
    Webhook,
)
from .client import Answer, Client, base_url, segment
from .values import (
    OnceLogger,
    as_chat_id,
    boolean,
    chats,
    display_name,
    envelopes,
    header,
    items,
    mapping,
    merged,
    pairs,
    text,
    timestamp,
)

_LOGGER = logging.getLogger(__name__)

# The first push may take longer than the API's own default of 1.5 s [OBS].
_WAIT_FOR_PUSH_MS: Final = 6000
_CHATS_PER_PAGE: Final = 200
_MAX_PAGES: Final = 10
_IDS_PER_REQUEST: Final = 50

_EVENTS: Final = (
    "presence_update",
    "ready",
    "disconnected",
    "auth_failure",
    "change_state",
    "qr",
)
_NEEDED_EVENTS: Final = frozenset({"presence_update", "ready"})

# DOC: the words of `instanceStatus`.
_STATUS: Final = {
    "ready": InstanceStatus.READY,
    "booting": InstanceStatus.STARTING,
    "loading_screen": InstanceStatus.STARTING,
    "authenticated": InstanceStatus.STARTING,
    "qr": InstanceStatus.LOGIN_REQUIRED,
    "auth_failure": InstanceStatus.FAILED,
    "disconnected": InstanceStatus.DISCONNECTED,
}
# SRC: the words of the web client that `change_state` tells.
_CONNECTION_STATE: Final = {
    "CONNECTED": InstanceStatus.READY,
    "OPENING": InstanceStatus.STARTING,
    "PAIRING": InstanceStatus.STARTING,
    "TIMEOUT": InstanceStatus.DISCONNECTED,
    "CONFLICT": InstanceStatus.DISCONNECTED,
    "UNLAUNCHED": InstanceStatus.DISCONNECTED,
    "UNPAIRED": InstanceStatus.LOGIN_REQUIRED,
    "UNPAIRED_IDLE": InstanceStatus.LOGIN_REQUIRED,
    "DEPRECATED_VERSION": InstanceStatus.FAILED,
    "PROXYBLOCK": InstanceStatus.FAILED,
    "SMB_TOS_BLOCK": InstanceStatus.FAILED,
    "TOS_BLOCK": InstanceStatus.FAILED,
}
# DOC. Whether somebody is online is told by `isOnline` alone.
_ACTIVITY: Final = {
    "available": Activity.IDLE,
    "unavailable": Activity.IDLE,
    "typing": Activity.TYPING,
    "recording_audio": Activity.RECORDING,
}

_PRESENCE_FIELDS: Final = frozenset({"id", "isOnline", "chatstate", "hasData"})

# Words in the texts of refusals, which have no codes [OBS].
_TRIAL_WORDS: Final = ("trial",)
_NOT_READY_WORDS: Final = (
    "not ready",
    "not connected",
    "disconnected",
    "not authenticated",
    "initializ",
    "qr code",
)
_BAD_CHAT_WORDS: Final = (
    "chatid",
    "chat id",
    "contactid",
    "contact id",
    "wid",
    "no lid",
    "not found",
)


class WaApiGateway(Gateway):
    """An instance at WaAPI.

    DOC: the presence API is beta and "may change without notice".
    """

    key: ClassVar[str] = "waapi"
    name: ClassVar[str] = "WaAPI"
    default_url: ClassVar[str | None] = "https://waapi.app/api/v1"
    instance_field: ClassVar[str] = "instance_id"
    token_field: ClassVar[str] = "api_token"
    capabilities: ClassVar[Capabilities] = Capabilities(
        transport=Transport.WEBHOOK,
        manages_webhooks=True,
        signs_webhooks=True,
        sets_available=True,
        has_pictures=True,
    )

    def __init__(
        self,
        session: ClientSession,
        *,
        instance_id: str,
        api_token: str,
        url: str | None = None,
        json_loads: JsonLoads = json.loads,
    ) -> None:
        """Create the client of an instance; raises ValueError for a bad URL."""
        self._instance_id = instance_id.strip()
        self._token = api_token.strip()
        self._json_loads = json_loads
        self._client = Client(
            session,
            base_url(url, self.default_url, "/api/v1"),
            headers={"Authorization": f"Bearer {self._token}"},
            json_loads=json_loads,
        )
        self._path = f"/instances/{segment(self._instance_id)}"
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
        """Create from `instance_id`, `api_token` and, if it is there, `url`."""
        return cls(
            session,
            instance_id=config["instance_id"],
            api_token=config["api_token"],
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
        """The instance's number."""
        return self._instance_id

    @property
    @override
    def secrets(self) -> frozenset[str]:
        """The API token."""
        return frozenset({self._token})

    @override
    async def validate(self) -> InstanceInfo:
        """Check credentials and instance.

        DOC: 401 is a bad token, 403 a missing scope or a blocked account, 404 an
        instance that does not exist or is somebody else's. The account's own id and
        name can only be had when the instance is ready.
        """
        about = mapping((await self._call("GET", "", urgent=True)).get("instance"))
        info = await self.status()
        name = display_name(about.get("name"))
        if info.status is not InstanceStatus.READY:
            return InstanceInfo(status=info.status, account_name=name)
        try:
            answer = await self._call("GET", "/client/me", urgent=True)
        except NotAllowedError, NotFoundError, NotReadyError, InvalidResponseError:
            return InstanceInfo(status=info.status, account_name=name)
        me = mapping(mapping(answer.get("me")).get("data"))
        return InstanceInfo(
            status=info.status,
            account_id=as_chat_id(me.get("contactId")),
            account_name=display_name(me.get("displayName")) or name,
        )

    @override
    async def status(self) -> InstanceInfo:
        """Ask how the instance stands.

        DOC: `clientStatus.instanceStatus`; only `ready` runs actions. A refusal for not
        being ready is as good an answer.
        """
        try:
            answer = await self._call("GET", "/client/status", urgent=True)
        except NotReadyError:
            return InstanceInfo(status=InstanceStatus.DISCONNECTED)
        word = text(mapping(answer.get("clientStatus")).get("instanceStatus"))
        return InstanceInfo(
            status=_STATUS.get((word or "").lower(), InstanceStatus.UNKNOWN)
        )

    @override
    async def subscribe(self, chat_id: str) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew, and wait some seconds for its first push.

        DOC: `get-chat-presence` subscribes; a null presence proves neither success
        nor failure. The answer may come under the chat's other id [INF].
        """
        return await self._ask_presence(
            "get-chat-presence",
            chat_id,
            {"waitForData": True, "timeoutMs": _WAIT_FOR_PUSH_MS},
        )

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for what the gateway has cached; DOC: this subscribes to nothing."""
        return await self._ask_presence("get-chat-presence-snapshot", chat_id, {})

    @override
    def parse_event(self, raw: bytes, headers: Mapping[str, str]) -> list[GatewayEvent]:
        """Read a webhook's body.

        DOC: `event`, `instanceId` and `data`, without id or time. UNKNOWN: where in
        `data` the presence is, so both places are looked at.
        """
        return [
            event
            for envelope in envelopes(raw, self._json_loads)
            if (event := self._read_event(envelope)) is not None
        ]

    @override
    def verify_signature(
        self, raw: bytes, headers: Mapping[str, str], secret: str
    ) -> bool:
        """Whether `x-waapi-hmac` is the body's HMAC-SHA256 [OBS], in hexadecimal."""
        given = header(headers, "x-waapi-hmac").strip().lower().removeprefix("sha256=")
        expected = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(given.encode(errors="replace"), expected.encode())

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then the contacts of its address book [DOC]."""
        found: list[ChatInfo] = []
        for page in range(_MAX_PAGES):
            payload = await self._action(
                "get-chats",
                {"offset": page * _CHATS_PER_PAGE, "limit": _CHATS_PER_PAGE},
                urgent=True,
            )
            entries = items(payload, "chats")
            known = len(found)
            found = merged(found, chats(entries, "name"))
            if len(entries) < _CHATS_PER_PAGE or len(found) == known:
                break
        try:
            payload = await self._action("get-contacts", {}, urgent=True)
        except AuthenticationError:
            raise
        except GatewayError as err:
            _LOGGER.debug("Listing the contacts failed: %s", type(err).__name__)
            return found
        contacts = [
            contact
            for contact in items(payload, "contacts")
            if boolean(mapping(contact).get("isMyContact")) is not False
        ]
        return merged(found, chats(contacts, "name", "pushname"))

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id, which may have other digits in some countries.

        DOC: `get-number-id`; `is-registered-user` is asked where that says nothing.
        """
        plain = f"{number}@c.us"
        try:
            payload = await self._action(
                "get-number-id", {"number": number}, urgent=True
            )
            if isinstance(payload, dict) and "numberId" in payload:
                return as_chat_id(payload["numberId"])
            if found := as_chat_id(payload):
                return found
            payload = await self._action(
                "is-registered-user", {"contactId": plain}, urgent=True
            )
        except InvalidResponseError, NotFoundError:
            return plain
        registered = boolean(mapping(payload).get("isRegisteredUser", payload))
        return None if registered is False else plain

    @override
    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other ids; DOC: `get-lid` takes numbers and lids alike."""
        people = [found for found in map(as_chat_id, chat_ids) if found]
        people = [person for person in people if not is_group(person)]
        found: dict[str, str] = {}
        for start in range(0, len(people), _IDS_PER_REQUEST):
            asked = people[start : start + _IDS_PER_REQUEST]
            payload = await self._action("get-lid", {"contactIds": asked})
            contacts = map(mapping, items(payload, "contacts"))
            found |= pairs(asked, ((c.get("lid"), c.get("pn")) for c in contacts))
        return found

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members; DOC: `get-group-info`, which tells no names."""
        payload = await self._action("get-group-info", {"chatId": _asked(chat_id)})
        return chats(items(mapping(payload).get("participants")), "name", "pushname")

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address; DOC: null if there is none or it is hidden."""
        payload = await self._action(
            "get-profile-pic-url", {"contactId": _asked(chat_id)}
        )
        return text(mapping(payload).get("profilePicUrl"))

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [DOC]."""
        word = "available" if available else "unavailable"
        await self._action(f"send-presence-{word}", {}, urgent=True)

    @override
    async def list_webhooks(self) -> list[Webhook]:
        """List the webhook subscriptions [DOC]; the instance's own one is not ours."""
        answer = await self._call("GET", "/webhooks", urgent=True)
        return [
            Webhook(webhook_id=webhook_id, url=url, working=_works(subscription))
            for subscription in map(mapping, items(answer, "data"))
            if (webhook_id := _number(subscription.get("id")))
            and (url := text(subscription.get("url")))
        ]

    @override
    async def create_webhook(self, url: str) -> None:
        """Create a webhook subscription.

        DOC: a URL that is registered already is answered with what there is, maybe
        with other events [INF], so that is replaced. At most 25 for an instance.
        """
        body = {"url": url, "events": list(_EVENTS), "source": "api"}
        try:
            answer = await self._call("POST", "/webhooks", body, urgent=True)
            subscription = mapping(answer.get("data"))
            webhook_id = _number(subscription.get("id"))
            if webhook_id and not _works(subscription):
                await self.delete_webhook(webhook_id)
                await self._call("POST", "/webhooks", body, urgent=True)
        except _RefusedError as err:
            raise NotAllowedError("WaAPI accepts no further webhook.") from err

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook subscription [DOC]."""
        answer = await self._request(
            "DELETE", f"/webhooks/{segment(webhook_id)}", urgent=True
        )
        if answer.status != HTTPStatus.NOT_FOUND:
            _raise_for_status(answer)

    @override
    def events(self) -> AsyncGenerator[list[GatewayEvent]]:
        """Refuse: the events arrive at a webhook."""
        raise NotAllowedError("The events of WaAPI arrive at a webhook.")

    async def _action(
        self, action: str, body: Mapping[str, Any], *, urgent: bool = False
    ) -> Any:
        """Run an action of the instance; returns what is inside of the envelopes."""
        answer = await self._request(
            "POST", f"/client/action/{action}", body, urgent=urgent
        )
        return _payload(answer)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        urgent: bool = False,
    ) -> dict[str, Any]:
        """Send a request; returns the answer's JSON, errors raised."""
        return _content(await self._request(method, path, body, urgent=urgent))

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        urgent: bool = False,
    ) -> Answer:
        if not (self._instance_id.isascii() and self._instance_id.isdecimal()):
            raise NotFoundError("An instance of WaAPI has a number.")
        if not (self._token.isascii() and self._token.isprintable()):
            raise AuthenticationError(
                "The API token has characters that it can't have."
            )
        return await self._client.request(
            method, self._path + path, body=body, urgent=urgent
        )

    async def _ask_presence(
        self, action: str, asked: str, options: Mapping[str, Any]
    ) -> PresenceUpdate | None:
        answer = await self._request(
            "POST", f"/client/action/{action}", {"chatId": _asked(asked), **options}
        )
        answer.check_refusal()
        presence = mapping(_payload(answer))
        if "presence" in presence:
            presence = mapping(presence["presence"])
        if _PRESENCE_FIELDS.isdisjoint(presence):
            return None
        return replace(
            self._presence(presence, as_chat_id(presence.get("id")) or asked),
            asked_at=answer.asked_at,
        )

    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        instance_id = envelope.get("instanceId")
        if (
            isinstance(instance_id, (int, str))
            and str(instance_id).strip() != self._instance_id
        ):
            self._notice("an event of another instance")
            return None
        event = envelope["event"]
        if event == "presence_update":
            return self._presence_event(envelope.get("data"))
        if event == "change_state":
            status = _CONNECTION_STATE.get(_state_word(envelope.get("data")))
        else:
            status = _STATUS.get(event)
        return None if status is None else InstanceEvent(status=status)

    def _presence_event(self, data: Any) -> PresenceUpdate | None:
        presence = mapping(data)
        if "presence" in presence:
            if presence["presence"] is None:
                return None
            presence = mapping(presence["presence"])
        if (found := as_chat_id(presence.get("id"))) is None:
            self._notice("a presence update in an unknown form")
            return None
        return self._presence(presence, found)

    def _presence(self, presence: dict[str, Any], found: str) -> PresenceUpdate:
        """Read a presence [DOC]; no field is sure to be there."""
        get = presence.get
        has_data = boolean(get("hasData"))
        subscribed = boolean(get("isSubscribed"))
        if has_data is False:
            return PresenceUpdate(chat_id=found, has_data=False, subscribed=subscribed)
        deny = boolean(get("deny"))
        activity = None
        if (word := get("chatstate")) is not None:
            activity = _ACTIVITY.get(word) if isinstance(word, str) else None
            if activity is None:
                self._notice("a chat state that is not known")
        if is_group(found):
            return PresenceUpdate(
                chat_id=found,
                online=boolean(get("isOnline")),
                subscribed=subscribed,
                typing_members=_members(get("typingParticipants")),
                recording_members=_members(get("recordingParticipants")),
            )
        return PresenceUpdate(
            chat_id=found,
            online=boolean(get("isOnline")),
            activity=activity,
            last_seen=None if deny else timestamp(get("lastSeen")),
            # A deny that was left out says nothing, unless there is data to deny.
            last_seen_hidden=bool(deny) if has_data or deny is not None else None,
            subscribed=subscribed,
        )


class _RefusedError(InvalidResponseError):
    """The gateway calls the request itself invalid."""


def _content(answer: Answer) -> dict[str, Any]:
    """Return an answer's JSON, errors raised."""
    _raise_for_status(answer)
    content = answer.json()
    if not isinstance(content, dict):
        raise InvalidResponseError("WaAPI answered something unexpected.")
    if text(content.get("status")) == "error":
        # The form in which the SDKs know an instance that is not connected.
        raise _refusal(
            _words(content) + _words(mapping(content.get("data"))), NotReadyError
        )
    return content


def _payload(answer: Answer) -> Any:
    """Return what is inside of the envelopes of an action's answer, errors raised."""
    data = _content(answer).get("data")
    if isinstance(data, dict):
        if text(data.get("status")) == "error":
            raise _refusal(_words(data), InvalidResponseError)
        if data.get("data") is not None:
            return data["data"]
    return data


def _raise_for_status(answer: Answer) -> None:
    """Raise what a status of failure means [DOC]."""
    if answer.ok:
        return
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            raise AuthenticationError("The API token is wrong or was revoked.")
        case HTTPStatus.FORBIDDEN | HTTPStatus.PAYMENT_REQUIRED:
            raise _refusal(answer.hint, NotAllowedError)
        case HTTPStatus.NOT_FOUND:
            raise NotFoundError("WaAPI knows no such instance of yours.")
        case HTTPStatus.CONFLICT:
            raise NotReadyError("The instance is not connected to WhatsApp.")
        case _:
            raise _refusal(answer.hint, _RefusedError)


def _refusal(words: str, otherwise: type[GatewayError]) -> GatewayError:
    """Find the error that a refusal's text tells of; the text itself is not repeated."""
    if any(word in words for word in _TRIAL_WORDS):
        return NotAllowedError(
            "The instance is on trial, and may reach only the chats of its trial."
        )
    if otherwise is NotAllowedError:
        return NotAllowedError(
            "The API token or the account is not allowed to do this."
        )
    if any(word in words for word in _NOT_READY_WORDS):
        return NotReadyError("The instance is not connected to WhatsApp.")
    if any(word in words for word in _BAD_CHAT_WORDS):
        return NotFoundError("WaAPI does not accept this chat.")
    if otherwise is NotReadyError:
        return NotReadyError("The instance can't be reached by WaAPI.")
    return otherwise("WaAPI refused the request.")


def _words(refusal: dict[str, Any]) -> str:
    return " ".join(
        (text(refusal.get(key)) or "").lower() for key in ("message", "explanation")
    )


def _asked(raw: str) -> str:
    """Check an id before it is sent: WaAPI accepts wrong ones and does nothing [DOC]."""
    if (found := as_chat_id(raw)) is None:
        raise NotFoundError("This is no id of a chat.")
    return found


def _works(subscription: dict[str, Any]) -> bool:
    events = {event for event in items(subscription.get("events")) if text(event)}
    return events >= _NEEDED_EVENTS and (
        boolean(subscription.get("isActive")) is not False
    )


def _number(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def _state_word(data: Any) -> str:
    if isinstance(data, dict):
        data = data.get("state") or data.get("status")
    return (text(data) or "").upper()


def _members(value: Any) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(found for found in map(as_chat_id, value) if found)
