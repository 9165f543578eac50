"""Two homes, one webhook: what another has registered is left alone, and told."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.whatsapp_presence.repairs import Issue
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

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
    let_happen,
    set_up,
    settle,
    until,
    webhook_url,
    webhook_urls,
)
from ..simulator import Account, Simulator, WaapiAccount, WawpAccount

pytestmark = pytest.mark.usefixtures("repairs_component", "reachable", "unpaced")

OTHER = f"https://other-home.example{WEBHOOK_PATH}"
CHECK = 15 * 60
FAR = "custom_components.whatsapp_presence.instance.address.is_local_host"
LEADS_HOME = "custom_components.whatsapp_presence.instance.address.async_leads_home"

type Fix = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def repairs_component(hass: HomeAssistant) -> None:
    """Set up the repairs, before the first client asks for anything."""
    assert await async_setup_component(hass, "repairs", {})


@pytest.fixture
def account(each_account: Account) -> Account:
    """Return an account at each of the gateways that know webhooks."""
    return each_account


@pytest.fixture
def fix(hass_client: ClientSessionGenerator) -> Fix:
    """Return what submits the repair, as the front end does."""

    async def submit(**choice: bool) -> dict[str, Any]:
        client = await hass_client()
        path = "/api/repairs/issues/fix"
        issue_id = f"{Issue.WEBHOOK_CONTESTED}_{ENTRY_ID}"
        response = await client.post(
            path, json={"handler": "whatsapp_presence", "issue_id": issue_id}
        )
        form = await response.json()
        assert form["step_id"] == "confirm"
        response = await client.post(f"{path}/{form['flow_id']}", json=choice)
        result: dict[str, Any] = await response.json()
        return result

    return submit


@pytest.fixture
def far_away() -> Generator[None]:
    """Let the gateway be on the internet."""
    with patch(FAR, return_value=False):
        yield


def register(account: Account, url: str) -> None:
    """Let another home register an address."""
    if isinstance(account, WaapiAccount):
        account.create_webhook(url, ["presence_update", "ready"], source="api")
    else:
        account.add_webhook(url)


def writes(account: Account) -> int:
    """Return how often the registered webhooks were changed."""
    return sum(
        request.method in ("POST", "DELETE") and "webhook" in request.path
        for request in account.simulator.requests
    )


async def set_up_copy(
    hass: HomeAssistant, account: Account, **data: Any
) -> MockConfigEntry:
    """Set up an entry in which stands what the original, or an earlier run, wrote."""
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_url": OTHER, **data}
    )
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    return entry


async def check(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, account: Account
) -> None:
    """Let it be time for the regular look."""
    await advance(hass, freezer, account, CHECK)


# ------------------------------------------------------------------- two homes


async def test_another_homes_address_is_left_alone(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """For a day; each has its own, nothing is written, and both get their events."""
    register(account, OTHER)
    await set_up(hass, account)
    for _ in range(24 * 4):
        await check(hass, freezer, account)
    assert sorted(webhook_urls(account)) == sorted([OTHER, webhook_url(hass)])
    assert writes(account) == 1
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"


@pytest.mark.parametrize("port", ["", ":443"])
async def test_an_address_that_the_gateway_writes_in_its_own_way_is_kept(
    hass: HomeAssistant,
    account: Account,
    freezer: FrozenDateTimeFactory,
    far_away: None,
    port: str,
) -> None:
    """It would else be written anew at every look."""
    hass.config.external_url = "https://home.example"
    with patch(LEADS_HOME, return_value=False):
        await set_up(hass, account)
        kept = f"https://Home.Example{port}{WEBHOOK_PATH}"
        account.remove_webhook(webhook_url(hass))
        register(account, kept)
        before = writes(account)
        for _ in range(3):
            await check(hass, freezer, account)
        assert webhook_urls(account) == [kept]
        assert writes(account) == before
        assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
        await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == []


@pytest.mark.parametrize("ends", ["removed", "by hand", "renewed"])
async def test_an_address_that_the_gateway_writes_in_its_own_way_is_taken_back(
    hass: HomeAssistant, account: Account, far_away: None, ends: str
) -> None:
    """As any other of this home's, when it is not wanted any more."""
    hass.config.external_url = "https://home.example"
    with patch(LEADS_HOME, return_value=False):
        entry = await set_up(hass, account)
        account.remove_webhook(webhook_url(hass))
        register(account, f"https://Home.Example:443{WEBHOOK_PATH}")
        if ends == "removed":
            await hass.config_entries.async_remove(ENTRY_ID)
        else:
            form = await hass.config_entries.options.async_init(ENTRY_ID)
            await hass.config_entries.options.async_configure(
                form["flow_id"],
                {
                    "register_webhook": ends != "by hand",
                    "new_webhook_address": ends == "renewed",
                },
            )
            await settle(hass, account)
    new = [f"https://home.example/api/webhook/{entry.data['webhook_id']}"]
    assert webhook_urls(account) == (new if ends == "renewed" else [])


