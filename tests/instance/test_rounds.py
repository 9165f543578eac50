"""Who is asked when: subscribing, renewing, polling, limits, and answers that cross."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.whatsapp_presence.gateways.pacing import Pacer
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from ..common import (
    ANNA,
    BEN,
    FAMILY,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
    instance_of,
    issue,
    online,
    requests,
    set_up,
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
    acquire = Pacer._acquire

    async def wait(pacer: Pacer, queue: Any) -> None:
        if queue is not pacer._urgent:
            await gate.wait()
        await acquire(pacer, queue)

    with patch.object(Pacer, "_acquire", wait):
        yield gate


async def settle_but(hass: HomeAssistant, waiting: asyncio.Task[Any]) -> None:
    """Let everything happen but what waits."""
    for _ in range(2000):
        await asyncio.sleep(0)
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


async def test_silent_chat_is_renewed_after_five_minutes(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A subscription fades: it is renewed every five minutes, no more often."""
    await set_up(hass, account)
    await advance(hass, freezer, account, 4 * MINUTE)
    assert subscriptions(account) == 1

    await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account) == 2

    for _ in range(60):
        await advance(hass, freezer, account, MINUTE)
    assert 2 + 12 <= subscriptions(account) <= 2 + 14


async def test_push_postpones_the_renewal(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A chat that speaks for itself need not be asked."""
    await set_up(hass, account)
    for word in ("online", "offline") * 6:
        await advance(hass, freezer, account, 2 * MINUTE)
        await account.set_presence(anna(account), word)
    assert subscriptions(account) == 1

    await advance(hass, freezer, account, 4 * MINUTE)
    assert subscriptions(account) == 1
    await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account) == 2


@pytest.mark.parametrize(
    ("gateway", "minutes"), [("waapi", 1000 / 48), ("wawp", 2 * 1000 / 48)]
)
async def test_many_chats_stretch_the_interval(
    hass: HomeAssistant, simulator: Simulator, gateway: str, minutes: float
) -> None:
    """A thousand chats stay within the gateway's budget, and do not come at once."""
    entry = await set_up(hass, add_account(simulator, gateway))
    instance, rounds = instance_of(entry), instance_of(entry).rounds
    assert rounds.renew_interval == timedelta(minutes=5)

    others = [
        ConfigSubentry(
            data=MappingProxyType({"chat": f"1555555{number:04d}@c.us"}),
            subentry_id=str(number),
            subentry_type="chat",
            title=f"Contact {number}",
            unique_id=None,
        )
        for number in range(999)
    ]
    for other in others:
        instance.async_add_chat(other)
    requests_for_one = instance.gateway.capabilities.renewal_requests
    assert rounds.renew_interval == requests_for_one * timedelta(minutes=1000 / 48)
    assert rounds.renew_interval <= timedelta(minutes=minutes)
    assert instance.delivery.push
    asked = [rounds.ask_interval for _ in range(20)]
    assert max(asked) <= rounds.renew_interval
    assert min(asked) >= 0.9 * rounds.renew_interval
    assert len(set(asked)) == 20

    instance.delivery.async_set_push(False)
    turn = timedelta(minutes=1000 / 48)
    assert 0.9 * turn <= rounds.ask_interval <= turn
    for other in others:
        instance.async_remove_chat(other.subentry_id)
    assert timedelta(seconds=27) <= rounds.ask_interval <= timedelta(seconds=30)


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
    # The renewal is due at five minutes, and meets a gateway that has just died.
    simulator.fail_next(status=503, path="get-chat-presence")
    freezer.tick(5 * MINUTE)
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
    await advance(hass, freezer, account, MINUTE)
    made = len(simulator.requests)
    for _ in range(6):
        await advance(hass, freezer, account, MINUTE)
        assert online(hass) == STATE_ON
    assert len(simulator.requests) == made
    # Events come all the same.
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert online(hass) == STATE_OFF

    for _ in range(7):
        await advance(hass, freezer, account, MINUTE)
    assert requests(account, STATUS) >= 3
    assert subscriptions(account) >= 2


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
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account) == 1
    await advance(hass, freezer, account, MINUTE + 5)
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
    for _ in range(6):
        await advance(hass, freezer, account, MINUTE)
    assert state(hass, "sensor", "presence_access") == "not_subscribed"
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
        status=status, body=body, content_type="text/html", path="presence"
    )
    entry = await set_up(hass, account)
    subentry_id = chat_of(entry).subentry.subentry_id
    assert issue(hass, Issue.CHAT_REFUSED, subentry_id) is None
    assert not account.subscriptions
    await advance(hass, freezer, account, MINUTE)
    assert account.subscriptions == {ANNA}


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
    freezer.tick(5 * MINUTE)
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
    freezer.tick(5 * MINUTE)
    async_fire_time_changed(hass)
    await until(lambda: subscriptions(account) == made + 1)
    await account.set_status("disconnected")
    assert not instance_of(entry).ready
    await advance(hass, freezer, account, 5)
    assert chat_of(entry).presence.online is None


async def test_reconnect_without_an_answer_leaves_the_unknown(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Nobody can say whether what was known before the loss still holds."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online", last_seen=None)
    await settle(hass, account)
    assert online(hass) == STATE_ON

    account.quirks.reset_events = account.quirks.push_on_subscribe = False
    # The dialect tells of a reconnect in two events.
    simulator.fail_next(5, status=200, body=NO_PRESENCE, path="get-chat-presence")
    await account.reconnect()
    await settle(hass, account)
    assert online(hass) == activity(hass) == STATE_UNKNOWN
    assert state(hass, "sensor", "presence_access") == "waiting"


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
    await advance(hass, freezer, account, 5 * MINUTE)
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
            instance_of(entry).rounds.async_ask(chat_of(entry))
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


async def test_an_answer_that_says_the_same_is_shown_after_a_loss(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What was known before the request was forgotten while it waited."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account, chat())
    assert online(hass) == STATE_ON
    rounds = instance_of(entry).rounds
    with turns_held_back() as gate:
        asked = hass.async_create_task(rounds.async_ask(chat_of(entry)))
        await account.set_status("disconnected")
        # Nobody tells of the chat but the answer that is waited for.
        with patch.object(rounds, "async_resubscribe"):
            account.set_quirks({"reset_events": False})
            await account.set_status("ready")
            await settle_but(hass, asked)
        assert online(hass) == STATE_UNKNOWN
        account.quirks.push_on_subscribe = False
        gate.set()
        await asked
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_a_chat_that_could_not_be_subscribed_is_tried_again_within_two_minutes(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """However long asking for chats, and nothing else, was out of order."""
    account = add_account(simulator)
    entry = await set_up(hass, account, chat())
    broken = simulator.fail_next(1000, path="presence")
    for _ in range(20):
        await advance(hass, freezer, account, 120)
    assert broken.seen > 10
    simulator.failures.clear()
    account.lose_subscriptions()
    assert not account.subscriptions
    await advance(hass, freezer, account, 121)
    assert account.subscriptions == {ANNA}
    assert chat_of(entry).tracker.presence.online is False
