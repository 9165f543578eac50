"""For how long somebody has been online since midnight, in Home Assistant."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_test_home_assistant,
    mock_restore_cache_with_extra_data,
)

from custom_components.whatsapp_presence.const import DOMAIN
from homeassistant.const import (
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
    Platform,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util

from .common import (
    ANNA,
    ENTRY_ID,
    Writes,
    add_account,
    advance,
    anna,
    only,
    outlast_grace,
    set_up,
    settle,
    state,
)
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures(
    "entity_registry_enabled_by_default", "reachable", "unpaced"
)

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def account(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> Account:
    """Return an account at WaAPI, whose answers are as good as events."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    freezer.move_to(datetime(2026, 11, 20, 12, tzinfo=BERLIN))
    account = add_account(simulator)
    await account.set_presence(anna(account), "offline")
    return account


def minutes(hass: HomeAssistant) -> float:
    """Return what is shown."""
    return float(state(hass, "sensor", "online_today"))


async def say(hass: HomeAssistant, account: Account, word: str) -> None:
    """Let Anna be this."""
    await account.set_presence(anna(account), word)
    await settle(hass, account)


async def test_it_counts_what_is_online(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Once a minute meanwhile, and to the second when it ends."""
    await set_up(hass, account)
    shown = hass.states.get("sensor.anna_online_today")
    assert shown is not None
    assert shown.state == "0.0"
    assert shown.attributes["device_class"] == "duration"
    assert shown.attributes["unit_of_measurement"] == "min"
    assert shown.attributes["state_class"] == "total_increasing"
    await advance(hass, freezer, account, 600)
    assert minutes(hass) == 0
    await say(hass, account, "online")
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(1)
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(2)
    freezer.tick(30)
    await say(hass, account, "offline")
    assert minutes(hass) == pytest.approx(2.5)
    await advance(hass, freezer, account, 3600)
    assert minutes(hass) == pytest.approx(2.5)


async def test_it_is_written_once_a_minute(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """However much somebody types; and not at all while nobody is online."""
    with only(Platform.SENSOR):
        await set_up(hass, account)
    writes = Writes(hass)

    def written() -> int:
        found = [one for one, _ in writes.states if one == "sensor.anna_online_today"]
        writes.states.clear()
        return len(found)

    await say(hass, account, "online")
    for _ in range(10):
        for word in ("typing", "paused") * 3:
            await say(hass, account, word)
        await advance(hass, freezer, account, 60)
    assert 10 <= written() <= 11
    await say(hass, account, "offline")
    written()
    await advance(hass, freezer, account, 3600)
    assert written() == 0


async def test_gaps_do_not_count(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What nobody knows is not online; what was counted stays shown."""
    await set_up(hass, account)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 60)
    await account.set_status("qr")
    await settle(hass, account)
    assert state(hass, "binary_sensor", "online") == "unavailable"
    assert minutes(hass) == pytest.approx(1)
    for _ in range(5):
        await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(1)
    await account.set_status("ready")
    await settle(hass, account)
    assert state(hass, "binary_sensor", "online") == "on"
    assert minutes(hass) == pytest.approx(1)
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(2)


async def test_an_outage_within_the_grace_time_counts(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """As what is shown does; after that it is one more gap."""
    await set_up(hass, account)
    await say(hass, account, "online")
    await account.set_status("disconnected")
    await outlast_grace(hass, freezer, account)
    counted = minutes(hass)
    assert counted == pytest.approx(3, abs=0.1)
    await advance(hass, freezer, account, 600)
    assert minutes(hass) == counted


async def test_midnight_begins_anew(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Where the house is, and with what of a stay belongs to the new day."""
    freezer.move_to(datetime(2026, 11, 20, 23, 58, tzinfo=BERLIN))
    await set_up(hass, account)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(1)
    await advance(hass, freezer, account, 61)
    assert minutes(hass) == pytest.approx(0, abs=0.05)
    await advance(hass, freezer, account, 59)
    await say(hass, account, "offline")
    assert minutes(hass) == pytest.approx(1, abs=0.05)
    freezer.move_to(datetime(2026, 11, 22, 0, 0, 1, tzinfo=BERLIN))
    await advance(hass, freezer, account, 1)
    assert minutes(hass) == 0


async def test_another_day_without_a_midnight_begins_anew(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """As when the clock is set past midnight; here, the house is elsewhere."""
    freezer.move_to(datetime(2026, 11, 20, 20, 0, 30, tzinfo=BERLIN))
    await set_up(hass, account)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 60)
    await say(hass, account, "offline")
    assert minutes(hass) == pytest.approx(1, abs=0.05)
    await hass.config.async_set_time_zone("Asia/Tokyo")
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == 0


@pytest.mark.parametrize(
    ("day", "hours"),
    [((2026, 3, 29), 23), ((2026, 10, 25), 25)],
)
async def test_a_day_is_as_long_as_it_is(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    day: tuple[int, int, int],
    hours: int,
) -> None:
    """When the clocks change, it has 23 or 25 hours."""
    freezer.move_to(datetime(*day, tzinfo=BERLIN))
    await set_up(hass, account)
    await say(hass, account, "online")
    for _ in range(hours * 3):
        await advance(hass, freezer, account, 20 * 60 - 0.1)
    assert dt_util.now().date() == datetime(*day).date()
    assert minutes(hass) == pytest.approx(hours * 60, abs=1)
    await advance(hass, freezer, account, 60)
    assert minutes(hass) < 1


@pytest.mark.parametrize(
    ("written", "counted"),
    [(timedelta(hours=3), 30), (timedelta(hours=13), 0), (timedelta(days=3), 0)],
)
async def test_it_survives_a_restart(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    written: timedelta,
    counted: float,
) -> None:
    """Of the same day; the time in between does not count."""
    now = dt_util.utcnow()
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State("sensor.anna_online_today", "30", last_updated=now - written),
                {"native_value": 1800, "native_unit_of_measurement": "s"},
            )
        ],
    )
    await set_up(hass, account)
    assert minutes(hass) == pytest.approx(counted)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(counted + 1, abs=0.05)


async def test_a_reload_loses_nothing(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What was counted last is what is begun with."""
    entry = await set_up(hass, account)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 90)
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(1800)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, account)
    assert minutes(hass) == pytest.approx(1.5, abs=0.1)


