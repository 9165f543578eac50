"""The demo's dashboard in a browser: all its cards work, in light and dark."""

import asyncio
import os
import re

from playwright.async_api import expect
import pytest

from scripts.demo import add_accounts, find_missing, show_dashboard
from tests.simulator.scenario import Scenario

from .stage import Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(1200)]

# For the picture a day has to go by, which takes the demo ten minutes or so.
UPDATING = os.environ.get("UPDATE_IMAGES") == "1"
PLAYED = 600.0 if UPDATING else 10.0


async def test_the_dashboard_shows_the_day(stage: Stage) -> None:
    """Tiles, the time online, the timeline and the logbook, each with something in it."""
    page = stage.page
    instances = await add_accounts(stage.home_assistant, stage.simulator)
    address = await show_dashboard(stage.home_assistant, instances)
    assert await find_missing(stage.home_assistant, instances) == []
    scenario = Scenario(stage.simulator, speed=120.0, nights=False)
    scenario.start()
    await asyncio.sleep(PLAYED)
    await scenario.stop()
    for instance in instances:
        await instance.account.set_presence("Anna", "typing")
        await instance.account.set_presence("Ben", "typing", group="Family")
        await stage.until(instance.chat("Anna").entities["activity"], "typing")
        await stage.until(instance.chat("Family").entities["typing_members"], "1")

    for instance in reversed(instances):
        path = address.removeprefix(stage.home_assistant.url)
        await stage.open(f"{path}/{instance.account.gateway}")
        anna = page.locator("hui-tile-card", has_text="Anna")
        for shown in ("Online", "Typing", re.compile(r"\dh")):
            await expect(anna.filter(has_text=shown)).to_have_count(1)
        family = page.locator("hui-tile-card", has_text="1 members")
        await expect(family).to_contain_text("Family")
        timeline = page.locator("state-history-chart-timeline canvas")
        await expect(timeline).to_be_visible()
        logbook = page.locator("hui-logbook-card")
        await expect(logbook.get_by_text("Typing").first).to_be_visible()
        await expect(page.locator("hui-error-card, hui-warning")).to_have_count(0)
    await stage.take_picture("dashboard")
