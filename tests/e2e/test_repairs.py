"""Each repair on a phone: it can be read, and something can be done about it."""

from collections.abc import AsyncGenerator
import re
from typing import Final

from playwright.async_api import Locator, expect
import pytest
import pytest_asyncio

from custom_components.whatsapp_presence.repairs import FIX_FLOWS, Issue, learn_more_url

from .stage import DESKTOP, PHONE, Stage
from .test_browser import TEXTS, Dialog

pytestmark = pytest.mark.asyncio(loop_scope="module")

# An address is as long as those of Home Assistant Cloud, a name as those of people.
ADDRESS: Final = f"https://hooks.nabu.casa/{'gAAAAABinvented' * 12}"
GIVEN: Final = {
    "instance": "WAHA Katharina Lindqvist",
    "other": "WAHA garden",
    "name": "WaAPI Katharina Lindqvist",
    "chat": "Bartholomew van der Meer",
    "webhook_url": ADDRESS,
    "address": "http://homeassistant.local:8123",
    "hosts": "second-home.example.org, hooks.nabu.casa",
    "engine": "WEBJS",
    "version": "2026.8.2",
    "remedy": "config.webjs.tagsEventsOn: true",
    "learn_more": learn_more_url(Issue.NOTHING_ARRIVES),
}


@pytest_asyncio.fixture(loop_scope="module")
async def phone(stage: Stage) -> AsyncGenerator[Stage]:
    """The stage on a phone."""
    page = stage.page
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    yield stage
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


async def open_repair(stage: Stage, title: str) -> None:
    """Open one from the list; its words are whole, and nothing lies upon them."""
    page = stage.page
    await stage.open("/config/repairs")
    await page.get_by_text(title, exact=True).first.click()
    await expect(page.locator(".header-subtitle:visible").first).to_be_visible()
    heading = page.locator(".header-title:visible").first
    cut_off = "one => [one.scrollWidth - one.clientWidth, one.getClientRects().length]"
    wider, lines = await heading.evaluate(cut_off)
    assert (wider <= 0, lines) == (True, 1)
    top = await heading.bounding_box()
    below = await page.locator(".header-subtitle:visible").first.bounding_box()
    assert top is not None
    assert below is not None
    assert top["y"] + top["height"] <= below["y"] + 1
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


async def assert_reachable(*buttons: Locator) -> None:
    """What is to be pressed lies within the window."""
    for button in buttons:
        box = await button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        assert box["y"] + box["height"] <= PHONE[1]


@pytest.mark.parametrize("key", TEXTS["issues"])
async def test_each_can_be_acted_on(phone: Stage, key: str) -> None:
    """Words, the address, buttons, and the way to the documentation."""
    page = phone.page
    (issue,) = (one for one in Issue if f"{key}_".startswith(f"{one}_"))
    texts = TEXTS["issues"][key]
    instance = await phone.instance("waapi")
    told = {"issue": issue, "owner_id": instance.entry_id}
    if key != issue:
        told["variant"] = key.removeprefix(f"{issue}_")
    await phone.home_assistant.post("/api/services/prompter/tell", {**told, **GIVEN})
    await open_repair(phone, texts["title"].format(**GIVEN))

    learn_more = page.get_by_role("link", name="Learn more")
    await expect(learn_more).to_have_attribute("href", learn_more_url(issue))
    if issue not in FIX_FLOWS:
        await assert_reachable(learn_more, page.get_by_role("button", name="Ignore"))
        for link in re.findall(r"\]\((/config/[^)]*)\)", texts["description"]):
            await expect(page.locator(f'a[href="{link}"]')).to_be_visible()
        return
    dialog = Dialog(phone)
    steps = texts["fix_flow"]["step"]
    if "by_hand" in steps:
        options = [
            dialog.dialog.get_by_text(option, exact=True)
            for option in steps["confirm"]["menu_options"].values()
        ]
        await assert_reachable(learn_more, *options)
        await options[0].click()
        field = dialog.dialog.locator("textarea").first
        await expect(field).to_have_value(ADDRESS)
        hidden = await field.evaluate("one => one.scrollHeight - one.clientHeight")
        assert hidden <= 1
        await expect(learn_more).to_have_attribute("href", learn_more_url(issue))
    step = steps.get("by_hand", steps["confirm"])
    submit = dialog.dialog.get_by_role("button", name=step.get("submit", "Submit"))
    await assert_reachable(learn_more, submit)


async def test_nothing_arrives(phone: Stage) -> None:
    """What to try, in order; the last is a button, whose price stands above it.

    This account is told of others only while it announces itself.
    """
    home_assistant = phone.home_assistant
    await home_assistant.post("/api/services/prompter/lose_patience", {})
    account = phone.simulator.add_instance(
        "waapi", "4711", token="quiet-token", needs_available=True
    )
    person = account.add_person("4915155500177", name="Greta")
    result = await home_assistant.add_entry(
        "waapi",
        {
            "instance_id": "4711",
            "api_token": "quiet-token",
            "advanced": {"url": f"{phone.simulator.url}/api/v1"},
        },
    )
    entry_id = result["result"]["entry_id"]
    await home_assistant.add_chat(
        entry_id, {"chat": person.chat_id}, flow_id=result["next_flow"][1]
    )
    texts = TEXTS["issues"]["nothing_arrives"]
    switch = "switch.waapi_4711_announce_online"
    await phone.until(switch, "off")
    await phone.until("binary_sensor.greta", "unknown")

    await open_repair(phone, texts["title"].format(instance="WaAPI 4711"))
    dialog = Dialog(phone)
    words = ("written with them", "last seen and online", "phone gets no notifications")
    await expect(dialog.dialog.locator("ol > li")).to_contain_text(words)
    learn_more = dialog.dialog.get_by_role("link", name="Learn more")
    button = dialog.dialog.get_by_role("button", name="Announce online")
    await assert_reachable(learn_more, button)
    assert not account.available
    await button.click()
    await expect(dialog.dialog.get_by_text("repaired")).to_be_visible()
    await phone.until(switch, "on")
    assert account.available
    await account.set_presence("Greta", "online", has_data=True)
    await phone.until("binary_sensor.greta", "on")
    await home_assistant.delete(f"/api/config/config_entries/entry/{entry_id}")
    phone.simulator.remove_instance(account)
