"""What the browser tests play on: Home Assistant, its front end, the gateways."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
import os
from pathlib import Path
import re
import shutil
from typing import Any, Final

from PIL import Image
from playwright.async_api import (
    Error as PlaywrightError,
    Locator,
    Page,
    TimeoutError as PlaywrightTimeoutError,
    async_playwright,
    expect,
)

from scripts.demo import Chat, Instance, credentials, find_entities
from tests.simulator import HurriedClock, Simulator
from tests.simulator.__main__ import populate

from .home_assistant import INTEGRATION, REPOSITORY, ApiError, HomeAssistant
from .numbers import Numbers

IMAGES: Final = REPOSITORY / "docs" / "images"
# Tells of what else would take too long to wait for.
PROMPTER: Final = Path(__file__).parent / "prompter"
MAX_IMAGE_SIZE: Final = 250 * 1024

# Long enough for a slow machine that does a lot of other things.
TIME_LIMIT: Final = 120_000

DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)

GATEWAYS: Final = {"waapi": "WaAPI", "wawp": "Wawp", "waha": "WAHA"}

INTEGRATION_PAGE: Final = "/config/integrations/integration/whatsapp_presence"

_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def find_chromium() -> str | None:
    """Return the Chromium to drive: the one in $CHROMIUM, else one on PATH."""
    for name in (
        os.environ.get("CHROMIUM"),
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ):
        if name and (path := shutil.which(name)):
            return path
    return None


@dataclass(slots=True)
class Stage:
    """A Home Assistant with a user who is logged in, and gateways without accounts."""

    home_assistant: HomeAssistant
    simulator: Simulator
    page: Page
    images: Path
    numbers: Numbers

    async def search_numbers(self) -> None:
        """Fail if the page shows a phone number that nobody typed."""
        await self.numbers.search(self.page)

    async def open(self, path: str) -> None:
        """Open a page of the front end, as a fresh load."""
        url = f"{self.home_assistant.url}{path}"
        await self.search_numbers()
        # A dialog that closes goes back in the history in the end, from whatever page
        # there is then. One that is left open stays there.
        with suppress(PlaywrightTimeoutError):
            await self.page.wait_for_function("!history.state?.dialog", timeout=5_000)
        try:
            await self.page.goto(url)
        except PlaywrightError as err:
            # A dialog that closes goes back in the history, and may do so just now.
            if "ERR_ABORTED" not in err.message:
                raise
            await self.page.goto(url)

    async def instance(self, gateway: str, name: str = "Ben") -> Instance:
        """Return an account with a chat; what is not there yet is added."""
        instance_id, fields = credentials(self.simulator, gateway)
        account = self.simulator.accounts[gateway, instance_id]
        chat_id = account.person(name).chat_id
        entry = await self.find_entry(instance_id)
        if entry is None:
            result = await self.home_assistant.add_entry(gateway, fields)
            entry_id, flow_id = result["result"]["entry_id"], result["next_flow"][1]
        else:
            entry_id, flow_id = entry["entry_id"], None
        instance = Instance(account, entry_id, [Chat(chat_id, name)])
        await find_entities(self.home_assistant, [instance])
        if not instance.chat(name).entities:
            await self.home_assistant.add_chat(
                entry_id, {"chat": chat_id}, flow_id=flow_id
            )
            await find_entities(self.home_assistant, [instance])
        return instance

    async def find_entry(self, instance_id: str) -> dict[str, Any] | None:
        """Return the entry of an instance, which is called by the account's name."""
        titles = {
            f"{GATEWAYS[gateway]} {name}"
            for (gateway, one), account in self.simulator.accounts.items()
            for name in (instance_id, account.name)
            if one == instance_id
        }
        async with self.home_assistant.websocket() as call:
            entries = await call("config_entries/get", domain="whatsapp_presence")
        for entry in entries:
            if entry["title"] in titles:
                found: dict[str, Any] = entry
                return found
        return None

    async def state(self, entity_id: str) -> dict[str, Any]:
        """Return an entity's state, as the API tells it."""
        state: dict[str, Any] = await self.home_assistant.get(
            f"/api/states/{entity_id}"
        )
        return state

    async def until(self, entity_id: str, expected: str) -> None:
        """Wait until an entity has a state, as the API tells it."""
        state = "missing"
        try:
            # The gateways' status is asked once a minute, and to be away for two is
            # no news of the chats.
            async with asyncio.timeout(400):
                while state != expected:
                    with suppress(ApiError):
                        state = (await self.state(entity_id))["state"]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{entity_id} is {state}, not {expected}") from None

    async def open_device(self, entity_id: str) -> None:
        """Open the page of the device that an entity belongs to."""
        async with self.home_assistant.websocket() as call:
            entry = await call("config/entity_registry/get", entity_id=entity_id)
        await self.open(f"/config/devices/device/{entry['device_id']}")

    def row(self, name: str) -> Locator:
        """Return a row of a device's page: an entity's name, and its state."""
        label = self.page.locator(".info", has_text=re.compile(rf"^\s*{name}\s*$"))
        return self.page.locator("hui-generic-entity-row", has=label)

    async def take_picture(
        self,
        name: str,
        prepare: Callable[[], Awaitable[None]] | None = None,
        clear_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Take a picture in light and dark, on a desk and on a phone.

        What does not outlive a change of the window's size is for `prepare` and
        `clear_up`. No text may be missing, and nothing be wider than the window.
        """
        raw_key = re.compile(r"component\.whatsapp_presence|whatsapp_presence\.")
        for suffix, (width, height) in (("_phone", PHONE), ("", DESKTOP)):
            await self.page.set_viewport_size({"width": width, "height": height})
            if prepare is not None:
                await prepare()
            for scheme in ("dark", "light"):
                await self.page.emulate_media(
                    color_scheme="dark" if scheme == "dark" else "light"
                )
                await expect(self.page.get_by_text(raw_key)).to_have_count(0)
                await self.search_numbers()
                assert (
                    await self.page.evaluate("document.documentElement.scrollWidth")
                    <= width
                )
                await self._save(f"{name}{suffix}_{scheme}.png")
            if clear_up is not None:
                await clear_up()

    async def _save(self, name: str) -> None:
        taken = await self.page.screenshot(animations="disabled")
        image = Image.open(BytesIO(taken)).convert("RGB")
        path = self.images / name
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < MAX_IMAGE_SIZE

    @property
    def own_log(self) -> list[str]:
        """What the integration itself has logged."""
        return [
            line
            for line in self.home_assistant.log.splitlines()
            if "[custom_components.whatsapp_presence" in line
        ]


async def log_in(page: Page, home_assistant: HomeAssistant) -> None:
    """Log in with the form."""
    await page.goto(home_assistant.url)
    await page.locator("input[name=username]").fill(home_assistant.username)
    await page.locator("input[name=password]").fill(home_assistant.password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("Settings")).to_be_visible()


@asynccontextmanager
async def playing(chromium: str, folder: Path, images: Path) -> AsyncIterator[Stage]:
    """Start everything, and log in."""
    expect.set_options(timeout=TIME_LIMIT)
    async with (
        Simulator(clock=HurriedClock()) as simulator,
        HomeAssistant(
            folder, configuration="prompter:\n", components=(INTEGRATION, PROMPTER)
        ) as home_assistant,
        async_playwright() as playwright,
    ):
        populate(simulator)
        # Later, it would tell of that in the pictures.
        await home_assistant.wait_until_running()
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=_FLAGS
        )
        context = await browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
            color_scheme="light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIME_LIMIT)
        page = await context.new_page()
        await log_in(page, home_assistant)
        numbers = Numbers(simulator)
        yield Stage(home_assistant, simulator, page, images, numbers)
        await browser.close()
