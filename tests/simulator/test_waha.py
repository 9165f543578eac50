"""WAHA, engine by engine, as the real servers were met."""

import asyncio
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType
import pytest

from . import Kindness, Simulator, SkippingClock, VirtualClock, WahaAccount
from .conftest import ANNA, GROUP, KEY, LID, NUMBER, Hook, Waha, announces, real, shown

BEN = "447700900123@c.us"
PRESENCE = "/api/default/presence"
FIRST_WAIT = {"NOWEB": 1.0, "WPP": 1.0, "GOWS": 1.0, "WEBJS": 3.0}

each_engine = pytest.mark.usefixtures("account")
noweb_only = pytest.mark.parametrize("engine", ["NOWEB"], indirect=True)
gows_only = pytest.mark.parametrize("engine", ["GOWS"], indirect=True)
webjs_only = pytest.mark.parametrize("engine", ["WEBJS"], indirect=True)


def words(entries: list[Any]) -> list[Any]:
    """The words of entries."""
    return [entry.get("lastKnownPresence") for entry in entries]


# ------------------------------------------------------------------------ memory


async def test_an_answer_is_the_last_event_under_that_very_id(
    account: WahaAccount, waha: Waha
) -> None:
    """Who is heard under their lid is not remembered under their number."""
    account.ask_to_subscribe(ANNA)
    await account.set_presence("Anna", "typing")
    assert await waha.presence(ANNA) == []
    assert words(await waha.presence(LID)) == ["typing"]
    account.quirks.events_under_lid = False
    account.quirks.push_on_subscribe = False
    account.subscribe(ANNA)
    await account.set_presence("Anna", "recording")
    assert words(await waha.presence(ANNA)) == ["recording"]
    assert words(await waha.presence(LID)) == ["typing"]


async def test_memory_does_not_age_and_outlives_a_reconnect(
    account: WahaAccount, waha: Waha, clock: VirtualClock, engine: str
) -> None:
    """A typing of hours ago is answered as typing; GOWS forgets after an hour."""
    account.quirks.typing_ends = False
    account.ask_to_subscribe(LID)
    await account.set_presence("Anna", "typing")
    await account.reconnect()
    await account.set_presence("Anna", "offline")
    await clock.advance(3500)
    account.quirks.push_on_subscribe = False
    assert words(await waha.presence(LID)) == ["typing"]
    await clock.advance(7200)
    expected = [] if engine == "GOWS" else ["typing"]
    assert words(await waha.presence(LID)) == expected
    await account.set_status("STOPPED")
    await account.set_status("WORKING")
    assert await waha.presence(LID) == []


async def test_the_list_tells_all_that_is_remembered_and_asks_nobody(
    account: WahaAccount, waha: Waha, engine: str
) -> None:
    """GOWS has an empty one always."""
    account.ask_to_subscribe(ANNA)
    account.ask_to_subscribe(BEN)
    before = account.announcer.activities.total()
    found = {row["id"]: words(row["presences"]) for row in await waha.get(PRESENCE)}
    assert found == ({} if engine == "GOWS" else {LID: ["offline"], BEN: ["offline"]})
    assert account.announcer.activities.total() == before
    assert waha.took == 0


async def test_a_chat_never_heard_keeps_its_asker_waiting(
    account: WahaAccount, waha: Waha, engine: str
) -> None:
    """GOWS each time, the others until something was heard."""
    account.quirks.push_latency = None
    assert await waha.presence("4930000000@c.us") == []
    assert waha.took == FIRST_WAIT[engine]
    account.quirks.push_latency = 0
    account.ask_to_subscribe(LID)
    assert words(await waha.presence(LID)) == ["offline"]
    assert waha.took == (1.0 if engine == "GOWS" else 0.0)


async def test_what_comes_while_the_asker_waits_is_in_the_answer(
    account: WahaAccount, waha: Waha
) -> None:
    """As asking subscribes."""
    account.quirks.push_latency = 0.5
    assert words(await waha.presence(BEN)) == ["offline"]


