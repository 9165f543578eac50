"""All clients against the simulator, an independent reading of the contracts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    ChatInfo,
    Gateway,
    GatewayError,
    GatewayEvent,
    InstanceEvent,
    InstanceStatus,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
    Transport,
    UnreachableError,
)
from custom_components.whatsapp_presence.presence.model import Activity, PresenceUpdate
from tests.simulator import (
    Group,
    Person,
    Simulator,
    SkippingClock,
    WaapiAccount,
    WahaAccount,
    WawpAccount,
)

ALL = list(GATEWAYS)
INSTANCE = {"waapi": "123", "wawp": "A1B2C3D4E5F6", "waha": "default"}
TOKEN = "tok-3n"
NUMBER = "491511234567"
LID = "199900011122233@lid"
GROUP = "120363000000000001@g.us"
SECRET = "webhook-secret"


class Home:
    """A gateway at the simulator, the client for it, and where its events arrive."""

    def __init__(
        self,
        gateway_type: str,
        simulator: Simulator,
        session: ClientSession,
        **quirks: Any,
    ) -> None:
        """Set up an account that knows two people and a group."""
        self.type = gateway_type
        if gateway_type == "waha":
            quirks.setdefault("store", True)
        self.simulator = simulator
        self.session = session
        self.account: WaapiAccount | WawpAccount | WahaAccount = simulator.add_instance(
            gateway_type,
            INSTANCE[gateway_type],
            token=TOKEN,
            name="Olga",
            **quirks,
        )
        self.anna: Person = self.account.add_person(
            NUMBER, name="Anna", lid=LID, picture=True
        )
        self.bert: Person = self.account.add_person("491700000000", name="Bert")
        self.group: Group = self.account.add_group(
            GROUP, name="Family", members=[self.anna, self.bert]
        )
        self.gateway = self.client()
        self.events: list[GatewayEvent] = []
        self.url = ""
        self._reader: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    def client(self, **config: Any) -> Gateway:
        """Create a client, with some things different."""
        instance, token = {
            "waapi": ("instance_id", "api_token"),
            "wawp": ("instance_id", "access_token"),
            "waha": ("session", "api_key"),
        }[self.type]
        return GATEWAYS[self.type].from_config(
            self.session,
            {
                "url": config.get("url", self.simulator.url),
                instance: config.get("instance", INSTANCE[self.type]),
                token: config.get("token", TOKEN),
            },
        )

    async def receive(self, request: web.Request) -> web.Response:
        """Take what is delivered to the webhook."""
        raw = await request.read()
        self.events += self.gateway.parse_event(raw, request.headers)
        return web.Response()

    async def connect(self, url: str) -> None:
        """Let events come, by a webhook or a WebSocket."""
        self.url = url
        if self.gateway.capabilities.transport is Transport.WEBHOOK:
            await self.gateway.create_webhook(url)
            return
        self._reader = asyncio.create_task(self._read())
        async with asyncio.timeout(60):
            await self._connected.wait()

    async def _read(self) -> None:
        async for events in self.gateway.events():
            self.events += events
            self._connected.set()

    async def came(self) -> list[GatewayEvent]:
        """Return what came since the last time."""
        # What was delivered may still be on its way: wait until no more comes.
        await self.simulator.delivery.idle()
        quiet, count = 0, 0
        while quiet < (4 if count else 10):
            await asyncio.sleep(0.01)
            quiet = quiet + 1 if len(self.events) == count else 0
            count = len(self.events)
        events, self.events = self.events, []
        return events

    async def close(self) -> None:
        """Stop listening."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return a simulator on loopback."""
    async with Simulator(clock=SkippingClock()) as simulator:
        yield simulator


@pytest.fixture(params=ALL)
async def home(
    request: pytest.FixtureRequest, simulator: Simulator, session: ClientSession
) -> AsyncIterator[Home]:
    """Return a home for each gateway; quirks may be given by a marker."""
    home = Home(request.param, simulator, session)
    yield home
    await home.close()


@pytest.fixture
async def receiver(home: Home) -> AsyncIterator[str]:
    """Return the URL at which the home's events arrive."""
    app = web.Application()
    app.router.add_post("/hook", home.receive)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield str(server.make_url("/hook"))
    await server.close()


