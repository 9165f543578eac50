"""The demo's dashboards in a browser: the one that fills itself, and the one by hand."""

import asyncio
from contextlib import suppress
import os
import re

from playwright.async_api import Locator, expect
import pytest

from scripts.demo import (
    BY_HAND,
    BY_ITSELF,
    Instance,
    add_accounts,
    find_missing,
    show_dashboard,
)
from tests.simulator.scenario import Scenario

from .home_assistant import ApiError
from .stage import DESKTOP, PHONE, Stage
from .test_browser import TEXTS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1200)]

# For the picture a day has to go by, which takes the demo ten minutes or so.
UPDATING = os.environ.get("UPDATE_IMAGES") == "1"
PLAYED = 600.0 if UPDATING else 10.0

PAGE = f"/{BY_ITSELF}/chats"


@pytest.fixture(scope="module")
def instances() -> list[Instance]:
    """The demo's accounts, once the first test has added them."""
    return []


def tile(stage: Stage, name: str) -> Locator:
    """Return the tiles of a name that can be seen."""
    named = re.compile(rf"^\s*{name}")
    return stage.page.locator("hui-tile-card", has_text=named).filter(visible=True)


async def test_the_demo_opens_on_the_dashboard(
    stage: Stage, instances: list[Instance]
) -> None:
    """All chats, what they are doing, and the day; every picture is fetched here."""
    page = stage.page
    instances += await add_accounts(stage.home_assistant, stage.simulator)
    await show_dashboard(stage.home_assistant, instances)
    scenario = Scenario(stage.simulator, speed=120.0, nights=False)
    scenario.start()
    await asyncio.sleep(PLAYED)
    await scenario.stop()
    wawp = next(one for one in instances if one.account.gateway == "wawp")
    await wawp.account.set_presence("Anna", "online")
    await wawp.account.set_presence("Clara", "offline")
    await wawp.account.set_presence("Ben", "typing", group="Family")
    await stage.until(wawp.chat("Anna").entities["online"], "on")
    await stage.until(wawp.chat("Clara").entities["online"], "off")
    await stage.until(wawp.chat("Family").entities["typing_members"], "1")

    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    await page.goto(stage.home_assistant.url)
    await expect(page).to_have_url(re.compile(rf"/{BY_ITSELF}(/chats)?$"))
    for instance in instances:
        heading = page.locator("hui-heading-card", has_text=instance.title)
        await expect(heading.first).to_contain_text("Connected")
    # Each chat once for each account, whatever it is doing.
    for chat in wawp.chats:
        await expect(tile(stage, chat.name)).to_have_count(len(instances))
    await expect(tile(stage, "Anna").filter(has_text="Online")).not_to_have_count(0)
    await expect(tile(stage, "Clara").filter(has_text="Offline")).not_to_have_count(0)
    typing = tile(stage, "Family · Typing").filter(has_text="Ben")
    await expect(typing).not_to_have_count(0)
    # A face stays where it is, whatever somebody is doing.
    await expect(typing.locator("[image], img").first).to_be_attached()
    timelines = page.locator("state-history-chart-timeline canvas")
    await expect(timelines.first).to_be_visible()
    await expect(page.locator("hui-error-card, hui-warning")).to_have_count(0)
    await expect(page.get_by_text("Needs your attention")).to_be_hidden()
    await stage.take_picture("dashboard")

    # No browser talks to the pictures' server.
    assert any("/api/image_proxy/image." in url for url in asked)
    assert not [url for url in asked if url.startswith(stage.simulator.url)]
    outside = re.compile(rf"(?!{re.escape(stage.home_assistant.url)})https?:")
    assert not [url for url in asked if outside.match(url)]


async def test_what_changes_is_shown_without_a_reload(
    stage: Stage, instances: list[Instance]
) -> None:
    """Who comes and goes, a new chat, another name, what is hidden."""
    page = stage.page
    wawp = next(one for one in instances if one.account.gateway == "wawp")
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await stage.open(PAGE)
    await expect(tile(stage, "Family")).to_have_count(len(instances))
    await page.evaluate("window.neverReloaded = true")

    await wawp.account.set_presence("Anna", "recording")
    await expect(tile(stage, "Anna").filter(has_text="Recording")).to_have_count(1)
    await wawp.account.set_presence("Anna", "offline")
    await expect(tile(stage, "Anna").filter(has_text="Recording")).to_have_count(0)

    person = wawp.account.add_person("4915550000001", name="Greta", picture=True)
    await stage.home_assistant.add_chat(wawp.entry_id, {"chat": person.chat_id})
    await expect(tile(stage, "Greta")).to_have_count(1)

    async with stage.home_assistant.websocket() as call:
        entry = await call(
            "config/entity_registry/update",
            entity_id="binary_sensor.greta",
            new_entity_id="binary_sensor.neighbour",
        )
        await call(
            "config/device_registry/update",
            device_id=entry["entity_entry"]["device_id"],
            name_by_user="Neighbour",
        )
        await expect(tile(stage, "Neighbour")).to_have_count(1)
        await expect(tile(stage, "Greta")).to_have_count(0)
        await call(
            "config/entity_registry/update",
            entity_id="binary_sensor.neighbour",
            hidden_by="user",
        )
    await expect(tile(stage, "Neighbour")).to_have_count(0)
    assert await page.evaluate("window.neverReloaded")


