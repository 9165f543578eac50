"""The switch that announces the account itself as online."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import mock_restore_cache

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.gateways import GATEWAYS
from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    Platform,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .common import ENTRY_ID, add_account, advance, requests, set_up, settle, state
from .simulator import Account, Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

SWITCH = "switch.my_account_announce_online"


async def turn(hass: HomeAssistant, service: str) -> None:
    """Use the switch."""
    await hass.services.async_call(
        SWITCH_DOMAIN, service, {ATTR_ENTITY_ID: SWITCH}, blocking=True
    )


def announced(hass: HomeAssistant) -> str:
    """Return the switch's state."""
    return state(hass, "switch", "announce_online", None)


async def test_switch(
    hass: HomeAssistant,
    each_account: Account,
    entity_registry: er.EntityRegistry,
    check_day: Callable[[Platform], Awaitable[None]],
) -> None:
    """There is one for the instance, off until the user has read what it costs."""
    await check_day(Platform.SWITCH)
    assert (
        entity_registry.async_get_entity_id(
            SWITCH_DOMAIN, DOMAIN, f"{ENTRY_ID}_announce_online"
        )
        == SWITCH
    )
    assert each_account.own_presence_calls == 0


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_account_is_announced_again_and_again(
    hass: HomeAssistant,
    simulator: Simulator,
    gateway: str,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gateways take it back by themselves; turned off, it is taken back at once."""
    account = add_account(simulator, gateway)
    # Not what has to be repeated because of our own asking, as well.
    monkeypatch.setattr(
        GATEWAYS[gateway],
        "capabilities",
        replace(GATEWAYS[gateway].capabilities, announce_seconds=0.0),
    )
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    assert announced(hass) == STATE_ON
    assert account.available
    assert account.own_presence_calls == 1

    for _ in range(9):
        account.own_presence = None
        await advance(hass, freezer, account, 20)
        assert account.available
    assert account.own_presence_calls == 10
    # Turned on twice, it beats no faster.
    await turn(hass, SERVICE_TURN_ON)
    await advance(hass, freezer, account, 20)
    assert account.own_presence_calls == 12

    await turn(hass, SERVICE_TURN_OFF)
    assert announced(hass) == STATE_OFF
    await advance(hass, freezer, account, 1)
    assert not account.available
    assert account.own_presence_calls == 13
    await advance(hass, freezer, account, 60)
    assert account.own_presence_calls == 13


async def test_nothing_is_announced_while_not_ready(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The heartbeat waits for the instance, and goes on by itself."""
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    await account.set_status("disconnected")
    await settle(hass, account)
    made = requests(account, "send-presence-available")
    for _ in range(5):
        await advance(hass, freezer, account, 20)
    assert requests(account, "send-presence-available") == made
    assert announced(hass) == STATE_ON

    await account.set_status("ready")
    await advance(hass, freezer, account, 20)
    assert requests(account, "send-presence-available") == made + 1


async def test_announcing_goes_on_after_a_restart(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What was on is on, and stops when the entry is unloaded."""
    mock_restore_cache(hass, [State(SWITCH, STATE_ON)])
    entry = await set_up(hass, account)
    assert announced(hass) == STATE_ON
    await advance(hass, freezer, account, 20)
    assert account.own_presence_calls == 1

    await hass.config_entries.async_unload(entry.entry_id)
    assert account.own_presence_calls == 2
    assert not account.available
    await advance(hass, freezer, account, 60)
    assert account.own_presence_calls == 2


async def test_disabled_switch_announces_nobody(
    hass: HomeAssistant,
    account: Account,
    entity_registry: er.EntityRegistry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What can't be switched off any more must not go on; a rename changes nothing."""
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    renamed = entity_registry.async_update_entity(SWITCH, new_entity_id="switch.loud")
    await settle(hass, account)
    await advance(hass, freezer, account, 20)
    assert account.available

    entity_registry.async_update_entity(
        renamed.entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    await settle(hass, account)
    await advance(hass, freezer, account, 1)
    assert not account.available
    made = account.own_presence_calls
    await advance(hass, freezer, account, 60)
    assert account.own_presence_calls == made


async def test_off_stays_off_after_a_restart(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What was off is off."""
    mock_restore_cache(hass, [State(SWITCH, STATE_OFF)])
    await set_up(hass, account)
    await advance(hass, freezer, account, 60)
    assert announced(hass) == STATE_OFF
    assert account.own_presence_calls == 0


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (200, "invalid_response"),
        (401, "authentication_failed"),
        (403, "not_allowed"),
        (404, "instance_not_found"),
        (409, "not_ready"),
        (429, "rate_limited"),
        (503, "cannot_connect"),
    ],
)
async def test_errors_are_told_in_the_users_language(
    hass: HomeAssistant, account: Account, simulator: Simulator, status: int, key: str
) -> None:
    """A switch that could not be used says why."""
    await set_up(hass, account)
    simulator.fail_next(status=status, body="No.", path="send-presence-available")
    with pytest.raises(HomeAssistantError) as err:
        await turn(hass, SERVICE_TURN_ON)
    assert (err.value.translation_domain, err.value.translation_key) == (DOMAIN, key)
    assert announced(hass) == STATE_OFF


async def test_turned_off_although_that_could_not_be_told(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The heartbeat ends in any case; it is taken back when the gateway takes it."""
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    failure = simulator.fail_next(1000, status=503, path="send-presence-unavailable")
    await turn(hass, SERVICE_TURN_OFF)
    assert announced(hass) == STATE_OFF
    for _ in range(20):
        await advance(hass, freezer, account, 60)
    assert 6 <= failure.seen <= 12
    assert account.available

    simulator.failures.remove(failure)
    await advance(hass, freezer, account, 300)
    assert not account.available
    assert account.own_presence_calls == 2


async def test_failing_heartbeat_has_the_instance_looked_at(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A heartbeat notices an outage before the next poll does."""
    await set_up(hass, account)
    await turn(hass, SERVICE_TURN_ON)
    failure = simulator.fail_next(100, status=503)
    await advance(hass, freezer, account, 20)
    assert failure.seen >= 2
    assert state(hass, "binary_sensor", "ready", None) == STATE_OFF
    assert announced(hass) == STATE_ON
