"""WAHA's dialect (self-hosted): a key, sessions, a WebSocket, signed webhooks.

Each docstring names how sure the behaviour is: DOC, SRC, RUN, OBS, INF.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override
from uuid import uuid4

from aiohttp import WSCloseCode, web

from .engine import (
    VERSION,
    ConnectionLostError,
    EngineAccount,
    EngineQuirks,
    NotWorkingError,
)
from .sockets import Sockets
from .world import MAX_WEBHOOKS, Group

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
# Seconds that a call waits for a session that nobody has (RUN).
WAIT_UNKNOWN: Final = 5.0
_LID: Final = re.compile(r"\d+@lid", re.ASCII)
_NUMBER: Final = re.compile(r"\+?\d+(@c\.us|@s\.whatsapp\.net)?", re.ASCII)


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


class _RefusalError(Exception):
    """A call that is refused."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def _refusal(status: int, message: str) -> _RefusalError:
    return _RefusalError(status, {"message": message, "statusCode": status})


type Handler = Callable[
    [web.Request], Awaitable[dict[str, Any] | list[Any] | web.Response]
]


class Dialect:
    """The HTTP and WebSocket side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's WAHA accounts."""
        self.simulator = simulator
        # RUN: one ping to all every 60 s; None: no pings.
        self.heartbeat: float | None = 60.0
        self._sockets = Sockets(
            simulator, accounts=self._all, heartbeat=lambda: self.heartbeat
        )

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api`, `/ws` and `/ping`."""
        session = "/api/{instance}"
        presence = session + "/presence"
        one = "/api/sessions/{instance}"
        return [
            web.get("/ws", self._sockets.serve),
            web.get("/ping", self._ping),
            web.get("/api/server/version", self._guard(self._version)),
            web.get("/api/sessions", self._guard(self._list_sessions)),
            web.get(one, self._guard(self._get_session)),
            web.put(one, self._guard(self._put_session)),
            web.post(one + "/start", self._guard(self._start)),
            web.post(one + "/stop", self._guard(self._stop)),
            web.post(one + "/restart", self._guard(self._restart)),
            web.get(one + "/me", self._guard(self._me)),
            web.get("/api/contacts/check-exists", self._guard(self._check_exists)),
            web.get("/api/contacts/profile-picture", self._guard(self._picture)),
            web.get("/api/contacts/all", self._guard(self._contacts)),
            web.post(presence + "/{chat}/subscribe", self._guard(self._subscribe)),
            web.get(presence + "/{chat}", self._guard(self._get_presence)),
            web.get(presence, self._guard(self._get_presences)),
            web.post(presence, self._guard(self._set_own_presence)),
            web.get(session + "/chats", self._guard(self._chats)),
            web.get(session + "/chats/overview", self._guard(self._overview)),
            web.get(session + "/lids/pn/{phone}", self._guard(self._lid_of)),
            web.get(session + "/lids/{lid}", self._guard(self._number_of)),
            web.get(session + "/groups", self._guard(self._groups)),
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

    def _all(self) -> list[WahaAccount]:
        return [
            account
            for account in self.simulator.accounts.values()
            if isinstance(account, WahaAccount)
        ]

    def _accounts(self, key: str) -> list[WahaAccount]:
        return [account for account in self._all() if account.token_is(key)]

    def _find(self, request: web.Request, name: str) -> WahaAccount | None:
        """The session of a name that the key opens; 429 if that is switched on."""
        for account in self._accounts(request.headers["X-Api-Key"]):
            if account.instance_id == name:
                if account.over_limit():
                    raise _refusal(429, "Too Many Requests")
                return account
        return None

    def _session(self, request: web.Request) -> WahaAccount:
        """The session of a call of its own; 404 at once (RUN)."""
        if (account := self._find(request, request.match_info["instance"])) is None:
            raise _refusal(404, "Session not found")
        return account

    async def _working(
        self, request: web.Request, name: str | None = None
    ) -> WahaAccount:
        """The session of a call that needs it WORKING (RUN).

        Unknown: 422 after 5 s, on CORE at once. Not WORKING: 422 after 5 s, or 10 s
        if it is STARTING. Lost just now: 500.
        """
        name = name or request.match_info["instance"]
        if (account := self._find(request, name)) is None:
            raise await self._unknown(request, name)
        try:
            await account.come_to_work()
        except NotWorkingError:
            raise _RefusalError(
                422,
                {
                    "error": "Session status is not as expected. "
                    "Try again later or restart the session",
                    "session": account.session,
                    "status": account.status,
                    "expected": ["WORKING"],
                },
            ) from None
        except ConnectionLostError:
            raise _crash(request, account, "Connection Closed") from None
        return account

    async def _unknown(self, request: web.Request, name: str) -> _RefusalError:
        mine = self._accounts(request.headers["X-Api-Key"])
        if all(account.quirks.tier == "CORE" for account in mine):
            return _refusal(422, "WAHA Core support only 'default' session")
        await self.simulator.clock.delay(WAIT_UNKNOWN)
        return _RefusalError(
            422, {"error": f'Session "{name}" does not exist', "session": name}
        )

    async def _query_session(self, request: web.Request) -> WahaAccount:
        return await self._working(request, request.query.get("session") or "default")

    async def _with_store(
        self, request: web.Request, name: str | None = None
    ) -> WahaAccount:
        """The session of a call that needs the store; 400 without (RUN)."""
        account = await self._working(request, name)
        if not account.has_store:
            raise _RefusalError(
                400,
                {
                    "message": "Enable NOWEB store: "
                    '"config.noweb.store.enabled=True" when starting a new session',
                    "error": "Bad Request",
                    "statusCode": 400,
                },
            )
        return account

    async def _with_presence(self, request: web.Request) -> WahaAccount:
        account = await self._working(request)
        if account.presence_is_broken:
            raise _crash(request, account, "window.WAHA.subscribe is not a function")
        return account

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
        """POST presence/{chatId}/subscribe: no body; 201, empty, any text (RUN)."""
        account = await self._with_presence(request)
        account.ask_to_subscribe(_chat_id(request))
        return web.Response(status=201)

    async def _get_presence(self, request: web.Request) -> dict[str, Any]:
        """GET presence/{chatId}: subscribes as well; what is remembered (RUN)."""
        account = await self._with_presence(request)
        return await account.ask_presence(_chat_id(request))

    async def _get_presences(self, request: web.Request) -> list[Any]:
        """GET presence: all that is remembered (SRC)."""
        return (await self._with_presence(request)).ask_presences()

    async def _set_own_presence(self, request: web.Request) -> web.Response:
        """POST presence (DOC): online and offline without chatId."""
        account = await self._with_presence(request)
        body = await self._json(request)
        if body.get("presence") not in {"online", "offline"} or "chatId" in body:
            raise _refusal(400, "presence must be online or offline, without chatId")
        account.announce(body["presence"] == "online")
        return web.Response(status=201)

    # --------------------------------------------------------------- sessions

    async def _ping(self, request: web.Request) -> web.Response:
        """GET /ping (SRC): no key needed."""
        return web.json_response({"message": "pong"})

    async def _version(self, request: web.Request) -> dict[str, Any]:
        """GET server/version (DOC)."""
        return self._accounts(request.headers["X-Api-Key"])[0].environment()

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

    async def _start(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/start: 422 of a FAILED session (RUN)."""
        account = self._session(request)
        if account.status == "FAILED":
            raise _refusal(422, f"Session '{account.session}' is FAILED, restart it")
        if account.status == "STOPPED":
            await account.restart()
        return web.json_response(account.describe(), status=201)

    async def _stop(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/stop (DOC)."""
        account = self._session(request)
        await account.set_status("STOPPED")
        return web.json_response(account.describe(), status=201)

    async def _restart(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/restart (DOC)."""
        account = self._session(request)
        await account.restart()
        return web.json_response(account.describe(), status=201)

    async def _me(self, request: web.Request) -> dict[str, Any]:
        """GET sessions/{name}/me (SRC)."""
        account = await self._working(request)
        me: dict[str, Any] = account.describe()["me"]
        return me

    # ---------------------------------------------------------- chats and ids

    async def _chats(self, request: web.Request) -> list[Any]:
        """GET chats (DOC): id and name, from the store."""
        account = await self._with_store(request)
        listed = _page(request, account.list_chats())
        return [{"id": chat.chat_id, "name": chat.name} for chat in listed]

    async def _overview(self, request: web.Request) -> list[Any]:
        """GET chats/overview: asks WhatsApp for each picture (SRC, all engines)."""
        account = await self._with_store(request)
        listed = _page(request, account.list_chats())
        account.activity("overview")
        return [
            {
                "id": chat.chat_id,
                "name": chat.name,
                "picture": account.ask_picture(chat),
                "lastMessage": None,
            }
            for chat in listed
        ]

    async def _check_exists(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/check-exists (DOC)."""
        account = await self._query_session(request)
        return account.check_exists(request.query.get("phone", ""))

    async def _picture(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/profile-picture (SRC)."""
        account = await self._query_session(request)
        contact = request.query.get("contactId", "")
        return {"profilePictureURL": account.picture_of(contact)}

    async def _contacts(self, request: web.Request) -> list[Any]:
        """GET contacts/all (SRC): @c.us and @lid mixed, from the store."""
        account = await self._with_store(
            request, request.query.get("session") or "default"
        )
        return _page(request, account.list_contacts())

    async def _lid_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/pn/{phone} (DOC); null when unknown yet."""
        account = await self._with_store(request)
        phone = request.match_info["phone"]
        if not _NUMBER.fullmatch(phone):
            raise _refusal(422, "Invalid phone number")
        number = f"{phone.partition('@')[0].lstrip('+')}@c.us"
        return {"lid": account.pair_of(number)[1], "pn": number}

    async def _number_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/{lid} (DOC); null when unknown yet; 422 for what is none (RUN)."""
        account = await self._with_store(request)
        lid = request.match_info["lid"]
        lid = lid if "@" in lid else f"{lid}@lid"
        if not _LID.fullmatch(lid):
            raise _refusal(422, "Invalid LID")
        return {"lid": lid, "pn": account.pair_of(lid)[0]}

    async def _groups(self, request: web.Request) -> list[Any]:
        """GET groups: with names, with the store off too (RUN)."""
        account = await self._working(request)
        return _page(
            request,
            [
                {"id": group.chat_id, "subject": group.name, "name": group.name}
                for group in account.groups.values()
            ],
        )

    async def _members(self, request: web.Request) -> list[Any]:
        """GET groups/{id}/participants (RUN): 500 for a group of others."""
        account = await self._working(request)
        group = account.find(request.match_info["chat"])
        if not isinstance(group, Group):
            raise _crash(request, account, "item-not-found")
        return account.group_members(group)

    # -------------------------------------------------------------- WebSocket

    def broadcast(
        self, account: WahaAccount, event: str, raw: bytes, chat: str
    ) -> list[asyncio.Future[None]]:
        """Send an envelope to all sockets that want it."""
        return self._sockets.broadcast(account, event, raw, chat)

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


def _chat_id(request: web.Request) -> str:
    """The chat id of the path, whatever it is; `@lid` stays `@lid` (RUN, SRC)."""
    return request.match_info["chat"].replace("@s.whatsapp.net", "@c.us")


def _crash(request: web.Request, account: WahaAccount, words: str) -> _RefusalError:
    """An exception that the server lets out, with its stack (RUN)."""
    return _RefusalError(
        500,
        {
            "statusCode": 500,
            "timestamp": datetime.fromtimestamp(
                account.simulator.clock(), UTC
            ).isoformat(),
            "exception": {
                "message": words,
                "name": "Error",
                "stack": f"Error: {words}\n    at process.processTicksAndRejections",
            },
            "request": {
                "path": request.path,
                "method": request.method,
                "body": {},
                "query": dict(request.query),
            },
            "version": account.environment(),
        },
    )


def _page[T](request: web.Request, rows: list[T]) -> list[T]:
    """Cut out `offset` and `limit`."""
    try:
        offset = max(int(request.query.get("offset", "0")), 0)
        limit = max(int(request.query.get("limit", str(len(rows)))), 0)
    except ValueError:
        raise _refusal(400, "limit and offset are numbers") from None
    return rows[offset : offset + limit]