async def test_what_needs_the_user_is_told(
    stage: Stage, instances: list[Instance]
) -> None:
    """An account that is lost, and its repair, with the way there."""
    page = stage.page
    waapi = next(one for one in instances if one.account.gateway == "waapi")
    await stage.open(PAGE)
    await expect(page.get_by_text("Needs your attention")).to_be_hidden()
    await waapi.account.set_status("qr")
    await expect(page.get_by_text("Needs your attention")).to_be_visible(
        timeout=180_000
    )
    lost = page.locator("hui-tile-card", has_text="Waiting for login")
    await expect(lost.filter(visible=True)).to_have_count(1)
    alert = page.locator("ha-alert", has_text="not connected to WhatsApp")
    await expect(alert).to_be_visible(timeout=180_000)
    for width, height in (PHONE, DESKTOP):
        await page.set_viewport_size({"width": width, "height": height})
        # The page follows a moment later.
        await page.wait_for_function(
            "width => document.documentElement.scrollWidth <= width", arg=width
        )
    await alert.get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/config/repairs"))

    await stage.open(PAGE)
    await waapi.account.set_status("ready")
    await expect(page.get_by_text("Needs your attention")).to_be_hidden(timeout=180_000)


async def test_announcing_tells_its_price_first(
    stage: Stage, instances: list[Instance]
) -> None:
    """It is offered where nothing is known of any chat, and shown while it is on."""
    page = stage.page
    account = stage.simulator.add_instance(
        "waapi", "4712", token="silent-token", needs_available=True
    )
    person = account.add_person("4915550000002", name="Hanna")
    result = await stage.home_assistant.add_entry(
        "waapi",
        {
            "instance_id": "4712",
            "api_token": "silent-token",
            "advanced": {"url": f"{stage.simulator.url}/api/v1"},
        },
    )
    entry_id = result["result"]["entry_id"]
    await stage.home_assistant.add_chat(
        entry_id, {"chat": person.chat_id}, flow_id=result["next_flow"][1]
    )
    switch = "switch.waapi_4712_announce_online"
    await stage.until(switch, "off")

    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await stage.open(PAGE)
    card = page.locator("hui-tile-card", has_text="silent phone").filter(visible=True)
    # All other accounts have chats of which something is known.
    await expect(card).to_have_count(1)
    price = TEXTS["selector"]["dashboard"]["options"]["announce_online"]
    for button, state in (("Cancel", "off"), ("OK", "on")):
        await card.click()
        await expect(page.get_by_text(price)).to_be_visible()
        assert (await stage.state(switch))["state"] == "off"
        await page.get_by_role("button", name=button, exact=True).click()
        await expect(page.get_by_text(price)).to_be_hidden()
        await stage.until(switch, state)
    await expect(card).to_contain_text("your phone gets no notifications")
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    await card.click()
    await stage.until(switch, "off")
    await page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    await stage.home_assistant.delete(f"/api/config/config_entries/entry/{entry_id}")
    stage.simulator.remove_instance(account)


async def test_the_dashboard_is_offered(stage: Stage) -> None:
    """Where a dashboard is added, by name."""
    page = stage.page
    await stage.open("/config/lovelace/dashboards")
    await page.get_by_role("button", name="Add dashboard").click()
    card = page.locator("dashboard-card", has_text="WhatsApp Presence")
    await expect(card).to_contain_text("Who is online")
    await card.click()
    await page.get_by_role("button", name="Create").click()
    async with stage.home_assistant.websocket() as call:
        async with asyncio.timeout(120):
            while len(made := await call("lovelace/dashboards/list")) < 3:
                await asyncio.sleep(0.1)
            # What it is made of, the front end saves a moment later.
            config = None
            while config is None:
                with suppress(ApiError):
                    config = await call(
                        "lovelace/config", url_path=made[-1]["url_path"]
                    )
                await asyncio.sleep(0.1)
    assert config == {"strategy": {"type": "custom:whatsapp-presence"}}


async def test_the_one_by_hand(stage: Stage, instances: list[Instance]) -> None:
    """Tiles, the time online, the timeline and the logbook, each with something in it."""
    page = stage.page
    assert await find_missing(stage.home_assistant, instances) == []
    for instance in instances:
        await instance.account.set_presence("Anna", "typing")
        await instance.account.set_presence("Ben", "typing", group="Family")
        await stage.until(instance.chat("Anna").entities["activity"], "typing")
        await stage.until(instance.chat("Family").entities["typing_members"], "1")

    for instance in reversed(instances):
        await stage.open(f"/{BY_HAND}/{instance.account.gateway}")
        anna = page.locator("hui-tile-card", has_text="Anna")
        for shown in ("Online", "Typing", re.compile(r"\d ?m")):
            await expect(anna.filter(has_text=shown)).to_have_count(1)
        family = page.locator("hui-tile-card", has_text=re.compile(r"Family\s*1\s*$"))
        await expect(family).to_have_count(1)
        timeline = page.locator("state-history-chart-timeline canvas")
        await expect(timeline).to_be_visible()
        logbook = page.locator("hui-logbook-card")
        await expect(logbook.get_by_text("Typing").first).to_be_visible()
        await expect(page.locator("hui-error-card, hui-warning")).to_have_count(0)
