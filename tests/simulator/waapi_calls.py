"""WaAPI's calls over HTTP: tokens, instances, webhooks, and running actions.

Each docstring names how sure the behaviour is: DOC, OBS, SRC, INF, UNKNOWN.
"""

from collections.abc import Callable, Mapping
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from yarl import URL

from .waapi_actions import ACTIONS, ActionError, Actions, InvalidError

if TYPE_CHECKING:
    from .server import Simulator
    from .waapi import WaapiAccount

ONE: Final = "/api/v1/instances/{instance}"

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


class Door:
    """Who is let in, to which instance, and how everybody else is sent away."""

    def __init__(
        self, simulator: Simulator, everybody: Callable[[], list[WaapiAccount]]
    ) -> None:
        """Guard a simulator's WaAPI accounts."""
        self.simulator = simulator
        self.all = everybody

    def refuse(
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

    def accounts(self, request: web.Request) -> list[WaapiAccount]:
        """The instances that the token opens."""
        token = self._token(request)
        return [
            account
            for account in self.all()
            if token is not None and account.token_is(token)
        ]

    def admit(
        self, request: web.Request, scope: str = "read"
    ) -> WaapiAccount | web.Response:
        """Check token, instance, scope and rate; an answer is a refusal.

        401 bad or missing token; 404 no such instance or not yours; 403 missing
        scope or blocked; 429, perhaps with Retry-After (DOC).
        """
        mine = self.accounts(request)
        if not mine:
            return self.refuse(request, 401, {"message": "Unauthenticated."})
        wanted = request.match_info["instance"]
        account = next((a for a in mine if a.instance_id == wanted), None)
        if account is None:
            return self.refuse(
                request, 404, {"message": "Instance not found.", "status": "error"}
            )
        if account.quirks.blocked:
            return self.refuse(
                request, 403, {"message": "Your account is blocked.", "status": "error"}
            )
        if scope not in account.quirks.scopes:
            return self.refuse(
                request,
                403,
                {"message": f"The token lacks the scope {scope}.", "status": "error"},
            )
        if account.over_limit():
            after = account.quirks.retry_after
            return self.refuse(
                request,
                429,
                {"message": "Too many requests.", "status": "error"},
                None if after is None else {"Retry-After": str(after)},
            )
        return account

    def invalid(self, request: web.Request, err: InvalidError) -> web.Response:
        """Answer 422 (DOC)."""
        return self.refuse(
            request,
            422,
            {
                "message": "The given data was invalid.",
                "errors": err.errors,
                "status": "error",
            },
        )

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Read a JSON object; any other kind of body has no field at all."""
        if request.content_type != "application/json":
            return {}
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    async def nothing(self, request: web.Request) -> web.Response:
        """Whatever has no call behind it."""
        if not self.accounts(request):
            return self.refuse(request, 401, {"message": "Unauthenticated."})
        return self.refuse(
            request, 404, {"message": "Route not found.", "status": "error"}
        )

    def links(self, request: web.Request) -> dict[str, str]:
        """The links of an answer (DOC)."""
        return {"self": f"{self.simulator.url}{request.path}"}


class InstanceCalls:
    """The instances themselves."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that tells of instances."""
        return [
            web.get("/api/v1/instances", self._list_instances),
            web.get(ONE, self._get_instance),
            web.put(ONE, self._put_instance),
            web.get(ONE + "/client/status", self._client_status),
            web.get(ONE + "/client/me", self._client_me),
        ]

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
        mine = self.door.accounts(request)
        if not mine:
            return self.door.refuse(request, 401, {"message": "Unauthenticated."})
        return web.json_response(
            {
                "instances": [self._describe(account) for account in mine],
                "links": self.door.links(request),
                "status": "success",
            }
        )

    async def _get_instance(self, request: web.Request) -> web.Response:
        """GET /instances/{id} (DOC)."""
        account = self.door.admit(request)
        if isinstance(account, web.Response):
            return account
        return web.json_response(
            {
                "instance": self._describe(account),
                "links": self.door.links(request),
                "status": "success",
            }
        )

    async def _put_instance(self, request: web.Request) -> web.Response:
        """PUT /instances/{id} (DOC): mechanism A, one URL, displaces the old one."""
        account = self.door.admit(request, "update")
        if isinstance(account, web.Response):
            return account
        webhook = (await self.door.read(request)).get("webhook")
        if (
            not isinstance(webhook, dict)
            or not isinstance(webhook.get("url"), str)
            or not isinstance(webhook.get("events"), list)
        ):
            return self.door.invalid(
                request, InvalidError(webhook="The webhook field is required.")
            )
        account.own_webhook = {"url": webhook["url"], "events": webhook["events"]}
        return web.json_response(
            {"instance": self._describe(account), "status": "success"}
        )

    async def _client_status(self, request: web.Request) -> web.Response:
        """GET client/status (DOC); answers whatever the status is."""
        account = self.door.admit(request)
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
                "links": self.door.links(request),
                "status": "success",
            }
        )

    async def _client_me(self, request: web.Request) -> web.Response:
        """GET client/me (DOC); an inner error while not ready (INF)."""
        account = self.door.admit(request)
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
            {"me": me, "links": self.door.links(request), "status": "success"}
        )


