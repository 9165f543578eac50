"""WAHA's dialect (self-hosted): a key, sessions, a WebSocket, signed webhooks.

Each docstring names how sure the behaviour is: DOC, SRC, RUN, OBS, INF.
"""

import asyncio
from copy import deepcopy
from dataclasses import dataclass
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override
from uuid import uuid4

from aiohttp import WSCloseCode, web

from .engine import VERSION, EngineAccount, EngineQuirks
from .sockets import Socket, Sockets
from .waha_calls import Door, ListCalls, PresenceCalls, SessionCalls, refusal

if TYPE_CHECKING:
    from .server import Simulator

STATUSES: Final = frozenset(
    {
        "STOPPED",
        "STARTING",
        "SCAN_QR_CODE",
        "PASSKEY_REQUIRED",
        "PASSKEY_CONFIRMATION_REQUIRED",
        "WORKING",
        "FAILED",
    }
)
# OBS: on WEBJS presence calls answered 500 before this version.
WEBJS_MENDED: Final = (2026, 9, 1)


@dataclass(slots=True)
class WahaQuirks(EngineQuirks):
    """What WAHA's servers do differently; what the user has to switch on is off."""

    tags_events_on: bool = False
    store: bool = False
    # DOC: config.noweb.markOnline.
    mark_online: bool = True
    # CORE knows one session, `default` (RUN).
    tier: Literal["CORE", "PLUS"] = "PLUS"
    version: str = VERSION

    @property
    def webjs_is_broken(self) -> bool:
        """Whether WEBJS's presence calls fail in this version (OBS)."""
        return tuple(int(part) for part in self.version.split(".")) < WEBJS_MENDED


def sign(raw: bytes, key: str) -> str:
    """Hex HMAC-SHA512 of the raw body (DOC, with a test vector)."""
    return hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()


