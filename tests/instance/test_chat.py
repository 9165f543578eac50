"""One chat: when typing ends, what settles, and clocks that are set."""

import time
from types import SimpleNamespace

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.binary_sensor import OnlineBinarySensor
from custom_components.whatsapp_presence.gateways.base import (
    InstanceEvent,
    InstanceStatus,
)
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..common import (
    ANNA,
    BEN,
    Writes,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    instance_of,
    online,
    set_up,
    settle,
    state,
)
from ..simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

NO_PRESENCE = {
    "status": "success",
    "data": {"status": "success", "data": {"presence": None}},
}


async def test_reset_is_never_offline(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A gateway that lost its data says unavailable; that is unknown."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    writes = Writes(hass)
    account.emit("presence_update", {"presence": account.empty_object(anna(account))})
    await settle(hass, account)
    assert online(hass) == activity(hass) == STATE_UNKNOWN
    assert writes.of("binary_sensor.anna") == [STATE_UNKNOWN]


async def test_typing_ends_after_thirty_seconds(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Typing that nobody repeats or ends is over after 30 s."""
    account.quirks.typing_ends = False
    await set_up(hass, account)
    await account.set_presence(anna(account), "typing")
    await advance(hass, freezer, account, 20)
    await account.flood(anna(account), 1)
    await advance(hass, freezer, account, 29)
    assert activity(hass) == "typing"
    assert state(hass, "binary_sensor", "typing") == STATE_ON
    await advance(hass, freezer, account, 1)
    assert activity(hass) == "idle"
    assert online(hass) == STATE_ON


@pytest.mark.parametrize("hours", [-5, 5])
async def test_clock_that_is_set_lets_typing_and_online_end_all_the_same(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hours: int,
) -> None:
    """Home Assistant's clock jumps by hours; nothing hangs, nobody was seen later."""
    account.quirks.typing_ends = False
    entry = await set_up(hass, account, chat(settle_time=3))
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"

    freezer.tick(hours * 3600)
    for _ in range(2):
        # The timer goes by another clock, which nobody sets.
        freezer.tick(30)
        chat_of(entry).wake()
    assert activity(hass) == "idle"

    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 4)
    assert online(hass) == STATE_OFF
    seen = dt_util.parse_datetime(state(hass, "sensor", "last_seen"))
    assert seen is not None
    assert seen <= dt_util.utcnow()


@pytest.mark.parametrize("step", [-3600, -300, -30, 30, 300, 3600])
async def test_clock_that_is_set_moves_no_end(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    """Typing, settling and ageing take as long as ever, by a clock that nobody sets."""
    account.quirks.typing_ends = False
    await set_up(hass, account, chat(settle_time=3), chat(BEN, "Ben", settle_time=3))
    wrong_by = 0
    monkeypatch.setattr(
        "custom_components.whatsapp_presence.instance.chat.time",
        SimpleNamespace(time=lambda: time.time() + wrong_by),
    )

    async def at(seconds: float) -> None:
        await advance(hass, freezer, account, seconds - passed[-1])
        passed.append(seconds)

    passed = [0.0]
    await account.set_presence(anna(account), "typing")
    await account.set_presence(ben(account), "typing")
    await at(10)
    wrong_by = step
    await account.set_presence(ben(account), "paused")
    await at(12)
    assert activity(hass) == activity(hass, BEN) == "typing"
    await at(13)
    assert activity(hass, BEN) == "idle"
    await at(29)
    assert activity(hass) == "typing"
    await at(30)
    assert activity(hass) == "idle"

    await account.set_presence(anna(account), "typing")
    await at(40)
    wrong_by = 0
    await account.set_presence(anna(account), "offline")
    await at(42)
    assert online(hass) == STATE_ON
    assert activity(hass) == "typing"
    await at(43)
    assert online(hass) == STATE_OFF
    assert activity(hass) == "idle"


async def test_last_seen_is_not_in_the_future_of_a_clock_that_was_set_back(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Neither what was seen before, nor what was about to be shown."""
    entry = await set_up(hass, account, chat(settle_time=10))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert online(hass) == STATE_ON

    freezer.tick(-3600)
    # The timer goes by another clock, which nobody sets.
    chat_of(entry).wake()
    freezer.tick(10)
    chat_of(entry).wake()
    assert online(hass) == STATE_OFF
    seen = dt_util.parse_datetime(state(hass, "sensor", "last_seen"))
    assert seen is not None
    assert seen <= dt_util.utcnow()

    account.simulator.fail_next(
        100, status=200, body=NO_PRESENCE, path="get-chat-presence"
    )
    freezer.tick(-3600)
    await instance_of(entry).rounds.async_ask_now(chat_of(entry))
    seen = dt_util.parse_datetime(state(hass, "sensor", "last_seen"))
    assert seen is not None
    assert seen <= dt_util.utcnow()


@pytest.mark.parametrize("hours", [-30, -5, 5, 30_000])
async def test_gateway_whose_clock_is_wrong_is_understood(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hours: int,
) -> None:
    """Its order counts, its times do not; when it is put right, that goes on."""
    wawp = add_account(simulator, "wawp")
    entry = await set_up(hass, wawp)

    def hear(word: bool, skew: float) -> None:
        chat_of(entry).hear(
            PresenceUpdate(chat_id=ANNA, online=word, time=time.time() + skew)
        )

    for skew in (hours * 3600, 0, hours * 3600, 0):
        for word in (True, False, True, False):
            await advance(hass, freezer, wawp, 2)
            hear(word, skew)
            assert online(hass) == (STATE_ON if word else STATE_OFF)
            seen = chat_of(entry).presence.last_seen
            assert seen is None or seen <= time.time()


async def test_flood_of_typing_and_paused_is_one_typing(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A fall that does not last the settle time is not shown."""
    await set_up(hass, account, chat(settle_time=3))
    writes = Writes(hass)
    for _ in range(10):
        await account.set_presence(anna(account), "typing")
        await advance(hass, freezer, account, 1)
        await account.set_presence(anna(account), "paused")
        await advance(hass, freezer, account, 1)
    assert writes.of("sensor.anna_activity") == ["typing"]
    await advance(hass, freezer, account, 3)
    assert writes.of("sensor.anna_activity") == ["typing", "idle"]
    assert online(hass) == STATE_ON


async def test_fall_settles_and_a_rise_does_not(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Offline shows when it has lasted; online shows at once."""
    await set_up(hass, account, chat(settle_time=10), chat(BEN, "Ben", settle_time=0))
    for person in (anna(account), ben(account)):
        await account.set_presence(person, "online")
    await settle(hass, account)
    assert online(hass) == online(hass, BEN) == STATE_ON

    for person in (anna(account), ben(account)):
        await account.set_presence(person, "offline")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert online(hass, BEN) == STATE_OFF
    await advance(hass, freezer, account, 9)
    assert online(hass) == STATE_ON
    await advance(hass, freezer, account, 1)
    assert online(hass) == STATE_OFF


async def test_earlier_deadline_moves_the_timer(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A pause shows after its settle time, not when the typing would have ended."""
    account.quirks.typing_ends = False
    entry = await set_up(hass, account, chat(settle_time=3))
    await account.set_presence(anna(account), "typing")
    await account.set_presence(anna(account), "paused")
    await advance(hass, freezer, account, 4)
    assert activity(hass) == "idle"

    # A loss drops what was about to fall.
    await account.set_presence(anna(account), "typing")
    instance_of(entry).async_handle_events(
        [InstanceEvent(status=InstanceStatus.LOGIN_REQUIRED)]
    )
    assert chat_of(entry).presence.activity is None
    await settle(hass, account)


async def test_one_entity_that_fails_does_not_keep_the_others_from_showing(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor the timer from ending what ends; the log hears where, and of nobody."""

    def fail(_self: OnlineBinarySensor) -> None:
        raise ValueError("Anna")

    account.quirks.typing_ends = False
    await set_up(hass, account)
    monkeypatch.setattr(OnlineBinarySensor, "read", fail)
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"
    assert "Unexpected ValueError in test_chat.py" in caplog.text
    assert "ValueError: Anna" not in caplog.text
    await advance(hass, freezer, account, 30)
    assert activity(hass) == "idle"
