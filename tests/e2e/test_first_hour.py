"""What a newcomer may run into: a plan, an engine, an account, that are not what they should."""

import re
import time
from typing import Any, Final

from playwright.async_api import expect
import pytest

from .stage import DESKTOP, GATEWAYS, INTEGRATION_PAGE, PHONE, Stage
from .test_browser import TEXTS, Dialog, begin

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS: Final = {"waapi": "api_token", "wawp": "access_token", "waha": "api_key"}
NOTICES = TEXTS["selector"]["chat_list"]["options"]


def plain(text: str) -> str:
    """Return the first words of a text that is set in bold."""
    return str(text).partition("**")[2].partition("**")[0]


async def begin_with_a_wrong_key(
    stage: Stage, gateway: str, instance_id: str
) -> Dialog:
    """Begin to add an account, and be refused; returns the dialog."""
    dialog = await begin(stage, gateway)
    instance = "session" if gateway == "waha" else "instance_id"
    await expect(dialog.field(instance)).to_be_visible()
    path = "/api/v1" if gateway == "waapi" else ""
    if gateway != "waha":
        await dialog.dialog.get_by_text("Advanced").click()
    await dialog.fill(
        **{
            instance: instance_id,
            KEYS[gateway]: "wrong",
            "url": f"{stage.simulator.url}{path}",
        }
    )
    await dialog.refuses("invalid_auth")
    return dialog


async def remove(stage: Stage, gateway: str, instance_id: str) -> None:
    """Remove an entry, and the account behind it."""
    entry = await stage.find_entry(instance_id)
    assert entry is not None
    await stage.home_assistant.delete(
        f"/api/config/config_entries/entry/{entry['entry_id']}"
    )
    stage.simulator.remove_instance(stage.simulator.accounts[gateway, instance_id])


async def test_an_engine_that_can_not_tell(stage: Stage) -> None:
    """The form has the line to add; the repair has it as well, on a phone."""
    page = stage.page
    account = stage.simulator.add_instance(
        "waha", "silent", token="silent-key", engine="WEBJS"
    )
    dialog = await begin(stage, "waha")
    await expect(dialog.field("api_key")).to_be_visible()
    # As it is copied from the browser.
    await dialog.fill(
        url=f"{stage.simulator.url}/dashboard/", api_key="silent-key", session="silent"
    )
    await dialog.submit()
    alert = dialog.dialog.locator("ha-alert")
    line = "config.webjs.tagsEventsOn: true"
    await expect(alert).to_contain_text(line)
    await expect(alert).to_contain_text("WEBJS")
    # Going on all the same is possible.
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("Add a chat")).to_be_visible()
    await dialog.dialog.get_by_role("button", name="Close").first.click()

    texts = TEXTS["issues"]["engine_cannot_tell"]
    title = texts["title"].format(instance="WAHA silent")
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await stage.open("/config/repairs")
    await page.get_by_text(title).click()
    await expect(page.get_by_text(line)).to_be_visible()
    learn_more = page.get_by_role("link", name="Learn more")
    href = await learn_more.get_attribute("href")
    assert href is not None
    assert href.endswith("/docs/troubleshooting.md#engine_cannot_tell")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    assert account.config_writes == 0
    await remove(stage, "waha", "silent")


@pytest.mark.parametrize(
    ("gateway", "options", "notice"),
    [
        ("waapi", {"trial_number": "49151"}, "trial"),
        ("waapi", {"status": "qr"}, "not_connected"),
        ("wawp", {"plan": "free"}, "no_webhook"),
        ("wawp", {"status": "SCAN_QR_CODE"}, "not_connected"),
        ("waha", {"status": "SCAN_QR_CODE", "store": True}, "not_connected"),
    ],
)
async def test_what_is_said_before_the_first_chat(
    stage: Stage, gateway: str, options: dict[str, str], notice: str
) -> None:
    """On a phone, above the form of the first chat; a refused key before that."""
    page = stage.page
    instance_id = "777"
    stage.simulator.add_instance(gateway, instance_id, token="first-key", **options)
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    dialog = await begin_with_a_wrong_key(stage, gateway, instance_id)
    await dialog.fill(**{KEYS[gateway]: "first-key"})
    await dialog.submit()
    await expect(dialog.dialog.get_by_text(plain(NOTICES[notice]))).to_be_visible()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await expect(dialog.dialog.get_by_text(plain(NOTICES[notice]))).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await dialog.dialog.get_by_role("button", name="Close").first.click()
    await remove(stage, gateway, instance_id)


async def enter_the_webhook(stage: Stage, account: Any) -> None:
    """Do on a phone what the repair of a plan without webhooks says."""
    page = stage.page
    texts = TEXTS["issues"]["webhook_not_registered"]
    step = texts["fix_flow"]["step"]
    await stage.open("/config/repairs")
    await page.get_by_text(texts["title"].format(instance="Wawp 1000")).click()
    dialog = Dialog(stage)
    await dialog.dialog.get_by_text(step["confirm"]["menu_options"]["by_hand"]).click()
    field = dialog.dialog.locator("textarea").first
    await expect(field).to_have_value(re.compile("/api/webhook/"))
    account.add_webhook(await field.input_value())
    await dialog.dialog.get_by_role("button", name=step["by_hand"]["submit"]).click()
    await dialog.close("Close")


# What each gateway has in the way.
OBSTACLES: Final[dict[str, dict[str, Any]]] = {
    "waapi": {"status": "qr"},
    "wawp": {"plan": "free"},
    "waha": {"engine": "WEBJS", "store": True},
}


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_the_whole_hour(stage: Stage, gateway: str) -> None:
    """From nothing to the first person's *on*, whatever is in the way, in five minutes."""
    page = stage.page
    account: Any = stage.simulator.add_instance(
        gateway, "1000", token="own-key", **OBSTACLES[gateway]
    )
    account.add_person("4915155500188", name="Greta")
    begun = time.monotonic()

    dialog = await begin_with_a_wrong_key(stage, gateway, "1000")
    await dialog.fill(**{KEYS[gateway]: "own-key"})
    await dialog.submit()
    if gateway == "waha":
        line = "config.webjs.tagsEventsOn: true"
        await expect(dialog.dialog.locator("ha-alert")).to_contain_text(line)
        account.quirks.tags_events_on = True
        await dialog.submit()
    await expect(dialog.dialog.get_by_text("Add a chat")).to_be_visible()
    if gateway == "waapi":
        notice = plain(NOTICES["not_connected"])
        await expect(dialog.dialog.get_by_text(notice)).to_be_visible()
        # The QR code is scanned, and the form opened again, as the notice says.
        await dialog.dialog.get_by_role("button", name="Close").first.click()
        await account.set_status("ready")
        await stage.open(INTEGRATION_PAGE)
        add = TEXTS["config_subentries"]["chat"]["initiate_flow"]["user"]
        await page.get_by_role("button", name=add, exact=True).click()
        await expect(dialog.dialog.get_by_text("Add a chat").first).to_be_visible()
    await dialog.dialog.locator("ha-selector-select").click()
    await dialog.chat("Greta").click()
    await expect(dialog.dialog.locator("ha-picker-field")).to_contain_text("Greta")
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("Created configuration")).to_be_visible()
    await dialog.close("Finish")
    if gateway == "wawp":
        await enter_the_webhook(stage, account)

    await stage.open_device("binary_sensor.greta")
    await account.set_presence("Greta", "online", has_data=True)
    await expect(stage.row("Greta")).to_contain_text("Online")
    assert time.monotonic() - begun < 300
    await remove(stage, gateway, "1000")
