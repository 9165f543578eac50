"""Asking for chats: what comes of answers, of failures, and of what comes too late."""

from itertools import pairwise
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from ..common import (
    ANNA,
    ANNA_LID,
    BEN,
    FAMILY,
    SUBSCRIBE,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
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
    told,
    until,
)
from ..simulator import Account, Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

ASK = "get-chat-presence"
MINUTE = 60


def subentry_id(entry: MockConfigEntry, chat_id: str) -> str:
    """Return the id by which a chat's repairs are known."""
    return chat_of(entry, chat_id).subentry.subentry_id


def failing(hass: HomeAssistant, owner_id: str) -> bool:
    """Return whether the user is told that presence fails."""
    return issue(hass, Issue.PRESENCE_FAILING, owner_id) is not None


def access(hass: HomeAssistant, chat_id: str = ANNA) -> str:
    """Return how much may be seen of a chat."""
    return state(hass, "sensor", "presence_access", chat_id)


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_account_whose_calls_keep_failing_is_not_known(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    gateway: str,
) -> None:
    """The account is ready, events may come, but no call for a chat is served."""
    account = add_account(simulator, gateway)
    account.quirks.events_under_lid = False
    path = ASK if gateway == "waapi" else "/presence/"
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert online(hass, BEN) in {STATE_OFF, STATE_UNKNOWN}
    broken = simulator.fail_next(100_000, path=path)
    instance_of(entry).async_resubscribe()
    await settle(hass, account)
    began = broken.seen
    assert began >= 2

    for _ in range(9):
        await advance(hass, freezer, account, MINUTE)
        assert online(hass) == STATE_ON
        assert ir.async_get(hass).issues == {}
    for _ in range(7):
        await advance(hass, freezer, account, MINUTE)
    assert online(hass) == online(hass, BEN) == STATE_UNKNOWN
    assert access(hass) == access(hass, BEN) == "not_subscribed"
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON
    # One repair for the account, not one for each chat.
    assert failing(hass, entry.entry_id)
    assert not failing(hass, subentry_id(entry, ANNA))
    assert len(ir.async_get(hass).issues) == 1
    # Each two minutes; more rarely where asking shows the account online.
    seen = broken.seen
    for _ in range(20):
        await advance(hass, freezer, account, MINUTE)
    assert seen + (18 if gateway == "waapi" else 2) <= broken.seen <= seen + 22

    simulator.failures.remove(broken)
    for _ in range(3 if gateway == "waapi" else 65):
        await advance(hass, freezer, account, MINUTE)
    assert ir.async_get(hass).issues == {}
    assert access(hass) != "not_subscribed"
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_a_page_that_a_proxy_sends_instead_is_a_failure(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody is subscribed by it, although it comes with a status of success."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha", engine="NOWEB")
    account.quirks.events_under_lid = False
    await account.set_presence(anna(account), "offline")
    entry = await set_up_stream(hass, account)
    await account.set_presence(anna(account), "online")
    await account.set_presence(anna(account), "offline")
    await pass_time(hass, freezer, 5)
    assert online(hass) == STATE_OFF
    page = "<!DOCTYPE html><title>Maintenance</title>"
    simulator.fail_next(
        100_000, status=200, body=page, content_type="text/html", path="/presence"
    )
    instance_of(entry).async_resubscribe()
    for _ in range(16):
        await pass_time(hass, freezer, MINUTE)
    assert online(hass) == STATE_UNKNOWN
    assert access(hass) == "not_subscribed"
    assert failing(hass, entry.entry_id)


