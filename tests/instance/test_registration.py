"""The webhook's registration at the gateways, whatever becomes of the address."""

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import AsyncMock, patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.instance.registration import (
    async_renew_webhook,
)
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.components import cloud
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers.dispatcher import async_dispatcher_send

from ..common import (
    ENTRY_ID,
    TITLE,
    WEBHOOK_ID,
    WEBHOOK_PATH,
    activity,
    advance,
    anna,
    chat,
    create_entry,
    instance_of,
    issue,
    online,
    requests,
    set_up,
    settle,
    webhook_url,
    webhook_urls,
)
from ..simulator import Account, Faults, Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

ELSEWHERE = "https://elsewhere.example/hook"
LOCAL_ELSEWHERE = "http://127.0.0.1:9/somebody/elses"
HOOK = "https://hooks.example/secret-of-the-cloud"
SNAPSHOT = {
    "waapi": "/client/action/get-chat-presence-snapshot",
    "wawp": "/v2/presence",
}
CHECK = 15 * 60


@pytest.fixture
def account(each_account: Account) -> Account:
    """Return an account at each of the gateways that know webhooks."""
    return each_account


@pytest.fixture
def far_away() -> Generator[None]:
    """Let the gateway be on the internet, as the vendors' own are."""
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        yield


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


async def be_heard_of(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, account: Account
) -> None:
    """Let a gateway that remembers what it hears hear of somebody.

    One that remembers nobody is asked for all only every ten minutes, and for each as
    rarely as the account can bear.
    """
    if account.gateway == "wawp":
        await account.set_presence(anna(account), "offline")
        await advance(hass, freezer, account, CHECK)


def polls(account: Account) -> int:
    """Return how often the chat was asked for without renewing."""
    return requests(account, SNAPSHOT[account.gateway])


def _no_scope(account: WaapiAccount) -> None:
    account.quirks.scopes = frozenset({"read"})


def _no_room(account: WaapiAccount) -> None:
    for number in range(25):
        account.add_webhook(f"{ELSEWHERE}/{number}")


def _refuse(account: Account) -> None:
    """Let the webhooks be the user's own business from now on."""
    if isinstance(account, WawpAccount):
        account.quirks.plan = "free"
    else:
        assert isinstance(account, WaapiAccount)
        account.quirks.scopes = frozenset({"read"})


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


# ---------------------------------------------------------------- registration


async def test_webhook_is_registered(hass: HomeAssistant, account: Account) -> None:
    """One webhook, at the public address, switched on, for what is needed."""
    entry = await set_up(hass, account)
    (hook,) = account.webhooks
    assert hook["url"] == webhook_url(hass)
    assert is_active(hook)
    assert {"presence_update", "presence.update"} & set(hook["events"])
    assert entry.data["webhook_url"] == webhook_url(hass)
    assert instance_of(entry).delivery.push
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"


