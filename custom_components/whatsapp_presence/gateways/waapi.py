"""WaAPI (waapi.app): the dialect of its REST API and of its webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
import re
from typing import Any, ClassVar, Final, Unpack, override

from ..presence.chat_id import is_group
from ..presence.model import PresenceUpdate, Source
from ..presence.names import as_name
from .base import (
    Capabilities,
    ChatInfo,
    GatewayEvent,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    Transport,
    Webhook,
)
from .client import Answer, Options
from .http_gateway import HttpGateway, asked, paged
from .pacing import Priority
from .values import address, as_chat_id, boolean, chats, items, mapping, pairs, text
from .waapi_answers import REFUSALS, check_envelope, read_payload
from .waapi_events import (
    EVENTS,
    read_answer,
    read_instance_event,
    read_presence_event,
    read_status,
)
from .waapi_webhooks import WaApiWebhooks, as_number

# The first push may take longer than the API's own default of 1.5 s [OBS].
_WAIT_FOR_PUSH_MS: Final = 6000
_CHATS_PER_PAGE: Final = 200
_ACTION: Final = "/client/action"
_NO_ANSWER: Final = "This is no answer of WaAPI."


class WaApiGateway(HttpGateway):
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
        answers=Source.LIVE,
        # DOC
        repeats_bodies=True,
        lookup_batch=50,
    )

    api_path = "/api/v1"
    token_header = ("Authorization", "Bearer {}")
    instance_form = re.compile(r"[0-9]+")
    # OBS
    signature = ("x-waapi-hmac", "sha256")
    refusals = REFUSALS
    # INF: what the dashboard's pages are called.
    webhook_page = "waapi.app → Instances → Webhooks"
    webhook_events = EVENTS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin; the webhooks have calls of their own."""
        super().__init__(*args, **kwargs)
        self._webhooks = WaApiWebhooks(self._request, self._read, self._check)

    @override
    async def validate(self) -> InstanceInfo:
        """Check credentials and instance.

        DOC: 401 is a bad token, 403 a missing scope or a blocked account, 404 an
        instance that does not exist or is somebody else's. The account's own id and
        name can only be had when the instance is ready. What has not the form of an
        instance is no success.
        """
        about = mapping((await self._get("")).get("instance"))
        if as_number(about.get("id")) != self._name:
            raise InvalidResponseError(_NO_ANSWER)
        name = as_name(about.get("name"))
        trial = boolean(about.get("is_trial"))
        try:
            word = await self._ask_word()
        except NotReadyError:
            return InstanceInfo(
                status=InstanceStatus.DISCONNECTED, account_name=name, trial=trial
            )
        if word is None:
            raise InvalidResponseError(_NO_ANSWER)
        info = InstanceInfo(status=read_status(word), account_name=name, trial=trial)
        if info.status is not InstanceStatus.READY:
            return info
        try:
            answer = await self._get("/client/me")
        except NotAllowedError, NotFoundError, NotReadyError, InvalidResponseError:
            return info
        me = mapping(mapping(answer.get("me")).get("data"))
        return replace(
            info,
            account_id=as_chat_id(me.get("contactId")),
            account_name=as_name(me.get("displayName")) or name,
        )

    @override
    async def subscribe(self, chat_id: str, wait: bool = True) -> PresenceUpdate | None:
        """Subscribe to a chat, or renew; maybe wait some seconds for its first push.

        DOC: `get-chat-presence` subscribes; a null presence proves neither success
        nor failure. The answer may come under the chat's other id [INF].
        """
        options: dict[str, Any] = {"waitForData": wait}
        if wait:
            options["timeoutMs"] = _WAIT_FOR_PUSH_MS
        return await self._ask_presence("get-chat-presence", chat_id, options)

    @override
    async def snapshot(self, chat_id: str) -> PresenceUpdate | None:
        """Ask for what the web client has cached; DOC: this subscribes to nothing."""
        return await self._ask_presence("get-chat-presence-snapshot", chat_id, {})

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then the contacts of its address book [DOC]."""
        return await self._read_lists(self._list_chats, self._list_contacts)

    @override
    async def resolve(self, number: str) -> str | None:
        """Find a number's chat id, which may have other digits in some countries.

        DOC: `get-number-id`; `is-registered-user` is asked where that says nothing.
        """
        plain = f"{number}@c.us"
        try:
            payload = await self._action("get-number-id", {"number": number})
            if isinstance(payload, dict) and "numberId" in payload:
                return as_chat_id(payload["numberId"])
            if found := as_chat_id(payload):
                return found
            payload = await self._action("is-registered-user", {"contactId": plain})
        except InvalidResponseError, NotFoundError:
            return plain
        registered = boolean(mapping(payload).get("isRegisteredUser", payload))
        return None if registered is False else plain

    @override
    async def aliases(self, chat_ids: Sequence[str]) -> dict[str, str]:
        """Find the other ids; DOC: `get-lid` takes numbers and lids alike."""
        people = [found for found in map(as_chat_id, chat_ids) if found]
        people = [person for person in people if not is_group(person)]
        if not people:
            return {}
        payload = await self._action(
            "get-lid", {"contactIds": people}, Priority.LOOK_UP
        )
        contacts = map(mapping, items(payload, "contacts"))
        return pairs(people, ((c.get("lid"), c.get("pn")) for c in contacts))

    @override
    async def group_members(self, chat_id: str) -> list[ChatInfo]:
        """List a group's members; DOC: `get-group-info`, which tells no names."""
        payload = await self._action(
            "get-group-info", {"chatId": asked(chat_id)}, Priority.LOOK_UP
        )
        return chats(items(mapping(payload).get("participants")))

    @override
    async def picture_url(self, chat_id: str) -> str | None:
        """Find a picture's address; DOC: null if there is none or it is hidden."""
        payload = await self._action(
            "get-profile-pic-url", {"contactId": asked(chat_id)}, Priority.PICTURE
        )
        return address(mapping(payload).get("profilePicUrl"))

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [DOC]."""
        word = "available" if available else "unavailable"
        await self._action(f"send-presence-{word}", {})

    @override
    async def list_webhooks(self) -> list[Webhook]:
        """List the webhook subscriptions [DOC]; the instance's own one is not ours."""
        return await self._webhooks.all()

    @override
    async def create_webhook(self, url: str) -> None:
        """Create a webhook subscription, or replace one that lacks events."""
        await self._webhooks.create(url)

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook subscription [DOC]."""
        await self._webhooks.delete(webhook_id)

    @override
    async def may_register(self) -> bool:
        """Whether the token's scopes allow it; to list takes another one [DOC]."""
        return await self._webhooks.may_change()

    @override
    async def _ask_status(self) -> InstanceInfo:
        return InstanceInfo(status=read_status(await self._ask_word()))

    async def _ask_word(self) -> str | None:
        """DOC: `clientStatus.instanceStatus`; only `ready` runs actions."""
        answer = await self._get("/client/status")
        return text(mapping(answer.get("clientStatus")).get("instanceStatus"))

    @override
    def _read_event(self, envelope: dict[str, Any]) -> GatewayEvent | None:
        """DOC: `event`, `instanceId` and `data`, without id or time."""
        instance_id = envelope.get("instanceId")
        if isinstance(instance_id, (int, str)) and (
            str(instance_id).strip() != self._name
        ):
            self._notice("an event of another instance")
            return None
        if envelope["event"] == "presence_update":
            return read_presence_event(envelope.get("data"), self._notice)
        return read_instance_event(envelope)

    async def _ask_presence(
        self, action: str, chat_id: str, options: Mapping[str, Any]
    ) -> PresenceUpdate | None:
        chat = asked(chat_id)
        answer = await self._request(
            "POST",
            f"{_ACTION}/{action}",
            body={"chatId": chat, **options},
            priority=Priority.RENEWAL,
        )
        answer.check_refusal()
        update = read_answer(read_payload(self._read(answer)), chat, self._notice)
        return update and replace(
            update,
            source=Source.LIVE,
            asked_as=chat if update.chat_id != chat else None,
            asked_at=answer.asked_at,
        )

    async def _list_chats(self) -> list[ChatInfo]:
        async def page(offset: int) -> list[Any]:
            window = {"offset": offset, "limit": _CHATS_PER_PAGE}
            return items(await self._action("get-chats", window), "chats")

        return await paged(_CHATS_PER_PAGE, page, chats)

    async def _list_contacts(self) -> list[ChatInfo]:
        payload = await self._action("get-contacts", {})
        contacts = (
            contact
            for contact in items(payload, "contacts")
            if boolean(mapping(contact).get("isMyContact")) is not False
        )
        return chats(contacts)

    async def _action(
        self, action: str, body: Mapping[str, Any], level: Priority = Priority.URGENT
    ) -> Any:
        """Run an action of the instance; returns what is inside of the envelopes."""
        answer = await self._request(
            "POST", f"{_ACTION}/{action}", body=body, priority=level
        )
        return read_payload(self._read(answer))

    @override
    async def _request(
        self, method: str, path: str, **options: Unpack[Options]
    ) -> Answer:
        path = f"/instances/{self._instance}{path}"
        return await super()._request(method, path, **options)

    @override
    def _read(self, answer: Answer, *, chat: bool = False) -> dict[str, Any]:
        content = super()._read(answer, chat=chat)
        if not isinstance(content, dict):
            raise InvalidResponseError("WaAPI answered something unexpected.")
        check_envelope(content)
        return content
