"""A Home Assistant and a gateway on a clock that skips the waiting, in one process.

`python -m tests.bench.known_world` measures what it is told on its standard input, of the
build in the folder that it is told, and prints what it found. HTTP is real, on loopback.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
import gc
import importlib
import json
import logging
from pathlib import Path
import random
import sys
import tempfile
import time
from typing import Any, Final

from aiohttp import ClientSession, web
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_storage,
)

from homeassistant import loader
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, frame
from homeassistant.setup import async_setup_component
from tests.chaos.clock import ChaosLoop, told_by
from tests.simulator import Account
from tests.simulator.announcing import SECONDS

from .gateway_known import (
    KnownSimulator,
    have_little_to_say,
    pictures_asked,
    shown_online,
)

DOMAIN: Final = "whatsapp_presence"
BEGIN: Final = 1_790_035_200.0
HOUR: Final = 3600.0
HOST: Final = "127.0.0.1"
ENTRY_ID: Final = "01JBENCH00000000000000KNOW"
WEBHOOK_ID: Final = "0123456789abcdef0123456789abcdef"
INSTANCES: Final = {"waapi": "12345", "wawp": "A1B2C3", "waha": "default"}
PATIENCE: Final = 6 * HOUR
"""Seconds after which nobody waits any more until all are known."""
CALM: Final = 120.0
"""Seconds that pass before something is measured in a Home Assistant that runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is measured: `what` is the name of a measurement, see `MEASUREMENTS`.

    `chats` are tracked, `listed` is how many the account has; `limit` are the requests
    a minute that the gateway allows, with `retry_after` seconds told to who sends more;
    `events` is what strangers send at once, and `waves` how many times they do so later.
    """

    root: str = ""
    what: str
    gateway: str
    chats: int
    engine: str = "NOWEB"
    hours: int = 0
    limit: int | None = None
    retry_after: int | None = None
    listed: int = 0
    events: int = 0
    waves: int = 0

    def to_json(self) -> str:
        """Write it, for another process to read."""
        return json.dumps(asdict(self))


class Home:
    """A Home Assistant that runs, with the entry in it."""

    def __init__(self, hass: HomeAssistant, world: World) -> None:
        """Begin to watch what is shown."""
        self.hass = hass
        self.world = world
        self.entry = world.new_entry()
        self.known: dict[str, float] = {}
        self.all_known = asyncio.Event()
        self._ids: dict[str, str | None] = {}
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._changed)

    @callback
    def _changed(self, event: Event[Any]) -> None:
        entity_id: str = event.data["entity_id"]
        new = event.data["new_state"]
        if new is None or new.state in (STATE_UNKNOWN, STATE_UNAVAILABLE):
            return
        if entity_id not in self._ids:
            self._ids[entity_id] = self._chat_of(entity_id)
        chat_id = self._ids[entity_id]
        if chat_id is None or chat_id in self.known:
            return
        self.known[chat_id] = self.hass.loop.time()
        if self.world.tells.keys() <= self.known.keys():
            self.all_known.set()

    def _chat_of(self, entity_id: str) -> str | None:
        """Return the chat whose main entity it is."""
        entity = er.async_get(self.hass).async_get(entity_id)
        if entity is None or entity.platform != DOMAIN:
            return None
        begin, end = f"{ENTRY_ID}_", "_online"
        if not entity.unique_id.startswith(begin) or not entity.unique_id.endswith(end):
            return None
        return entity.unique_id.removeprefix(begin).removesuffix(end)

    async def start(self) -> None:
        """Set the entry up."""
        self.entry.add_to_hass(self.hass)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        if self.entry.state is not ConfigEntryState.LOADED:
            raise RuntimeError(f"The entry is {self.entry.state}")

    async def until_known(self) -> float | None:
        """Wait until all are known of whom the gateway tells; returns when that was."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.all_known.wait()
        except TimeoutError:
            return None
        return max(self.known[chat_id] for chat_id in self.world.tells)