async def test_what_is_registered_is_kept(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Neither a restart nor the periodic check changes anything that is right."""
    add_ours(account, webhook_url(hass))
    before = account.webhooks
    await set_up(hass, account)
    await advance(hass, freezer, account, CHECK)
    await advance(hass, freezer, account, CHECK)
    assert account.webhooks == before
    assert writes(account) == 0
    assert listings(account) == 3


async def test_one_registration_is_made_and_kept(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Neither a reload nor the look now and then makes a second one."""
    entry = await set_up(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]

    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    await advance(hass, freezer, account, CHECK + 1)
    assert webhook_urls(account) == [webhook_url(hass)]
    assert instance_of(entry).delivery.push


async def test_doubles_are_dropped(hass: HomeAssistant, account: Account) -> None:
    """Of several of ours the right one stays, once; others' stay as they are.

    Another home's are those of another host, or of another port.
    """
    others = [
        f"https://old.example{WEBHOOK_PATH}",
        f"http://127.0.0.1:9{WEBHOOK_PATH}",
        f"https://older.example{WEBHOOK_PATH}",
    ]
    account.add_webhook(ELSEWHERE)
    add_ours(account, others[0])
    add_ours(account, webhook_url(hass))
    add_ours(account, others[1])
    add_ours(account, f"{webhook_url(hass)}?again")
    account.add_webhook(LOCAL_ELSEWHERE)
    add_ours(account, others[2])
    add_ours(account, webhook_url(hass))
    await set_up(hass, account)
    assert sorted(webhook_urls(account)) == sorted(
        [webhook_url(hass), ELSEWHERE, LOCAL_ELSEWHERE, *others]
    )


async def test_new_external_url_replaces_the_old_one(
    hass: HomeAssistant, account: Account
) -> None:
    """The old address is dropped, and the entry is not reloaded for that."""
    entry = await set_up(hass, account)
    instance, old = instance_of(entry), webhook_url(hass)
    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await async_process_ha_core_config(hass, {"external_url": moved})
    await hass.config.async_update(external_url=moved)
    await settle(hass, account)
    assert webhook_url(hass) != old
    assert webhook_urls(account) == [webhook_url(hass)]
    assert entry.data["webhook_url"] == webhook_url(hass)
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
    switch_off(account, webhook_url(hass))
    (before,) = account.webhooks
    assert not is_active(before)
    await advance(hass, freezer, account, CHECK)
    (hook,) = account.webhooks
    # It is another one, where one can tell.
    assert account.gateway != "waapi" or hook["id"] != before["id"]
    assert hook["url"] == webhook_url(hass)
    assert is_active(hook)


async def test_webhook_that_was_deleted_is_registered_again(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """The same for one that is gone."""
    await set_up(hass, account)
    account.remove_webhook(webhook_url(hass))
    assert webhook_urls(account) == []
    await advance(hass, freezer, account, CHECK)
    assert webhook_urls(account) == [webhook_url(hass)]


async def test_webhook_without_the_events_is_replaced(
    hass: HomeAssistant, waapi: WaapiAccount
) -> None:
    """One that somebody registered with too few events is no good."""
    waapi.create_webhook(webhook_url(hass), ["message"], source="api")
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
    switch_off(account, webhook_url(hass))
    await advance(hass, freezer, account, CHECK)
    assert account.user_webhooks == before
    await hass.config_entries.async_remove(ENTRY_ID)
    assert account.webhooks == before
    if isinstance(account, WaapiAccount):
        assert account.own_webhook == {
            "url": "https://own.example",
            "events": ["message"],
        }


# ------------------------------------------------------ what is not registered


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
        "webhook_url": webhook_url(hass),
    }
    assert not instance_of(entry).delivery.push
    await be_heard_of(hass, freezer, wawp)
    before = polls(wawp)
    for _ in range(4):
        await advance(hass, freezer, wawp, 30)
    assert polls(wawp) >= before + 3

    # The user pastes it in the dashboard: nothing more is needed.
    wawp.add_webhook(webhook_url(hass))
    await wawp.set_presence(anna(wawp), "online")
    await settle(hass, wawp)
    assert online(hass) == STATE_ON
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None
    assert instance_of(entry).delivery.push
    await be_heard_of(hass, freezer, wawp)
    before = polls(wawp)
    for _ in range(4):
        await advance(hass, freezer, wawp, 30)
    assert polls(wawp) == before
    # Nor does the next refusal bring the issue back.
    await advance(hass, freezer, wawp, CHECK)
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


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
    assert webhook_url(hass) in webhook_urls(waapi)


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
        "webhook_url": f"https://new.example{WEBHOOK_PATH}",
    }
    assert not instance_of(entry).delivery.push
    account.simulator.delivery.faults = Faults(lose=1.0)
    await be_heard_of(hass, freezer, account)
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
    await be_heard_of(hass, freezer, account)
    word = "offline"
    for _ in range(3):
        assert issue(hass, Issue.WEBHOOK_SILENT) is None
        word = "online" if word == "offline" else "offline"
        await account.set_presence(anna(account), word)
        await advance(hass, freezer, account, 31)
        assert online(hass) == (STATE_ON if word == "online" else STATE_OFF)
    found = issue(hass, Issue.WEBHOOK_SILENT)
    assert found is not None
    assert found.translation_placeholders == {
        "instance": TITLE,
        "webhook_url": webhook_url(hass),
    }

    add_ours(account, webhook_url(hass))
    account.simulator.delivery.faults = Faults()
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert issue(hass, Issue.WEBHOOK_SILENT) is None


