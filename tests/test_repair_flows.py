"""The repairs that a click can help with, as the front end goes through them."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    CLIENT_ID,
    MockConfigEntry,
    MockUser,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.presence.model import PresenceUpdate
from custom_components.whatsapp_presence.repairs import Issue, learn_more_url
from homeassistant.auth.models import Credentials
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    ENTRY_ID,
    TITLE,
    WEBHOOK_ID,
    activity,
    add_account,
    advance,
    anna,
    instance_of,
    online,
    requests,
    set_up,
    settle,
    state,
    subscriptions,
    until,
    webhook_url,
    webhook_urls,
)
from .simulator import Faults, Simulator, WaapiAccount

# What the user chooses at each gateway.
EVENTS_BY_HAND = {
    "waapi": ["presence_update", "ready", "disconnected"],
    "wawp": ["presence.update", "session.status"],
}

pytestmark = pytest.mark.usefixtures("repairs_component", "reachable", "unpaced")


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


@pytest.fixture
async def repairs_component(hass: HomeAssistant) -> None:
    """Set up the repairs, before the first client asks for anything."""
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
async def repairs(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    hass_admin_credential: Credentials,
) -> RepairDialog:
    """Return the dialog."""

    async def log_in() -> Any:
        # A token lives no longer than half an hour.
        refresh_token = await hass.auth.async_create_refresh_token(
            hass_admin_user, CLIENT_ID, credential=hass_admin_credential
        )
        return await hass_client(hass.auth.async_create_access_token(refresh_token))

    return RepairDialog(log_in)


class RepairDialog:
    """The front end's part of a repair."""

    def __init__(self, log_in: Callable[[], Awaitable[Any]]) -> None:
        """Speak to Home Assistant as an administrator, who logs in when it is time."""
        self._log_in = log_in
        self._client: Any = None
        self._flow_id = ""

    async def _post(self, path: str, data: dict[str, str]) -> dict[str, Any]:
        if self._client is None:
            self._client = await self._log_in()
        response = await self._client.post(f"/api/repairs/issues/fix{path}", json=data)
        assert response.status == HTTPStatus.OK
        result: dict[str, Any] = await response.json()
        return result

    async def open(self, issue: Issue) -> dict[str, Any]:
        """Open it; returns the form or the menu."""
        first = await self._post(
            "", {"handler": DOMAIN, "issue_id": f"{issue}_{ENTRY_ID}"}
        )
        assert first["type"] in (FlowResultType.FORM, FlowResultType.MENU)
        assert first["step_id"] == "confirm"
        self._flow_id = first["flow_id"]
        return first

    async def confirm(self, **fields: str) -> dict[str, Any]:
        """Click; returns how it ended."""
        return await self._post(f"/{self._flow_id}", fields)

    async def choose(self, option: str) -> dict[str, Any]:
        """Choose from the menu; returns what follows."""
        return await self.confirm(next_step_id=option)


def told(hass: HomeAssistant) -> dict[str | None, bool]:
    """Return what the user is told of, and whether a click can help."""
    return {
        issue.translation_key: bool(issue.is_fixable)
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
    }


