"""Chats as a user adds them: typed as they write, and many at once."""

from playwright.async_api import expect
import pytest

from .stage import INTEGRATION_PAGE, Stage
from .test_browser import TEXTS, Dialog

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Of an invented range, like all others.
NAMES = [
    *("Ada", "Aki", "Amir", "Bela", "Carla", "Chen", "Dora", "Emil", "Fatma", "Finn"),
    *("Gita", "Hugo", "Ines", "Ivan", "Jana", "Kofi", "Lea", "Liam", "Maya", "Mika"),
    *("Nora", "Omar", "Petra", "Quinn", "Rosa", "Sami", "Tara", "Udo", "Vera", "Yuki"),
]
PEOPLE = {f"49151555{index:05}": name for index, name in enumerate(NAMES)}
ACCOUNT = ("waapi", "77777")


async def open_form(stage: Stage, kind: str) -> Dialog:
    """Open one of the forms that add chats, as a user does."""
    await stage.open(INTEGRATION_PAGE)
    text = TEXTS["config_subentries"][kind]["initiate_flow"]["user"]
    await stage.page.get_by_role("button", name=text, exact=True).click()
    dialog = Dialog(stage)
    title = TEXTS["config_subentries"][kind]["step"]["user"]["title"]
    await expect(dialog.dialog.get_by_text(title).first).to_be_visible()
    return dialog


async def test_a_national_number_is_shown_first(stage: Stage) -> None:
    """A Brazilian writes a number as at home; the same again takes it."""
    page = stage.page
    account = stage.simulator.add_instance(*ACCOUNT, token="brazil")
    account.add_person("5551984487474", name="Zé")
    account.add_person("51984487474", name="Somebody in Peru")
    await stage.home_assistant.add_entry(
        "waapi",
        {
            "instance_id": ACCOUNT[1],
            "api_token": "brazil",
            "advanced": {"url": f"{stage.simulator.url}/api/v1"},
        },
    )
    async with stage.home_assistant.websocket() as call:
        await call("config/core/update", country="BR")
    dialog = await open_form(stage, "chat")
    await dialog.dialog.locator("ha-selector-select").click()
    await expect(dialog.chat("Zé")).to_be_visible()
    await page.locator("ha-picker-combo-box input").fill("(51) 98448-7474")
    stage.numbers.typed.add("(51) 98448-7474")
    # What is typed is offered as well, once the list has followed.
    await (
        page.locator("ha-combo-box-item")
        .filter(has_text="(51) 98448-7474")
        .first.click()
    )
    field = dialog.dialog.locator("ha-picker-field")
    await expect(field).to_contain_text("(51) 98448-7474")
    await dialog.submit()
    sentence = TEXTS["config_subentries"]["chat"]["error"]["confirm_number"]
    await expect(
        dialog.dialog.get_by_text(sentence.format(number="+55 51 98448-7474"))
    ).to_be_visible()
    await expect(field).to_contain_text("(51) 98448-7474")
    await dialog.submit()
    await expect(dialog.dialog.get_by_text("Created configuration")).to_be_visible()
    await dialog.close("Finish")
    await expect(page.get_by_text("Zé", exact=True).first).to_be_visible()


async def test_thirty_chats_are_added_in_one_dialog(stage: Stage) -> None:
    """Each is a device of its own, and no number is seen that nobody typed."""
    page = stage.page
    account = stage.simulator.accounts[ACCOUNT]
    for number, name in PEOPLE.items():
        account.add_person(number, name=name)
    dialog = await open_form(stage, "chats")
    for name in PEOPLE.values():
        await dialog.dialog.get_by_text(name, exact=True).click()
    await stage.take_picture("add_chats")
    await dialog.submit()
    added = TEXTS["config_subentries"]["chats"]["abort"]["chats_added"]
    told, *_ = added.split("\n")
    await expect(dialog.dialog.get_by_text(told.format(count=30))).to_be_visible()
    for link in (
        "/config/devices/dashboard",
        "/docs/dashboard.md",
        "/docs/automations",
    ):
        await expect(dialog.dialog.locator(f'a[href*="{link}"]')).to_be_visible()
    await dialog.close("Close")
    await stage.open(INTEGRATION_PAGE)
    for name in PEOPLE.values():
        await expect(page.get_by_text(name, exact=True).first).to_be_visible()


async def test_a_number_that_nobody_typed_would_be_found(stage: Stage) -> None:
    """Whatever the page, its components and its fields make of it."""
    page = stage.page
    number = next(iter(PEOPLE))
    pages = [
        f"<p>+{number[:2]} {number[2:5]} {number[5:]}</p>",
        f"<input value='0{number[2:6]}-{number[6:]}'>",
        f"<div><template shadowrootmode='open'>{number}</template></div>",
    ]
    for content in pages:
        await page.set_content("")
        await page.evaluate("html => document.body.setHTMLUnsafe(html)", content)
        with pytest.raises(AssertionError, match=number):
            await stage.search_numbers()
    await page.set_content("")
