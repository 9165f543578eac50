"""WaAPI's dialect (waapi.app): double envelopes, webhook subscriptions, Bearer tokens.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override
from uuid import uuid4

from aiohttp import web

from .waapi_calls import EVENTS, ActionCalls, Door, InstanceCalls, WebhookCalls
from .world import Account, Chat, Group, Person, Quirks, State

if TYPE_CHECKING:
    from .server import Simulator

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


class Dialect:
    """The HTTP side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's WaAPI accounts."""
        self.simulator = simulator
        self._door = Door(simulator, self._all)
        self._calls = (
            InstanceCalls(self._door),
            WebhookCalls(self._door),
            ActionCalls(self._door),
        )

    def _all(self) -> list[WaapiAccount]:
        return [
            account
            for account in self.simulator.accounts.values()
            if isinstance(account, WaapiAccount)
        ]

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api/v1`."""
        return [
            *(route for calls in self._calls for route in calls.routes()),
            web.route("*", "/api/v1/{rest:.*}", self._door.nothing),
        ]
