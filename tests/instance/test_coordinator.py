"""How the account stands: outages, readiness, credentials, and what events say of it."""

import asyncio
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.gateways.base import (
    InstanceEvent,
    InstanceStatus,
)
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from ..common import (
    ANNA,
    BEN,
    FAMILY,
    Writes,
    add_account,
    add_chat,
    advance,
    anna,
    ben,
    chat,
    chat_of,
    create_entry,
    entity_id,
    instance_of,
    issue,
    online,
    outlast_grace,
    pass_time,
    requests,
    set_up,
    settle,
    state,
    subscriptions,
    told,
    until,
)
from ..simulator import Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

STATUS = "/client/status"
MINUTE = 60


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
    # The account's own entities tell at once; for its chats it is no news yet.
    assert state(hass, "sensor", "status", None) == "unreachable"
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    assert online(hass) == online(hass, BEN) == STATE_OFF
    assert told(caplog) == []
    await outlast_grace(hass, freezer, account)
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


async def test_account_is_asked_though_its_device_is_disabled(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody shows how it stands, but its chats depend on it all the same."""
    entry = await set_up(hass, account)
    dr.async_get(hass).async_update_device(
        instance_of(entry).device_id, disabled_by=dr.DeviceEntryDisabler.USER
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    assert hass.states.get(entity_id(hass, "binary_sensor", "ready", None)) is None
    assert online(hass) == STATE_OFF

    await simulator.stop()
    await outlast_grace(hass, freezer, account)
    assert online(hass) == STATE_UNAVAILABLE
    await simulator.start()
    await advance(hass, freezer, account, 2 * MINUTE)
    assert online(hass) == STATE_OFF


@pytest.mark.parametrize("away", [1, 4, 55])
@pytest.mark.parametrize("word", ["booting", "disconnected", "loading_screen"])
async def test_blip_is_no_news(
    hass: HomeAssistant,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    word: str,
    away: float,
) -> None:
    """The chats keep what they show, with its age; the account tells of itself."""
    account.quirks.typing_ends = False
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    await advance(hass, freezer, account, MINUTE)
    caplog.clear()
    writes = Writes(hass)
    before = {
        entity: hass.states.get(entity_id(hass, "binary_sensor", "online", entity))
        for entity in (ANNA, BEN)
    }
    await account.set_status(word)
    await settle(hass, account)
    # No event tells of some of the words; the poll does.
    await advance(hass, freezer, account, MINUTE)
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    assert state(hass, "sensor", "status", None) != "ready"
    await advance(hass, freezer, account, away)
    await account.set_status("ready")
    await settle(hass, account)
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON
    assert account.subscriptions == {ANNA, BEN}
    for chat_id, was in before.items():
        found = entity_id(hass, "binary_sensor", "online", chat_id)
        assert writes.of(found) == []
        assert hass.states.get(found) is was
    assert told(caplog) == []


async def test_instance_is_asked_again_soon_while_it_is_away(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Quickly at first, then less and less, so that a blip ends when it ends."""
    await set_up(hass, account)
    account.status = "booting"
    await advance(hass, freezer, account, MINUTE)
    asked = requests(account, STATUS)
    for _ in range(20):
        await advance(hass, freezer, account, 1)
    assert 3 <= requests(account, STATUS) - asked <= 6
    account.status = "ready"
    await advance(hass, freezer, account, 15)
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON


@pytest.mark.parametrize("word", ["booting", "disconnected", None])
async def test_return_that_nobody_told_of_counts_until_the_grace_is_over(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    word: str | None,
) -> None:
    """Between two looks, a moment before the end; None: the gateway does not answer."""
    await set_up(hass, account, chat(), chat(BEN, "Ben"))
    await advance(hass, freezer, account, MINUTE)
    caplog.clear()
    writes = Writes(hass)
    if word is None:
        simulator.fail_next(100_000, status=503)
    else:
        account.status = word
    await advance(hass, freezer, account, MINUTE)
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    for _ in range(118):
        await advance(hass, freezer, account, 1)
    simulator.failures.clear()
    account.status = "ready"
    for _ in range(5):
        await advance(hass, freezer, account, 1)
    assert state(hass, "binary_sensor", "ready", None) == STATE_ON
    for chat_id in (ANNA, BEN):
        assert writes.of(entity_id(hass, "binary_sensor", "online", chat_id)) == []
    assert told(caplog) == []


async def test_account_tells_of_itself_whatever_follows_what(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is starting, then can't be reached, then is starting still."""
    await set_up(hass, account)
    account.status = "booting"
    await advance(hass, freezer, account, MINUTE)
    assert state(hass, "sensor", "status", None) == "starting"
    simulator.fail_next(100_000, status=503)
    await advance(hass, freezer, account, 5)
    assert state(hass, "sensor", "status", None) == "unreachable"
    simulator.failures.clear()
    await advance(hass, freezer, account, 16)
    assert state(hass, "sensor", "status", None) == "starting"
    assert online(hass) == STATE_OFF


async def test_answer_is_newer_than_an_event_that_waits(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Of an account that flickers, what was said before the look counts no more."""
    entry = await set_up(hass, account)
    coordinator = instance_of(entry).coordinator
    writes = Writes(hass)
    for status in (InstanceStatus.STARTING, InstanceStatus.READY):
        coordinator.statuses.async_hear([InstanceEvent(status=status)])
    coordinator.statuses.async_hear([InstanceEvent(status=InstanceStatus.FAILED)])
    await coordinator.async_refresh()
    await advance(hass, freezer, account, 1)
    await advance(hass, freezer, account, 10)
    assert state(hass, "sensor", "status", None) == "ready"
    assert writes.of(entity_id(hass, "binary_sensor", "online")) == []


async def test_event_that_waits_is_no_reconnect_once_an_answer_has_told_as_much(
    hass: HomeAssistant,
    simulator: Simulator,
    account: WaapiAccount,
    freezer: FrozenDateTimeFactory,
) -> None:
    """All were subscribed after it arrived, and need not be again."""
    entry = await set_up(hass, account)
    statuses = instance_of(entry).coordinator.statuses
    answer = asyncio.Event()
    held = simulator.fail_next(status=None, hold=answer, path=STATUS)
    for status in (
        InstanceStatus.DISCONNECTED,
        InstanceStatus.STARTING,
        InstanceStatus.READY,
    ):
        statuses.async_hear([InstanceEvent(status=status)])
        await until(lambda: held.seen)
    assert state(hass, "sensor", "status", None) == "starting"
    answer.set()
    await until(lambda: state(hass, "sensor", "status", None) == "ready")
    await settle(hass, account)
    made = subscriptions(account)
    await advance(hass, freezer, account, 1)
    await advance(hass, freezer, account, 10)
    assert subscriptions(account) == made


@pytest.mark.parametrize("word", ["booting", None])
async def test_limit_at_the_last_look_is_no_return(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    word: str | None,
) -> None:
    """The grace is over all the same, and the one line tells no lie."""
    await set_up(hass, account)
    await advance(hass, freezer, account, MINUTE)
    caplog.clear()
    if word is None:
        simulator.fail_next(100_000, status=503)
    else:
        account.status = word
    await advance(hass, freezer, account, MINUTE)
    for _ in range(118):
        await advance(hass, freezer, account, 1)
    assert online(hass) == STATE_OFF
    simulator.failures.clear()
    simulator.fail_next(100, status=429)
    for _ in range(3):
        await pass_time(hass, freezer, 1)
    assert online(hass) == STATE_UNAVAILABLE
    (line,) = told(caplog)
    assert "asked too often" in line


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


async def test_account_that_says_it_is_ready_has_the_grace_anew(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its events arrive, so that it was there, though its answers fail again."""
    await set_up(hass, account)
    await advance(hass, freezer, account, MINUTE)
    simulator.fail_next(100_000, status=503)
    for _ in range(100):
        await advance(hass, freezer, account, 1)
    account.emit("ready", {"status": "ready"})
    for _ in range(115):
        await advance(hass, freezer, account, 1)
        assert online(hass) == STATE_OFF
    for _ in range(10):
        await advance(hass, freezer, account, 1)
    assert online(hass) == STATE_UNAVAILABLE


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
    await outlast_grace(hass, freezer, account)
    assert online(hass) == STATE_UNAVAILABLE
    account.emit("ready", {"status": "ready"})
    await advance(hass, freezer, account, 11)
    assert online(hass) == STATE_UNAVAILABLE
    assert len(told(caplog)) == 1

    simulator.failures.remove(failure)
    account.emit("ready", {"status": "ready"})
    await advance(hass, freezer, account, 11)
    assert online(hass) == STATE_OFF


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
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    assert online(hass) == STATE_OFF
    await outlast_grace(hass, freezer, account)
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


async def test_disconnected_event_is_confirmed_and_makes_unavailable_in_the_end(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """The event counts at once, and the gateway is asked how it stands now."""
    await set_up(hass, account)
    polls = requests(account, STATUS)
    await account.set_status("disconnected")
    await settle(hass, account)
    assert requests(account, STATUS) == polls + 1
    assert state(hass, "sensor", "status", None) == "disconnected"
    assert online(hass) == STATE_OFF
    await outlast_grace(hass, freezer, account)
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
    await until(lambda: state(hass, "sensor", "status", None) == "disconnected")
    await settle(hass, account)
    assert online(hass) == STATE_OFF
    assert state(hass, "sensor", "status", None) == "ready"


async def test_presence_of_an_instance_that_is_not_ready_has_it_looked_at(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody's presence is news from an instance that is ready after all."""
    await set_up(hass, account)
    account.status = "disconnected"
    await outlast_grace(hass, freezer, account)
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
    assert instance.coordinator.ready
    await settle(hass, account)
    assert subscriptions(account) == made + 1

    # So much older is no late event: the gateway's clock was set.
    say(InstanceStatus.DISCONNECTED, None, now - 3600)
    assert not instance.coordinator.ready
    await settle(hass, account)
    assert instance.coordinator.ready

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
    await outlast_grace(hass, freezer, account)
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


@pytest.mark.parametrize("status", [429, 503])
async def test_gateway_that_does_not_answer_at_start(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator, status: int
) -> None:
    """Out of order or out of breath: Home Assistant tries the set-up again."""
    simulator.fail_next(status=status, path=STATUS)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_recovery_is_not_hidden_by_a_limit(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A gateway that is out of order, and then limits, is still out of order."""
    await set_up(hass, account)
    failure = simulator.fail_next(1000, status=503, path=STATUS)
    await outlast_grace(hass, freezer, account)
    assert online(hass) == STATE_UNAVAILABLE
    simulator.failures.remove(failure)
    simulator.fail_next(status=429, headers={"Retry-After": "5"}, path=STATUS)
    await pass_time(hass, freezer, MINUTE)
    assert online(hass) == STATE_UNAVAILABLE
    for _ in range(6):
        await pass_time(hass, freezer, 30)
    assert online(hass) == STATE_OFF


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


async def test_chats_that_come_and_go_leave_the_others_alone(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Adding and removing a chat subscribes nobody else again."""
    entry = await set_up(hass, account, chat(), chat(FAMILY, "Family"))
    await add_chat(hass, account, entry, BEN, "Ben")
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
