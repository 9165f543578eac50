"""The world of a chaos run: a Home Assistant, a simulator, and taps on what they say."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
import copy
from dataclasses import dataclass, replace
import json
import logging
from random import Random
import tempfile
from typing import Any, Final
from unittest.mock import patch
import weakref

from aiohttp import ThreadedResolver, web
from aiohttp.web_app import _cached_build_middleware
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_storage,
)

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways import GATEWAYS
from custom_components.whatsapp_presence.instance.webhook import _Bodies
from homeassistant import loader
from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentry,
    ConfigSubentryData,
)
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, frame, issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.helpers.trigger import (
    async_initialize_triggers,
    async_validate_trigger_config,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.simulator import Account, Group, Person, WaapiAccount
from tests.simulator.clock import LoopClock
from tests.simulator.engine import EngineAccount

from .clock import ChaosLoop
from .law import NEVER
from .oracle import LAST_SEEN, UNAVAILABLE, Oracle, Watched
from .reference import Message, read_answer, read_answers, read_body
from .taps import Answer, Call, TappedSimulator

HOST: Final = "127.0.0.1"
HOUR: Final = 3600.0
INSTANCES: Final = {"waapi": "12345", "wawp": "A1B2C3", "waha": "default"}
NAMES: Final = ("Anna", "Ben", "Carl", "Dora", "Emil", "Fay", "Gus", "Hana")
# Those of them who hide that they are online.
HIDDEN: Final = frozenset({"Dora", "Hana"})
FAMILY: Final = "120363000000000001@g.us"
MEMBERS: Final = 4
CLIENT: Final = "homeassistant.helpers.aiohttp_client"
WEBHOOK: Final = "custom_components.whatsapp_presence.instance.address"
SECRET: Final = "what is signed with"
GRACE: Final = 117.0
"""Seconds, with some left out for who looks at the clock a moment earlier."""
HEARD: Final = 150.0
"""Seconds for which a refusal of the credentials may keep an account away."""
ANNOUNCES: Final = 25.0
"""Seconds for which a call announces an account."""
BEGINS: Final = 90.0
"""Seconds for which a set-up may announce an account."""
PAUSES: Final = {429, 503}
"""Statuses that come with the wish for a pause, in which nobody is asked."""
CLOCKS: Final = 900.0
"""Seconds for which an event may be taken for a late one after a clock was set."""

TRIGGERS: Final = (
    "came_online",
    "went_offline",
    "started_typing",
    "stopped_typing",
    "started_recording",
    "stopped_recording",
)

# What the gateways call an account that is there, and one that needs its user.
READY: Final = frozenset({"ready", "connected", "working"})
FATAL: Final = frozenset(
    {"qr", "auth_failure", "scan_qr_code", "failed", "passkey_required"}
)
_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class Told:
    """What Home Assistant was told of an account, and when."""

    ready_at: float = -NEVER
    fatal: bool = False
    refused_at: float = -NEVER
    # It was told that the account is away; a call for its status failed.
    lost: bool = False
    missed: bool = False
    # It has truly lost its subscriptions since; when it lost them last.
    emptied: bool = False
    emptied_at: float = -NEVER


class _Resolver(ThreadedResolver):
    """Finds hosts without mDNS, as in Home Assistant's own tests.

    Home Assistant's zeroconf makes itself the only one of its process, for good: the
    first one would keep alive the Home Assistant that made it, long after that was
    killed, and nothing here has a name.
    """

    real_close = ThreadedResolver.close


class World:
    """Everything that a run consists of."""

    def __init__(
        self, simulator: TappedSimulator, seed: int, folder: str, stored: dict[str, Any]
    ) -> None:
        """Begin with an empty world; `stored` is what survives a power cut."""
        self.simulator = simulator
        self.random = Random(f"world/{seed}")
        self.oracle = Oracle()
        self.oracle.may_be_away = self.may_be_away
        self.accounts: dict[str, Account] = {}
        self.entries: dict[str, MockConfigEntry] = {}
        self.told: dict[str, Told] = {}
        # When an account was set up, or a chat added: that may announce it.
        self.begins: dict[str, list[float]] = {}
        self.starts: dict[str, list[float]] = {}
        # When Home Assistant began to set an account up, its own further tries included.
        self.set_ups: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=50)
        )
        self.muted = False
        self._vain: dict[str, deque[float]] = defaultdict(deque)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ChaosLoop)
        self._loop = loop
        self._folder = folder
        self._stored = stored
        self._life = AsyncExitStack()
        self._entities: dict[str, tuple[str, Watched, str] | None] = {}
        self._triggers: dict[str, CALLBACK_TYPE] = {}
        self._http: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._port = 0
        self._killed: list[weakref.ref[HomeAssistant]] = []
        simulator.listeners.append(self._answered)

    @property
    def now(self) -> float:
        """The time."""
        return self._loop.time()

    # ------------------------------------------------------------ Home Assistant

    hass: HomeAssistant

    async def open(self) -> None:
        """Let Home Assistant serve webhooks, and the oracle see what is shown."""
        self._life.enter_context(
            patch(f"{CLIENT}._async_make_resolver", lambda _: _Resolver())
        )
        self.hass = await self._life.enter_async_context(
            async_test_home_assistant(config_dir=self._folder)
        )
        self.hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        # Home Assistant's bootstrap does; it tells who uses what will go.
        frame.async_setup(self.hass)
        # What adds pages of its own has to be there before the server is.
        for component in ("webhook", "image"):
            assert await async_setup_component(self.hass, component, {})
        self._http = web.AppRunner(self.hass.http.app, access_log=None)
        await self._http.setup()
        await self.serve()
        self.hass.config.external_url = self._url
        self.hass.bus.async_listen(EVENT_STATE_CHANGED, self._state_changed)

    async def close(self) -> None:
        """End Home Assistant."""
        for detach in self._triggers.values():
            detach()
        self._triggers.clear()
        self._entities.clear()
        if self._http is not None:
            await self._http.cleanup()
            self._http = self._site = None
        await self.hass.async_stop(force=True)
        await self._life.aclose()

    async def kill(self) -> None:
        """Cut the power: nothing more is said, and what was not stored is lost."""
        stored = copy.deepcopy(self._stored)
        self.muted = self.simulator.deaf = True
        self.tapping = False
        # It goes on for a while without being seen or heard by anybody, lest it haunts
        # the one that comes after it.
        for gateway in self.entries:
            self.forget(gateway)
            await self.unload(gateway)
        await self.close()
        self._killed.append(weakref.ref(self.hass))
        self._stored.clear()
        self._stored.update(stored)

    @property
    def haunted(self) -> bool:
        """Whether somebody still holds a Home Assistant that was killed."""
        return any(killed() is not None for killed in self._killed)

    async def revive(self) -> None:
        """Give the power back: a new Home Assistant finds what was stored."""
        self.muted = self.simulator.deaf = False
        await self.open()
        self.tapping = True
        for gateway, old in self.entries.items():
            entry = MockConfigEntry(
                domain=DOMAIN,
                entry_id=old.entry_id,
                title=old.title,
                unique_id=old.unique_id,
                data=dict(old.data),
                options=dict(old.options),
                subentries_data=[
                    ConfigSubentryData(
                        data=dict(subentry.data),
                        subentry_type=subentry.subentry_type,
                        title=subentry.title,
                        unique_id=subentry.unique_id,
                    )
                    for subentry in old.subentries.values()
                ],
            )
            self._add(gateway, entry)
        for gateway in self.entries:
            await self.load(gateway)

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

    @callback
    def _state_changed(self, event: Event[Any]) -> None:
        entity_id = event.data["entity_id"]
        if entity_id not in self._entities:
            self._entities[entity_id] = self._find(entity_id)
        if (found := self._entities[entity_id]) is None or not self.tapping:
            return
        gateway, chat, thing = found
        new = event.data["new_state"]
        if new is None:
            # Another chat may get the name.
            del self._entities[entity_id]
        elif thing == "online" and entity_id not in self._triggers:
            self._triggers[entity_id] = lambda: None
            self.hass.async_create_task(self._attach(entity_id))
        self.oracle.now = self.now
        self.oracle.show(
            gateway, chat, thing, UNAVAILABLE if new is None else new.state
        )

    async def _attach(self, entity_id: str) -> None:
        """Attach the integration's triggers to a chat, as an automation does."""
        configs = await async_validate_trigger_config(
            self.hass,
            [
                {
                    "platform": f"{DOMAIN}.{trigger}",
                    "id": trigger,
                    "target": {"entity_id": [entity_id]},
                }
                for trigger in TRIGGERS
            ],
        )

        async def fire(variables: dict[str, Any], *_: Any) -> None:
            found = self._find(entity_id)
            if found is not None and self.tapping:
                self.oracle.now = self.now
                self.oracle.fired(found[1], variables["trigger"]["id"])

        detach = await async_initialize_triggers(
            self.hass, configs, fire, DOMAIN, entity_id, _LOGGER.log
        )
        assert detach is not None
        self._triggers[entity_id] = detach

    def _find(self, entity_id: str) -> tuple[str, Watched, str] | None:
        """Find the account, the chat and the thing of an entity."""
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
            if chat is not None and thing in {*chat.receiver.keys, LAST_SEEN}:
                return gateway, chat, thing
        return None

    # -------------------------------------------------------------------- people

    def add_account(self, gateway: str, *, signs: bool = True, **quirks: Any) -> None:
        """Add an account with everybody in it, and the entry that follows it."""
        if gateway == "waha":
            # Else it can't tell whose lid it is.
            quirks.setdefault("store", True)
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
        for person in people:
            person.online_hidden = person.name in HIDDEN
        family = account.add_group(FAMILY, name="Family", members=people[:MEMBERS])
        self.told[gateway] = Told()
        self.begins[gateway] = []
        self.starts[gateway] = []
        empty = account.lose_subscriptions

        def emptied() -> None:
            self.told[gateway].emptied = True
            self.told[gateway].emptied_at = self.now
            empty()

        account.lose_subscriptions = emptied  # type: ignore[method-assign]
        if isinstance(account, EngineAccount):
            # Who looks on is not fooled by clocks that are set.
            account.announcer.clock = LoopClock(self._loop.time)
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
        self._add(gateway, entry)

    def _add(self, gateway: str, entry: MockConfigEntry) -> None:
        """Give Home Assistant an entry."""

        @callback
        def state_changed() -> None:
            if entry.state is ConfigEntryState.SETUP_IN_PROGRESS:
                self.set_ups[gateway].append(self.now)

        entry.async_on_state_change(state_changed)
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
            live=gateway == "waapi",
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
        for key in self.entries:
            if not self.loaded(key):
                self.begins[key].append(self.now)
                self.starts[key].append(self.now)
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
        self.oracle.now = self.now
        self.oracle.cut(gateway)
        now = dt_util.utcnow().isoformat(timespec="seconds")
        for chat in self.oracle.of(gateway):
            # What was seen in the future may be taken back.
            if self._loop.wrong_by or (chat.last_seen_due or "") > now:
                chat.last_seen_due = None
        self.told[gateway] = Told()
        for chat in self.oracle.of(gateway):
            chat.shown.clear()
            chat.receiver.available = False
            chat.receiver.restart()
            chat.dirty = True

    async def remove_chat(self, gateway: str, subentry: ConfigSubentry) -> None:
        """Let the user delete a chat."""
        chat = self.oracle.chats[gateway, subentry.data["chat"]]
        chat.shown.clear()
        # What was known goes with the chat.
        chat.last_seen.clear()
        chat.last_seen_due = None
        chat.receiver.available = False
        self.hass.config_entries.async_remove_subentry(
            self.entries[gateway], subentry.subentry_id
        )
        await self.hass.async_block_till_done()
        chat.receiver.restart()

    async def add_chat(self, gateway: str, chat: Person | Group) -> None:
        """Let the user add a chat."""
        self.begins[gateway].append(self.now)
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
        now = self.now
        if not watched.receiver.settled(now):
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

    def part(self, gateway: str, person: Person, *, leave: bool) -> None:
        """Let somebody leave the group, or come back."""
        group = self.accounts[gateway].group(FAMILY)
        if leave:
            group.members.remove(person)
            group.states.pop(person, None)
            self.oracle.chats[gateway, FAMILY].receiver.gone(person.chat_id)
        else:
            group.members.append(person)

    # ---------------------------------------------------------------------- taps

    tapping = True

    @contextmanager
    def tapped(self) -> Generator[None]:
        """Let the oracle hear all that the integration hears, just before it does."""
        with ExitStack() as stack:
            # Gateways are in the house here; only the internet needs an address.
            stack.enter_context(patch(f"{WEBHOOK}.is_local_host", lambda _: False))
            for key in INSTANCES:
                # What is read from a body that comes again is remembered.
                gateway = GATEWAYS[key]
                repeats = gateway.capabilities.repeats_bodies
                reader, name = (
                    (_Bodies, "read") if repeats else (gateway, "parse_event")
                )
                stack.enter_context(
                    patch.object(reader, name, self._tap_events(key, reader, name))
                )
            yield

    def _tap_events(self, key: str, reader: Any, name: str) -> Any:
        original = getattr(reader, name)

        def read(it: Any, raw: bytes, headers: Mapping[str, str]) -> Any:
            events = original(it, raw, headers)
            self.oracle.now = self.now
            if self.tapping:
                self._hear(key, raw)
            return events

        return read

    def _hear(self, gateway: str, raw: bytes) -> None:
        message, status = read_body(gateway, raw)
        if message is None:
            self._hear_status(gateway, status or "", told=True)
        elif (chat := self._chat(gateway, message.chat)) is not None:
            since = self.simulator.settings[-1][0]
            time = message.time
            if time is not None:
                # Over a stream, the order of arrival is the order.
                time = None if gateway == "waha" else self.simulator.true_time(time)
            unsure = time is not None and since > 0 and self.now - since < CLOCKS
            named = self._by_number(gateway, replace(message, time=time))
            self.oracle.hear(chat, named, unsure=unsure)

    def _chat(self, gateway: str, chat_id: str) -> Watched | None:
        found = self.accounts[gateway].find(chat_id)
        return None if found is None else self.oracle.chats[gateway, found.chat_id]

    def _by_number(self, gateway: str, message: Message) -> Message:
        """Name the members by what they have in common, whatever they are called."""

        def number(member: str) -> str:
            found = self.accounts[gateway].find(member)
            return member if found is None else found.chat_id

        doing = message.doing
        return replace(
            message,
            members={number(m): said for m, said in message.members.items()},
            doing=None if doing is None else {number(m): w for m, w in doing.items()},
        )

    def _hear_status(self, gateway: str, status: str, *, told: bool) -> None:
        """Home Assistant is told how the account stands, by itself or when it asks."""
        account = self.told[gateway]
        account.fatal = status in FATAL
        if status not in READY:
            account.lost = True
            self.oracle.away(gateway, told=True)
            return
        account.ready_at = self.now
        # A gateway that says so by itself has reconnected, or is late.
        if told or account.lost or account.missed:
            said = (told or account.lost) and account.emptied
            self.oracle.back(gateway, told=said)
        account.lost = account.missed = account.emptied = False

    def missed(self, gateway: str) -> None:
        """A call for an account's status fails, or would if it were made."""
        self.oracle.now = self.now
        self.told[gateway].missed = True
        self.oracle.away(gateway, told=False)

    def _answered(self, answer: Answer) -> None:
        """Home Assistant gets an answer, or waits in vain for one."""
        gateway = answer.gateway
        if not self.tapping or gateway not in self.told:
            return
        self.oracle.now = self.now
        if answer.status in {401, 403}:
            self.told[gateway].refused_at = self.now
        try:
            said = self._read(answer)
        except ValueError, KeyError, TypeError, AttributeError:
            said = None
        if answer.call is Call.STATUS:
            if isinstance(said, str):
                self._hear_status(gateway, said, told=False)
            else:
                self.missed(gateway)
            return
        if answer.call is Call.EVERYTHING:
            for message in said if isinstance(said, list) else ():
                self._hear_answer(answer, message.chat, message)
            return
        if (chat := self._chat(gateway, answer.chat)) is None:
            return
        if said is None and answer.status in PAUSES:
            for other in self.oracle.of(gateway):
                self.oracle.waits(other)
        elif said is None and answer.call is Call.PEEK:
            self.oracle.waits(chat)
        if answer.call is not Call.PEEK:
            looks = answer.call is Call.ASK and not chat.receiver.live
            self.oracle.tried(chat, accepted=said is not None, looks=looks)
            if said is None:
                self._vain[gateway].append(self.now)
        if answer.call is not Call.SUBSCRIBE and said is not None:
            told = said if isinstance(said, Message) else None
            self._hear_answer(answer, answer.chat, told)

    def _hear_answer(self, answer: Answer, asked: str, message: Message | None) -> None:
        if (chat := self._chat(answer.gateway, asked)) is None:
            return
        if message is not None:
            message = self._by_number(answer.gateway, message)
        self.oracle.answered(chat, message, answer.asked, asked)

    def _read(self, answer: Answer) -> Message | list[Message] | str | None:
        """What an answer says; "" is nothing, and None is a refusal."""
        if answer.body is None:
            return None
        if answer.call is Call.SUBSCRIBE:
            if answer.body and json.loads(answer.body).get("success") is False:
                return None
            return None if b'"code"' in answer.body else ""
        if answer.call is Call.EVERYTHING:
            return read_answers(answer.body, pauses=False)
        if answer.call is Call.STATUS:
            body = json.loads(answer.body)
            if answer.gateway == "waapi":
                return str(body["clientStatus"]["instanceStatus"]).lower()
            return str(body["status"]).lower()
        return read_answer(answer.gateway, answer.body, pauses=False) or ""

    # ------------------------------------------------------------------ judgement

    def may_be_away(self, gateway: str) -> bool:
        """Whether an account's chats may be unavailable now, by what was told of it."""
        told = self.told[gateway]
        return (
            not self.loaded(gateway)
            or told.fatal
            or self.now - told.refused_at < HEARD
            or self.now - told.ready_at >= GRACE
        )

    def spent(self, gateway: str) -> float:
        """For how many seconds of the last hour an account may have been shown online."""
        account = self.accounts[gateway]
        if not isinstance(account, EngineAccount):
            return 0.0
        vain = self._vain[gateway]
        while vain and vain[0] < self.now - HOUR:
            vain.popleft()
        # What failed may have announced it as well.
        seconds = {int(at) + i for at in vain for i in range(int(ANNOUNCES))}
        return len(seconds) + account.announcer.shown(self.now - HOUR, self.now)

    def announced(self, gateway: str, since: float, until: float) -> list[float]:
        """For how many seconds of each hour the account was shown online by us.

        Hours count from each set-up on. What follows a set-up, or a user's own
        request, is not counted.
        """
        account = self.accounts[gateway]
        if not isinstance(account, EngineAccount):
            return []
        hours: defaultdict[tuple[int, int], float] = defaultdict(float)
        for span in account.announcer.spans:
            second = max(span.start, since)
            while second < (end := min(span.end, until)):
                starts = [at for at in self.starts[gateway] if at <= second]
                if not any(0 <= second - at < BEGINS for at in self.begins[gateway]):
                    hour = len(starts), int((second - max(starts)) // HOUR)
                    hours[hour] += min(end - second, 1.0)
                second += 1.0
        return list(hours.values())


@asynccontextmanager
async def world(seed: int, loop: ChaosLoop) -> AsyncGenerator[World]:
    """Make a world, and take it down."""
    with mock_storage() as stored, tempfile.TemporaryDirectory() as folder:
        async with TappedSimulator(loop) as simulator:
            made = World(simulator, seed, folder, stored)
            made.oracle.start = made.oracle.now = loop.time()
            await made.open()
            try:
                with made.tapped():
                    yield made
            finally:
                await made.close()
