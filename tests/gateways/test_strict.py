"""The clients of WAHA, Wawp and WaAPI against what the real servers do, engine by engine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.base import (
    AuthenticationError,
    CannotTell,
    Gateway,
    GatewayError,
    InstanceStatus,
    NotAllowedError,
    NotReadyError,
    UnreachableError,
)
from custom_components.whatsapp_presence.presence.model import Activity, Source
from tests.simulator import Simulator, SkippingClock, WaapiAccount, WahaAccount

NUMBER = "491511234567"
ANNA = f"{NUMBER}@c.us"
LID = "199900011122233@lid"
GROUP = "120363000000000001@g.us"
KEY = "tok-3n"
EACH_ENGINE = pytest.mark.parametrize("engine", ["NOWEB", "WEBJS", "WPP", "GOWS"])


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[Simulator]:
    """Return a strict simulator that keeps nobody waiting."""
    async with Simulator(clock=SkippingClock()) as simulator:
        yield simulator


def add_waha(simulator: Simulator, **options: Any) -> WahaAccount:
    """Add a session that is set up as the documentation asks for."""
    options = {"store": True, "tags_events_on": True, **options}
    account = simulator.add_instance("waha", "default", token=KEY, **options)
    anna = account.add_person(NUMBER, name="Anna", lid=LID, picture=True)
    ben = account.add_person("491700000000", name="Ben")
    account.add_group(GROUP, name="Family", members=[anna, ben])
    return account


def client(
    http: ClientSession, simulator: Simulator, name: str = "default", key: str = KEY
) -> Gateway:
    """Create a client of WAHA."""
    config = {"url": simulator.url, "session": name, "api_key": key}
    return GATEWAYS["waha"].from_config(http, config)


@EACH_ENGINE
async def test_all_presences_are_had_at_once_but_from_gows(
    simulator: Simulator, session: ClientSession, engine: str
) -> None:
    """And nobody is shown online for that."""
    account = add_waha(simulator, engine=engine)
    gateway = client(session, simulator)
    await gateway.status()
    account.subscribe(ANNA)
    await account.set_presence("Anna", "typing")
    before = account.announcer.activities.total()
    found = await gateway.presences()
    assert account.announcer.activities.total() == before
    if engine == "GOWS":
        assert found is None
        return
    assert found is not None
    [update] = found
    assert (update.chat_id, update.activity) == (LID, Activity.TYPING)
    assert update.source is Source.REMEMBERED


@EACH_ENGINE
async def test_an_answer_is_remembered_under_its_own_id(
    simulator: Simulator, session: ClientSession, engine: str
) -> None:
    """By the number there is nothing; by the lid, the last word."""
    account = add_waha(simulator, engine=engine)
    gateway = client(session, simulator)
    await gateway.status()
    await gateway.subscribe(ANNA)
    await account.set_presence("Anna", "online")
    assert await gateway.snapshot(ANNA) is None
    update = await gateway.snapshot(LID)
    assert update is not None
    assert (update.online, update.source) == (True, Source.REMEMBERED)
    assert account.subscriptions == {ANNA}


@EACH_ENGINE
async def test_listing_asks_for_no_picture_and_shows_nobody_online(
    simulator: Simulator, session: ClientSession, engine: str
) -> None:
    """In whichever form the engine lists groups."""
    account = add_waha(simulator, engine=engine)
    chats = {chat.chat_id: chat.name for chat in await _list(session, simulator)}
    assert chats[ANNA] == "Anna"
    assert chats[GROUP] == "Family"
    assert account.picture_requests == 0
    assert not account.announcer.activities


async def _list(session: ClientSession, simulator: Simulator) -> list[Any]:
    return await client(session, simulator).list_chats()


async def test_without_a_store_there_are_groups_and_pairs_of_members(
    simulator: Simulator, session: ClientSession
) -> None:
    """Look-ups find nothing, and that is no failure."""
    account = add_waha(simulator, store=False)
    gateway = client(session, simulator)
    assert [chat.name for chat in await gateway.list_chats()] == ["Family"]
    assert await gateway.aliases([LID]) == {}
    for by_lid in (False, True):
        account.quirks.participants_as_lids = by_lid
        members = await gateway.group_members(GROUP)
        pairs = {(m.chat_id, m.alias) for m in members if m.alias}
        assert pairs == ({(LID, ANNA)} if by_lid else {(ANNA, LID)})


async def test_a_pair_that_is_learnt_late_is_found_later(
    simulator: Simulator, session: ClientSession
) -> None:
    """Null is no answer for good."""
    account = add_waha(simulator)
    gateway = client(session, simulator)
    account.person(ANNA).lid_learnt = False
    assert await gateway.aliases([LID]) == {}
    account.person(ANNA).lid_learnt = True
    assert await gateway.aliases([LID]) == {LID: ANNA}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"engine": "NOWEB"}, None),
        ({"engine": "NOWEB", "store": False}, CannotTell.STORE_OFF),
        ({"engine": "WEBJS", "tags_events_on": False}, CannotTell.TAGS_OFF),
        ({"engine": "WEBJS", "version": "2026.8.2"}, CannotTell.VERSION_TOO_OLD),
        ({"engine": "WEBJS"}, None),
        ({"engine": "GOWS"}, None),
    ],
)
async def test_set_up_sees_what_keeps_presence_from_coming(
    simulator: Simulator,
    session: ClientSession,
    options: dict[str, Any],
    expected: CannotTell | None,
) -> None:
    """From the session's configuration and the server's version."""
    add_waha(simulator, **options)
    info = await client(session, simulator).validate()
    assert (info.engine, info.cannot_tell) == (options["engine"], expected)


@EACH_ENGINE
async def test_noweb_and_webjs_are_known_never_to_pause(
    simulator: Simulator, session: ClientSession, engine: str
) -> None:
    """So that what follows a typing there proves nothing."""
    account = add_waha(simulator, engine=engine)
    gateway = client(session, simulator)
    await gateway.status()
    account.subscribe(LID)
    await account.set_presence("Anna", "typing")
    update = await gateway.snapshot(LID)
    assert update is not None
    assert (update.implied, update.never_pauses) == (True, engine in {"NOWEB", "WEBJS"})


@pytest.mark.parametrize("status", ["STOPPED", "STARTING"])
async def test_a_session_that_does_not_work_is_not_ready(
    simulator: Simulator, session: ClientSession, status: str
) -> None:
    """However late it says so; away for a moment."""
    account = add_waha(simulator)
    await account.set_status(status)
    gateway = client(session, simulator)
    assert (await gateway.status()).status.passing
    with pytest.raises(NotReadyError):
        await gateway.subscribe(ANNA)
    with pytest.raises(NotReadyError):
        await gateway.aliases([LID])


async def test_whatsapp_lost_just_now_is_an_outage(
    simulator: Simulator, session: ClientSession
) -> None:
    """While the session still says that it works."""
    account = add_waha(simulator)
    gateway = client(session, simulator)
    account.cut = True
    assert (await gateway.status()).status is InstanceStatus.READY
    with pytest.raises(UnreachableError):
        await gateway.subscribe(ANNA)


@pytest.mark.parametrize(
    ("name", "key", "error"),
    [
        ("default", "wrong", AuthenticationError),
        ("foreign", KEY, NotAllowedError),
    ],
)
async def test_a_stream_that_is_refused_tells_why(
    simulator: Simulator,
    session: ClientSession,
    name: str,
    key: str,
    error: type[GatewayError],
) -> None:
    """A key for another session is no wrong key."""
    add_waha(simulator)
    simulator.add_instance("waha", "foreign", token="another-key")
    with pytest.raises(error):
        await anext(client(session, simulator, name, key).events())


async def test_waapi_is_asked_without_waiting_first(
    simulator: Simulator, session: ClientSession
) -> None:
    """Then the push brings what is known."""
    account = simulator.add_instance("waapi", "123", token=KEY)
    account.add_person(NUMBER, name="Anna")
    account.quirks.push_latency = None
    gateway = _waapi(session, simulator)
    clock = simulator.clock
    assert isinstance(clock, SkippingClock)
    assert await gateway.subscribe(ANNA, wait=False) is None
    assert clock.skipped == 0
    assert await gateway.subscribe(ANNA) is None
    assert clock.skipped >= 1.5
    assert account.subscriptions == {ANNA}


def _waapi(session: ClientSession, simulator: Simulator) -> Gateway:
    return GATEWAYS["waapi"].from_config(
        session, {"url": simulator.url, "instance_id": "123", "api_token": KEY}
    )


@pytest.mark.parametrize(
    ("quirks", "words"),
    [
        ({"blocked": True}, "blocked"),
        ({"scopes": ["read"]}, "scope"),
        ({"trial_number": "491700000000"}, "trial"),
    ],
)
async def test_waapi_tells_why_something_is_not_allowed(
    simulator: Simulator, session: ClientSession, quirks: dict[str, Any], words: str
) -> None:
    """None of them is a reason to ask for a new token."""
    account: WaapiAccount = simulator.add_instance("waapi", "123", token=KEY)
    account.set_quirks(quirks)
    gateway = _waapi(session, simulator)
    webhook = partial(gateway.create_webhook, "https://home.example/hook")
    refused: Callable[[], Awaitable[object]] = partial(gateway.subscribe, ANNA)
    if words == "scope":
        refused = webhook
    with pytest.raises(NotAllowedError, match=words):
        await refused()


async def test_wawp_is_asked_for_all_at_once_where_it_answers(
    simulator: Simulator, session: ClientSession
) -> None:
    """And one by one where it does not."""
    account = simulator.add_instance("wawp", "A1B2C3D4E5F6", token=KEY)
    account.add_person(NUMBER, name="Anna", lid=LID)
    account.subscribe(ANNA)
    config = {"instance_id": "A1B2C3D4E5F6", "access_token": KEY, "url": simulator.url}
    gateway = GATEWAYS["wawp"].from_config(session, config)
    await gateway.status()
    found = await gateway.presences()
    assert found is not None
    assert [update.chat_id for update in found] == [LID]
    account.quirks.get_presences = 405
    assert await GATEWAYS["wawp"].from_config(session, config).presences() is None