@pytest.mark.parametrize("internal_url", [None, "http://192.168.1.5:8123"])
@pytest.mark.usefixtures("far_away")
async def test_no_public_url(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    internal_url: str | None,
) -> None:
    """The user is told, and chats are asked every 30 s until there is an address."""
    url = hass.config.external_url
    hass.config.external_url = None
    hass.config.internal_url = internal_url
    entry = await set_up(hass, account)
    found = issue(hass, Issue.NO_PUBLIC_URL)
    assert found is not None
    assert found.translation_placeholders == {"instance": TITLE}
    assert account.webhooks == []
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await be_heard_of(hass, freezer, account)
    await account.set_presence(anna(account), "online")
    assert online(hass) == STATE_OFF
    before = polls(account)
    for _ in range(10):
        await advance(hass, freezer, account, 30)
    # Five minutes: one of the ten may have been a renewal.
    assert 8 <= polls(account) - before <= 10
    assert online(hass) == STATE_ON

    await hass.config.async_update(external_url=url)
    await settle(hass, account)
    assert issue(hass, Issue.NO_PUBLIC_URL) is None
    assert webhook_urls(account) == [webhook_url(hass)]
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
    assert webhook_urls(account) == [f"{hass.config.internal_url}{WEBHOOK_PATH}"]

    await hass.config.async_update(internal_url="http://192.168.1.5:8123")
    await settle(hass, account)
    assert webhook_urls(account) == [f"http://192.168.1.5:8123{WEBHOOK_PATH}"]


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
    assert webhook_urls(account) == [webhook_url(hass)]
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    # What went wrong is forgotten: the next failure begins anew.
    failure = simulator.fail_next(status=500, path="webhook")
    account.remove_webhook(webhook_url(hass))
    await advance(hass, freezer, account, CHECK)
    assert webhook_urls(account) == []
    await advance(hass, freezer, account, 31)
    assert webhook_urls(account) == [webhook_url(hass)]


async def test_half_a_registration_is_completed(
    hass: HomeAssistant, waapi: WaapiAccount, simulator: Simulator
) -> None:
    """A pass that failed between deleting and creating is made again from the start."""
    add_ours(waapi, f"{webhook_url(hass)}/")
    listed = {"data": waapi.webhooks}
    simulator.fail_next(status=200, body=listed, path="/webhooks")
    simulator.fail_next(status=204, path="/webhooks/")
    failure = simulator.fail_next(status=500, path="/webhooks")
    entry = await set_up(hass, waapi)
    assert failure.seen == 1
    entry.runtime_data.webhook.async_reconcile_soon()
    await settle(hass, waapi)
    assert webhook_urls(waapi) == [webhook_url(hass)]


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
    assert webhook_urls(account) == [webhook_url(hass)]


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
    add_ours(account, webhook_url(hass))
    await account.set_presence(anna(account), "online")
    await settle(hass, account)
    assert online(hass) == STATE_ON
    assert instance.delivery.push
    await advance(hass, freezer, account, CHECK)
    assert webhook_url(hass) in webhook_urls(account)

    hass.config_entries.async_update_entry(entry, options={"register_webhook": True})
    await settle(hass, account)
    assert sorted(webhook_urls(account)) == sorted([webhook_url(hass), ELSEWHERE])
    assert entry.data["webhook_url"] == webhook_url(hass)
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
    assert webhook_urls(account) == [webhook_url(hass)]
    await advance(hass, freezer, account, 31)
    assert account.webhooks == []


# ------------------------------------------------------------------ cloudhooks


async def test_cloudhook_is_preferred(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """It needs no open port; it is created once, and deleted with the entry."""
    entry = await set_up(hass, account)
    assert webhook_urls(account) == [HOOK]
    assert entry.data["cloudhook_url"] == HOOK
    clouds.create.assert_awaited_once_with(hass, WEBHOOK_ID)

    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]
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
    assert webhook_urls(account) == [webhook_url(hass)]
    clouds.tell(subscribed=True, connected=True)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]
    assert instance_of(entry) is instance

    # A connection that is lost for a while changes nothing: the hook outlives it.
    looked = listings(account)
    clouds.tell(subscribed=True, connected=False)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]
    assert listings(account) == looked
    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]
    clouds.create.assert_awaited_once()

    # One that ends with the subscription does.
    clouds.tell(subscribed=False, connected=False)
    await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]


async def test_cloudhook_that_the_user_deletes(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """It is taken from the gateway too, and a new one gets its place."""
    entry = await set_up(hass, account)
    assert webhook_urls(account) == [HOOK]
    clouds.create.return_value = f"{HOOK}-2"
    clouds.tell_hooks({"somebody-elses": {"cloudhook_url": "https://hooks.example/b"}})
    await settle(hass, account)
    assert webhook_urls(account) == [f"{HOOK}-2"]
    assert entry.data["cloudhook_url"] == f"{HOOK}-2"

    clouds.subscribed = False
    clouds.tell_hooks({})
    await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]
    assert "cloudhook_url" not in entry.data


