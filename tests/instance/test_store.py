"""What is kept of an account across restarts, power cuts, and what went wrong there."""

from copy import deepcopy
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_test_home_assistant,
    mock_restore_cache_with_extra_data,
)

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.instance import store as store_module
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util

from ..common import (
    ANNA,
    ANNA_LID,
    BEN,
    BEN_LID,
    ENTRY_ID,
    FAMILY,
    advance,
    anna,
    ben,
    chat,
    instance_of,
    online,
    requests,
    set_up,
    settle,
    state,
    told,
)
from ..simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

KEY = f"{DOMAIN}.{ENTRY_ID}"
THEN = 1_790_000_000
THEN_SHOWN = dt_util.utc_from_timestamp(THEN).isoformat()
ALIASES = "/client/action/get-lid"


@pytest.fixture(autouse=True)
def nobody_tells_when(account: WaapiAccount) -> None:
    """Let the gateway never tell of last seen: only what was kept is shown."""
    anna(account).deny = ben(account).deny = True


def kept(**data: Any) -> dict[str, Any]:
    """Return what lies in storage."""
    return {
        "version": 2,
        "minor_version": 1,
        "key": KEY,
        "data": {"aliases": {}, "last_seen": {}, "announced": False, **data},
    }


def last_seen(hass: HomeAssistant, chat_id: str = ANNA) -> str:
    """Return when somebody was last seen, as it is shown."""
    return state(hass, "sensor", "last_seen", chat_id)


