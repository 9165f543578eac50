"""The integration as a user meets it: a real browser at a real Home Assistant."""

import json
import re
from typing import Any

from playwright.async_api import Locator, expect
import pytest

from scripts.demo import credentials
from tests.simulator.__main__ import PEOPLE, WAAPI, WAHA, WAWP

from .home_assistant import INTEGRATION, free_port
from .stage import DESKTOP, GATEWAYS, INTEGRATION_PAGE, PHONE, Stage, log_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = [
    *(token for _, token in (WAAPI, WAWP, WAHA)),
    *(word for number, name, _ in PEOPLE for word in (number, name)),
]

TEXTS: dict[str, Any] = json.loads(
    (INTEGRATION / "translations" / "en.json").read_text("utf-8")
)


class Dialog:
    """The dialog of a config flow or of a subentry flow."""

    def __init__(self, stage: Stage) -> None:
        """Take the one that is open."""
        self.stage = stage
        self.page = stage.page
        self.dialog = stage.page.locator("dialog-data-entry-flow")

    async def fill(self, **values: str) -> None:
        """Fill in text fields, by their keys."""
        for key, value in values.items():
            await self.field(key).fill(value)

    def field(self, key: str) -> Locator:
        """Return a text field."""
        return self.dialog.locator(f"input[name={key}]")

    async def submit(self) -> None:
        """Press the button."""
        await self.stage.search_numbers()
        await self.dialog.get_by_role("button", name="Submit").click()

    async def refuses(self, error: str) -> None:
        """Submit, and see one message: that of the error."""
        await self.submit()
        await expect(self.dialog.locator("ha-alert")).to_have_text(
            TEXTS["config"]["error"][error]
        )

    async def close(self, button: str) -> None:
        """Close it, and wait until the page is there again."""
        await self.stage.search_numbers()
        await self.dialog.get_by_role("button", name=button).last.click()
        await expect(self.dialog.locator("wa-dialog")).to_have_count(0)

    async def open_picker(self) -> None:
        """Open the list of the account's chats."""
        await self.dialog.locator("ha-selector-select").click()
        await expect(self.chat("Anna")).to_be_visible()

    async def close_picker(self) -> None:
        """Close the list."""
        await self.stage.search_numbers()
        await self.page.keyboard.press("Escape")
        await expect(self.chat("Anna")).to_be_hidden()

    def chat(self, name: str) -> Locator:
        """Return a chat in the open list."""
        return self.page.locator("ha-combo-box-item").get_by_text(name, exact=True)


async def begin(stage: Stage, gateway: str) -> Dialog:
    """Begin to add an account, as a user does; returns the dialog."""
    page = stage.page
    await stage.open("/config/integrations/dashboard")
    await page.get_by_role("button", name="Add integration").click()
    await page.get_by_placeholder("Search for a brand name").fill("whatsapp")
    await (
        page.locator("ha-integration-list-item")
        .get_by_text("WhatsApp Presence")
        .click()
    )
    dialog = Dialog(stage)
    await dialog.dialog.get_by_text(GATEWAYS[gateway], exact=True).click()
    return dialog


