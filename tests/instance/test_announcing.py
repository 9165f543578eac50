"""Announcing the account as online, and taking that back whatever happens."""

import asyncio
import itertools
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import (
    ATTR_ENTITY_ID,
    EVENT_HOMEASSISTANT_STOP,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..common import (
    BEN,
    ENTRY_ID,
    FAMILY,
    add_account,
    advance,
    chat,
    create_entry,
    instance_of,
    pass_time,
    requests,
    set_up,
    set_up_stream,
    settle,
    state,
    subscriptions,
    told,
    until,
)
from ..simulator import Simulator, WaapiAccount
from ..simulator.waha import WahaAccount

pytestmark = pytest.mark.usefixtures("unpaced")

KEY = f"{DOMAIN}.{ENTRY_ID}"
SWITCH = "switch.my_account_announce_online"
ON, OFF = "send-presence-available", "send-presence-unavailable"
LEAVE = ["stop", "unload", "removal"]


async def turn(hass: HomeAssistant, service: str) -> None:
    """Use the switch."""
    await hass.services.async_call(
        SWITCH_DOMAIN, service, {ATTR_ENTITY_ID: SWITCH}, blocking=True
    )


async def leave(hass: HomeAssistant, entry: MockConfigEntry, how: str) -> None:
    """End what runs for the account, in one of the ways in which that happens."""
    match how:
        case "stop":
            hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
            await hass.async_block_till_done()
        case "unload":
            await hass.config_entries.async_unload(entry.entry_id)
        case "removal":
            await hass.config_entries.async_remove(entry.entry_id)


def pending(hass_storage: dict[str, Any]) -> bool:
    """Return whether the store says that it is still to be taken back."""
    announced: bool = hass_storage[KEY]["data"]["announced"]
    return announced


@pytest.mark.parametrize("how", LEAVE)
async def test_it_is_taken_back_in_the_end(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """Once, and nothing beats any more; nothing is left to be done."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    assert account.available
    caplog.clear()
    await leave(hass, entry, how)
    assert not account.available
    assert requests(account, OFF) == 1
    if how != "removal":
        assert not pending(hass_storage)
    for _ in range(5):
        await advance(hass, freezer, account, 20)
    assert (requests(account, ON), requests(account, OFF)) == (1, 1)
    assert told(caplog) == []


@pytest.mark.parametrize("how", LEAVE)
async def test_who_never_announced_takes_nothing_back(
    hass: HomeAssistant, account: WaapiAccount, how: str
) -> None:
    """Perhaps somebody else has announced the account."""
    entry = await set_up(hass, account)
    await leave(hass, entry, how)
    assert account.own_presence_calls == 0


@pytest.mark.parametrize("how", LEAVE)
async def test_gateway_that_hangs_holds_nobody_up(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    """It has three seconds; the rest is done at the next set-up, or told."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    caplog.clear()
    hanging = simulator.fail_next(2, hang=True, path=OFF)
    leaving = hass.async_create_task(leave(hass, entry, how))
    await until(lambda: hanging.seen == 1)
    assert not leaving.done()
    freezer.tick(3)
    async_fire_time_changed(hass)
    await until(leaving.done)
    await leaving
    assert hanging.seen == 1
    simulator.failures.clear()
    assert account.available
    if how == "removal":
        (line,) = told(caplog)
        assert "may still be announced" in line
        assert KEY not in hass_storage
        return
    assert pending(hass_storage)
    assert told(caplog) == []
    if how == "stop":
        await hass.config_entries.async_unload(entry.entry_id)
        return
    assert await hass.config_entries.async_setup(entry.entry_id)
    await turn(hass, SERVICE_TURN_OFF)
    await advance(hass, freezer, account, 1)
    assert not account.available


async def test_what_was_not_taken_is_sent_at_the_next_set_up(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Be it that the power went, or that the gateway was away."""
    account.own_presence = "available"
    hass_storage[KEY] = {
        "version": 2,
        "minor_version": 1,
        "key": KEY,
        "data": {"aliases": {}, "last_seen": {}, "announced": True},
    }
    await set_up(hass, account)
    await advance(hass, freezer, account, 1)
    assert not account.available
    assert requests(account, OFF) == 1
    await advance(hass, freezer, account, 31)
    assert not pending(hass_storage)
    assert requests(account, OFF) == 1


async def test_removal_tells_in_one_line_what_is_left(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There is nobody any more who could try again."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    caplog.clear()
    refusing = simulator.fail_next(100, status=503, path=OFF)
    await leave(hass, entry, "removal")
    (line,) = told(caplog)
    assert "may still be announced as online" in line
    assert account.available
    assert refusing.seen == 1


async def test_removal_tries_again_what_an_earlier_unloading_could_not(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gateway may take by now what it did not take when the entry was disabled."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    simulator.fail_next(status=503, path=OFF)
    await leave(hass, entry, "unload")
    assert account.available
    caplog.clear()
    later = hass.loop.time() + 60
    monkeypatch.setattr(hass.loop, "time", lambda: later)
    await leave(hass, entry, "removal")
    assert not account.available
    assert told(caplog) == []


async def test_switched_off_is_tried_again_until_it_is_taken(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Soon at first, then every five minutes; and after a restart as well."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    refused = simulator.fail_next(1000, status=503, path=OFF)
    await turn(hass, SERVICE_TURN_OFF)
    tries = []
    for second in range(1200):
        await advance(hass, freezer, account, 1)
        if refused.seen > len(tries):
            tries.append(second)
    spacing = [after - before for before, after in itertools.pairwise(tries)]
    assert tries[0] <= 1
    assert spacing == sorted(spacing)
    assert 4 <= spacing[0] <= 6
    assert 299 <= spacing[-1] <= 302

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert pending(hass_storage)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert account.available
    simulator.failures.clear()
    await advance(hass, freezer, account, 300)
    assert not account.available


async def test_switched_on_again_is_not_taken_back(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was to be tried again is so no more."""
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    refused = simulator.fail_next(1, status=503, path=OFF)
    await turn(hass, SERVICE_TURN_OFF)
    await advance(hass, freezer, account, 1)
    assert refused.seen == 1
    await turn(hass, SERVICE_TURN_ON)
    for _ in range(40):
        await advance(hass, freezer, account, 20)
    assert account.available
    assert requests(account, OFF) == 1


async def test_switched_on_while_it_is_being_taken_back(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Whichever the gateway hears last, the next beat puts it right."""
    entry = await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    simulator.fail_next(status=None, delay=5, path=OFF)
    await turn(hass, SERVICE_TURN_OFF)
    freezer.tick(0.1)
    async_fire_time_changed(hass)
    await until(lambda: requests(account, OFF) == 1)
    await turn(hass, SERVICE_TURN_ON)
    await advance(hass, freezer, account, 5)
    assert requests(account, OFF) == 1
    await advance(hass, freezer, account, 20)
    assert account.available
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert requests(account, OFF) == 2
    assert not account.available


async def test_switched_off_while_it_is_being_announced(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """An answer that comes too late is not what the user wants any more."""
    await set_up(hass, account)
    simulator.fail_next(status=None, delay=5, path=ON)
    turning = hass.async_create_task(turn(hass, SERVICE_TURN_ON))
    await until(lambda: requests(account, ON) == 1)
    await turn(hass, SERVICE_TURN_OFF)
    await advance(hass, freezer, account, 5)
    await turning
    for _ in range(3):
        await advance(hass, freezer, account, 21)
    found = hass.states.get(SWITCH)
    assert found is not None
    assert found.state == STATE_OFF
    assert not account.available
    assert requests(account, ON) == 1
    assert not pending(hass_storage)


async def test_announcement_that_comes_too_late_stays_to_be_taken_back(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """The gateway may have heard it last, and does not take it back just now."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=None, delay=5, path=ON)
    turning = hass.async_create_task(turn(hass, SERVICE_TURN_ON))
    await until(lambda: requests(account, ON) == 1)
    await turn(hass, SERVICE_TURN_OFF)
    freezer.tick(1)
    async_fire_time_changed(hass)
    await until(lambda: requests(account, OFF) == 1)
    simulator.fail_next(1000, status=503, path=OFF)
    await advance(hass, freezer, account, 5)
    await turning
    await advance(hass, freezer, account, 1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert pending(hass_storage)


async def test_announcement_whose_answer_was_lost_is_taken_back(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """The user was told that it failed; the gateway may have taken it."""
    entry = await set_up(hass, account)
    simulator.fail_next(drop=True, path=ON)
    with pytest.raises(HomeAssistantError):
        await turn(hass, SERVICE_TURN_ON)
    assert not instance_of(entry).announcer.is_on
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert requests(account, OFF) == 1


@pytest.mark.parametrize("is_taken", [True, False])
async def test_switched_on_while_being_unloaded_begins_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    is_taken: bool,
) -> None:
    """An answer that comes too late leaves no beat behind, nor an announced account."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=None, delay=1, path=ON)
    turning = hass.async_create_task(turn(hass, SERVICE_TURN_ON))
    await until(lambda: requests(account, ON) == 1)
    unloading = hass.async_create_task(hass.config_entries.async_unload(entry.entry_id))
    await until(lambda: requests(account, OFF) == 1)
    if not is_taken:
        simulator.fail_next(status=503, path=OFF)
    freezer.tick(1)
    async_fire_time_changed(hass)
    await asyncio.gather(turning, unloading, return_exceptions=True)
    for _ in range(10):
        await advance(hass, freezer, account, 20)
    assert requests(account, ON) == 1
    assert account.available is pending(hass_storage) is not is_taken


async def test_switching_on_subscribes_all_chats_at_once(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Some gateways tell more from then on, and nobody wants to wait for a round."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    made = subscriptions(account)
    await turn(hass, SERVICE_TURN_ON)
    await settle(hass, account)
    assert subscriptions(account) == made + 3
    await turn(hass, SERVICE_TURN_OFF)
    await settle(hass, account)
    assert subscriptions(account) == made + 3


@pytest.fixture
def waha(simulator: Simulator) -> WahaAccount:
    """Return a session at WAHA."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha")
    assert isinstance(account, WahaAccount)
    return account


async def test_end_of_asking_does_not_end_the_announcement(
    hass: HomeAssistant, waha: WahaAccount, freezer: FrozenDateTimeFactory
) -> None:
    """25 s after it asked, the gateway says offline: it is announced again, once."""
    await set_up_stream(hass, waha, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    await pass_time(hass, freezer, 60)
    await turn(hass, SERVICE_TURN_ON)
    await until(lambda: waha.own_presence_calls == 1)
    began = time.time()
    calls: list[float] = []
    gaps = 0
    while time.time() < began + 200:
        await pass_time(hass, freezer, 0.5)
        now = time.time() - began
        calls += [now] * (waha.own_presence_calls - 1 - len(calls))
        gaps += not waha.available
    between = [moment for moment in calls if 20.5 < moment < 38.5]
    assert len(between) == 1
    assert 25.0 <= between[0] <= 26.5
    # Beats go on every 20 s, and there is no gap of more than a second.
    assert len(calls) in {1 + 200 // 20, 2 + 200 // 20}
    assert gaps <= 2
    assert state(hass, "switch", "announce_online", None) == STATE_ON
    await hass.config_entries.async_unload(ENTRY_ID)
    assert not waha.available


async def test_nothing_is_repeated_after_the_end(
    hass: HomeAssistant, waha: WahaAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Neither what is due when asking ends, nor a beat."""
    entry = await set_up_stream(hass, waha, chat(), chat(BEN, "Ben"))
    await turn(hass, SERVICE_TURN_ON)
    await pass_time(hass, freezer, 1)
    assert waha.available
    assert await hass.config_entries.async_unload(entry.entry_id)
    made = waha.own_presence_calls
    for _ in range(4):
        await pass_time(hass, freezer, 10)
    assert waha.own_presence_calls == made
    assert not waha.shown_online


async def test_who_does_not_announce_repeats_nothing(
    hass: HomeAssistant, waha: WahaAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Asking shows the account online for 25 s; nothing makes that longer."""
    entry = await set_up_stream(hass, waha, chat(), chat(BEN, "Ben"))
    for _ in range(60):
        await pass_time(hass, freezer, 1)
    assert waha.own_presence_calls == 0
    assert not waha.shown_online
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert waha.own_presence_calls == 0


async def test_set_up_that_fails_forgets_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """While the gateway is gone, it stays to be taken back."""
    account.own_presence = "available"
    stored = {
        "version": 2,
        "minor_version": 1,
        "key": KEY,
        "data": {"aliases": {}, "last_seen": {}, "announced": True},
    }
    hass_storage[KEY] = stored
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    gone = simulator.fail_next(1000, status=503)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert pending(hass_storage)
    simulator.failures.remove(gone)
    for _ in range(3):
        await advance(hass, freezer, account, 30)
    assert not account.available