class World:
    """An account with its chats, and the Home Assistants that follow it."""

    def __init__(self, setting: Setting, simulator: KnownSimulator) -> None:
        """Let the account know everybody."""
        self.setting = setting
        self.simulator = simulator
        self.port = 0
        # What the entry was like when its Home Assistant was stopped.
        self._data: dict[str, Any] | None = None
        options: dict[str, Any] = {}
        if setting.gateway != "waapi":
            options["engine"] = setting.engine
        if setting.gateway == "waha":
            options["store"] = True
        self.account: Account = simulator.add_instance(
            setting.gateway,
            INSTANCES[setting.gateway],
            token="t0ken",
            rate_limit=setting.limit,
            retry_after=setting.retry_after,
            **options,
        )
        self.tells: dict[str, None] = {}
        """The ids of the chats of which the gateway knows something."""
        for index in range(max(setting.chats, setting.listed)):
            person = self.account.add_person(
                f"1555{index:07d}",
                name=f"Contact {index}",
                lid=f"99{index:09d}@lid" if index % 3 == 1 else None,
                picture=True,
            )
            person.online = index % 4 == 0
            person.state = type(person.state)("online" if person.online else "offline")
            person.last_seen = int(BEGIN) - 600 - index
            # Some hide everything.
            person.has_data = index % 10 != 9
            if index < setting.chats and person.has_data:
                self.tells[person.chat_id] = None

    def new_entry(self) -> MockConfigEntry:
        """Return the entry as Home Assistant would load it from its storage."""
        account, setting = self.account, self.setting
        path, instance, token = {
            "waapi": ("/api/v1", "instance_id", "api_token"),
            "wawp": ("", "instance_id", "access_token"),
            "waha": ("", "session", "api_key"),
        }[setting.gateway]
        return MockConfigEntry(
            domain=DOMAIN,
            entry_id=ENTRY_ID,
            title="Bench",
            unique_id=f"{setting.gateway}_{account.instance_id}",
            data=self._data
            or {
                "gateway": setting.gateway,
                instance: account.instance_id,
                token: account.token,
                "url": f"{self.simulator.url}{path}",
                "webhook_id": WEBHOOK_ID,
            },
            subentries_data=[
                ConfigSubentryDataWithId(
                    data={"chat": person.chat_id},
                    subentry_id=f"chat-{index}",
                    subentry_type="chat",
                    title=person.name,
                    unique_id=person.chat_id,
                )
                for index, person in enumerate(self.account.people.values())
                if index < setting.chats
            ],
        )

    @asynccontextmanager
    async def home(self) -> AsyncIterator[Home]:
        """Run a Home Assistant; the next one finds what this one has stored."""
        with tempfile.TemporaryDirectory() as folder:
            async with async_test_home_assistant(config_dir=folder) as hass:
                hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
                frame.async_setup(hass)
                await async_setup_component(hass, "webhook", {})
                runner = web.AppRunner(hass.http.app, access_log=None)
                await runner.setup()
                site = web.TCPSite(runner, HOST, self.port, reuse_address=True)
                await site.start()
                self.port = runner.addresses[0][1]
                hass.config.external_url = f"http://{HOST}:{self.port}"
                home = Home(hass, self)
                try:
                    yield home
                finally:
                    self._data = dict(home.entry.data)
                    await runner.cleanup()
                    await hass.async_stop(force=True)

    @property
    def now(self) -> float:
        """The time by the loop's clock."""
        return self.simulator.clock()

    async def let_known(self) -> None:
        """Live a first life, in which all becomes known and the gateway hears of all."""
        async with self.home() as home:
            await home.start()
            if await home.until_known() is None:
                raise RuntimeError("Not all became known")
            await asyncio.sleep(CALM)
        have_little_to_say(self.account)


async def restart(world: World) -> dict[str, Any]:
    """Start Home Assistant again, and see when all is known and what that took."""
    await world.let_known()
    meter, begin = world.simulator.meter, world.now
    async with world.home() as home:
        await home.start()
        known = await home.until_known()
        known_by = begin + PATIENCE if known is None else known
        # What follows by itself: names, pictures, what was left for later.
        await asyncio.sleep(CALM)
        return {
            "seconds": None if known is None else known - begin,
            "requests": meter.requests(begin, known_by),
            "online": shown_online(world.account, begin, known_by + SECONDS),
        }


async def day(world: World) -> dict[str, Any]:
    """Let hours pass in which nobody does anything."""
    meter, begin = world.simulator.meter, world.now
    async with world.home() as home:
        await home.start()
        await home.until_known()
        world.account.quirks.push_on_subscribe = False
        await asyncio.sleep(begin + world.setting.hours * HOUR - world.now)
    hours = [begin + hour * HOUR for hour in range(world.setting.hours)]
    return {
        "requests": [meter.requests(hour, hour + HOUR) for hour in hours],
        "online": [shown_online(world.account, hour, hour + HOUR) for hour in hours],
        "refused": meter.refused,
        "in_a_row": meter.in_a_row,
        "pictures": pictures_asked(world.account, meter),
    }


