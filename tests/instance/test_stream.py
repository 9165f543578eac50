"""The event stream of a gateway that needs no webhook."""

import random
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.instance.hub import Instance
from custom_components.whatsapp_presence.instance.people import People
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from ..common import (
    ANNA,
    FAMILY,
    activity,
    add_account,
    anna,
    ben,
    chat,
    create_entry,
    entity_id,
    in_time,
    instance_of,
    issue,
    online,
    pass_time,
    set_up_stream,
    state,
    until,
)
from ..simulator import Account, Simulator
from ..simulator.sockets import Socket, Sockets

pytestmark = pytest.mark.usefixtures("unpaced")


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let delays be what they are called."""
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)


@pytest.fixture
def account(simulator: Simulator) -> Account:
    """Return a session at WAHA that knows Anna, Ben and a group."""
    simulator.waha.heartbeat = None
    return add_account(simulator, "waha", engine="GOWS")


async def test_events_need_no_address_of_home_assistant(
    hass: HomeAssistant, account: Account
) -> None:
    """Presence arrives without any URL, and nothing is told to be missing."""
    assert hass.config.external_url is None
    await set_up_stream(hass, account, chat(), chat(FAMILY, "Family"))

    await account.set_presence(anna(account), "typing")
    await until(lambda: activity(hass) == "typing")
    assert online(hass) == STATE_ON
    await account.set_presence(ben(account), "recording", group=FAMILY)
    await until(lambda: state(hass, "sensor", "recording_members", FAMILY) == "1")
    assert ir.async_get(hass).issues == {}


async def test_lost_stream_is_connected_again_and_chats_are_subscribed_again(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What the gateway forgot meanwhile is asked for, once nothing answers for all."""
    await set_up_stream(hass, account)

    account.lose_subscriptions()
    simulator.waha.abort_sockets()
    await in_time(hass, freezer, lambda: account.subscriptions == {ANNA}, 15)

    await account.set_presence(anna(account), "online")
    await until(lambda: online(hass) == STATE_ON)


async def test_server_that_is_gone_and_comes_back(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Chats bear with it for two minutes, are unavailable then, and back by themselves."""
    entry = await set_up_stream(hass, account)
    instance = instance_of(entry)
    await until(lambda: online(hass) == STATE_OFF)

    await simulator.stop()
    ready = entity_id(hass, "binary_sensor", "ready", None)
    await in_time(hass, freezer, lambda: hass.states.is_state(ready, STATE_OFF), 15)
    for _ in range(11):
        await pass_time(hass, freezer, 10)
        assert online(hass) == STATE_OFF
    await in_time(hass, freezer, lambda: online(hass) == STATE_UNAVAILABLE, 60)
    await in_time(hass, freezer, lambda: not instance.delivery.push, 60)

    await simulator.start()
    await account.reconnect()
    await in_time(hass, freezer, lambda: online(hass) == STATE_OFF)
    await in_time(hass, freezer, lambda: instance.delivery.push)


async def test_refused_key_asks_for_a_new_one(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The stream is closed with a policy's code; the poll asks the user."""
    await set_up_stream(hass, account)

    account.token = "another"
    await simulator.waha.close_sockets(1008)
    await in_time(
        hass,
        freezer,
        lambda: hass.config_entries.flow.async_progress_by_handler(DOMAIN),
    )

    assert online(hass) == STATE_UNAVAILABLE
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["context"]["source"] == SOURCE_REAUTH


async def test_stream_goes_on_after_an_error_of_our_own(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One event that nobody can bear does not cost all that come after it."""
    await set_up_stream(hass, account)
    with patch.object(People, "async_hear", side_effect=KeyError(ANNA)):
        await account.set_presence(anna(account), "typing")
        await until(lambda: "Unexpected KeyError" in caplog.text)
    assert ANNA not in caplog.text

    await until(lambda: not simulator.waha.sockets)
    await in_time(hass, freezer, lambda: simulator.waha.sockets == 1, 15)
    await account.set_presence(anna(account), "recording")
    await until(lambda: activity(hass) == "recording")


async def test_unload_ends_the_stream(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """No socket is left behind."""
    entry = await set_up_stream(hass, account)
    await until(lambda: simulator.waha.sockets == 1)

    assert await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: not simulator.waha.sockets)


async def test_stream_that_is_refused_to_a_good_key(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told, asks for no new key, and disappears when the stream is there."""
    with patch.object(Sockets, "_refusal", return_value=b"Forbidden"):
        entry = create_entry(account, chat())
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await in_time(hass, freezer, lambda: issue(hass, Issue.STREAM_REFUSED), 10)
        await pass_time(hass, freezer, 60)
        assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    await in_time(hass, freezer, lambda: not issue(hass, Issue.STREAM_REFUSED))
    await in_time(hass, freezer, lambda: instance_of(entry).delivery.push)


async def test_stream_that_refuses_the_key_asks_for_another(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whatever the polls say; and takes that back when the key is taken."""
    with patch.object(Sockets, "_refusal", return_value=b"Unauthorized: bad key"):
        entry = create_entry(account, chat())
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await in_time(
            hass,
            freezer,
            lambda: [*entry.async_get_active_flows(hass, {SOURCE_REAUTH})],
        )
        await pass_time(hass, freezer, 61)
        assert len([*entry.async_get_active_flows(hass, {SOURCE_REAUTH})]) == 1
    await in_time(
        hass,
        freezer,
        lambda: not [*entry.async_get_active_flows(hass, {SOURCE_REAUTH})],
        250,
    )


@pytest.mark.parametrize("reason", [b"Unauthorized", b"Forbidden", b""])
async def test_refused_stream_is_tried_less_and_less(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    reason: bytes,
) -> None:
    """A server lets everybody in first, and sends them away at once."""
    with patch.object(Sockets, "_refusal", return_value=reason) as refusal:
        entry = create_entry(account, chat())
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        for _ in range(22):
            await pass_time(hass, freezer, 1)
        assert 2 <= refusal.call_count <= 6
        before = refusal.call_count
        for _ in range(10):
            await pass_time(hass, freezer, 60)
        assert refusal.call_count - before <= 11


@pytest.mark.parametrize("code", [1000, 1011, 4001])
async def test_stream_that_holds_only_for_a_moment_is_tried_less_and_less(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """A server may send them away in its own words; that asks for no new key."""

    async def send_away(_sockets: Sockets, socket: Socket) -> None:
        await until(lambda: connected)
        connected.clear()
        await socket.ws.close(code=code, message=b"Unauthorized")

    connected: list[bool] = []
    changed = Instance.async_stream_changed

    def note(instance: Instance, now_connected: bool) -> None:
        changed(instance, now_connected)
        if now_connected:
            connected.append(True)

    monkeypatch.setattr(Instance, "async_stream_changed", note)
    with patch.object(Sockets, "_listen", autospec=True, side_effect=send_away) as held:
        entry = create_entry(account, chat())
        entry.add_to_hass(hass)
        assert await hass.config_entries.async_setup(entry.entry_id)
        for _ in range(22):
            await pass_time(hass, freezer, 1)
        assert 2 <= held.call_count <= 6
        assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    await in_time(hass, freezer, lambda: instance_of(entry).delivery.push)