class WahaAccount(EngineAccount):
    """A session of a WAHA server; its token is the server's API key."""

    gateway: ClassVar[str] = "waha"
    ready_words: ClassVar[frozenset[str]] = frozenset({"WORKING"})
    status_words: ClassVar[frozenset[str]] = STATUSES
    quirks: WahaQuirks

    def __init__(
        self,
        simulator: Simulator,
        instance_id: str,
        *,
        token: str = "waha-key",
        name: str = "WAHA",
        status: str = "WORKING",
        number: str = "15550102",
        engine: str = "NOWEB",
        **quirks: Any,
    ) -> None:
        """Begin with an empty configuration."""
        self.quirks = WahaQuirks()
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
        self.config: dict[str, Any] = {"webhooks": []}
        self.config_writes = 0

    @property
    @override
    def session(self) -> str:
        return self.instance_id

    @property
    def has_store(self) -> bool:
        """NOWEB keeps chats, contacts and lids only when told to (RUN)."""
        return self.engine != "NOWEB" or self.quirks.store

    @property
    def presence_is_broken(self) -> bool:
        """WEBJS before it was mended (OBS)."""
        return self.engine == "WEBJS" and self.quirks.webjs_is_broken

    # -------------------------------------------------------------- webhooks

    @property
    @override
    def webhooks(self) -> list[dict[str, Any]]:
        return deepcopy(self.config.get("webhooks", []))

    @override
    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Add a webhook to the configuration, as the user does in the dashboard."""
        hook = {"url": url, "events": ["presence.update", "session.status"], **fields}
        self.config.setdefault("webhooks", []).append(hook)
        self.owned_by_user(url)
        return deepcopy(hook)

    @override
    def remove_webhook(self, url: str) -> None:
        self.config["webhooks"] = [h for h in self.webhooks if h["url"] != url]

    def described_config(self) -> dict[str, Any]:
        """The configuration as the server tells it (DOC)."""
        config = deepcopy(self.config)
        if self.engine == "WEBJS":
            webjs = config.setdefault("webjs", {})
            webjs["tagsEventsOn"] = self.quirks.tags_events_on
        if self.engine == "NOWEB":
            noweb = config.setdefault("noweb", {})
            noweb["markOnline"] = self.quirks.mark_online
            noweb["store"] = {"enabled": self.quirks.store, "fullSync": False}
        return config

    async def overwrite_config(self, config: dict[str, Any]) -> None:
        """Take a whole new configuration, which restarts the session (DOC)."""
        self.config = deepcopy(config)
        self.config_writes += 1
        webjs = config.get("webjs", {})
        self.quirks.tags_events_on = webjs.get("tagsEventsOn") is True
        store = config.get("noweb", {}).get("store", {})
        self.quirks.store = store.get("enabled") is True
        await self.restart()

    async def restart(self) -> None:
        """Stop and start the session; what it remembered is gone."""
        self.lose_subscriptions()
        self.memory.wipe()
        self._knows_itself = False
        await self.push_reconnected()

    @override
    def envelope(self, event: str, payload: Any) -> dict[str, Any]:
        return super().envelope(event, payload) | {"environment": self.environment()}

    def environment(self) -> dict[str, Any]:
        """The server, as every event names it (RUN)."""
        return {
            "version": self.quirks.version,
            "engine": self.engine,
            "tier": self.quirks.tier,
            "browser": "/usr/bin/chromium" if self.engine in {"WEBJS", "WPP"} else None,
            "platform": "linux/x64",
            "worker": {"id": None},
        }

    @override
    def emit(
        self, envelope: dict[str, Any], *, chat: str = ""
    ) -> list[asyncio.Future[None]]:
        """To the sockets, and to the webhooks: signed, 15 retries (DOC)."""
        event = envelope["event"]
        raw = json.dumps(envelope).encode()
        jobs = self.simulator.waha.broadcast(self, event, raw, chat)
        for hook in self.config.get("webhooks", []):
            if event not in hook["events"] and "*" not in hook["events"]:
                continue
            headers = {
                "X-Webhook-Request-Id": uuid4().hex,
                "X-Webhook-Timestamp": str(int(self.simulator.clock() * 1000)),
            }
            for custom in hook.get("customHeaders") or ():
                headers[custom["name"]] = custom["value"]
            if key := (hook.get("hmac") or {}).get("key"):
                headers["X-Webhook-Hmac"] = sign(raw, key)
                headers["X-Webhook-Hmac-Algorithm"] = "sha512"
            retries = (hook.get("retries") or {}).get("attempts", 15)
            jobs.append(
                self.simulator.delivery.send(
                    hook["url"], raw, headers, chat=chat, retries=retries
                )
            )
        return jobs

    def push_stopped(self) -> list[asyncio.Future[None]]:
        """Say that the session stops with its server (RUN); it is there again later."""
        stopped = {"status": "STOPPED", "timestamp": int(self.simulator.clock() * 1000)}
        return self.emit(
            self.envelope(
                "session.status",
                {
                    "name": self.session,
                    "status": "STOPPED",
                    "statuses": [*self.statuses, stopped][-3:],
                },
            )
        )

    def describe(self) -> dict[str, Any]:
        """The session as the server tells it (DOC); what `presence` holds: UNKNOWN."""
        return {
            "name": self.session,
            "status": self.status,
            "config": self.described_config(),
            "me": {"id": self.me.chat_id, "lid": self.me.lid, "pushName": self.name}
            if self.ready
            else None,
            "engine": {"engine": self.engine},
            "presence": "online" if self.shown_online else "offline",
            "timestamps": {"activity": self._last_activity()},
        }

    def _last_activity(self) -> int:
        """Milliseconds (INF)."""
        spans = self.announcer.spans
        started = self._started
        return (
            int((spans[-1].end - self.announcer.seconds) * 1000) if spans else started
        )


class Dialect:
    """The HTTP and WebSocket side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's WAHA accounts."""
        self.simulator = simulator
        # RUN: one ping to all every 60 s; None: no pings.
        self.heartbeat: float | None = 60.0
        self._door = Door(simulator, self._all)
        self._calls = (
            PresenceCalls(self._door),
            SessionCalls(self._door),
            ListCalls(self._door),
        )
        self._sockets = Sockets(
            simulator, accounts=self._all, heartbeat=lambda: self.heartbeat
        )

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api`, `/ws` and `/ping`."""
        return [
            web.get("/ws", self._sockets.serve),
            web.get("/ping", self._ping),
            *(route for calls in self._calls for route in calls.routes()),
            web.route("*", "/api/{rest:.*}", self._door.guard(self._nothing)),
        ]

    def _all(self) -> list[WahaAccount]:
        return [
            account
            for account in self.simulator.accounts.values()
            if isinstance(account, WahaAccount)
        ]

    async def _ping(self, request: web.Request) -> web.Response:
        """GET /ping (SRC): no key needed."""
        return web.json_response({"message": "pong"})

    async def _nothing(self, request: web.Request) -> dict[str, Any]:
        raise refusal(404, "No such call")

    # -------------------------------------------------------------- WebSocket

    def broadcast(
        self, account: WahaAccount, event: str, raw: bytes, chat: str
    ) -> list[asyncio.Future[None]]:
        """Send an envelope to all sockets that want it."""
        return self._sockets.broadcast(account, event, raw, chat)

    @property
    def connected(self) -> frozenset[Socket]:
        """The sockets that are open."""
        return frozenset(self._sockets.connected)

    @property
    def sockets(self) -> int:
        """How many WebSocket clients are connected."""
        return len(self._sockets.connected)

    async def say_goodbye(self) -> None:
        """Tell the sockets that all sessions stop, 3 s before they drop (RUN)."""
        await self._sockets.say_goodbye()

    async def close_sockets(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close all WebSockets; 1008 is what a revoked key looks like."""
        await self._sockets.close(code)

    def abort_sockets(self) -> None:
        """Tear all WebSockets down without a word, as a pulled plug does."""
        self._sockets.abort()
