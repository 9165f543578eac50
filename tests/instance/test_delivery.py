"""Whether events arrive, and what follows if they do not."""

from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.gateways.base import Transport
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant

from ..common import (
    ANNA,
    WEBHOOK_ID,
    advance,
    anna,
    instance_of,
    issue,
    online,
    requests,
    set_up,
    settle,
    subscriptions,
)
from ..simulator import Faults, Simulator, WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

STATUS = "/client/status"
SNAPSHOT = "/client/action/get-chat-presence-snapshot"
MINUTE = 60


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
        await advance(hass, freezer, account, 20 * MINUTE)
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
        await advance(hass, freezer, account, 20 * MINUTE)
        assert online(hass) == STATE_ON
        simulator.delivery.faults = Faults()
        await account.set_presence(anna(account), "offline")
        await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is None
    assert instance_of(entry).delivery.push


async def test_stream_that_comes_back_resubscribes(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """A stream that was lost may have been a server that was restarted."""
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    made, polls = subscriptions(account), requests(account, STATUS)
    instance.async_stream_changed(True)
    await settle(hass, account)
    assert subscriptions(account) == made

    instance.async_stream_changed(False)
    assert instance.delivery.push
    await settle(hass, account)
    assert requests(account, STATUS) == polls + 1
    instance.async_stream_changed(True)
    assert instance.delivery.push
    await settle(hass, account)
    assert subscriptions(account) == made + 1

    # Chats are polled only when it has stayed away for a while.
    instance.async_stream_changed(False)
    await advance(hass, freezer, account, 119)
    instance.async_stream_changed(False)
    assert instance.delivery.push
    await advance(hass, freezer, account, 1)
    assert not instance.delivery.push


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
        instance.delivery.async_note_change(missed=True)
    assert issue(hass, Issue.STREAM_SILENT) is not None
    assert not instance.delivery.push
    # To be connected is not enough.
    instance.async_stream_changed(True)
    assert not instance.delivery.push
    instance.delivery.async_note_change(missed=True)
    instance.async_handle_events([PresenceUpdate(chat_id=ANNA, online=True)])
    assert instance.delivery.push
    assert issue(hass, Issue.STREAM_SILENT) is None
