"""Looking up whose the ids are that events come under."""

import functools
import operator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.whatsapp_presence.instance import lookups
from homeassistant.components.button import DOMAIN as BUTTON_DOMAIN, SERVICE_PRESS
from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant

from ..common import (
    ANNA,
    ANNA_LID,
    BEN,
    BEN_LID,
    Writes,
    activity,
    advance,
    anna,
    ben,
    chat,
    entity_id,
    online,
    requests,
    set_up,
    settle,
    subscriptions,
    until,
)
from ..simulator import Person, Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

LOOK_UP = "/client/action/get-lid"
NOBODY = {
    "status": "success",
    "data": {"status": "success", "data": {"contacts": []}},
}


@pytest.fixture(autouse=True)
def nobody_is_known_beforehand(account: WaapiAccount, simulator: Simulator) -> None:
    """Let the first look-up, which asks for the chats' own ids, know nobody."""
    account.quirks.push_on_subscribe = False
    account.quirks.events_under_lid = True


async def set_up_unknown(
    hass: HomeAssistant, account: WaapiAccount, *names: str
) -> None:
    """Set up chats of whose other ids nothing is known."""
    account.simulator.fail_next(status=500, path=LOOK_UP)
    await set_up(hass, account, *(chat(one, one[:4]) for one in names or (ANNA,)))
    assert not account.simulator.failures
    account.simulator.requests.clear()


def add_strangers(account: WaapiAccount, count: int) -> list[Person]:
    """Add people whom nobody tracks, but whose events arrive."""
    people = [
        account.add_person(f"1555{number:07}", lid=f"77{number:07}@lid")
        for number in range(count)
    ]
    for person in people:
        account.subscribe(person.chat_id)
    return people


def asked(account: WaapiAccount) -> list[list[str]]:
    """Return which ids were looked up, request by request."""
    return [
        request.body["contactIds"]
        for request in account.simulator.requests
        if request.path.endswith(LOOK_UP)
    ]


