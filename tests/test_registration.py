"""The webhook's registration at the gateway, whatever becomes of the address."""

from collections.abc import Generator
from unittest.mock import AsyncMock, patch

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.whatsapp_presence.const import DOMAIN
from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.components import cloud
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send

from .common import (
    ENTRY_ID,
    WEBHOOK_ID,
    add_account,
    advance,
    anna,
    instance_of,
    online,
    set_up,
    settle,
)
from .simulator import Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("reachable", "unpaced")

PATH = f"/api/webhook/{WEBHOOK_ID}"
FOREIGN = "http://127.0.0.1:9/somebody/elses"
CLOUDHOOK = "https://hooks.nabu.casa/a-cloudhook"


@pytest.fixture
def account(simulator: Simulator) -> WaapiAccount:
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
def nabu_casa() -> Generator[AsyncMock]:
    """Subscribe to Home Assistant Cloud."""
    component = "homeassistant.components.cloud"
    with (
        patch(f"{component}.async_active_subscription", return_value=True),
        patch(f"{component}.async_is_connected", return_value=True),
        patch(
            f"{component}.async_get_or_create_cloudhook", return_value=CLOUDHOOK
        ) as create,
        patch(f"{component}.async_delete_cloudhook"),
    ):
        yield create


def urls(account: WaapiAccount | WawpAccount) -> list[str]:
    """Return the registered URLs."""
    return [str(hook["url"]) for hook in account.webhooks]


def told(hass: HomeAssistant, issue: Issue) -> ir.IssueEntry | None:
    """Return an issue, if the user is told of it."""
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{issue}_{ENTRY_ID}")


