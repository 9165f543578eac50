"""The world of a chaos run: a Home Assistant, a simulator, and taps on what they say."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
import json
from random import Random
import tempfile
from typing import Any, Final, override
from unittest.mock import patch

from aiohttp import web
from aiohttp.web_app import _cached_build_middleware
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_storage,
)

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways import GATEWAYS
from homeassistant import loader
from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryData,
)
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, frame, issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from tests.simulator import Account, Group, Person, Simulator, WaapiAccount
from tests.simulator.server import Handler

from .clock import ChaosLoop
from .oracle import UNAVAILABLE, Oracle, Watched
from .reference import NEVER, read_answer, read_body

HOST: Final = "127.0.0.1"
INSTANCES: Final = {"waapi": "12345", "wawp": "A1B2C3", "waha": "default"}
NAMES: Final = ("Anna", "Ben", "Carl", "Dora", "Emil", "Fay", "Gus", "Hana")
FAMILY: Final = "120363000000000001@g.us"
MEMBERS: Final = 4
WEBHOOK: Final = "custom_components.whatsapp_presence.instance.address"
SECRET: Final = "what is signed with"

# What asks for a chat in each dialect: the end of the path, and the method.
_ASKS: Final = {
    "waapi": ("POST", "/client/action/get-chat-presence"),
    "wawp": ("GET", "/v2/presence/"),
    "waha": ("GET", "/presence/"),
}


class TappedSimulator(Simulator):
    """A simulator that keeps its last answer for each chat."""

    def __init__(self, loop: ChaosLoop) -> None:
        """Follow the loop's clock."""
        super().__init__(clock=loop.time)
        self.answers: dict[tuple[str, str], tuple[float, bytes]] = {}
        self.last_refusal: dict[str, tuple[float, float]] = {}

    def release(self) -> None:
        """Let calls go that hang."""
        self._stopping.set()
        self._stopping = asyncio.Event()

    @web.middleware
    @override
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        asked = self.clock()
        response = await super()._middleware(request, handler)
        gateway, path = _gateway_and_path(request)
        if response.status == 429:
            after = response.headers.get("Retry-After")
            self.last_refusal[gateway] = (
                self.clock(),
                float(after) if after else 900.0,
            )
        method, part = _ASKS.get(gateway, ("", "\0"))
        if (
            request.method == method
            and part in path
            and response.status == 200
            and isinstance(response, web.Response)
        ):
            if gateway == "waapi":
                chat = json.loads(await request.read()).get("chatId", "")
            else:
                chat = path.rpartition("/")[2]
            assert isinstance(response.body, bytes)
            self.answers[gateway, chat] = asked, response.body
        return response


def _gateway_and_path(request: web.Request) -> tuple[str, str]:
    path = request.path
    if path.startswith("/api/v1/"):
        return "waapi", path
    return ("wawp" if path.startswith("/v2/") else "waha"), path