async def test_credentials_and_instance_are_checked(home: Home) -> None:
    """Each mistake has its own error."""
    info = await home.gateway.validate()
    assert info.status is InstanceStatus.READY
    assert info.account_id == home.account.me.chat_id
    assert info.account_name == "Olga"
    with pytest.raises(AuthenticationError):
        await home.client(token="wrong").validate()
    other = {"waapi": "124", "wawp": "ZZZZZZZZZZZZ", "waha": "other"}[home.type]
    with pytest.raises(NotFoundError):
        await home.client(instance=other).validate()
    with pytest.raises(UnreachableError):
        await home.client(url="http://127.0.0.1:1").validate()


NOT_READY = {
    "waapi": ("disconnected", InstanceStatus.DISCONNECTED, "qr"),
    "wawp": ("STOPPED", InstanceStatus.DISCONNECTED, "SCAN_QR_CODE"),
    "waha": ("STOPPED", InstanceStatus.DISCONNECTED, "SCAN_QR_CODE"),
}


async def test_an_instance_that_is_not_ready_has_a_status_and_subscribes_nobody(
    home: Home,
) -> None:
    """It is no error to ask for it."""
    word, status, login = NOT_READY[home.type]
    await home.account.set_status(word)
    assert (await home.gateway.validate()).status is status
    with pytest.raises(NotReadyError):
        await home.gateway.subscribe(home.anna.chat_id)
    await home.account.set_status(login)
    assert (await home.gateway.status()).status is InstanceStatus.LOGIN_REQUIRED


async def test_what_people_do_arrives(home: Home, receiver: str) -> None:
    """Subscribed to, and only then."""
    await home.connect(receiver)
    await home.account.set_presence(home.anna, "online")
    assert await home.came() == []
    first = await home.gateway.subscribe(home.anna.chat_id)
    under_lid = home.type != "waapi" and home.account.quirks.events_under_lid
    if under_lid:
        # What is heard under the lid is remembered under it alone.
        assert first is None
        first = await home.gateway.snapshot(LID)
    assert first is not None
    assert first.online is True
    assert home.account.subscriptions == {home.anna.chat_id}
    await home.came()
    for state, online, activity in (
        ("typing", True, Activity.TYPING),
        ("recording", True, Activity.RECORDING),
        ("paused", True, Activity.IDLE),
        ("offline", False, Activity.IDLE),
    ):
        await home.account.set_presence(home.anna, state, last_seen=1700000000)
        [event] = await home.came()
        assert isinstance(event, PresenceUpdate)
        assert event.chat_id in (home.anna.chat_id, LID)
        assert (event.online, event.activity) == (online, activity)
        assert (event.last_seen or 1700000000) == 1700000000
    snapshot = await home.gateway.snapshot(LID if under_lid else home.anna.chat_id)
    assert snapshot is not None
    assert (snapshot.online, snapshot.last_seen) == (False, 1700000000)


@pytest.mark.parametrize("home", ["wawp", "waha"], indirect=True)
async def test_who_is_heard_under_their_number_is_remembered_under_it(
    home: Home, receiver: str
) -> None:
    """The other way round."""
    home.account.quirks.events_under_lid = False
    await test_what_people_do_arrives(home, receiver)


async def test_what_members_of_a_group_do_arrives(home: Home, receiver: str) -> None:
    """Who is typing is told apart."""
    await home.connect(receiver)
    await home.account.set_presence(home.anna, "online")
    await home.gateway.subscribe(GROUP)
    await home.came()
    await home.account.set_presence(home.anna, "typing", group=home.group)
    events = [e for e in await home.came() if isinstance(e, PresenceUpdate)]
    assert {event.chat_id for event in events} == {GROUP}
    typing = {
        member
        for event in events
        for member in event.typing_members
        or (m.member_id for m in event.members if m.activity is Activity.TYPING)
    }
    assert typing in ({home.anna.chat_id}, {LID})


async def test_an_instance_that_comes_and_goes_says_so(
    home: Home, receiver: str
) -> None:
    """Its subscriptions are gone with it."""
    await home.connect(receiver)
    await home.gateway.subscribe(home.anna.chat_id)
    await home.came()
    word, status, _ = NOT_READY[home.type]
    await home.account.set_status(word)
    [event] = [e for e in await home.came() if isinstance(e, InstanceEvent)]
    assert event.status is status
    await home.account.set_status("ready" if home.type == "waapi" else "WORKING")
    [event] = [e for e in await home.came() if isinstance(e, InstanceEvent)]
    assert event.status is InstanceStatus.READY
    assert home.account.subscriptions == set()
    await home.gateway.subscribe(home.anna.chat_id)
    assert home.account.subscriptions == {home.anna.chat_id}


