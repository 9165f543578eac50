"""WAHA's dialect (self-hosted): a key, sessions, a WebSocket, signed webhooks.

Each docstring names how sure the behaviour is: DOC, SRC, INF.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, override
from uuid import uuid4

from aiohttp import WSCloseCode, web

from .delivery import Delivery, Outcome
from .engine import SERVERS, EngineAccount, EngineQuirks
from .world import MAX_WEBHOOKS, Chat, Group, Person

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
VERSION: Final = "2026.9.1"
MAX_SOCKETS: Final = 64
MAX_QUEUE: Final = 5_000
SOCKET_URL: Final = "websocket"


@dataclass(slots=True)
class WahaQuirks(EngineQuirks):
    """What WAHA's engines do differently; tags_events_on is off by default (DOC)."""

    tags_events_on: bool = False


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
    @override
    def keeps_subscriptions(self) -> bool:
        """NOWEB subscribes again after a reconnect, GOWS does not (SRC).

        Of WEBJS and WPP nothing is told; as the others, they forget (README 1).
        """
        return self.engine == "NOWEB"

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
        """The configuration as the server tells it."""
        config = deepcopy(self.config)
        if self.engine == "WEBJS":
            webjs = config.setdefault("webjs", {})
            webjs["tagsEventsOn"] = self.quirks.tags_events_on
        return config

    async def overwrite_config(self, config: dict[str, Any]) -> None:
        """Take a whole new configuration, which restarts the session (DOC)."""
        self.config = deepcopy(config)
        self.config_writes += 1
        webjs = config.get("webjs", {})
        self.quirks.tags_events_on = webjs.get("tagsEventsOn") is True
        self.lose_subscriptions()
        await self.push_reconnected()

    @override
    def envelope(self, event: str, payload: Any) -> dict[str, Any]:
        return super().envelope(event, payload) | {
            "environment": {"tier": "PLUS", "version": VERSION}
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

    def describe(self) -> dict[str, Any]:
        """The session as the server tells it (DOC)."""
        return {
            "name": self.session,
            "status": self.status,
            "config": self.described_config(),
            "me": {"id": self.me.chat_id, "lid": self.me.lid, "pushName": self.name}
            if self.ready
            else None,
            "engine": {"engine": self.engine},
        }


class _RefusalError(Exception):
    """A call that is refused."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def _refusal(status: int, message: str) -> _RefusalError:
    return _RefusalError(status, {"message": message, "statusCode": status})


@dataclass(slots=True, eq=False)
class _Socket:
    """A client of /ws, and what waits to be sent to it."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport | None
    key: str
    session: str
    events: frozenset[str]
    queue: asyncio.Queue[tuple[bytes, str, asyncio.Future[None]]]

    def wants(self, account: WahaAccount, event: str) -> bool:
        return (
            account.token_is(self.key)
            and self.session in {"*", account.session}
            and bool(self.events & {"*", event})
        )


type Handler = Callable[
    [web.Request], Awaitable[dict[str, Any] | list[Any] | web.Response]
]


class Dialect:
    """The HTTP and WebSocket side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's WAHA accounts."""
        self.simulator = simulator
        # DOC: a ping every 60 s.
        self.heartbeat: float | None = 60.0
        self._sockets: set[_Socket] = set()

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api`, `/ws` and `/ping`."""
        session = "/api/{instance}"
        presence = session + "/presence"
        return [
            web.get("/ws", self._websocket),
            web.get("/ping", self._ping),
            web.get("/api/server/version", self._guard(self._version)),
            web.get("/api/sessions", self._guard(self._list_sessions)),
            web.get("/api/sessions/{instance}", self._guard(self._get_session)),
            web.put("/api/sessions/{instance}", self._guard(self._put_session)),
            web.get("/api/sessions/{instance}/me", self._guard(self._me)),
            web.get("/api/contacts/check-exists", self._guard(self._check_exists)),
            web.get("/api/contacts/profile-picture", self._guard(self._picture)),
            web.get("/api/contacts/all", self._guard(self._contacts)),
            web.post(presence + "/{chat}/subscribe", self._guard(self._subscribe)),
            web.get(presence + "/{chat}", self._guard(self._get_presence)),
            web.post(presence, self._guard(self._set_own_presence)),
            web.get(session + "/chats/overview", self._guard(self._overview)),
            web.get(session + "/lids/pn/{phone}", self._guard(self._lid_of)),
            web.get(session + "/lids/{lid}", self._guard(self._number_of)),
            web.get(
                session + "/groups/{chat}/participants", self._guard(self._members)
            ),
            web.route("*", "/api/{rest:.*}", self._guard(self._nothing)),
        ]

    # --------------------------------------------------------------- refusals

    def _guard(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Check the key (DOC: 401), and answer refusals as JSON."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                if not self._accounts(request.headers.get("X-Api-Key", "")):
                    raise _refusal(401, "Unauthorized")
                answer = await handler(request)
            except _RefusalError as refusal:
                return web.json_response(refusal.body, status=refusal.status)
            if isinstance(answer, web.Response):
                return answer
            return web.json_response(answer)

        return guarded

    def _accounts(self, key: str) -> list[WahaAccount]:
        return [
            account
            for account in self.simulator.accounts.values()
            if isinstance(account, WahaAccount) and account.token_is(key)
        ]

    def _session(self, request: web.Request, name: str | None = None) -> WahaAccount:
        """The session of a call; 404 (DOC), or 429 if that is switched on."""
        wanted = name or request.match_info["instance"]
        for account in self._accounts(request.headers["X-Api-Key"]):
            if account.instance_id == wanted:
                if account.over_limit():
                    raise _refusal(429, "Too Many Requests")
                return account
        raise _refusal(404, "Session not found")

    def _working(self, request: web.Request, name: str | None = None) -> WahaAccount:
        """The session of a call that needs it WORKING; 422 (DOC)."""
        account = self._session(request, name)
        if not account.ready:
            raise _RefusalError(
                422,
                {
                    "error": "The session is not working",
                    "session": account.session,
                    "status": account.status,
                    "expected": ["WORKING"],
                },
            )
        return account

    def _chat_id(self, request: web.Request) -> str:
        """The chat id of the path; `@lid` stays `@lid` (SRC)."""
        chat_id = request.match_info["chat"]
        user, _, server = chat_id.partition("@")
        if server not in SERVERS or not re.fullmatch(r"\d+(-\d+)?", user, re.ASCII):
            raise _refusal(400, "chatId is invalid")
        return chat_id.replace("@s.whatsapp.net", "@c.us")

    async def _json(self, request: web.Request) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise _refusal(400, "The body must be JSON")
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise _refusal(400, "The body is not JSON") from None
        if not isinstance(body, dict):
            raise _refusal(400, "The body is not an object")
        return body

    async def _nothing(self, request: web.Request) -> dict[str, Any]:
        raise _refusal(404, "No such call")

    # --------------------------------------------------------------- presence

    async def _subscribe(self, request: web.Request) -> web.Response:
        """POST presence/{chatId}/subscribe (DOC): no body; 201, empty."""
        account = self._working(request)
        account.subscribe(self._chat_id(request))
        return web.Response(status=201)

    async def _get_presence(self, request: web.Request) -> dict[str, Any]:
        """GET presence/{chatId} (DOC): subscribes as well, and returns the state."""
        account = self._working(request)
        chat_id = self._chat_id(request)
        account.subscribe(chat_id)
        if (chat := account.find(chat_id)) is None:
            return {"id": chat_id, "presences": []}
        return account.chat_presence(chat, asked=chat_id)

    async def _set_own_presence(self, request: web.Request) -> web.Response:
        """POST presence (DOC): online and offline without chatId."""
        account = self._working(request)
        body = await self._json(request)
        if body.get("presence") not in {"online", "offline"} or "chatId" in body:
            raise _refusal(400, "presence must be online or offline, without chatId")
        account.own_presence = body["presence"]
        account.own_presence_calls += 1
        return web.Response(status=201)

    # --------------------------------------------------------------- sessions

    async def _ping(self, request: web.Request) -> web.Response:
        """GET /ping (SRC): no key needed."""
        return web.json_response({"message": "pong"})

    async def _version(self, request: web.Request) -> dict[str, Any]:
        """GET server/version (DOC)."""
        key = request.headers["X-Api-Key"]
        return {
            "version": VERSION,
            "engine": self._accounts(key)[0].engine,
            "tier": "PLUS",
        }

    async def _list_sessions(self, request: web.Request) -> list[Any]:
        """GET sessions (DOC): stopped ones only with all=true."""
        everything = request.query.get("all") == "true"
        return [
            account.describe()
            for account in self._accounts(request.headers["X-Api-Key"])
            if everything or account.status != "STOPPED"
        ]

    async def _get_session(self, request: web.Request) -> dict[str, Any]:
        """GET sessions/{name} (DOC)."""
        return self._session(request).describe()

    async def _put_session(self, request: web.Request) -> dict[str, Any]:
        """PUT sessions/{name} (DOC): the whole config, and the session restarts."""
        account = self._session(request)
        config = (await self._json(request)).get("config")
        if not isinstance(config, dict):
            raise _refusal(400, "config is required")
        hooks = config.get("webhooks", [])
        if (
            not isinstance(hooks, list)
            or len(hooks) > MAX_WEBHOOKS
            or not all(
                isinstance(hook, dict)
                and isinstance(hook.get("url"), str)
                and isinstance(hook.get("events"), list)
                for hook in hooks
            )
        ):
            raise _refusal(400, "config.webhooks is invalid")
        await account.overwrite_config(config)
        return account.describe()

    async def _me(self, request: web.Request) -> dict[str, Any]:
        """GET sessions/{name}/me (SRC)."""
        account = self._working(request)
        me: dict[str, Any] = account.describe()["me"]
        return me

    # ---------------------------------------------------------- chats and ids

    async def _overview(self, request: web.Request) -> list[Any]:
        """GET chats/overview (DOC)."""
        account = self._working(request)
        chats: list[Chat] = [*account.people.values(), *account.groups.values()]
        return _page(
            request,
            [
                {
                    "id": chat.chat_id,
                    "name": chat.name,
                    "picture": self._picture_url(chat),
                    "lastMessage": None,
                }
                for chat in chats
            ],
        )

    async def _check_exists(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/check-exists (DOC)."""
        account = self._working(request, request.query.get("session") or "default")
        return account.check_exists(request.query.get("phone", ""))

    async def _picture(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/profile-picture (SRC)."""
        account = self._working(request, request.query.get("session") or "default")
        chat = account.find(request.query.get("contactId", ""))
        return {"profilePictureURL": self._picture_url(chat)}

    async def _contacts(self, request: web.Request) -> list[Any]:
        """GET contacts/all (SRC): @c.us and @lid mixed."""
        account = self._working(request, request.query.get("session") or "default")
        return _page(
            request,
            [
                {
                    "id": contact_id,
                    "name": person.name,
                    "pushname": person.name,
                    "isWAContact": person.on_whatsapp,
                }
                for person in account.people.values()
                for contact_id in (person.chat_id, person.lid)
                if contact_id is not None
            ],
        )

    async def _lid_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/pn/{phone} (DOC); null when unknown."""
        account = self._working(request)
        number = f"{request.match_info['phone'].partition('@')[0]}@c.us"
        person = account.find(number)
        return {"lid": person.lid if isinstance(person, Person) else None, "pn": number}

    async def _number_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/{lid} (DOC); null when unknown."""
        account = self._working(request)
        lid = f"{request.match_info['lid'].partition('@')[0]}@lid"
        person = account.find(lid)
        return {
            "lid": lid,
            "pn": person.chat_id if isinstance(person, Person) else None,
        }

    async def _members(self, request: web.Request) -> list[Any]:
        """GET groups/{id}/participants (SRC)."""
        account = self._working(request)
        group = account.find(self._chat_id(request))
        if not isinstance(group, Group):
            raise _refusal(404, "Group not found")
        return account.group_members(group)

    def _picture_url(self, chat: Chat | None) -> str | None:
        if isinstance(chat, Person) and chat.picture is not None:
            return f"{self.simulator.url}{chat.picture}"
        return None

    # -------------------------------------------------------------- WebSocket

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        """GET /ws (DOC): close code 1008 is a refusal; a ping every 60 s."""
        key: str = request.query.get("x-api-key", "")
        key = key or request.headers.get("X-Api-Key", "")
        if not self._accounts(key) or len(self._sockets) >= MAX_SOCKETS:
            refused = web.WebSocketResponse()
            await refused.prepare(request)
            await refused.close(
                code=WSCloseCode.POLICY_VIOLATION, message=b"Unauthorized"
            )
            return refused
        ws = web.WebSocketResponse(heartbeat=self.heartbeat)
        await ws.prepare(request)
        events = frozenset(
            name
            for value in request.query.getall("events", ["*"])
            for name in value.split(",")
        )
        socket = _Socket(
            ws=ws,
            transport=request.transport,
            key=key,
            session=request.query.get("session", "*"),
            events=events,
            queue=asyncio.Queue(MAX_QUEUE),
        )
        self._sockets.add(socket)
        sender = asyncio.get_running_loop().create_task(self._send(socket))
        try:
            async for _ in ws:
                pass
        finally:
            self._sockets.discard(socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            _drain(socket)
        return ws

    async def _send(self, socket: _Socket) -> None:
        """Send what waits, in order."""
        while True:
            raw, chat, done = await socket.queue.get()
            try:
                await socket.ws.send_str(raw.decode())
                self._note(raw, chat, Outcome.DELIVERED)
            except ConnectionError:
                self._note(raw, chat, Outcome.FAILED)
            finally:
                if not done.done():
                    done.set_result(None)

    def broadcast(
        self, account: WahaAccount, event: str, raw: bytes, chat: str
    ) -> list[asyncio.Future[None]]:
        """Send an envelope to all sockets that want it."""
        jobs: list[asyncio.Future[None]] = []
        for socket in self._sockets:
            if not socket.wants(account, event):
                continue
            if socket.queue.full():
                self._note(raw, chat, Outcome.DROPPED)
                continue
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            socket.queue.put_nowait((raw, chat, done))
            jobs.append(done)
        return jobs

    def _note(self, raw: bytes, chat: str, outcome: Outcome) -> None:
        self.simulator.delivery.note(
            Delivery(
                url=SOCKET_URL,
                body=raw,
                chat=chat,
                outcome=outcome,
                attempt=1,
                time=self.simulator.clock(),
            )
        )

    @property
    def sockets(self) -> int:
        """How many WebSocket clients are connected."""
        return len(self._sockets)

    async def close_sockets(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close all WebSockets; 1008 is what a revoked key looks like."""
        for socket in list(self._sockets):
            await socket.ws.close(code=code)

    def abort_sockets(self) -> None:
        """Tear all WebSockets down without a word, as a pulled plug does."""
        for socket in list(self._sockets):
            if socket.transport is not None:
                socket.transport.abort()


def _drain(socket: _Socket) -> None:
    """Let nobody wait for what can't be sent any more."""
    while not socket.queue.empty():
        done = socket.queue.get_nowait()[2]
        if not done.done():
            done.set_result(None)


def _page(request: web.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cut out `offset` and `limit`."""
    try:
        offset = max(int(request.query.get("offset", "0")), 0)
        limit = max(int(request.query.get("limit", str(len(rows)))), 0)
    except ValueError:
        raise _refusal(400, "limit and offset are numbers") from None
    return rows[offset : offset + limit]