async def lose_events(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Let no event arrive, while things happen that only a renewal tells."""
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    account.simulator.delivery.faults = Faults(lose=1.0)
    # Who shows online is renewed every five minutes, all others every twenty.
    for word, minutes in (("offline", 6), ("online", 14), ("offline", 6)):
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, minutes * 60)


async def test_silent_webhook_is_registered_anew(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A new registration takes the old one's place, and is trusted until proven bad."""
    entry = await set_up(hass, account)
    (before,) = account.webhooks
    await lose_events(hass, account, freezer)
    assert told(hass) == {Issue.WEBHOOK_SILENT: True}
    assert not instance_of(entry).delivery.push

    form = await repairs.open(Issue.WEBHOOK_SILENT)
    assert form["description_placeholders"] == {
        "instance": TITLE,
        "webhook_url": before["url"],
        "learn_more": learn_more_url(Issue.WEBHOOK_SILENT),
    }
    asked = subscriptions(account)
    result = await repairs.choose("again")
    assert result["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)

    (after,) = account.webhooks
    assert after["url"] == before["url"]
    assert after["id"] != before["id"]
    assert subscriptions(account) == asked + 1
    assert told(hass) == {}
    assert instance_of(entry).delivery.push

    account.simulator.delivery.faults = Faults()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"
    assert told(hass) == {}


async def test_webhook_that_stays_silent_is_told_again(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A click is no reason to look away."""
    await set_up(hass, account)
    await lose_events(hass, account, freezer)
    await repairs.open(Issue.WEBHOOK_SILENT)
    assert (await repairs.choose("again"))["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)
    assert told(hass) == {}

    for word in ("online", "offline", "online"):
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, 20 * 60)
    assert told(hass) == {Issue.WEBHOOK_SILENT: True}


@pytest.mark.parametrize("failure", [HTTPStatus.FORBIDDEN, HTTPStatus.BAD_GATEWAY])
async def test_silent_webhook_that_cannot_be_registered(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
    failure: HTTPStatus,
) -> None:
    """The problem stays, and the user is told to look at the gateway."""
    await set_up(hass, account)
    await lose_events(hass, account, freezer)
    await repairs.open(Issue.WEBHOOK_SILENT)
    account.simulator.fail_next(100, status=failure, path="/webhooks")
    result = await repairs.choose("again")
    assert result["type"] == FlowResultType.ABORT
    assert result["reason"] == "not_registered"
    assert told(hass)[Issue.WEBHOOK_SILENT]


async def test_silent_webhook_that_the_user_registers(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What Home Assistant may not register, it does not."""
    entry = await set_up(hass, account, options={"register_webhook": False})
    instance_of(entry).async_handle_events([PresenceUpdate(chat_id=ANNA, online=True)])
    await lose_events(hass, account, freezer)
    await repairs.open(Issue.WEBHOOK_SILENT)
    result = await repairs.choose("again")
    assert result["reason"] == "not_registered"
    assert account.webhooks == []
    assert told(hass) == {Issue.WEBHOOK_SILENT: True}


async def test_webhook_that_may_be_registered_after_all(
    hass: HomeAssistant, account: WaapiAccount, repairs: RepairDialog
) -> None:
    """Whoever has changed the token's rights need not wait for the next check."""
    account.quirks.scopes = frozenset({"read"})
    entry = await set_up(hass, account)
    assert told(hass) == {Issue.WEBHOOK_NOT_REGISTERED: True}

    form = await repairs.open(Issue.WEBHOOK_NOT_REGISTERED)
    assert form["description_placeholders"] == {
        "instance": TITLE,
        "webhook_url": f"{hass.config.external_url}/api/webhook/{WEBHOOK_ID}",
        "learn_more": learn_more_url(Issue.WEBHOOK_NOT_REGISTERED),
    }
    result = await repairs.choose("again")
    assert result["type"] == FlowResultType.ABORT
    assert result["reason"] == "not_registered"
    assert told(hass) == {Issue.WEBHOOK_NOT_REGISTERED: True}

    await repairs.open(Issue.WEBHOOK_NOT_REGISTERED)
    account.quirks.scopes = frozenset({"read", "update"})
    assert (await repairs.choose("again"))["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)
    assert len(account.webhooks) == 1
    assert told(hass) == {}
    assert instance_of(entry).delivery.push


@pytest.mark.parametrize("gateway", ["waapi", "wawp"])
async def test_webhook_that_the_user_enters(
    hass: HomeAssistant, simulator: Simulator, repairs: RepairDialog, gateway: str
) -> None:
    """The address is a field to copy; what was entered is not called a failure."""
    refusal = {"scopes": {"read"}} if gateway == "waapi" else {"plan": "free"}
    account = add_account(simulator, gateway, **refusal)
    entry = await set_up(hass, account)
    assert told(hass) == {Issue.WEBHOOK_NOT_REGISTERED: True}
    # From the time when it could be registered; what is entered from now on is not ours.
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_url": webhook_url(hass)}
    )

    menu = await repairs.open(Issue.WEBHOOK_NOT_REGISTERED)
    assert menu["menu_options"] == ["by_hand", "again"]
    form = await repairs.choose("by_hand")
    assert form["type"] == FlowResultType.FORM
    (field,) = form["data_schema"]
    assert field["default"] == webhook_url(hass)
    assert field["selector"]["text"]["multiline"]
    placeholders = form["description_placeholders"]
    first = {"waapi": "`presence_update`, `ready`", "wawp": "`presence.update`, "}
    assert placeholders["events"].startswith(first[gateway])
    assert f"{gateway}." in placeholders["page"]
    assert placeholders["learn_more"].endswith("#webhook_not_registered")

    account.add_webhook(webhook_url(hass), events=EVENTS_BY_HAND[gateway])
    asked = subscriptions(account)
    # Somebody may well have changed the field.
    result = await repairs.confirm(webhook_url="copied")
    assert result["type"] == FlowResultType.CREATE_ENTRY
    assert result["description"] == "entered"
    await settle(hass, account)
    assert told(hass) == {}
    assert entry.options["register_webhook"] is False
    assert subscriptions(account) > asked
    assert webhook_urls(account) == [webhook_url(hass)]

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert instance_of(entry).delivery.push
    assert activity(hass) == "typing"

    # Neither a better plan nor a restart takes it back.
    account.set_quirks(
        {"scopes": {"read", "update"}} if gateway == "waapi" else {"plan": "paid"}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]
    assert told(hass) == {}


async def test_silent_webhook_that_the_user_has_mended(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It stays registered by Home Assistant; what was missed before is forgotten."""
    entry = await set_up(hass, account)
    await lose_events(hass, account, freezer)
    await repairs.open(Issue.WEBHOOK_SILENT)
    await repairs.choose("by_hand")
    account.simulator.delivery.faults = Faults()
    assert (await repairs.confirm())["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)
    assert told(hass) == {}
    assert entry.options.get("register_webhook", True)
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert instance_of(entry).delivery.push
    assert activity(hass) == "typing"


async def silence(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> MockConfigEntry:
    """Set up an account that is told nothing for half an hour."""
    anna(account).has_data = False
    entry = await set_up(hass, account)
    for _ in range(4):
        await advance(hass, freezer, account, 8 * 60)
    return entry


async def test_announcing_where_nothing_arrives(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A click switches it on, and the switch shows it."""
    await silence(hass, account, freezer)
    assert told(hass) == {Issue.NOTHING_ARRIVES: True}
    form = await repairs.open(Issue.NOTHING_ARRIVES)
    assert form["type"] == FlowResultType.FORM
    placeholders = form["description_placeholders"]
    assert placeholders["learn_more"].endswith("#nothing_arrives")
    asked = subscriptions(account)
    assert (await repairs.confirm())["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)
    assert account.own_presence == "available"
    assert state(hass, "switch", "announce_online", None) == "on"
    assert subscriptions(account) > asked
    assert told(hass) == {}

    # If that is of no use, it is said again, half an hour later.
    await advance(hass, freezer, account, 20 * 60)
    assert told(hass) == {}
    await advance(hass, freezer, account, 11 * 60)
    assert told(hass) == {Issue.NOTHING_ARRIVES: True}


async def test_announcing_that_the_gateway_refuses(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The problem stays."""
    await silence(hass, account, freezer)
    await repairs.open(Issue.NOTHING_ARRIVES)
    account.simulator.fail_next(path="send-presence", status=HTTPStatus.FORBIDDEN)
    result = await repairs.confirm()
    assert result["type"] == FlowResultType.ABORT
    assert result["reason"] == "not_announced"
    assert state(hass, "switch", "announce_online", None) == "off"
    assert told(hass) == {Issue.NOTHING_ARRIVES: True}


async def test_instance_that_was_connected_again(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
) -> None:
    """A click asks how it stands; the chats come back with it."""
    await account.set_presence(anna(account), "online")
    await set_up(hass, account)
    await account.set_status("qr")
    await settle(hass, account)
    assert told(hass) == {Issue.INSTANCE_NOT_READY: True}
    assert online(hass) == "unavailable"

    form = await repairs.open(Issue.INSTANCE_NOT_READY)
    assert form["description_placeholders"] == {
        "instance": TITLE,
        "learn_more": learn_more_url(Issue.INSTANCE_NOT_READY),
    }
    asked = requests(account, "/client/status")
    result = await repairs.confirm()
    assert result["type"] == FlowResultType.ABORT
    assert result["reason"] == "still_not_ready"
    assert requests(account, "/client/status") == asked + 1
    assert told(hass) == {Issue.INSTANCE_NOT_READY: True}

    await repairs.open(Issue.INSTANCE_NOT_READY)
    account.status = "ready"
    asked = subscriptions(account)
    assert (await repairs.confirm())["type"] == FlowResultType.CREATE_ENTRY
    await settle(hass, account)
    assert subscriptions(account) == asked + 1
    assert online(hass) == "on"
    assert told(hass) == {}


async def test_entry_that_was_unloaded_meanwhile(
    hass: HomeAssistant, account: WaapiAccount, repairs: RepairDialog
) -> None:
    """There is nothing to ask, and no error."""
    account.status = "qr"
    entry = await set_up(hass, account)
    await repairs.open(Issue.INSTANCE_NOT_READY)
    assert await hass.config_entries.async_unload(entry.entry_id)
    result = await repairs.confirm()
    assert result["type"] == FlowResultType.ABORT
    assert result["reason"] == "still_not_ready"


async def test_others_have_nothing_to_click(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """What only the user can mend is told, no more."""
    await set_up(hass, account)
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        await hass.config.async_update(external_url=None)
        await settle(hass, account)
        account.quirks.trial_number = "33612345678"
        await advance(hass, freezer, account, 20 * 60)
    assert told(hass) == {Issue.NO_PUBLIC_URL: False, Issue.CHAT_REFUSED: False}


async def test_dialog_whose_account_is_gone(
    hass: HomeAssistant, account: WaapiAccount, repairs: RepairDialog
) -> None:
    """It ends with a reason; the problem itself is told no longer."""
    account.status = "qr"
    entry = await set_up(hass, account)
    await repairs.open(Issue.INSTANCE_NOT_READY)
    assert await hass.config_entries.async_remove(entry.entry_id)
    result = await repairs.confirm()
    assert (result["type"], result["reason"]) == ("abort", "account_removed")
    assert told(hass) == {}


async def test_account_that_is_removed_while_it_is_looked_at(
    hass: HomeAssistant, account: WaapiAccount, repairs: RepairDialog
) -> None:
    """What is answered then is told to nobody."""
    account.status = "qr"
    entry = await set_up(hass, account)
    await repairs.open(Issue.INSTANCE_NOT_READY)
    made, hold = len(account.simulator.requests), asyncio.Event()
    account.simulator.fail_next(hold=hold)
    clicked = hass.async_create_task(repairs.confirm())
    await until(lambda: len(account.simulator.requests) > made)
    assert await hass.config_entries.async_remove(entry.entry_id)
    hold.set()
    assert (await clicked)["type"] == "abort"
    assert told(hass) == {}


async def test_account_that_is_removed_while_it_is_announced(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody waits any more for what will never arrive."""
    entry = await silence(hass, account, freezer)
    await repairs.open(Issue.NOTHING_ARRIVES)
    hold = asyncio.Event()
    account.simulator.fail_next(hold=hold, path="send-presence-available")
    clicked = hass.async_create_task(repairs.confirm())
    await until(lambda: requests(account, "send-presence-available"))
    assert await hass.config_entries.async_remove(entry.entry_id)
    hold.set()
    assert (await clicked)["type"] == "abort"
    assert not account.available
    for _ in range(4):
        await advance(hass, freezer, account, 10 * 60)
    assert told(hass) == {}


async def test_dialog_whose_problem_has_gone(
    hass: HomeAssistant,
    account: WaapiAccount,
    repairs: RepairDialog,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its texts go on to name what they are about."""
    await set_up(hass, account)
    await lose_events(hass, account, freezer)
    await repairs.open(Issue.WEBHOOK_SILENT)
    account.simulator.delivery.faults = Faults()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert told(hass) == {}
    form = await repairs.choose("by_hand")
    assert form["description_placeholders"]["instance"] == TITLE
    assert form["data_schema"][0]["default"] == webhook_url(hass)
