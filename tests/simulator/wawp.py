"""Wawp's dialect (api.wawp.net): credentials in every call, errors in every form.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

import asyncio
from copy import deepcopy
from dataclasses import dataclass
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override

from aiohttp import web

from .engine import EngineAccount, EngineQuirks
from .wawp_calls import Door, ListCalls, PresenceCalls, SessionCalls

if TYPE_CHECKING:
    from .server import Simulator

STATUSES: Final = frozenset(
    {
        # DOC
        "STOPPED",
        "STARTING",
        "SCAN_QR_CODE",
        "WORKING",
        "FAILED",
        # OBS
        "READY",
        "PAUSED",
        "OFFLINE",
        # SRC
        "PASSKEY_REQUIRED",
        # An unknown word is "not ready", never a crash.
        "HIBERNATING",
    }
)

WAHA_WORDS: Final = {
    "online": "available",
    "offline": "unavailable",
    "typing": "composing",
    "recording": "recording",
    "paused": "paused",
}


@dataclass(slots=True)
class WawpQuirks(EngineQuirks):
    """What Wawp does in more than one way, and what its plans refuse."""

    # DOC contradicts itself: where POST takes the credentials from. OBS: clients of
    # the vendor's own use headers, of which `header` is `access-token` beside the
    # body's and `bearer` is `Authorization` and `X-Instance-ID` for all calls.
    credentials_in: Literal["body", "query", "both", "header", "bearer"] = "body"
    # DOC: 400 or 401 when they are missing.
    missing_status: int = 401
    # DOC and OBS: the form of an error's body; "200" is HTTP 200 with code, message.
    errors_as: Literal["json", "xml", "plain", "html", "200"] = "json"
    # DOC: webhooks only on paid plans.
    plan: Literal["paid", "free"] = "paid"
    # INF: whether the state can be asked for: 200, or the status of the refusal.
    get_presence: Literal[200, 404, 405] = 200
    # INF: whether all states can be asked for at once.
    get_presences: Literal[200, 404, 405] = 200
    # DOC says POST; official clients also GET. The other one answers 405 (or 404).
    info_method: Literal["POST", "GET", "both"] = "POST"
    info_refusal: Literal[404, 405] = 405
    # UNKNOWN: whether session/info is wrapped in `data`.
    info_wrapped: bool = False
    # INF: how a session that is not ready refuses (422 is WAHA's).
    not_ready_status: int = 422
    # DOC for "flat", OBS for "presences".
    event_shape: Literal["presences", "flat"] = "presences"
    # OBS: an array of envelopes, or a JSON string that holds one.
    event_as: Literal["object", "array", "string"] = "object"
    # OBS: need not equal the instance id.
    session_name: str | None = None
    # INF: whether WAHA's list of the store is there besides the overview.
    get_chats: Literal[200, 404, 405] = 200
    # An array, or an object keyed "0", "1", ….
    overview_as: Literal["array", "object"] = "array"
    # `url` or `profilePictureURL`; `pn` or `number`.
    picture_key: Literal["url", "profilePictureURL"] = "url"
    lid_key: Literal["pn", "number"] = "pn"


class WawpAccount(EngineAccount):
    """A session of Wawp."""

    gateway: ClassVar[str] = "wawp"
    ready_words: ClassVar[frozenset[str]] = frozenset({"WORKING", "READY"})
    status_words: ClassVar[frozenset[str]] = STATUSES
    quirks: WawpQuirks

    def __init__(
        self,
        simulator: Simulator,
        instance_id: str,
        *,
        token: str = "wawp-token",
        name: str = "Wawp",
        status: str = "WORKING",
        number: str = "15550101",
        engine: str = "NOWEB",
        **quirks: Any,
    ) -> None:
        """Begin with no webhook and the vendor's own filters."""
        self.quirks = WawpQuirks()
        super().__init__(
            simulator,
            instance_id,
            token=token,
            name=name,
            status=status,
            number=number,
            engine=engine,
        )
        self.set_quirks(quirks)
        self.system_config: dict[str, Any] = {"ignore": {"status": True}}
        self.webhook_writes = 0
        self._webhooks: list[dict[str, Any]] = []

    @property
    @override
    def session(self) -> str:
        return self.quirks.session_name or f"wawp-{self.instance_id}"

    # -------------------------------------------------------------- webhooks

    @property
    @override
    def webhooks(self) -> list[dict[str, Any]]:
        return deepcopy(self._webhooks)

    @override
    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Add an entry as the dashboard does; it may have fields of its own."""
        hook = {
            "url": url,
            "events": ["presence.update", "session.status"],
            "is_active": True,
            **fields,
        }
        self._webhooks.append(hook)
        self.owned_by_user(url)
        return deepcopy(hook)

    @override
    def remove_webhook(self, url: str) -> None:
        self._webhooks = [hook for hook in self._webhooks if hook["url"] != url]

    def overwrite_webhooks(self, hooks: list[dict[str, Any]]) -> None:
        """Replace the whole list (DOC)."""
        self._webhooks = deepcopy(hooks)
        self.webhook_writes += 1

    @override
    def emit(
        self, envelope: dict[str, Any], *, chat: str = ""
    ) -> list[asyncio.Future[None]]:
        body: Any = envelope
        if self.quirks.event_as == "array":
            body = [envelope]
        elif self.quirks.event_as == "string":
            body = json.dumps(envelope)
        raw = json.dumps(body).encode()
        return [
            self.simulator.delivery.send(hook["url"], raw, {}, chat=chat, retries=15)
            for hook in self._webhooks
            if hook.get("is_active", True) and envelope["event"] in hook["events"]
        ]

    @override
    def shape(self, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """The vendor's page has one flat payload a participant (DOC)."""
        if self.quirks.event_shape == "presences":
            return [payload]
        return [
            {
                "chatId": payload["id"],
                "type": WAHA_WORDS[entry["lastKnownPresence"]],
                "from": entry["participant"],
            }
            for entry in payload["presences"]
            if "lastKnownPresence" in entry
        ]


class Dialect:
    """The HTTP side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's Wawp accounts."""
        self.simulator = simulator
        self._door = Door(self._find)
        self._calls = (
            PresenceCalls(self._door),
            SessionCalls(self._door),
            ListCalls(self._door),
        )

    def _find(self, instance_id: str) -> WawpAccount | None:
        account = self.simulator.accounts.get(("wawp", instance_id))
        return account if isinstance(account, WawpAccount) else None

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/v2`."""
        return [
            *(route for calls in self._calls for route in calls.routes()),
            web.route("*", "/v2/{rest:.*}", self._door.guard(self._door.nothing)),
        ]
