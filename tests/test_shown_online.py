"""How much the account is shown online because its chats are asked for."""

import time

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.instance.timetable import RECONNECT_SPACING
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant

from .common import (
    ANNA,
    BEN,
    FAMILY,
    add_account,
    anna,
    chat,
    in_time,
    instance_of,
    online,
    pass_time,
    requests,
    set_up_stream,
    state,
    subscriptions,
)
from .simulator import Simulator
from .simulator.waha import WahaAccount

pytestmark = pytest.mark.usefixtures("unpaced")

MINUTE = 60
HOUR = 3600
SHARE = 0.05 * HOUR
THREE = (chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))


def add_session(simulator: Simulator, engine: str) -> WahaAccount:
    """Add a session of an engine, on a server whose heartbeats do not outlive a test."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha", engine=engine)
    assert isinstance(account, WahaAccount)
    return account


def most_of_an_hour(account: WahaAccount, since: float, until_then: float) -> float:
    """Return for how long the account was shown online, of the worst hour there was."""
    begins = range(int(since), max(int(until_then - HOUR), int(since)) + 1, MINUTE)
    return max(account.announcer.shown(begin, begin + HOUR) for begin in begins)


async def lose_stream(
    hass: HomeAssistant, account: WahaAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Let no events arrive from now on, and that be noticed."""
    account.simulator.fail_next(1_000_000, status=503, path="/ws")
    account.simulator.waha.abort_sockets()
    entry = hass.config_entries.async_entries("whatsapp_presence")[0]
    await in_time(
        hass, freezer, lambda: not entry.runtime_data.instance.delivery.push, 200
    )


@pytest.mark.parametrize("engine", ["NOWEB", "GOWS"])
async def test_fifty_quiet_chats_and_many_reconnects(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    engine: str,
) -> None:
    """At most 5 % of any hour, and every chat is subscribed again after each."""
    account = add_session(simulator, engine)
    people = [account.add_person(f"1666{number:07}") for number in range(50)]
    began = time.time()
    await set_up_stream(
        hass, account, *(chat(one.chat_id, f"Chat {one.number}") for one in people)
    )
    for minute in range(1, 2 * 60 + 1):
        if minute % 7 == 0:
            await account.reconnect()
        await pass_time(hass, freezer, MINUTE)
    ended = time.time()
    assert most_of_an_hour(account, began, ended) <= SHARE
    assert account.announcer.shown(began, ended) > 100
    # A reconnect waits for its round as long as the account needs, not for ever.
    await in_time(hass, freezer, lambda: len(account.subscriptions) == 50, HOUR)