async def test_chat_whose_calls_keep_failing_is_told_of_alone(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """If it is most of the chats in the end, the account is told of instead."""
    account = add_account(simulator, "wawp")
    entry = await set_up(
        hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family")
    )
    broken = simulator.fail_next(100_000, path=f"/presence/{ANNA.partition('@')[0]}")
    instance_of(entry).async_resubscribe()
    for _ in range(17):
        await advance(hass, freezer, account, MINUTE)
    assert broken.seen > 3
    assert failing(hass, subentry_id(entry, ANNA))
    assert not failing(hass, entry.entry_id)
    assert access(hass) == "not_subscribed"
    assert access(hass, BEN) != "not_subscribed"

    others = simulator.fail_next(100_000, path=f"/presence/{BEN.partition('@')[0]}")
    instance_of(entry).async_resubscribe()
    for _ in range(80):
        await advance(hass, freezer, account, MINUTE)
    assert others.seen > 3
    assert failing(hass, entry.entry_id)
    assert not failing(hass, subentry_id(entry, ANNA))
    assert not failing(hass, subentry_id(entry, BEN))

    # Ben is back: what is left is one chat's matter again.
    simulator.failures.remove(others)
    for _ in range(30):
        await advance(hass, freezer, account, MINUTE)
    assert not failing(hass, entry.entry_id)
    assert failing(hass, subentry_id(entry, ANNA))
    assert not failing(hass, subentry_id(entry, BEN))

    # A chat that is removed takes its repair with it.
    gone = subentry_id(entry, ANNA)
    hass.config_entries.async_remove_subentry(entry, gone)
    await settle(hass, account)
    assert not failing(hass, gone)
    assert ir.async_get(hass).issues == {}


async def test_event_ends_what_failed(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Presence that comes by itself is known, whatever the calls say."""
    entry = await set_up(hass, account)
    simulator.fail_next(100_000, path=ASK)
    instance_of(entry).async_resubscribe()
    for _ in range(14):
        await advance(hass, freezer, account, MINUTE)
        await account.set_presence(anna(account), "online")
        await account.set_presence(anna(account), "offline")
        await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert not failing(hass, entry.entry_id)


async def test_failures_that_are_no_news_in_the_log(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The repair tells; a line for each call would bury everything else."""
    entry = await set_up(hass, account)
    caplog.clear()
    simulator.fail_next(100_000, path=ASK)
    instance_of(entry).async_resubscribe()
    for _ in range(30):
        await advance(hass, freezer, account, MINUTE)
    assert failing(hass, entry.entry_id)
    assert told(caplog) == []


async def test_refusal_is_told_at_once_and_cleared_by_success(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is that chat's own matter, and no account's."""
    # A trial's plan is for one number alone.
    account.quirks.trial_number = ben(account).number
    entry = await set_up(hass, account)
    owner = subentry_id(entry, ANNA)
    assert issue(hass, Issue.CHAT_REFUSED, owner) is not None
    assert not failing(hass, entry.entry_id)
    assert access(hass) == "not_subscribed"
    account.quirks.trial_number = None
    for _ in range(31):
        await advance(hass, freezer, account, MINUTE)
    assert issue(hass, Issue.CHAT_REFUSED, owner) is None
    assert online(hass) == STATE_OFF


async def test_refused_chat_whose_calls_fail_has_one_repair(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whichever comes first: that it is refused says all that the user can mend."""
    account.quirks.trial_number = ben(account).number
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "All"))
    owners = [subentry_id(entry, one) for one in (ANNA, BEN, FAMILY)]
    broken = simulator.fail_next(100_000, path=ASK)
    instance_of(entry).async_resubscribe()
    for _ in range(60):
        await advance(hass, freezer, account, MINUTE)
    assert access(hass) == access(hass, BEN) == "not_subscribed"
    assert [issue(hass, Issue.CHAT_REFUSED, one) is None for one in owners] == [
        False,
        True,
        False,
    ]
    assert [failing(hass, one) for one in (entry.entry_id, *owners)] == [
        False,
        False,
        True,
        False,
    ]

    # And the other way round.
    account.quirks.trial_number = None
    simulator.failures.remove(broken)
    for _ in range(31):
        await advance(hass, freezer, account, MINUTE)
    assert ir.async_get(hass).issues == {}
    broken = simulator.fail_next(100_000, path=ASK)
    instance_of(entry).async_resubscribe()
    for _ in range(30):
        await advance(hass, freezer, account, MINUTE)
    assert failing(hass, entry.entry_id)
    account.quirks.trial_number = ben(account).number
    simulator.failures.remove(broken)
    for _ in range(10):
        await advance(hass, freezer, account, MINUTE)
    assert len(ir.async_get(hass).issues) == 2
    assert issue(hass, Issue.CHAT_REFUSED, owners[0]) is not None
    assert issue(hass, Issue.CHAT_REFUSED, owners[2]) is not None


async def test_refused_chat_that_shows_something_is_tried_again_in_five_minutes(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is shown must end if nobody tells of it; then half an hour is enough."""
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account)
    assert online(hass) == STATE_ON
    account.quirks.trial_number = ben(account).number
    made = subscriptions(account)
    instance_of(entry).async_resubscribe()
    await settle(hass, account)
    assert subscriptions(account) == made + 1
    tries: list[int] = []
    for minute in range(1, 90):
        await advance(hass, freezer, account, MINUTE)
        tries += [minute] * (subscriptions(account) - made - 1 - len(tries))
        if minute < 10:
            assert online(hass) == STATE_ON
        elif minute > 11:
            assert online(hass) == STATE_UNKNOWN
    assert tries[:2] == [5, 10]
    later = [after - before for before, after in pairwise(tries[1:])]
    assert later
    assert min(later) >= 30


@pytest.fixture
def gows(simulator: Simulator) -> Account:
    """Return a session whose engine remembers by the id that it heard."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha", engine="GOWS")
    account.quirks.push_on_subscribe = False
    return account


async def test_empty_answer_is_asked_for_under_the_alias(
    hass: HomeAssistant, gows: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What was heard under the lid is not told under the number."""
    gows.subscribe(ANNA)
    await gows.set_presence(anna(gows), "online")
    await set_up_stream(hass, gows, chat(alias=ANNA_LID))
    await until(lambda: online(hass) == STATE_ON)
    asked = [
        request.path.rpartition("/")[2]
        for request in gows.simulator.requests
        if "/presence/" in request.path
    ]
    assert asked == [ANNA, ANNA_LID]
    # No event has confirmed it: nobody knows how old that word is.
    await pass_time(hass, freezer, 119)
    assert online(hass) == STATE_ON
    await pass_time(hass, freezer, 2)
    assert online(hass) == STATE_UNKNOWN


async def test_alias_of_which_nothing_can_be_had(
    hass: HomeAssistant, gows: Account, simulator: Simulator
) -> None:
    """It is subscribed all the same."""
    refused = simulator.fail_next(100, path=ANNA_LID)
    await set_up_stream(hass, gows, chat(alias=ANNA_LID))
    await until(lambda: refused.seen)
    await until(lambda: access(hass) == "waiting")
    assert online(hass) == STATE_UNKNOWN
    await gows.set_presence(anna(gows), "online")
    await until(lambda: online(hass) == STATE_ON)


async def test_live_answer_is_not_asked_for_twice(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Where an answer is the present truth, it is so under either id."""
    simulator.fail_next(
        100,
        status=200,
        body={"status": "success", "data": {"data": {"presence": None}}},
        path=ASK,
    )
    await set_up(hass, account, chat(alias=ANNA_LID))
    assert all(
        request.body["chatId"] == ANNA
        for request in simulator.requests
        if ASK in request.path
    )
    assert online(hass) == STATE_UNKNOWN


async def test_one_word_for_all_is_asked_for_before_each(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """Then no chat's state is asked for, only its subscription."""
    simulator.waha.heartbeat = None
    account = add_account(simulator, "waha", engine="NOWEB")
    account.quirks.events_under_lid = False
    for chat_id in (ANNA, BEN):
        account.subscribe(chat_id)
    await account.set_presence(anna(account), "online")
    await account.set_presence(ben(account), "offline")
    # Somebody of whom it tells as well is nobody's chat.
    account.add_person("33612345678", name="Carl")
    account.subscribe("33612345678@c.us")
    await account.set_presence("Carl", "online")
    await set_up_stream(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    await until(lambda: requests(account, "/subscribe") == 3)
    await until(lambda: online(hass) == STATE_ON)
    assert requests(account, "/presence") >= 1
    assert requests(account, f"/presence/{ANNA}") == 0


async def answer_late(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let what was delayed be answered."""
    freezer.tick(5)
    async_fire_time_changed(hass)
    await let_happen()


async def test_answer_of_an_account_that_was_lost_meanwhile_does_not_count(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nor does its failure, when it is ready again by then."""
    entry = await set_up(hass, account)
    assert online(hass) == STATE_OFF
    late: dict[str, Any] = {"delay": 5, "path": ASK}
    simulator.fail_next(
        status=200,
        body={
            "status": "success",
            "data": {
                "data": {
                    "presence": {
                        "id": ANNA,
                        "isOnline": True,
                        "chatstate": "available",
                        "hasData": True,
                    }
                }
            },
        },
        **late,
    )
    made = subscriptions(account)
    instance_of(entry).async_resubscribe()
    await until(lambda: subscriptions(account) == made + 1)
    await account.set_status("qr")
    await until(lambda: online(hass) == STATE_UNAVAILABLE)
    await answer_late(hass, freezer)
    await settle(hass, account)
    assert online(hass) == STATE_UNAVAILABLE

    # Again ready, it is asked anew; what nobody answers is unknown.
    nothing = simulator.fail_next(
        100,
        status=200,
        body={"status": "success", "data": {"data": {"presence": None}}},
        path=ASK,
    )
    account.quirks.push_on_subscribe = False
    await account.set_status("ready")
    await settle(hass, account)
    assert nothing.seen
    assert online(hass) == STATE_UNKNOWN


@pytest.mark.parametrize("status", [None, 403, 500])
async def test_answer_for_a_chat_that_was_removed_meanwhile_does_not_count(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    status: int | None,
) -> None:
    """Neither what it says, nor that it failed."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    made = subscriptions(account, ANNA)
    simulator.fail_next(2, status=status, delay=5, path=ASK)
    instance_of(entry).async_resubscribe()
    await until(lambda: subscriptions(account, ANNA) == made + 1)
    caplog.clear()
    gone = subentry_id(entry, ANNA)
    hass.config_entries.async_remove_subentry(entry, gone)
    await answer_late(hass, freezer)
    await settle(hass, account)
    assert issue(hass, Issue.CHAT_REFUSED, gone) is None
    assert not failing(hass, gone)
    assert told(caplog) == []
    assert subscriptions(account, ANNA) == made + 1
    assert [one.chat_id for one in instance_of(entry).chats.values()] == [BEN]


async def test_an_event_ends_what_is_told_of_failing_calls(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who is told of is known, and the repair must not say otherwise."""
    entry = await set_up(hass, account, chat(), chat(BEN, "Ben"))
    simulator.fail_next(10_000, status=500, path=SUBSCRIBE["waapi"])
    for _ in range(30):
        await advance(hass, freezer, account, 60)
    assert failing(hass, entry.entry_id)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert not failing(hass, entry.entry_id)
    assert failing(hass, subentry_id(entry, BEN))
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert not failing(hass, subentry_id(entry, BEN))
    for _ in range(30):
        await advance(hass, freezer, account, 60)
    assert failing(hass, entry.entry_id)
