"""Answers that cross with what else is heard; each was found by the chaos run."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.gateways.pacing import Pacer
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from .common import (
    ANNA,
    add_account,
    advance,
    anna,
    chat,
    chat_of,
    instance_of,
    online,
    set_up,
    settle,
)
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


@contextmanager
def turns_held_back() -> Generator[asyncio.Event]:
    """Let requests wait for their turn until the event is set."""
    gate = asyncio.Event()
    acquire = Pacer._acquire

    async def wait(pacer: Pacer, queue: Any) -> None:
        if queue is not pacer._urgent:
            await gate.wait()
        await acquire(pacer, queue)

    with patch.object(Pacer, "_acquire", wait):
        yield gate


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_an_event_before_the_request_went_out_is_older_than_its_answer(
    hass: HomeAssistant,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
    gateway: str,
) -> None:
    """A request may wait for its turn; what counts is when the gateway was asked."""
    account = add_account(simulator, gateway)
    account.quirks.push_on_subscribe = False
    account.quirks.events_under_lid = False
    entry = await set_up(hass, account, chat())
    with turns_held_back() as gate:
        asked = hass.async_create_task(
            instance_of(entry).rounds.async_ask(chat_of(entry))
        )
        freezer.tick(1)
        await account.set_presence(anna(account), "online")
        await settle_but(hass, asked)
        assert online(hass) == STATE_ON
        # The webhook about this one is lost.
        simulator.delivery.faults.lose = 1.0
        freezer.tick(1)
        await account.set_presence(anna(account), "offline")
        simulator.delivery.faults.lose = 0.0
        freezer.tick(1)
        gate.set()
        await asked
    await settle(hass, account)
    assert online(hass) == STATE_OFF


async def test_an_answer_that_says_the_same_is_shown_after_a_loss(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """What was known before the request was forgotten while it waited."""
    account = add_account(simulator)
    await account.set_presence(anna(account), "online")
    entry = await set_up(hass, account, chat())
    assert online(hass) == STATE_ON
    rounds = instance_of(entry).rounds
    with turns_held_back() as gate:
        asked = hass.async_create_task(rounds.async_ask(chat_of(entry)))
        await account.set_status("disconnected")
        # Nobody tells of the chat but the answer that is waited for.
        with patch.object(rounds, "async_resubscribe"):
            account.set_quirks({"reset_events": False})
            await account.set_status("ready")
            await settle_but(hass, asked)
        assert online(hass) == STATE_UNKNOWN
        account.quirks.push_on_subscribe = False
        gate.set()
        await asked
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def settle_but(hass: HomeAssistant, waiting: asyncio.Task[Any]) -> None:
    """Let everything happen but what waits."""
    for _ in range(2000):
        await asyncio.sleep(0)
    assert not waiting.done()


async def test_a_chat_that_could_not_be_subscribed_is_tried_again_within_two_minutes(
    hass: HomeAssistant, simulator: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """However long asking for chats, and nothing else, was out of order."""
    account = add_account(simulator)
    entry = await set_up(hass, account, chat())
    broken = simulator.fail_next(1000, path="presence")
    for _ in range(20):
        await advance(hass, freezer, account, 120)
    assert broken.seen > 10
    simulator.failures.clear()
    account.lose_subscriptions()
    assert not account.subscriptions
    await advance(hass, freezer, account, 121)
    assert account.subscriptions == {ANNA}
    assert chat_of(entry).tracker.presence.online is False