async def test_a_restart_loses_nothing(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """What is not a minute old yet is counted and kept when Home Assistant stops."""
    await set_up(hass, account)
    await say(hass, account, "online")
    await advance(hass, freezer, account, 40)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await settle(hass, account)
    assert kept(hass_storage) == pytest.approx(40, abs=1)


async def test_a_power_cut_loses_a_minute_and_a_half_at_most(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Another Home Assistant goes on from what was written; nothing was unloaded."""
    await set_up(hass, account)
    await say(hass, account, "online")
    for _ in range(10):
        await advance(hass, freezer, account, 60)
    assert minutes(hass) == pytest.approx(10, abs=0.1)
    assert kept(hass_storage) >= 600 - 91
    await advance(hass, freezer, account, 31)
    assert "core.restore_state" not in hass_storage

    async with async_test_home_assistant() as another:
        another.data.pop(DATA_CUSTOM_COMPONENTS)
        await another.config.async_set_time_zone("Europe/Berlin")
        await set_up(another, account)
        assert minutes(another) == pytest.approx(10, abs=0.1)
        assert await another.config_entries.async_unload(ENTRY_ID)
        await another.async_stop(force=True)


async def test_what_was_kept_goes_before_a_restored_state(
    hass: HomeAssistant, account: Account, hass_storage: dict[str, Any]
) -> None:
    """That one may be a quarter of an hour old."""
    midnight = dt_util.start_of_local_day()
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State("sensor.anna_online_today", "30"),
                {"native_value": 1800, "native_unit_of_measurement": "s"},
            )
        ],
    )
    keep(hass_storage, {ANNA: [midnight.timestamp(), 2400]})
    await set_up(hass, account)
    assert minutes(hass) == pytest.approx(40)


@pytest.mark.parametrize(
    "online_today",
    [None, [], 5, {ANNA: None}, {ANNA: [1, 2, 3]}, {ANNA: ["a", "b"]}, {ANNA: [0, -1]}],
)
async def test_what_makes_no_sense_is_not_taken_over(
    hass: HomeAssistant,
    account: Account,
    hass_storage: dict[str, Any],
    online_today: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And takes nothing else with it."""
    keep(hass_storage, online_today)
    await set_up(hass, account)
    assert minutes(hass) == 0
    assert "set aside" not in caplog.text


async def test_a_chat_that_is_removed_leaves_nothing(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """What was counted of it is forgotten as well."""
    entry = await set_up(hass, account)
    await say(hass, account, "online")
    for _ in range(2):
        await advance(hass, freezer, account, 60)
    assert kept(hass_storage)
    (subentry_id,) = entry.subentries
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await settle(hass, account)
    await advance(hass, freezer, account, 60)
    assert "online_today" not in hass_storage[KEY]["data"]


KEY = f"{DOMAIN}.{ENTRY_ID}"


def kept(hass_storage: dict[str, Any]) -> float:
    """Return the seconds that are written down."""
    midnight, seconds = hass_storage[KEY]["data"]["online_today"][ANNA]
    assert midnight == dt_util.start_of_local_day().timestamp()
    return float(seconds)


def keep(hass_storage: dict[str, Any], online_today: Any) -> None:
    """Let this lie in storage."""
    data = {"aliases": {}, "last_seen": {}, "announced": False}
    hass_storage[KEY] = {
        "version": 2,
        "minor_version": 1,
        "key": KEY,
        "data": {**data, "online_today": online_today},
    }
