"""WaAPI's dialect (waapi.app): double envelopes, webhook subscriptions, Bearer tokens.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override
from uuid import uuid4

from aiohttp import web
from yarl import URL

from .world import Account, Chat, Group, Person, Quirks, State

if TYPE_CHECKING:
    from .server import Simulator

# DOC: these 26 and no others; `change_state`, not `state_change`.
EVENTS: Final = frozenset(
    {
        "presence_update",
        "ready",
        "disconnected",
        "auth_failure",
        "change_state",
        "qr",
        "authenticated",
        "loading_screen",
        "message",
        "message_create",
        "message_edit",
        "message_revoke_everyone",
        "message_revoke_me",
        "message_ack",
        "message_reaction",
        "media_uploaded",
        "group_join",
        "group_leave",
        "group_update",
        "community_created",
        "community_updated",
        "community_subgroup_linked",
        "community_subgroup_unlinked",
        "community_deactivated",
        "call",
        "vote_update",
    }
)
# DOC: what may register a webhook.
SOURCES: Final = frozenset({"zapier", "make", "n8n", "api"})
MAX_WEBHOOKS: Final = 25  # DOC

# What the gateway takes for a chat id (INF): digits, a server, nothing else. A
# wrong server is accepted and does nothing (OBS).
CHAT_ID: Final = re.compile(r"\d{5,20}(-\d{5,20})?@[a-z.]+", re.ASCII)

STATUSES: Final = frozenset(
    {
        "booting",
        "loading_screen",
        "qr",
        "authenticated",
        "auth_failure",
        "ready",
        "disconnected",
    }
)


@dataclass(slots=True)
class WaapiQuirks(Quirks):
    """What WaAPI does in more than one way, and what its plans refuse."""

    # INF: off by default here, so that a lid is met first in an answer's `id`.
    events_under_lid: bool = False
    # INF: get-chat-presence answers under the lid.
    answers_under_lid: bool = False
    # Where the payload is: `data.data` (DOC) or, in older versions, `data`.
    payload_at: Literal["data.data", "data"] = "data.data"
    # How an instance that is not ready answers: 409 (spec) or 200 (SDKs).
    not_ready_as: Literal["409", "200"] = "409"
    # UNKNOWN: `data.presence` or `data` itself.
    event_at: Literal["data.presence", "data"] = "data.presence"
    # UNKNOWN: `id` as a string or as {"_serialized": "…"}.
    event_id_as: Literal["string", "object"] = "string"
    # DOC: `data` of status events may be missing.
    status_data: bool = True
    # SRC: a reconnect resets every chat to hasData false, chatstate unavailable.
    reset_events: bool = True
    # A chat without data is answered with null (DOC) or with hasData false (DOC).
    no_data_as: Literal["null", "object"] = "null"
    # DOC: a boolean or {"isRegisteredUser": bool}.
    registered_as: Literal["bool", "object"] = "bool"
    # OBS: a trial instance acts on this number alone.
    trial_number: str | None = None
    blocked: bool = False
    # DOC: token scopes; `read` lists, `update` subscribes.
    scopes: frozenset[str] | list[str] = frozenset({"read", "update"})
    # OBS: deliveries are signed with this key, hex or `sha256=` and hex.
    hmac_secret: str | None = None
    hmac_prefix: bool = False


class WaapiAccount(Account):
    """An instance of WaAPI."""

    gateway: ClassVar[str] = "waapi"
    ready_words: ClassVar[frozenset[str]] = frozenset({"ready"})
    status_words: ClassVar[frozenset[str]] = STATUSES
    quirks: WaapiQuirks

    def __init__(
        self,
        simulator: Simulator,
        instance_id: str,
        *,
        token: str = "waapi-token",
        name: str = "WaAPI",
        status: str = "ready",
        number: str = "15550100",
        **quirks: Any,
    ) -> None:
        """Begin with no webhook."""
        if not instance_id.isdigit():
            raise ValueError("WaAPI's instance ids are whole numbers")
        self.quirks = WaapiQuirks()
        super().__init__(
            simulator,
            instance_id,
            token=token,
            name=name,
            status=status,
            number=number,
        )
        self.set_quirks(quirks)
        # Mechanism A: the instance's own webhook, the user's.
        self.own_webhook: dict[str, Any] | None = None
        self._webhooks: dict[int, dict[str, Any]] = {}
        self._next_webhook = 41

    # -------------------------------------------------------------- webhooks

    @property
    @override
    def webhooks(self) -> list[dict[str, Any]]:
        return [dict(hook) for hook in self._webhooks.values()]

    @override
    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Register a subscription of the user's own."""
        hook = self.create_webhook(
            url,
            list(fields.get("events", ["message"])),
            source=fields.get("source", "zapier"),
        )
        self.owned_by_user(url)
        return dict(hook)

    def create_webhook(
        self, url: str, events: list[str], *, source: str
    ) -> dict[str, Any]:
        """Store a subscription."""
        self._next_webhook += 1
        hook = {
            "id": self._next_webhook,
            "url": url,
            "events": events,
            "source": source,
            "isActive": True,
            "createdAt": datetime.fromtimestamp(
                self.simulator.clock(), UTC
            ).isoformat(),
        }
        self._webhooks[self._next_webhook] = hook
        return hook

    def find_webhook(self, url: str) -> dict[str, Any] | None:
        """The subscription of a URL."""
        return next((h for h in self._webhooks.values() if h["url"] == url), None)

    def delete_webhook(self, webhook_id: int) -> bool:
        """Remove a subscription; False: there was none."""
        return self._webhooks.pop(webhook_id, None) is not None

    @override
    def remove_webhook(self, url: str) -> None:
        if (hook := self.find_webhook(url)) is not None:
            self.delete_webhook(hook["id"])

    def set_webhook_active(self, webhook_id: int, active: bool) -> None:
        """Let a subscription turn inactive, or active again (DOC: isActive)."""
        self._webhooks[webhook_id]["isActive"] = active

    def emit(
        self, event: str, data: Mapping[str, Any] | None, *, chat: str = ""
    ) -> list[asyncio.Future[None]]:
        """Deliver an event to the subscriptions that want it, and to A (DOC)."""
        body: dict[str, Any] = {"event": event, "instanceId": int(self.instance_id)}
        if data is not None:
            body["data"] = data
        raw = json.dumps(body).encode()
        headers = {
            "x-waapi-instance-id": self.instance_id,
            "x-waapi-request-id": str(uuid4()),
        }
        if self.quirks.hmac_secret is not None:
            digest = hmac.new(
                self.quirks.hmac_secret.encode(), raw, hashlib.sha256
            ).hexdigest()
            headers["x-waapi-hmac"] = (
                f"sha256={digest}" if self.quirks.hmac_prefix else digest
            )
        hooks = [hook for hook in self._webhooks.values() if hook["isActive"]]
        if self.own_webhook is not None:
            hooks.append(self.own_webhook)
        return [
            self.simulator.delivery.send(hook["url"], raw, headers, chat=chat)
            for hook in hooks
            if event in hook["events"]
        ]

    # ---------------------------------------------------------------- events

    @property
    @override
    def pushes_on_renewal(self) -> bool:
        """The web client tells of changes alone."""
        return False

    @property
    @override
    def tells_members(self) -> bool:
        """A group's object tells only whether anybody is online."""
        return False

    @override
    def push_presence(
        self, chat: Chat, member: Person | None
    ) -> list[asyncio.Future[None]]:
        return self._emit_presence(chat, self.presence_object(chat))

    def _emit_presence(
        self, chat: Chat, presence: dict[str, Any]
    ) -> list[asyncio.Future[None]]:
        """Send a presence in the shape that is switched on (UNKNOWN)."""
        if self.quirks.event_id_as == "object":
            presence["id"] = {"_serialized": presence["id"]}
        data = (
            {"presence": presence}
            if self.quirks.event_at == "data.presence"
            else presence
        )
        return self.emit("presence_update", data, chat=chat.chat_id)

    @override
    def push_status(self) -> list[asyncio.Future[None]]:
        if self.status not in EVENTS:
            return []
        return self._emit_status(self.status)

    def _emit_status(self, status: str) -> list[asyncio.Future[None]]:
        return self.emit(
            status, {"status": status} if self.quirks.status_data else None
        )

    @override
    def push_reset(self, lost: list[str]) -> list[asyncio.Future[None]]:
        """SRC: the web client resets every chat, which must not read as offline."""
        jobs: list[asyncio.Future[None]] = []
        if self.quirks.reset_events:
            for chat_id in lost:
                if (chat := self.find(chat_id)) is not None:
                    jobs += self._emit_presence(chat, self.empty_object(chat))
        return jobs

    @override
    async def push_reconnected(self) -> None:
        """The state changes, and `ready` comes again (INF: its payload)."""
        await self.simulator.delivery.settled(
            self.emit("change_state", {"state": "CONNECTED"})
        )
        await self.simulator.delivery.settled(self._emit_status("ready"))

    def event_id(self, chat: Chat) -> str:
        """The id that an event has."""
        if isinstance(chat, Group):
            return chat.chat_id
        return self.shown_id(chat, self.asked_id(chat))

    def empty_object(self, chat: Chat) -> dict[str, Any]:
        """A chat of which nothing is known (SRC: chatstate says unavailable)."""
        return {
            "id": self.event_id(chat),
            "isGroup": isinstance(chat, Group),
            "isOnline": False,
            "chatstate": "unavailable",
            "lastSeen": None,
            "deny": False,
            "typingParticipants": [],
            "recordingParticipants": [],
            "hasData": False,
            "isSubscribed": chat.chat_id in self.subscriptions,
        }

    def presence_object(self, chat: Chat) -> dict[str, Any]:
        """The presence object (DOC)."""
        shown = self.empty_object(chat)
        if chat.chat_id not in self.known:
            return shown
        if isinstance(chat, Group):
            shown |= {
                "hasData": True,
                "isOnline": chat.online,
                "chatstate": None,
                "typingParticipants": [
                    self.member_id(m) for m in chat.doing(State.TYPING)
                ],
                "recordingParticipants": [
                    self.member_id(m) for m in chat.doing(State.RECORDING)
                ],
            }
            return shown
        if not chat.has_data:
            return shown
        online = chat.online and not chat.online_hidden
        # typing with isOnline false is legitimate (DOC).
        chatstate = {
            State.TYPING: "typing",
            State.RECORDING: "recording_audio",
        }.get(chat.state, "available" if online else "unavailable")
        shown |= {
            "hasData": True,
            "isOnline": online,
            "chatstate": chatstate,
            "deny": chat.deny,
            # DOC: seconds, and only with `unavailable`.
            "lastSeen": chat.last_seen_shown if chatstate == "unavailable" else None,
        }
        return shown

    def member_id(self, person: Person) -> str:
        """The id of a participant."""
        if self.quirks.participants_as_lids and person.lid is not None:
            return person.lid
        return self.shown_id(person)


