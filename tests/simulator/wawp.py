"""Wawp's dialect (api.wawp.net): credentials in every call, errors in every form.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, override
from xml.sax.saxutils import escape

from aiohttp import web

from .engine import (
    SERVERS,
    ConnectionLostError,
    EngineAccount,
    EngineQuirks,
    NotWorkingError,
)
from .world import MAX_WEBHOOKS, Chat, Group

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


class _RefusalError(Exception):
    """A call that is refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


type Handler = Callable[
    [WawpAccount, web.Request, dict[str, Any]], Awaitable[web.Response]
]


class Dialect:
    """The HTTP side."""

    def __init__(self, simulator: Simulator) -> None:
        """Speak for a simulator's Wawp accounts."""
        self.simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/v2`."""
        presence = "/v2/presence"
        return [
            web.post(presence + "/{chat}/subscribe", self._guard(self._subscribe)),
            web.get(presence + "/{chat}", self._guard(self._get_presence)),
            web.get(presence, self._guard(self._get_presences)),
            web.post(presence, self._guard(self._set_own_presence)),
            web.route("*", "/v2/session/info", self._guard(self._session_info)),
            web.get("/v2/session/me", self._guard(self._session_me)),
            web.get("/v2/session/rate-limit", self._guard(self._rate_limit)),
            web.get("/v2/session/webhook", self._guard(self._get_webhooks)),
            web.post("/v2/session/webhook", self._guard(self._set_webhooks)),
            web.get("/v2/chats/overview", self._guard(self._overview)),
            web.get("/v2/contacts/all", self._guard(self._contacts)),
            web.get("/v2/contacts/check-exists", self._guard(self._check_exists)),
            web.get("/v2/contacts/profile-picture", self._guard(self._picture)),
            web.get("/v2/lids/pn/{number}", self._guard(self._lid_of)),
            web.get("/v2/lids/{lid}", self._guard(self._number_of)),
            web.get("/v2/groups/{chat}/participants", self._guard(self._members)),
            web.route("*", "/v2/{rest:.*}", self._guard(self._nothing)),
        ]

    # --------------------------------------------------------------- refusals

    def _guard(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Check the credentials, and answer refusals in the instance's form."""

        async def guarded(request: web.Request) -> web.Response:
            form: str = "json"
            try:
                body = await self._read(request)
                instance, token = self._credentials(request, body)
                account = self.simulator.accounts.get(("wawp", str(instance)))
                if isinstance(account, WawpAccount):
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

    def _admit(self, account: object, instance: object, token: object) -> WawpAccount:
        """Check who calls: one pair is one session (DOC)."""
        if not instance or not token:
            status = (
                account.quirks.missing_status
                if isinstance(account, WawpAccount)
                else 401
            )
            raise _RefusalError(
                status, "missing_param", "instance_id and access_token are required"
            )
        if not isinstance(account, WawpAccount):
            raise _RefusalError(404, "invalid_session", "session does not exist")
        if not account.token_is(str(token)):
            raise _RefusalError(401, "unauthorized", "Invalid access token")
        if account.over_limit():
            raise _RateRefusalError(account.quirks.retry_after)
        return account

    async def _need_ready(self, account: WawpAccount) -> None:
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

    async def _nothing(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        raise _RefusalError(404, "rest_no_route", "No route was found")

    # --------------------------------------------------------------- presence

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
        await self._need_ready(account)
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
        await self._need_ready(account)
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
        await self._need_ready(account)
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
        await self._need_ready(account)
        account.announce(presence == "online")
        return _success()

    # ---------------------------------------------------------------- session

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
        await self._need_ready(account)
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

    # ---------------------------------------------------------- chats and ids

    async def _overview(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET chats/overview (DOC): an array, or an object keyed "0", "1", …."""
        await self._need_ready(account)
        listed: list[Chat] = _page(request, account.list_chats())
        account.activity("overview")
        rows = [
            {
                "id": chat.chat_id,
                "name": chat.name,
                "picture": account.ask_picture(chat),
                "lastMessage": None,
            }
            for chat in listed
        ]
        if account.quirks.overview_as == "object":
            return web.json_response({str(i): row for i, row in enumerate(rows)})
        return web.json_response(rows)

    async def _contacts(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/all (DOC): @c.us and @lid mixed."""
        await self._need_ready(account)
        return web.json_response(_page(request, account.list_contacts()))

    async def _check_exists(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/check-exists (DOC; its fields are WAHA's)."""
        await self._need_ready(account)
        return web.json_response(account.check_exists(request.query.get("phone", "")))

    async def _picture(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET contacts/profile-picture (DOC)."""
        await self._need_ready(account)
        contact = request.query.get("contactId")
        if not contact:
            raise _RefusalError(400, "missing_param", "contactId is required")
        picture = account.picture_of(contact)
        return web.json_response({account.quirks.picture_key: picture})

    async def _lid_of(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET lids/pn/{number} (DOC); may be null."""
        await self._need_ready(account)
        number = request.match_info["number"].partition("@")[0]
        lid = account.pair_of(f"{number}@c.us")[1]
        return web.json_response({"lid": lid, account.quirks.lid_key: f"{number}@c.us"})

    async def _number_of(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET lids/{lid} (INF)."""
        await self._need_ready(account)
        lid = f"{request.match_info['lid'].partition('@')[0]}@lid"
        number = account.pair_of(lid)[0]
        return web.json_response({"lid": lid, account.quirks.lid_key: number})

    async def _members(
        self, account: WawpAccount, request: web.Request, body: dict[str, Any]
    ) -> web.Response:
        """GET groups/{id}/participants (DOC); the members' fields are WAHA's."""
        await self._need_ready(account)
        group = account.find(request.match_info["chat"])
        if not isinstance(group, Group):
            raise _RefusalError(404, "not_found", "Group not found")
        return web.json_response(account.group_members(group))


class _RateRefusalError(_RefusalError):
    """Too many requests, perhaps with a Retry-After."""

    def __init__(self, retry_after: int | None) -> None:
        super().__init__(429, "quota_reached", "Too many requests")
        self.retry_after = retry_after


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
