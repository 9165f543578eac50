"""Homes with one backup in common: each is to hear everything, and to leave the others be.

They run in one process, on the clock that skips the waiting, each with its own folder
and its own HTTP server, at one account of each gateway that calls webhooks.
"""

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
import logging
import random
from random import Random
import tempfile
import time
from typing import Any, Final
from unittest.mock import patch

from aiohttp import ClientSession, web
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from custom_components.whatsapp_presence.const import DOMAIN, SUBENTRY_TYPE_CHAT
from custom_components.whatsapp_presence.gateways import GATEWAYS as CLIENTS
from custom_components.whatsapp_presence.gateways.base import Gateway
from custom_components.whatsapp_presence.gateways.client import Client
from homeassistant import loader
from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentryData,
    ConfigSubentryDataWithId,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame, issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.setup import async_setup_component
from tests.simulator import Account, Simulator
from tests.simulator.clock import LoopClock
from tests.simulator.scenario import plan_day

from .clock import ChaosLoop, told_by

HOST: Final = "127.0.0.1"
BEGIN: Final = 1_790_035_200.0
HOUR: Final = 3600.0
GATEWAYS: Final = ("waapi", "wawp")
INSTANCES: Final = {"waapi": "12345", "wawp": "A1B2C3"}
NAMES: Final = ("Anna", "Ben", "Carl", "Dora")
# The gateways of this run are to be on the internet, and Home Assistant at a public
# address; both are on loopback in truth.
NEAR: Final = "custom_components.whatsapp_presence.instance.address.is_local_host"
SETTLES: Final = 60.0
"""Seconds after a start in which homes may write more than once."""
BOUND: Final = 2
"""Writes at a gateway that are left to a home for the rest of the day."""


@dataclass(slots=True)
class Result:
    """What a run found, and what it took."""

    hours: float
    seconds: float = 0.0
    # By home and gateway.
    heard: Counter[tuple[str, str]] = field(default_factory=Counter)
    due: Counter[tuple[str, str]] = field(default_factory=Counter)
    writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    late_writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


class Home:
    """A Home Assistant with a folder and a port of its own."""

    hass: HomeAssistant

    def __init__(self, name: str, *, has_address: bool = True) -> None:
        """Make a place for it."""
        self.name = name
        self.has_address = has_address
        self.entries: dict[str, MockConfigEntry] = {}
        self.heard: Counter[str] = Counter()
        self.started = 0.0
        # Whether its writes count: neither those before a backup do, nor at removal.
        self.is_watched = False
        self._port = 0
        self._life = AsyncExitStack()
        self._http: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is, whether it knows that or not."""
        return f"http://{HOST}:{self._port}"

    @property
    def session(self) -> ClientSession:
        """By which its requests can be told from others'."""
        return async_get_clientsession(self.hass)

    async def open(self, folder: str) -> None:
        """Start it."""
        self.hass = await self._life.enter_async_context(
            async_test_home_assistant(config_dir=folder)
        )
        self.hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        frame.async_setup(self.hass)
        assert await async_setup_component(self.hass, "webhook", {})
        self._http = web.AppRunner(self.hass.http.app, access_log=None)
        await self._http.setup()
        await web.TCPSite(self._http, HOST, self._port, reuse_address=True).start()
        self._port = self._http.addresses[0][1]
        self.hass.config.external_url = self.url if self.has_address else None

    def restore(self, entries: dict[str, MockConfigEntry]) -> None:
        """Take what another home, or this one before, had stored of its accounts."""
        for gateway, old in entries.items():
            entry = self.entries[gateway] = MockConfigEntry(
                domain=DOMAIN,
                entry_id=old.entry_id,
                title=old.title,
                unique_id=old.unique_id,
                data=dict(old.data),
                options=dict(old.options),
                subentries_data=[
                    ConfigSubentryDataWithId(
                        data=dict(subentry.data),
                        subentry_id=subentry.subentry_id,
                        subentry_type=subentry.subentry_type,
                        title=subentry.title,
                        unique_id=subentry.unique_id,
                    )
                    for subentry in old.subentries.values()
                ],
            )
            entry.add_to_hass(self.hass)

    async def load(self) -> None:
        """Set all accounts up."""
        self.started = asyncio.get_running_loop().time()
        for entry in self.entries.values():
            if entry.state is ConfigEntryState.NOT_LOADED:
                await self.hass.config_entries.async_setup(entry.entry_id)

    async def close(self) -> None:
        """Stop it."""
        for entry in self.hass.config_entries.async_entries(DOMAIN):
            await self.hass.config_entries.async_unload(entry.entry_id)
        assert self._http is not None
        await self._http.cleanup()
        await self.hass.async_stop(force=True)
        await self._life.aclose()
        self._life = AsyncExitStack()

    def issues(self) -> list[str]:
        """What its user is told to be wrong."""
        return [
            key
            for (domain, key), issue in ir.async_get(self.hass).issues.items()
            if domain == DOMAIN and issue.active
        ]


