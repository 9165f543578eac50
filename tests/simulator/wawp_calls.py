"""Wawp's calls over HTTP: credentials, presence, the session, lists.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

from collections.abc import Awaitable, Callable, Mapping
import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from aiohttp import web

from .engine import SERVERS, ConnectionLostError, NotWorkingError
from .world import MAX_WEBHOOKS, Group

if TYPE_CHECKING:
    from .wawp import WawpAccount

type Handler = Callable[
    [WawpAccount, web.Request, dict[str, Any]], Awaitable[web.Response]
]


class _RefusalError(Exception):
    """A call that is refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class _RateRefusalError(_RefusalError):
    """Too many requests, perhaps with a Retry-After."""

    def __init__(self, retry_after: int | None) -> None:
        super().__init__(429, "quota_reached", "Too many requests")
        self.retry_after = retry_after


class Door:
    """Who is let in, and how everybody else is sent away."""

    def __init__(self, find: Callable[[str], WawpAccount | None]) -> None:
        """Guard the accounts that `find` finds by their instance ids."""
        self.find = find

    def guard(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Check the credentials, and answer refusals in the instance's form."""

        async def guarded(request: web.Request) -> web.Response:
            form: str = "json"
            try:
                body = await self._read(request)
                instance, token = self._credentials(request, body)
                account = self.find(str(instance))
                if account is not None:
                    form = account.quirks.errors_as
                    instance, token = self._place(account, request, body)
                return await handler(
                    self._admit(account, instance, token), request, body
                )
            except _RefusalError as refusal:
                return _refuse(refusal, form)

        return guarded

    async def _read(self, request: web.Request) -> dict[str, Any]:
        """Read a POST's JSON; form-encoded bodies are refused with 401 (OBS)."""
        if request.method == "GET" or not await request.read():
            return {}
        if request.content_type != "application/json":
            raise _RefusalError(401, "unauthorized", "Unauthorized")
        try:
            body = json.loads(await request.read())
        except ValueError:
            raise _RefusalError(400, "bad_request", "The body is not JSON") from None
        if not isinstance(body, dict):
            raise _RefusalError(400, "bad_request", "The body is not an object")
        return body

    def _credentials(
        self, request: web.Request, body: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """Find credentials wherever they are, to tell whose instance it is."""
        kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
        return (
            body.get("instance_id")
            or request.query.get("instance_id")
            or request.headers.get("X-Instance-ID"),
            body.get("access_token")
            or request.query.get("access_token")
            or request.headers.get("access-token")
            or (bearer if kind == "Bearer" else None),
        )

    def _place(
        self, account: WawpAccount, request: web.Request, body: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """Look for credentials only where this instance takes them from.

        GET: the query (DOC). POST: the body by the tables, the query by the sample.
        """
        where = account.quirks.credentials_in
        headers = request.headers
        if where == "bearer":
            kind, _, token = headers.get("Authorization", "").partition(" ")
            return headers.get("X-Instance-ID"), token if kind == "Bearer" else None
        if request.method == "GET" or where == "query":
            source: Mapping[str, Any] = request.query
        elif where == "header":
            return body.get("instance_id"), headers.get("access-token")
        elif where == "body":
            source = body
        else:
            return self._credentials(request, body)
        return source.get("instance_id"), source.get("access_token")

    def _admit(
        self, account: WawpAccount | None, instance: object, token: object
    ) -> WawpAccount:
        """Check who calls: one pair is one session (DOC)."""
        if not instance or not token:
            status = account.quirks.missing_status if account is not None else 401
            raise _RefusalError(
                status, "missing_param", "instance_id and access_token are required"
            )
        if account is None:
            raise _RefusalError(404, "invalid_session", "session does not exist")
        if not account.token_is(str(token)):
            raise _RefusalError(401, "unauthorized", "Invalid access token")
        if account.over_limit():
            raise _RateRefusalError(account.quirks.retry_after)
        return account

    async def need_ready(self, account: WawpAccount) -> None:
        """Only WORKING and READY act (DOC); beneath it WAHA waits first (INF)."""
        try:
            await account.come_to_work()
        except NotWorkingError:
            raise _RefusalError(
                account.quirks.not_ready_status,
                "session_not_ready",
                f"Session status is {account.status}, expected WORKING",
            ) from None
        except ConnectionLostError:
            raise _RefusalError(
                500, "internal_server_error", "Connection Closed"
            ) from None

    async def nothing(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """Whatever has no call behind it."""
        raise _RefusalError(404, "rest_no_route", "No route was found")


class PresenceCalls:
    """Subscribing, asking, announcing."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/v2/presence`."""
        guard, presence = self.door.guard, "/v2/presence"
        return [
            web.post(presence + "/{chat}/subscribe", guard(self._subscribe)),
            web.get(presence + "/{chat}", guard(self._get_presence)),
            web.get(presence, guard(self._get_presences)),
            web.post(presence, guard(self._set_own_presence)),
        ]

    def _chat_id(self, request: web.Request) -> str:
        """The path's chat id: a known server, and digits before it (INF)."""
        chat_id = request.match_info["chat"]
        user, _, server = chat_id.partition("@")
        if server not in SERVERS or not user.replace("-", "", 1).isdigit():
            raise _RefusalError(400, "invalid_param", "Invalid chatId")
        return chat_id.replace("@s.whatsapp.net", "@c.us")

    async def _subscribe(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """POST presence/{chatId}/subscribe (DOC): carries no state.

        The tables have chatId in the body as well; if it is there it must agree.
        """
        chat_id = self._chat_id(request)
        if body.get("chatId", request.match_info["chat"]) != request.match_info["chat"]:
            raise _RefusalError(400, "invalid_param", "chatId differs from the path")
        await self.door.need_ready(account)
        account.ask_to_subscribe(chat_id)
        return web.json_response(
            {"success": True, "message": "Operation completed successfully"}
        )

    async def _get_presence(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET presence/{chatId} (INF): WAHA's shape, or 404 or 405."""
        if account.quirks.get_presence != 200:
            raise _RefusalError(
                account.quirks.get_presence, "rest_no_route", "No route was found"
            )
        chat_id = self._chat_id(request)
        await self.door.need_ready(account)
        # WAHA's call subscribes as well, and Wawp runs on it.
        return web.json_response(await account.ask_presence(chat_id))

    async def _get_presences(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET presence (INF): all that is remembered, or 404 or 405."""
        if account.quirks.get_presences != 200:
            raise _RefusalError(
                account.quirks.get_presences, "rest_no_route", "No route was found"
            )
        await self.door.need_ready(account)
        return web.json_response(account.ask_presences())

    async def _set_own_presence(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """POST presence (INF; v1 DOC)."""
        presence = body.get("presence") or request.query.get("presence")
        if presence not in {"online", "offline"}:
            raise _RefusalError(
                400, "missing_param", "presence must be online or offline"
            )
        await self.door.need_ready(account)
        account.announce(presence == "online")
        return _success()


class SessionCalls:
    """The session, and its webhooks."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/v2/session`."""
        guard, session = self.door.guard, "/v2/session"
        return [
            web.route("*", session + "/info", guard(self._session_info)),
            web.get(session + "/me", guard(self._session_me)),
            web.get(session + "/rate-limit", guard(self._rate_limit)),
            web.get(session + "/webhook", guard(self._get_webhooks)),
            web.post(session + "/webhook", guard(self._set_webhooks)),
        ]

    async def _session_info(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """POST session/info (DOC), or GET; exact JSON UNKNOWN."""
        if account.quirks.info_method not in {request.method, "both"}:
            raise _RefusalError(
                account.quirks.info_refusal, "rest_no_route", "No route was found"
            )
        info = {
            "name": account.session,
            "status": account.status,
            "engine": {"engine": account.engine},
            "me": _me(account) if account.ready else None,
        }
        if account.quirks.info_wrapped:
            return web.json_response({"success": True, "data": info})
        return web.json_response(info)

    async def _session_me(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET session/me (DOC): id, push name, platform."""
        await self.door.need_ready(account)
        return web.json_response({**_me(account), "platform": "android"})

    async def _rate_limit(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET session/rate-limit (DOC): nothing presence-specific."""
        return web.json_response(
            {"policy": "default", "limit": account.quirks.rate_limit}
        )

    def _need_paid(self, account: WawpAccount) -> None:
        if account.quirks.plan == "free":
            raise _RefusalError(
                403, "subscription_required", "Webhooks need a paid subscription"
            )

    async def _get_webhooks(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET session/webhook (DOC, paid plans only)."""
        self._need_paid(account)
        return web.json_response(
            {"webhooks": account.webhooks, "systemConfig": account.system_config}
        )

    async def _set_webhooks(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """POST session/webhook (DOC): overwrites the whole list."""
        self._need_paid(account)
        hooks = body.get("webhooks")
        if not isinstance(hooks, list):
            raise _RefusalError(400, "missing_param", "webhooks is required")
        if len(hooks) > MAX_WEBHOOKS:
            raise _RefusalError(400, "quota_reached", "Too many webhooks")
        for hook in hooks:
            if (
                not isinstance(hook, dict)
                or not isinstance(hook.get("url"), str)
                or not hook["url"].startswith(("http://", "https://"))
                or not isinstance(hook.get("events"), list)
                or not isinstance(hook.get("is_active", True), bool)
            ):
                raise _RefusalError(400, "invalid_param", "webhooks is invalid")
        if "systemConfig" in body:
            if not isinstance(body["systemConfig"], dict):
                raise _RefusalError(400, "invalid_param", "systemConfig is invalid")
            account.system_config = body["systemConfig"]
        account.overwrite_webhooks(hooks)
        return _success()


class ListCalls:
    """Chats, contacts, groups and ids."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that lists or looks up."""
        guard = self.door.guard
        return [
            web.get("/v2/chats", guard(self._chats)),
            web.get("/v2/chats/overview", guard(self._overview)),
            web.get("/v2/contacts/all", guard(self._contacts)),
            web.get("/v2/contacts/check-exists", guard(self._check_exists)),
            web.get("/v2/contacts/profile-picture", guard(self._picture)),
            web.get("/v2/lids/pn/{number}", guard(self._lid_of)),
            web.get("/v2/lids/{lid}", guard(self._number_of)),
            web.get("/v2/groups/{chat}/participants", guard(self._members)),
        ]

    async def _chats(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET chats (INF): WAHA's list from the store, or 404 or 405."""
        if account.quirks.get_chats != 200:
            raise _RefusalError(
                account.quirks.get_chats, "rest_no_route", "No route was found"
            )
        await self.door.need_ready(account)
        listed = _page(request, account.directory.chats())
        return web.json_response([{"id": c.chat_id, "name": c.name} for c in listed])

    async def _overview(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET chats/overview (DOC): an array, or an object keyed "0", "1", …."""
        await self.door.need_ready(account)
        listed = _page(request, account.directory.chats())
        rows = account.directory.overview(listed)
        if account.quirks.overview_as == "object":
            return web.json_response({str(i): row for i, row in enumerate(rows)})
        return web.json_response(rows)

    async def _contacts(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/all (DOC): @c.us and @lid mixed."""
        await self.door.need_ready(account)
        return web.json_response(_page(request, account.directory.contacts()))

    async def _check_exists(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/check-exists (DOC; its fields are WAHA's)."""
        await self.door.need_ready(account)
        return web.json_response(
            account.directory.check_exists(request.query.get("phone", ""))
        )

    async def _picture(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/profile-picture (DOC)."""
        await self.door.need_ready(account)
        contact = request.query.get("contactId")
        if not contact:
            raise _RefusalError(400, "missing_param", "contactId is required")
        picture = account.directory.picture_of(contact)
        return web.json_response({account.quirks.picture_key: picture})

    async def _lid_of(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET lids/pn/{number} (DOC); may be null."""
        await self.door.need_ready(account)
        number = request.match_info["number"].partition("@")[0]
        lid = account.directory.pair_of(f"{number}@c.us")[1]
        return web.json_response({"lid": lid, account.quirks.lid_key: f"{number}@c.us"})

    async def _number_of(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET lids/{lid} (INF)."""
        await self.door.need_ready(account)
        lid = f"{request.match_info['lid'].partition('@')[0]}@lid"
        number = account.directory.pair_of(lid)[0]
        return web.json_response({"lid": lid, account.quirks.lid_key: number})

    async def _members(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET groups/{id}/participants (DOC); the members' fields are WAHA's."""
        await self.door.need_ready(account)
        group = account.find(request.match_info["chat"])
        if not isinstance(group, Group):
            raise _RefusalError(404, "not_found", "Group not found")
        return web.json_response(account.directory.members(group))


def _refuse(refusal: _RefusalError, form: str) -> web.Response:
    """Write an error as JSON, XML, plain text, HTML, or as HTTP 200 (DOC, OBS)."""
    headers = {}
    if isinstance(refusal, _RateRefusalError) and refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    status, code, message = refusal.status, refusal.code, refusal.message
    match form:
        case "xml":
            text = (
                '<?xml version="1.0" encoding="UTF-8"?><error>'
                f"<code>{escape(code)}</code><message>{escape(message)}</message>"
                "</error>"
            )
            content_type = "application/xml"
        case "plain":
            text, content_type = message, "text/plain"
        case "html":
            text = (
                f"<html><body><h1>{status}</h1><p>{escape(message)}</p></body></html>"
            )
            content_type = "text/html"
        case _:
            body: dict[str, Any] = {"code": code, "message": message}
            if form == "200":
                status = 200
            else:
                body["data"] = {"status": status}
            text, content_type = json.dumps(body), "application/json"
    return web.Response(
        status=status, text=text, content_type=content_type, headers=headers
    )


def _success() -> web.Response:
    return web.json_response(
        {"success": True, "message": "Operation completed successfully"}
    )


def _me(account: WawpAccount) -> dict[str, Any]:
    return {
        "id": account.me.chat_id,
        "lid": account.me.lid,
        "pushName": account.me.name,
    }


def _page[T](request: web.Request, rows: list[T]) -> list[T]:
    """Cut out `offset` and `limit`."""
    try:
        offset = int(request.query.get("offset", "0"))
        limit = int(request.query.get("limit", str(len(rows))))
    except ValueError:
        raise _RefusalError(
            400, "invalid_param", "limit and offset are numbers"
        ) from None
    return rows[max(offset, 0) : max(offset, 0) + max(limit, 0)]