async def test_any_text_is_subscribed(account: WahaAccount, waha: Waha) -> None:
    """201, and nothing comes of it."""
    for text in ("garbage", "1@c.us", "5@lid"):
        assert await waha.call("POST", f"{PRESENCE}/{text}/subscribe") == (201, None)
    assert "garbage" in account.subscriptions


# ------------------------------------------------------------------- announcing


async def test_asking_shows_the_account_online_for_25_seconds(
    account: WahaAccount, waha: Waha, clock: VirtualClock
) -> None:
    """After the last call; whoever is online themselves sees it."""
    await account.set_presence("Ben", "online")
    begin = clock.now()
    await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    assert shown(account)
    await clock.advance(20)
    await waha.get(f"/api/contacts/check-exists?session=default&phone={NUMBER}")
    await clock.advance(24)
    assert shown(account)
    await clock.advance(2)
    assert not shown(account)
    await clock.advance(3600)
    [span] = account.announcer.spans
    assert round(span.end - span.start) == 45
    assert dict(span.calls) == {"subscribe": 1, "check-exists": 1}
    assert span.seen_by == {BEN}
    assert [round(s) for s in account.announcer.by_hour(begin, begin + 7200)] == [45, 0]


async def test_only_what_asks_whatsapp_is_activity(
    account: WahaAccount, waha: Waha
) -> None:
    """Lists from the store, groups, lids and the session are none."""
    for path in (
        "/api/sessions/default",
        "/api/sessions?all=true",
        "/api/server/version",
        PRESENCE,
        "/api/default/chats",
        "/api/default/groups",
        f"/api/default/groups/{GROUP}/participants",
        f"/api/default/lids/{LID}",
        f"/api/default/lids/pn/{NUMBER}",
        "/api/contacts/all?session=default",
    ):
        assert (await waha.call("GET", path))[0] == 200
    assert not account.announcer.activities
    for path in (
        f"{PRESENCE}/{ANNA}",
        f"/api/contacts/check-exists?session=default&phone={NUMBER}",
        f"/api/contacts/profile-picture?session=default&contactId={ANNA}",
        "/api/default/chats/overview",
    ):
        assert (await waha.call("GET", path))[0] == 200
    assert set(account.announcer.activities) == {
        "presence",
        "check-exists",
        "picture",
        "overview",
    }


async def test_the_overview_asks_for_each_listed_picture(
    account: WahaAccount, waha: Waha
) -> None:
    """The plain list asks for none."""
    assert [row["name"] for row in await waha.get("/api/default/chats?limit=2")] == [
        "Anna",
        "Ben",
    ]
    assert account.picture_requests == 0
    rows = await waha.get("/api/default/chats/overview?limit=2")
    assert rows[0]["picture"].endswith(".png")
    assert account.picture_requests == 2


async def test_announcing_can_be_switched_off(
    account: WahaAccount, waha: Waha, engine: str
) -> None:
    """But for WEBJS's GET."""
    account.quirks.auto_online = False
    await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    assert not shown(account)
    await waha.presence(ANNA)
    assert shown(account) == (engine == "WEBJS")


async def test_the_end_of_asking_ends_the_account_s_own_announcement(
    account: WahaAccount, waha: Waha, clock: VirtualClock
) -> None:
    """Which does not extend the 25 s, and is not counted as ours."""
    begin = clock.now()
    await waha.call("POST", PRESENCE, json={"presence": "online"})
    await clock.advance(100)
    assert announces(account)
    await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    await clock.advance(24)
    assert announces(account)
    await clock.advance(2)
    assert not announces(account)
    assert account.announcer.shown(begin, clock.now()) == 0
    await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    await waha.call("POST", PRESENCE, json={"presence": "online"})
    await clock.advance(26)
    assert not announces(account)


@noweb_only
async def test_presence_may_need_the_announcing(
    account: WahaAccount, hook: Hook, clock: VirtualClock
) -> None:
    """Then asking brings it for 25 s."""
    account.add_webhook(hook.url)
    account.quirks.needs_available = True
    account.ask_to_subscribe(ANNA)
    await clock.settle()
    hook.bodies.clear()
    await real(account.set_presence("Anna", "online"))
    assert len(hook.bodies) == 1
    await clock.advance(26)
    await account.set_presence("Anna", "offline")
    assert len(hook.bodies) == 1