class Street:
    """The homes, and the gateways between them."""

    def __init__(self, simulator: Simulator, seed: int, hours: float) -> None:
        """Begin with an account at each gateway, and nobody at home."""
        self.simulator = simulator
        self.seed = seed
        self.result = Result(hours)
        # Those that are to hear everything, and all that there ever were.
        self.homes: list[Home] = []
        self._everyone: list[Home] = []
        self.accounts: dict[str, Account] = {}
        self._loop = asyncio.get_running_loop()
        for gateway in GATEWAYS:
            account = simulator.add_instance(gateway, INSTANCES[gateway], token="t0ken")
            for i, name in enumerate(NAMES):
                account.add_person(
                    f"4915110000{i:02}", name=name, lid=f"11100022200{i}@lid"
                )
            self.accounts[gateway] = account
            self._count_events(account)

    def _count_events(self, account: Account) -> None:
        """Count what each home that is there should hear from now on."""
        original = account.emit

        def emit(*args: Any, **kwargs: Any) -> Any:
            for home in self.homes:
                if home.has_address:
                    self.result.due[home.name, account.gateway] += 1
            return original(*args, **kwargs)

        account.emit = emit  # type: ignore[method-assign]

    def entries(self) -> dict[str, MockConfigEntry]:
        """Return the accounts' entries as the flows store them."""
        made: dict[str, MockConfigEntry] = {}
        for gateway, account in self.accounts.items():
            path, token = {
                "waapi": ("/api/v1", "api_token"),
                "wawp": ("", "access_token"),
            }[gateway]
            made[gateway] = MockConfigEntry(
                domain=DOMAIN,
                title=f"The {gateway} account",
                unique_id=f"{gateway}_{account.instance_id}",
                data={
                    "gateway": gateway,
                    "instance_id": account.instance_id,
                    token: account.token,
                    "url": f"{self.simulator.url}{path}",
                    "webhook_id": f"{gateway:0<32}",
                },
                subentries_data=[
                    ConfigSubentryData(
                        data={"chat": person.chat_id, "settle_time": 0},
                        subentry_type=SUBENTRY_TYPE_CHAT,
                        title=person.name,
                        unique_id=person.chat_id,
                    )
                    for person in account.people.values()
                ],
            )
        return made

    @contextmanager
    def watched(self) -> Generator[None]:
        """Count the homes' writes at the gateways."""
        original = Client.request
        result = self.result

        async def request(
            client: Client, method: str, path: str, **options: Any
        ) -> Any:
            if method in ("POST", "DELETE") and "webhook" in path:
                for home in self._everyone:
                    if home.is_watched and home.session is client.session:
                        gateway = "wawp" if "/v2/" in path else "waapi"
                        result.writes[home.name, gateway] += 1
                        if self._loop.time() > home.started + SETTLES:
                            result.late_writes[home.name, gateway] += 1
            return await original(client, method, path, **options)

        def heard(gateway: type[Gateway]) -> Any:
            read = gateway.parse_event

            def parse_event(client: Any, *body: Any) -> Any:
                for home in self._everyone:
                    entry = home.entries[gateway.key]
                    if (
                        entry.state is ConfigEntryState.LOADED
                        and entry.runtime_data.gateway is client
                    ):
                        home.heard[gateway.key] += 1
                return read(client, *body)

            return parse_event

        with ExitStack() as stack:
            for key in INSTANCES:
                gateway = CLIENTS[key]
                # Each body is read, also one that comes again.
                reads_each = replace(gateway.capabilities, repeats_bodies=False)
                for name, value in (
                    ("parse_event", heard(gateway)),
                    ("capabilities", reads_each),
                ):
                    stack.enter_context(patch.object(gateway, name, value))
            stack.enter_context(patch(NEAR, return_value=False))
            stack.enter_context(patch.object(Client, "request", request))
            yield

    async def move_in(
        self, home: Home, folder: str, entries: dict[str, MockConfigEntry]
    ) -> None:
        """Let a home begin with what was restored."""
        await home.open(folder)
        home.restore(entries)
        self._everyone.append(home)

    async def begin(self, *homes: Home) -> None:
        """Let homes set their accounts up, all at the same moment."""
        for home in homes:
            home.is_watched = True
        await asyncio.gather(*(home.load() for home in homes))
        await asyncio.sleep(SETTLES)
        self.homes.extend(home for home in homes if home not in self.homes)
        for home in homes:
            home.heard.clear()

    async def live(self, hours: float) -> None:
        """Let people come, write and go for some hours."""
        begin = self._loop.time()
        end = begin + hours * HOUR
        steps = sorted(
            (begin + step.at % (24 * HOUR), person.number, step.state)
            for person in self.accounts[GATEWAYS[0]].people.values()
            for step in plan_day(Random(f"{self.seed}/{begin}/{person.number}"), [])
        )
        for at, number, state in steps:
            if at > end:
                break
            await asyncio.sleep(max(at - self._loop.time(), 0))
            for account in self.accounts.values():
                await account.set_presence(account.person(number), state)
        await asyncio.sleep(max(end - self._loop.time(), 0))
        await self.simulator.delivery.idle()
        self._compare()

    def _compare(self) -> None:
        for home in self.homes:
            for gateway, account in self.accounts.items():
                states = {
                    chat.chat_id: chat.presence.online
                    for chat in home.entries[
                        gateway
                    ].runtime_data.instance.chats.values()
                }
                for person in account.people.values():
                    if states[person.chat_id] is not person.online:
                        self.complain(
                            f"{home.name} shows {person.name} at {gateway} as "
                            f"{states[person.chat_id]}"
                        )

    def complain(self, what: str) -> None:
        """Note that something was wrong."""
        hours = (self._loop.time() - BEGIN) / HOUR
        self.result.problems.append(f"{hours:.1f} h: {what}")

    def check(self) -> None:
        """Compare what was heard and written with what was to be."""
        result = self.result
        for home in self.homes:
            for gateway in GATEWAYS:
                key = home.name, gateway
                result.heard[key] = home.heard[gateway]
                if home.has_address and result.heard[key] < result.due[key]:
                    self.complain(
                        f"{home.name} heard {result.heard[key]} of {result.due[key]} "
                        f"events of {gateway}"
                    )
                if result.late_writes[key] > BOUND:
                    self.complain(
                        f"{home.name} wrote {result.late_writes[key]} times at {gateway}"
                    )
        for account in self.accounts.values():
            if account.user_webhooks != self.own[account.gateway]:
                self.complain(f"the user's own webhooks at {account.gateway} changed")

    own: dict[str, list[dict[str, Any]]]