class WebhookCalls:
    """Webhook subscriptions."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door

    def routes(self) -> list[web.RouteDef]:
        """All that is served below an instance's `/webhooks`."""
        return [
            web.get(ONE + "/webhooks", self._list_webhooks),
            web.post(ONE + "/webhooks", self._create_webhook),
            web.delete(ONE + "/webhooks/{webhook}", self._delete_webhook),
        ]

    async def _list_webhooks(self, request: web.Request) -> web.Response:
        """GET webhooks (DOC): no status envelope here."""
        account = self.door.admit(request)
        if isinstance(account, web.Response):
            return account
        return web.json_response({"data": account.webhooks})

    async def _create_webhook(self, request: web.Request) -> web.Response:
        """POST webhooks (DOC): 201, 200 with the existing one, 422 beyond 25.

        The existing one keeps its old events (INF).
        """
        account = self.door.admit(request, "update")
        if isinstance(account, web.Response):
            return account
        try:
            url, events, source = _new_webhook(await self.door.read(request))
            if (existing := account.find_webhook(url)) is not None:
                return web.json_response({"data": existing})
            _need_room(account)
        except InvalidError as err:
            return self.door.invalid(request, err)
        hook = account.create_webhook(url, events, source=source)
        return web.json_response({"data": hook}, status=201)

    async def _delete_webhook(self, request: web.Request) -> web.Response:
        """DELETE webhooks/{id} (DOC): 204; 404."""
        account = self.door.admit(request, "update")
        if isinstance(account, web.Response):
            return account
        webhook = request.match_info["webhook"]
        if not webhook.isdigit() or not account.delete_webhook(int(webhook)):
            return self.door.refuse(
                request, 404, {"message": "Webhook not found.", "status": "error"}
            )
        return web.Response(status=204)


class ActionCalls:
    """Running actions, wrapped in two envelopes."""

    def __init__(self, door: Door) -> None:
        """Serve whom the door lets in."""
        self.door = door
        self.actions = Actions(door.simulator)

    def routes(self) -> list[web.RouteDef]:
        """The one call that all actions have."""
        return [web.post(ONE + "/client/action/{action}", self._run_action)]

    async def _run_action(self, request: web.Request) -> web.Response:
        """POST client/action/{name} (DOC): `data.status` is the one that counts."""
        account = self.door.admit(request, "read")
        if isinstance(account, web.Response):
            return account
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            return self.door.refuse(
                request, 404, {"message": "Action not found.", "status": "error"}
            )
        body = await self.door.read(request)
        outer: dict[str, Any] = {"status": "success", "links": self.door.links(request)}
        if not account.ready:
            outer = {"status": "error", "message": "instance not ready"}
            if account.quirks.not_ready_as == "409":
                return self.door.refuse(request, 409, outer)
            return web.json_response(outer)
        if (refusal := self._trial(request, account, body)) is not None:
            return refusal
        inner: dict[str, Any] = {
            "status": "success",
            "instanceId": account.instance_id,
        }
        try:
            payload = await action(self.actions, account, body)
        except InvalidError as err:
            return self.door.invalid(request, err)
        except ActionError as err:
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
        return self.door.refuse(
            request,
            403,
            {
                "message": "Your trial instance is only able to send actions to "
                f"{number}",
                "status": "error",
            },
        )


def _new_webhook(body: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Check what is to be subscribed; URL, events and source."""
    url, events, source = body.get("url"), body.get("events"), body.get("source", "api")
    if not isinstance(url, str) or not _is_url(url):
        raise InvalidError(url="The url field must be a valid URL.")
    if not isinstance(events, list) or not events:
        raise InvalidError(events="The events field is required.")
    if not all(isinstance(event, str) and event in EVENTS for event in events):
        raise InvalidError(events="The selected events are invalid.")
    if not isinstance(source, str) or source not in SOURCES:
        raise InvalidError(source="The selected source is invalid.")
    return url, events, source


def _need_room(account: WaapiAccount) -> None:
    if len(account.webhooks) >= MAX_WEBHOOKS:
        raise InvalidError(url="At most 25 webhooks an instance.")


def _is_url(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
