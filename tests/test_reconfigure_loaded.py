"""New credentials for an entry that is in use."""

import pytest

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .common import add_account, online, set_up, settle
from .simulator import Simulator

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")


async def test_new_token_is_used_at_once(
    hass: HomeAssistant, simulator: Simulator
) -> None:
    """The entry is loaded anew by its own listener, and once."""
    account = add_account(simulator)
    entry = await set_up(hass, account)
    account.token = "an0ther"

    result = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        result["flow_id"],
        {"api_token": "an0ther", "advanced": {"url": entry.data["url"]}},
    )
    await settle(hass, account)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["api_token"] == "an0ther"
    assert entry.state is ConfigEntryState.LOADED
    assert online(hass) == "off"
