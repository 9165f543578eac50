"""The webhook: its registration at the gateways, and what it answers to whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
import gzip
import hashlib
import hmac
from http import HTTPStatus
from io import BytesIO
import json
import logging
from typing import Any
from unittest.mock import AsyncMock, MagicMock, patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from yarl import URL

from custom_components.whatsapp_presence.const import DOMAIN, MAX_WEBHOOK_BODY
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.components import cloud
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.setup import async_setup_component

from .common import (
    ANNA,
    ENTRY_ID,
    TITLE,
    WEBHOOK_ID,
    Writes,
    activity,
    add_account,
    advance,
    anna,
    chat,
    chat_of,
    create_entry,
    entity_id,
    instance_of,
    online,
    requests,
    set_up,
    settle,
    subscriptions,
)
from .simulator import Account, Faults, Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

PATH = f"/api/webhook/{WEBHOOK_ID}"
ELSEWHERE = "https://elsewhere.example/hook"
HOOK = "https://hooks.example/secret-of-the-cloud"
SNAPSHOT = {
    "waapi": "/client/action/get-chat-presence-snapshot",
    "wawp": f"/v2/presence/{ANNA}",
}
CHECK = 15 * 60


@pytest.fixture(autouse=True)
async def websocket_api(hass: HomeAssistant) -> None:
    """Set up what relays webhooks, before there is a client."""
    assert await async_setup_component(hass, "websocket_api", {})


@pytest.fixture(params=["waapi", "wawp"])
def account(simulator: Simulator, request: pytest.FixtureRequest) -> Account:
    """Return an account at each of the gateways that know webhooks."""
    return add_account(simulator, request.param)


@pytest.fixture
def waapi(simulator: Simulator) -> WaapiAccount:
    """Return an account at WaAPI."""
    account = add_account(simulator)
    assert isinstance(account, WaapiAccount)
    return account


@pytest.fixture
def wawp(simulator: Simulator) -> WawpAccount:
    """Return an account at Wawp."""
    account = add_account(simulator, "wawp")
    assert isinstance(account, WawpAccount)
    return account


@pytest.fixture
def far_away() -> Generator[None]:
    """Let the gateway be on the internet, as the vendors' own are."""
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        yield


def url_of(hass: HomeAssistant) -> str:
    """Return the webhook's address."""
    return f"{hass.config.external_url}{PATH}"


def add_ours(account: Account, url: str, **fields: Any) -> None:
    """Let a webhook be registered as the integration does."""
    if isinstance(account, WaapiAccount):
        account.create_webhook(
            url,
            [
                "presence_update",
                "ready",
                "disconnected",
                "auth_failure",
                "change_state",
                "qr",
            ],
            source="api",
        )
    else:
        account.add_webhook(url)


def switch_off(account: Account, url: str) -> None:
    """Let the gateway switch a webhook off."""
    if isinstance(account, WaapiAccount):
        found = account.find_webhook(url)
        assert found is not None
        account.set_webhook_active(found["id"], False)
    else:
        assert isinstance(account, WawpAccount)
        account.overwrite_webhooks(
            [
                {**hook, "is_active": hook["is_active"] and hook["url"] != url}
                for hook in account.webhooks
            ]
        )


def is_active(hook: Mapping[str, Any]) -> bool:
    """Return whether a webhook is on."""
    active: bool = hook.get("isActive", hook.get("is_active"))
    return active


def urls(account: Account) -> list[str]:
    """Return the registered addresses."""
    return [hook["url"] for hook in account.webhooks]


def writes(account: Account) -> int:
    """Return how often the registered webhooks were changed."""
    return sum(
        request.method in ("POST", "DELETE") and "webhook" in request.path
        for request in account.simulator.requests
    )


def listings(account: Account) -> int:
    """Return how often the registered webhooks were looked at."""
    return sum(
        request.method == "GET" and "webhook" in request.path
        for request in account.simulator.requests
    )


def issue(hass: HomeAssistant, key: Issue) -> ir.IssueEntry | None:
    """Return a repair issue, if the user is told of it."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{ENTRY_ID}")


def polls(account: Account) -> int:
    """Return how often the chat was asked for without renewing."""
    asked = requests(account, SNAPSHOT[account.gateway])
    # Wawp's subscribing is followed by a look.
    return asked if account.gateway == "waapi" else asked - subscriptions(account)


# ----------------------------------------------------------------- registration


async def test_webhook_is_registered(hass: HomeAssistant, account: Account) -> None:
    """One webhook, at the public address, switched on, for what is needed."""
    entry = await set_up(hass, account)
    (hook,) = account.webhooks
    assert hook["url"] == url_of(hass)
    assert is_active(hook)
    assert {"presence_update", "presence.update"} & set(hook["events"])
    assert entry.data["webhook_url"] == url_of(hass)
    assert instance_of(entry).delivery.push
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"


async def test_what_is_registered_is_kept(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Neither a restart nor the periodic check changes anything that is right."""
    add_ours(account, url_of(hass))
    before = account.webhooks
    await set_up(hass, account)
    await advance(hass, freezer, account, CHECK)
    await advance(hass, freezer, account, CHECK)
    assert account.webhooks == before
    assert writes(account) == 0
    assert listings(account) == 3