async def test_nothing_known_is_not_offline(home: Home, receiver: str) -> None:
    """Of somebody who is seen by nobody, there is nothing, or no data."""
    home.anna.has_data = False
    home.account.quirks.push_latency = None
    if home.type == "waapi":
        # The wait for the first push is the gateway's own.
        answer = await home.gateway.snapshot(home.anna.chat_id)
    else:
        answer = await home.gateway.subscribe(home.anna.chat_id)
    assert answer is None or (answer.online is None and answer.activity is None)


async def test_chats_can_be_listed_and_looked_up(home: Home) -> None:
    """For the user to choose from."""
    chats = await home.gateway.list_chats()
    assert ChatInfo(chat_id=home.anna.chat_id, name="Anna") in chats
    assert ChatInfo(chat_id=GROUP, name="Family") in chats
    assert len({chat.chat_id for chat in chats}) == len(chats)
    assert await home.gateway.resolve(NUMBER) == home.anna.chat_id
    home.bert.on_whatsapp = False
    assert await home.gateway.resolve(home.bert.number) is None
    assert await home.gateway.aliases([home.anna.chat_id, GROUP]) == {
        home.anna.chat_id: LID
    }
    assert await home.gateway.aliases([LID]) == {LID: home.anna.chat_id}
    assert await home.gateway.aliases([home.bert.chat_id]) == {}
    members = await home.gateway.group_members(GROUP)
    assert {member.chat_id for member in members} == {
        home.anna.chat_id,
        home.bert.chat_id,
    }
    picture = await home.gateway.picture_url(home.anna.chat_id)
    assert picture is not None
    assert picture.startswith("http")
    assert await home.gateway.picture_url(home.bert.chat_id) is None


async def test_the_account_announces_itself(home: Home) -> None:
    """And withdraws."""
    await home.gateway.set_available(True)
    assert home.account.available
    await home.gateway.set_available(False)
    assert not home.account.available


@pytest.mark.parametrize("home", ["waapi", "wawp"], indirect=True)
async def test_a_webhook_is_registered_beside_the_user_s_own(
    home: Home, receiver: str
) -> None:
    """And removed without them."""
    home.account.add_webhook("https://crm.example/hook", events=["message"])
    before = home.account.user_webhooks
    await home.gateway.create_webhook(receiver)
    await home.gateway.create_webhook(receiver)
    [ours] = [w for w in await home.gateway.list_webhooks() if w.url == receiver]
    assert ours.working
    assert home.account.user_webhooks == before
    await home.gateway.delete_webhook(ours.webhook_id)
    await home.gateway.delete_webhook(ours.webhook_id)
    assert home.account.webhooks == before


@pytest.mark.parametrize("home", ["waapi"], indirect=True)
async def test_waapi_replaces_a_webhook_that_turned_inactive(
    home: Home, receiver: str
) -> None:
    """The gateway alone would leave it as it is."""
    assert isinstance(home.account, WaapiAccount)
    await home.gateway.create_webhook(receiver)
    [hook] = home.account.webhooks
    home.account.set_webhook_active(hook["id"], active=False)
    [listed] = await home.gateway.list_webhooks()
    assert not listed.working
    await home.gateway.create_webhook(receiver)
    [listed] = await home.gateway.list_webhooks()
    assert listed.working


@pytest.mark.parametrize("home", ["waapi"], indirect=True)
async def test_waapi_accepts_no_more_webhooks_than_its_limit(home: Home) -> None:
    """25."""
    for i in range(25):
        home.account.add_webhook(f"https://crm.example/{i}")
    with pytest.raises(NotAllowedError):
        await home.gateway.create_webhook("https://home.example/hook")


@pytest.mark.parametrize("home", ["waapi"], indirect=True)
@pytest.mark.parametrize(
    "quirks",
    [
        {"payload_at": "data"},
        {"event_at": "data"},
        {"event_id_as": "object"},
        {"not_ready_as": "200"},
        {"events_under_lid": True, "answers_under_lid": True},
        {"no_data_as": "object"},
        {"registered_as": "object"},
        {"participants_as_lids": True},
        {"status_data": False},
    ],
)
async def test_waapi_s_quirks_are_borne(
    home: Home, receiver: str, quirks: dict[str, Any]
) -> None:
    """Whichever form the contract allows."""
    home.account.set_quirks(quirks)
    await test_what_people_do_arrives(home, receiver)
    await home.account.set_status("disconnected")
    with pytest.raises(NotReadyError):
        await home.gateway.subscribe(home.anna.chat_id)
    assert (await home.gateway.status()).status is InstanceStatus.DISCONNECTED