async def test_reconnects_close_together_cause_few_rounds(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """The first has one at once, all that follow have one together."""
    account = add_session(simulator, "NOWEB")
    await set_up_stream(hass, account, *THREE)
    for _ in range(10):
        await pass_time(hass, freezer, MINUTE)
    made = subscriptions(account)
    await account.reconnect()
    await in_time(hass, freezer, lambda: subscriptions(account) == made + 3, 20)

    for _ in range(4):
        await pass_time(hass, freezer, MINUTE)
        await account.reconnect()
        await pass_time(hass, freezer, 1)
        assert subscriptions(account) == made + 3
        assert account.subscriptions == set()
        # Nobody shows anything else meanwhile.
        assert state(hass, "binary_sensor", "ready", None) == STATE_ON
        assert online(hass) != "unavailable"
    await in_time(
        hass,
        freezer,
        lambda: subscriptions(account) == made + 6,
        int(RECONNECT_SPACING) + 1,
    )
    await pass_time(hass, freezer, 5 * MINUTE)
    assert subscriptions(account) == made + 6
    assert account.subscriptions == {ANNA, BEN, FAMILY}


async def test_polls_of_each_chat_are_as_rare_as_the_account_needs(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Without events and without one answer for all, changes come late."""
    account = add_session(simulator, "GOWS")
    account.quirks.events_under_lid = False
    await set_up_stream(hass, account, *THREE)
    began = time.time()
    await lose_stream(hass, account, freezer)
    asked = requests(account, f"/presence/{ANNA}")
    for _ in range(36):
        await pass_time(hass, freezer, 2 * MINUTE)
    polls = requests(account, f"/presence/{ANNA}") - asked
    assert 3 <= polls <= 2 * SHARE / 25
    assert most_of_an_hour(account, began, time.time()) <= SHARE

    # It is seen all the same, for the status says that the account is ready.
    await account.set_presence(anna(account), "online")
    await in_time(hass, freezer, lambda: online(hass) == STATE_ON, 20 * MINUTE)


async def test_one_answer_for_all_is_polled_every_half_minute(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """It costs the account nothing, so that changes come soon without events, too."""
    account = add_session(simulator, "NOWEB")
    account.quirks.events_under_lid = False
    await account.set_presence(anna(account), "online")
    entry = await set_up_stream(hass, account, *THREE)
    began = time.time()
    await lose_stream(hass, account, freezer)
    polls = requests(account, "/presence")
    for _ in range(20):
        await pass_time(hass, freezer, 30)
    assert 18 <= requests(account, "/presence") - polls <= 22
    for word, shown in (("offline", STATE_OFF), ("online", STATE_ON)) * 2:
        await account.set_presence(anna(account), word)
        await in_time(hass, freezer, lambda shown=shown: online(hass) == shown, 40)  # type: ignore[misc]

    # Not even when it fails for a while is each chat asked for instead.
    simulator.fail_next(1000, status=503, path="/presence")
    for _ in range(90):
        await pass_time(hass, freezer, 40)
    assert most_of_an_hour(account, began, time.time()) <= SHARE
    assert instance_of(entry).coordinator.ready


async def test_a_slow_server_shows_the_account_no_longer(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """It may see a request just before it answers, and each is asked under two ids."""
    account = add_session(simulator, "GOWS")
    await set_up_stream(hass, account, *THREE)
    began = time.time()
    simulator.fail_next(1_000_000, status=None, delay=12.0, path="/presence/")
    for minute in range(100):
        if minute % 9 == 0:
            await account.reconnect()
        for _ in range(5):
            await pass_time(hass, freezer, 12)
    ended = time.time()
    assert account.announcer.shown(began, ended) > 200
    assert most_of_an_hour(account, began, ended) <= SHARE


async def test_a_server_that_hangs_at_last_is_within_the_share(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What is left of an hour is not given away to the second."""
    account = add_session(simulator, "GOWS")
    await set_up_stream(hass, account, *THREE)
    await pass_time(hass, freezer, 2 * HOUR)
    began = time.time()
    for number in range(10):
        if number == 6:
            simulator.fail_next(100, status=None, delay=14.0, path="/presence/")
        await account.reconnect()
        for _ in range(30):
            await pass_time(hass, freezer, 1)
        await pass_time(hass, freezer, 5 * MINUTE)
    ended = time.time()
    assert account.announcer.shown(began, ended) > 100
    assert most_of_an_hour(account, began, ended) <= SHARE


async def test_pass_that_was_slow_for_once_delays_no_other(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A machine that stood still tells nothing of how long asking takes."""
    account = add_session(simulator, "NOWEB")
    await set_up_stream(hass, account, *THREE)
    # In the middle of asking, perhaps.
    await pass_time(hass, freezer, 10 * MINUTE)
    await account.reconnect()
    account.lose_subscriptions()
    await in_time(hass, freezer, lambda: len(account.subscriptions) == 3, 60)


async def test_a_chat_whose_calls_keep_failing_leaves_room_for_a_reconnect(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Once it is unknown, it waits for a round, and the others do not wait for it."""
    account = add_session(simulator, "NOWEB")
    await set_up_stream(hass, account, *THREE)
    began = time.time()
    simulator.fail_next(1_000_000, status=500, path=f"/presence/{ANNA}")
    for _ in range(85):
        await pass_time(hass, freezer, MINUTE)
    for _ in range(2):
        for _ in range(17):
            await pass_time(hass, freezer, MINUTE)
        await account.reconnect()
        await in_time(
            hass,
            freezer,
            lambda: account.subscriptions == {BEN, FAMILY},
            int(RECONNECT_SPACING),
        )
    assert most_of_an_hour(account, began, time.time()) <= SHARE
