"""The coordinators: subscribing, renewing, outages, and who an event is about."""

from dataclasses import replace
from datetime import timedelta
import logging
import time
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways.base import (
    InstanceEvent,
    InstanceStatus,
    Transport,
)
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState, ConfigSubentry
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .common import (
    ANNA,
    ANNA_LID,
    BEN,
    BEN_LID,
    ENTRY_ID,
    FAMILY,
    WEBHOOK_ID,
    Writes,
    activity,
    add_account,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
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
from .simulator import Faults, Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

STATUS = "/client/status"
SNAPSHOT = "/client/action/get-chat-presence-snapshot"
LOOK_UP = "/client/action/get-lid"
MINUTE = 60
NO_PRESENCE = {
    "status": "success",
    "data": {"status": "success", "data": {"presence": None}},
}


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI that knows Anna, Ben and a group."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


def issue(
    hass: HomeAssistant, key: Issue, owner_id: str = ENTRY_ID
) -> ir.IssueEntry | None:
    """Return a repair issue, if the user is told of it."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{owner_id}")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has logged for everybody to see."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.whatsapp_presence")
        and record.levelno >= logging.INFO
    ]


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


# ------------------------------------------------------- subscribing, renewing


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


# ------------------------------------------------------------ outage, readiness


async def test_outage_is_told_once_and_mends_itself(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A gateway that is gone for an hour makes one log line, its return another."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await advance(hass, freezer, account, MINUTE)
    caplog.clear()

    await simulator.stop()
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == online(hass, BEN) == STATE_UNAVAILABLE
    assert state(hass, "sensor", "status", None) == "unreachable"
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    for _ in range(60):
        await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    assert len(told(caplog)) == 1
    assert "could not be reached" in told(caplog)[0]

    caplog.clear()
    await simulator.start()
    await account.set_presence(anna(account), "online")
    await advance(hass, freezer, account, 2 * MINUTE)
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_ON
    assert online(hass, BEN) == STATE_OFF
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON
    assert len(told(caplog)) == 1
    assert "recovered" in told(caplog)[0]
    for secret in ("49151", "Anna", account.token):
        assert secret not in caplog.text


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
@pytest.mark.parametrize(
    "failure",
    [
        {"status": 502, "body": "<html>Bad gateway</html>"},
        {
            "status": 200,
            "body": "<html>Maintenance</html>",
            "content_type": "text/html",
        },
        {"status": 401, "body": {"message": "Unauthorized"}},
        {"status": 404, "body": "<html>Nothing here</html>"},
    ],
    ids=lambda failure: str(failure["status"]),
)
async def test_hour_of_failures_costs_at_most_a_line_down_and_a_line_up(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    gateway: str,
    *,
    failure: dict[str, Any],
) -> None:
    """However a gateway fails, and however many chats find it out."""
    account = add_account(simulator, gateway)
    await set_up(hass, account, chat(), chat(BEN, "Ben"), chat(FAMILY, "Family"))
    await advance(hass, freezer, account, MINUTE)
    caplog.clear()
    failing = simulator.fail_next(1_000_000, **failure)
    for _ in range(60):
        await advance(hass, freezer, account, MINUTE)
    assert failing.seen > 20
    assert len(told(caplog)) <= 1

    caplog.clear()
    simulator.failures.clear()
    for _ in range(3):
        await advance(hass, freezer, account, MINUTE)
    assert online(hass) == online(hass, BEN) == STATE_OFF
    assert len(told(caplog)) <= 1


async def test_event_does_not_end_an_outage(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It has the gateway asked at once; the answer is what counts."""
    await set_up(hass, account)
    failure = simulator.fail_next(1000, status=503)
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    account.emit("ready", {"status": "ready"})
    await advance(hass, freezer, account, 11)
    assert online(hass) == STATE_UNAVAILABLE
    assert len(told(caplog)) == 1

    simulator.failures.remove(failure)
    account.emit("ready", {"status": "ready"})
    await advance(hass, freezer, account, 11)
    assert online(hass) == STATE_OFF


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


async def test_lost_ready_is_noticed_by_the_poll(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A status that no event told of shows within two minutes, in both directions."""
    await set_up(hass, account)
    account.status = "disconnected"
    account.lose_subscriptions()
    await advance(hass, freezer, account, MINUTE)
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    assert state(hass, "sensor", "status", None) == "disconnected"

    account.status = "ready"
    await advance(hass, freezer, account, MINUTE)
    await advance(hass, freezer, account, MINUTE)
    assert account.subscriptions == {ANNA}
    assert online(hass) == STATE_OFF
    assert told(caplog) == [
        "The WaAPI instance is not ready: disconnected",
        "The WaAPI instance is ready again",
    ]


async def test_ready_event_resubscribes(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A reconnect forgets the subscriptions: all are made again at once."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    polls = requests(account, STATUS)
    await account.reconnect()
    await settle(hass, account)
    assert account.subscriptions == {ANNA, BEN}
    assert subscriptions(account, ANNA) >= 2
    assert requests(account, STATUS) == polls


async def test_disconnected_event_makes_unavailable_and_is_confirmed(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """The event counts at once, and the gateway is asked how it stands now."""
    await set_up(hass, account)
    polls = requests(account, STATUS)
    await account.set_status("disconnected")
    await until(lambda: online(hass) == STATE_UNAVAILABLE)
    await settle(hass, account)
    assert requests(account, STATUS) == polls + 1
    assert online(hass) == STATE_UNAVAILABLE
    assert state(hass, "sensor", "presence_access") == STATE_UNAVAILABLE
    # Nothing is asked of an instance that can't answer.
    made = subscriptions(account)
    for _ in range(12):
        await advance(hass, freezer, account, MINUTE)
    assert subscriptions(account) == made

    await account.set_status("ready")
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert account.subscriptions == {ANNA}


async def test_late_disconnected_event_is_found_out(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """An event that came too late is corrected by the poll that it causes."""
    await set_up(hass, account)
    account.emit("disconnected", {"status": "disconnected"})
    await until(lambda: online(hass) == STATE_UNAVAILABLE)
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert state(hass, "sensor", "status", None) == "ready"


async def test_presence_of_an_instance_that_is_not_ready_has_it_looked_at(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody's presence is news from an instance that is ready after all."""
    await set_up(hass, account)
    account.status = "disconnected"
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE

    account.status = "ready"
    account.subscribe(ANNA)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_repeated_and_overtaken_status_events_are_ignored(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """An event that was seen before, or is older than the newest, changes nothing."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    now = time.time()
    made = subscriptions(account)

    def say(status: InstanceStatus, event_id: str | None, when: float | None) -> None:
        instance.async_handle_events(
            [InstanceEvent(status=status, event_id=event_id, time=when)]
        )

    say(InstanceStatus.READY, "1", now)
    await settle(hass, account)
    assert subscriptions(account) == made + 1
    say(InstanceStatus.READY, "1", now)
    say(InstanceStatus.DISCONNECTED, "0", now - 5)
    say(InstanceStatus.DISCONNECTED, None, now - 5)
    assert instance.ready
    await settle(hass, account)
    assert subscriptions(account) == made + 1

    # So much older is no late event: the gateway's clock was set.
    say(InstanceStatus.DISCONNECTED, None, now - 3600)
    assert not instance.ready
    await settle(hass, account)
    assert instance.ready

    # Only so many are remembered.
    for number in range(2, 40):
        say(InstanceStatus.READY, str(number), None)
    await settle(hass, account)
    made = subscriptions(account)
    say(InstanceStatus.READY, "1", None)
    await settle(hass, account)
    assert subscriptions(account) == made + 1


async def test_not_ready_is_told_after_two_polls(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """An instance that is starting gets the time of two polls."""
    await set_up(hass, account)
    account.status = "booting"
    await advance(hass, freezer, account, MINUTE)
    assert state(hass, "sensor", "status", None) == "starting"
    assert issue(hass, Issue.INSTANCE_NOT_READY) is None
    await advance(hass, freezer, account, MINUTE)
    found = issue(hass, Issue.INSTANCE_NOT_READY)
    assert found is not None
    assert found.translation_placeholders == {"instance": "My account"}

    account.status = "ready"
    await advance(hass, freezer, account, MINUTE)
    assert issue(hass, Issue.INSTANCE_NOT_READY) is None


async def test_required_login_is_told_at_once(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A QR code waits for the user, and for nobody else."""
    account.status = "qr"
    await set_up(hass, account)
    assert issue(hass, Issue.INSTANCE_NOT_READY) is not None
    assert online(hass) == STATE_UNAVAILABLE
    assert subscriptions(account) == 0

    await account.set_status("ready")
    await settle(hass, account)
    # Its webhook could be registered before, so the event came.
    assert issue(hass, Issue.INSTANCE_NOT_READY) is None
    assert online(hass) == STATE_OFF


async def test_gateway_that_can_not_be_reached_at_start(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Home Assistant tries the set-up again."""
    simulator.fail_next(status=503, path=STATUS)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_too_many_requests_at_start(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """Home Assistant tries the set-up again."""
    simulator.fail_next(status=429, path=STATUS)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


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


async def test_recovery_is_not_hidden_by_a_limit(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A gateway that is out of order, and then limits, is still out of order."""
    await set_up(hass, account)
    simulator.fail_next(status=503, path=STATUS)
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    simulator.fail_next(status=429, path=STATUS)
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    await advance(hass, freezer, account, 2 * MINUTE)
    await advance(hass, freezer, account, 1)
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


async def test_refused_credentials_ask_the_user_and_recover_by_themselves(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A token that is refused for a while asks one question, and takes it back."""
    entry = await set_up(hass, account)
    good, account.token = account.token, "an0ther"
    await advance(hass, freezer, account, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    assert state(hass, "sensor", "status", None) == "unauthorized"
    for _ in range(5):
        await advance(hass, freezer, account, MINUTE)
    assert len(list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))) == 1
    assert len(told(caplog)) == 1

    account.token = good
    await advance(hass, freezer, account, MINUTE)
    await advance(hass, freezer, account, 1)
    assert list(entry.async_get_active_flows(hass, {SOURCE_REAUTH})) == []
    assert online(hass) == STATE_OFF
    assert "t0ken" not in caplog.text


async def test_refused_credentials_at_start_ask_the_user(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """The set-up waits for new credentials."""
    account.token = "an0ther"
    entry = create_entry(account, chat())
    account.token = "t0ken"
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert len(list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))) == 1


# ------------------------------------------------------------- whose event it is


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
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType({"chat": BEN, "settle_time": 0}),
            subentry_type=SUBENTRY_TYPE_CHAT,
            title="Ben",
            unique_id=BEN,
        ),
    )
    await settle(hass, account)
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
    assert stored["data"] == {"aliases": {ANNA_LID: ANNA}}
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


# -------------------------------------------------------- what the states mean


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


async def test_reset_is_never_offline(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A gateway that lost its data says unavailable; that is unknown."""
    await set_up(hass, account)
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    seen: list[str] = []
    hass.bus.async_listen(
        "state_changed",
        lambda event: (
            seen.append(event.data["new_state"].state)
            if event.data["entity_id"] == "binary_sensor.anna"
            else None
        ),
    )
    account.emit("presence_update", {"presence": account.empty_object(anna(account))})
    await settle(hass, account)
    assert online(hass) == activity(hass) == STATE_UNKNOWN
    assert seen == [STATE_UNKNOWN]


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
    await instance_of(entry).rounds.async_ask(chat_of(entry))
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
    seen: list[str] = []
    hass.bus.async_listen(
        "state_changed",
        lambda event: (
            seen.append(event.data["new_state"].state)
            if event.data["entity_id"] == "sensor.anna_activity"
            else None
        ),
    )
    for _ in range(10):
        await account.set_presence(anna(account), "typing")
        await advance(hass, freezer, account, 1)
        await account.set_presence(anna(account), "paused")
        await advance(hass, freezer, account, 1)
    assert seen == ["typing"]
    await advance(hass, freezer, account, 3)
    assert seen == ["typing", "idle"]
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
        [InstanceEvent(status=InstanceStatus.DISCONNECTED)]
    )
    assert chat_of(entry).presence.activity is None
    await settle(hass, account)


# ------------------------------------------------------------------ lost events


async def test_webhook_that_brings_nothing_is_noticed(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Three changes that only polls saw: the user is told, and chats are polled."""
    entry = await set_up(hass, account)
    assert instance_of(entry).delivery.push
    simulator.delivery.faults = Faults(lose=1.0)
    for number, word in enumerate(("online", "offline", "online")):
        assert issue(hass, Issue.WEBHOOK_SILENT) is None
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, 5 * MINUTE)
        assert online(hass) == (STATE_OFF if number == 1 else STATE_ON)
    found = issue(hass, Issue.WEBHOOK_SILENT)
    assert found is not None
    assert found.translation_placeholders is not None
    assert WEBHOOK_ID in found.translation_placeholders["webhook_url"]
    assert not instance_of(entry).delivery.push

    polled = requests(account, SNAPSHOT)
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 30)
    await advance(hass, freezer, account, 30)
    assert requests(account, SNAPSHOT) >= polled + 1
    assert online(hass) == STATE_OFF

    # That the instance is ready proves nothing about presence.
    simulator.delivery.faults = Faults()
    account.emit("change_state", {"state": "CONNECTED"})
    await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is not None

    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is None
    assert instance_of(entry).delivery.push
    polled = requests(account, SNAPSHOT)
    await advance(hass, freezer, account, 2 * MINUTE)
    assert requests(account, SNAPSHOT) == polled


async def test_missed_changes_are_forgiven_by_an_event(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Losing an event now and then is no silence."""
    entry = await set_up(hass, account)
    for _ in range(3):
        simulator.delivery.faults = Faults(lose=1.0)
        await account.set_presence(anna(account), "online")
        await advance(hass, freezer, account, 5 * MINUTE)
        assert online(hass) == STATE_ON
        simulator.delivery.faults = Faults()
        await account.set_presence(anna(account), "offline")
        await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is None
    assert instance_of(entry).delivery.push


async def test_stream_that_comes_back_resubscribes(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """A stream that was lost may have been a server that was restarted."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    made, polls = subscriptions(account), requests(account, STATUS)
    instance.async_stream_changed(True)
    await settle(hass, account)
    assert subscriptions(account) == made

    instance.async_stream_changed(False)
    assert not instance.delivery.push
    await settle(hass, account)
    assert requests(account, STATUS) == polls + 1
    instance.async_stream_changed(True)
    assert instance.delivery.push
    await settle(hass, account)
    assert subscriptions(account) == made + 1


async def test_silent_stream_is_told_as_such(
    hass: HomeAssistant, account: WaapiAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where events come over a connection, that is what is silent."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    monkeypatch.setattr(
        type(instance.gateway),
        "capabilities",
        replace(instance.gateway.capabilities, transport=Transport.WEBSOCKET),
    )
    for _ in range(3):
        instance.delivery.async_note_missed_change()
    assert issue(hass, Issue.STREAM_SILENT) is not None
    assert not instance.delivery.push
    # To be connected is not enough.
    instance.async_stream_changed(True)
    assert not instance.delivery.push
    instance.delivery.async_note_missed_change()
    instance.async_handle_events([PresenceUpdate(chat_id=ANNA, online=True)])
    assert instance.delivery.push
    assert issue(hass, Issue.STREAM_SILENT) is None


# ------------------------------------------------------------- chats come and go


async def test_chats_that_come_and_go_leave_the_others_alone(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Adding and removing a chat subscribes nobody else again."""
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    hass.config_entries.async_add_subentry(
        entry,
        ConfigSubentry(
            data=MappingProxyType({"chat": BEN}),
            subentry_type=SUBENTRY_TYPE_CHAT,
            title="Ben",
            unique_id=BEN,
        ),
    )
    await settle(hass, account)
    assert online(hass, BEN) == STATE_OFF
    assert subscriptions(account) == 3

    gone = chat_of(entry, BEN)
    hass.config_entries.async_remove_subentry(entry, gone.subentry.subentry_id)
    await settle(hass, account)
    assert hass.states.get("binary_sensor.ben") is None
    await account.set_presence(ben(account), "online")
    await settle(hass, account)
    assert gone.presence.online is False
    assert subscriptions(account) == 3


async def test_members_that_can_not_be_asked_for(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A group whose members can't be listed is followed all the same."""
    caplog.set_level(logging.DEBUG)
    simulator.fail_next(status=500, path="get-group-info")
    await set_up(hass, account, chat(FAMILY, "Family"))
    assert online(hass, FAMILY) == STATE_OFF
    assert "Asking for members failed: UnreachableError" in caplog.text
    await account.reconnect()
    await settle(hass, account)
    assert requests(account, "get-group-info") == 2