async def test_log_in(stage: Stage) -> None:
    """The front end lets the demo's user in, and nobody else."""
    browser = stage.page.context.browser
    assert browser is not None
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(stage.home_assistant.url)
        await page.locator("input[name=username]").fill("demo")
        await page.locator("input[name=password]").fill("wrong")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_text("Invalid username or password")).to_be_visible()
        await log_in(page, stage.home_assistant)
    finally:
        await context.close()
    # Home Assistant tells of the attempt, on all pages that follow.
    await stage.home_assistant.post(
        "/api/services/persistent_notification/dismiss_all", {}
    )


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_an_account_is_added_by_hand(stage: Stage, gateway: str) -> None:
    """Each mistake has its own message; then the flow goes on to the first chat."""
    page = stage.page
    _, form = credentials(stage.simulator, gateway)
    hidden = form.pop("advanced", {})
    right = {**form, **hidden}
    token, instance = (
        next(key for key in right if key.endswith(("token", "key"))),
        next(key for key in right if key in ("instance_id", "session")),
    )

    dialog = await begin(stage, gateway)

    await expect(dialog.field(instance)).to_be_visible()
    if hidden:
        await expect(dialog.field("url")).to_be_hidden()
        await dialog.dialog.get_by_text("Advanced").click()
    await dialog.fill(**right)
    if gateway == "waapi":
        await stage.take_picture("config_flow")
    await dialog.fill(**{token: "wrong"})
    await dialog.refuses("invalid_auth")
    await dialog.fill(**{**right, instance: "98765"})
    await dialog.refuses("instance_not_found")
    await dialog.fill(**{**right, "url": f"http://127.0.0.1:{free_port()}"})
    await dialog.refuses("cannot_connect")
    await dialog.fill(**right)
    await dialog.submit()

    await expect(dialog.dialog.get_by_text("Add a chat")).to_be_visible()
    if gateway == "waapi":
        await stage.take_picture("chat_picker", dialog.open_picker, dialog.close_picker)
    await dialog.open_picker()
    await dialog.chat("Ben").click()
    await expect(dialog.dialog.locator("ha-picker-field")).to_contain_text("Ben")
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("Created configuration")).to_be_visible()
    # What comes next.
    next_up = TEXTS["config_subentries"]["chats"]["initiate_flow"]["user"]
    await expect(dialog.dialog.get_by_text(next_up, exact=True)).to_be_visible()
    for href in (
        "/config/devices/dashboard?",
        "/docs/dashboard.md",
        "/docs/automations.md",
    ):
        link = dialog.dialog.locator(f'a[href*="{href}"]')
        await expect(link).to_be_visible()
    await dialog.close("Finish")

    await page.get_by_role("link", name="WhatsApp Presence").click()
    entry = page.locator("ha-config-entry-row").filter(
        has=page.get_by_text(f"{GATEWAYS[gateway]} Demo").first
    )
    await expect(entry.get_by_text("Ben", exact=True).first).to_be_visible()


async def test_a_session_is_chosen_and_its_key_changed(stage: Stage) -> None:
    """A server's key opens its sessions; a new key is taken without a restart."""
    page = stage.page
    account = stage.simulator.add_instance(
        "waha", "garden", token="garden-key", store=True
    )
    dialog = await begin(stage, "waha")
    await expect(dialog.field("api_key")).to_be_visible()
    await dialog.fill(url=stage.simulator.url, api_key="wrong")
    await dialog.refuses("invalid_auth")
    await dialog.fill(api_key="garden-key")
    await dialog.submit()
    step = TEXTS["config"]["step"]["waha_session"]
    await expect(dialog.dialog.get_by_text(step["description"])).to_be_visible()
    await expect(dialog.dialog.locator("ha-selector-select")).to_contain_text("garden")
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("Add a chat")).to_be_visible()
    await dialog.dialog.get_by_role("button", name="Close").first.click()

    entry = await stage.find_entry("garden")
    assert entry is not None
    ready = "binary_sensor.waha_garden_ready"
    await stage.until(ready, "on")
    account.token = "new-key"
    # The menu of the last row would open below the window's end.
    await page.set_viewport_size({"width": 1280, "height": 2000})
    await stage.open(INTEGRATION_PAGE)
    row = page.locator("ha-config-entry-row").filter(
        has=page.get_by_text("WAHA garden").first
    )
    await row.locator("ha-dropdown, ha-md-button-menu, ha-button-menu").first.click()
    await row.get_by_text("Reconfigure", exact=True).first.click()
    await expect(dialog.dialog.get_by_text("WAHA garden")).to_be_visible()
    await expect(dialog.field("url")).to_have_value(stage.simulator.url)
    await dialog.fill(api_key="new-key")
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("successful")).to_be_visible()
    await dialog.close("Close")
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await stage.until(ready, "on")
    assert account.config_writes == 0

    await stage.home_assistant.delete(
        f"/api/config/config_entries/entry/{entry['entry_id']}"
    )
    stage.simulator.remove_instance(account)


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_presence_shows(stage: Stage, gateway: str) -> None:
    """What somebody does shows on the device's page, without a reload."""
    instance = await stage.instance(gateway)
    await stage.open_device(instance.chat("Ben").entities["online"])
    await instance.account.set_presence("Ben", "online")
    await expect(stage.row("Ben")).to_contain_text("Online")
    await instance.account.set_presence("Ben", "typing")
    await expect(stage.row("Activity")).to_contain_text("Typing")
    if gateway == "waapi":
        await stage.take_picture("device")
    await instance.account.set_presence("Ben", "offline")
    await expect(stage.row("Ben")).to_contain_text("Offline")


