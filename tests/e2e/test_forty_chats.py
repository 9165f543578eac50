"""A house with forty chats: the dashboard on a phone and on a desk."""

import asyncio

from playwright.async_api import expect
import pytest

from scripts.demo import STRATEGY, credentials

from .stage import DESKTOP, PHONE, Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHATS = 40
PATH = "whatsapp-many"


async def test_forty_chats(stage: Stage) -> None:
    """All within one more screen of a phone; none is made anew when somebody comes."""
    page, home_assistant = stage.page, stage.home_assistant
    instance_id, fields = credentials(stage.simulator, "waha")
    account = stage.simulator.accounts["waha", instance_id]
    people = list(account.people.values())
    people += [
        account.add_person(f"4915550{number:06d}", name=f"Person {number}")
        for number in range(len(people), CHATS - 1)
    ]
    (family,) = account.groups.values()
    chat_ids = [family.chat_id, *(person.chat_id for person in people)]
    result = await home_assistant.add_entry("waha", fields)
    flow_id: str | None = result["next_flow"][1]
    for chat_id in chat_ids:
        await home_assistant.add_chat(
            result["result"]["entry_id"], {"chat": chat_id}, flow_id=flow_id
        )
        flow_id = None
    async with home_assistant.websocket() as call:
        await call(
            "lovelace/dashboards/create",
            url_path=PATH,
            title="WhatsApp",
            show_in_sidebar=True,
        )
        await call("lovelace/config/save", url_path=PATH, config=STRATEGY)
    async with asyncio.timeout(240):
        while len(account.subscriptions) < CHATS:
            await asyncio.sleep(0.1)
    for person in people[:5]:
        await account.set_presence(person, "online")

    tiles = page.locator("hui-tile-card").filter(visible=True)
    online = tiles.filter(has_text="Online")
    for width, height in (DESKTOP, PHONE):
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("dark", "light"):
            await page.emulate_media(
                color_scheme="dark" if scheme == "dark" else "light"
            )
            await stage.open(f"/{PATH}/chats")
            await expect(tiles).to_have_count(CHATS)
            await expect(online).to_have_count(5)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.evaluate("document.documentElement.scrollHeight") <= 2 * PHONE[1]
    # As people count: those who are online, the group, and 5 before 10.
    await expect(tiles.nth(6)).to_contain_text("Person 5")
    await expect(tiles.last).to_contain_text(f"Person {CHATS - 2}")

    # Somebody comes: a tile shows that was there, and no other is touched.
    other = tiles.filter(has_text="Person 30")
    await other.evaluate("element => { element.sameAsBefore = true; }")
    await account.set_presence(people[5], "online")
    await expect(online).to_have_count(6)
    await expect(tiles).to_have_count(CHATS)
    assert await other.evaluate("element => element.sameAsBefore")
    assert await online.last.evaluate("element => !element.sameAsBefore")

    # The day is on a page of its own.
    await page.get_by_role("tab", name="The day").click()
    await expect(page.locator("state-history-chart-timeline canvas")).to_be_visible()
    await expect(tiles).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
