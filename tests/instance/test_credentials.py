"""A key that is refused, and the question for a new one."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.instance.credentials import Credentials
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from ..common import advance, chat, create_entry, requests, set_up, settle
from ..simulator import WaapiAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

MINUTE = 60


def asked(hass: HomeAssistant) -> list[Any]:
    """Return the questions for a new key."""
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_REAUTH
    ]


async def test_refused_key_is_tried_less_and_less(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Each minute at first, and whatever else happens, no sooner."""
    await set_up(hass, account)
    account.token = "an0ther"
    polls: list[int] = []
    for _ in range(40):
        before = requests(account, "/client/status")
        account.emit("disconnected", {"status": "disconnected"})
        await advance(hass, freezer, account, MINUTE)
        polls.append(requests(account, "/client/status") - before)
    assert polls[:5] == [1] * 5
    assert max(polls) == 1
    assert sum(polls[10:]) == 10


async def test_times_between_tries(hass: HomeAssistant, account: WaapiAccount) -> None:
    """They grow to a limit, and begin anew when the key was taken."""
    credentials = Credentials(hass, create_entry(account))
    minutes: list[float] = []
    for _ in range(9):
        credentials._refused_polls += 1
        minutes.append(credentials.interval / timedelta(minutes=1))
    assert minutes == [1, 1, 1, 1, 1, 1, 2, 3, 3]
    credentials.async_accept()
    assert not credentials.refused


async def reconfigure(hass: HomeAssistant, entry: Any) -> str:
    """Open the dialog; returns the flow's id."""
    flow = await entry.start_reconfigure_flow(hass)
    assert flow["type"] is FlowResultType.FORM
    flow_id: str = flow["flow_id"]
    return flow_id


async def test_question_waits_for_another_dialog(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """And comes as soon as that is closed."""
    entry = await set_up(hass, account)
    flow_id = await reconfigure(hass, entry)
    account.token = "an0ther"
    await advance(hass, freezer, account, MINUTE)
    assert asked(hass) == []
    hass.config_entries.flow.async_abort(flow_id)
    await settle(hass, account)
    assert len(asked(hass)) == 1


async def test_question_at_the_start_waits_as_well(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """An entry that could not be set up asks when the dialog is closed."""
    account.token = "an0ther"
    entry = create_entry(account, chat())
    account.token = "t0ken"
    entry.add_to_hass(hass)
    flow_id = await reconfigure(hass, entry)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert asked(hass) == []
    hass.config_entries.flow.async_abort(flow_id)
    await settle(hass, account)
    assert len(asked(hass)) == 1


async def test_dialog_that_brings_the_key_leaves_no_question(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """What was entered there is what would have been asked for."""
    entry = await set_up(hass, account)
    flow_id = await reconfigure(hass, entry)
    account.token = "an0ther"
    await advance(hass, freezer, account, MINUTE)
    result = await hass.config_entries.flow.async_configure(
        flow_id,
        {
            "api_token": "an0ther",
            "advanced": {"url": entry.data["url"]},
        },
    )
    assert result["reason"] == "reconfigure_successful"
    await settle(hass, account)
    assert asked(hass) == []
    assert entry.state is ConfigEntryState.LOADED


async def test_dialog_of_an_account_that_works_is_closed(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Nothing is asked for that nobody wants."""
    entry = await set_up(hass, account)
    hass.config_entries.flow.async_abort(await reconfigure(hass, entry))
    await settle(hass, account)
    assert asked(hass) == []


async def test_dialog_of_an_account_that_is_gone(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """It is closed with a reason, even if the gateway was being asked just then."""
    entry = await set_up(hass, account)
    flow_id = await reconfigure(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    result = await hass.config_entries.flow.async_configure(
        flow_id, {"advanced": {"url": account.simulator.url}}
    )
    assert (result["type"], result["reason"]) == ("abort", "account_removed")
    await hass.async_block_till_done()