# ------------------------------------------------------------------------- words


async def test_noweb_and_webjs_never_say_paused(
    account: WahaAccount, hook: Hook, engine: str
) -> None:
    """A typing that ends reads online there."""
    account.add_webhook(hook.url)
    account.subscribe(ANNA)
    for state in ("typing", "paused"):
        await real(account.set_presence("Anna", state))
    last = hook.bodies[-1]["payload"]["presences"][0]["lastKnownPresence"]
    assert last == ("online" if engine in {"NOWEB", "WEBJS"} else "paused")


@noweb_only
async def test_a_kind_noweb_says_paused(account: WahaAccount, hook: Hook) -> None:
    """Where a test chooses so."""
    account.simulator.kindness = Kindness(pauses_told=True)
    account.add_webhook(hook.url)
    account.subscribe(ANNA)
    await real(account.set_presence("Anna", "paused"))
    assert words(hook.bodies[-1]["payload"]["presences"]) == ["paused"]


async def test_who_hides_being_online_is_never_told_to_be_offline(
    account: WahaAccount, hook: Hook, engine: str
) -> None:
    """Only that they type, and that this ends."""
    account.add_webhook(hook.url)
    account.person("Anna").online_hidden = True
    account.subscribe(ANNA)
    for state in ("online", "typing", "paused", "offline"):
        await real(account.set_presence("Anna", state))
    told = [words(body["payload"]["presences"]) for body in hook.bodies]
    end = "online" if engine in {"NOWEB", "WEBJS"} else "paused"
    assert told == [["typing"], [end]]


@gows_only
async def test_gows_may_leave_the_word_out(account: WahaAccount, hook: Hook) -> None:
    """Of those words that a test chooses."""
    account.quirks.wordless = frozenset({"offline"})
    account.add_webhook(hook.url)
    account.subscribe(BEN)
    await account.simulator.clock.settle()  # type: ignore[attr-defined]
    assert hook.bodies[-1]["payload"]["presences"] == [
        {"participant": BEN, "lastSeen": None}
    ]


async def test_last_seen_is_null_for_denied_none_and_online(
    account: WahaAccount, hook: Hook
) -> None:
    """All three look alike."""
    account.add_webhook(hook.url)
    account.subscribe(BEN)
    await real(account.set_presence("Ben", "online"))
    await real(account.set_presence("Ben", "offline", last_seen=1_700_000_000))
    seen = [body["payload"]["presences"][0]["lastSeen"] for body in hook.bodies]
    assert seen[-2:] == [None, 1_700_000_000]
    await real(account.set_presence("Ben", "offline", deny=True))
    assert hook.bodies[-1]["payload"]["presences"][0]["lastSeen"] is None


# ------------------------------------------------------------------------ groups


async def test_a_group_tells_its_own_count_and_who_types_but_no_offline(
    account: WahaAccount, hook: Hook
) -> None:
    """The count is an entry whose participant is the group; one entry an event."""
    account.add_webhook(hook.url)
    account.subscribe(GROUP)
    await real(account.set_presence("Anna", "online"))
    await real(account.set_presence("Anna", "typing", group=GROUP))
    await real(account.set_presence("Anna", "offline"))
    told = [
        [(e["participant"], e["lastKnownPresence"]) for e in b["payload"]["presences"]]
        for b in hook.bodies
        if b["payload"]["id"] == GROUP
    ]
    assert told == [[(GROUP, "online")], [(LID, "typing")]]


async def test_an_answer_lists_a_member_once_a_device(
    account: WahaAccount, waha: Waha
) -> None:
    """The newer last."""
    account.ask_to_subscribe(GROUP)
    await account.set_presence("Ben", "typing", group=GROUP)
    await account.set_presence("Ben", "recording", group=GROUP)
    found = await waha.presence(GROUP)
    entries = [e["lastKnownPresence"] for e in found if e["participant"] == BEN]
    assert entries == ["typing", "recording"]
    account.simulator.kindness = Kindness(one_device=True)
    found = await waha.presence(GROUP)
    assert [e["participant"] for e in found].count(BEN) == 1