@pytest.mark.parametrize("home", ["waapi"], indirect=True)
async def test_waapi_s_trial_and_scopes_are_told_apart(home: Home) -> None:
    """Neither is a reason to ask for a new token."""
    home.account.set_quirks({"trial_number": home.bert.number})
    await home.gateway.subscribe(home.bert.chat_id)
    with pytest.raises(NotAllowedError, match="trial"):
        await home.gateway.subscribe(home.anna.chat_id)
    home.account.set_quirks({"trial_number": None, "scopes": ["read"]})
    with pytest.raises(NotAllowedError, match="not allowed"):
        await home.gateway.create_webhook("https://home.example/hook")
    home.account.set_quirks({"blocked": True})
    with pytest.raises(NotAllowedError, match="not allowed"):
        await home.gateway.validate()


@pytest.mark.parametrize("home", ["waapi"], indirect=True)
@pytest.mark.parametrize("prefix", [False, True])
async def test_waapi_s_signature_is_verified(
    home: Home, socket_enabled: None, prefix: bool
) -> None:
    """As the gateway makes it."""
    home.account.set_quirks({"hmac_secret": SECRET, "hmac_prefix": prefix})
    seen: list[tuple[bool, bool]] = []

    async def receive(request: web.Request) -> web.Response:
        raw = await request.read()
        verify = home.gateway.verify_signature
        seen.append(
            (
                verify(raw, request.headers, SECRET),
                verify(raw, request.headers, "other"),
            )
        )
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", receive)
    async with TestServer(app, host="127.0.0.1") as server:
        await home.gateway.create_webhook(str(server.make_url("/hook")))
        await home.account.set_status("disconnected")
    assert seen == [(True, False)]


@pytest.mark.parametrize("home", ["wawp"], indirect=True)
@pytest.mark.parametrize(
    "quirks",
    [
        {"credentials_in": "query"},
        {"credentials_in": "query", "missing_status": 400},
        {"credentials_in": "query", "missing_status": 400, "errors_as": "xml"},
        {"credentials_in": "query", "errors_as": "200"},
        {"credentials_in": "both"},
        {"info_method": "GET"},
        {"info_method": "GET", "info_refusal": 404},
        {"info_method": "both", "info_wrapped": True},
        {"event_shape": "flat"},
        {"event_as": "array"},
        {"event_as": "string"},
        {"session_name": "wawp-12345678"},
        {"get_chats": 404},
        {"get_chats": 405, "overview_as": "object"},
        {"events_under_lid": False},
        {"participants_as_lids": True},
        {"picture_key": "profilePictureURL", "lid_key": "number"},
    ],
)
async def test_wawp_s_quirks_are_borne(
    home: Home, receiver: str, quirks: dict[str, Any]
) -> None:
    """Whichever form the contract allows."""
    home.account.set_quirks(quirks)
    await home.gateway.validate()
    await home.connect(receiver)
    await home.account.set_presence(home.anna, "online")
    await home.gateway.subscribe(home.anna.chat_id)
    await home.came()
    await home.account.set_presence(home.anna, "typing")
    [event] = await home.came()
    assert isinstance(event, PresenceUpdate)
    assert event.activity is Activity.TYPING
    chats = await home.gateway.list_chats()
    assert {home.anna.chat_id, GROUP} <= {chat.chat_id for chat in chats}
    assert await home.gateway.aliases([LID]) == {LID: home.anna.chat_id}
    assert await home.gateway.picture_url(home.anna.chat_id) is not None


@pytest.mark.parametrize("home", ["wawp"], indirect=True)
async def test_wawp_s_picker_asks_for_no_picture(home: Home) -> None:
    """As long as it has the list of the server beneath."""
    assert isinstance(home.account, WawpAccount)
    chats = await home.gateway.list_chats()
    assert {home.anna.chat_id, GROUP} <= {chat.chat_id for chat in chats}
    assert home.account.picture_requests == 0
    home.account.set_quirks({"get_chats": 404})
    assert await home.gateway.list_chats() == chats
    assert home.account.picture_requests > 0


@pytest.mark.parametrize("home", ["wawp"], indirect=True)
@pytest.mark.parametrize("status", [404, 405])
async def test_wawp_may_not_tell_the_state(home: Home, status: int) -> None:
    """Then it is asked for once."""
    home.account.set_quirks({"get_presence": status})
    assert await home.gateway.subscribe(home.anna.chat_id) is None
    assert await home.gateway.subscribe(home.bert.chat_id) is None
    assert len(home.account.subscriptions) == 2
    asked = [r for r in home.simulator.requests if r.method == "GET"]
    assert len(asked) == 1