async def test_cloudhook_that_was_changed(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """The cloud may give the hook another address."""
    entry = await set_up(hass, account)
    clouds.tell_hooks({WEBHOOK_ID: {"cloudhook_url": f"{HOOK}-3"}})
    await settle(hass, account)
    assert webhook_urls(account) == [f"{HOOK}-3"]
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
    assert webhook_urls(account) == [webhook_url(hass)]
    clouds.create.side_effect = None
    await advance(hass, freezer, account, 31)
    assert webhook_urls(account) == [HOOK]

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
    assert webhook_urls(account) == [webhook_url(hass)]
    clouds.create.assert_not_awaited()
    clouds.tell(subscribed=True, connected=True)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]


async def test_cloudhook_that_can_not_be_made_is_tried_again(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """As soon as the cloud says that it is connected."""
    clouds.create.side_effect = cloud.CloudNotAvailable
    entry = await set_up(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]

    clouds.create.side_effect = None
    clouds.tell(subscribed=True, connected=True)
    await settle(hass, account)
    assert webhook_urls(account) == [HOOK]
    assert instance_of(entry).delivery.push

    assert await hass.config_entries.async_remove(entry.entry_id)
    assert webhook_urls(account) == []


@pytest.mark.parametrize("leaves", ["removed", "renewed"])
async def test_the_cloud_is_imported_off_the_loop(
    hass: HomeAssistant, account: Account, leaves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is large, and an entry that was never loaded has not brought it yet."""
    order: list[str] = []

    async def load(hass: HomeAssistant, name: str) -> None:
        order.append("import")

    def subscription(hass: HomeAssistant) -> bool:
        order.append("use")
        return False

    monkeypatch.setattr(
        "custom_components.whatsapp_presence.instance.address.async_import_module", load
    )
    monkeypatch.setattr(cloud, "async_active_subscription", subscription)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "cloudhook_url": HOOK}
    )
    if leaves == "removed":
        assert await hass.config_entries.async_remove(ENTRY_ID)
    else:
        await async_renew_webhook(hass, entry)
    assert order[:2] == ["import", "use"]


async def set_up_with_hook(hass: HomeAssistant, account: Account) -> MockConfigEntry:
    """Set up an entry from a backup of a home whose events come through the cloud."""
    account.add_webhook(HOOK)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_url": HOOK, "cloudhook_url": HOOK}
    )
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    return entry


@pytest.mark.parametrize("has_address", [True, False])
async def test_a_copy_without_the_cloud_leaves_the_originals_cloudhook(
    hass: HomeAssistant, account: Account, clouds: Cloud, has_address: bool
) -> None:
    """It stands in the copy's entry as well; but without the cloud it is not its own."""
    clouds.subscribed = clouds.connected = False
    if not has_address:
        hass.config.external_url = None
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        entry = await set_up_with_hook(hass, account)
        own = [webhook_url(hass)] if has_address else []
        assert webhook_urls(account) == [HOOK, *own]
        told = Issue.WEBHOOK_CONTESTED if has_address else Issue.NO_PUBLIC_URL
        assert issue(hass, told) is not None
        form = await hass.config_entries.options.async_init(ENTRY_ID)
        await hass.config_entries.options.async_configure(
            form["flow_id"], {"register_webhook": True, "new_webhook_address": True}
        )
        await settle(hass, account)
        assert entry.data["webhook_id"] != WEBHOOK_ID
        assert HOOK in webhook_urls(account)
        assert await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == [HOOK]


async def test_a_copy_without_the_cloud_leaves_the_originals_cloudhook_as_it_goes(
    hass: HomeAssistant, account: Account, clouds: Cloud
) -> None:
    """Be it before it ever found an address of its own."""
    clouds.subscribed = clouds.connected = False
    hass.config.external_url = None
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        await set_up_with_hook(hass, account)
        assert await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == [HOOK]


async def test_a_copy_in_the_same_cloud_shares_the_cloudhook(
    hass: HomeAssistant,
    account: Account,
    clouds: Cloud,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing is written or deleted; a new address leaves nobody's behind."""
    entry = await set_up_with_hook(hass, account)
    for _ in range(4):
        await advance(hass, freezer, account, 15 * 60)
    assert webhook_urls(account) == [HOOK]
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
    clouds.create.assert_not_awaited()
    clouds.delete.assert_not_awaited()
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert webhook_urls(account) == [HOOK]


async def test_removal_while_the_gateway_is_away_is_told(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    clouds: Cloud,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The entry goes all the same, and so does the cloudhook if it can."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=500, path="webhook")
    clouds.delete.side_effect = cloud.CloudNotAvailable
    assert await hass.config_entries.async_remove(entry.entry_id)
    assert "could not be removed from the gateway" in caplog.text
    assert WEBHOOK_ID not in "".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    )