async def test_participants_tell_pairs(account: WahaAccount, waha: Waha) -> None:
    """By number with the lid, or by lid with the number."""
    path = f"/api/default/groups/{GROUP}/participants"
    number = f"{NUMBER}@s.whatsapp.net"
    rows = await waha.get(path)
    assert rows[0] == {"id": number, "lid": LID, "admin": None}
    assert rows[1] == {"id": "447700900123@s.whatsapp.net", "admin": None}
    account.quirks.participants_as_lids = True
    rows = await waha.get(path)
    assert rows[0] == {"id": LID, "phoneNumber": number, "admin": None}


async def test_a_group_of_others_lets_the_server_stumble(
    account: WahaAccount, waha: Waha
) -> None:
    """500 with a stack trace."""
    status, body = await waha.call("GET", "/api/default/groups/1@g.us/participants")
    assert status == 500
    assert "at process" in body["exception"]["stack"]


# ---------------------------------------------------------------------- refusals


async def test_an_unknown_session_is_refused_late(
    account: WahaAccount, waha: Waha
) -> None:
    """404 where it is asked for itself, 422 after 5 s elsewhere; CORE at once."""
    assert (await waha.call("GET", "/api/sessions/x"))[0] == 404
    assert waha.took == 0
    refused = (422, {"error": 'Session "x" does not exist', "session": "x"})
    assert await waha.call("GET", f"/api/x/presence/{ANNA}") == refused
    assert waha.took == 5
    assert await waha.call("GET", "/api/contacts/all?session=x") == refused
    account.quirks.tier = "CORE"
    status, body = await waha.call("GET", "/api/x/chats")
    assert (status, waha.took) == (422, 0)
    assert "support only 'default'" in body["message"]


@pytest.mark.parametrize(("status", "seconds"), [("STOPPED", 5), ("STARTING", 10)])
async def test_a_session_that_does_not_work_is_refused_late(
    account: WahaAccount, waha: Waha, status: str, seconds: float
) -> None:
    """With a body that has no message."""
    await account.set_status(status)
    code, body = await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    assert (code, waha.took) == (422, seconds)
    assert set(body) == {"error", "session", "status", "expected"}
    assert (body["status"], body["expected"]) == (status, ["WORKING"])
    assert account.subscriptions == set()


async def test_a_session_that_comes_to_work_meanwhile_serves(
    account: WahaAccount, waha: Waha, clock: VirtualClock
) -> None:
    """That is what the wait is for."""
    await account.set_status("STARTING")
    clock.call_later(4, setattr, account, "status", "WORKING")
    code, _ = await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    assert (code, waha.took) == (201, 4.0)


async def test_what_is_no_lid_is_refused(account: WahaAccount, waha: Waha) -> None:
    """422; a number is no lid."""
    assert (await waha.call("GET", f"/api/default/lids/{ANNA}"))[0] == 422
    assert (await waha.call("GET", "/api/default/lids/pn/nobody"))[0] == 422


async def test_pairs_are_learnt_late(account: WahaAccount, waha: Waha) -> None:
    """Null until there was traffic, in both directions."""
    account.person("Anna").lid_learnt = False
    assert await waha.get(f"/api/default/lids/{LID}") == {"lid": LID, "pn": None}
    pair = {"lid": None, "pn": ANNA}
    assert await waha.get(f"/api/default/lids/pn/{NUMBER}") == pair
    account.person("Anna").lid_learnt = True
    both = {"lid": LID, "pn": ANNA}
    assert await waha.get(f"/api/default/lids/{LID}") == both
    assert await waha.get(f"/api/default/lids/pn/{ANNA}") == both


