"""Who is asked when: subscribing, renewing, polling, limits, and answers that cross."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
import math
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.gateways.pacing import Pace, Pacer, Priority
from custom_components.whatsapp_presence.instance.chat import Chat
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from ..common import (
    ANNA,
    BEN,
    FAMILY,
    SUBSCRIBE,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
    instance_of,
    issue,
    let_happen,
    online,
    pass_time,
    requests,
    set_up,
    set_up_stream,
    settle,
    state,
    subscriptions,
    until,
)
from ..simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

STATUS = "/client/status"
SNAPSHOT = "/client/action/get-chat-presence-snapshot"
MINUTE = 60
NO_PRESENCE = {
    "status": "success",
    "data": {"status": "success", "data": {"presence": None}},
}


def presence_of(chat_id: str, **fields: Any) -> dict[str, Any]:
    """Return an answer of the gateway that tells of a presence."""
    presence = {
        "id": chat_id,
        "isGroup": False,
        "isOnline": False,
        "chatstate": "unavailable",
        "lastSeen": None,
        "hasData": True,
        "isSubscribed": True,
        **fields,
    }
    return {
        "status": "success",
        "data": {"status": "success", "data": {"presence": presence}},
    }


@contextmanager
def turns_held_back() -> Generator[asyncio.Event]:
    """Let requests wait for their turn until the event is set."""
    gate = asyncio.Event()
    turn = Pacer.turn

    @asynccontextmanager
    async def wait(pacer: Pacer, level: Priority) -> AsyncIterator[None]:
        await gate.wait()
        async with turn(pacer, level):
            yield

    with patch.object(Pacer, "turn", wait):
        yield gate


async def settle_but(hass: HomeAssistant, waiting: asyncio.Task[Any]) -> None:
    """Let everything happen but what waits."""
    await let_happen(2000)
    assert not waiting.done()


async def test_chats_are_subscribed_at_start(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Each chat is subscribed once, and shows what the answer told."""
    await account.set_presence(anna(account), "online")
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))

    assert account.subscriptions == {ANNA, BEN, FAMILY}
    assert subscriptions(account) == 3
    assert online(hass) == STATE_ON
    assert online(hass, BEN) == STATE_OFF
    assert online(hass, FAMILY) == STATE_ON