async def test_doubles_are_dropped(hass: HomeAssistant, account: Account) -> None:
    """Of several of ours the right one stays, once; others' stay as they are."""
    account.add_webhook(ELSEWHERE)
    add_ours(account, f"https://old.example{PATH}")
    add_ours(account, url_of(hass))
    add_ours(account, f"https://older.example{PATH}")
    add_ours(account, url_of(hass))
    await set_up(hass, account)
    assert sorted(urls(account)) == sorted([url_of(hass), ELSEWHERE])


async def test_new_external_url_replaces_the_old_one(
    hass: HomeAssistant, account: Account
) -> None:
    """The old address is dropped, and the entry is not reloaded for that."""
    entry = await set_up(hass, account)
    instance, old = instance_of(entry), url_of(hass)
    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await async_process_ha_core_config(hass, {"external_url": moved})
    await hass.config.async_update(external_url=moved)
    await settle(hass, account)
    assert url_of(hass) != old
    assert urls(account) == [url_of(hass)]
    assert entry.data["webhook_url"] == url_of(hass)
    assert instance_of(entry) is instance

    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON


async def test_other_settings_do_not_matter(
    hass: HomeAssistant, account: Account
) -> None:
    """That the house has moved is of no interest to the gateway."""
    await set_up(hass, account)
    looked = listings(account)
    await hass.config.async_update(latitude=1.0, longitude=2.0)
    await settle(hass, account)
    assert listings(account) == looked