async def test_without_a_store_noweb_lists_groups_alone(
    account: WahaAccount, waha: Waha, engine: str
) -> None:
    """The other engines have one always."""
    account.quirks.store = False
    expected = 400 if engine == "NOWEB" else 200
    for path in (
        "/api/default/chats",
        "/api/default/chats/overview",
        "/api/contacts/all?session=default",
        f"/api/default/lids/{LID}",
        f"/api/default/lids/pn/{NUMBER}",
    ):
        assert (await waha.call("GET", path))[0] == expected
    groups = await waha.get("/api/default/groups")
    assert groups == {
        "NOWEB": {GROUP: {"id": GROUP, "subject": "Family"}},
        "GOWS": [{"JID": GROUP, "Name": "Family"}],
    }.get(engine, [{"id": {"_serialized": GROUP}, "name": "Family"}])
    path = f"/api/default/groups/{GROUP}/participants"
    assert (await waha.call("GET", path))[0] == 200


async def test_a_number_of_nobody_has_no_chat_id(
    account: WahaAccount, waha: Waha
) -> None:
    """Not even as null."""
    path = "/api/contacts/check-exists?session=default&phone="
    assert await waha.get(f"{path}1") == {"numberExists": False}
    assert await waha.get(f"{path}{NUMBER}") == {"numberExists": True, "chatId": ANNA}