async def test_a_chat_is_changed(stage: Stage) -> None:
    """Name and settle time can be changed later; the device follows."""
    page = stage.page
    await stage.instance("waha", "Clara")
    await stage.open(INTEGRATION_PAGE)
    row = page.locator("ha-config-sub-entry-row").filter(
        has=page.get_by_text("Clara", exact=True)
    )
    await row.get_by_role("button", name="Change chat").click()
    dialog = Dialog(stage)
    await expect(dialog.dialog.get_by_text("Change Clara")).to_be_visible()
    await expect(dialog.field("name")).to_have_value("Clara")
    await dialog.dialog.get_by_text("Timing").click()
    settle_time = dialog.dialog.get_by_role("spinbutton", name="Off delay")
    await expect(settle_time).to_have_value("3")
    await settle_time.fill("0.5")
    await dialog.fill(name="Aunt Clara")
    await stage.take_picture("change_chat")
    await dialog.submit()
    await dialog.close("Close")
    await expect(page.get_by_text("Aunt Clara", exact=True).first).to_be_visible()
    await expect(page.get_by_text("Clara", exact=True)).to_have_count(0)


async def test_a_plan_without_webhooks_is_told(stage: Stage) -> None:
    """A repair has the address to copy, whole, on a phone; and takes one's word."""
    page = stage.page
    account = stage.simulator.add_instance("wawp", "FREE1", token="free", plan="free")
    result = await stage.home_assistant.add_entry(
        "wawp",
        {
            "instance_id": "FREE1",
            "access_token": "free",
            "advanced": {"url": stage.simulator.url},
        },
    )
    texts = TEXTS["issues"]["webhook_not_registered"]
    title = texts["title"].format(instance="Wawp FREE1")
    steps = texts["fix_flow"]["step"]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await stage.open("/config/repairs")
    await page.get_by_text(title).click()
    dialog = Dialog(stage)
    shown_address = dialog.dialog.locator("code", has_text="/api/webhook/")
    address = re.compile(
        re.escape(f"{stage.home_assistant.url}/api/webhook/") + "[\\w-]{22,}"
    )
    await expect(shown_address).to_have_text(address)
    # One of Home Assistant Cloud is as long as that, and without a place to break it.
    right = await shown_address.evaluate(
        "one => { one.append('x'.repeat(150)); return one.getBoundingClientRect().right; }"
    )
    assert right <= PHONE[0] - 16
    options = steps["confirm"]["menu_options"]
    await dialog.dialog.get_by_text(options["again"]).click()
    refused = texts["fix_flow"]["abort"]["not_registered"]
    await expect(dialog.dialog.get_by_text(refused)).to_be_visible()
    await dialog.close("Close")
    assert account.webhooks == []

    await page.get_by_text(title).click()
    await dialog.dialog.get_by_text(options["by_hand"]).click()
    field = dialog.dialog.locator("textarea").first
    await expect(field).to_have_value(address)
    for words in ("presence.update", "session.status", "wawp.net/account/connect"):
        await expect(dialog.dialog.get_by_text(words).first).to_be_visible()
    link = dialog.dialog.get_by_role("link", name="Learn more")
    href = await link.get_attribute("href")
    assert href is not None
    assert href.endswith("/docs/troubleshooting.md#webhook_not_registered")
    # Nothing of it is hidden, and all of it can be copied with the usual keys.
    shown = await field.evaluate(
        "one => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]"
    )
    assert max(shown) <= 1, shown
    await stage.take_picture("repair")
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await field.click()
    await page.keyboard.press("Control+A")
    copied = await field.evaluate(
        "one => one.value.slice(one.selectionStart, one.selectionEnd)"
    )
    assert copied == await field.input_value()

    account.add_webhook(copied)
    await dialog.dialog.get_by_role("button", name=steps["by_hand"]["submit"]).click()
    entered = texts["fix_flow"]["create_entry"]["entered"]
    await expect(dialog.dialog.get_by_text(entered)).to_be_visible()
    await dialog.close("Close")
    await expect(page.get_by_text("no repairs pending")).to_be_visible()
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    (registered,) = account.webhooks
    assert registered["url"] == copied

    await stage.home_assistant.delete(
        f"/api/config/config_entries/entry/{result['result']['entry_id']}"
    )
    stage.simulator.remove_instance(account)