async def test_set_up_does_not_wait_for_the_chats(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """The entry is loaded while no chat has been answered for."""
    simulator.fail_next(hang=True, path="get-chat-presence")
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)

    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == STATE_UNKNOWN
    assert state(hass, "sensor", "presence_access") == "not_subscribed"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_silent_chats_are_renewed_in_rounds(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A subscription fades: who shows online is renewed soon, all others in time."""
    await account.set_presence(ben(account), "online")
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    for _ in range(19):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, ANNA) == 1
    assert 1 + 3 <= subscriptions(account, BEN) <= 1 + 4

    for _ in range(2):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, ANNA) == 2
    for _ in range(60):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, ANNA) == 2 + 3


async def test_who_was_heard_of_is_left_out_of_the_round(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A chat that speaks for itself need not be asked."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    for word in ("online", "offline") * 12:
        await advance(hass, freezer, account, 2 * MINUTE)
        await account.set_presence(anna(account), word)
    assert subscriptions(account, ANNA) == 1
    assert subscriptions(account, BEN) == 3

    for _ in range(41):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, ANNA) == 2


async def test_round_that_nobody_needs_is_followed_by_others(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Who spoke for a while, and then no more, is renewed as all others are."""
    await set_up(hass, account)
    for word in ("online", "offline") * 7:
        await advance(hass, freezer, account, 2 * MINUTE)
        await account.set_presence(anna(account), word)
    assert subscriptions(account) == 1
    for _ in range(45):
        await advance(hass, freezer, account, MINUTE)
    assert 2 <= subscriptions(account) <= 3


async def test_all_are_renewed_in_one_pass_where_asking_announces(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Not by and by: each request shows the account online for 25 seconds."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha")
    chats = [
        chat(f"1555555{number:04d}@c.us", f"Contact {number}") for number in range(50)
    ]
    for one in chats:
        account.add_person(one["data"]["chat"].partition("@")[0])
    await set_up_stream(hass, account, *chats)
    await pass_time(hass, freezer, 1)
    shown: list[float] = []
    for _ in range(3):
        before = len(simulator.requests)
        for _ in range(60):
            await pass_time(hass, freezer, MINUTE)
            made = [one.path for one in list(simulator.requests)[before:]]
            before = len(simulator.requests)
            asked = sum("/presence/" in path for path in made)
            assert asked in (0, 50), made
            shown.append(asked)
    # Every twenty minutes at the soonest.
    assert 6 * 50 <= sum(shown) <= 9 * 50


async def test_chats_are_polled_without_events(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Without a webhook a chat is asked every 30 s, and subscribed now and then."""
    await set_up(hass, account, options={"register_webhook": False})
    assert account.webhooks == []

    await account.set_presence(anna(account), "online")
    assert online(hass) == STATE_OFF
    await advance(hass, freezer, account, 30)
    assert requests(account, SNAPSHOT) == 1
    assert online(hass) == STATE_ON

    for _ in range(20):
        await advance(hass, freezer, account, 30)
    # Ten minutes and a half, of which two or three requests were renewals.
    assert 18 <= requests(account, SNAPSHOT) + subscriptions(account) - 1 <= 24
    assert 2 <= subscriptions(account) <= 3


async def test_outage_met_by_a_chat_is_looked_into_at_once(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A renewal that fails asks for the instance's status instead of waiting."""
    await set_up(hass, account)
    before = requests(account, STATUS)
    # The renewal is due at twenty minutes, and meets a gateway that has just died.
    simulator.fail_next(status=503, path="get-chat-presence")
    freezer.tick(20 * MINUTE)
    async_fire_time_changed(hass)
    await settle(hass, account)
    assert requests(account, STATUS) >= before + 1
    assert online(hass) == STATE_OFF

    # The gateway turned out to be well, so the chat is tried again soon.
    made = subscriptions(account)
    await advance(hass, freezer, account, 31)
    assert subscriptions(account) == made + 1


async def test_failing_chat_is_tried_less_and_less_but_every_two_minutes(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A chat that fails again and again costs little, and is there soon after."""
    failure = simulator.fail_next(1000, status=500, path="get-chat-presence")
    await set_up(hass, account)
    for _ in range(60 * 2):
        await advance(hass, freezer, account, 30)
    # 30 s, 1 min, 2, 2, …
    assert 29 <= failure.seen <= 33
    assert online(hass) == STATE_UNKNOWN


async def test_an_error_of_our_own_in_asking_for_all_does_not_end_the_rounds(
    hass: HomeAssistant, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Each chat is asked for by itself then."""
    account = add_account(simulator, "waha")
    await account.set_presence(anna(account), "offline")
    with patch.object(GATEWAYS["waha"], "presences", side_effect=KeyError(ANNA)):
        await set_up_stream(hass, account)
    assert subscriptions(account) == 1
    assert "Unexpected KeyError in " in caplog.text
    assert ANNA not in caplog.text


async def test_an_error_of_our_own_costs_nobody_else_the_answer(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged without a number; the one chat is asked for again, like a failure."""
    account.quirks.push_on_subscribe = False
    await account.set_presence(anna(account), "online")
    take = Chat.answer

    def answer(one: Chat, update: PresenceUpdate, asked_at: float) -> bool:
        if one.chat_id == ANNA:
            raise KeyError(ANNA)
        return take(one, update, asked_at)

    with patch.object(Chat, "answer", answer):
        await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert online(hass) == STATE_UNKNOWN
    assert online(hass, BEN) == STATE_OFF
    assert "Unexpected KeyError in test_rounds.py, line " in caplog.text
    assert ANNA not in caplog.text

    await advance(hass, freezer, account, 31)
    assert online(hass) == STATE_ON


async def test_too_many_requests_are_obeyed(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """For as long as the gateway wants it, nothing is asked; nothing is lost by it."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    simulator.fail_next(status=429, headers={"Retry-After": "400"}, path=STATUS)
    await pass_time(hass, freezer, MINUTE)
    made = len(simulator.requests)
    for _ in range(6):
        await pass_time(hass, freezer, MINUTE)
        assert online(hass) == STATE_ON
    assert len(simulator.requests) == made
    # Events come all the same.
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert online(hass) == STATE_OFF

    for _ in range(15):
        await pass_time(hass, freezer, MINUTE)
    assert requests(account, STATUS) >= 3
    assert subscriptions(account) >= 2


@pytest.mark.parametrize("lost", ["chat", "instance"])
async def test_who_waits_for_a_turn_in_vain_asks_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:
    """Of a chat that was removed, or once the account is away, nothing is sent."""
    monkeypatch.setattr(GATEWAYS["waapi"], "pace", Pace(at_once=2, per_second=math.inf))
    people = [account.add_person(f"49151123000{i:02}") for i in range(9)]
    held = asyncio.Event()
    simulator.fail_next(status=None, hold=held, path="get-chat-presence")
    entry = create_entry(account, *(chat(one.chat_id, "Somebody") for one in people))
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: subscriptions(account) == 1)
    if lost == "chat":
        for subentry in list(entry.subentries.values())[1:]:
            hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    else:
        await account.set_status("qr")
    instance = instance_of(entry)
    await until(lambda: len(instance.chats) == 1 or not instance.coordinator.ready)
    held.set()
    await settle(hass, account)
    assert subscriptions(account) == 1


async def test_chat_waits_as_long_as_the_gateway_wants(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A renewal that was one too many is not repeated before its time."""
    simulator.fail_next(
        status=429, headers={"Retry-After": "180"}, path="get-chat-presence"
    )
    await set_up(hass, account)
    assert subscriptions(account) == 1
    for _ in range(2):
        await pass_time(hass, freezer, MINUTE)
    assert subscriptions(account) == 1
    await pass_time(hass, freezer, MINUTE + 5)
    await pass_time(hass, freezer, 5)
    assert subscriptions(account) == 2
    assert online(hass) == STATE_OFF


async def test_refused_chat_is_told_and_tried_again(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A chat that the plan does not include leaves all others alone."""
    account.quirks.trial_number = anna(account).number
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    refused = chat_of(entry, BEN).subentry.subentry_id
    found = issue(hass, Issue.CHAT_REFUSED, refused)
    assert found is not None
    assert found.translation_placeholders == {"chat": "Ben"}
    assert issue(hass, Issue.CHAT_REFUSED, chat_of(entry).subentry.subentry_id) is None
    assert state(hass, "sensor", "presence_access", BEN) == "not_subscribed"
    assert online(hass, BEN) == STATE_UNKNOWN
    assert online(hass) == STATE_OFF
    assert state(hass, "sensor", "presence_access") == "visible"

    tried = subscriptions(account, BEN)
    account.quirks.trial_number = None
    for _ in range(29):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, BEN) == tried
    await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account, BEN) == tried + 1
    assert issue(hass, Issue.CHAT_REFUSED, refused) is None
    assert online(hass, BEN) == STATE_OFF


async def test_chat_that_is_refused_later_is_unknown_until_an_event_tells(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody who was online need not be so for ever."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON

    account.quirks.trial_number = ben(account).number
    for _ in range(11):
        await advance(hass, freezer, account, MINUTE)
    # Told at once; known until three refusals in a row.
    assert state(hass, "sensor", "presence_access") == "not_subscribed"
    assert online(hass) == STATE_ON
    for _ in range(10):
        await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNKNOWN
    assert online(hass, BEN) == STATE_OFF

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert state(hass, "sensor", "presence_access") == "visible"


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
@pytest.mark.parametrize("body", ["", "<!DOCTYPE html><html>Not here</html>"])
@pytest.mark.parametrize("status", [403, 404])
async def test_page_of_a_proxy_does_not_lose_a_chat_for_half_an_hour(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    gateway: str,
    *,
    status: int,
    body: str,
) -> None:
    """It is not the gateway that refuses: the chat is tried again in a minute."""
    account = add_account(simulator, gateway)
    simulator.fail_next(
        status=status, body=body, content_type="text/html", path=SUBSCRIBE[gateway]
    )
    entry = await set_up(hass, account)
    subentry_id = chat_of(entry).subentry.subentry_id
    assert issue(hass, Issue.CHAT_REFUSED, subentry_id) is None
    assert not account.subscriptions
    await advance(hass, freezer, account, MINUTE)
    assert account.subscriptions == {ANNA}


async def test_who_was_pushed_meanwhile_is_not_waited_for(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Of whom the first pass told nothing is asked once more, waiting, if need be."""
    anna(account).has_data = ben(account).has_data = False
    held = asyncio.Event()
    entry = create_entry(account, chat(), chat(BEN, "Ben"))
    entry.add_to_hass(hass)
    simulator.fail_next(2, status=None, hold=held, path="get-chat-presence")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await until(lambda: subscriptions(account) == 2)
    await account.set_presence(anna(account), "online", has_data=True)
    await until(lambda: online(hass) == STATE_ON)
    held.set()
    await settle(hass, account)
    asked = [
        (one.body["chatId"], one.body["waitForData"])
        for one in simulator.requests
        if isinstance(one.body, dict) and "waitForData" in one.body
    ]
    assert sorted(asked) == [(BEN, False), (BEN, True), (ANNA, False)]


async def test_answer_does_not_overtake_a_push(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An answer that was on its way when an event came is old."""
    await set_up(hass, account)
    simulator.fail_next(
        status=200,
        body=presence_of(ANNA, isOnline=False),
        delay=5,
        path="get-chat-presence",
    )
    made = subscriptions(account)
    freezer.tick(20 * MINUTE)
    async_fire_time_changed(hass)
    await until(lambda: subscriptions(account) == made + 1)
    freezer.tick(1)
    await account.set_presence(anna(account), "online")
    await hass.async_block_till_done()
    assert online(hass) == STATE_ON

    await advance(hass, freezer, account, 5)
    assert online(hass) == STATE_ON
    assert issue(hass, Issue.WEBHOOK_SILENT) is None


async def test_answer_after_the_instance_was_lost_counts_for_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who was lost is not found by an old answer."""
    entry = await set_up(hass, account)
    simulator.fail_next(
        status=200,
        body=presence_of(ANNA, isOnline=True),
        delay=5,
        path="get-chat-presence",
    )
    made = subscriptions(account)
    freezer.tick(20 * MINUTE)
    async_fire_time_changed(hass)
    await until(lambda: subscriptions(account) == made + 1)
    await account.set_status("disconnected")
    assert not instance_of(entry).coordinator.ready
    await advance(hass, freezer, account, 5)
    assert chat_of(entry).presence.online is False


async def test_reconnect_without_an_answer_leaves_the_unknown_in_the_end(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody can say whether the online from before the loss still holds."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online", last_seen=None)
    await settle(hass, account)
    assert online(hass) == STATE_ON

    await advance(hass, freezer, account, 10)
    account.quirks.reset_events = account.quirks.push_on_subscribe = False
    # The dialect tells of a reconnect in two events.
    simulator.fail_next(50, status=200, body=NO_PRESENCE, path="get-chat-presence")
    await account.reconnect()
    await settle(hass, account)
    assert online(hass) == STATE_ON
    await advance(hass, freezer, account, 119)
    assert online(hass) == STATE_ON
    await advance(hass, freezer, account, 2)
    assert online(hass) == STATE_UNKNOWN


async def test_renewal_without_an_answer_changes_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An answer that says nothing takes nothing back while events come."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    simulator.fail_next(
        status=200,
        body=NO_PRESENCE,
        path="get-chat-presence",
    )
    made = subscriptions(account)
    await advance(hass, freezer, account, 10 * MINUTE)
    assert subscriptions(account) == made + 1
    assert online(hass) == STATE_ON


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_an_event_before_the_request_went_out_is_older_than_its_answer(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    gateway: str,
) -> None:
    """A request may wait for its turn; what counts is when the gateway was asked."""
    account = add_account(simulator, gateway)
    account.quirks.push_on_subscribe = False
    account.quirks.events_under_lid = False
    entry = await set_up(hass, account, chat())
    with turns_held_back() as gate:
        asked = hass.async_create_task(
            instance_of(entry).rounds.async_ask_now(chat_of(entry))
        )
        freezer.tick(1)
        await account.set_presence(anna(account), "online")
        await settle_but(hass, asked)
        assert online(hass) == STATE_ON
        # The webhook about this one is lost.
        simulator.delivery.faults.lose = 1.0
        freezer.tick(1)
        await account.set_presence(anna(account), "offline")
        simulator.delivery.faults.lose = 0.0
        freezer.tick(1)
        gate.set()
        await asked
    await settle(hass, account)
    assert online(hass) == STATE_OFF


async def test_a_chat_that_could_not_be_subscribed_is_tried_again_within_two_minutes(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """However long asking for chats, and nothing else, was out of order."""
    account = add_account(simulator)
    entry = await set_up(hass, account, chat())
    broken = simulator.fail_next(1000, path="get-chat-presence")
    for _ in range(20):
        await advance(hass, freezer, account, 120)
    assert broken.seen > 10
    simulator.failures.clear()
    account.lose_subscriptions()
    assert not account.subscriptions
    await advance(hass, freezer, account, 121)
    assert account.subscriptions == {ANNA}
    assert chat_of(entry).tracker.presence.online is False