@webjs_only
async def test_webjs_was_broken_before_it_was_mended(
    account: WahaAccount, waha: Waha
) -> None:
    """500 at each presence call."""
    account.quirks.version = "2026.8.2"
    for method, path in (("POST", "/subscribe"), ("GET", "")):
        assert (await waha.call(method, f"{PRESENCE}/{ANNA}{path}"))[0] == 500
    account.quirks.version = "2026.9.1"
    assert (await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe"))[0] == 201


@noweb_only
async def test_a_failed_session_is_restarted_and_not_started(
    account: WahaAccount, waha: Waha
) -> None:
    """422 for the one."""
    await account.set_status("FAILED")
    assert (await waha.call("POST", "/api/sessions/default/start"))[0] == 422
    status, body = await waha.call("POST", "/api/sessions/default/restart")
    assert (status, body["status"]) == (201, "WORKING")
    await waha.call("POST", "/api/sessions/default/stop")
    assert account.status == "STOPPED"
    assert (await waha.call("POST", "/api/sessions/default/start"))[0] == 201
    assert account.ready


async def test_the_session_tells_what_is_switched_on(
    account: WahaAccount, waha: Waha, engine: str
) -> None:
    """Engine, tags, store, and when something was done last."""
    body = await waha.get("/api/sessions/default")
    assert body["engine"] == {"engine": engine}
    assert body["timestamps"]["activity"] > 1e12
    config = body["config"]
    if engine == "WEBJS":
        assert config["webjs"] == {"tagsEventsOn": True}
    if engine == "NOWEB":
        assert config["noweb"]["store"]["enabled"] is True
        assert config["noweb"]["markOnline"] is True
    version = await waha.get("/api/server/version")
    assert (version["engine"], version["version"]) == (engine, "2026.9.1")


# ------------------------------------------------------------------------ outage


async def test_an_outage_is_noticed_late_and_ends_late(
    account: WahaAccount, waha: Waha, clock: VirtualClock, hook: Hook
) -> None:
    """500 while it still says WORKING, STARTING every 2 s, WORKING up to 2 s late."""
    account.add_webhook(hook.url, events=["session.status"])
    account.subscribe(ANNA)
    began = clock.now()
    outage = asyncio.create_task(account.outage(5))
    await clock.advance(1)
    assert (await waha.get("/api/sessions/default"))["status"] == "WORKING"
    status, body = await waha.call("POST", f"{PRESENCE}/{ANNA}/subscribe")
    assert (status, body["exception"]["message"]) == (500, "Connection Closed")
    await clock.until(outage)
    told = [body["payload"]["status"] for body in hook.bodies]
    assert told == ["STARTING", "STARTING", "STARTING", "WORKING"]
    assert 5 < clock.now() - began <= 7.2
    assert account.subscriptions == set()


@noweb_only
async def test_an_outage_may_last_a_tenth_of_a_second(
    account: WahaAccount, clock: VirtualClock, hook: Hook
) -> None:
    """And tells both words all the same."""
    account.add_webhook(hook.url, events=["session.status"])
    await clock.until(account.outage(0.1))
    assert [body["payload"]["status"] for body in hook.bodies] == [
        "STARTING",
        "WORKING",
    ]


# ---------------------------------------------------------------------- webhooks


@noweb_only
async def test_a_failed_webhook_comes_again_the_same_and_after_its_followers(
    account: WahaAccount, hook: Hook, clock: VirtualClock
) -> None:
    """STOPPED and STARTING arrive after WORKING, 2 s late, unchanged."""
    account.add_webhook(hook.url, hmac={"key": "key"})
    hook.statuses = [500, 500, 200]
    for status in ("STOPPED", "STARTING", "WORKING"):
        await real(account.set_status(status))
    await clock.advance(1.9)
    assert len(hook.bodies) == 3
    await clock.advance(0.2)
    told = [body["payload"]["status"] for body in hook.bodies]
    assert told == ["STOPPED", "STARTING", "WORKING", "STOPPED", "STARTING"]
    assert hook.raw[0] == hook.raw[3]
    for name in ("X-Webhook-Request-Id", "X-Webhook-Timestamp", "X-Webhook-Hmac"):
        assert hook.headers[0][name] == hook.headers[3][name]


@noweb_only
async def test_a_webhook_is_given_up_after_fifteen_retries(
    account: WahaAccount, hook: Hook, clock: VirtualClock
) -> None:
    """Every two seconds."""
    account.add_webhook(hook.url)
    hook.statuses = [500] * 40
    await real(account.set_status("FAILED"))
    await clock.advance(120)
    assert len(hook.bodies) == 16


@noweb_only
async def test_the_first_events_know_nobody(account: WahaAccount, hook: Hook) -> None:
    """`me` is null until the session worked; `environment` is whole always."""
    account.add_webhook(hook.url)
    for status in ("STOPPED", "STARTING", "WORKING"):
        await real(account.set_status(status))
    await real(account.set_status("SCAN_QR_CODE"))
    assert [body["me"] is None for body in hook.bodies] == [True, True, True, False]
    assert set(hook.bodies[0]["environment"]) == {
        "version",
        "engine",
        "tier",
        "browser",
        "platform",
        "worker",
    }
    assert len(hook.bodies[-1]["payload"]["statuses"]) == 3


# --------------------------------------------------------------------- WebSocket


def ws_url(simulator: Simulator, key: str = KEY, session: str = "default") -> str:
    """The address of the events."""
    return (
        f"{simulator.url}/ws?x-api-key={key}&session={session}"
        "&events=presence.update&events=session.status"
    )


async def closed_with(ws: ClientWebSocketResponse) -> tuple[Any, Any]:
    """How the server closed."""
    message = await real(ws.receive())
    return message.data, message.extra


@noweb_only
async def test_the_socket_refuses_after_the_handshake(
    account: WahaAccount, simulator: Simulator, session: ClientSession
) -> None:
    """1008, with a word; a key in the header alone does not count."""
    simulator.add_instance("waha", "foreign", token="another-key")
    async with session.ws_connect(ws_url(simulator, "wrong")) as ws:
        assert await closed_with(ws) == (1008, "Unauthorized")
    async with session.ws_connect(
        f"{simulator.url}/ws?session=default", headers={"X-Api-Key": KEY}
    ) as ws:
        assert await closed_with(ws) == (1008, "Unauthorized")
    async with session.ws_connect(ws_url(simulator, KEY, "foreign")) as ws:
        assert await closed_with(ws) == (1008, "Forbidden")


@noweb_only
@pytest.mark.parametrize("query", ["session=nobody", "session=default&events=no.such"])
async def test_the_socket_is_silent_for_what_does_not_exist(
    account: WahaAccount,
    simulator: Simulator,
    session: ClientSession,
    clock: VirtualClock,
    query: str,
) -> None:
    """Open, and nothing comes."""
    async with session.ws_connect(f"{simulator.url}/ws?x-api-key={KEY}&{query}") as ws:
        await account.set_status("STOPPED")
        await clock.settle()
        with pytest.raises(TimeoutError):
            await ws.receive(timeout=0.02)
        assert not ws.closed


@noweb_only
async def test_one_ping_goes_to_all_and_must_be_answered(
    account: WahaAccount,
    simulator: Simulator,
    session: ClientSession,
    clock: VirtualClock,
) -> None:
    """The first after up to 60 s; no pong until the next: dropped."""
    await clock.advance(45)
    async with (
        session.ws_connect(ws_url(simulator), autoping=False) as polite,
        session.ws_connect(ws_url(simulator), autoping=False) as silent,
    ):
        await clock.advance(14)
        assert simulator.waha.sockets == 2
        await clock.advance(2)
        for ws in (polite, silent):
            assert (await real(ws.receive())).type is WSMsgType.PING
        await polite.pong()
        await clock.advance(58)
        assert simulator.waha.sockets == 2
        await clock.advance(2)
        assert simulator.waha.sockets == 1
        assert (await real(polite.receive())).type is WSMsgType.PING
        assert (await real(silent.receive())).type in {
            WSMsgType.CLOSED,
            WSMsgType.ERROR,
        }
        assert silent.close_code == 1006


@noweb_only
async def test_a_server_that_shuts_down_says_so_and_drops(
    account: WahaAccount,
    simulator: Simulator,
    session: ClientSession,
    clock: VirtualClock,
) -> None:
    """STOPPED, 3 s, and no close frame."""
    async with session.ws_connect(ws_url(simulator)) as ws:
        await clock.settle()
        ending = asyncio.create_task(simulator.shut_down())
        await clock.advance(2.9)
        message = await real(ws.receive_json())
        assert message["payload"]["status"] == "STOPPED"
        assert not ending.done()
        await clock.advance(0.2)
        assert (await real(ws.receive())).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
        assert ws.close_code == 1006
        await ending


# -------------------------------------------------------------------- kindnesses


@pytest.mark.parametrize("engine", ["NOWEB"], indirect=True)
async def test_a_kind_simulator_answers_the_truth_under_any_id(
    account: WahaAccount, waha: Waha
) -> None:
    """Where a test chooses so."""
    account.simulator.kindness = Kindness(live_answers=True)
    account.ask_to_subscribe(ANNA)
    await account.set_presence("Anna", "typing")
    assert words(await waha.presence(ANNA)) == ["typing"]
    await account.set_presence("Ben", "typing", group=GROUP)
    assert words(await waha.presence(GROUP)) == ["online", "typing"]
    assert await waha.presence("1@c.us") == []


@pytest.mark.parametrize("engine", ["NOWEB"], indirect=True)
async def test_a_kind_simulator_keeps_the_own_announcement(
    account: WahaAccount, clock: VirtualClock
) -> None:
    """Where a test chooses so."""
    account.simulator.kindness = Kindness(own_presence_kept=True)
    account.announce(online=True)
    account.ask_to_subscribe(ANNA)
    await clock.advance(60)
    assert announces(account)


@pytest.mark.parametrize("engine", ["NOWEB"], indirect=True)
async def test_a_kind_simulator_tells_who_hides(
    account: WahaAccount, hook: Hook
) -> None:
    """Where a test chooses so."""
    account.simulator.kindness = Kindness(hidden_goes_offline=True)
    account.add_webhook(hook.url)
    account.subscribe(ANNA)
    await real(account.set_presence("Anna", "online", online_hidden=True))
    assert words(hook.bodies[-1]["payload"]["presences"]) == ["offline"]


async def test_skipped_delays_are_added_up(session: ClientSession) -> None:
    """The answer is the one that comes after the wait."""
    clock = SkippingClock()
    async with Simulator(clock=clock) as simulator:
        account = simulator.add_instance("waha", "default", status="STARTING")
        url = f"{simulator.url}{PRESENCE}/{ANNA}"
        async with session.get(url, headers={"X-Api-Key": KEY}) as response:
            assert response.status == 422
        assert clock.skipped == 10
        await account.set_status("WORKING")
        async with session.get(url, headers={"X-Api-Key": KEY}) as response:
            assert (await response.json())["presences"] == []
        assert clock.skipped == 11
