"""The simulator is as strict and as odd as the gateways' contracts say."""

import asyncio
from collections.abc import AsyncGenerator
import hashlib
import hmac
import itertools
import json
from random import Random
from typing import Any

from aiohttp import ClientError, ClientSession, WSMsgType, web
import pytest

from tests.simulator import (
    Kindness,
    LoopClock,
    Outcome,
    Person,
    Simulator,
    State,
    WaapiAccount,
    WahaAccount,
    WawpAccount,
)
from tests.simulator.__main__ import describe, parser, populate
from tests.simulator.delivery import Faults, is_loopback
from tests.simulator.scenario import DAY, Scenario, plan_day
from tests.simulator.waha import sign

ANNA = "491511234567"
ANNA_ID = f"{ANNA}@c.us"
ANNA_LID = "111000111@lid"
GROUP_ID = "120363000000000001@g.us"
WAAPI_HEADERS = {"Authorization": "Bearer waapi-token", "Accept": "application/json"}
WAWP_CREDENTIALS = {"instance_id": "ABCDEF123456", "access_token": "wawp-token"}
WAHA_HEADERS = {"X-Api-Key": "waha-key"}


class Receiver:
    """What a gateway's webhooks arrive at."""

    def __init__(self) -> None:
        """Begin with nothing received, answering 200."""
        self.url = ""
        self.bodies: list[Any] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        """Keep what came, and answer what was asked for."""
        raw = await request.read()
        self.raw.append(raw)
        self.bodies.append(json.loads(raw))
        self.headers.append(dict(request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def presences(self) -> list[Any]:
        """The bodies of presence events alone."""
        return [
            b
            for b in self.bodies
            if b["event"] in {"presence_update", "presence.update"}
        ]


@pytest.fixture
async def receiver(socket_enabled: None) -> AsyncGenerator[Receiver]:
    """A webhook receiver on loopback."""
    found = Receiver()
    app = web.Application()
    app.router.add_post("/hook", found.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


@pytest.fixture
async def client(socket_enabled: None) -> AsyncGenerator[ClientSession]:
    """An HTTP client."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
def waapi(simulator: Simulator) -> WaapiAccount:
    """A WaAPI instance with nobody in it."""
    return simulator.add_instance("waapi", "123", number="15550100")


@pytest.fixture
def wawp(simulator: Simulator) -> WawpAccount:
    """A Wawp session with nobody in it."""
    return simulator.add_instance("wawp", WAWP_CREDENTIALS["instance_id"])


@pytest.fixture
def waha(simulator: Simulator) -> WahaAccount:
    """A WAHA session with nobody in it."""
    return simulator.add_instance("waha", "default")


class WaapiClient:
    """Calls of WaAPI, as any client makes them."""

    def __init__(self, session: ClientSession, simulator: Simulator) -> None:
        """Speak to instance 123."""
        self.session = session
        self.base = f"{simulator.url}/api/v1"
        self.headers = dict(WAAPI_HEADERS)

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        """Make a call; the status and the parsed body."""
        async with self.session.request(
            method, f"{self.base}{path}", headers=self.headers, **kwargs
        ) as response:
            raw = await response.read()
            if response.content_type != "application/json":
                return response.status, raw.decode()
            return response.status, json.loads(raw)

    async def action(self, name: str, **body: Any) -> tuple[int, Any]:
        """Run an action."""
        return await self.call(
            "POST", f"/instances/123/client/action/{name}", json=body
        )

    async def presence(self, **body: Any) -> Any:
        """Subscribe to Anna; the presence."""
        _, answer = await self.action(
            "get-chat-presence", **{"chatId": ANNA_ID, **body}
        )
        return answer["data"]["data"]["presence"]


@pytest.fixture
def waapi_client(
    client: ClientSession, simulator: Simulator, waapi: WaapiAccount
) -> WaapiClient:
    """A client of WaAPI's instance 123."""
    return WaapiClient(client, simulator)


# -------------------------------------------------------------------- WaAPI


async def test_waapi_refuses_a_wrong_token_and_an_unknown_instance(
    waapi_client: WaapiClient, simulator: Simulator
) -> None:
    """401 for a bad token, 404 for an instance of nobody or of somebody else."""
    simulator.add_instance("waapi", "999", token="other")
    assert (await waapi_client.call("GET", "/instances/999"))[0] == 404
    assert (await waapi_client.call("GET", "/instances/124/webhooks"))[0] == 404
    assert (await waapi_client.call("GET", "/nothing"))[0] == 404
    waapi_client.headers["Authorization"] = "Bearer wrong"
    for path in ("/instances", "/instances/123", "/nothing"):
        status, body = await waapi_client.call("GET", path)
        assert (status, body) == (401, {"message": "Unauthenticated."})
    del waapi_client.headers["Authorization"]
    assert (await waapi_client.call("GET", "/instances/123"))[0] == 401


async def test_waapi_answers_a_page_to_who_does_not_accept_json(
    waapi_client: WaapiClient,
) -> None:
    """Error bodies that are no JSON occur."""
    waapi_client.headers = {"Accept": "text/html"}
    status, body = await waapi_client.call("GET", "/instances/123")
    assert status == 401
    assert body.startswith("<!DOCTYPE html>")


async def test_waapi_describes_instances_status_and_account(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """The token's instances, the status in any state, me only when ready."""
    _, body = await waapi_client.call("GET", "/instances")
    assert [i["id"] for i in body["instances"]] == [123]
    _, body = await waapi_client.call("GET", "/instances/123")
    assert body["instance"]["webhook_url"] is None
    _, body = await waapi_client.call("GET", "/instances/123/client/me")
    assert body["me"]["data"]["contactId"] == "15550100@c.us"
    await waapi.set_status("qr")
    _, body = await waapi_client.call("GET", "/instances/123/client/status")
    assert body["clientStatus"]["instanceStatus"] == "qr"
    _, body = await waapi_client.call("GET", "/instances/123/client/me")
    assert body["me"]["status"] == "error"


async def test_waapi_wraps_a_bad_chat_id_in_success(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """HTTP 200 with an inner error; a missing id or a form is 422."""
    status, body = await waapi_client.action("get-chat-presence", chatId="+49 151")
    assert status == 200
    assert body["status"] == "success"
    assert body["data"]["status"] == "error"
    assert body["data"]["message"] == "incorrect chatId format."
    assert (await waapi_client.action("get-chat-presence"))[0] == 422
    status, body = await waapi_client.call(
        "POST",
        "/instances/123/client/action/get-chat-presence",
        data={"chatId": ANNA_ID},
    )
    assert status == 422
    assert "chatId" in body["errors"]
    for wrong in ({"waitForData": "yes"}, {"timeoutMs": "soon"}, {"timeoutMs": -1}):
        status, _ = await waapi_client.action(
            "get-chat-presence", chatId=ANNA_ID, **wrong
        )
        assert status == 422
    assert waapi.subscriptions == set()
    assert (await waapi_client.action("no-such-action"))[0] == 404


async def test_waapi_accepts_a_wrong_suffix_and_does_nothing(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """A wrong suffix is no error and no subscription."""
    waapi.add_person(ANNA)
    assert await waapi_client.presence(chatId=f"{ANNA}@s.whatsapp.net") is None
    assert waapi.subscriptions == set()


async def test_waapi_subscribes_and_tells_the_state(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """Every word of the presence object; lastSeen comes only with unavailable."""
    anna = waapi.add_person(ANNA)
    await waapi.set_presence(anna, "offline", last_seen=1_700_000_000)
    shown = await waapi_client.presence()
    assert shown == {
        "id": ANNA_ID,
        "isGroup": False,
        "isOnline": False,
        "chatstate": "unavailable",
        "lastSeen": 1_700_000_000,
        "deny": False,
        "typingParticipants": [],
        "recordingParticipants": [],
        "hasData": True,
        "isSubscribed": True,
    }
    words = {
        "online": "available",
        "typing": "typing",
        "recording": "recording_audio",
        "paused": "available",
    }
    for state, word in words.items():
        await waapi.set_presence(anna, state)
        shown = await waapi_client.presence()
        assert (shown["isOnline"], shown["chatstate"]) == (True, word)
        assert shown["lastSeen"] is None
    await waapi.set_presence(anna, "offline", deny=True)
    shown = await waapi_client.presence()
    assert (shown["lastSeen"], shown["deny"]) == (None, True)
    await waapi.set_presence(anna, "typing", online_hidden=True)
    shown = await waapi_client.presence()
    assert (shown["isOnline"], shown["chatstate"]) == (False, "typing")
    assert waapi.subscriptions == {ANNA_ID}


async def test_waapi_waits_for_the_first_push_up_to_the_timeout(
    simulator: Simulator, waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """Null proves neither success nor failure of the subscription."""
    simulator.clock = LoopClock()
    waapi.add_person(ANNA)
    waapi.quirks.push_latency = 0.1
    assert await waapi_client.presence(timeoutMs=10) is None
    assert waapi.subscriptions == {ANNA_ID}
    assert await waapi_client.presence(waitForData=False) is None
    assert (await waapi_client.presence(timeoutMs=2000))["hasData"] is True
    _, snapshot = await waapi_client.action(
        "get-chat-presence-snapshot", chatId=ANNA_ID
    )
    assert snapshot["data"]["data"]["presence"]["hasData"] is True


async def test_waapi_snapshot_subscribes_to_nothing(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """The cached state is null or hasData false while nothing is known."""
    waapi.add_person(ANNA)
    _, body = await waapi_client.action("get-chat-presence-snapshot", chatId=ANNA_ID)
    assert body["data"]["data"] == {"presence": None}
    waapi.quirks.no_data_as = "object"
    _, body = await waapi_client.action("get-chat-presence-snapshot", chatId=ANNA_ID)
    shown = body["data"]["data"]["presence"]
    assert (shown["hasData"], shown["chatstate"]) == (False, "unavailable")
    assert waapi.subscriptions == set()
    _, body = await waapi_client.action(
        "get-chat-presence-snapshot", chatId="4930000000@c.us"
    )
    assert body["data"]["data"] == {"presence": None}


async def test_waapi_knows_nothing_of_strangers_and_of_who_hides(
    waapi_client: WaapiClient, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """A well-formed id is subscribed to; nothing comes, and nothing is offline."""
    waapi.add_webhook(receiver.url, events=["presence_update"])
    anna = waapi.add_person(ANNA)
    await waapi.set_presence(anna, "online", has_data=False)
    assert await waapi_client.presence(timeoutMs=1) is None
    assert await waapi_client.presence(chatId="4930000000@c.us", timeoutMs=1) is None
    await waapi.set_presence(anna, "offline")
    assert receiver.bodies == []
    assert waapi.subscriptions == {ANNA_ID, "4930000000@c.us"}
    await waapi.set_presence(anna, "online", has_data=True)
    await waapi.set_presence(anna, "online", has_data=False)
    assert [b["data"]["presence"]["hasData"] for b in receiver.bodies] == [True, False]


@pytest.mark.parametrize(
    ("as_", "status"), [("409", 409), ("200", 200)], ids=["spec", "sdk"]
)
async def test_waapi_refuses_actions_when_not_ready(
    waapi_client: WaapiClient, waapi: WaapiAccount, as_: Any, status: int
) -> None:
    """409 or HTTP 200 with an outer error."""
    waapi.quirks.not_ready_as = as_
    await waapi.set_status("disconnected")
    answer, body = await waapi_client.action("get-chat-presence", chatId=ANNA_ID)
    assert (answer, body["status"]) == (status, "error")
    assert waapi.subscriptions == set()


async def test_waapi_refuses_trials_blocked_accounts_scopes_and_haste(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """403 for three reasons, 429 with and without Retry-After."""
    waapi.add_person(ANNA)
    waapi.quirks.trial_number = "15550100"
    status, body = await waapi_client.action("get-chat-presence", chatId=ANNA_ID)
    assert status == 403
    assert body["message"].startswith("Your trial instance is only able to send")
    waapi.quirks.trial_number = None
    waapi.quirks.scopes = ["read"]
    new = {"url": "http://127.0.0.1/x", "events": ["ready"]}
    assert (await waapi_client.call("POST", "/instances/123/webhooks", json=new))[
        0
    ] == 403
    assert (await waapi_client.call("GET", "/instances/123/webhooks"))[0] == 200
    waapi.quirks.blocked = True
    assert (await waapi_client.call("GET", "/instances/123"))[0] == 403
    waapi.quirks.blocked = False
    waapi.quirks.rate_limit = 1
    assert (await waapi_client.call("GET", "/instances/123"))[0] == 200
    assert (await waapi_client.call("GET", "/instances/123"))[0] == 429
    waapi.quirks.retry_after = 7
    async with waapi_client.session.get(
        f"{waapi_client.base}/instances/123", headers=WAAPI_HEADERS
    ) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "7"


async def test_waapi_places_older_payloads_one_level_higher(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """Objects and lists alike."""
    waapi.add_person(ANNA, name="Anna")
    waapi.quirks.payload_at = "data"
    _, body = await waapi_client.action("get-chat-presence", chatId=ANNA_ID)
    assert body["data"]["status"] == "success"
    assert body["data"]["presence"]["id"] == ANNA_ID
    _, body = await waapi_client.action("get-chats")
    assert body["data"][0]["id"]["_serialized"] == ANNA_ID


async def test_waapi_webhook_subscriptions(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """201, 200 with the old events, 422 beyond 25 or when wrong, 204 and 404."""
    path = "/instances/123/webhooks"
    new = {"url": "http://127.0.0.1/a", "events": ["ready"], "source": "api"}
    status, body = await waapi_client.call("POST", path, json=new)
    assert status == 201
    assert body["data"]["isActive"] is True
    webhook_id = body["data"]["id"]
    again = {**new, "events": ["presence_update"]}
    status, body = await waapi_client.call("POST", path, json=again)
    assert (status, body["data"]["events"]) == (200, ["ready"])
    for wrong in (
        {"events": ["ready"]},
        {**new, "url": "nonsense"},
        {**new, "url": "http://127.0.0.1/b", "events": []},
        {**new, "url": "http://127.0.0.1/b", "events": ["state_change"]},
        {**new, "url": "http://127.0.0.1/b", "source": 1},
    ):
        assert (await waapi_client.call("POST", path, json=wrong))[0] == 422
    status, body = await waapi_client.call("GET", path)
    assert list(body) == ["data"]
    assert [hook["id"] for hook in body["data"]] == [webhook_id]
    for number in range(24):
        waapi.add_webhook(f"http://127.0.0.1/{number}")
    new["url"] = "http://127.0.0.1/b"
    assert (await waapi_client.call("POST", path, json=new))[0] == 422
    assert (await waapi_client.call("DELETE", f"{path}/{webhook_id}"))[0] == 204
    assert (await waapi_client.call("DELETE", f"{path}/{webhook_id}"))[0] == 404
    assert len(waapi.user_webhooks) == 24


async def test_waapi_keeps_the_instances_own_webhook_apart(
    waapi_client: WaapiClient, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """Mechanism A is neither listed nor changed by mechanism B."""
    own = {"webhook": {"url": receiver.url, "events": ["presence_update"]}}
    assert (await waapi_client.call("PUT", "/instances/123", json={"url": "x"}))[
        0
    ] == 422
    _, body = await waapi_client.call("PUT", "/instances/123", json=own)
    assert body["instance"]["webhook_url"] == receiver.url
    assert waapi.webhooks == []
    anna = waapi.add_person(ANNA)
    waapi.subscribe(ANNA_ID)
    await waapi.set_presence(anna, "online")
    assert receiver.presences()[-1]["data"]["presence"]["isOnline"] is True


async def test_waapi_delivers_only_to_active_hooks_that_want_the_event(
    waapi: WaapiAccount, receiver: Receiver
) -> None:
    """An inactive hook and other events deliver nothing; instanceId is a number."""
    hook = waapi.add_webhook(receiver.url, events=["presence_update"])
    anna = waapi.add_person(ANNA)
    waapi.quirks.push_on_subscribe = False
    waapi.subscribe(ANNA_ID)
    waapi.set_webhook_active(hook["id"], False)
    await waapi.set_presence(anna, "online")
    await waapi.set_status("disconnected")
    assert receiver.bodies == []
    waapi.set_webhook_active(hook["id"], True)
    await waapi.set_status("ready")
    waapi.subscribe(ANNA_ID)
    await waapi.set_presence(anna, "typing")
    assert receiver.bodies[-1]["instanceId"] == 123
    assert receiver.bodies[-1]["data"]["presence"]["chatstate"] == "typing"


async def test_waapi_event_shapes_that_nobody_knows(
    waapi: WaapiAccount, receiver: Receiver
) -> None:
    """`data.presence` or `data`; the id as string or object; lid or number."""
    waapi.add_webhook(receiver.url, events=["presence_update", "ready", "disconnected"])
    anna = waapi.add_person(ANNA, lid=ANNA_LID)
    waapi.subscribe(ANNA_ID)
    await waapi.set_presence(anna, "online")
    assert receiver.bodies[-1]["data"]["presence"]["id"] == ANNA_ID
    waapi.quirks.events_under_lid = True
    waapi.quirks.event_at = "data"
    waapi.quirks.event_id_as = "object"
    await waapi.set_presence(anna, "offline")
    assert receiver.bodies[-1]["data"]["id"] == {"_serialized": ANNA_LID}
    await waapi.set_status("disconnected")
    assert receiver.bodies[-1]["data"] == {"status": "disconnected"}
    waapi.quirks.status_data = False
    await waapi.set_status("ready")
    assert "data" not in receiver.bodies[-1]


async def test_waapi_answers_under_the_lid_when_asked_to(
    waapi_client: WaapiClient, waapi: WaapiAccount
) -> None:
    """The answer's id is then an alias to learn; a lid can be subscribed to."""
    waapi.add_person(ANNA, lid=ANNA_LID)
    waapi.quirks.answers_under_lid = True
    assert (await waapi_client.presence())["id"] == ANNA_LID
    assert (await waapi_client.presence(chatId=ANNA_LID))["id"] == ANNA_LID
    assert waapi.subscriptions == {ANNA_ID}


@pytest.mark.parametrize("prefix", [False, True], ids=["bare", "prefixed"])
async def test_waapi_signs_when_it_has_a_secret(
    waapi: WaapiAccount, receiver: Receiver, prefix: bool
) -> None:
    """Hex HMAC-SHA256 of the raw body, with or without `sha256=`."""
    waapi.add_webhook(receiver.url, events=["ready", "change_state"])
    waapi.quirks.hmac_secret = "key"
    waapi.quirks.hmac_prefix = prefix
    await waapi.reconnect()
    digest = hmac.new(b"key", receiver.raw[-1], hashlib.sha256).hexdigest()
    assert receiver.headers[-1]["x-waapi-hmac"] == (
        f"sha256={digest}" if prefix else digest
    )
    assert receiver.headers[-1]["x-waapi-instance-id"] == "123"


async def test_waapi_reconnect_resets_every_chat_and_loses_subscriptions(
    waapi: WaapiAccount, receiver: Receiver
) -> None:
    """The reset reads like offline but has no data; nothing comes afterwards."""
    waapi.add_webhook(receiver.url, events=["presence_update", "ready", "change_state"])
    anna = waapi.add_person(ANNA)
    waapi.subscribe(ANNA_ID)
    await waapi.set_presence(anna, "online")
    receiver.bodies.clear()
    await waapi.reconnect()
    assert [b["event"] for b in receiver.bodies] == [
        "presence_update",
        "change_state",
        "ready",
    ]
    reset = receiver.bodies[0]["data"]["presence"]
    assert (reset["hasData"], reset["chatstate"], reset["isSubscribed"]) == (
        False,
        "unavailable",
        False,
    )
    await waapi.set_presence(anna, "offline")
    assert len(receiver.bodies) == 3
    assert waapi.subscriptions == set()


async def test_waapi_resets_when_a_disconnected_instance_comes_back(
    waapi: WaapiAccount, receiver: Receiver
) -> None:
    """Unless that habit is switched off."""
    waapi.add_webhook(receiver.url, events=["presence_update"])
    waapi.add_person(ANNA)
    for expected, habit in ((1, True), (0, False)):
        waapi.quirks.reset_events = habit
        waapi.subscribe(ANNA_ID)
        await waapi.simulator.delivery.idle()
        receiver.bodies.clear()
        await waapi.set_status("disconnected")
        await waapi.set_status("ready")
        assert len(receiver.bodies) == expected


async def test_waapi_ids_chats_contacts_and_pictures(
    waapi_client: WaapiClient, waapi: WaapiAccount, simulator: Simulator
) -> None:
    """The lookups, in both of their forms."""
    anna = waapi.add_person(ANNA, name="Anna", lid=ANNA_LID, picture=True)
    waapi.add_person("15550199", name="Nobody", on_whatsapp=False)
    waapi.add_group(GROUP_ID, name="Family", members=[anna])

    async def payload(name: str, **body: Any) -> Any:
        status, answer = await waapi_client.action(name, **body)
        assert status == 200
        return answer["data"]["data"]

    pair = {"lid": ANNA_LID, "pn": ANNA_ID}
    assert await payload("get-lid", contactIds=[ANNA_ID, "1@c.us"]) == {
        "contacts": [pair]
    }
    assert await payload("get-lid", contactIds=[ANNA_LID]) == {"contacts": [pair]}
    assert (await payload("get-number-id", number=ANNA))["numberId"] == {
        "server": "c.us",
        "user": ANNA,
        "_serialized": ANNA_ID,
    }
    assert (await payload("get-number-id", number="15550199"))["numberId"] is None
    waapi.add_person("554187654321", dialled="5541987654321")
    found = (await payload("get-number-id", number="5541987654321"))["numberId"]
    assert found["user"] == "554187654321"
    assert await payload("is-registered-user", contactId=ANNA_ID) is True
    waapi.quirks.registered_as = "object"
    assert await payload("is-registered-user", contactId="15550199@c.us") == {
        "isRegisteredUser": False
    }
    chats = await payload("get-chats", offset=1, limit=5)
    assert [c["id"]["_serialized"] for c in chats[::2]] == ["15550199@c.us", GROUP_ID]
    contacts = await payload("get-contacts")
    assert [c["id"]["_serialized"] for c in contacts[:2]] == [ANNA_ID, ANNA_LID]
    picture = await payload("get-profile-pic-url", contactId=ANNA_ID)
    async with waapi_client.session.get(picture["profilePicUrl"]) as response:
        assert response.content_type == "image/png"
        assert (await response.read()).startswith(b"\x89PNG")
    info = await payload("get-group-info", chatId=GROUP_ID)
    assert info["participants"][0]["id"]["_serialized"] == ANNA_ID
    waapi.quirks.participants_as_lids = True
    info = await payload("get-group-info", chatId=GROUP_ID)
    assert info["participants"][0]["id"]["_serialized"] == ANNA_LID
    _, answer = await waapi_client.action("get-group-info", chatId=ANNA_ID)
    assert answer["data"]["status"] == "error"
    for name in ("get-lid", "get-number-id", "is-registered-user"):
        assert (await waapi_client.action(name))[0] == 422
    assert await payload("send-presence-available") == {"available": True}
    assert waapi.available
    assert await payload("send-presence-unavailable") == {"available": False}
    assert not waapi.available


async def test_waapi_group_is_online_if_any_member_is(
    waapi_client: WaapiClient, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """The chatstate is null; who types is listed; an event comes when that changes."""
    waapi.add_webhook(receiver.url, events=["presence_update"])
    anna = waapi.add_person(ANNA, lid=ANNA_LID)
    ben = waapi.add_person("15550102")
    group = waapi.add_group(GROUP_ID, members=[anna, ben])
    shown = await waapi_client.presence(chatId=GROUP_ID)
    assert (shown["isGroup"], shown["isOnline"], shown["chatstate"]) == (
        True,
        False,
        None,
    )
    await waapi.simulator.delivery.idle()
    receiver.bodies.clear()
    await waapi.set_presence(anna, "online")
    await waapi.set_presence(ben, "online")
    await waapi.set_presence(anna, "typing", group=group)
    await waapi.set_presence(ben, "recording", group=group)
    await waapi.set_presence(anna, "offline")
    rows = [b["data"]["presence"] for b in receiver.bodies]
    assert [
        (r["isOnline"], r["typingParticipants"], r["recordingParticipants"])
        for r in rows
    ] == [
        (True, [], []),
        (True, [ANNA_ID], []),
        (True, [ANNA_ID], ["15550102@c.us"]),
        (True, [], ["15550102@c.us"]),
    ]


# ------------------------------------------------------------ what all share


async def test_typing_ends_by_itself_with_a_second_event(
    simulator: Simulator, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """And a new typing begins the time anew; the quirk lets it never end."""
    simulator.typing_timeout = 0.05
    waapi.add_webhook(receiver.url, events=["presence_update"])
    anna = waapi.add_person(ANNA)
    waapi.subscribe(ANNA_ID)
    await waapi.set_presence(anna, "typing")
    while len(receiver.bodies) < 3:
        await asyncio.sleep(0.005)
    states = [b["data"]["presence"]["chatstate"] for b in receiver.bodies]
    assert states == ["unavailable", "typing", "available"]
    waapi.quirks.typing_ends = False
    await waapi.set_presence(anna, "recording")
    await asyncio.sleep(0.1)
    assert len(receiver.bodies) == 4


async def test_typing_in_a_group_ends_too(
    simulator: Simulator, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """Kept apart from the chat with the person alone."""
    simulator.typing_timeout = 0.05
    waapi.add_webhook(receiver.url, events=["presence_update"])
    anna = waapi.add_person(ANNA)
    group = waapi.add_group(GROUP_ID, members=[anna])
    waapi.subscribe(GROUP_ID)
    await waapi.set_presence(anna, "typing", group=group)
    while len(receiver.bodies) < 3:
        await asyncio.sleep(0.005)
    rows = [b["data"]["presence"]["typingParticipants"] for b in receiver.bodies]
    assert rows == [[], [ANNA_ID], []]
    assert anna.state is State.ONLINE


async def test_no_event_without_a_subscription(
    waapi: WaapiAccount, wawp: WawpAccount, waha: WahaAccount, receiver: Receiver
) -> None:
    """Nor without being available, where that is switched on."""
    for account in (waapi, wawp, waha):
        events = ["presence_update"] if account is waapi else ["presence.update"]
        account.add_webhook(receiver.url, events=events)
        anna = account.add_person(ANNA)
        await account.set_presence(anna, "online")
        account.quirks.needs_available = True
        account.subscribe(ANNA_ID)
        await account.set_presence(anna, "offline")
        assert receiver.bodies == []
        account.own_presence = "available" if account is waapi else "online"
        await account.set_presence(anna, "online")
        assert len(receiver.bodies) == 1
        receiver.bodies.clear()


async def test_flood_repeats_the_last_event(
    wawp: WawpAccount, receiver: Receiver
) -> None:
    """As many as asked for, of a person or a group."""
    wawp.add_webhook(receiver.url)
    anna = wawp.add_person(ANNA, name="Anna")
    wawp.add_group(GROUP_ID, name="Family", members=[anna])
    wawp.quirks.push_on_subscribe = False
    wawp.subscribe(ANNA_ID)
    wawp.subscribe(GROUP_ID)
    await wawp.flood("Anna", 150)
    assert len(receiver.bodies) == 150
    await wawp.flood("Family", 3)
    # Nobody is there, and nobody types: there is nothing to be said of the group.
    assert len(receiver.bodies) == 150
    await wawp.set_presence(anna, "online")
    receiver.bodies.clear()
    await wawp.flood("Family", 3)
    assert len(receiver.bodies) == 3


def test_people_groups_and_quirks_are_checked(simulator: Simulator) -> None:
    """Mistakes of a test's author are errors, not surprises."""
    account = simulator.add_instance("waapi", "5")
    anna = account.add_person(ANNA, name="Anna")
    group = account.add_group(GROUP_ID, name="Family")
    assert account.person("Anna") is account.person(f"+{ANNA}") is anna
    assert account.person(anna) is anna
    assert account.group("Family") is account.group(GROUP_ID) is group
    for wrong in (
        lambda: account.add_person("+49"),
        lambda: account.add_person("49", lid="5@c.us"),
        lambda: account.add_group("5@c.us"),
        lambda: account.set_quirks({"no_such": 1}),
        lambda: simulator.add_instance("waapi", "5"),
        lambda: simulator.add_instance("waapi", "five"),
        lambda: simulator.add_instance("signal", "5"),
        lambda: simulator.add_instance("waha", "x", engine="PUPPET"),
    ):
        with pytest.raises(ValueError, match=r"."):
            wrong()
    with pytest.raises(KeyError):
        account.person("Nobody")
    with pytest.raises(KeyError):
        account.group("Nobody")


async def test_statuses_and_memberships_are_checked(waapi: WaapiAccount) -> None:
    """A word of another dialect, and typing in a stranger's group."""
    anna = waapi.add_person(ANNA)
    group = waapi.add_group(GROUP_ID)
    with pytest.raises(ValueError, match="no status"):
        await waapi.set_status("WORKING")
    with pytest.raises(ValueError, match="not a member"):
        await waapi.set_presence(anna, "typing", group=group)


# --------------------------------------------------------------------- Wawp


class WawpClient:
    """Calls of Wawp, as any client makes them."""

    def __init__(self, session: ClientSession, simulator: Simulator) -> None:
        """Speak for one pair of credentials."""
        self.session = session
        self.base = simulator.url
        self.credentials = dict(WAWP_CREDENTIALS)

    async def raw(self, method: str, path: str, **kwargs: Any) -> tuple[int, str, str]:
        """Make a call; status, content type, text."""
        async with self.session.request(
            method, f"{self.base}{path}", **kwargs
        ) as response:
            return response.status, response.content_type, await response.text()

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        """GET with the credentials in the query."""
        status, _, text = await self.raw(
            "GET", path, params={**self.credentials, **query}
        )
        return status, json.loads(text)

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """POST with the credentials in a JSON body."""
        status, _, text = await self.raw(
            "POST", path, json={**self.credentials, **body}
        )
        return status, json.loads(text)


SUBSCRIBE = f"/v2/presence/{ANNA_ID}/subscribe"


@pytest.fixture
def wawp_client(
    client: ClientSession, simulator: Simulator, wawp: WawpAccount
) -> WawpClient:
    """A client of a Wawp session."""
    return WawpClient(client, simulator)


async def test_wawp_subscribes_without_telling_a_state(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """Success says only that; a differing chatId in the body is refused."""
    wawp.add_person(ANNA)
    assert await wawp_client.post(SUBSCRIBE, chatId=ANNA_ID) == (
        200,
        {"success": True, "message": "Operation completed successfully"},
    )
    assert wawp.subscriptions == {ANNA_ID}
    assert (await wawp_client.post(SUBSCRIBE, chatId="1@c.us"))[0] == 400
    assert (await wawp_client.post("/v2/presence/hello/subscribe"))[0] == 400


async def test_wawp_takes_credentials_from_one_place(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """The body by the tables, the query by the sample; forms are 401."""
    query = {"params": WAWP_CREDENTIALS}
    assert (await wawp_client.raw("POST", SUBSCRIBE, **query))[0] == 401
    wawp.quirks.missing_status = 400
    status, _, text = await wawp_client.raw("POST", SUBSCRIBE, **query)
    assert (status, json.loads(text)["code"]) == (400, "missing_param")
    form = {"data": WAWP_CREDENTIALS}
    assert (await wawp_client.raw("POST", SUBSCRIBE, **form))[0] == 401
    wawp.quirks.credentials_in = "query"
    assert (await wawp_client.raw("POST", SUBSCRIBE, **query))[0] == 200
    assert (await wawp_client.post(SUBSCRIBE))[0] == 400
    wawp.quirks.credentials_in = "both"
    assert (await wawp_client.post(SUBSCRIBE))[0] == 200
    assert (await wawp_client.raw("POST", SUBSCRIBE, **query))[0] == 200
    assert (await wawp_client.raw("POST", SUBSCRIBE, **form))[0] == 401


async def test_wawp_refuses_wrong_credentials_and_bodies(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """401 for a token, 404 for a session, 400 for what is no JSON object."""
    wawp_client.credentials["access_token"] = "wrong"
    assert (await wawp_client.post(SUBSCRIBE))[0] == 401
    assert (await wawp_client.get("/v2/session/me"))[0] == 401
    wawp_client.credentials["instance_id"] = "nobody"
    status, body = await wawp_client.post(SUBSCRIBE)
    assert (status, body["code"]) == (404, "invalid_session")
    assert (await wawp_client.raw("POST", SUBSCRIBE))[0] == 401
    json_type = {"headers": {"Content-Type": "application/json"}}
    for text in ("{", "[]"):
        assert (await wawp_client.raw("POST", SUBSCRIBE, data=text, **json_type))[
            0
        ] == 400
    assert wawp.subscriptions == set()


@pytest.mark.parametrize(
    ("form", "status", "content_type", "part"),
    [
        ("json", 401, "application/json", '"code": "unauthorized"'),
        ("xml", 401, "application/xml", "<message>Invalid access token</message>"),
        ("plain", 401, "text/plain", "Invalid access token"),
        ("html", 401, "text/html", "<h1>401</h1>"),
        ("200", 200, "application/json", '"message": "Invalid access token"'),
    ],
)
async def test_wawp_errors_come_in_every_form(
    wawp_client: WawpClient,
    wawp: WawpAccount,
    *,
    form: Any,
    status: int,
    content_type: str,
    part: str,
) -> None:
    """JSON, XML, plain text, HTML, and HTTP 200 with code and message."""
    wawp.quirks.errors_as = form
    wawp_client.credentials["access_token"] = "wrong"
    answer = await wawp_client.raw("POST", SUBSCRIBE, json=wawp_client.credentials)
    assert answer[:2] == (status, content_type)
    assert part in answer[2]


async def test_wawp_refuses_a_session_that_is_not_working(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """WORKING and READY can subscribe, no other word."""
    for status, expected in (("READY", 200), ("SCAN_QR_CODE", 422), ("WORKING", 200)):
        await wawp.set_status(status)
        assert (await wawp_client.post(SUBSCRIBE))[0] == expected
    await wawp.set_status("PAUSED")
    wawp.quirks.not_ready_status = 500
    assert (await wawp_client.post(SUBSCRIBE))[0] == 500
    assert (await wawp_client.get("/v2/chats/overview"))[0] == 500
    assert wawp.subscriptions == set()


async def test_wawp_presence_can_perhaps_be_asked(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """WAHA's shape, or 404 or 405; own presence has two words."""
    anna = wawp.add_person(ANNA)
    await wawp.set_presence(anna, "offline", last_seen=1_700_000_000)
    path = f"/v2/presence/{ANNA_ID}"
    assert await wawp_client.get(path) == (
        200,
        {
            "id": ANNA_ID,
            "presences": [
                {
                    "participant": ANNA_ID,
                    "lastKnownPresence": "offline",
                    "lastSeen": 1_700_000_000,
                }
            ],
        },
    )
    _, body = await wawp_client.get("/v2/presence/4930000000@c.us")
    assert body == {"id": "4930000000@c.us", "presences": []}
    wawp.quirks.get_presence = 405
    assert (await wawp_client.get(path))[0] == 405
    assert (await wawp_client.post("/v2/presence", presence="online"))[0] == 200
    assert wawp.available
    assert (await wawp_client.post("/v2/presence", presence="typing"))[0] == 400


async def test_wawp_session_info_by_one_method(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """POST, or GET where that is switched on; the status in any state."""
    status, body = await wawp_client.post("/v2/session/info")
    assert (status, body["status"]) == (200, "WORKING")
    assert body["me"]["id"] == wawp.me.chat_id
    assert (await wawp_client.get("/v2/session/info"))[0] == 405
    wawp.quirks.info_method = "GET"
    wawp.quirks.info_refusal = 404
    wawp.quirks.info_wrapped = True
    assert (await wawp_client.post("/v2/session/info"))[0] == 404
    await wawp.set_status("HIBERNATING")
    _, body = await wawp_client.get("/v2/session/info")
    assert (body["data"]["status"], body["data"]["me"]) == ("HIBERNATING", None)
    await wawp.set_status("WORKING")
    assert (await wawp_client.get("/v2/session/me"))[1]["platform"] == "android"
    assert (await wawp_client.get("/v2/session/rate-limit"))[0] == 200
    assert (await wawp_client.get("/v2/nothing"))[0] == 404


async def test_wawp_webhooks_need_a_paid_plan(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """403 subscription_required, to read and to write."""
    wawp.quirks.plan = "free"
    status, body = await wawp_client.get("/v2/session/webhook")
    assert (status, body["code"]) == (403, "subscription_required")
    assert (await wawp_client.post("/v2/session/webhook", webhooks=[]))[0] == 403


async def test_wawp_overwrites_the_whole_list(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """What is not written again is gone, also the user's; systemConfig stays."""
    theirs = wawp.add_webhook("http://127.0.0.1/theirs", secret="s")
    _, body = await wawp_client.get("/v2/session/webhook")
    assert body["webhooks"] == [theirs]
    ours = {"url": "http://127.0.0.1/ours", "events": ["presence.update"]}
    await wawp_client.post("/v2/session/webhook", webhooks=[theirs, ours])
    assert wawp.user_webhooks == [theirs]
    await wawp_client.post("/v2/session/webhook", webhooks=[ours])
    assert wawp.webhooks == [ours]
    assert wawp.user_webhooks == []
    assert wawp.system_config == {"ignore": {"status": True}}
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"webhooks": {}},
        {"webhooks": [1]},
        {"webhooks": [{"url": "x", "events": []}]},
        {"webhooks": [{**ours, "is_active": "yes"}]},
        {"webhooks": [ours] * 201},
        {"webhooks": [ours], "systemConfig": []},
    )
    for wrong in bodies:
        assert (await wawp_client.post("/v2/session/webhook", **wrong))[0] == 400
    await wawp_client.post("/v2/session/webhook", webhooks=[], systemConfig={"a": 1})
    assert (wawp.webhooks, wawp.system_config) == ([], {"a": 1})


async def test_wawp_envelope_and_both_shapes(
    wawp: WawpAccount, receiver: Receiver
) -> None:
    """The target is the lid; `session` is not the instance id."""
    wawp.add_webhook(receiver.url)
    anna = wawp.add_person(ANNA, lid=ANNA_LID)
    wawp.quirks.push_on_subscribe = False
    wawp.subscribe(ANNA_ID)
    await wawp.set_presence(anna, "typing")
    envelope = receiver.bodies[-1]
    assert envelope["session"] != wawp.instance_id
    assert set(envelope) == {
        "id",
        "timestamp",
        "session",
        "metadata",
        "engine",
        "event",
        "payload",
        "me",
    }
    assert envelope["payload"] == {
        "id": ANNA_LID,
        "presences": [
            {"participant": ANNA_LID, "lastKnownPresence": "typing", "lastSeen": None}
        ],
    }
    wawp.quirks.events_under_lid = False
    wawp.quirks.event_shape = "flat"
    wawp.quirks.session_name = "default"
    wawp.engine = "GOWS"
    words = []
    for state in ("online", "typing", "recording", "paused", "offline"):
        await wawp.set_presence(anna, state)
        payload = receiver.bodies[-1]["payload"]
        assert (payload["chatId"], payload["from"]) == (ANNA_ID, ANNA_ID)
        words.append(payload["type"])
    assert words == ["available", "composing", "recording", "paused", "unavailable"]
    assert receiver.bodies[-1]["session"] == "default"
    wawp.subscribe(ANNA_LID)
    await wawp.set_presence(anna, "online")
    assert receiver.bodies[-1]["payload"]["chatId"] == ANNA_LID


async def test_wawp_bodies_as_array_string_and_copies(
    wawp: WawpAccount, receiver: Receiver
) -> None:
    """Arrays of envelopes, a JSON string that holds one, repeats under one id."""
    wawp.add_webhook(receiver.url)
    wawp.quirks.event_as = "array"
    await wawp.set_status("STOPPED")
    assert receiver.bodies[-1][0]["payload"]["status"] == "STOPPED"
    wawp.quirks.event_as = "string"
    await wawp.set_status("WORKING")
    assert json.loads(receiver.bodies[-1])["payload"]["status"] == "WORKING"
    wawp.quirks.event_as = "object"
    wawp.quirks.copies = 2
    wawp.quirks.push_on_subscribe = False
    anna = wawp.add_person(ANNA)
    wawp.subscribe(ANNA_ID)
    await wawp.set_presence(anna, "online")
    assert receiver.bodies[-1] == receiver.bodies[-2]


async def test_wawp_pushes_the_state_after_each_subscription(
    wawp: WawpAccount, receiver: Receiver
) -> None:
    """Success carries no state, the event that follows does; also on renewal."""
    wawp.add_webhook(receiver.url)
    wawp.add_person(ANNA)
    wawp.subscribe(ANNA_ID)
    wawp.subscribe(ANNA_ID)
    await wawp.simulator.delivery.idle()
    assert len(receiver.presences()) == 2


async def test_wawp_chats_contacts_and_ids(
    wawp_client: WawpClient, wawp: WawpAccount
) -> None:
    """Arrays or objects, numbers and lids mixed, two keys for one thing."""
    anna = wawp.add_person(ANNA, name="Anna", lid=ANNA_LID, picture=True)
    wawp.add_group(GROUP_ID, name="Family", members=[anna])
    _, rows = await wawp_client.get("/v2/chats/overview")
    assert [row["id"] for row in rows] == [ANNA_ID, GROUP_ID]
    wawp.quirks.overview_as = "object"
    _, rows = await wawp_client.get("/v2/chats/overview", limit="1")
    assert list(rows) == ["0"]
    assert (await wawp_client.get("/v2/chats/overview", limit="x"))[0] == 400
    _, rows = await wawp_client.get("/v2/contacts/all", limit="10", offset="1")
    assert [row["id"] for row in rows] == [ANNA_LID]
    _, found = await wawp_client.get("/v2/contacts/check-exists", phone=ANNA)
    assert found == {"numberExists": True, "chatId": ANNA_ID}
    _, found = await wawp_client.get("/v2/contacts/check-exists", phone="1")
    assert found["numberExists"] is False
    _, picture = await wawp_client.get(
        "/v2/contacts/profile-picture", contactId=ANNA_ID
    )
    assert picture["url"].endswith(".png")
    wawp.quirks.picture_key = "profilePictureURL"
    _, picture = await wawp_client.get(
        "/v2/contacts/profile-picture", contactId=GROUP_ID
    )
    assert picture == {"profilePictureURL": None}
    assert (await wawp_client.get("/v2/contacts/profile-picture"))[0] == 400
    _, pair = await wawp_client.get(f"/v2/lids/pn/{ANNA}")
    assert pair == {"lid": ANNA_LID, "pn": ANNA_ID}
    wawp.quirks.lid_key = "number"
    _, pair = await wawp_client.get(f"/v2/lids/{ANNA_LID}")
    assert pair == {"lid": ANNA_LID, "number": ANNA_ID}
    assert (await wawp_client.get("/v2/lids/pn/1"))[1]["lid"] is None
    path = f"/v2/groups/{GROUP_ID}/participants"
    number = f"{ANNA}@s.whatsapp.net"
    assert (await wawp_client.get(path))[1][0]["id"] == number
    wawp.quirks.participants_as_lids = True
    assert (await wawp_client.get(path))[1][0]["id"] == ANNA_LID
    assert (await wawp_client.get("/v2/groups/1@g.us/participants"))[0] == 404


async def test_wawp_refuses_haste(wawp_client: WawpClient, wawp: WawpAccount) -> None:
    """429, with Retry-After where that is switched on."""
    wawp.quirks.rate_limit = 1
    wawp.quirks.retry_after = 3
    assert (await wawp_client.get("/v2/session/me"))[0] == 200
    async with wawp_client.session.get(
        f"{wawp_client.base}/v2/session/me", params=WAWP_CREDENTIALS
    ) as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "3"


# --------------------------------------------------------------------- WAHA


class WahaClient:
    """Calls of WAHA, as any client makes them."""

    def __init__(self, session: ClientSession, simulator: Simulator) -> None:
        """Speak with the good key."""
        self.session = session
        self.base = simulator.url
        self.headers = dict(WAHA_HEADERS)

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any]:
        """Make a call; the status and the parsed body."""
        async with self.session.request(
            method, f"{self.base}{path}", headers=self.headers, **kwargs
        ) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None


@pytest.fixture
def waha_client(
    client: ClientSession, simulator: Simulator, waha: WahaAccount
) -> WahaClient:
    """A client of a WAHA server."""
    return WahaClient(client, simulator)


def ws_url(simulator: Simulator, key: str = "waha-key") -> str:
    """The address of the events, as the contract writes it."""
    return (
        f"{simulator.url}/ws?x-api-key={key}&session=default"
        "&events=presence.update&events=session.status"
    )


async def test_waha_refuses_a_wrong_key_and_unknown_sessions(
    waha_client: WahaClient, simulator: Simulator
) -> None:
    """401 with WAHA's body, also where there is nothing; 404 for a session."""
    assert (await waha_client.call("GET", "/api/sessions/nobody"))[0] == 404
    assert (await waha_client.call("GET", "/api/default/nothing"))[0] == 404
    simulator.add_instance("waha", "foreign", token="other")
    assert (await waha_client.call("GET", "/api/sessions/foreign"))[0] == 404
    assert (await waha_client.call("GET", "/ping"))[0] == 200
    waha_client.headers = {"X-Api-Key": "wrong"}
    for path in ("/api/sessions", f"/api/default/presence/{ANNA_ID}", "/api/nothing"):
        assert await waha_client.call("GET", path) == (
            401,
            {"message": "Unauthorized", "statusCode": 401},
        )


async def test_waha_presence(waha_client: WahaClient, waha: WahaAccount) -> None:
    """POST answers 201 and nothing; GET subscribes as well; own presence."""
    anna = waha.add_person(ANNA)
    path = f"/api/default/presence/{ANNA_ID}"
    waha.quirks.push_latency = None
    _, body = await waha_client.call("GET", path)
    assert body == {"id": ANNA_ID, "presences": []}
    assert waha.subscriptions == {ANNA_ID}
    waha.quirks.push_latency = 0
    assert await waha_client.call("POST", f"{path}/subscribe") == (201, None)
    await waha.set_presence(anna, "recording")
    _, body = await waha_client.call("GET", path)
    assert body["presences"][0]["lastKnownPresence"] == "recording"
    _, body = await waha_client.call("GET", "/api/default/presence/4930000000@c.us")
    assert body["presences"] == []
    own = "/api/default/presence"
    bodies: tuple[dict[str, Any], ...] = (
        {"json": {"presence": "typing"}},
        {"data": "x"},
        {"json": []},
    )
    for wrong in bodies:
        assert (await waha_client.call("POST", own, **wrong))[0] == 400
    await waha_client.call("POST", own, json={"presence": "online"})
    assert waha.available


async def test_waha_refuses_a_session_that_is_not_working(
    waha_client: WahaClient, waha: WahaAccount
) -> None:
    """422, which names the session's status; the session itself can be read."""
    await waha.set_status("SCAN_QR_CODE")
    status, body = await waha_client.call(
        "POST", f"/api/default/presence/{ANNA_ID}/subscribe"
    )
    assert (status, body["status"], body["expected"]) == (
        422,
        "SCAN_QR_CODE",
        ["WORKING"],
    )
    _, body = await waha_client.call("GET", "/api/sessions/default")
    assert (body["status"], body["me"]) == ("SCAN_QR_CODE", None)
    await waha.set_status("STOPPED")
    assert (await waha_client.call("GET", "/api/sessions"))[1] == []
    _, rows = await waha_client.call("GET", "/api/sessions?all=true")
    assert [row["name"] for row in rows] == ["default"]
    await waha.set_status("WORKING")
    waha.quirks.rate_limit = 0
    assert (await waha_client.call("GET", "/api/sessions/default"))[0] == 429


async def test_waha_writes_a_whole_config_and_restarts(
    waha_client: WahaClient, waha: WahaAccount, receiver: Receiver
) -> None:
    """What is not in the new configuration is gone, subscriptions too."""
    waha.add_webhook("http://127.0.0.1/theirs")
    waha.subscribe(ANNA_ID)
    for wrong in ({}, {"config": {"webhooks": [1]}}):
        assert (await waha_client.call("PUT", "/api/sessions/default", json=wrong))[
            0
        ] == 400
    hook = {"url": receiver.url, "events": ["session.status"]}
    _, body = await waha_client.call(
        "PUT", "/api/sessions/default", json={"config": {"webhooks": [hook]}}
    )
    assert body["config"]["webhooks"] == [hook]
    assert (waha.user_webhooks, waha.config_writes) == ([], 1)
    assert waha.subscriptions == set()
    assert [b["payload"]["status"] for b in receiver.bodies] == ["STARTING", "WORKING"]


async def test_waha_chats_and_ids(waha_client: WahaClient, waha: WahaAccount) -> None:
    """Overview, existence, lids in both directions, null when unknown."""
    anna = waha.add_person(ANNA, name="Anna", lid=ANNA_LID, picture=True)
    waha.add_group(GROUP_ID, name="Family", members=[anna])
    waha.quirks.store = True

    async def get(path: str) -> Any:
        return (await waha_client.call("GET", path))[1]

    assert [r["id"] for r in await get("/api/default/chats/overview")] == [
        ANNA_ID,
        GROUP_ID,
    ]
    page = await get("/api/default/chats/overview?limit=1&offset=1")
    assert [r["name"] for r in page] == ["Family"]
    assert (await waha_client.call("GET", "/api/default/chats/overview?limit=x"))[
        0
    ] == 400
    exists = f"/api/contacts/check-exists?session=default&phone={ANNA}"
    assert await get(exists) == {"numberExists": True, "chatId": ANNA_ID}
    pair = {"lid": ANNA_LID, "pn": ANNA_ID}
    assert await get(f"/api/default/lids/{ANNA_LID}") == pair
    assert await get(f"/api/default/lids/pn/{ANNA}") == pair
    assert (await get("/api/default/lids/5@lid"))["pn"] is None
    assert (await get("/api/default/lids/pn/5"))["lid"] is None
    assert (await get("/api/server/version"))["engine"] == "NOWEB"
    assert (await get("/api/sessions/default/me"))["id"] == waha.me.chat_id
    assert len(await get("/api/contacts/all?session=default")) == 2
    picture = await get(f"/api/contacts/profile-picture?contactId={ANNA_ID}")
    assert picture["profilePictureURL"].endswith(".png")
    assert len(await get(f"/api/default/groups/{GROUP_ID}/participants")) == 1


def test_waha_signature_matches_the_contract() -> None:
    """The contract's own test vector."""
    raw = b'{"event":"message","session":"default","engine":"WEBJS"}'
    assert sign(raw, "my-secret-key") == (
        "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
        "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
    )


async def test_waha_webhooks_are_signed_over_the_raw_bytes(
    waha: WahaAccount, receiver: Receiver
) -> None:
    """With WAHA's four headers and the user's own."""
    waha.add_webhook(
        receiver.url,
        hmac={"key": "key"},
        customHeaders=[{"name": "X-Mine", "value": "yes"}],
        retries={"attempts": 0},
    )
    await waha.set_status("FAILED")
    headers = receiver.headers[-1]
    assert headers["X-Webhook-Hmac"] == sign(receiver.raw[-1], "key")
    assert headers["X-Webhook-Hmac-Algorithm"] == "sha512"
    assert headers["X-Webhook-Timestamp"].isdigit()
    assert headers["X-Webhook-Request-Id"]
    assert headers["X-Mine"] == "yes"
    payload = receiver.bodies[-1]["payload"]
    assert [row["status"] for row in payload["statuses"]] == ["WORKING", "FAILED"]


async def test_waha_websocket_refuses_a_wrong_key(
    waha: WahaAccount, simulator: Simulator, client: ClientSession
) -> None:
    """Close code 1008."""
    async with client.ws_connect(ws_url(simulator, "wrong")) as ws:
        message = await ws.receive(timeout=60)
    assert message.type is WSMsgType.CLOSE
    assert message.data == 1008


async def test_waha_websocket_brings_the_same_envelopes(
    waha: WahaAccount, simulator: Simulator, client: ClientSession
) -> None:
    """Only of the session and the events that were asked for, in order."""
    anna = waha.add_person(ANNA, lid=ANNA_LID)
    other = simulator.add_instance("waha", "other")
    other.add_person(ANNA)
    async with client.ws_connect(ws_url(simulator)) as ws:
        waha.subscribe(ANNA_ID)
        other.subscribe(ANNA_ID)
        await waha.set_presence(anna, "online")
        await waha.set_status("STOPPED")
        assert simulator.waha.sockets == 1
        rows = [await ws.receive_json(timeout=60) for _ in range(3)]
        await simulator.waha.close_sockets(1008)
        assert (await ws.receive(timeout=60)).data == 1008
    assert [row["event"] for row in rows] == [
        "presence.update",
        "presence.update",
        "session.status",
    ]
    assert rows[0]["environment"]["tier"] == "PLUS"
    assert {row["session"] for row in rows} == {"default"}
    assert rows[1]["payload"]["presences"][0]["participant"] == ANNA_LID


async def test_waha_websocket_can_be_torn_down(
    waha: WahaAccount, simulator: Simulator, client: ClientSession
) -> None:
    """A pulled plug says nothing."""
    async with client.ws_connect(ws_url(simulator)) as ws:
        while not simulator.waha.sockets:
            await asyncio.sleep(0.005)
        simulator.waha.abort_sockets()
        message = await ws.receive(timeout=60)
    assert message.type in {WSMsgType.CLOSED, WSMsgType.CLOSE, WSMsgType.ERROR}


@pytest.mark.parametrize("engine", ["NOWEB", "GOWS", "WEBJS", "WPP"])
async def test_waha_engines_forget_subscriptions(
    simulator: Simulator, engine: str
) -> None:
    """None subscribes again after a reconnect."""
    account = simulator.add_instance("waha", "s", engine=engine)
    account.add_person(ANNA)
    account.subscribe(ANNA_ID)
    await account.reconnect()
    assert account.subscriptions == set()
    account.subscribe(ANNA_ID)
    await account.set_status("STOPPED")
    assert account.subscriptions == set()


async def test_waha_webjs_needs_tags_events_and_never_pauses(
    simulator: Simulator, waha_client: WahaClient, receiver: Receiver
) -> None:
    """Without the setting no event comes, while the state can be asked."""
    account = simulator.add_instance("waha", "s", engine="WEBJS")
    account.add_webhook(receiver.url)
    anna = account.add_person(ANNA)
    account.subscribe(ANNA_ID)
    await account.set_presence(anna, "typing")
    assert receiver.bodies == []
    _, body = await waha_client.call("GET", f"/api/s/presence/{ANNA_ID}")
    assert body["presences"][0]["lastKnownPresence"] == "typing"
    _, body = await waha_client.call("GET", "/api/sessions/s")
    assert body["config"]["webjs"] == {"tagsEventsOn": False}
    account.quirks.tags_events_on = True
    await account.set_presence(anna, "paused")
    assert (
        receiver.bodies[-1]["payload"]["presences"][0]["lastKnownPresence"] == "online"
    )


@pytest.mark.parametrize(("engine", "sizes"), [("GOWS", [1, 1, 1]), ("NOWEB", [2, 1])])
async def test_a_kind_simulator_tells_each_member(
    simulator: Simulator, receiver: Receiver, engine: str, sizes: list[int]
) -> None:
    """One entry a participant; on GOWS one participant an event."""
    simulator.kindness = Kindness(members_told=True)
    account = simulator.add_instance("waha", "s", engine=engine)
    account.add_webhook(receiver.url)
    anna = account.add_person(ANNA)
    ben = account.add_person("15550102")
    group = account.add_group(GROUP_ID, members=[anna, ben])
    account.subscribe(GROUP_ID)
    await simulator.delivery.idle()
    await account.set_presence(ben, "typing", group=group)
    rows = [b["payload"] for b in receiver.bodies]
    assert {row["id"] for row in rows} == {GROUP_ID}
    assert [len(row["presences"]) for row in rows] == sizes
    assert rows[-1]["presences"] == [
        {
            "participant": "15550102@c.us",
            "lastKnownPresence": "typing",
            "lastSeen": None,
        }
    ]
    await account.set_presence(ben, "offline")
    last = receiver.bodies[-1]["payload"]["presences"][0]
    assert last["lastKnownPresence"] == "offline"


# ----------------------------------------------------------------- delivery


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8123/api/webhook/x", True),
        ("http://localhost:8123/x", True),
        ("http://[::1]/x", True),
        ("http://192.168.1.2/x", False),
        ("https://example.com/x", False),
        ("http://127.0.0.1.example.com/x", False),
        ("ftp://127.0.0.1/x", False),
        ("http://[oops", False),
        ("nonsense", False),
    ],
)
def test_only_loopback_is_loopback(url: str, expected: bool) -> None:
    """Names that only look like it are not."""
    assert is_loopback(url) is expected


async def test_nothing_leaves_this_machine(
    simulator: Simulator, wawp: WawpAccount
) -> None:
    """A foreign URL may be registered; its deliveries are refused and recorded."""
    wawp.add_webhook("https://example.com/hook")
    await wawp.set_status("STOPPED")
    assert [r.outcome for r in simulator.delivery.records] == [Outcome.REFUSED]


async def test_localhost_is_resolved_without_asking_anybody(
    simulator: Simulator, wawp: WawpAccount, receiver: Receiver
) -> None:
    """The name works as the address does."""
    wawp.add_webhook(receiver.url.replace("127.0.0.1", "localhost"))
    await wawp.set_status("STOPPED")
    assert len(receiver.bodies) == 1


async def test_failed_deliveries_are_tried_again(
    simulator: Simulator, wawp: WawpAccount, waapi: WaapiAccount, receiver: Receiver
) -> None:
    """Wawp retries (the body stays the same), WaAPI does not; a redirect fails."""
    simulator.delivery.retry_delay = 0.01
    wawp.add_webhook(receiver.url)
    receiver.statuses = [500, 302]
    await wawp.set_status("STOPPED")
    await simulator.delivery.idle()
    assert len(receiver.bodies) == 3
    assert receiver.bodies[0] == receiver.bodies[2]
    assert [(r.outcome, r.attempt, r.status) for r in simulator.delivery.records] == [
        (Outcome.FAILED, 1, 500),
        (Outcome.FAILED, 2, 302),
        (Outcome.DELIVERED, 3, 200),
    ]
    waapi.add_webhook(receiver.url, events=["disconnected"])
    receiver.statuses = [500]
    await waapi.set_status("disconnected")
    await simulator.delivery.idle()
    assert len(receiver.bodies) == 4


async def test_a_dead_receiver_holds_nobody_up(
    simulator: Simulator, waapi: WaapiAccount
) -> None:
    """A refused connection is a failed attempt."""
    waapi.add_webhook("http://127.0.0.1:1/hook", events=["disconnected"])
    await waapi.set_status("disconnected")
    assert [r.outcome for r in simulator.delivery.records] == [Outcome.FAILED]


async def test_faults_lose_double_delay_and_shuffle(
    simulator: Simulator, wawp: WawpAccount, receiver: Receiver
) -> None:
    """Each with its chance, from one seed; observers see what became of each."""
    seen: list[Outcome] = []
    simulator.delivery.observers.append(lambda record: seen.append(record.outcome))
    wawp.add_webhook(receiver.url)
    words = itertools.cycle(("STOPPED", "STARTING", "FAILED", "OFFLINE"))

    async def send(count: int, faults: Faults) -> list[str]:
        simulator.delivery.faults = faults
        receiver.bodies.clear()
        seen.clear()
        for _ in range(count):
            await wawp.set_status(next(words))
        await simulator.delivery.idle()
        return [body["payload"]["status"] for body in receiver.bodies]

    assert await send(3, Faults(lose=1)) == []
    assert seen == [Outcome.LOST] * 3
    assert len(await send(3, Faults(double=1))) == 6
    assert len(await send(2, Faults(delay=1, max_delay=0.01))) == 2
    shuffled = await send(8, Faults(seed=1, shuffle=1))
    assert sorted(shuffled) == sorted(["FAILED", "OFFLINE", "STOPPED", "STARTING"] * 2)
    assert shuffled != ["FAILED", "OFFLINE", "STOPPED", "STARTING"] * 2


async def test_deliveries_stop_with_the_simulator(
    simulator: Simulator, wawp: WawpAccount, receiver: Receiver
) -> None:
    """What is held back is given up, and the world is there after a restart."""
    wawp.add_webhook(receiver.url)
    wawp.add_person(ANNA)
    wawp.subscribe(ANNA_ID)
    await simulator.delivery.idle()
    receiver.bodies.clear()
    simulator.delivery.faults = Faults(delay=1, max_delay=60)
    await wawp.set_presence(ANNA, "online")
    port = simulator.port
    await simulator.stop()
    await simulator.stop()
    await wawp.set_presence(ANNA, "offline")
    assert simulator.delivery.records[-1].outcome is Outcome.DROPPED
    await simulator.start()
    assert simulator.port == port
    simulator.delivery.faults = Faults()
    await wawp.set_presence(ANNA, "online")
    assert len(receiver.bodies) == 1
    with pytest.raises(RuntimeError):
        await simulator.start()


# ----------------------------------------------------------------- failures


async def test_the_next_calls_fail_as_asked(
    waapi_client: WaapiClient, simulator: Simulator
) -> None:
    """By count, gateway and path; with any body and headers."""
    simulator.fail_next(status=502, body="<h1>no</h1>", content_type="text/html")
    assert await waapi_client.call("GET", "/instances/123") == (502, "<h1>no</h1>")
    failure = simulator.fail_next(
        2, status=429, headers={"Retry-After": "5"}, gateway="waapi", path="client/me"
    )
    simulator.fail_next(gateway="wawp")
    assert (await waapi_client.call("GET", "/instances/123"))[0] == 200
    assert (await waapi_client.call("GET", "/instances/123/client/me"))[0] == 429
    assert failure.seen == 1
    simulator.fail_next(status=200, body={"a": 1}, path="status")
    assert await waapi_client.call("GET", "/instances/123/client/status") == (
        200,
        {"a": 1},
    )
    simulator.fail_next(status=None, delay=0.01, path="status")
    _, body = await waapi_client.call("GET", "/instances/123/client/status")
    assert body["status"] == "success"
    simulator.fail_next(status=200, body=b"\xff", path="status")
    async with waapi_client.session.get(
        f"{waapi_client.base}/instances/123/client/status", headers=WAAPI_HEADERS
    ) as response:
        assert await response.read() == b"\xff"


async def test_calls_hang_drop_or_never_end(
    waapi_client: WaapiClient, simulator: Simulator
) -> None:
    """The caller's own limits end each of them."""
    url = f"{waapi_client.base}/instances/123"
    simulator.fail_next(hang=True)
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.05),
            waapi_client.session.get(url, headers=WAAPI_HEADERS),
        ):
            pass
    simulator.fail_next(2, drop=True)
    with pytest.raises(ClientError):
        await waapi_client.call("GET", "/instances/123")
    simulator.failures.clear()
    simulator.fail_next(status=200, endless=True)
    async with waapi_client.session.get(url, headers=WAAPI_HEADERS) as response:
        assert len(await response.content.readexactly(1_000_000)) == 1_000_000
        response.close()


async def test_requests_are_recorded(
    wawp_client: WawpClient, simulator: Simulator
) -> None:
    """Gateway, method, path without query, instance, time and status."""
    await wawp_client.get("/v2/session/me")
    await wawp_client.post(SUBSCRIBE)
    rows = [
        (r.gateway, r.method, r.path, r.instance, r.status) for r in simulator.requests
    ]
    instance = WAWP_CREDENTIALS["instance_id"]
    assert rows == [
        ("wawp", "GET", "/v2/session/me", instance, 200),
        ("wawp", "POST", SUBSCRIBE, instance, 200),
    ]
    assert simulator.requests[1].body == WAWP_CREDENTIALS


# ------------------------------------------------------- control and scenario


class ControlClient:
    """Calls of the control API."""

    def __init__(self, session: ClientSession, simulator: Simulator) -> None:
        """Speak to a simulator."""
        self.session = session
        self.base = f"{simulator.url}/control"

    async def __call__(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        """Make a call."""
        async with self.session.request(
            method, f"{self.base}{path}", json=body or None
        ) as response:
            return response.status, await response.json()


async def test_control_drives_everything(
    simulator: Simulator, client: ClientSession, receiver: Receiver
) -> None:
    """An account from nothing to events, over HTTP alone."""
    control = ControlClient(client, simulator)
    one = "/instances/wawp/X"

    async def done(method: str, path: str, **body: Any) -> Any:
        status, answer = await control(method, path, **body)
        assert status == 200, answer
        return answer

    assert "GET /control/state" in await done("GET", "")
    await done(
        "POST", "/instances", gateway="wawp", instance="X", quirks={"plan": "free"}
    )
    await done("POST", f"{one}/people", number=ANNA, name="Anna")
    await done("POST", f"{one}/groups", id=GROUP_ID, name="Family", members=["Anna"])
    await done("POST", f"{one}/webhooks", url=receiver.url)
    simulator.accounts["wawp", "X"].subscribe(ANNA_ID)
    simulator.accounts["wawp", "X"].subscribe(GROUP_ID)
    await simulator.delivery.idle()
    receiver.bodies.clear()
    await done("POST", f"{one}/presence", person="Anna", state="typing", group="Family")
    assert {b["payload"]["id"] for b in receiver.bodies} == {ANNA_ID, GROUP_ID}
    await done("POST", f"{one}/presence", person="Anna", state="offline", last_seen=5)
    state = await done("GET", "/state")
    assert state["instances"][0]["people"][ANNA_ID]["last_seen"] == 5
    assert (await done("GET", one))["groups"][GROUP_ID]["online"] is False
    await done("POST", f"{one}/flood", chat="Anna", count=3)
    await done("POST", f"{one}/reconnect")
    assert (await done("GET", f"{one}/subscriptions"))["subscriptions"] == []
    simulator.accounts["wawp", "X"].directory.check_exists(ANNA)  # type: ignore[attr-defined]
    shown = await done("GET", f"{one}/announced")
    assert (shown["now"], shown["calls"]) == (True, {"check-exists": 1})
    assert shown["spans"][0]["seen_by"] == []
    receiver.bodies.clear()
    await done("POST", f"{one}/outage", seconds=0)
    words = [body["payload"]["status"] for body in receiver.bodies]
    assert words == ["STARTING", "WORKING"]
    await done("POST", f"{one}/status", status="STOPPED")
    await done("POST", f"{one}/quirks", plan="paid")
    await done("POST", f"{one}/token", token="new")
    hooks = await done("GET", f"{one}/webhooks")
    assert hooks["webhooks"]
    assert hooks["webhooks"] == hooks["user_webhooks"]
    await done("DELETE", f"{one}/webhooks", url=receiver.url)
    await done("POST", "/fail", count=2, status=503)
    async with client.get(f"{simulator.url}/v2/session/me") as response:
        assert response.status == 503
    await done("DELETE", "/fail")
    assert simulator.failures == []
    await done("POST", "/faults", lose=0.5, seed=3)
    assert simulator.delivery.faults.seed == 3
    await done("POST", "/timing", typing_timeout=2, retry_delay=1, timeout=3)
    assert (simulator.typing_timeout, simulator.delivery.timeout) == (2, 3)
    assert (await done("GET", "/requests?last=1"))["requests"][0]["status"] == 503
    deliveries = (await done("GET", "/deliveries"))["deliveries"]
    assert deliveries[-1]["outcome"] == "delivered"
    await done("POST", "/scenario", speed=1000)
    assert (await done("GET", "/state"))["scenario"] is True
    await done("DELETE", "/scenario")
    await done("DELETE", one)
    assert simulator.accounts == {}


async def test_control_says_what_it_could_not_do(
    simulator: Simulator, client: ClientSession, waapi: WaapiAccount
) -> None:
    """404 for what is not there or missing, 400 for what is wrong."""
    control = ControlClient(client, simulator)
    one = "/instances/waapi/123"
    assert (await control("GET", "/instances/waapi/9"))[0] == 404
    assert (await control("POST", f"{one}/presence", person="Nobody", state="x"))[
        0
    ] == 404
    waapi.add_person(ANNA, name="Anna")
    assert (await control("POST", f"{one}/presence", person="Anna", state="x"))[
        0
    ] == 400
    assert (await control("POST", f"{one}/quirks", nonsense=1))[0] == 400
    assert (await control("POST", "/fail", nonsense=1))[0] == 400
    assert (await control("POST", "/scenario", speed=-1))[0] == 400
    bodies: tuple[dict[str, Any], ...] = ({"data": {"status": "qr"}}, {"json": []})
    for kwargs in bodies:
        async with client.post(f"{control.base}{one}/status", **kwargs) as response:
            assert response.status == 400


def test_a_day_is_believable_and_repeatable() -> None:
    """In order, within waking hours, each visit from online to offline."""
    plan = plan_day(Random("seed"), [GROUP_ID])
    assert plan == plan_day(Random("seed"), [GROUP_ID])
    assert plan != plan_day(Random("other"), [GROUP_ID])
    times = [step.at for step in plan]
    assert times == sorted(times)
    assert times[0] > 6 * 3600
    assert times[-1] < DAY
    assert plan[0].state is State.ONLINE
    assert plan[-1].state is State.OFFLINE
    assert len(plan) > 15
    assert {step.state for step in plan} >= {State.ONLINE, State.TYPING, State.OFFLINE}
    assert any(step.group == GROUP_ID for step in plan)


async def test_a_scenario_plays_days_in_all_accounts(
    simulator: Simulator, waapi: WaapiAccount, wawp: WawpAccount
) -> None:
    """The same person does the same in each account; then comes the next day."""
    people: list[Person] = []
    heard: list[list[dict[str, Any]]] = []
    for account in (waapi, wawp):
        anna = account.add_person(ANNA)
        account.add_group(GROUP_ID, members=[anna])
        people.append(anna)
    wawp.add_webhook("https://example.com/")
    wawp.subscribe(ANNA_ID)
    scenario = Scenario(simulator, speed=1e7, seed=4, min_step=0)
    for _ in range(2):
        simulator.delivery.records.clear()
        await scenario.play_day()
        heard.append(
            [json.loads(r.body)["payload"] for r in simulator.delivery.records]
        )
    assert scenario.day == 2
    assert [p.state for p in people] == [State.OFFLINE, State.OFFLINE]
    assert len(heard[0]) > 10
    assert len(heard[1]) > 10
    with pytest.raises(ValueError, match="positive"):
        Scenario(simulator, speed=0)


# ------------------------------------------------------------- command line


def test_the_help_tells_a_newcomer_what_to_type() -> None:
    """Addresses, credentials, people and a first call; loopback alone."""
    text = parser().format_help()
    for part in (
        "http://127.0.0.1:8321/api/v1",
        "12345",
        "demo-waapi-token",
        "demo-wawp-token",
        "demo-waha-key",
        "Anna",
        "Family",
        "/control",
    ):
        assert part in text
    assert "9999" in describe("http://127.0.0.1:9999")
    with pytest.raises(SystemExit):
        parser().parse_args(["--host", "0.0.0.0"])


def test_the_demo_world_has_people_in_each_account(simulator: Simulator) -> None:
    """Anna, Ben, Clara, David and the family, with numbers of nobody."""
    populate(simulator)
    assert [gateway for gateway, _ in simulator.accounts] == ["waapi", "wawp", "waha"]
    for account in simulator.accounts.values():
        assert [p.name for p in account.people.values()] == [
            "Anna",
            "Ben",
            "Clara",
            "David",
        ]
        assert len(account.group("Family").members) == 4