async def _main(seed: int, hours: float) -> Result:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ChaosLoop)
    async with Simulator(clock=LoopClock(loop.time)) as simulator:
        street = Street(simulator, seed, hours)
        street.own = {}
        for gateway, account in street.accounts.items():
            account.add_webhook("http://127.0.0.1:9/somebody/elses")
            street.own[gateway] = account.user_webhooks
        with (
            street.watched(),
            tempfile.TemporaryDirectory() as one,
            tempfile.TemporaryDirectory() as two,
            tempfile.TemporaryDirectory() as three,
        ):
            original = Home("original")
            copy = Home("copy")
            mute = Home("copy without an address", has_address=False)
            await street.move_in(original, one, street.entries())
            # A first run, of which the backup is made.
            await original.load()
            await asyncio.sleep(SETTLES)
            backup = dict(original.entries)
            await street.move_in(copy, two, backup)
            await original.close()
            await original.open(one)
            original.restore(backup)
            # Both start at the same moment, with the same backup.
            await street.begin(original, copy)
            await street.live(hours / 3)
            await street.move_in(mute, three, backup)
            await street.begin(mute)
            await street.live(hours / 3)
            if "webhook_contested" not in " ".join(copy.issues()):
                street.complain("the copy's user was not told")
            street.check()
            # What is removed at a copy is the copy's alone.
            for home in (mute, copy):
                home.is_watched = False
                street.homes.remove(home)
                for entry in home.entries.values():
                    await home.hass.config_entries.async_remove(entry.entry_id)
                for gateway, account in street.accounts.items():
                    if original.url not in str(account.webhooks):
                        street.complain(f"{home.name} took the original's of {gateway}")
            await street.live(hours / 3)
            street.check()
            for gateway, account in street.accounts.items():
                if len(account.webhooks) != 2:
                    street.complain(f"{len(account.webhooks)} webhooks at {gateway}")
            original.is_watched = False
            for entry in original.entries.values():
                await original.hass.config_entries.async_remove(entry.entry_id)
            for gateway, account in street.accounts.items():
                if account.webhooks != street.own[gateway]:
                    street.complain(f"something was left at {gateway}")
            for home in (original, copy, mute):
                await home.close()
        return street.result


def run(seed: int, hours: float) -> Result:
    """Let the homes live for some simulated hours."""
    began = time.perf_counter()
    random.seed(seed)
    # That several of it share a process is nothing that Home Assistant approves of.
    logging.getLogger("homeassistant").setLevel(logging.CRITICAL)
    loop = ChaosLoop(BEGIN - 301)
    with told_by(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_main(seed, hours))
    result.seconds = time.perf_counter() - began
    return result


def report(seed: int, result: Result) -> None:
    """Print what a run found."""
    print(f"seed {seed}, {result.hours:g} simulated hours, {result.seconds:.0f} s")
    print(
        f"{'home':<26}{'gateway':<9}{'events':>8}{'heard':>8}{'writes':>8}"
        f"{'after the first minute':>24}"
    )
    for home, gateway in sorted(result.heard):
        key = home, gateway
        print(
            f"{home:<26}{gateway:<9}{result.due[key]:>8}{result.heard[key]:>8}"
            f"{result.writes[key]:>8}{result.late_writes[key]:>24}"
        )
    for problem in result.problems:
        print(problem)
    print("good" if result.good else "NOT GOOD")