async def test_webhook_that_was_switched_off_is_replaced(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The periodic check finds it; no restart is needed."""
    await set_up(hass, account)
    switch_off(account, url_of(hass))
    assert not is_active(account.webhooks[0])
    await advance(hass, freezer, account, CHECK)
    (hook,) = account.webhooks
    assert hook["url"] == url_of(hass)
    assert is_active(hook)


async def test_webhook_that_was_deleted_is_registered_again(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The same for one that is gone."""
    await set_up(hass, account)
    account.remove_webhook(url_of(hass))
    await advance(hass, freezer, account, CHECK)
    assert urls(account) == [url_of(hass)]


async def test_webhook_without_the_events_is_replaced(
    hass: HomeAssistant, waapi: WaapiAccount
) -> None:
    """One that somebody registered with too few events is no good."""
    waapi.create_webhook(url_of(hass), ["message"], source="api")
    await set_up(hass, waapi)
    (hook,) = waapi.webhooks
    assert {"presence_update", "ready"} <= set(hook["events"])


async def test_what_is_the_users_own_is_never_touched(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Through registration, a move, the check and removal."""
    fields = (
        {"note": "mine", "is_active": False, "headers": {"x": ["y", None]}}
        if account.gateway == "wawp"
        else {"events": ["message"]}
    )
    account.add_webhook(ELSEWHERE, **fields)
    account.add_webhook("https://elsewhere.example/api/webhook/anothers")
    if isinstance(account, WaapiAccount):
        account.own_webhook = {"url": "https://own.example", "events": ["message"]}
    before = account.user_webhooks
    await set_up(hass, account)
    assert len(account.webhooks) == 3
    assert account.user_webhooks == before

    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await hass.config.async_update(external_url=moved)
    await settle(hass, account)
    switch_off(account, url_of(hass))
    await advance(hass, freezer, account, CHECK)
    assert account.user_webhooks == before
    await hass.config_entries.async_remove(ENTRY_ID)
    assert account.webhooks == before
    if isinstance(account, WaapiAccount):
        assert account.own_webhook == {
            "url": "https://own.example",
            "events": ["message"],
        }


# ------------------------------------------------------- what is not registered


async def test_free_plan_has_the_user_register(
    hass: HomeAssistant,
    wawp: WawpAccount,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The user is told the address; until an event comes, chats are polled."""
    wawp.quirks.plan = "free"
    entry = await set_up(hass, wawp)
    found = issue(hass, Issue.WEBHOOK_NOT_REGISTERED)
    assert found is not None
    assert found.translation_placeholders == {
        "instance": TITLE,
        "webhook_url": url_of(hass),
    }
    assert not instance_of(entry).delivery.push
    before = polls(wawp)
    for _ in range(4):
        await advance(hass, freezer, wawp, 30)
    assert polls(wawp) >= before + 3

    # The user pastes it in the dashboard: nothing more is needed.
    wawp.add_webhook(url_of(hass))
    await wawp.set_presence(anna(wawp), "online")
    await settle(hass, wawp)
    assert online(hass) == STATE_ON
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    assert instance_of(entry).delivery.push
    before = polls(wawp)
    for _ in range(4):
        await advance(hass, freezer, wawp, 30)
    assert polls(wawp) == before
    # Nor does the next refusal bring the issue back.
    await advance(hass, freezer, wawp, CHECK)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


def _no_scope(account: WaapiAccount) -> None:
    account.quirks.scopes = frozenset({"read"})


def _no_room(account: WaapiAccount) -> None:
    for number in range(25):
        account.add_webhook(f"{ELSEWHERE}/{number}")


@pytest.mark.parametrize("prepare", [_no_scope, _no_room])
async def test_refused_webhook_is_told(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    freezer: FrozenDateTimeFactory,
    prepare: Callable[[WaapiAccount], None],
) -> None:
    """The same at WaAPI, for a token that may not or a list that is full."""
    prepare(waapi)
    own = waapi.user_webhooks
    await set_up(hass, waapi)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is not None
    assert waapi.webhooks == own

    # Mended by the user, it is registered at the next check.
    waapi.quirks.scopes = frozenset({"read", "update"})
    waapi.remove_webhook(f"{ELSEWHERE}/0")
    await advance(hass, freezer, waapi, CHECK)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    assert url_of(hass) in urls(waapi)


def _refuse(account: Account) -> None:
    """Let the webhooks be the user's own business from now on."""
    if isinstance(account, WawpAccount):
        account.quirks.plan = "free"
    else:
        assert isinstance(account, WaapiAccount)
        account.quirks.scopes = frozenset({"read"})


async def test_new_address_that_is_refused_is_told_at_once_and_chats_are_polled(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """What is registered at the gateway leads nowhere now."""
    account.quirks.events_under_lid = False
    entry = await set_up(hass, account)
    assert instance_of(entry).delivery.push
    _refuse(account)

    await hass.config.async_update(external_url="https://new.example")
    await settle(hass, account)
    found = issue(hass, Issue.WEBHOOK_NOT_REGISTERED)
    assert found is not None
    assert found.translation_placeholders == {
        "instance": TITLE,
        "webhook_url": f"https://new.example{PATH}",
    }
    assert not instance_of(entry).delivery.push
    account.simulator.delivery.faults = Faults(lose=1.0)
    await account.set_presence(anna(account), "online")
    await advance(hass, freezer, account, 31)
    assert online(hass) == STATE_ON

    account.simulator.delivery.faults = Faults()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert instance_of(entry).delivery.push
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


async def test_webhook_to_be_registered_by_hand_that_never_was_is_told(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Polls see what no event tells; the user forgot, or the address has changed."""
    account.quirks.events_under_lid = False
    account.simulator.delivery.faults = Faults(lose=1.0)
    await set_up(hass, account, options={"register_webhook": False})
    assert account.webhooks == []
    word = "offline"
    for _ in range(10):
        assert issue(hass, Issue.WEBHOOK_SILENT) is None
        word = "online" if word == "offline" else "offline"
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, 31)
        assert online(hass) == (STATE_ON if word == "online" else STATE_OFF)
    found = issue(hass, Issue.WEBHOOK_SILENT)
    assert found is not None
    assert found.translation_placeholders == {
        "instance": TITLE,
        "webhook_url": url_of(hass),
    }

    add_ours(account, url_of(hass))
    account.simulator.delivery.faults = Faults()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is None


@pytest.mark.usefixtures("far_away")
async def test_no_public_url(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The user is told, and chats are asked every 30 s until there is an address."""
    account.quirks.events_under_lid = False
    url = hass.config.external_url
    hass.config.external_url = None
    hass.config.internal_url = "http://192.168.1.5:8123"
    entry = await set_up(hass, account)
    found = issue(hass, Issue.NO_PUBLIC_URL)
    assert found is not None
    assert found.translation_placeholders == {"instance": TITLE}
    assert account.webhooks == []
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await account.set_presence(anna(account), "online")
    before = polls(account)
    for _ in range(10):
        await advance(hass, freezer, account, 30)
    # Five minutes: one of the ten may have been a renewal.
    assert 8 <= polls(account) - before <= 10
    assert online(hass) == STATE_ON

    await hass.config.async_update(external_url=url)
    await settle(hass, account)
    assert issue(hass, Issue.NO_PUBLIC_URL) is None
    assert urls(account) == [url_of(hass)]
    assert instance_of(entry).delivery.push

    # It may be lost as well; what leads nowhere does not stay registered.
    await hass.config.async_update(external_url=None)
    await settle(hass, account)
    assert issue(hass, Issue.NO_PUBLIC_URL) is not None
    assert account.webhooks == []
    assert "webhook_url" not in entry.data
    assert not instance_of(entry).delivery.push

    # Nobody waits for the renewal that was due later.
    await account.set_presence(anna(account), "offline")
    await advance(hass, freezer, account, 31)
    assert online(hass) == STATE_OFF


async def test_internal_url_will_do_for_a_gateway_in_the_house(
    hass: HomeAssistant, account: Account
) -> None:
    """What runs on this machine needs no public address."""
    hass.config.internal_url = hass.config.external_url
    hass.config.external_url = None
    await set_up(hass, account)
    assert issue(hass, Issue.NO_PUBLIC_URL) is None
    assert urls(account) == [f"{hass.config.internal_url}{PATH}"]

    await hass.config.async_update(internal_url="http://192.168.1.5:8123")
    await settle(hass, account)
    assert urls(account) == [f"http://192.168.1.5:8123{PATH}"]


async def test_failed_registration_is_tried_again(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After 30 s, a minute, two; the third failure is told, for events are missed."""
    failure = simulator.fail_next(4, status=500, path="webhook")
    await set_up(hass, account)
    assert failure.seen == 1
    await advance(hass, freezer, account, 31)
    assert failure.seen == 2
    await advance(hass, freezer, account, 31)
    assert failure.seen == 2
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    await advance(hass, freezer, account, 30)
    assert failure.seen == 3
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is not None
    await advance(hass, freezer, account, 121)
    assert failure.seen == 4
    await advance(hass, freezer, account, 301)
    assert urls(account) == [url_of(hass)]
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    # What went wrong is forgotten: the next failure begins anew.
    failure = simulator.fail_next(status=500, path="webhook")
    account.remove_webhook(url_of(hass))
    await advance(hass, freezer, account, CHECK)
    assert urls(account) == []
    await advance(hass, freezer, account, 31)
    assert urls(account) == [url_of(hass)]


async def test_half_a_registration_is_completed(
    hass: HomeAssistant, waapi: WaapiAccount, simulator: Simulator
) -> None:
    """A pass that failed between deleting and creating is made again from the start."""
    add_ours(waapi, f"https://old.example{PATH}")
    listed = {"data": waapi.webhooks}
    simulator.fail_next(status=200, body=listed, path="/webhooks")
    simulator.fail_next(status=204, path="/webhooks/")
    failure = simulator.fail_next(status=500, path="/webhooks")
    entry = await set_up(hass, waapi)
    assert failure.seen == 1
    entry.runtime_data.webhook.async_reconcile_soon()
    await settle(hass, waapi)
    assert urls(waapi) == [url_of(hass)]


async def test_refused_credentials_are_not_the_webhooks_business(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It tries again later, and lets the instance's own poll ask the user."""
    simulator.fail_next(2, status=401, path="webhook")
    await set_up(hass, account)
    assert account.webhooks == []
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    assert hass.config_entries.flow.async_progress() == []
    await advance(hass, freezer, account, 31)
    await advance(hass, freezer, account, 61)
    assert urls(account) == [url_of(hass)]


async def test_nothing_is_tried_after_unloading(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Neither the retry nor the check outlives the entry."""
    simulator.fail_next(status=500, path="webhook")
    await set_up(hass, account)
    await hass.config_entries.async_unload(ENTRY_ID)
    looked = listings(account)
    await advance(hass, freezer, account, CHECK)
    await hass.config.async_update(external_url="http://localhost:1")
    await settle(hass, account)
    assert listings(account) == looked


async def test_option_not_to_register(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Off, what was registered is taken back; on, it is registered again."""
    account.add_webhook(ELSEWHERE)
    own = account.user_webhooks
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    assert len(account.webhooks) == 2

    hass.config_entries.async_update_entry(entry, options={"register_webhook": False})
    await settle(hass, account)
    assert account.webhooks == own
    assert "webhook_url" not in entry.data
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    assert not instance.delivery.push
    await advance(hass, freezer, account, CHECK)
    assert account.webhooks == own

    # Registered by hand, it works as well, and is not taken for ours to take back.
    add_ours(account, url_of(hass))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert instance.delivery.push
    await advance(hass, freezer, account, CHECK)
    assert url_of(hass) in urls(account)

    hass.config_entries.async_update_entry(entry, options={"register_webhook": True})
    await settle(hass, account)
    assert sorted(urls(account)) == sorted([url_of(hass), ELSEWHERE])
    assert entry.data["webhook_url"] == url_of(hass)
    assert instance_of(entry) is instance


async def test_taking_back_is_tried_again(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A gateway that can't be asked just then is asked again."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=500, path="webhook")
    hass.config_entries.async_update_entry(entry, options={"register_webhook": False})
    await settle(hass, account)
    assert urls(account) == [url_of(hass)]
    await advance(hass, freezer, account, 31)
    assert account.webhooks == []


# ------------------------------------------------------------------- cloudhooks


@dataclass
class Cloud:
    """A Home Assistant Cloud that comes and goes."""

    hass: HomeAssistant
    subscribed: bool = True
    connected: bool = True
    create: AsyncMock = field(default_factory=lambda: AsyncMock(return_value=HOOK))
    delete: AsyncMock = field(default_factory=AsyncMock)

    def tell(self, *, subscribed: bool, connected: bool) -> None:
        """Change how the cloud stands, and tell of it as it does."""
        self.subscribed, self.connected = subscribed, connected
        async_dispatcher_send(
            self.hass,
            cloud.SIGNAL_CLOUD_CONNECTION_STATE,
            cloud.CloudConnectionState.CLOUD_CONNECTED
            if connected
            else cloud.CloudConnectionState.CLOUD_DISCONNECTED,
        )

    def tell_hooks(self, hooks: dict[str, Any]) -> None:
        """Tell which cloudhooks there are."""
        async_dispatcher_send(self.hass, cloud._SIGNAL_CLOUDHOOKS_UPDATED, hooks)


@pytest.fixture
def clouds(hass: HomeAssistant) -> Generator[Cloud]:
    """Return a cloud with a subscription, and connected."""
    there = Cloud(hass)
    prefix = "homeassistant.components.cloud.async_"
    with ExitStack() as stack:
        for name, stand_in in (
            ("active_subscription", lambda hass: there.subscribed),
            ("is_connected", lambda hass: there.connected),
            ("get_or_create_cloudhook", there.create),
            ("delete_cloudhook", there.delete),
        ):
            stack.enter_context(patch(f"{prefix}{name}", stand_in))
        yield there


async def test_cloudhook_is_preferred(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """It needs no open port; it is created once, and deleted with the entry."""
    entry = await set_up(hass, account)
    assert urls(account) == [HOOK]
    assert entry.data["cloudhook_url"] == HOOK
    clouds.create.assert_awaited_once_with(hass, WEBHOOK_ID)

    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert urls(account) == [HOOK]
    clouds.create.assert_awaited_once()

    await hass.config_entries.async_remove(ENTRY_ID)
    clouds.delete.assert_awaited_once_with(hass, WEBHOOK_ID)
    assert account.webhooks == []


async def test_cloudhook_that_comes_later(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """A new subscription to the cloud takes the place of the external URL."""
    clouds.subscribed = clouds.connected = False
    entry = await set_up(hass, account)
    instance = instance_of(entry)
    assert urls(account) == [url_of(hass)]
    clouds.tell(subscribed=True, connected=True)
    await settle(hass, account)
    assert urls(account) == [HOOK]
    assert instance_of(entry) is instance

    # A connection that is lost for a while changes nothing: the hook outlives it.
    looked = listings(account)
    clouds.tell(subscribed=True, connected=False)
    await settle(hass, account)
    assert urls(account) == [HOOK]
    assert listings(account) == looked
    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert urls(account) == [HOOK]
    clouds.create.assert_awaited_once()

    # One that ends with the subscription does.
    clouds.tell(subscribed=False, connected=False)
    await settle(hass, account)
    assert urls(account) == [url_of(hass)]


async def test_cloudhook_that_the_user_deletes(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """It is taken from the gateway too, and a new one gets its place."""
    entry = await set_up(hass, account)
    assert urls(account) == [HOOK]
    clouds.create.return_value = f"{HOOK}-2"
    clouds.tell_hooks({"somebody-elses": {"cloudhook_url": "https://hooks.example/b"}})
    await settle(hass, account)
    assert urls(account) == [f"{HOOK}-2"]
    assert entry.data["cloudhook_url"] == f"{HOOK}-2"

    clouds.subscribed = False
    clouds.tell_hooks({})
    await settle(hass, account)
    assert urls(account) == [url_of(hass)]
    assert "cloudhook_url" not in entry.data


async def test_cloudhook_that_was_changed(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """The cloud may give the hook another address."""
    entry = await set_up(hass, account)
    clouds.tell_hooks({WEBHOOK_ID: {"cloudhook_url": f"{HOOK}-3"}})
    await settle(hass, account)
    assert urls(account) == [f"{HOOK}-3"]
    assert entry.data["cloudhook_url"] == f"{HOOK}-3"


@pytest.mark.parametrize(
    "error",
    [
        cloud.CloudNotAvailable,
        ValueError,
        TimeoutError,
        type("CloudApiError", (Exception,), {}),
    ],
)
async def test_cloud_that_fails(
    hass: HomeAssistant,
    account: Account,
    clouds: Cloud,
    freezer: FrozenDateTimeFactory,
    error: type[Exception],
) -> None:
    """Meanwhile the external URL serves; the entry can be removed without the cloud."""
    clouds.create.side_effect = error
    await set_up(hass, account)
    assert urls(account) == [url_of(hass)]
    clouds.create.side_effect = None
    await advance(hass, freezer, account, 31)
    assert urls(account) == [HOOK]

    clouds.delete.side_effect = error
    await hass.config_entries.async_remove(ENTRY_ID)
    assert hass.config_entries.async_entries(DOMAIN) == []
    assert account.webhooks == []


async def test_cloud_that_is_not_connected_yet(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """At a start the cloud is often late; a hook is made when it is there."""
    clouds.connected = False
    await set_up(hass, account)
    assert urls(account) == [url_of(hass)]
    clouds.create.assert_not_awaited()
    clouds.tell(subscribed=True, connected=True)
    await settle(hass, account)
    assert urls(account) == [HOOK]


# ---------------------------------------------------------------- what is answered


def body_of(account: Account, state: str = "online", **fields: Any) -> bytes:
    """Return an event that tells of Anna."""
    event: dict[str, Any]
    if account.gateway == "waapi":
        event = {
            "event": "presence_update",
            "instanceId": int(account.instance_id),
            "data": {
                "presence": {
                    "id": ANNA,
                    "isOnline": state != "offline",
                    "chatstate": "available" if state == "online" else state,
                    "hasData": True,
                }
            },
            **fields,
        }
    else:
        event = {
            "id": "evt_1",
            "timestamp": 1_900_000_000_000,
            "session": "default",
            "event": "presence.update",
            "payload": {
                "id": ANNA,
                "presences": [{"participant": ANNA, "lastKnownPresence": state}],
            },
            **fields,
        }
    return json.dumps(event).encode()


async def post(
    hass: HomeAssistant,
    data: Any,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> int:
    """Send a body to the webhook over HTTP; returns the status of the answer."""
    async with async_get_clientsession(hass).request(
        method, url_of(hass), data=data, headers=headers
    ) as response:
        return response.status


async def in_chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    """Send a body without telling its length."""
    for chunk in chunks:
        yield chunk


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the integration has logged, at any level but debug."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.whatsapp_presence")
        and record.levelno > logging.DEBUG
    ]


async def test_event_is_answered_and_applied(
    hass: HomeAssistant, account: Account
) -> None:
    """With 200, whatever kind of text it says it is."""
    await set_up(hass, account)
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    away = body_of(account, "offline", id="evt_2")
    assert await post(hass, away, headers=form) == HTTPStatus.OK
    assert online(hass) == STATE_OFF
    again = body_of(account, "typing", id="evt_3")
    assert await post(hass, in_chunks(again[:5], again[5:])) == HTTPStatus.OK
    assert activity(hass) == "typing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"no JSON",
        b"<xml/>",
        b"null",
        b"42",
        b'"text"',
        b"[]",
        b"{}",
        b'{"event": 1}',
        b'{"event": null, "data": {}}',
        b'{"data": {"presence": {}}}',
        b"[" * 10_000,
        b'{"event": "ready"',
    ],
)
async def test_what_is_no_event_is_refused(
    hass: HomeAssistant,
    account: Account,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
) -> None:
    """With 400, each time; the log tells it once, and changes nothing."""
    await set_up(hass, account)
    written = Writes(hass)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, body) == HTTPStatus.BAD_REQUEST
    assert told(caplog) == [
        "A webhook's body was no event of the gateway; it was refused (told once)"
    ]
    assert written.states == []
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON


@pytest.mark.parametrize(
    "body",
    [
        {"event": "message", "instanceId": 12345, "data": {"body": "hello"}},
        {"event": "never_heard_of"},
        {"event": "presence_update", "instanceId": 54321, "data": {"id": ANNA}},
        {"event": "presence_update", "instanceId": "54321", "data": {"id": ANNA}},
        {"event": "ready", "instanceId": 54321},
        {"event": "presence_update", "instanceId": 12345},
        {"event": "presence_update", "instanceId": 12345, "data": {"presence": None}},
        {"event": "presence_update", "instanceId": 12345, "data": {"id": "x@y"}},
        {"event": "presence_update", "instanceId": 12345, "data": [1, 2]},
        {
            "event": "presence_update",
            "instanceId": 12345,
            "data": {"id": "4930123456@c.us", "isOnline": True, "hasData": True},
        },
    ],
)
async def test_what_is_of_no_interest_is_accepted(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """With 200, lest the gateway sends it again; no state changes."""
    await set_up(hass, waapi)
    written = Writes(hass)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, json.dumps(body)) == HTTPStatus.OK
    await settle(hass, waapi)
    assert online(hass) == STATE_OFF
    assert {one for one, _ in written.states} <= {
        entity_id(hass, "binary_sensor", "ready", None)
    }
    assert len(told(caplog)) <= 1
    for private in (ANNA.partition("@")[0], "4930123456", "hello", WEBHOOK_ID):
        assert private not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        {"event": "message", "session": "default", "payload": {"body": "hello"}},
        {"event": "presence.update", "payload": None},
        {"event": "presence.update", "payload": {"id": ANNA, "presences": []}},
        {"event": "presence.update", "payload": {"id": ANNA, "presences": "x"}},
        {"event": "presence.update", "payload": {"chatId": ANNA, "type": "dancing"}},
        {"event": "session.status", "payload": None},
    ],
)
async def test_what_is_of_no_interest_is_accepted_of_wawp(
    hass: HomeAssistant,
    wawp: WawpAccount,
    caplog: pytest.LogCaptureFixture,
    body: dict[str, Any],
) -> None:
    """The same in Wawp's dialect."""
    await set_up(hass, wawp)
    caplog.clear()
    for _ in range(3):
        assert await post(hass, json.dumps(body)) == HTTPStatus.OK
    await settle(hass, wawp)
    assert online(hass) == STATE_OFF
    assert len(told(caplog)) <= 1
    for private in (ANNA.partition("@")[0], "hello", "dancing", WEBHOOK_ID):
        assert private not in "\n".join(told(caplog))


def padded(account: Account, size: int) -> bytes:
    """Return an event of exactly so many bytes."""
    body = body_of(account)
    return body + b" " * (size - len(body))


async def test_limit_of_a_body(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """256 KiB are read; one byte more is refused with 413, told or not."""
    await set_up(hass, account)
    caplog.clear()
    assert await post(hass, padded(account, MAX_WEBHOOK_BODY)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    too_large = body_of(account, "offline", id="evt_2")
    too_large += b" " * (MAX_WEBHOOK_BODY + 1 - len(too_large))
    for body in (
        too_large,
        in_chunks(too_large),
        in_chunks(too_large[:-1], b" "),
        in_chunks(*[b" " * 65536] * 16),
        BytesIO(too_large * 8),
    ):
        assert await post(hass, body) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    whole = padded(account, MAX_WEBHOOK_BODY)
    assert await post(hass, in_chunks(whole[:100], whole[100:])) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    assert told(caplog) == [
        "A webhook's body was too large; it was refused (told once)"
    ]


async def test_body_that_says_it_is_too_large_is_refused_unread(
    hass: HomeAssistant, account: Account
) -> None:
    """Not a byte of it is waited for."""
    await set_up(hass, account)
    body = MagicMock(side_effect=AssertionError("it was read"))
    request = MagicMock(method="POST", content_length=MAX_WEBHOOK_BODY + 1)
    request.content.read = body
    answer = await async_handle_webhook(hass, WEBHOOK_ID, request)
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body.assert_not_called()


async def test_compressed_body_is_limited_by_what_is_in_it(
    hass: HomeAssistant, account: Account
) -> None:
    """A small body that unpacks to a large one is a large one."""
    await set_up(hass, account)
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(padded(account, MAX_WEBHOOK_BODY))
    assert await post(hass, body, headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    for size in (MAX_WEBHOOK_BODY + 1, 64 * MAX_WEBHOOK_BODY):
        body = gzip.compress(b" " * size)
        assert len(body) < MAX_WEBHOOK_BODY
        assert (
            await post(hass, body, headers=headers)
            == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        )


async def test_body_that_can_not_be_unpacked(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused like all that makes no sense."""
    await set_up(hass, account)
    caplog.clear()
    # aiohttp hangs up after that; another request has to come by another connection.
    headers = {"Content-Encoding": "gzip", "Connection": "close"}
    for _ in range(2):
        assert (
            await post(hass, body_of(account), headers=headers)
            == HTTPStatus.BAD_REQUEST
        )
    assert told(caplog) == [
        "A webhook's body could not be read; it was refused (told once)"
    ]
    assert online(hass) == STATE_OFF


async def test_body_that_breaks_off(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A sender that hangs up in the middle has sent nothing."""
    await set_up(hass, account)
    url = URL(url_of(hass))
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST {url.path} HTTP/1.1\r\nHost: home\r\nContent-Length: 1000\r\n\r\n"
        '{"event": "pre'.encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    assert told(caplog) == []
    assert "Error processing webhook" not in caplog.text


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("GET", HTTPStatus.METHOD_NOT_ALLOWED),
        ("PUT", HTTPStatus.METHOD_NOT_ALLOWED),
        ("DELETE", HTTPStatus.METHOD_NOT_ALLOWED),
        ("HEAD", HTTPStatus.OK),
    ],
)
async def test_other_methods(
    hass: HomeAssistant, account: Account, method: str, status: HTTPStatus
) -> None:
    """An event is posted; HEAD is how websites look whether there is something."""
    await set_up(hass, account)
    assert await post(hass, body_of(account), method=method) == status
    assert online(hass) == STATE_OFF


SECRET = "correct horse"


def signed(body: bytes, secret: str = SECRET, prefix: str = "") -> dict[str, str]:
    """Return the header that signs a body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-waapi-hmac": f"{prefix}{digest}"}


async def test_signature_is_asked_for_when_there_is_a_secret(
    hass: HomeAssistant, waapi: WaapiAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """Missing or wrong: 401, before anything of the body is read."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    body = body_of(waapi)
    for headers in (
        {},
        {"x-waapi-hmac": ""},
        {"x-waapi-hmac": "sha256="},
        {"x-waapi-hmac": "nonsense ä"},
        {"x-waapi-hmac": "0" * 64},
        signed(body, "another secret"),
        signed(body + b" "),
    ):
        assert await post(hass, body, headers=headers) == HTTPStatus.UNAUTHORIZED
    assert await post(hass, b"no event") == HTTPStatus.UNAUTHORIZED
    assert online(hass) == STATE_OFF
    assert told(caplog) == [
        "A webhook's signature was missing or wrong; it was refused (told once)"
    ]
    assert SECRET not in caplog.text

    # What is signed and no event is still none.
    assert (
        await post(hass, b"no event", headers=signed(b"no event"))
        == HTTPStatus.BAD_REQUEST
    )


@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
async def test_signature_is_of_the_bytes_as_they_came(
    hass: HomeAssistant, waapi: WaapiAccount, prefix: str
) -> None:
    """Not of what a parser would make of them."""
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    body = b" \n" + body_of(waapi).replace(b", ", b" ,\t") + b"\n\n"
    headers = signed(body, prefix=prefix)
    assert await post(hass, body, headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON
    upper = {"X-WAAPI-HMAC": signed(body)["x-waapi-hmac"].upper()}
    assert await post(hass, body, headers=upper) == HTTPStatus.OK


@pytest.mark.parametrize("key", ["waapi", "waha"])
@pytest.mark.parametrize("given", ["", "00", "ü", "a" * 64, "a" * 128])
def test_signatures_are_compared_in_constant_time(key: str, given: str) -> None:
    """How long it takes to refuse one tells nothing of the right one."""
    header = {"waapi": "x-waapi-hmac", "waha": "x-webhook-hmac"}[key]
    config = {
        "instance_id": "1",
        "api_token": "t",
        "api_key": "t",
        "url": "https://gateway.example",
    }
    gateway = GATEWAYS[key].from_config(MagicMock(), config)
    with patch("hmac.compare_digest", wraps=hmac.compare_digest) as compare:
        assert not gateway.verify_signature(b"body", {header: given}, SECRET)
    compare.assert_called_once()


@pytest.mark.parametrize("prefix", [False, True])
async def test_gateway_that_signs(
    hass: HomeAssistant, waapi: WaapiAccount, prefix: bool
) -> None:
    """Its events arrive; the secret can be set and changed without a reload."""
    waapi.quirks.hmac_secret, waapi.quirks.hmac_prefix = SECRET, prefix
    entry = await set_up(hass, waapi, options={"webhook_secret": "old"})
    await waapi.set_presence(anna(waapi), "online")
    await settle(hass, waapi)
    assert online(hass) == STATE_OFF
    hass.config_entries.async_update_entry(entry, options={"webhook_secret": SECRET})
    await settle(hass, waapi)
    await waapi.set_presence(anna(waapi), "typing")
    await settle(hass, waapi)
    assert activity(hass) == "typing"


async def test_signature_is_not_looked_at_without_a_secret(
    hass: HomeAssistant, waapi: WaapiAccount
) -> None:
    """The secret that counts then is the address."""
    await set_up(hass, waapi)
    headers = {"x-waapi-hmac": "whatever"}
    assert await post(hass, body_of(waapi), headers=headers) == HTTPStatus.OK
    assert online(hass) == STATE_ON


async def test_each_kind_of_trouble_is_told_once(
    hass: HomeAssistant, waapi: WaapiAccount, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each, however often and in whatever order it comes."""
    waapi.quirks.push_on_subscribe = False
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    strange = body_of(waapi, instanceId=54321)
    for _ in range(3):
        await post(hass, b" " * (MAX_WEBHOOK_BODY + 1))
        await post(hass, b"unsigned")
        await post(hass, b"no event", headers=signed(b"no event"))
        assert await post(hass, strange, headers=signed(strange)) == HTTPStatus.OK
    assert len(told(caplog)) == len(set(told(caplog))) == 4
    for private in (ANNA.partition("@")[0], WEBHOOK_ID, SECRET, "unsigned", "54321"):
        assert private not in "\n".join(told(caplog))


async def test_event_that_comes_twice_counts_once(
    hass: HomeAssistant, account: Account
) -> None:
    """Delivery is at least once: what comes again is answered, and changes nothing."""
    entry = await set_up(hass, account)
    await post(hass, body_of(account, "typing"))
    written, pushes = Writes(hass), chat_of(entry).pushes
    for _ in range(5):
        assert await post(hass, body_of(account, "typing")) == HTTPStatus.OK
    assert written.states == []
    assert chat_of(entry).pushes == pushes + 5


async def test_late_double_does_not_go_back(
    hass: HomeAssistant, wawp: WawpAccount
) -> None:
    """The same event once more, after a newer one."""
    await set_up(hass, wawp)
    first = body_of(wawp, "online")
    second = body_of(wawp, "offline", id="evt_2", timestamp=1_900_000_001_000)
    await post(hass, first)
    await post(hass, second)
    assert online(hass) == STATE_OFF
    assert await post(hass, first) == HTTPStatus.OK
    assert online(hass) == STATE_OFF


async def test_crash_while_applying_is_no_refusal(
    hass: HomeAssistant, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant answers for us, and the log does not name the webhook."""
    entry = await set_up(hass, account)
    people = instance_of(entry).people
    with patch.object(people, "async_hear", side_effect=RuntimeError("bug")):
        assert await post(hass, body_of(account)) == HTTPStatus.OK
    assert "RuntimeError: bug" in caplog.text
    assert WEBHOOK_ID not in caplog.text


@dataclass
class Relayed:
    """What a relayed request is to be answered with."""

    body: str
    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)


async def test_cloudhook_is_a_request_of_another_kind(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The cloud and the websocket hand a request over that has no length."""
    await set_up(hass, waapi, options={"webhook_secret": SECRET})
    websocket = await hass_ws_client(hass)
    body = body_of(waapi)
    large = padded(waapi, MAX_WEBHOOK_BODY + 1).decode()
    for case in (
        Relayed(large, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        Relayed(body.decode(), HTTPStatus.UNAUTHORIZED),
        Relayed("no event", HTTPStatus.BAD_REQUEST, signed(b"no event")),
        Relayed("", HTTPStatus.BAD_REQUEST, signed(b"")),
        Relayed(
            body.decode(),
            HTTPStatus.OK,
            {"X-Waapi-Hmac": signed(body, prefix="sha256=")["x-waapi-hmac"]},
        ),
    ):
        assert online(hass) == STATE_OFF
        await websocket.send_json_auto_id(
            {
                "type": "webhook/handle",
                "webhook_id": WEBHOOK_ID,
                "method": "POST",
                "body": case.body,
                "headers": case.headers,
            }
        )
        answer = await websocket.receive_json()
        assert answer["success"]
        assert answer["result"]["status"] == case.status
    assert online(hass) == STATE_ON


async def test_other_entry_of_the_same_gateway(
    hass: HomeAssistant, simulator: Simulator, waapi: WaapiAccount
) -> None:
    """Each has a webhook of its own, and leaves the other's alone."""
    await set_up(hass, waapi)
    second = simulator.add_instance("waapi", "777", token="t0ken-2")
    first = create_entry(second, chat())
    other = MockConfigEntry(
        domain=DOMAIN,
        title="Second",
        data={**first.data, "webhook_id": "fedcba9876543210"},
        unique_id="waapi_777",
        subentries_data=(chat(),),
    )
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await settle(hass, waapi)
    assert urls(waapi) == [url_of(hass)]
    assert urls(second) == [url_of(hass).replace(WEBHOOK_ID, "fedcba9876543210")]

    # An event that was sent to the wrong one of the two is nobody's.
    assert await post(hass, body_of(second)) == HTTPStatus.OK
    assert online(hass) == STATE_OFF
    await hass.config_entries.async_remove(other.entry_id)
    assert urls(waapi) == [url_of(hass)]
    assert second.webhooks == []