class World:
    """Everything that a run consists of."""

    def __init__(
        self, hass: HomeAssistant, simulator: TappedSimulator, seed: int
    ) -> None:
        """Begin with an empty world."""
        self.hass = hass
        self.simulator = simulator
        self.random = Random(f"world/{seed}")
        self.oracle = Oracle()
        self.accounts: dict[str, Account] = {}
        self.entries: dict[str, MockConfigEntry] = {}
        self._entities: dict[str, tuple[Watched, str] | None] = {}
        self._http: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0

    # ------------------------------------------------------------ Home Assistant

    async def open(self) -> None:
        """Let Home Assistant serve webhooks, and the oracle see what is shown."""
        assert await async_setup_component(self.hass, "webhook", {})
        self._http = web.AppRunner(self.hass.http.app, access_log=None)
        await self._http.setup()
        await self.serve()
        self.hass.config.external_url = self._url
        self.hass.bus.async_listen(EVENT_STATE_CHANGED, self._state_changed)

    async def move(self) -> None:
        """Be found under another address, and no longer under the old one."""
        await self.hang_up()
        self._port = 0
        await self.serve()
        await self.hass.config.async_update(external_url=self._url)

    async def hide(self) -> None:
        """Have no address."""
        await self.hass.config.async_update(external_url=None)

    @property
    def _url(self) -> str:
        return f"http://{HOST}:{self._port}"

    async def serve(self) -> None:
        """Listen for webhooks, on the same port as before."""
        assert self._http is not None
        self._site = web.TCPSite(self._http, HOST, self._port, reuse_address=True)
        await self._site.start()
        self._port = self._http.addresses[0][1]

    async def hang_up(self) -> None:
        """Stop to listen."""
        assert self._site is not None
        await self._site.stop()
        self._site = None

    def tidy(self) -> None:
        """Drop what the workshop keeps: the simulators that were, the mocks' calls."""
        _cached_build_middleware.cache_clear()
        for name in ("_async_load", "_async_write_data", "async_remove"):
            getattr(Store, name).reset_mock()

    async def close(self) -> None:
        """Stop to serve."""
        if self._http is not None:
            await self._http.cleanup()

    @callback
    def _state_changed(self, event: Event[Any]) -> None:
        entity_id = event.data["entity_id"]
        if entity_id not in self._entities:
            self._entities[entity_id] = self._find(entity_id)
        if (found := self._entities[entity_id]) is None or not self.tapping:
            return
        chat, thing = found
        new = event.data["new_state"]
        if new is None:
            # Another chat may get the name.
            del self._entities[entity_id]
        self.oracle.now = self.hass.loop.time()
        self.oracle.show(chat, thing, UNAVAILABLE if new is None else new.state)

    def _find(self, entity_id: str) -> tuple[Watched, str] | None:
        """Find the chat and the thing of an entity."""
        entity = er.async_get(self.hass).async_get(entity_id)
        if entity is None or entity.platform != DOMAIN:
            return None
        for gateway, entry in self.entries.items():
            if entity.config_entry_id != entry.entry_id:
                continue
            chat_id, _, thing = entity.unique_id.removeprefix(
                f"{entry.entry_id}_"
            ).partition("_")
            chat = self.oracle.chats.get((gateway, chat_id))
            if chat is not None and thing in chat.receiver.keys:
                return chat, thing
        return None

    # -------------------------------------------------------------------- people

    def add_account(self, gateway: str, *, signs: bool = True, **quirks: Any) -> None:
        """Add an account with everybody in it, and the entry that follows it."""
        account = self.simulator.add_instance(
            gateway, INSTANCES[gateway], token=f"t0ken-{gateway}", **quirks
        )
        options = {}
        if signs and isinstance(account, WaapiAccount):
            # The one whose webhooks are signed.
            account.quirks.hmac_secret = options["webhook_secret"] = SECRET
        people = [
            account.add_person(
                f"4915110000{i:02}", name=name, lid=f"11100022200{i}@lid"
            )
            for i, name in enumerate(NAMES)
        ]
        family = account.add_group(FAMILY, name="Family", members=people[:MEMBERS])
        chats: list[Person | Group] = [*people, family]
        self.accounts[gateway] = account
        path, instance, token = {
            "waapi": ("/api/v1", "instance_id", "api_token"),
            "wawp": ("", "instance_id", "access_token"),
            "waha": ("", "session", "api_key"),
        }[gateway]
        entry = MockConfigEntry(
            domain=DOMAIN,
            title=f"The {gateway} account",
            unique_id=f"{gateway}_{account.instance_id}",
            data={
                "gateway": gateway,
                instance: account.instance_id,
                token: account.token,
                "url": f"{self.simulator.url}{path}",
                "webhook_id": f"{gateway:0<32}",
            },
            options=options,
            subentries_data=[self._subentry(gateway, chat) for chat in chats],
        )
        entry.add_to_hass(self.hass)
        self.entries[gateway] = entry

    def _subentry(self, gateway: str, chat: Person | Group) -> ConfigSubentryData:
        settle = self.random.choice((0, 1, 3, 3, 5))
        self.oracle.watch(
            gateway,
            chat.chat_id,
            f"{gateway} {chat.name}",
            is_group=isinstance(chat, Group),
            settle=settle,
        )
        return ConfigSubentryData(
            data={"chat": chat.chat_id, "settle_time": settle},
            subentry_type=SUBENTRY_TYPE_CHAT,
            title=chat.name,
            unique_id=chat.chat_id,
        )

    def tracked(self, gateway: str) -> list[ConfigSubentry]:
        """The chats that an entry has now."""
        return list(self.entries[gateway].subentries.values())

    def loaded(self, gateway: str) -> bool:
        """Whether Home Assistant runs the entry."""
        return self.entries[gateway].state is ConfigEntryState.LOADED

    async def load(self, gateway: str) -> None:
        """Set the entry up; whether that works is another matter."""
        entry = self.entries[gateway]
        if entry.state is ConfigEntryState.NOT_LOADED:
            # The first one brings the others with it.
            await self.hass.config_entries.async_setup(entry.entry_id)

    async def unload(self, gateway: str) -> None:
        """Take the entry down."""
        entry = self.entries[gateway]
        while entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
            await asyncio.sleep(1)
        await self.hass.config_entries.async_unload(entry.entry_id)
        self.forget(gateway)

    def forget(self, gateway: str) -> None:
        """The receivers begin anew with the integration."""
        for (account, _), chat in self.oracle.chats.items():
            if account == gateway:
                chat.receiver.restart()

    async def remove_chat(self, gateway: str, subentry: ConfigSubentry) -> None:
        """Let the user delete a chat."""
        chat = self.oracle.chats[gateway, subentry.data["chat"]]
        self.hass.config_entries.async_remove_subentry(
            self.entries[gateway], subentry.subentry_id
        )
        await self.hass.async_block_till_done()
        chat.receiver.restart()

    async def add_chat(self, gateway: str, chat: Person | Group) -> None:
        """Let the user add a chat."""
        data = self._subentry(gateway, chat)
        # What arrived meanwhile was nobody's.
        self.oracle.chats[gateway, chat.chat_id].receiver.restart()
        self.hass.config_entries.async_add_subentry(
            self.entries[gateway],
            ConfigSubentry(
                data=dict(data["data"]),  # type: ignore[arg-type]
                subentry_type=data["subentry_type"],
                title=data["title"],
                unique_id=data["unique_id"],
            ),
        )
        await self.hass.async_block_till_done()

    async def change_chat(self, gateway: str, subentry: ConfigSubentry) -> bool:
        """Let the user give a chat another name and settle time.

        Only while nothing is about to end: it would be anybody's guess by which of the
        settle times. Returns whether that was so.
        """
        watched = self.oracle.chats[gateway, subentry.data["chat"]]
        now = self.hass.loop.time()
        if watched.receiver.next_change(now) != NEVER:
            return False
        settle = self.random.choice((0, 1, 3, 5, 20))
        self.hass.config_entries.async_update_subentry(
            self.entries[gateway],
            subentry,
            title=f"{watched.name} {self.random.randrange(100)}",
            data={**subentry.data, "settle_time": settle},
        )
        watched.receiver.change_settle(settle, now)
        self.oracle.note(watched, f"settles in {settle} s")
        await self.hass.async_block_till_done()
        return True

    def enter_secret(self, gateway: str, secret: str) -> None:
        """Let the user tell what the gateway signs with."""
        self.hass.config_entries.async_update_entry(
            self.entries[gateway], options={"webhook_secret": secret}
        )

    def issues(self) -> list[str]:
        """What the user is told to be wrong."""
        return [
            key
            for (domain, key), issue in ir.async_get(self.hass).issues.items()
            if domain == DOMAIN and issue.active
        ]

    # ---------------------------------------------------------------------- taps

    tapping = True

    @contextmanager
    def tapped(self) -> Generator[None]:
        """Let the oracle hear all that the integration hears, just before it does."""
        with ExitStack() as stack:
            # Gateways are in the house here; only the internet needs an address.
            stack.enter_context(patch(f"{WEBHOOK}.is_local_host", return_value=False))
            for key in INSTANCES:
                gateway = GATEWAYS[key]
                stack.enter_context(
                    patch.object(gateway, "parse_event", self._tap_events(key, gateway))
                )
                for name in ("subscribe", "snapshot"):
                    stack.enter_context(
                        patch.object(
                            gateway, name, self._tap_answers(key, gateway, name)
                        )
                    )
            yield

    def _tap_events(self, key: str, gateway: Any) -> Any:
        original = gateway.parse_event

        def parse_event(client: Any, raw: bytes, headers: Mapping[str, str]) -> Any:
            events = original(client, raw, headers)
            self.oracle.now = self.hass.loop.time()
            self._hear(key, raw)
            return events

        return parse_event

    def _hear(self, gateway: str, raw: bytes) -> None:
        if not self.tapping:
            return
        message, status = read_body(gateway, raw)
        if message is not None:
            found = self.accounts[gateway].find(message.chat)
            if found is not None:
                self.oracle.hear(self.oracle.chats[gateway, found.chat_id], message)
        elif status in {"ready", "connected", "working"}:
            for (account, _), chat in self.oracle.chats.items():
                if account == gateway:
                    chat.receiver.shake()
                    chat.called_at = self.oracle.now
                    self.oracle.note(chat, "ready again")
                    chat.dirty = True

    def _tap_answers(self, key: str, gateway: Any, name: str) -> Any:
        original = getattr(gateway, name)
        if name == "snapshot" and key != "waapi":
            # Their subscribe is made of it.
            async def snapshot(client: Any, chat_id: str) -> Any:
                return await self._asked(key, original, client, chat_id)

            return snapshot
        if key == "waapi":

            async def ask(client: Any, chat_id: str) -> Any:
                return await self._asked(key, original, client, chat_id)

            return ask
        return original

    async def _asked(
        self, gateway: str, original: Any, client: Any, chat_id: str
    ) -> Any:
        self.simulator.answers.pop((gateway, chat_id), None)
        result = await original(client, chat_id)
        self.oracle.now = self.hass.loop.time()
        answer = self.simulator.answers.pop((gateway, chat_id), None)
        if answer is not None and self.tapping:
            asked, raw = answer
            chat = self.oracle.chats[gateway, chat_id]
            self.oracle.answered(chat, read_answer(gateway, raw), asked)
        return result


@asynccontextmanager
async def world(seed: int, loop: ChaosLoop) -> AsyncGenerator[World]:
    """Make a world, and take it down."""
    with mock_storage(), tempfile.TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
            # Home Assistant's bootstrap does; it tells who uses what will go.
            frame.async_setup(hass)
            async with TappedSimulator(loop) as simulator:
                made = World(hass, simulator, seed)
                made.oracle.start = made.oracle.now = loop.time()
                try:
                    await made.open()
                    with made.tapped():
                        yield made
                finally:
                    await hass.async_stop(force=True)
                    await made.close()