@pytest.mark.parametrize("home", ["wawp"], indirect=True)
@pytest.mark.parametrize("form", ["json", "xml", "html", "plain", "200"])
async def test_wawp_s_refusals_are_told_apart_in_every_form(
    home: Home, form: str
) -> None:
    """As far as the form tells."""
    home.account.set_quirks({"errors_as": form, "plan": "free"})
    with pytest.raises(NotAllowedError):
        await home.gateway.list_webhooks()
    with pytest.raises(AuthenticationError):
        await home.client(token="wrong").validate()
    with pytest.raises(NotFoundError):
        await home.client(instance="ZZZZZZZZZZZZ").validate()
    await home.account.set_status("STOPPED")
    with pytest.raises(NotReadyError):
        await home.gateway.subscribe(home.anna.chat_id)


@pytest.mark.parametrize("home", ["waha"], indirect=True)
@pytest.mark.parametrize("engine", ["WEBJS", "WPP", "NOWEB", "GOWS"])
async def test_waha_s_engines_are_understood(
    simulator: Simulator, session: ClientSession, home: Home, engine: str
) -> None:
    """Each in its own habits."""
    simulator.remove_instance(home.account)
    other = Home(home.type, simulator, session, engine=engine, tags_events_on=True)
    await other.connect("")
    await other.account.set_presence(other.anna, "online")
    await other.gateway.subscribe(other.anna.chat_id)
    await other.gateway.subscribe(GROUP)
    await other.came()
    await other.account.set_presence(other.anna, "typing", group=other.group)
    events = await other.came()
    assert [e for e in events if isinstance(e, PresenceUpdate) and e.chat_id == GROUP]
    await other.close()


@pytest.mark.parametrize("home", ["waha"], indirect=True)
async def test_waha_s_websocket_refuses_a_wrong_key(home: Home) -> None:
    """After it has let the connection in."""
    # aiohttp's server leaves the timer of a heartbeat behind when it closes first.
    home.simulator.waha.heartbeat = None  # type: ignore[assignment]
    with pytest.raises(AuthenticationError):
        async for _ in home.client(token="wrong").events():
            pass


@pytest.mark.parametrize("home", ["waha"], indirect=True)
async def test_waha_s_websocket_ends_with_the_server(home: Home) -> None:
    """And it is the caller's business to connect again."""
    await home.connect("")
    assert home._reader is not None
    await home.simulator.stop()
    async with asyncio.timeout(60):
        await asyncio.gather(home._reader, return_exceptions=True)
    with pytest.raises(UnreachableError):
        async for _ in home.gateway.events():
            pass


@pytest.mark.parametrize("home", ["waha"], indirect=True)
async def test_waha_lists_its_sessions(home: Home) -> None:
    """For the user to choose from."""
    home.simulator.add_instance("waha", "second", token=TOKEN, status="STOPPED")
    gateway: Any = home.client(instance="")
    assert await gateway.list_instances() == ["default", "second"]


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"status": 500}, UnreachableError),
        ({"status": 503, "body": "<html>"}, UnreachableError),
        ({"status": 429, "headers": {"Retry-After": "7"}}, RateLimitedError),
        # On a connection that was cut, a request that may be repeated is, once.
        ({"drop": True, "count": 2}, UnreachableError),
        ({"status": 200, "body": "<html>", "content_type": "text/html"}, GatewayError),
        ({"status": 200, "endless": True}, GatewayError),
        ({"status": 302, "headers": {"Location": "/"}}, GatewayError),
    ],
)
async def test_a_bad_day_is_a_gateway_error(
    home: Home, failure: dict[str, Any], error: type[GatewayError]
) -> None:
    """And the next one is good, unless the gateway wants to be left alone."""
    home.simulator.fail_next(**failure)
    with pytest.raises(error):
        await home.gateway.status()
    home.simulator.failures.clear()
    if error is not RateLimitedError:
        assert (await home.gateway.status()).status is InstanceStatus.READY


async def test_a_thousand_subscriptions_do_not_hold_up_the_status(home: Home) -> None:
    """Nor do they come all at once: some may be answered late, and one turn is left."""
    answered = asyncio.Event()
    late = home.simulator.fail_next(1000, status=None, path="presence", hold=answered)
    tasks = [
        asyncio.create_task(home.gateway.snapshot(f"4915{i:08}@c.us"))
        for i in range(1000)
    ]
    while not late.seen:
        await asyncio.sleep(0)
    await home.gateway.status()
    assert 0 < late.seen < 16
    assert len(home.simulator.requests) == late.seen + 1
    answered.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
