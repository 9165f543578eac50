"""Wawp (api.wawp.net): the dialect of its REST API and of its webhooks."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
import logging
from typing import Any, ClassVar, Final, Unpack, override

from ..presence.model import Source
from .base import (
    AuthenticationError,
    Capabilities,
    ChatInfo,
    GatewayError,
    InstanceInfo,
    InstanceStatus,
    InvalidResponseError,
    NotAllowedError,
    NotFoundError,
    Transport,
    Webhook,
)
from .client import Answer, Options
from .presences import EVENTS, STATUS, read_info
from .session_gateway import SessionGateway
from .values import chats, items, mapping, text, unwrapped
from .wawp_answers import REFUSALS, read_content, tells_of_session
from .wawp_credentials import CredentialsPlace
from .wawp_webhooks import WawpWebhooks

_LOGGER = logging.getLogger(__name__)

_TELLS_AGAIN_AFTER: Final = 600.0
"""Seconds after which an instance that told no state is asked again."""

_NO_SUCH_CALL: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class WawpGateway(SessionGateway):
    """An instance at Wawp, which is a session of WAHA beneath.

    No answer is sure to have any form: the status counts first, then the codes that can
    be recognised in JSON, XML, HTML or plain text. The `session` in an event need not
    be the instance id, so it proves nothing. DOC: there is no signature to rely on.
    """

    key: ClassVar[str] = "wawp"
    name: ClassVar[str] = "Wawp"
    default_url: ClassVar[str | None] = "https://api.wawp.net"
    instance_field: ClassVar[str] = "instance_id"
    token_field: ClassVar[str] = "access_token"
    capabilities: ClassVar[Capabilities] = Capabilities(
        transport=Transport.WEBHOOK,
        manages_webhooks=True,
        overwrites_webhooks=True,
        signs_webhooks=False,
        sets_available=True,
        has_pictures=True,
        answers=Source.REMEMBERED,
        announce_seconds=25.0,
    )

    # DOC
    webhook_page = "wawp.net/account/connect → Webhook"
    webhook_events = EVENTS
    refusals = REFUSALS
    # INF: the call is not documented; so refused may be in any form, or by nothing.
    may_know_nobody = False
    refused_for_all = (*SessionGateway.refused_for_all, AuthenticationError)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing learnt, where the documentation contradicts itself."""
        super().__init__(*args, **kwargs)
        self._credentials = {"instance_id": self._name, "access_token": self._token}
        self._credentials_place = CredentialsPlace()
        self._info_method = "POST"
        self._tells_nothing_until = 0.0
        self._webhooks = WawpWebhooks(self._get_webhooks, self._post_webhooks)

    @property
    @override
    def secrets(self) -> frozenset[str]:
        """The credentials, of which the instance id is a part."""
        return frozenset({self._name, self._token})

    @override
    async def validate(self) -> InstanceInfo:
        """Check credentials and instance; the account's name may take a second call."""
        info = await super().validate()
        if info.status is not InstanceStatus.READY or info.account_id:
            return info
        try:
            answer = await self._get("/v2/session/me")
        except GatewayError as err:
            _LOGGER.debug("Asking for the account failed: %s", type(err).__name__)
            return info
        me = unwrapped(answer)
        known = read_info({"me": mapping(me.get("me")) or me})
        return replace(
            info, account_id=known.account_id, account_name=known.account_name
        )

    @override
    async def list_chats(self) -> list[ChatInfo]:
        """List the account's chats, then its contacts [DOC]."""
        return await self._read_lists(self._list_chats, self._list_contacts)

    @override
    async def set_available(self, available: bool) -> None:
        """Announce the account as online, or no longer [INF; the older API: DOC]."""
        answer = await self._announce(available)
        if _is_unknown_call(answer):
            raise NotAllowedError("This instance can't announce itself.")
        self._check(answer)

    @override
    async def list_webhooks(self) -> list[Webhook]:
        """List the user's webhooks; on paid plans alone [DOC], else NotAllowedError."""
        return await self._webhooks.all()

    @override
    async def create_webhook(self, url: str) -> None:
        """Add a webhook to the user's own."""
        await self._webhooks.add(url)

    @override
    async def delete_webhook(self, webhook_id: str) -> None:
        """Take a webhook out of the list; all others stay as they are."""
        await self._webhooks.remove(webhook_id)

    @property
    @override
    def _root(self) -> str:
        return "/v2"

    @override
    def _contacts(self, call: str) -> tuple[str, dict[str, str]]:
        return f"/v2/contacts/{call}", {}

    @override
    def _subscription(self, chat: str) -> Mapping[str, str]:
        """Make the body of a subscription.

        DOC: only `@c.us` ids are documented; groups and lids work in WAHA [INF].
        """
        return {"chatId": chat}

    @override
    async def _ask_presence(self, path: str) -> Answer | None:
        """Ask for a presence.

        INF: the call is documented for the older API alone. An instance that does not
        know it is followed by its events, and asked again only now and then: the
        refusal may have been a passing one.
        """
        now = asyncio.get_running_loop().time()
        if now < self._tells_nothing_until:
            return None
        answer = await super()._ask_presence(path)
        if answer and _is_unknown_call(answer):
            self._tells_nothing_until = now + _TELLS_AGAIN_AFTER
            return None
        return answer

    @override
    async def _ask_session(self) -> dict[str, Any]:
        """Ask how the session stands.

        DOC: POST, though official clients use GET as well; UNKNOWN: where in the answer
        the status is, which may also be the envelope's own word for success.
        """
        body = mapping(await self._session_info())
        data = mapping(body.get("data"))
        places = [
            body,
            data,
            mapping(body.get("session")),
            mapping(data.get("session")),
        ]
        return next(
            (
                place
                for place in places
                if (text(place.get("status")) or "").upper() in STATUS
            ),
            body,
        )

    @override
    def _is_session(self, session: dict[str, Any]) -> bool:
        """DOC: it has a status and `me`; a word that is not known may be any product's."""
        status = text(session.get("status")) or ""
        return status.upper() in STATUS or (bool(status) and "me" in session)

    async def _session_info(self) -> Any:
        path = "/v2/session/info"
        if self._info_method == "POST":
            answer = await self._request("POST", path)
            if answer.status not in _NO_SUCH_CALL:
                return self._read(answer)
        # Should neither be known, both are tried again the next time.
        self._info_method = "POST"
        content = await self._get(path)
        self._info_method = "GET"
        return content

    @override
    async def _list_chats(self) -> list[ChatInfo]:
        """List the chats as WAHA does [INF], else from the overview [DOC].

        Beneath, the overview asks WhatsApp for the picture of each listed chat [SRC].
        """
        with suppress(NotAllowedError, NotFoundError, InvalidResponseError):
            if found := await super()._list_chats():
                return found
        answer = await self._get("/v2/chats/overview")
        return chats(items(answer, "data", "chats"))

    async def _get_webhooks(self) -> Any:
        return await self._get("/v2/session/webhook")

    async def _post_webhooks(self, webhooks: list[Any]) -> None:
        answer = await self._request(
            "POST", "/v2/session/webhook", body={"webhooks": webhooks}
        )
        self._check(answer)

    @override
    async def _request(
        self, method: str, path: str, **options: Unpack[Options]
    ) -> Answer:
        """Send a request, with the credentials where they belong.

        DOC: in the query of a GET. For a POST the documentation contradicts itself.
        """

        async def send(in_query: bool) -> Answer:
            sent = options.copy()
            if in_query:
                sent["query"] = {**self._credentials, **(options.get("query") or {})}
            else:
                sent["body"] = {**self._credentials, **(options.get("body") or {})}
            return await self._client.request(method, path, **sent)

        if method == "GET":
            return await send(True)
        return await self._credentials_place.send(send)

    @override
    def _read(self, answer: Answer, *, chat: bool = False) -> Any:
        super()._check(answer, chat=chat)
        return read_content(answer, chat=chat)

    @override
    def _check(self, answer: Answer, *, chat: bool = False) -> None:
        """Raise the error of an answer, also of one that looks like a success.

        An empty one will do.
        """
        super()._check(answer, chat=chat)
        if answer.body.strip():
            read_content(answer, chat=chat)


def _is_unknown_call(answer: Answer) -> bool:
    return answer.status in _NO_SUCH_CALL and not tells_of_session(answer)
