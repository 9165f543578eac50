"""WAHA's calls over HTTP: who may come in, presence, sessions, lists.

Each docstring names how sure the behaviour is: DOC, SRC, RUN, OBS, INF.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
import json
import re
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from .engine import ConnectionLostError, NotWorkingError
from .world import MAX_WEBHOOKS, Group

if TYPE_CHECKING:
    from .server import Simulator
    from .waha import WahaAccount

# Seconds that a call waits for a session that nobody has (RUN).
WAIT_UNKNOWN: Final = 5.0
_LID: Final = re.compile(r"\d+@lid", re.ASCII)
_NUMBER: Final = re.compile(r"\+?\d+(@c\.us|@s\.whatsapp\.net)?", re.ASCII)

type Handler = Callable[
    [web.Request], Awaitable[dict[str, Any] | list[Any] | web.Response]
]


class RefusalError(Exception):
    """A call that is refused."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        """Keep what is answered."""
        super().__init__(status)
        self.status = status
        self.body = body


def refusal(status: int, message: str) -> RefusalError:
    """A refusal in the form that most have."""
    return RefusalError(status, {"message": message, "statusCode": status})


class Door:
    """Who is let in, to which session, and how everybody else is sent away."""

    def __init__(
        self, simulator: Simulator, everybody: Callable[[], list[WahaAccount]]
    ) -> None:
        """Guard a simulator's WAHA accounts."""
        self.simulator = simulator
        self.all = everybody

    def guard(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Check the key (DOC: 401), and answer refusals as JSON."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                if not self.accounts(request.headers.get("X-Api-Key", "")):
                    raise refusal(401, "Unauthorized")
                answer = await handler(request)
            except RefusalError as err:
                return web.json_response(err.body, status=err.status)
            if isinstance(answer, web.Response):
                return answer
            return web.json_response(answer)

        return guarded

    def accounts(self, key: str) -> list[WahaAccount]:
        """The sessions that a key opens."""
        return [account for account in self.all() if account.token_is(key)]

    def _find(self, request: web.Request, name: str) -> WahaAccount | None:
        """The session of a name that the key opens; 429 if that is switched on."""
        for account in self.accounts(request.headers["X-Api-Key"]):
            if account.instance_id == name:
                if account.over_limit():
                    raise refusal(429, "Too Many Requests")
                return account
        return None

    def session(self, request: web.Request) -> WahaAccount:
        """The session of a call of its own; 404 at once (RUN)."""
        if (account := self._find(request, request.match_info["instance"])) is None:
            raise refusal(404, "Session not found")
        return account

    async def working(
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
            raise RefusalError(
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
            raise crash(request, account, "Connection Closed") from None
        return account

    async def _unknown(self, request: web.Request, name: str) -> RefusalError:
        mine = self.accounts(request.headers["X-Api-Key"])
        if all(account.quirks.tier == "CORE" for account in mine):
            return refusal(422, "WAHA Core support only 'default' session")
        await self.simulator.clock.delay(WAIT_UNKNOWN)
        return RefusalError(
            422, {"error": f'Session "{name}" does not exist', "session": name}
        )

    async def query_session(self, request: web.Request) -> WahaAccount:
        """The session that a query names."""
        return await self.working(request, request.query.get("session") or "default")

    async def with_store(
        self, request: web.Request, name: str | None = None
    ) -> WahaAccount:
        """The session of a call that needs the store; 400 without (RUN)."""
        account = await self.working(request, name)
        if not account.has_store:
            raise RefusalError(
                400,
                {
                    "message": "Enable NOWEB store: "
                    '"config.noweb.store.enabled=True" when starting a new session',
                    "error": "Bad Request",
                    "statusCode": 400,
                },
            )
        return account

    async def with_presence(self, request: web.Request) -> WahaAccount:
        """The session of a presence call; 500 where WEBJS is not mended (OBS)."""
        account = await self.working(request)
        if account.presence_is_broken:
            raise crash(request, account, "window.WAHA.subscribe is not a function")
        return account

    async def body(self, request: web.Request) -> dict[str, Any]:
        """The JSON object of a body; 400 for anything else."""
        if request.content_type != "application/json":
            raise refusal(400, "The body must be JSON")
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise refusal(400, "The body is not JSON") from None
        if not isinstance(body, dict):
            raise refusal(400, "The body is not an object")
        return body


class PresenceCalls:
    """Subscribing, asking, announcing."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api/{session}/presence`."""
        guard, presence = self.door.guard, "/api/{instance}/presence"
        return [
            web.post(presence + "/{chat}/subscribe", guard(self._subscribe)),
            web.get(presence + "/{chat}", guard(self._get_presence)),
            web.get(presence, guard(self._get_presences)),
            web.post(presence, guard(self._set_own_presence)),
        ]

    async def _subscribe(self, request: web.Request) -> web.Response:
        """POST presence/{chatId}/subscribe: no body; 201, empty, any text (RUN)."""
        account = await self.door.with_presence(request)
        account.ask_to_subscribe(_chat_id(request))
        return web.Response(status=201)

    async def _get_presence(self, request: web.Request) -> dict[str, Any]:
        """GET presence/{chatId}: subscribes as well; what is remembered (RUN)."""
        account = await self.door.with_presence(request)
        return await account.ask_presence(_chat_id(request))

    async def _get_presences(self, request: web.Request) -> list[Any]:
        """GET presence: all that is remembered (SRC)."""
        return (await self.door.with_presence(request)).ask_presences()

    async def _set_own_presence(self, request: web.Request) -> web.Response:
        """POST presence (DOC): online and offline without chatId."""
        account = await self.door.with_presence(request)
        body = await self.door.body(request)
        if body.get("presence") not in {"online", "offline"} or "chatId" in body:
            raise refusal(400, "presence must be online or offline, without chatId")
        account.announce(body["presence"] == "online")
        return web.Response(status=201)


class SessionCalls:
    """The sessions themselves, and the server."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/api/sessions` and `/api/server`."""
        guard, one = self.door.guard, "/api/sessions/{instance}"
        return [
            web.get("/api/server/version", guard(self._version)),
            web.get("/api/sessions", guard(self._list_sessions)),
            web.get(one, guard(self._get_session)),
            web.put(one, guard(self._put_session)),
            web.post(one + "/start", guard(self._start)),
            web.post(one + "/stop", guard(self._stop)),
            web.post(one + "/restart", guard(self._restart)),
            web.get(one + "/me", guard(self._me)),
        ]

    async def _version(self, request: web.Request) -> dict[str, Any]:
        """GET server/version (DOC)."""
        return self.door.accounts(request.headers["X-Api-Key"])[0].environment()

    async def _list_sessions(self, request: web.Request) -> list[Any]:
        """GET sessions (DOC): stopped ones only with all=true."""
        everything = request.query.get("all") == "true"
        return [
            account.describe()
            for account in self.door.accounts(request.headers["X-Api-Key"])
            if everything or account.status != "STOPPED"
        ]

    async def _get_session(self, request: web.Request) -> dict[str, Any]:
        """GET sessions/{name} (DOC)."""
        return self.door.session(request).describe()

    async def _put_session(self, request: web.Request) -> dict[str, Any]:
        """PUT sessions/{name} (DOC): the whole config, and the session restarts."""
        account = self.door.session(request)
        config = (await self.door.body(request)).get("config")
        if not isinstance(config, dict):
            raise refusal(400, "config is required")
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
            raise refusal(400, "config.webhooks is invalid")
        await account.overwrite_config(config)
        return account.describe()

    async def _start(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/start: 422 of a FAILED session (RUN)."""
        account = self.door.session(request)
        if account.status == "FAILED":
            raise refusal(422, f"Session '{account.session}' is FAILED, restart it")
        if account.status == "STOPPED":
            await account.restart()
        return web.json_response(account.describe(), status=201)

    async def _stop(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/stop (DOC)."""
        account = self.door.session(request)
        await account.set_status("STOPPED")
        return web.json_response(account.describe(), status=201)

    async def _restart(self, request: web.Request) -> web.Response:
        """POST sessions/{name}/restart (DOC)."""
        account = self.door.session(request)
        await account.restart()
        return web.json_response(account.describe(), status=201)

    async def _me(self, request: web.Request) -> dict[str, Any]:
        """GET sessions/{name}/me (SRC)."""
        account = await self.door.working(request)
        me: dict[str, Any] = account.describe()["me"]
        return me


class ListCalls:
    """Chats, contacts, groups and ids."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that lists or looks up."""
        guard, session = self.door.guard, "/api/{instance}"
        participants = session + "/groups/{chat}/participants"
        return [
            web.get("/api/contacts/check-exists", guard(self._check_exists)),
            web.get("/api/contacts/profile-picture", guard(self._picture)),
            web.get("/api/contacts/all", guard(self._contacts)),
            web.get(session + "/chats", guard(self._chats)),
            web.get(session + "/chats/overview", guard(self._overview)),
            web.get(session + "/lids/pn/{phone}", guard(self._lid_of)),
            web.get(session + "/lids/{lid}", guard(self._number_of)),
            web.get(session + "/groups", guard(self._groups)),
            web.get(participants, guard(self._members)),
        ]

    async def _chats(self, request: web.Request) -> list[Any]:
        """GET chats (DOC): id and name, from the store."""
        account = await self.door.with_store(request)
        listed = _page(request, account.directory.chats())
        return [{"id": chat.chat_id, "name": chat.name} for chat in listed]

    async def _overview(self, request: web.Request) -> list[Any]:
        """GET chats/overview: asks WhatsApp for each picture (SRC, all engines)."""
        account = await self.door.with_store(request)
        listed = _page(request, account.directory.chats())
        return account.directory.overview(listed)

    async def _check_exists(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/check-exists (DOC)."""
        account = await self.door.query_session(request)
        return account.directory.check_exists(request.query.get("phone", ""))

    async def _picture(self, request: web.Request) -> dict[str, Any]:
        """GET contacts/profile-picture (SRC)."""
        account = await self.door.query_session(request)
        contact = request.query.get("contactId", "")
        return {"profilePictureURL": account.directory.picture_of(contact)}

    async def _contacts(self, request: web.Request) -> list[Any]:
        """GET contacts/all (SRC): @c.us and @lid mixed, from the store."""
        account = await self.door.with_store(
            request, request.query.get("session") or "default"
        )
        return _page(request, account.directory.contacts())

    async def _lid_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/pn/{phone} (DOC); null when unknown yet."""
        account = await self.door.with_store(request)
        phone = request.match_info["phone"]
        if not _NUMBER.fullmatch(phone):
            raise refusal(422, "Invalid phone number")
        number = f"{phone.partition('@')[0].lstrip('+')}@c.us"
        return {"lid": account.directory.pair_of(number)[1], "pn": number}

    async def _number_of(self, request: web.Request) -> dict[str, Any]:
        """GET lids/{lid} (DOC); null when unknown yet; 422 for what is none (RUN)."""
        account = await self.door.with_store(request)
        lid = request.match_info["lid"]
        lid = lid if "@" in lid else f"{lid}@lid"
        if not _LID.fullmatch(lid):
            raise refusal(422, "Invalid LID")
        return {"lid": lid, "pn": account.directory.pair_of(lid)[0]}

    async def _groups(self, request: web.Request) -> list[Any] | dict[str, Any]:
        """GET groups: with names, with the store off too (RUN); each engine's form."""
        account = await self.door.working(request)
        groups = _page(request, list(account.groups.values()))
        if account.engine == "NOWEB":
            return {g.chat_id: {"id": g.chat_id, "subject": g.name} for g in groups}
        if account.engine == "GOWS":
            return [{"JID": g.chat_id, "Name": g.name} for g in groups]
        return [{"id": {"_serialized": g.chat_id}, "name": g.name} for g in groups]

    async def _members(self, request: web.Request) -> list[Any]:
        """GET groups/{id}/participants (RUN): 500 for a group of others."""
        account = await self.door.working(request)
        group = account.find(request.match_info["chat"])
        if not isinstance(group, Group):
            raise crash(request, account, "item-not-found")
        return account.directory.members(group)


def _chat_id(request: web.Request) -> str:
    """The chat id of the path, whatever it is; `@lid` stays `@lid` (RUN, SRC)."""
    return request.match_info["chat"].replace("@s.whatsapp.net", "@c.us")


def crash(request: web.Request, account: WahaAccount, words: str) -> RefusalError:
    """An exception that the server lets out, with its stack (RUN)."""
    return RefusalError(
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
        raise refusal(400, "limit and offset are numbers") from None
    return rows[offset : offset + limit]