async def test_changes_are_written_within_half_a_minute(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Although more of them come each second, and again and again."""
    await set_up(hass, account)
    await advance(hass, freezer, account, 31)
    hass_storage.pop(KEY, None)
    for _ in range(3):
        await account.set_presence(anna(account), "online")
        await account.set_presence(anna(account), "offline")
        gone = int(time.time())
        for _ in range(31):
            await advance(hass, freezer, account, 1)
            await account.set_presence(anna(account), "online")
            await account.set_presence(anna(account), "offline")
            await settle(hass, account)
        assert hass_storage[KEY]["data"]["last_seen"][ANNA] >= gone
        del hass_storage[KEY]
    assert last_seen(hass) != STATE_UNKNOWN


async def test_nothing_is_written_while_nothing_changes(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """An SD card has only so many writes."""
    await set_up(hass, account)
    await advance(hass, freezer, account, 31)
    hass_storage.pop(KEY, None)
    for _ in range(60):
        await advance(hass, freezer, account, 60)
    assert KEY not in hass_storage


UNREADABLE = {
    "newer": {**kept(), "version": 3},
    "a list": {**kept(), "data": []},
    "nothing in it": {**kept(), "data": {}},
    "no aliases": kept(aliases=None, last_seen={ANNA: THEN}),
    "aliases in a list": kept(aliases=[ANNA_LID, ANNA], last_seen={ANNA: THEN}),
    "last seen in a list": kept(aliases={ANNA_LID: ANNA}, last_seen=[THEN]),
    "a text": {**kept(), "data": "aliases"},
    "last seen missing": {**kept(), "data": {"aliases": {ANNA_LID: ANNA}}},
    "announced missing": {
        **kept(),
        "data": {"aliases": {BEN_LID: ANNA}, "last_seen": {ANNA: THEN}},
    },
    "an old list": {**kept(), "version": 1, "data": []},
    "old without aliases": {**kept(), "version": 1, "data": {"aliases": None}},
}


@pytest.mark.parametrize("stored", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_told_once_and_stops_nothing(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    stored: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It begins anew, with nothing of what was there, and keeps what comes."""
    hass_storage[KEY] = deepcopy(stored)
    entry = await set_up(hass, account)
    assert len(told(caplog)) == 1
    assert "can't be read" in told(caplog)[0]
    assert last_seen(hass) == STATE_UNKNOWN
    assert instance_of(entry).people.find(BEN_LID) is None
    assert online(hass) != STATE_UNKNOWN

    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    assert hass_storage[KEY]["version"] == 2
    assert ANNA in hass_storage[KEY]["data"]["last_seen"]
    assert len(told(caplog)) == 1


async def test_single_values_that_make_no_sense_are_left_out(
    hass: HomeAssistant,
    account: WaapiAccount,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All others are taken over, and nothing is said."""
    hass_storage[KEY] = kept(
        aliases={ANNA_LID: ANNA, BEN_LID: 5, "one": None, "two": [BEN]},
        last_seen={ANNA: THEN, BEN: "yesterday", FAMILY: True, "x@c.us": None},
        announced="perhaps",
    )
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    assert told(caplog) == []
    assert last_seen(hass) == THEN_SHOWN
    assert last_seen(hass, BEN) == STATE_UNKNOWN
    people = instance_of(entry).people
    assert people.find(ANNA_LID) is not None
    assert people.find("one") is people.find("two") is None
    assert account.own_presence_calls == 0


@pytest.mark.parametrize("moment", [3_000_000_000, 99_999_999_999_999, 1e300])
async def test_last_seen_is_never_in_the_future(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    moment: float,
) -> None:
    """The clock may have been wrong when it was written; all others are shown."""
    hass_storage[KEY] = kept(last_seen={ANNA: moment, BEN: THEN, FAMILY: -5})
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    shown = dt_util.parse_datetime(last_seen(hass), raise_on_error=True)
    assert shown.timestamp() <= time.time() + 1
    assert last_seen(hass, BEN) == THEN_SHOWN
    assert last_seen(hass, FAMILY) == STATE_UNKNOWN


async def test_too_much_is_cut_to_the_newest(
    hass: HomeAssistant,
    account: WaapiAccount,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What somebody has blown up takes no memory."""
    monkeypatch.setattr(store_module, "MAX_ALIASES", 2)
    monkeypatch.setattr(store_module, "MAX_LAST_SEEN", 1)
    hass_storage[KEY] = kept(
        aliases={"1@lid": "1@c.us", "2@lid": ANNA, "3@lid": BEN},
        last_seen={ANNA: THEN, BEN: THEN},
    )
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    found = [
        instance_of(entry).people.find(one) is not None
        for one in ("1@lid", "2@lid", "3@lid")
    ]
    assert found == [False, True, True]
    assert last_seen(hass) == STATE_UNKNOWN
    assert last_seen(hass, BEN) == THEN_SHOWN


async def test_version_1_is_taken_over(
    hass: HomeAssistant,
    account: WaapiAccount,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It held the aliases alone: nobody is asked for again."""
    hass_storage[KEY] = {**kept(), "version": 1, "data": {"aliases": {ANNA_LID: ANNA}}}
    await set_up(hass, account)
    assert told(caplog) == []
    assert last_seen(hass) == STATE_UNKNOWN
    assert requests(account, ALIASES) == 0
    assert hass_storage[KEY]["version"] == 2
    assert hass_storage[KEY]["data"]["aliases"] == {ANNA_LID: ANNA}
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == "on"
    assert requests(account, ALIASES) == 0


async def test_what_a_later_version_adds_takes_nothing_away(
    hass: HomeAssistant, account: WaapiAccount, hass_storage: dict[str, Any]
) -> None:
    """Home Assistant calls what goes on with the same form a minor version."""
    stored = kept(last_seen={ANNA: THEN}, aliases={ANNA_LID: ANNA}, announced=True)
    hass_storage[KEY] = {**stored, "minor_version": 2}
    hass_storage[KEY]["data"]["added"] = {"more": 1}
    account.own_presence = "available"
    entry = await set_up(hass, account)
    assert last_seen(hass) == THEN_SHOWN
    assert instance_of(entry).store.aliases == {ANNA_LID: ANNA}
    await settle(hass, account)
    assert not account.available


async def test_last_seen_survives_a_power_cut(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Another Home Assistant begins with what was written; nothing was unloaded."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 1)
    shown = last_seen(hass)
    assert shown != STATE_UNKNOWN
    await advance(hass, freezer, account, 31)
    assert "core.restore_state" not in hass_storage

    async with async_test_home_assistant() as another:
        another.data.pop(DATA_CUSTOM_COMPONENTS)
        await set_up(another, account)
        assert last_seen(another) == shown
        assert await another.config_entries.async_unload(ENTRY_ID)
        await another.async_stop(force=True)


async def test_last_seen_survives_a_restart(
    hass: HomeAssistant,
    account: WaapiAccount,
    hass_storage: dict[str, Any],
) -> None:
    """What is not written yet is written when the entry is unloaded."""
    entry = await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    shown = last_seen(hass)
    assert shown != STATE_UNKNOWN
    assert await hass.config_entries.async_unload(entry.entry_id)
    stored = hass_storage[KEY]["data"]["last_seen"][ANNA]
    assert dt_util.utc_from_timestamp(int(stored)).isoformat() == shown
    assert await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, account)
    assert last_seen(hass) == shown


async def test_restored_states_of_an_earlier_version_are_taken_over(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """The first start after the update keeps what the entities have kept so far."""
    hass_storage[KEY] = {**kept(), "version": 1, "data": {"aliases": {}}}
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State("sensor.anna_last_seen", THEN_SHOWN),
                {
                    "native_value": {
                        "__type": "<class 'datetime.datetime'>",
                        "isoformat": THEN_SHOWN,
                    },
                    "native_unit_of_measurement": None,
                },
            )
        ],
    )
    await set_up(hass, account)
    assert last_seen(hass) == THEN_SHOWN
    await advance(hass, freezer, account, 31)
    assert hass_storage[KEY]["data"]["last_seen"] == {ANNA: float(THEN)}


async def test_store_knows_better_than_restored_states(
    hass: HomeAssistant, account: WaapiAccount, hass_storage: dict[str, Any]
) -> None:
    """After a power cut they are of the last clean stop, or a quarter of an hour old."""
    earlier = dt_util.utc_from_timestamp(THEN - 3600).isoformat()
    hass_storage[KEY] = kept(last_seen={ANNA: THEN})
    mock_restore_cache_with_extra_data(
        hass,
        [
            (
                State("sensor.anna_last_seen", earlier),
                {
                    "native_value": {
                        "__type": "<class 'datetime.datetime'>",
                        "isoformat": earlier,
                    },
                    "native_unit_of_measurement": None,
                },
            )
        ],
    )
    await set_up(hass, account)
    assert last_seen(hass) == THEN_SHOWN


async def test_nothing_is_kept_of_a_chat_that_was_removed(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Be it while the account runs, or while it does not."""
    hass_storage[KEY] = kept(last_seen={ANNA: THEN, BEN: THEN, FAMILY: THEN})
    entry = await set_up(
        hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family")
    )
    ids = {one.data["chat"]: key for key, one in entry.subentries.items()}
    hass.config_entries.async_remove_subentry(entry, ids[ANNA])
    await advance(hass, freezer, account, 31)
    assert hass_storage[KEY]["data"]["last_seen"] == {BEN: THEN, FAMILY: THEN}

    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_remove_subentry(entry, ids[BEN])
    assert await hass.config_entries.async_setup(entry.entry_id)
    await advance(hass, freezer, account, 31)
    assert hass_storage[KEY]["data"]["last_seen"] == {FAMILY: THEN}


async def test_nothing_is_kept_of_an_account_that_was_removed(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """Not even what was about to be written."""
    hass_storage[KEY] = kept(last_seen={ANNA: THEN})
    entry = await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    await hass.config_entries.async_remove(entry.entry_id)
    assert KEY not in hass_storage
    await advance(hass, freezer, account, 60)
    assert KEY not in hass_storage