type Action = Callable[
    [Dialect, WaapiAccount, dict[str, Any]],
    Awaitable[dict[str, Any] | list[Any] | bool | None],
]


class _ActionError(Exception):
    """An action that failed: HTTP 200 with an inner error (DOC)."""

    def __init__(self, message: str, explanation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.explanation = explanation


class _InvalidError(Exception):
    """A body that does not fit: 422 (DOC)."""

    def __init__(self, **errors: str) -> None:
        super().__init__("invalid")
        self.errors = {name: [text] for name, text in errors.items()}


def _chat_id(body: Mapping[str, Any], name: str = "chatId") -> str:
    """The chat id of a body: required, a string, in the gateway's form."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _InvalidError(**{name: f"The {name} field is required."})
    if not CHAT_ID.fullmatch(value):
        raise _ActionError("incorrect chatId format.", "digits@c.us or digits@g.us")
    return value


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _InvalidError(**{name: f"The {name} field must be an integer."})
    return value


class Dialect:
    """The HTTP side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's WaAPI accounts."""
        self.simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api/v1`."""
        one = "/api/v1/instances/{instance}"
        hook = one + "/webhooks/{webhook}"
        return [
            web.get("/api/v1/instances", self._list_instances),
            web.get(one, self._get_instance),
            web.put(one, self._put_instance),
            web.get(one + "/client/status", self._client_status),
            web.get(one + "/client/me", self._client_me),
            web.post(one + "/client/action/{action}", self._run_action),
            web.get(one + "/webhooks", self._list_webhooks),
            web.post(one + "/webhooks", self._create_webhook),
            web.delete(hook, self._delete_webhook),
            web.route("*", "/api/v1/{rest:.*}", self._nothing),
        ]

    # --------------------------------------------------------------- refusals

    def _refuse(
        self,
        request: web.Request,
        status: int,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        """Answer an error; who does not accept JSON gets a page (INF)."""
        if "application/json" not in request.headers.get("Accept", ""):
            return web.Response(
                status=status,
                text=f"<!DOCTYPE html><title>{status}</title>",
                content_type="text/html",
                headers=headers,
            )
        return web.json_response(body, status=status, headers=headers)

    def _token(self, request: web.Request) -> str | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if kind == "Bearer" and token else None

    def _accounts(self, request: web.Request) -> list[WaapiAccount]:
        token = self._token(request)
        return [
            account
            for account in self.simulator.accounts.values()
            if isinstance(account, WaapiAccount)
            and token is not None
            and account.token_is(token)
        ]

    def _admit(
        self, request: web.Request, scope: str = "read"
    ) -> WaapiAccount | web.Response:
        """Check token, instance, scope and rate; an answer is a refusal.

        401 bad or missing token; 404 no such instance or not yours; 403 missing
        scope or blocked; 429, perhaps with Retry-After (DOC).
        """
        mine = self._accounts(request)
        if not mine:
            return self._refuse(request, 401, {"message": "Unauthenticated."})
        wanted = request.match_info["instance"]
        account = next((a for a in mine if a.instance_id == wanted), None)
        if account is None:
            return self._refuse(
                request, 404, {"message": "Instance not found.", "status": "error"}
            )
        if account.quirks.blocked:
            return self._refuse(
                request, 403, {"message": "Your account is blocked.", "status": "error"}
            )
        if scope not in account.quirks.scopes:
            return self._refuse(
                request,
                403,
                {"message": f"The token lacks the scope {scope}.", "status": "error"},
            )
        if account.over_limit():
            after = account.quirks.retry_after
            return self._refuse(
                request,
                429,
                {"message": "Too many requests.", "status": "error"},
                None if after is None else {"Retry-After": str(after)},
            )
        return account

    def _invalid(self, request: web.Request, err: _InvalidError) -> web.Response:
        return self._refuse(
            request,
            422,
            {
                "message": "The given data was invalid.",
                "errors": err.errors,
                "status": "error",
            },
        )

    async def _read(self, request: web.Request) -> dict[str, Any]:
        """Read a JSON object; any other kind of body has no field at all."""
        if request.content_type != "application/json":
            return {}
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    async def _nothing(self, request: web.Request) -> web.Response:
        if not self._accounts(request):
            return self._refuse(request, 401, {"message": "Unauthenticated."})
        return self._refuse(
            request, 404, {"message": "Route not found.", "status": "error"}
        )

    # -------------------------------------------------------------- instances

    def _links(self, request: web.Request) -> dict[str, str]:
        return {"self": f"{self.simulator.url}{request.path}"}

    def _describe(self, account: WaapiAccount) -> dict[str, Any]:
        own = account.own_webhook
        return {
            "id": int(account.instance_id),
            "name": account.name,
            "owner": "owner@example.com",
            "webhook_url": None if own is None else own["url"],
            "webhook_events": [] if own is None else own["events"],
            "is_trial": account.quirks.trial_number is not None,
        }

    async def _list_instances(self, request: web.Request) -> web.Response:
        """GET /instances (DOC): the token's own."""
        mine = self._accounts(request)
        if not mine:
            return self._refuse(request, 401, {"message": "Unauthenticated."})
        return web.json_response(
            {
                "instances": [self._describe(account) for account in mine],
                "links": self._links(request),
                "status": "success",
            }
        )

    async def _get_instance(self, request: web.Request) -> web.Response:
        """GET /instances/{id} (DOC)."""
        account = self._admit(request)
        if isinstance(account, web.Response):
            return account
        return web.json_response(
            {
                "instance": self._describe(account),
                "links": self._links(request),
                "status": "success",
            }
        )

    async def _put_instance(self, request: web.Request) -> web.Response:
        """PUT /instances/{id} (DOC): mechanism A, one URL, displaces the old one."""
        account = self._admit(request, "update")
        if isinstance(account, web.Response):
            return account
        webhook = (await self._read(request)).get("webhook")
        if (
            not isinstance(webhook, dict)
            or not isinstance(webhook.get("url"), str)
            or not isinstance(webhook.get("events"), list)
        ):
            return self._invalid(
                request, _InvalidError(webhook="The webhook field is required.")
            )
        account.own_webhook = {"url": webhook["url"], "events": webhook["events"]}
        return web.json_response(
            {"instance": self._describe(account), "status": "success"}
        )

    async def _client_status(self, request: web.Request) -> web.Response:
        """GET client/status (DOC); answers whatever the status is."""
        account = self._admit(request)
        if isinstance(account, web.Response):
            return account
        own = account.own_webhook
        return web.json_response(
            {
                "clientStatus": {
                    "status": "success",
                    "instanceId": account.instance_id,
                    "name": account.name,
                    "data": {},
                    "instanceStatus": account.status,
                    "instanceWebhook": None if own is None else own["url"],
                    "instanceEvents": [] if own is None else own["events"],
                },
                "links": self._links(request),
                "status": "success",
            }
        )

    async def _client_me(self, request: web.Request) -> web.Response:
        """GET client/me (DOC); an inner error while not ready (INF)."""
        account = self._admit(request)
        if isinstance(account, web.Response):
            return account
        me: dict[str, Any] = {
            "status": "success",
            "instanceId": account.instance_id,
            "data": {
                "displayName": account.name,
                "contactId": account.me.chat_id,
                "formattedNumber": f"+{account.me.number}",
                "profilePicUrl": None,
            },
        }
        if not account.ready:
            me = {
                "status": "error",
                "instanceId": account.instance_id,
                "message": "instance not ready",
            }
        return web.json_response(
            {"me": me, "links": self._links(request), "status": "success"}
        )

    # --------------------------------------------------------------- webhooks

    async def _list_webhooks(self, request: web.Request) -> web.Response:
        """GET webhooks (DOC): no status envelope here."""
        account = self._admit(request)
        if isinstance(account, web.Response):
            return account
        return web.json_response({"data": account.webhooks})

    async def _create_webhook(self, request: web.Request) -> web.Response:
        """POST webhooks (DOC): 201, 200 with the existing one, 422 beyond 25.

        The existing one keeps its old events (INF).
        """
        account = self._admit(request, "update")
        if isinstance(account, web.Response):
            return account
        try:
            url, events, source = _new_webhook(await self._read(request))
            if (existing := account.find_webhook(url)) is not None:
                return web.json_response({"data": existing})
            _need_room(account)
        except _InvalidError as err:
            return self._invalid(request, err)
        hook = account.create_webhook(url, events, source=source)
        return web.json_response({"data": hook}, status=201)

    async def _delete_webhook(self, request: web.Request) -> web.Response:
        """DELETE webhooks/{id} (DOC): 204; 404."""
        account = self._admit(request, "update")
        if isinstance(account, web.Response):
            return account
        webhook = request.match_info["webhook"]
        if not webhook.isdigit() or not account.delete_webhook(int(webhook)):
            return self._refuse(
                request, 404, {"message": "Webhook not found.", "status": "error"}
            )
        return web.Response(status=204)

    # ---------------------------------------------------------------- actions

    async def _run_action(self, request: web.Request) -> web.Response:
        """POST client/action/{name} (DOC): `data.status` is the one that counts."""
        account = self._admit(request, "read")
        if isinstance(account, web.Response):
            return account
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            return self._refuse(
                request, 404, {"message": "Action not found.", "status": "error"}
            )
        body = await self._read(request)
        outer: dict[str, Any] = {"status": "success", "links": self._links(request)}
        if not account.ready:
            outer = {"status": "error", "message": "instance not ready"}
            if account.quirks.not_ready_as == "409":
                return self._refuse(request, 409, outer)
            return web.json_response(outer)
        if (refusal := self._trial(request, account, body)) is not None:
            return refusal
        inner: dict[str, Any] = {
            "status": "success",
            "instanceId": account.instance_id,
        }
        try:
            payload = await action(self, account, body)
        except _InvalidError as err:
            return self._invalid(request, err)
        except _ActionError as err:
            inner = {
                "status": "error",
                "message": err.message,
                "explanation": err.explanation,
            }
        else:
            if account.quirks.payload_at == "data.data":
                inner["data"] = payload
            elif isinstance(payload, dict):
                inner |= payload
            else:
                return web.json_response({**outer, "data": payload})
        return web.json_response({**outer, "data": inner})

    def _trial(
        self, request: web.Request, account: WaapiAccount, body: Mapping[str, Any]
    ) -> web.Response | None:
        """A trial instance acts on one number alone (OBS)."""
        number = account.quirks.trial_number
        chat = body.get("chatId") or body.get("contactId")
        if number is None or not isinstance(chat, str):
            return None
        if chat.partition("@")[0] == number:
            return None
        return self._refuse(
            request,
            403,
            {
                "message": "Your trial instance is only able to send actions to "
                f"{number}",
                "status": "error",
            },
        )

    async def get_chat_presence(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Subscribe or renew, and wait for the first push (DOC).

        Null when the chat is unknown or nothing came within `timeoutMs`.
        """
        asked = _chat_id(body)
        wait = body.get("waitForData", True)
        if not isinstance(wait, bool):
            raise _InvalidError(waitForData="The waitForData field must be a boolean.")
        timeout = _number(body, "timeoutMs", 1500) / 1000
        if asked.partition("@")[2] not in {"c.us", "g.us", "lid"}:
            return {"presence": None}
        account.subscribe(asked)
        chat = account.find(asked)
        if chat is None:
            # INF: nothing is ever pushed of a number that nobody has.
            if wait:
                await self.simulator.clock.delay(timeout)
            return {"presence": None}
        if wait:
            await account.wait_for_data(chat.chat_id, timeout)
        return {"presence": self._presence(account, chat, asked)}

    async def get_chat_presence_snapshot(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The cached state, no subscription (DOC)."""
        asked = _chat_id(body)
        chat = account.find(asked)
        if chat is None:
            return {"presence": None}
        return {"presence": self._presence(account, chat, asked)}

    def _presence(
        self, account: WaapiAccount, chat: Chat, asked: str
    ) -> dict[str, Any] | None:
        if chat.chat_id not in account.known and account.quirks.no_data_as == "null":
            return None
        presence = account.presence_object(chat)
        presence["id"] = asked
        if isinstance(chat, Person) and account.quirks.answers_under_lid:
            presence["id"] = chat.lid or asked
        return presence

    async def get_lid(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Lids of numbers and numbers of lids (DOC)."""
        ids = body.get("contactIds")
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise _InvalidError(contactIds="The contactIds field is required.")
        found = [account.find(contact) for contact in ids]
        return {
            "contacts": [
                {"lid": person.lid, "pn": person.chat_id}
                for person in found
                if isinstance(person, Person) and person.lid is not None
            ]
        }

    async def get_number_id(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The right id of a number (DOC); null: not on WhatsApp."""
        number = body.get("number")
        if not isinstance(number, str) or not number:
            raise _InvalidError(number="The number field is required.")
        person = account.look_up(number)
        return {"numberId": None if person is None else _id_object(person.chat_id)}

    async def is_registered_user(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any] | bool:
        """A boolean or an object (DOC)."""
        chat = account.find(_chat_id(body, "contactId"))
        registered = isinstance(chat, Person) and chat.on_whatsapp
        if account.quirks.registered_as == "bool":
            return registered
        return {"isRegisteredUser": registered}

    async def get_chats(self, account: WaapiAccount, body: dict[str, Any]) -> list[Any]:
        """The account's chats (DOC): a list."""
        offset, limit = _number(body, "offset", 0), _number(body, "limit", 1000)
        chats: list[Chat] = [*account.people.values(), *account.groups.values()]
        return [
            {
                "id": _id_object(chat.chat_id),
                "name": chat.name,
                "isGroup": isinstance(chat, Group),
                "timestamp": 0,
                "unreadCount": 0,
            }
            for chat in chats[offset : offset + limit]
        ]

    async def get_contacts(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> list[Any]:
        """The account's contacts (DOC): a list; some under their lid as well (INF)."""
        rows = [
            (contact_id, person)
            for person in account.people.values()
            for contact_id in (person.chat_id, person.lid)
            if contact_id is not None
        ]
        return [
            {
                "id": _id_object(contact_id),
                "name": person.name,
                "pushname": person.name,
                "isMyContact": contact_id == person.chat_id,
                "isGroup": False,
            }
            for contact_id, person in rows
        ]

    async def get_profile_pic_url(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """A picture's address or null (DOC)."""
        chat = account.find(_chat_id(body, "contactId"))
        picture = chat.picture if isinstance(chat, Person) else None
        return {
            "profilePicUrl": None
            if picture is None
            else f"{self.simulator.url}{picture}"
        }

    async def get_group_info(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """A group's participants (DOC)."""
        chat = account.find(_chat_id(body))
        if not isinstance(chat, Group):
            raise _ActionError("chat is not a group.")
        return {
            "owner": account.me.chat_id,
            "subject": chat.name,
            "participants": [
                {
                    "id": _id_object(
                        member.lid
                        if account.quirks.participants_as_lids and member.lid
                        else member.chat_id
                    ),
                    "isAdmin": False,
                }
                for member in chat.members
            ],
        }

    async def send_presence_available(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Announce the account as online (DOC)."""
        account.own_presence = "available"
        account.own_presence_calls += 1
        return {"available": True}

    async def send_presence_unavailable(
        self, account: WaapiAccount, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Take that back (DOC)."""
        account.own_presence = "unavailable"
        account.own_presence_calls += 1
        return {"available": False}


def _new_webhook(body: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Check what is to be subscribed; URL, events and source."""
    url, events, source = body.get("url"), body.get("events"), body.get("source", "api")
    if not isinstance(url, str) or not _is_url(url):
        raise _InvalidError(url="The url field must be a valid URL.")
    if not isinstance(events, list) or not events:
        raise _InvalidError(events="The events field is required.")
    if not all(isinstance(event, str) and event in EVENTS for event in events):
        raise _InvalidError(events="The selected events are invalid.")
    if not isinstance(source, str) or source not in SOURCES:
        raise _InvalidError(source="The selected source is invalid.")
    return url, events, source


def _need_room(account: WaapiAccount) -> None:
    if len(account.webhooks) >= MAX_WEBHOOKS:
        raise _InvalidError(url="At most 25 webhooks an instance.")


def _is_url(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)


def _id_object(chat_id: str) -> dict[str, str]:
    user, _, server = chat_id.partition("@")
    return {"server": server, "user": user, "_serialized": chat_id}


ACTIONS: Final[Mapping[str, Action]] = {
    "get-chat-presence": Dialect.get_chat_presence,
    "get-chat-presence-snapshot": Dialect.get_chat_presence_snapshot,
    "get-lid": Dialect.get_lid,
    "get-number-id": Dialect.get_number_id,
    "is-registered-user": Dialect.is_registered_user,
    "get-chats": Dialect.get_chats,
    "get-contacts": Dialect.get_contacts,
    "get-profile-pic-url": Dialect.get_profile_pic_url,
    "get-group-info": Dialect.get_group_info,
    "send-presence-available": Dialect.send_presence_available,
    "send-presence-unavailable": Dialect.send_presence_unavailable,
}