async def turns(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass, without waiting for those who wait for an answer."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def press_resubscribe(hass: HomeAssistant) -> None:
    """Press the button."""
    button = entity_id(hass, "button", "resubscribe", None)
    await hass.services.async_call(
        BUTTON_DOMAIN, SERVICE_PRESS, {ATTR_ENTITY_ID: button}, blocking=True
    )


async def test_one_batch_at_a_time(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """However many are waiting, the gateway has one request of them."""
    await set_up_unknown(hass, account)
    people = add_strangers(account, 120)
    simulator.fail_next(1000, status=None, delay=5, path=LOOK_UP)
    for person in people:
        await account.set_presence(person, "online")
    sizes = [1, 50, 50, 19]
    for made in range(1, len(sizes) + 1):
        await until(lambda made=made: len(asked(account)) == made)  # type: ignore[misc]
        await turns(hass, freezer, 4)
        assert len(asked(account)) == made
        await turns(hass, freezer, 1)
    simulator.failures.clear()
    await settle(hass, account)
    assert [len(one) for one in asked(account)] == sizes
    assert sorted(functools.reduce(operator.iadd, asked(account), [])) == sorted(
        p.lid or "" for p in people
    )

    # Nobody is asked for again, for now.
    for person in people[:10]:
        await account.set_presence(person, "offline")
    await settle(hass, account)
    assert len(asked(account)) == len(sizes)


async def test_no_more_wait_than_there_is_room_for(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who came when it was full is asked for when they are heard of again."""
    monkeypatch.setattr(lookups, "MAX_WAITING", 3)
    await set_up_unknown(hass, account)
    people = add_strangers(account, 9)
    simulator.fail_next(status=None, delay=5, path=LOOK_UP)
    for person in people:
        await account.set_presence(person, "online")
    # Anna as well, for whom there is no room.
    await account.set_presence(anna(account), "online")
    await turns(hass, freezer, 5)
    await settle(hass, account)
    assert [len(one) for one in asked(account)] == [1, 2]
    assert online(hass) == STATE_OFF
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert activity(hass) == "typing"


async def test_strangers_are_forgotten_when_there_are_too_many(
    hass: HomeAssistant, account: WaapiAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was asked for first goes first."""
    monkeypatch.setattr(lookups, "MAX_STRANGERS", 2)
    await set_up_unknown(hass, account)
    people = add_strangers(account, 3)
    # Nobody can name them.
    for person in people:
        account.simulator.fail_next(status=200, body=NOBODY, path=LOOK_UP)
        await account.set_presence(person, "online")
        await settle(hass, account)
    assert len(asked(account)) == 3
    for person in reversed(people):
        await account.set_presence(person, "offline")
        await settle(hass, account)
    assert asked(account)[3:] == [[people[0].lid]]


async def test_what_was_learnt_before_a_failure_is_kept(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who was not asked for is so when anybody is heard of again."""
    await set_up_unknown(hass, account, ANNA, BEN)
    people = add_strangers(account, 70)
    simulator.fail_next(status=None, delay=5, path=LOOK_UP)
    await account.set_presence(people[0], "online")
    await until(lambda: len(asked(account)) == 1)
    await account.set_presence(anna(account), "online")
    for person in people[1:60]:
        await account.set_presence(person, "online")
    await account.set_presence(ben(account), "online")
    # The second request tells of Anna; the third, which asks for Ben, fails.
    simulator.fail_next(status=None, delay=1, path=LOOK_UP)
    simulator.fail_next(status=500, path=LOOK_UP)
    await turns(hass, freezer, 5)
    await until(lambda: len(asked(account)) == 2)
    await turns(hass, freezer, 1)
    await settle(hass, account)
    assert ANNA_LID in asked(account)[1]
    assert BEN_LID in asked(account)[2]
    assert len(asked(account)) == 3
    assert online(hass) == STATE_ON
    assert online(hass, BEN) == STATE_OFF

    await account.set_presence(ben(account), "typing")
    await settle(hass, account)
    assert online(hass, BEN) == STATE_ON
    # Anna is known by now.
    made = len(asked(account))
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"
    assert len(asked(account)) == made


async def test_who_waits_behind_a_failure_is_not_lost(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was heard of them is applied when they are known, however late."""
    await set_up_unknown(hass, account)
    people = add_strangers(account, 60)
    first = simulator.fail_next(status=None, delay=5, path=LOOK_UP)
    simulator.fail_next(status=500, path=LOOK_UP)
    for person in people:
        await account.set_presence(person, "online")
    # The 61st, of a batch that is never asked for because the one before fails.
    await account.set_presence(anna(account), "online")
    assert first.seen == 1
    await turns(hass, freezer, 5)
    await settle(hass, account)
    assert [len(one) for one in asked(account)] == [1, 50]
    assert online(hass) == STATE_OFF
    # Anybody's event will do.
    await account.set_presence(people[30], "offline")
    await settle(hass, account)
    assert ANNA_LID in asked(account)[2]
    assert online(hass) == STATE_ON


async def test_not_knowing_passes(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After ten minutes: gateways learn who is who as messages come."""
    await set_up_unknown(hass, account)
    simulator.fail_next(status=200, body=NOBODY, path=LOOK_UP)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert len(asked(account)) == 1
    for _ in range(9):
        await advance(hass, freezer, account, 60)
        await account.set_presence(anna(account), "typing")
        await settle(hass, account)
        assert online(hass) == STATE_OFF
    assert asked(account) == [[ANNA_LID]]
    await advance(hass, freezer, account, 61)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert asked(account) == [[ANNA_LID], [ANNA_LID]]
    assert online(hass) == STATE_ON


@pytest.mark.parametrize("reason", ["resubscribe", "reconnect"])
async def test_not_knowing_ends_at_once(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    reason: str,
) -> None:
    """When the user wants it, and when the gateway may have learnt."""
    await set_up_unknown(hass, account)
    simulator.fail_next(3, status=200, body=NOBODY, path=LOOK_UP)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    await account.set_presence(anna(account), "offline")
    await settle(hass, account)
    assert len(asked(account)) == 1
    if reason == "resubscribe":
        await press_resubscribe(hass)
    else:
        await account.reconnect()
    await settle(hass, account)
    # Its own ids are asked for again as well.
    made = len(asked(account))
    assert made > 1
    simulator.failures.clear()
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert len(asked(account)) == made + 1
    assert online(hass) == STATE_ON


async def test_latest_words_are_kept_while_somebody_is_looked_up(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The last four, and they are applied in their order."""
    await set_up_unknown(hass, account)
    simulator.fail_next(status=None, delay=5, path=LOOK_UP)
    writes = Writes(hass)
    for word in ("typing", "paused", "recording", "paused", "typing", "recording"):
        await account.set_presence(anna(account), word)
    await until(lambda: len(asked(account)) == 1)
    assert online(hass) == STATE_OFF
    await turns(hass, freezer, 5)
    await settle(hass, account)
    shown = writes.of(entity_id(hass, "sensor", "activity"))
    assert shown[0] == "recording"
    assert shown[-2:] == ["typing", "recording"]
    assert asked(account) == [[ANNA_LID]]


async def test_strangers_delay_no_subscription(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Three hundred of them at once after a reload, while nobody can be looked up."""
    chats: list[Any] = [chat()]
    for number in range(20):
        one = account.add_person(f"1666{number:07}")
        chats.append(chat(one.chat_id, f"Chat {number}"))
    entry = await set_up(hass, account, *chats)
    people = add_strangers(account, 300)
    hanging = simulator.fail_next(1000, hang=True, path=LOOK_UP)
    reloading = hass.async_create_task(hass.config_entries.async_reload(entry.entry_id))
    made = subscriptions(account)
    for person in people:
        await account.set_presence(person, "online")
    await until(reloading.done)
    await until(lambda: subscriptions(account) == made + len(chats))
    for person in people:
        await account.set_presence(person, "offline")
    await until(lambda: hanging.seen >= 1)
    # Of those, one request at most is under way, beside that for the chats' own ids.
    assert requests(account, LOOK_UP) <= 3
    assert all(
        request.status == 200
        for request in simulator.requests
        if request.path.endswith("get-chat-presence")
    )
    simulator.failures.clear()
    assert await hass.config_entries.async_unload(entry.entry_id)