async def test_one_registration_is_made_and_kept(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Neither a reload nor the look now and then makes a second one."""
    entry = await set_up(hass, account)
    url = f"{hass.config.external_url}{PATH}"
    assert urls(account) == [url]

    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, account)
    await advance(hass, freezer, account, 15 * 60 + 1)
    assert urls(account) == [url]
    assert instance_of(entry).delivery.push


async def test_doubles_and_old_addresses_of_ours_are_dropped(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """Others' stay as they are."""
    account.add_webhook(f"http://127.0.0.1:9{PATH}", events=["presence_update"])
    account.add_webhook(FOREIGN, events=["message"])
    await set_up(hass, account)

    assert sorted(urls(account)) == sorted(
        [FOREIGN, f"{hass.config.external_url}{PATH}"]
    )


async def test_registration_that_was_switched_off_is_made_anew(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """The look now and then finds it."""
    await set_up(hass, account)
    (hook,) = account.webhooks
    account.set_webhook_active(hook["id"], active=False)

    await advance(hass, freezer, account, 15 * 60 + 1)

    (renewed,) = account.webhooks
    assert renewed["id"] != hook["id"]
    assert renewed["isActive"] is True


async def test_registration_that_was_deleted_is_made_anew(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody tidied up at the gateway."""
    await set_up(hass, account)
    account.remove_webhook(urls(account)[0])
    assert urls(account) == []

    await advance(hass, freezer, account, 15 * 60 + 1)
    assert len(urls(account)) == 1


async def test_address_that_changes_is_followed(
    hass: HomeAssistant, account: WaapiAccount
) -> None:
    """The old one is no longer called."""
    await set_up(hass, account)
    hass.config.external_url = "http://127.0.0.1:9"
    await hass.config.async_update(external_url="http://127.0.0.1:9")
    await settle(hass, account)
    assert urls(account) == [f"http://127.0.0.1:9{PATH}"]


async def test_without_an_address_chats_are_polled_and_the_user_is_told(
    hass: HomeAssistant, account: WaapiAccount, freezer: FrozenDateTimeFactory
) -> None:
    """Everything works on, later; when there is an address, all is well again."""
    external_url = hass.config.external_url
    hass.config.external_url = None
    with patch(
        "custom_components.whatsapp_presence.instance.address.is_local_host",
        return_value=False,
    ):
        entry = await set_up(hass, account)
        assert told(hass, Issue.NO_PUBLIC_URL)
        assert not instance_of(entry).delivery.push

        await account.set_presence(anna(account), "online")
        assert online(hass) == "off"
        await advance(hass, freezer, account, 31)
        assert online(hass) == "on"

        await hass.config.async_update(external_url=external_url)
        await settle(hass, account)
    assert told(hass, Issue.NO_PUBLIC_URL) is None
    assert instance_of(entry).delivery.push
    assert urls(account) == [f"{external_url}{PATH}"]


async def test_free_plan_asks_the_user_until_the_first_event(
    hass: HomeAssistant, wawp: WawpAccount
) -> None:
    """The address is at hand, and others' webhooks are not touched."""
    wawp.set_quirks({"plan": "free"})
    entry = await set_up(hass, wawp)
    issue = told(hass, Issue.WEBHOOK_NOT_REGISTERED)
    assert issue is not None
    assert issue.translation_placeholders is not None
    url = issue.translation_placeholders["webhook_url"]
    assert url == f"{hass.config.external_url}{PATH}"
    assert not instance_of(entry).delivery.push

    wawp.add_webhook(url, events=["presence.update", "session.status"])
    await wawp.set_presence(anna(wawp), "online")
    await settle(hass, wawp)

    assert online(hass) == "on"
    assert instance_of(entry).delivery.push
    assert told(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


async def test_list_that_is_written_as_a_whole_keeps_what_is_not_ours(
    hass: HomeAssistant, wawp: WawpAccount
) -> None:
    """On setting up, and on removing."""
    wawp.add_webhook(FOREIGN, events=["message"])
    entry = await set_up(hass, wawp)
    assert sorted(urls(wawp)) == sorted([FOREIGN, f"{hass.config.external_url}{PATH}"])

    assert await hass.config_entries.async_remove(entry.entry_id)
    assert urls(wawp) == [FOREIGN]


async def test_gateway_that_fails_is_tried_again(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Later and later; after the third time the user is told."""
    simulator.fail_next(count=3, status=500, path="/webhooks")
    await set_up(hass, account)
    assert urls(account) == []
    assert told(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await advance(hass, freezer, account, 31)
    await advance(hass, freezer, account, 61)
    assert told(hass, Issue.WEBHOOK_NOT_REGISTERED)

    await advance(hass, freezer, account, 121)
    assert len(urls(account)) == 1
    assert told(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


async def test_user_may_register_by_hand(
    hass: HomeAssistant, account: WaapiAccount, simulator: Simulator
) -> None:
    """What was registered is taken back, also at the second try; and made again."""
    entry = await set_up(hass, account)
    hass.config_entries.async_update_entry(entry, options={"register_webhook": False})
    await settle(hass, account)
    assert urls(account) == []
    assert not instance_of(entry).delivery.push
    assert "webhook_url" not in entry.data

    hass.config_entries.async_update_entry(entry, options={"register_webhook": True})
    await settle(hass, account)
    assert len(urls(account)) == 1


async def test_taking_back_is_tried_again(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A gateway that is away for a moment is no reason to leave anything there."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=500, path="/webhooks")
    hass.config_entries.async_update_entry(entry, options={"register_webhook": False})
    await settle(hass, account)
    assert len(urls(account)) == 1

    await advance(hass, freezer, account, 31)
    assert urls(account) == []


async def test_refused_credentials_are_the_polls_to_tell(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Registering is tried again, and says nothing."""
    simulator.fail_next(status=401, path="/webhooks")
    await set_up(hass, account)
    assert urls(account) == []
    assert told(hass, Issue.WEBHOOK_NOT_REGISTERED) is None

    await advance(hass, freezer, account, 31)
    assert len(urls(account)) == 1


async def test_cloudhook_comes_and_goes(
    hass: HomeAssistant, account: WaapiAccount, nabu_casa: AsyncMock
) -> None:
    """It is used while there is one, and the external address otherwise."""
    entry = await set_up(hass, account)
    assert urls(account) == [CLOUDHOOK]
    assert entry.data["cloudhook_url"] == CLOUDHOOK
    nabu_casa.assert_called_once()

    # A lost connection leaves it in place.
    async_dispatcher_send(
        hass,
        "CLOUD_CONNECTION_STATE",
        cloud.CloudConnectionState.CLOUD_DISCONNECTED,
    )
    await settle(hass, account)
    assert urls(account) == [CLOUDHOOK]

    with patch(
        "homeassistant.components.cloud.async_active_subscription", return_value=False
    ):
        async_dispatcher_send(hass, "CLOUDHOOKS_UPDATED", {})
        await settle(hass, account)
    assert "cloudhook_url" not in entry.data
    assert urls(account) == [f"{hass.config.external_url}{PATH}"]


async def test_cloudhook_that_can_not_be_made_is_tried_again(
    hass: HomeAssistant,
    account: WaapiAccount,
    nabu_casa: AsyncMock,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Meanwhile, the external address does."""
    nabu_casa.side_effect = cloud.CloudNotAvailable
    entry = await set_up(hass, account)
    assert urls(account) == [f"{hass.config.external_url}{PATH}"]

    nabu_casa.side_effect = None
    async_dispatcher_send(
        hass, "CLOUD_CONNECTION_STATE", cloud.CloudConnectionState.CLOUD_CONNECTED
    )
    await settle(hass, account)
    assert urls(account) == [CLOUDHOOK]
    assert instance_of(entry).delivery.push

    assert await hass.config_entries.async_remove(entry.entry_id)
    assert urls(account) == []


async def test_removal_while_the_gateway_is_away_is_told(
    hass: HomeAssistant,
    account: WaapiAccount,
    simulator: Simulator,
    nabu_casa: AsyncMock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The entry goes all the same, and so does the cloudhook if it can."""
    entry = await set_up(hass, account)
    simulator.fail_next(status=500, path="/webhooks")
    with patch(
        "homeassistant.components.cloud.async_delete_cloudhook",
        side_effect=cloud.CloudNotAvailable,
    ):
        assert await hass.config_entries.async_remove(entry.entry_id)
    assert "could not be removed from the gateway" in caplog.text
    assert WEBHOOK_ID not in "".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    )