async def picker(world: World) -> dict[str, Any]:
    """Open the form in which a chat is chosen."""
    meter = world.simulator.meter
    async with world.home() as home:
        await home.start()
        await home.until_known()
        # So that nothing else is under way, today's pictures included.
        await asyncio.sleep(HOUR / 6)
        begin, computed = world.now, time.process_time()
        pictures = pictures_asked(world.account, meter)
        result = await home.hass.config_entries.subentries.async_init(
            (ENTRY_ID, "chat"), context={"source": "user"}
        )
        computed = time.process_time() - computed
        took = world.now - begin
        schema = result["data_schema"]
        if schema is None:
            raise RuntimeError("The form has nothing to choose from")
        options = schema.schema["chat"].config["options"]
        return {
            # The clock stands still while something is computed, so that is added.
            "seconds": took - meter.busy(begin, world.now) + computed,
            "pictures": pictures_asked(world.account, meter) - pictures,
            "requests": meter.requests(begin, world.now + 1),
            "listed": len(options),
        }


async def strangers(world: World) -> dict[str, Any]:
    """Reload the entry, and let strangers' events arrive at once; later more of them."""
    setting, meter = world.setting, world.simulator.meter
    await world.let_known()
    async with world.home() as home, ClientSession() as session:
        await home.start()
        await home.until_known()
        await asyncio.sleep(CALM)
        meter.subscribed.clear()
        begin = world.now
        await home.hass.config_entries.async_reload(ENTRY_ID)
        await _call(world, session, setting.events)
        await asyncio.sleep(HOUR)
        subscribed = {
            chat_id: meter.subscribed.get(chat_id, begin + HOUR) - begin
            for chat_id in world.tells
        }
        left: list[int] = []
        for wave in range(1, setting.waves + 1):
            await _call(world, session, setting.events, wave * 100_000)
            await asyncio.sleep(HOUR)
            world.simulator.forget()
            gc.collect()
            left.append(sys.getallocatedblocks())
        return {"subscribed": subscribed, "left": left}


async def _call(
    world: World, session: ClientSession, events: int, first: int = 0
) -> None:
    """Let strangers tell of themselves, as fast as it is taken."""
    account = world.account
    url = f"http://{HOST}:{world.port}/api/webhook/{WEBHOOK_ID}"
    for index in range(first, first + events):
        stranger = f"77{index:010d}@lid"
        if account.gateway == "waapi":
            body: dict[str, Any] = {
                "event": "presence_update",
                "instanceId": account.instance_id,
                "data": {
                    "presence": {
                        "id": stranger,
                        "isOnline": True,
                        "chatstate": "available",
                        "hasData": True,
                        "isSubscribed": True,
                    }
                },
            }
        else:
            body = {
                "event": "presence.update",
                "session": "default",
                "payload": {
                    "id": stranger,
                    "presences": [
                        {
                            "participant": stranger,
                            "lastKnownPresence": "online",
                            "lastSeen": None,
                        }
                    ],
                },
            }
        async with session.post(url, json=body) as response:
            if response.status != 200:
                raise RuntimeError(f"The webhook answered {response.status}")


MEASUREMENTS: Final[dict[str, Callable[[World], Any]]] = {
    "restart": restart,
    "day": day,
    "picker": picker,
    "strangers": strangers,
}


async def _measure(setting: Setting) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    slow = setting.gateway == "waha" and setting.engine == "GOWS"
    with mock_storage():
        async with KnownSimulator(loop, slow_get=slow) as simulator:
            found: dict[str, Any] = await MEASUREMENTS[setting.what](
                World(setting, simulator)
            )
            return found


def _take(root: Path) -> None:
    """Let the integration be that of a folder, whatever else is on the path."""
    sys.path.insert(0, str(root))
    package = importlib.import_module("custom_components")
    package.__path__ = [str(root / "custom_components")]
    found = importlib.import_module(f"custom_components.{DOMAIN}").__file__
    sys.path.pop(0)
    if found is None or not Path(found).is_relative_to(root):
        raise RuntimeError(f"{found} is not the integration of {root}")


def main() -> None:
    """Measure what each setting says that comes in, a line each; print what is found.

    All of them are of one build.
    """
    logging.disable(logging.WARNING)
    root: str | None = None
    for line in sys.stdin:
        setting = Setting(**json.loads(line))
        if root is None:
            root = setting.root
            _take(Path(root))
        # The integration's jitter comes of it.
        random.seed(1)
        loop = ChaosLoop(BEGIN)
        began = time.process_time()
        with told_by(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:  # noqa: B023
            found = runner.run(_measure(setting))
        print(json.dumps(found | {"took": time.process_time() - began}), flush=True)


if __name__ == "__main__":
    main()
