"""Whose an event is: other ids, strangers, and the members of groups."""

import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.naming import awaits_name
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant

from ..common import (
    ANNA,
    ANNA_LID,
    BEN,
    BEN_LID,
    ENTRY_ID,
    FAMILY,
    Writes,
    activity,
    add_chat,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    family,
    instance_of,
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

LOOK_UP = "/client/action/get-lid"


async def test_answer_under_another_id_tells_the_alias(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """An answer that comes under the lid makes events under it known."""
    simulator.fail_next(100, status=403, path=LOOK_UP)
    account.quirks.answers_under_lid = True
    account.quirks.events_under_lid = True
    entry = await set_up(hass, account)
    assert instance_of(entry).people.aliases.main == {ANNA_LID: ANNA}

    asked = requests(account, LOOK_UP)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert requests(account, LOOK_UP) == asked


async def test_aliases_are_asked_for_before_events_need_them(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """All chats' other ids are asked for in one request after the subscriptions."""
    account.quirks.push_on_subscribe = False
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "F"))
    assert requests(account, LOOK_UP) == 1
    assert instance_of(entry).people.aliases.main == {ANNA_LID: ANNA, BEN_LID: BEN}

    await account.reconnect()
    await settle(hass, account)
    assert requests(account, LOOK_UP) == 1


async def test_unknown_lid_is_looked_up_once_then_applied(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """The event that caused the look-up is not lost, nor are those that follow."""
    simulator.fail_next(status=500, path=LOOK_UP)
    account.quirks.push_on_subscribe = False
    await set_up(hass, account)
    assert requests(account, LOOK_UP) == 1

    account.quirks.events_under_lid = True
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert requests(account, LOOK_UP) == 2
    assert online(hass) == STATE_ON

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert requests(account, LOOK_UP) == 2
    assert activity(hass) == "typing"


async def test_chats_without_another_id_are_asked_about_once(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Not at each time that they are subscribed again."""
    anna(account).lid = None
    entry = await set_up(hass, account)
    asked = requests(account, LOOK_UP)
    assert asked == 1
    for _ in range(3):
        instance_of(entry).rounds.async_resubscribe()
        await settle(hass, account)
    assert subscriptions(account) == 4
    assert requests(account, LOOK_UP) == asked


async def test_strangers_lid_is_looked_up_once_then_ignored(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Somebody whom nobody asked for costs one request."""
    entry = await set_up(hass, account)
    asked = requests(account, LOOK_UP)
    account.quirks.events_under_lid = True
    account.subscribe(BEN)
    for word in ("online", "typing", "offline"):
        await account.set_presence(ben(account), word)
        await settle(hass, account)
    assert requests(account, LOOK_UP) == asked + 1
    assert online(hass) == STATE_OFF

    # A group that nobody asked for costs none.
    account.subscribe(FAMILY)
    await account.set_presence(ben(account), "typing", group=FAMILY)
    await settle(hass, account)
    assert requests(account, LOOK_UP) == asked + 1

    # Unless the stranger becomes a chat.
    await add_chat(hass, account, entry, BEN, "Ben")
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert online(hass, BEN) == STATE_ON


async def test_events_during_a_look_up_are_kept(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They are applied in their order as soon as it is known whose they are."""
    simulator.fail_next(status=500, path=LOOK_UP)
    account.quirks.push_on_subscribe = False
    await set_up(hass, account)
    account.quirks.events_under_lid = True
    simulator.fail_next(status=None, delay=5, path=LOOK_UP)
    writes = Writes(hass)
    for word in ("online", "typing", "recording"):
        await account.set_presence(anna(account), word)
    await until(lambda: requests(account, LOOK_UP) == 2)
    assert online(hass) == STATE_OFF

    await advance(hass, freezer, account, 5)
    assert requests(account, LOOK_UP) == 2
    assert writes.of("sensor.anna_activity") == ["typing", "recording"]
    assert online(hass) == STATE_ON


async def test_look_up_that_fails_is_made_again(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """A failed look-up makes nobody a stranger."""
    simulator.fail_next(2, status=500, path=LOOK_UP)
    account.quirks.push_on_subscribe = False
    await set_up(hass, account)
    account.quirks.events_under_lid = True
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_OFF

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_chat_known_by_its_other_id_from_the_flow(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """The id that the flow found out needs no look-up."""
    account.quirks.events_under_lid = True
    await set_up(hass, account, chat(alias=ANNA_LID))
    assert requests(account, LOOK_UP) == 0
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_aliases_survive_a_restart(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
) -> None:
    """What was learnt is stored, read again, and removed with the entry."""
    entry = await set_up(hass, account)
    await advance(hass, freezer, account, 31)
    stored = hass_storage[f"{DOMAIN}.{ENTRY_ID}"]
    assert stored["data"] == {
        "aliases": {ANNA_LID: ANNA},
        "announced": False,
        "last_seen": {},
    }
    assert requests(account, LOOK_UP) == 1

    await hass.config_entries.async_unload(entry.entry_id)
    account.quirks.events_under_lid = True
    await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert requests(account, LOOK_UP) == 1

    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert f"{DOMAIN}.{ENTRY_ID}" not in hass_storage


async def test_two_ids_of_a_member_are_one_member(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A group counts a person once, under whichever id the events come."""
    entry = await set_up(hass, account, chat(FAMILY, "Family"))
    await account.set_presence(anna(account), "typing", group=FAMILY)
    group = chat_of(entry, FAMILY)
    assert group.presence.typing_members == (ANNA,)
    assert instance_of(entry).people.aliases.main == {}

    account.quirks.participants_as_lids = True
    await account.flood(family(account), 1)
    await settle(hass, account)
    assert instance_of(entry).people.aliases.main == {ANNA_LID: ANNA}
    assert group.presence.typing_members == (ANNA,)
    assert state(hass, "sensor", "typing_members", FAMILY) == "1"
    assert state(hass, "binary_sensor", "typing", FAMILY) == STATE_ON

    asked = requests(account, LOOK_UP)
    await account.set_presence(anna(account), "recording", group=FAMILY)
    await settle(hass, account)
    assert group.presence.typing_members == ()
    assert group.presence.recording_members == (ANNA,)
    assert requests(account, LOOK_UP) == asked

    # What is learnt of somebody else changes nothing.
    instance_of(entry).people.async_learn_pairs({BEN_LID: BEN})
    assert group.presence.recording_members == (ANNA,)


async def test_members_that_can_not_be_asked_for(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A group whose members can't be listed is followed all the same."""
    caplog.set_level(logging.DEBUG)
    simulator.fail_next(status=500, path="get-group-info")
    await set_up(hass, account, chat(FAMILY, "Family"))
    assert online(hass, FAMILY) == STATE_OFF
    assert "Asking for members failed: UnreachableError" in caplog.text
    # Asked again at the next look, a day later; not at each reconnect.
    await account.reconnect()
    await settle(hass, account)
    assert requests(account, "get-group-info") == 1
    await advance(hass, freezer, account, 24 * 3600 + 1)
    assert requests(account, "get-group-info") == 2


async def test_groups_of_an_account_that_is_away_are_asked_for_when_it_is_back(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is no failure of theirs: one is met by it, and none waits for a day."""
    groups = [f"12036300000000010{i}@g.us" for i in range(3)]
    for group in groups:
        account.add_group(group, name="Club", members=[anna(account)])
    away = simulator.fail_next(status=409, path="get-group-info")
    await set_up(hass, account, *(chat(group, "Club") for group in groups))
    assert away.seen == requests(account, "get-group-info") == 1
    await account.reconnect()
    await settle(hass, account)
    await advance(hass, freezer, account, 61)
    assert requests(account, "get-group-info") == 4


@pytest.mark.parametrize(
    ("title", "stand_in", "called"),
    [
        ("+49 1511 234567", None, "Anna"),
        ("Contact", True, "Anna"),
        ("My sister", None, "My sister"),
        ("+49 1511 234567", False, "+49 1511 234567"),
    ],
)
async def test_chat_gets_its_name_when_it_is_known(
    hass: HomeAssistant,
    account: WaapiAccount,
    title: str,
    stand_in: bool | None,
    called: str,
) -> None:
    """Unless the user has named it, be it by its number."""
    marks = {} if stand_in is None else {"stand_in": stand_in}
    entry = await set_up(hass, account, chat(title=title, **marks))
    (subentry,) = entry.subentries.values()
    assert subentry.title == called
    assert awaits_name(subentry) is False


async def test_both_forms_of_a_number_are_one_chat(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Some accounts are kept under the number as it was before a country changed it."""
    old, new = "555187654321@c.us", "5551987654321@c.us"
    account.add_person(old.partition("@")[0], name="Carla")
    entry = await set_up(hass, account, chat(new, "Carla"))
    instance_of(entry).async_handle_events([PresenceUpdate(chat_id=old, online=True)])
    assert online(hass, new) == STATE_ON


@pytest.mark.parametrize("under_lid", [False, True])
async def test_two_chats_that_turn_out_to_be_one_person_get_everything(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    *,
    under_lid: bool,
) -> None:
    """Both stay, under whichever id the events come; until one is removed."""
    simulator.fail_next(100, status=500, path=LOOK_UP)
    account.quirks.push_on_subscribe = False
    entry = await set_up(hass, account, chat(), chat(ANNA_LID, "A. from the group"))
    account.quirks.events_under_lid = under_lid
    both = (ANNA, ANNA_LID)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert {online(hass, one) for one in both} == {STATE_ON, STATE_OFF}

    simulator.failures.clear()
    instance_of(entry).async_resubscribe()
    await settle(hass, account)
    assert instance_of(entry).people.aliases.main == {ANNA_LID: ANNA}
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert [activity(hass, one) for one in both] == ["typing", "typing"]
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert [online(hass, one) for one in both] == [STATE_OFF, STATE_OFF]

    first = next(one for one in entry.subentries.values() if one.unique_id == ANNA)
    hass.config_entries.async_remove_subentry(entry, first.subentry_id)
    await settle(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass, ANNA_LID) == STATE_ON


async def test_a_chat_that_is_added_later_gets_its_name(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Names that were asked for before do not count for it."""
    entry = await set_up(hass, account, chat(title="+49 1511 234567"))
    assert [one.title for one in entry.subentries.values()] == ["Anna"]
    await add_chat(hass, account, entry, BEN, "+44 7700 900123")
    assert [one.title for one in entry.subentries.values()] == ["Anna", "Ben"]


async def test_names_are_asked_for_again_after_a_failure(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After the next round; what failed once may pass."""
    failed = simulator.fail_next(status=500, path="get-chats")
    entry = await set_up(hass, account, chat(title="+49 1511 234567"))
    assert failed.seen == 1
    assert [one.title for one in entry.subentries.values()] == ["+49 1511 234567"]
    for _ in range(20):
        await advance(hass, freezer, account, 61)
    assert [one.title for one in entry.subentries.values()] == ["Anna"]