async def test_a_copy_leaves_what_the_original_wrote(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """It is told at once, for this entry has it as its own."""
    register(account, OTHER)
    entry = await set_up_copy(hass, account)
    assert sorted(webhook_urls(account)) == sorted([OTHER, webhook_url(hass)])
    assert entry.data["webhook_url"] == webhook_url(hass)
    found = issue(hass, Issue.WEBHOOK_CONTESTED)
    assert found is not None
    assert found.is_fixable
    assert found.translation_placeholders == {
        "instance": TITLE,
        "hosts": "other-home.example",
    }
    await check(hass, freezer, account)
    assert sorted(webhook_urls(account)) == sorted([OTHER, webhook_url(hass)])

    # Only what the copy wrote goes with it.
    await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == [OTHER]
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_another_home_is_told_when_it_is_seen_again(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """And no more when it is gone."""
    register(account, OTHER)
    await set_up(hass, account)
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
    await check(hass, freezer, account)
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is not None
    account.remove_webhook(OTHER)
    await check(hass, freezer, account)
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
    register(account, OTHER)
    await check(hass, freezer, account)
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_a_home_that_deletes_ours_again_and_again_is_told(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """As a gateway does that holds one only, or a home that knows no better."""
    await set_up(hass, account)
    for _ in range(2):
        account.remove_webhook(webhook_url(hass))
        account.remove_webhook(OTHER)
        register(account, OTHER)
        await check(hass, freezer, account)
        assert sorted(webhook_urls(account)) == sorted([OTHER, webhook_url(hass)])
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is not None


async def test_the_way_out_is_a_new_address(
    hass: HomeAssistant, account: Account, fix: Fix, freezer: FrozenDateTimeFactory
) -> None:
    """All entities stay; the old own address goes, and the other home's stays."""
    register(account, OTHER)
    entry = await set_up_copy(hass, account)
    old = webhook_url(hass)
    entities = {one.unique_id for one in er.async_get(hass).entities.values()}

    assert (await fix())["type"] == "create_entry"
    await settle(hass, account)
    new_id = entry.data["webhook_id"]
    assert new_id != WEBHOOK_ID
    new = old.replace(WEBHOOK_ID, new_id)
    assert sorted(webhook_urls(account)) == sorted([OTHER, new])
    assert entry.data["webhook_url"] == new
    assert "old_webhook_urls" not in entry.data
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
    assert {one.unique_id for one in er.async_get(hass).entities.values()} == entities
    await account.set_presence(anna(account), "typing")
    await settle(hass, account)
    assert activity(hass) == "typing"
    for _ in range(3):
        await check(hass, freezer, account)
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_or_the_other_address_is_deleted(
    hass: HomeAssistant, account: Account, fix: Fix, simulator: Simulator
) -> None:
    """For it may be an old one of this home's, from before it was started."""
    account.add_webhook("https://elsewhere.example/hook")
    register(account, OTHER)
    entry = await set_up_copy(hass, account)
    simulator.fail_next(status=500, path="webhook")
    result = await fix(delete_other=True)
    assert (result["type"], result["reason"]) == ("abort", "not_settled")
    assert OTHER in webhook_urls(account)

    assert (await fix(delete_other=True))["type"] == "create_entry"
    await settle(hass, account)
    assert sorted(webhook_urls(account)) == sorted(
        ["https://elsewhere.example/hook", webhook_url(hass)]
    )
    assert entry.data["webhook_id"] == WEBHOOK_ID
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_what_the_gateway_writes_in_its_own_way_is_not_the_other_address(
    hass: HomeAssistant, account: Account, far_away: None, fix: Fix
) -> None:
    """Only what is another home's is deleted."""
    hass.config.external_url = "https://home.example"
    register(account, OTHER)
    kept = f"https://Home.Example:443{WEBHOOK_PATH}"
    with patch(LEADS_HOME, return_value=False):
        await set_up_copy(hass, account)
        account.remove_webhook(webhook_url(hass))
        register(account, kept)
        assert (await fix(delete_other=True))["type"] == "create_entry"
    assert webhook_urls(account) == [kept]


async def test_an_account_that_is_not_set_up_can_not_be_settled(
    hass: HomeAssistant, account: Account, hass_client: ClientSessionGenerator
) -> None:
    """The dialog was open when it was unloaded."""
    register(account, OTHER)
    entry = await set_up_copy(hass, account)
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    issue_id = f"{Issue.WEBHOOK_CONTESTED}_{ENTRY_ID}"
    response = await client.post(
        path, json={"handler": "whatsapp_presence", "issue_id": issue_id}
    )
    form = await response.json()
    await hass.config_entries.async_unload(ENTRY_ID)
    response = await client.post(f"{path}/{form['flow_id']}", json={})
    assert (await response.json())["reason"] == "not_settled"
    assert entry.data["webhook_id"] == WEBHOOK_ID


# -------------------------------------------------------------- without address


@pytest.mark.usefixtures("far_away")
async def test_a_copy_without_an_address_deletes_nothing(
    hass: HomeAssistant, account: Account, freezer: FrozenDateTimeFactory
) -> None:
    """Neither at a look, nor when the user takes registering over, nor at removal."""
    register(account, OTHER)
    hass.config.external_url = None
    entry = await set_up_copy(hass, account)
    assert issue(hass, Issue.NO_PUBLIC_URL) is not None
    for _ in range(3):
        await check(hass, freezer, account)
    hass.config_entries.async_update_entry(entry, options={"register_webhook": False})
    await settle(hass, account)
    hass.config_entries.async_update_entry(entry, options={"register_webhook": True})
    await settle(hass, account)
    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert webhook_urls(account) == [OTHER]
    await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == [OTHER]
    assert writes(account) == 0


@pytest.mark.usefixtures("far_away")
async def test_an_original_that_starts_without_its_address_gets_it_back(
    hass: HomeAssistant, account: Account
) -> None:
    """What it wrote before is its own again."""
    own = webhook_url(hass)
    register(account, own)
    url, hass.config.external_url = hass.config.external_url, None
    entry = await set_up_copy(hass, account, webhook_url=own)
    assert entry.data["webhook_url"] == own
    await hass.config.async_update(external_url=url)
    await settle(hass, account)
    assert webhook_urls(account) == [own]
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None
    await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == []


# ------------------------------------------------------------ what was written


async def test_an_address_is_remembered_before_it_is_written(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """The gateway may have it although it never answered."""
    simulator.fail_next(status=None, path="webhook")
    simulator.fail_next(3, status=None, drop=True, path="webhook")
    entry = await set_up(hass, account)
    assert entry.data["webhook_url"] == webhook_url(hass)


async def test_an_old_address_is_deleted_when_the_gateway_is_back(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A change that was seen is not forgotten, be the entry set up anew meanwhile."""
    entry = await set_up(hass, account)
    old = webhook_url(hass)
    failure = simulator.fail_next(2, status=500, path="webhook")
    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await hass.config.async_update(external_url=moved)
    await settle(hass, account)
    await hass.config_entries.async_reload(ENTRY_ID)
    await settle(hass, account)
    assert failure.seen == 2
    assert webhook_urls(account) == [old]
    assert entry.data["old_webhook_urls"] == [old]
    await advance(hass, freezer, account, 31)
    assert webhook_urls(account) == [webhook_url(hass)]
    assert "old_webhook_urls" not in entry.data
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_an_address_that_changes_while_the_entry_is_set_up_anew(
    hass: HomeAssistant, account: Account
) -> None:
    """This Home Assistant was running, and knows what was its own."""
    entry = await set_up(hass, account)
    await hass.config_entries.async_unload(ENTRY_ID)
    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await hass.config.async_update(external_url=moved)
    await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)] == [entry.data["webhook_url"]]


async def test_an_address_that_changes_before_the_entry_could_be_set_up(
    hass: HomeAssistant,
    account: Account,
    simulator: Simulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant was running, though the gateway was away since it was started."""
    own = webhook_url(hass)
    register(account, own)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_url": own}
    )
    for path in ("status", "info"):
        simulator.fail_next(1, status=500, path=path)
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    moved = str(hass.config.external_url).replace("127.0.0.1", "localhost")
    await hass.config.async_update(external_url=moved)
    await advance(hass, freezer, account, 10)
    assert entry.state is ConfigEntryState.LOADED
    assert webhook_urls(account) == [webhook_url(hass)] == [entry.data["webhook_url"]]
    assert issue(hass, Issue.WEBHOOK_CONTESTED) is None


async def test_there_and_back_again(hass: HomeAssistant, account: Account) -> None:
    """An old address that is the own one again is none to delete."""
    await set_up(hass, account)
    url = str(hass.config.external_url)
    for _ in range(2):
        moved = url.replace("127.0.0.1", "localhost")
        await hass.config.async_update(external_url=moved)
        await settle(hass, account)
        await hass.config.async_update(external_url=url)
        await settle(hass, account)
    assert webhook_urls(account) == [webhook_url(hass)]


async def test_removal_in_the_middle_of_a_registration_leaves_no_orphan(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """The gateway acts at once, and answers when the entry is being removed."""
    answered = asyncio.Event()
    simulator.fail_next(status=None, path="webhook")
    failure = simulator.fail_next(
        3 if isinstance(account, WawpAccount) else 1,
        hold=answered,
        path="webhook",
    )
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(ENTRY_ID)
    await until(lambda: failure.seen)
    removal = hass.async_create_task(hass.config_entries.async_remove(ENTRY_ID))
    await let_happen()
    assert not removal.done()
    answered.set()
    await removal
    await settle(hass, account)
    assert account.webhooks == []
    assert webhook_url(hass) not in webhook_urls(account)


async def test_removal_does_not_wait_for_ever(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """What the gateway does not answer is given up, and looked for."""
    answered = asyncio.Event()
    simulator.fail_next(status=None, path="webhook")
    failure = simulator.fail_next(hold=answered, path="webhook")
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    module = "custom_components.whatsapp_presence.instance.registration"
    with patch(f"{module}.REMOVAL_WAITS", 0.05):
        assert await hass.config_entries.async_setup(ENTRY_ID)
        await until(lambda: failure.seen)
        await hass.config_entries.async_remove(ENTRY_ID)
    answered.set()
    await settle(hass, account)
    assert account.webhooks == []


async def test_removal_of_an_entry_that_could_not_be_set_up(
    hass: HomeAssistant, account: Account, simulator: Simulator
) -> None:
    """What an earlier run wrote at this home's address is taken back."""
    own = webhook_url(hass)
    register(account, own)
    register(account, OTHER)
    entry = create_entry(account, chat())
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "webhook_url": own}
    )
    simulator.fail_next(9, status=500, path="status")
    simulator.fail_next(9, status=500, path="info")
    assert not await hass.config_entries.async_setup(ENTRY_ID)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    await hass.config_entries.async_remove(ENTRY_ID)
    assert webhook_urls(account) == [OTHER]


# ------------------------------------------------------------------ the option


async def test_new_address_as_an_option(hass: HomeAssistant, account: Account) -> None:
    """After a leak: another id, the same entities, and nothing left of the old one."""
    entry = await set_up(hass, account)
    entities = {one.unique_id for one in er.async_get(hass).entities.values()}
    flows = hass.config_entries.options
    form = await flows.async_init(ENTRY_ID)
    await flows.async_configure(
        form["flow_id"], {"register_webhook": True, "new_webhook_address": True}
    )
    await settle(hass, account)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.options == {"register_webhook": True}
    new_id = entry.data["webhook_id"]
    assert new_id != WEBHOOK_ID
    assert webhook_urls(account) == [webhook_url(hass).replace(WEBHOOK_ID, new_id)]
    assert {one.unique_id for one in er.async_get(hass).entities.values()} == entities
    assert instance_of(entry).delivery.push

    # Asked for once, it is done once.
    form = await flows.async_init(ENTRY_ID)
    await flows.async_configure(form["flow_id"], {"register_webhook": True})
    await settle(hass, account)
    assert entry.data["webhook_id"] == new_id


async def test_new_address_of_an_account_that_is_not_set_up(
    hass: HomeAssistant, account: Account
) -> None:
    """What was written goes when it is set up the next time."""
    entry = await set_up(hass, account)
    await hass.config_entries.async_unload(ENTRY_ID)
    flows = hass.config_entries.options
    form = await flows.async_init(ENTRY_ID)
    await flows.async_configure(
        form["flow_id"], {"register_webhook": True, "new_webhook_address": True}
    )
    assert entry.data["old_webhook_urls"] == [webhook_url(hass)]
    await hass.config_entries.async_setup(ENTRY_ID)
    await settle(hass, account)
    new_id = entry.data["webhook_id"]
    assert webhook_urls(account) == [webhook_url(hass).replace(WEBHOOK_ID, new_id)]


# ------------------------------------------------------- an address for nobody


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.1.10:8123",
        "http://10.0.0.5:8123",
        "http://homeassistant.local:8123",
        "http://localhost:8123",
        "http://homeassistant:8123",
        "http://ha.home.arpa",
        "http://100.64.1.2:8123",
        "http://169.254.3.4:8123",
        "http://[fd12:3456::1]:8123",
        "http://[fc00::1]:8123",
        "http://[fe80::1]:8123",
        "http://[::ffff:192.168.1.10]:8123",
        "http://[64:ff9b::c0a8:10a]:8123",
        "http://[2002:c0a8:10a::1]:8123",
        "http://192.168.1.10.:8123",
        "http://198.18.0.1:8123",
        "http://240.0.0.1:8123",
        "http://224.0.0.1:8123",
        "http://ha.corp",
        "http://ha.intranet",
        "http://ha.private",
    ],
)
@pytest.mark.usefixtures("far_away")
async def test_a_local_address_is_no_address_for_a_cloud_gateway(
    hass: HomeAssistant, waapi: WaapiAccount, url: str
) -> None:
    """It is told at once, with the reason, and nothing is registered."""
    hass.config.external_url = url
    entry = await set_up(hass, waapi)
    assert waapi.webhooks == []
    assert "webhook_url" not in entry.data
    found = issue(hass, Issue.NO_PUBLIC_URL)
    assert found is not None
    assert found.translation_key == "no_public_url_local"
    assert found.translation_placeholders == {"instance": TITLE, "address": url}
    assert not instance_of(entry).delivery.push
    assert issue(hass, Issue.WEBHOOK_NOT_REGISTERED) is None


@pytest.mark.parametrize(
    ("addresses", "by_hand", "is_told"),
    [
        (["192.168.1.10"], False, True),
        (["127.0.0.1", "fd00::1"], False, True),
        (["192.168.1.10", "198.51.100.7"], False, False),
        (["198.51.100.7"], False, False),
        ([], False, False),
        (["192.168.1.10"], True, False),
    ],
)
@pytest.mark.usefixtures("far_away")
async def test_a_name_is_looked_up(
    hass: HomeAssistant,
    waapi: WaapiAccount,
    addresses: list[str],
    by_hand: bool,
    is_told: bool,
) -> None:
    """One that leads home alone is none; who registers by hand may know better."""
    real = hass.loop.getaddrinfo

    async def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "home.example":
            return await real(host, *args, **kwargs)
        if not addresses:
            raise OSError("no such name")
        return [(2, 1, 6, "", (one, 0)) for one in addresses]

    hass.config.external_url = "https://home.example"
    with patch.object(hass.loop, "getaddrinfo", look_up):
        await set_up(hass, waapi, options={"register_webhook": not by_hand})
    assert (issue(hass, Issue.NO_PUBLIC_URL) is not None) is is_told
    registered = [] if is_told or by_hand else [f"https://home.example{WEBHOOK_PATH}"]
    assert webhook_urls(waapi) == registered