async def test_an_automation_is_made_and_runs(stage: Stage) -> None:
    """The editor offers the triggers of a chat; the automation runs on its event."""
    page = stage.page
    instance = await stage.instance("wawp", "David")
    online = instance.chat("David").entities["online"]
    await instance.account.set_presence("David", "offline")
    await stage.until(online, "off")

    await stage.open("/config/automation/edit/new")
    await page.get_by_role("button", name="Add trigger").click()
    picker = page.locator("add-automation-element-dialog")
    await picker.get_by_text("Services", exact=True).click()
    await picker.get_by_text("David", exact=True).first.click()
    for change in TEXTS["triggers"].values():
        await expect(picker.get_by_text(change["name"])).to_be_visible()
    await stage.take_picture("automation")
    await picker.get_by_text(TEXTS["triggers"]["came_online"]["name"]).click()
    await page.get_by_role("button", name="Save").click()
    save = page.locator("ha-dialog-automation-save")
    await save.locator("input").first.fill("Greet David")
    await save.get_by_role("button", name="Save").click()
    # The editor goes on to the address of what was saved.
    await page.wait_for_url(re.compile(r"/config/automation/edit/(?!new)"))
    await stage.until("automation.greet_david", "on")

    await instance.account.set_presence("David", "online")
    await stage.until(online, "on")
    await stage.open("/config/automation/dashboard")
    await expect(page.get_by_text("Greet David")).to_be_visible()
    await expect(
        page.get_by_text(re.compile("(second|minute)s? ago|now"))
    ).to_be_visible()
    state = await stage.state("automation.greet_david")
    assert state["attributes"]["last_triggered"]


# The grace time passes for real: nobody sets a clock that a browser goes by.
async def test_an_outage_is_told_once_and_ends_by_itself(stage: Stage) -> None:
    """All that depends on the gateway is unavailable while it is away, no longer."""
    page = stage.page
    instances = [await stage.instance(gateway) for gateway in GATEWAYS]
    online = {
        instance.title: instance.chat("Ben").entities["online"]
        for instance in instances
    }
    for instance in instances:
        await instance.account.set_presence("Ben", "online")
        await stage.until(online[instance.title], "on")
    logged = len(stage.own_log)

    await stage.simulator.stop()
    for instance in instances:
        # An engine that starts anew knows nobody.
        instance.account.lose_subscriptions()
    # A stream breaks at once. The others would find out within the minute, or when
    # they have something to ask.
    for title in ("Wawp", "WaAPI"):
        await stage.open_device(online[title])
        await page.get_by_role("link", name=f"{title} ").click()
        await page.get_by_role("button", name="Press").click()
    for entity_id in online.values():
        await stage.until(entity_id, "unavailable")
    await expect(stage.row("Status")).to_contain_text("Gateway unreachable")
    await stage.open_device(online["WAHA"])
    await expect(stage.row("Ben")).to_contain_text("Unavailable")

    await stage.simulator.start()
    for title in GATEWAYS.values():
        await stage.until(online[title], "on")
    await expect(stage.row("Ben")).to_contain_text("Online")

    told = stage.own_log[logged:]
    for title in GATEWAYS.values():
        complaints = [
            line
            for line in told
            if f" {title} instance" in line and re.search(" (ERROR|WARNING) ", line)
        ]
        assert len(complaints) == 1, complaints
    assert sum(bool(re.search(" (ERROR|WARNING) ", line)) for line in told) == 3


async def test_nothing_private_is_logged(stage: Stage) -> None:
    """Whatever was done before: no token, number or name is in the log."""
    await stage.instance("waapi")
    log = "\n".join(stage.own_log)
    assert [secret for secret in SECRETS if secret in log] == []
    assert "Traceback" not in log
