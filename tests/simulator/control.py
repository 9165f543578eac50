"""The control API of the simulator: drive people, instances and failures over HTTP.

JSON in, JSON out, below `/control`. It mirrors the methods of `Simulator` and
of its accounts; `GET /control` lists what there is.
"""

from collections.abc import Awaitable, Callable
import dataclasses
import json
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from .announcing import HOUR
from .delivery import Faults
from .engine import EngineAccount
from .scenario import Scenario
from .world import UNSET, Account

if TYPE_CHECKING:
    from .server import Simulator

HELP: Final = {
    "GET /control/state": "everything: instances, people, subscriptions, webhooks",
    "POST /control/instances": "add: gateway, instance, token, name, status, quirks",
    "DELETE /control/instances/{gateway}/{instance}": "remove an instance",
    "POST …/people": "add somebody: number, name, lid, picture, on_whatsapp",
    "POST …/groups": "add a group: id, name, members (ids, numbers or names)",
    "POST …/presence": "person, state (online, offline, typing, recording, paused); "
    "group, last_seen, deny, has_data, online_hidden",
    "POST …/status": "status, in the gateway's own word",
    "POST …/reconnect": "lose all subscriptions and come back",
    "POST …/outage": "seconds: lose WhatsApp, and find it again (WAHA, Wawp)",
    "GET …/announced": "for how long the account was shown online for being asked",
    "POST …/flood": "chat, count: repeat the last event",
    "POST …/token": "token: change the token, as a revocation does",
    "POST …/quirks": "quirks by name",
    "GET …/subscriptions": "the chats that are subscribed to",
    "GET …/webhooks": "the registered webhooks, and the user's own among them",
    "POST …/webhooks": "url, events: register one of the user's own",
    "DELETE …/webhooks": "url: remove one, as its owner can",
    "POST /control/fail": "count, status, body, content_type, headers, gateway, path, "
    "delay, hang, drop, endless: fail the next calls",
    "DELETE /control/fail": "forget the failures that did not happen yet",
    "POST /control/faults": "lose, double, delay, shuffle (0 to 1), seed",
    "POST /control/timing": "typing_timeout, retry_delay, timeout: seconds",
    "GET /control/requests": "the calls that came; ?last=N",
    "GET /control/deliveries": "the deliveries that were made; ?last=N",
    "POST /control/scenario": "speed, seed: play days until stopped",
    "DELETE /control/scenario": "stop playing",
}
_ONE: Final = "/control/instances/{gateway}/{instance}"

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The HTTP side of a simulator's controls, and the scenario that plays."""

    def __init__(self, simulator: Simulator) -> None:
        """Control a simulator."""
        self.simulator = simulator
        self.scenario: Scenario | None = None

    def routes(self) -> list[web.RouteDef]:
        """All that is served below `/control`."""
        return [
            web.get("/control", self._guard(self._help)),
            web.get("/control/state", self._guard(self._state)),
            web.post("/control/instances", self._guard(self._add_instance)),
            web.delete(_ONE, self._guard(self._remove_instance)),
            web.get(_ONE, self._guard(self._instance)),
            web.post(_ONE + "/people", self._guard(self._add_person)),
            web.post(_ONE + "/groups", self._guard(self._add_group)),
            web.post(_ONE + "/presence", self._guard(self._presence)),
            web.post(_ONE + "/status", self._guard(self._status)),
            web.post(_ONE + "/reconnect", self._guard(self._reconnect)),
            web.post(_ONE + "/outage", self._guard(self._outage)),
            web.get(_ONE + "/announced", self._guard(self._announced)),
            web.post(_ONE + "/flood", self._guard(self._flood)),
            web.post(_ONE + "/token", self._guard(self._token)),
            web.post(_ONE + "/quirks", self._guard(self._quirks)),
            web.get(_ONE + "/subscriptions", self._guard(self._subscriptions)),
            web.get(_ONE + "/webhooks", self._guard(self._webhooks)),
            web.post(_ONE + "/webhooks", self._guard(self._add_webhook)),
            web.delete(_ONE + "/webhooks", self._guard(self._remove_webhook)),
            web.post("/control/fail", self._guard(self._fail)),
            web.delete("/control/fail", self._guard(self._no_fail)),
            web.post("/control/faults", self._guard(self._faults)),
            web.post("/control/timing", self._guard(self._timing)),
            web.get("/control/requests", self._guard(self._requests)),
            web.get("/control/deliveries", self._guard(self._deliveries)),
            web.post("/control/scenario", self._guard(self._play)),
            web.delete("/control/scenario", self._guard(self._stop_playing)),
        ]

    async def stop(self) -> None:
        """Stop what plays."""
        if self.scenario is not None:
            await self.scenario.stop()
            self.scenario = None

    def _guard(
        self, handler: Callable[[web.Request], Awaitable[Any]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Turn what a call can't do into a 400 or 404 with a sentence."""

        async def guarded(request: web.Request) -> web.Response:
            try:
                answer = await handler(request)
            except KeyError as err:
                return web.json_response(
                    {"error": f"not found or missing: {err.args[0]}"}, status=404
                )
            except (ValueError, TypeError) as err:
                return web.json_response({"error": str(err)}, status=400)
            return web.json_response({"ok": True} if answer is None else answer)

        return guarded

    async def _body(self, request: web.Request) -> dict[str, Any]:
        if not request.can_read_body:
            return {}
        if request.content_type != "application/json":
            raise ValueError("the body must be application/json")
        body = json.loads(await request.read())
        if not isinstance(body, dict):
            raise TypeError("the body must be an object")
        return body

    def _account(self, request: web.Request) -> Account:
        return self.simulator.accounts[
            request.match_info["gateway"], request.match_info["instance"]
        ]

    async def _help(self, request: web.Request) -> dict[str, str]:
        return HELP

    async def _state(self, request: web.Request) -> dict[str, Any]:
        return {
            "instances": [a.truth() for a in self.simulator.accounts.values()],
            "scenario": self.scenario is not None,
            "failures": len(self.simulator.failures),
            "deliveries_waiting": self.simulator.delivery.waiting,
        }

    async def _add_instance(self, request: web.Request) -> dict[str, Any]:
        body = await self._body(request)
        gateway, instance = body.pop("gateway"), body.pop("instance")
        options = {**body, **body.pop("quirks", {})}
        options.pop("quirks", None)
        account: Account = self.simulator.add_instance(gateway, instance, **options)
        return account.truth()

    async def _remove_instance(self, request: web.Request) -> None:
        self.simulator.remove_instance(self._account(request))

    async def _instance(self, request: web.Request) -> dict[str, Any]:
        return self._account(request).truth()

    async def _add_person(self, request: web.Request) -> dict[str, Any]:
        body = await self._body(request)
        person = self._account(request).add_person(body.pop("number"), **body)
        return {"id": person.chat_id}

    async def _add_group(self, request: web.Request) -> dict[str, Any]:
        body = await self._body(request)
        account = self._account(request)
        members = [account.person(who) for who in body.get("members", [])]
        group = account.add_group(
            body["id"], name=body.get("name", ""), members=members
        )
        return {"id": group.chat_id}

    async def _presence(self, request: web.Request) -> None:
        body = await self._body(request)
        await self._account(request).set_presence(
            body["person"],
            body["state"],
            last_seen=body.get("last_seen", UNSET),
            group=body.get("group"),
            deny=body.get("deny"),
            has_data=body.get("has_data"),
            online_hidden=body.get("online_hidden"),
        )

    async def _status(self, request: web.Request) -> None:
        body = await self._body(request)
        await self._account(request).set_status(body["status"])

    async def _reconnect(self, request: web.Request) -> None:
        await self._account(request).reconnect()

    async def _outage(self, request: web.Request) -> None:
        body = await self._body(request)
        await self._engine(request).outage(float(body["seconds"]))

    async def _announced(self, request: web.Request) -> dict[str, Any]:
        announcer = self._engine(request).announcer
        now = self.simulator.now()
        return {
            "now": announcer.announced,
            "last_hour": announcer.shown(now - HOUR, now),
            "calls": dict(announcer.activities),
            "spans": [
                {
                    "start": span.start,
                    "end": span.end,
                    "calls": dict(span.calls),
                    "seen_by": sorted(span.seen_by),
                }
                for span in announcer.spans[-100:]
            ],
        }

    def _engine(self, request: web.Request) -> EngineAccount:
        account = self._account(request)
        if not isinstance(account, EngineAccount):
            raise TypeError("WAHA and Wawp alone have that")
        return account

    async def _flood(self, request: web.Request) -> None:
        body = await self._body(request)
        await self._account(request).flood(body["chat"], int(body["count"]))

    async def _token(self, request: web.Request) -> None:
        body = await self._body(request)
        self._account(request).token = str(body["token"])

    async def _quirks(self, request: web.Request) -> None:
        self._account(request).set_quirks(await self._body(request))

    async def _subscriptions(self, request: web.Request) -> dict[str, Any]:
        return {"subscriptions": sorted(self._account(request).subscriptions)}

    async def _webhooks(self, request: web.Request) -> dict[str, Any]:
        account = self._account(request)
        return {"webhooks": account.webhooks, "user_webhooks": account.user_webhooks}

    async def _add_webhook(self, request: web.Request) -> dict[str, Any]:
        body = await self._body(request)
        return self._account(request).add_webhook(body.pop("url"), **body)

    async def _remove_webhook(self, request: web.Request) -> None:
        body = await self._body(request)
        self._account(request).remove_webhook(body["url"])

    async def _fail(self, request: web.Request) -> None:
        body = await self._body(request)
        self.simulator.fail_next(body.pop("count", 1), **body)

    async def _no_fail(self, request: web.Request) -> None:
        self.simulator.failures.clear()

    async def _faults(self, request: web.Request) -> None:
        self.simulator.delivery.faults = Faults(**await self._body(request))

    async def _timing(self, request: web.Request) -> None:
        body = await self._body(request)
        simulator = self.simulator
        simulator.typing_timeout = float(
            body.get("typing_timeout", simulator.typing_timeout)
        )
        delivery = simulator.delivery
        delivery.retry_delay = float(body.get("retry_delay", delivery.retry_delay))
        delivery.timeout = float(body.get("timeout", delivery.timeout))

    async def _requests(self, request: web.Request) -> dict[str, Any]:
        rows = list(self.simulator.requests)[-_last(request) :]
        # Queries and bodies carry tokens.
        return {
            "requests": [
                {
                    "gateway": row.gateway,
                    "method": row.method,
                    "path": row.path,
                    "instance": row.instance,
                    "time": row.time,
                    "status": row.status,
                }
                for row in rows
            ]
        }

    async def _deliveries(self, request: web.Request) -> dict[str, Any]:
        rows = list(self.simulator.delivery.records)[-_last(request) :]
        return {
            "deliveries": [
                {**dataclasses.asdict(row), "body": row.body.decode()} for row in rows
            ]
        }

    async def _play(self, request: web.Request) -> None:
        body = await self._body(request)
        await self.play(
            speed=float(body.get("speed", 120)), seed=int(body.get("seed", 0))
        )

    async def play(self, *, speed: float, seed: int) -> None:
        """Play days until stopped; what played before is stopped first."""
        await self.stop()
        self.scenario = Scenario(self.simulator, speed=speed, seed=seed)
        self.scenario.start()

    async def _stop_playing(self, request: web.Request) -> None:
        await self.stop()


def _last(request: web.Request) -> int:
    return max(1, int(request.query.get("last", "200")))
