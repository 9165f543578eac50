"""A simulated day: people live, everything breaks, the oracle watches."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
import gc
import logging
import math
from pathlib import Path
import random
from random import Random
import sys
import time
from typing import Final

from homeassistant.config_entries import SETUP_RETRY_MAX_WAIT, ConfigEntryState
from homeassistant.core import HomeAssistant
from tests.simulator import Account, Group, Person, State, WaapiAccount, WawpAccount
from tests.simulator.delivery import Faults
from tests.simulator.engine import EngineAccount
from tests.simulator.scenario import DAY, Step, plan_day
from tests.simulator.server import Failure

from .clock import ChaosLoop, told_by
from .oracle import LogWatch, Oracle, Watched, growth
from .world import FAMILY, HIDDEN, SECRET, World, world

PACKAGE: Final = "custom_components.whatsapp_presence"
BEGIN: Final = 1_790_035_200.0  # a midnight in UTC
HOUR: Final = 3600.0
CALM_EVERY: Final = 3 * HOUR
CALM: Final = 16 * 60.0
"""Seconds: the webhook is looked after every quarter of an hour."""
QUIET: Final = 60.0
PAUSE: Final = 420.0
"""Seconds between two faults, on average; several happen at once."""
MARGIN: Final = 5.0
"""Seconds from a loss to the word that it is over, when both come at once."""
OUTAGE_LIMIT: Final = 240.0
"""Seconds until an outage must show: a poll, an answer that hangs, and the grace."""
RECOVERY_LIMIT: Final = 150.0
"""Seconds until its end must show: two polls and an answer that hangs."""
REFUSED: Final = 120.0
"""Seconds more until a poll, for who was refused the key again and again."""
BLIP: Final = 110.0
RESUBSCRIPTION: Final = 120.0
BUDGET: Final = 30.0
"""Seconds that subscribing nine chats takes at two requests each and one a second."""
RECONNECTS: Final = 300.0
"""Of reconnects closer than this, in seconds, only the last is followed at once."""
RENEWAL: Final = {"waapi": 2400.0, "wawp": HOUR, "waha": HOUR}
"""Seconds between renewals; who was told of since the last is left out of the next."""
ANNOUNCED: Final = 0.05
"""Which part of an hour an account may be shown online by us."""
MAX_GROWTH: Final = 0.01
MANY: Final = 10**6

# What each dialect calls the loss of WhatsApp, in passing or until the user has done
# something about it, and its being there.
PASSING: Final = {
    "waapi": ("disconnected", "booting"),
    "wawp": ("STOPPED", "STARTING"),
    "waha": ("STOPPED", "STARTING"),
}
LASTING: Final = {
    "waapi": ("qr", "auth_failure"),
    "wawp": ("FAILED", "SCAN_QR_CODE"),
    "waha": ("FAILED", "SCAN_QR_CODE"),
}
READY: Final = {"waapi": "ready", "wawp": "WORKING", "waha": "WORKING"}
SETTING_UP: Final = {ConfigEntryState.SETUP_RETRY, ConfigEntryState.SETUP_IN_PROGRESS}

# How a gateway can fail whatever it is asked.
BREAKDOWNS: Final[tuple[dict[str, object], ...]] = (
    {"status": 500, "body": {"message": "Server Error"}},
    {"status": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"},
    {"status": 503, "body": "", "headers": {"Retry-After": "30"}},
    {
        "status": 200,
        "body": "<!DOCTYPE html><title>Maintenance</title>",
        "content_type": "text/html",
    },
    {"status": 504, "hang": True},
    {"status": None, "drop": True},
    {"status": 504, "body": "", "delay": 9.0},
    {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}},
)


@dataclass(slots=True)
class Result:
    """What a run found, and what it took."""

    oracle: Oracle
    hours: float
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    deliveries: int = 0
    requests: int = 0
    memory: float = 0.0
    calms: int = 0
    outages: int = 0
    most_lines: tuple[int, int] = (0, 0)
    # Of each account: for which part of an hour it was shown online by us, at most.
    announced: dict[str, float] = field(default_factory=dict)
    leaks: tuple[int, int, int] = (0, 0, 0)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.oracle.problems


class Chaos:
    """Breaks things at random, and puts them right."""

    def __init__(
        self, made: World, seed: int, hours: float, only: Collection[str]
    ) -> None:
        """Prepare a run; `only` are the faults that happen, none is all."""
        self.world = made
        self.oracle = made.oracle
        self.simulator = made.simulator
        self.random = Random(f"chaos/{seed}")
        self.seed = seed
        self.only = only
        self.loop = asyncio.get_running_loop()
        self.begin = self.loop.time()
        self.end = self.begin + hours * HOUR
        self.result = Result(self.oracle, hours)
        self._calm = asyncio.Event()
        self._episodes: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()
        self._kinds: set[Callable[[str], Awaitable[None]]] = set()
        # Of each account: since when its presence can't be had, and who says so.
        self._broken: dict[str, set[str]] = {key: set() for key in made.accounts}
        self._usable_since = dict.fromkeys(made.accounts, self.loop.time())
        self._unusable_since: dict[str, float | None] = dict.fromkeys(made.accounts)
        self._hidden_since: dict[str, float | None] = dict.fromkeys(made.accounts)
        self._told: set[str] = set()
        self._outages: dict[str, list[list[float]]] = {k: [] for k in made.accounts}
        self._troubled_until = dict.fromkeys(made.accounts, 0.0)
        # When single calls failed.
        self._hitches: dict[str, list[list[float]]] = {k: [] for k in made.accounts}
        self._memory: list[int] = []

    @property
    def now(self) -> float:
        """The time."""
        return self.loop.time()

    @property
    def hass(self) -> HomeAssistant:
        """The Home Assistant that runs now."""
        return self.world.hass

    # ----------------------------------------------------------------- the whole

    async def run(self) -> None:
        """Play it all."""
        for gateway in self.world.accounts:
            await self.world.load(gateway)
        helpers = [
            asyncio.create_task(self._watch()),
            *(
                asyncio.create_task(self._live(person.number))
                for person in next(iter(self.world.accounts.values())).people.values()
            ),
        ]
        try:
            # The first minute is a good one.
            await asyncio.sleep(60)
            next_calm = self.now + CALM_EVERY
            while self.now < self.end:
                pause = self.random.expovariate(1 / PAUSE)
                await asyncio.sleep(min(pause, max(next_calm - self.now, 0)))
                if self.now >= min(next_calm, self.end):
                    await self.calm()
                    next_calm = self.now + CALM_EVERY
                elif len(self._episodes) < 4:
                    self._begin_episode()
            await self.calm()
        finally:
            for helper in helpers:
                helper.cancel()
            outcomes = await asyncio.gather(*helpers, return_exceptions=True)
        for outcome in outcomes:
            if not isinstance(outcome, asyncio.CancelledError) and outcome is not None:
                raise outcome

    def _begin_episode(self) -> None:
        kinds: dict[str, Callable[[str], Awaitable[None]]] = {
            "noise on the way": self.noise,
            "noise on the way, again": self.noise,
            "reconnect": self.reconnect,
            "blip": self.blip,
            "blip, again": self.blip,
            "loss": self.loss,
            "loss unheard": self.loss_unheard,
            "breakdown": self.breakdown,
            "breakdown of presence": self.breakdown_of_presence,
            "stream torn": self.stream_torn,
            "hiccups": self.hiccups,
            "slowness": self.slowness,
            "429": self.too_many,
            "credentials revoked": self.revoked,
            "gateway restart": self.gateway_restart,
            "entry reload": self.reload,
            "Home Assistant restart": self.restart,
            "power cut": self.power_cut,
            "our clock set": self.our_clock,
            "gateway's clock set": self.gateway_clock,
            "member left": self.member_left,
            "chat removed and added": self.chat_goes,
            "webhook lost": self.webhook_lost,
            "webhook refused": self.webhook_refused,
            "address changed": self.address_changed,
            "address lost": self.address_lost,
            "secret changed": self.secret_changed,
            "chat changed": self.chat_changed,
            "privacy changed": self.privacy,
        }
        kind = self.random.choice(
            [
                k
                for k in kinds
                if not self.only or k.removesuffix(", again") in self.only
            ]
        )
        gateway = self.random.choice(list(self.world.accounts))
        everywhere = kinds[kind] in {
            self.noise,
            self.gateway_restart,
            self.restart,
            self.power_cut,
            self.our_clock,
            self.gateway_clock,
            self.address_changed,
            self.address_lost,
        }
        what = kind.removesuffix(", again")
        away = kinds[kind] in {self.restart, self.power_cut}
        if away or kinds[kind] in {self.address_changed, self.address_lost}:
            # They all decide at which address Home Assistant is.
            what = "Home Assistant restart" if away else "address"
            if self._busy & {"Home Assistant restart", "address"}:
                return
        if kinds[kind] in {
            self.loss,
            self.loss_unheard,
            self.reconnect,
            self.blip,
        }:
            # They all set the status, so one at a time.
            what = "loss"
        key = what + ("" if everywhere else f" {gateway}")
        if key in self._busy or (
            kinds[kind] in {self.gateway_restart, self.restart, self.reload}
            and self._busy & {"gateway restart", "Home Assistant restart"}
        ):
            return
        if kinds[kind] == self.power_cut and self._by_hand & self._kinds:
            # The user is at work.
            return
        if kinds[kind] in self._by_hand and "Home Assistant restart" in self._busy:
            return
        self._busy.add(key)
        name = kind.removesuffix(", again")
        self.result.faults[name] = self.result.faults.get(name, 0) + 1
        for (account, _), chat in self.oracle.chats.items():
            if everywhere or account == gateway:
                self.oracle.now = self.now
                self.oracle.note(chat, f"--- {key}")
        task = asyncio.create_task(self._episode(key, kinds[kind], gateway))
        self._episodes.add(task)
        task.add_done_callback(self._episodes.discard)

    async def _episode(
        self, key: str, fault: Callable[[str], Awaitable[None]], gateway: str
    ) -> None:
        self._kinds.add(fault)
        try:
            await fault(gateway)
        finally:
            self._busy.discard(key)
            self._kinds.discard(fault)

    async def wait(self, low: float, high: float) -> None:
        """Let a fault last, at the utmost until all is to be calm."""
        try:
            async with asyncio.timeout(self.random.uniform(low, high)):
                await self._calm.wait()
        except TimeoutError:
            return

    # -------------------------------------------------------------------- people

    def _plan(self, number: str, day: int) -> list[Step]:
        """Plan a day, and a second one for who is awake at night."""
        steps = plan_day(Random(f"{self.seed}/{day}/{number}"), [FAMILY])
        night = plan_day(Random(f"{self.seed}/{day}/{number}/night"), [FAMILY])
        steps += [
            Step(at=(step.at + DAY / 2) % DAY, state=step.state, group=step.group)
            for step in night
        ]
        return sorted(steps, key=lambda step: step.at)

    async def _live(self, number: str) -> None:
        day = 0
        while True:
            for step in self._plan(number, day):
                due = BEGIN + day * DAY + step.at
                if due < self.now:
                    continue
                await asyncio.sleep(due - self.now)
                if not self._calm.is_set():
                    await asyncio.gather(
                        *(
                            self._act(account, number, step)
                            for account in self.world.accounts.values()
                        )
                    )
            day += 1
            await asyncio.sleep(max(BEGIN + day * DAY - self.now, 0))

    async def _act(self, account: Account, number: str, step: Step) -> None:
        person = account.person(number)
        group = account.group(FAMILY) if step.group else None
        if group is not None and person not in group.members:
            group = None
        await account.set_presence(person, step.state, group=group)

    # -------------------------------------------------------------------- faults

    async def noise(self, _gateway: str) -> None:
        """Webhooks are lost, doubled, late and shuffled."""
        faults = self.simulator.delivery.faults
        faults.lose = self.random.choice((0, 0, 0.1, 0.3, 0.6))
        faults.double = self.random.choice((0, 0.3, 0.8))
        faults.delay = self.random.choice((0, 0.2, 0.5))
        faults.max_delay = self.random.choice((1.0, 5.0, 20.0))
        faults.shuffle = self.random.choice((0, 0.3, 0.9))
        faults.window = self.random.choice((0.05, 1.0, 4.0))
        began = self.now
        await self.wait(300, 2400)
        if "waapi" in self._hitches:
            # Its words on the instance carry no time: a late one has to be believed
            # until the gateway, asked at once, says otherwise.
            self._hitches["waapi"].append([began, self.now + faults.max_delay])
        self._reset_noise()

    def _reset_noise(self) -> None:
        faults = self.simulator.delivery.faults
        faults.lose = faults.double = faults.delay = faults.shuffle = 0.0

    async def reconnect(self, gateway: str) -> None:
        """The engine reconnects, once or several times."""
        for _ in range(self.random.choice((1, 1, 1, 3, 6))):
            # An outage of its own, a short one.
            self._note_hitch(gateway)
            await self.world.accounts[gateway].reconnect()
            await self.wait(0, 20)

    @property
    def _by_hand(self) -> set[Callable[[str], Awaitable[None]]]:
        """What the user does in Home Assistant."""
        return {
            self.reload,
            self.chat_goes,
            self.chat_changed,
            self.secret_changed,
            self.revoked,
            self.address_changed,
            self.address_lost,
        }

    async def blip(self, gateway: str) -> None:
        """WhatsApp is away for less than the grace, once or several times."""
        account = self.world.accounts[gateway]
        for _ in range(self.random.choice((1, 1, 1, 2, 5))):
            seconds = self.random.choice((0.1, 2, 4, 25, 60, 90, BLIP))
            self._breaks(gateway, "blip")
            if isinstance(account, EngineAccount) and seconds < BLIP - 5:
                await account.outage(seconds)
            else:
                await account.set_status(self.random.choice(PASSING[gateway]))
                await asyncio.sleep(seconds)
                await account.set_status(READY[gateway])
            self._mended(gateway, "blip")
            await self.wait(1, self.random.choice((5, 60, 600, 1700)))

    async def loss(self, gateway: str) -> None:
        """WhatsApp is lost, and comes back."""
        account = self.world.accounts[gateway]
        self._breaks(gateway, "loss", lasting=True)
        for _ in range(self.random.choice((1, 1, 2, 4))):
            words = self.random.choice((PASSING, LASTING))[gateway]
            await account.set_status(self.random.choice(words))
            await self.wait(0, self.random.choice((5, 50, 300, 900)))
        await account.set_status(READY[gateway])
        self._mended(gateway, "loss")

    async def stream_torn(self, gateway: str) -> None:
        """The stream of events is torn, once or several times."""
        if gateway == "waha":
            for _ in range(self.random.choice((1, 1, 3))):
                self.simulator.waha.abort_sockets()
                await self.wait(1, self.random.choice((5, 60)))

    async def loss_unheard(self, gateway: str) -> None:
        """The same, but nobody tells."""
        account = self.world.accounts[gateway]
        lost = self.random.random() < 0.7
        self._breaks(gateway, "loss unheard", lasting=True)
        words = self.random.choice((PASSING, LASTING))[gateway]
        await self._unheard(account, self.random.choice(words))
        await self.wait(0, self.random.choice((30, 90, 600)))
        if lost:
            await self._unheard(account, READY[gateway])
        else:
            await account.set_status(READY[gateway])
        self._mended(gateway, "loss unheard")

    async def _unheard(self, account: Account, status: str) -> None:
        faults = self.simulator.delivery.faults
        before, faults.lose = faults.lose, 1.0
        try:
            await account.set_status(status)
        finally:
            faults.lose = before

    def _fail(
        self, gateway: str, count: int, failing: dict[str, object], path: str | None
    ) -> Failure:
        failures = self.simulator.failures
        failure = self.simulator.fail_next(
            count,
            gateway=gateway,
            path=path,
            **failing,  # type: ignore[arg-type]
        )
        if count == MANY:
            # What breaks down does so at once, whatever else was to come.
            failures.insert(0, failures.pop())
        return failure

    def _pending(self, gateway: str) -> bool:
        """Whether some calls are still to fail."""
        return any(
            f.gateway == gateway and f.count < MANY // 2
            for f in self.simulator.failures
        )

    def _heal(self, failure: Failure) -> None:
        if failure in self.simulator.failures:
            self.simulator.failures.remove(failure)

    async def breakdown(self, gateway: str) -> None:
        """The gateway answers nothing useful."""
        self._breaks(gateway, "breakdown")
        failure = self._fail(gateway, MANY, self.random.choice(BREAKDOWNS), None)
        await self.wait(10, self.random.choice((60, 300, 3600)))
        self._heal(failure)
        self._mended(gateway, "breakdown")

    async def breakdown_of_presence(self, gateway: str) -> None:
        """Only asking for chats fails."""
        self._breaks(gateway, "presence", partly=True)
        failure = self._fail(gateway, MANY, self.random.choice(BREAKDOWNS), "presence")
        await self.wait(10, self.random.choice((60, 600, 3600)))
        self._heal(failure)
        self._mended(gateway, "presence")

    async def hiccups(self, gateway: str) -> None:
        """Some calls fail, each in its own way."""
        for _ in range(self.random.randint(1, 6)):
            self._fail(gateway, 1, self.random.choice(BREAKDOWNS), None)
            await self.wait(0, 30)

    async def slowness(self, gateway: str) -> None:
        """Some calls take long."""
        count = self.random.randint(3, 30)
        for _ in range(count):
            delay = self.random.uniform(0.2, 20)
            self._fail(gateway, 1, {"status": None, "delay": delay}, None)

    async def too_many(self, gateway: str) -> None:
        """The gateway bears fewer requests than it is sent."""
        quirks = self.world.accounts[gateway].quirks
        quirks.rate_limit = self.random.randint(1, 15)
        quirks.retry_after = self.random.choice((None, 1, 20, 120))
        self._breaks(gateway, "429", partly=True)
        await self.wait(60, 900)
        quirks.rate_limit = quirks.retry_after = None
        self._mended(gateway, "429")

    async def revoked(self, gateway: str) -> None:
        """The credentials are revoked, and given back."""
        account = self.world.accounts[gateway]
        token = account.token
        self._breaks(gateway, "revoked", lasting=True)
        account.token = "another-one"
        await self.wait(5, self.random.choice((60, 400, 1800)))
        account.token = token
        entry = self.world.entries[gateway]
        if entry.state is ConfigEntryState.SETUP_ERROR:
            # It was set up meanwhile; the user has logged in again.
            await self.hass.config_entries.async_reload(entry.entry_id)
        self._mended(gateway, "revoked")

    async def gateway_restart(self, _gateway: str) -> None:
        """The gateway goes away, and comes back with or without a memory."""
        for key in self.world.accounts:
            self._breaks(key, "gateway restart")
        await self.simulator.stop()
        for key in self.world.accounts:
            self.world.missed(key)
        await self.wait(1, self.random.choice((20, 90, 600)))
        if self.random.random() < 0.5:
            for account in self.world.accounts.values():
                account.lose_subscriptions()
        await self.simulator.start()
        for key in self.world.accounts:
            self._mended(key, "gateway restart")

    async def reload(self, gateway: str) -> None:
        """The user reloads the entry."""
        await self.world.unload(gateway)
        await self.world.load(gateway)
        self._note_hitch(gateway)
        self._troubled_until[gateway] = self.now + 60

    async def restart(self, _gateway: str) -> None:
        """Home Assistant is gone for a while."""
        for key in self.world.accounts:
            await self.world.unload(key)
        await self.world.hang_up()
        await self.wait(5, self.random.choice((20, 180)))
        await self.world.serve()
        for key in self.world.accounts:
            await self.world.load(key)
            self._note_hitch(key)
            self._troubled_until[key] = self.now + 60

    async def power_cut(self, _gateway: str) -> None:
        """Home Assistant is killed, and knows afterwards what it had stored."""
        await self.world.kill()
        await self.wait(5, self.random.choice((20, 180)))
        await self.world.revive()
        for key in self.world.accounts:
            self._note_hitch(key)
            self._troubled_until[key] = self.now + 60

    async def our_clock(self, _gateway: str) -> None:
        """This machine's clock is set, and perhaps set right again."""
        self._set_our_clock(self.random.choice((0, 30, 300, 500, -30, -300, 3600)))
        await self.wait(60, self.random.choice((120, 1800)))
        if self.random.random() < 0.5:
            self._set_our_clock(0)

    def _set_our_clock(self, wrong_by: float) -> None:
        assert isinstance(self.loop, ChaosLoop)
        step = wrong_by - self.loop.wrong_by
        self.loop.wrong_by = wrong_by
        for chat in self.oracle.chats.values():
            chat.receiver.clock_set(self.now, step)
            chat.dirty = True
            # What was seen in the future may be taken back.
            chat.last_seen.clear()
            chat.last_seen_due = None

    async def gateway_clock(self, _gateway: str) -> None:
        """The gateways' clock is set, and perhaps set right again."""
        wrong_by = self.random.choice((30, 300, -30, -300, -3600))
        self.simulator.set_clock(wrong_by)
        await self.wait(60, self.random.choice((120, 1800)))
        self.simulator.set_clock(self.random.choice((0, wrong_by)))

    async def member_left(self, gateway: str) -> None:
        """Somebody leaves the group for a while."""
        members = self.world.accounts[gateway].group(FAMILY).members
        member = self.random.choice(members)
        self.world.part(gateway, member, leave=True)
        await self.wait(60, self.random.choice((600, 3600)))
        self.world.part(gateway, member, leave=False)

    async def chat_goes(self, gateway: str) -> None:
        """The user deletes a chat, and adds it again."""
        subentry = self.random.choice(self.world.tracked(gateway))
        await self.world.remove_chat(gateway, subentry)
        await self.wait(0, 300)
        chat = self.world.accounts[gateway].find(subentry.data["chat"])
        assert isinstance(chat, (Person, Group))
        await self.world.add_chat(gateway, chat)
        self._troubled_until[gateway] = self.now + 60

    async def webhook_lost(self, gateway: str) -> None:
        """Somebody deletes the webhook at the gateway."""
        account = self.world.accounts[gateway]
        for hook in account.webhooks:
            account.remove_webhook(hook["url"])

    async def webhook_refused(self, gateway: str) -> None:
        """The plan or the scope no longer allows a webhook, and what was there goes."""
        account = self.world.accounts[gateway]
        if isinstance(account, WawpAccount):
            account.quirks.plan = "free"
        elif isinstance(account, WaapiAccount):
            account.quirks.scopes = frozenset({"read"})
        else:
            return
        if self.random.random() < 0.7:
            await self.webhook_lost(gateway)
        await self.wait(60, self.random.choice((600, 3600)))
        if isinstance(account, WawpAccount):
            account.quirks.plan = "paid"
        else:
            account.quirks.scopes = frozenset({"read", "update"})

    async def address_changed(self, _gateway: str) -> None:
        """Home Assistant is found under another address, once or several times."""
        for _ in range(self.random.choice((1, 1, 2))):
            await self.world.move()
            await self.wait(0, 60)

    async def address_lost(self, _gateway: str) -> None:
        """Home Assistant has no address for a while, and then another one."""
        await self.world.hide()
        await self.wait(10, self.random.choice((60, 600, 1800)))
        await self.world.move()

    async def secret_changed(self, gateway: str) -> None:
        """The gateway signs with another secret, of which the user hears later."""
        account = self.world.accounts[gateway]
        if not isinstance(account, WaapiAccount):
            return
        secret = f"{SECRET} {self.random.random()}"
        account.quirks.hmac_secret = secret
        await self.wait(5, self.random.choice((60, 600)))
        self.world.enter_secret(gateway, secret)

    async def chat_changed(self, gateway: str) -> None:
        """The user gives chats other names and settle times."""
        for subentry in self.world.tracked(gateway):
            for _ in range(20):
                current = self.world.entries[gateway].subentries.get(
                    subentry.subentry_id
                )
                if current is None or await self.world.change_chat(gateway, current):
                    break
                await self.wait(5, 5)

    async def privacy(self, gateway: str) -> None:
        """Somebody hides themselves, and shows themselves again."""
        account = self.world.accounts[gateway]
        person = self.random.choice(list(account.people.values()))
        await account.set_presence(person, person.state, deny=True)
        await self.wait(60, 900)
        await account.set_presence(person, person.state, deny=False)

    # --------------------------------------------------------------- calm moments

    async def calm(self) -> None:
        """Put everything right, wait, and compare with the truth itself."""
        self._calm.set()
        while self._episodes:
            await asyncio.gather(*self._episodes)
        self._reset_noise()
        self.simulator.failures.clear()
        self.simulator.release()
        # Until the webhook is looked after, and events arrive again.
        await asyncio.sleep(CALM)
        for account in self.world.accounts.values():
            for person in account.people.values():
                state = self.random.choice((State.ONLINE, State.OFFLINE))
                await account.set_presence(person, state)
        # Who is not subscribed now may be told nothing for an hour.
        heard = {
            key
            for key in self.oracle.chats
            if key[1] in self.world.accounts[key[0]].subscriptions
        }
        await asyncio.sleep(QUIET)
        self.oracle.now = self.now
        for key in heard:
            self._compare_with_truth(*key, self.oracle.chats[key])
        for issue in self.world.issues():
            self.oracle.complain("issue left", f"{issue} at a quiet moment")
        self.result.calms += 1
        self._measure_memory()
        self._calm.clear()

    def _compare_with_truth(self, gateway: str, chat_id: str, chat: Watched) -> None:
        truth = self.world.accounts[gateway].find(chat_id)
        assert truth is not None
        if gateway == "waapi" or (
            isinstance(truth, Person) and truth.name not in HIDDEN
        ):
            hidden = truth.name in HIDDEN
            expected = {
                "online": "on" if truth.online and not hidden else "off",
                "activity": "idle",
            }
        else:
            # Of groups, and of who hides it, engines tell too little.
            expected = {}
        for thing, state in expected.items():
            if chat.shown.get(thing) != state:
                self.oracle.complain(
                    "wrong at a quiet moment",
                    f"{chat.name} shows {thing} {chat.shown.get(thing)}, not {state}",
                    chat,
                )

    def _measure_memory(self) -> None:
        self.result.requests += len(self.simulator.requests)
        self.result.deliveries += len(self.simulator.delivery.records)
        self.simulator.requests.clear()
        self.simulator.delivery.records.clear()
        self.world.tidy()
        gc.collect()
        if self.world.haunted:
            self.oracle.complain("Home Assistant left", "although it was killed")
        self._memory.append(sys.getallocatedblocks())
        self.result.memory = growth(self._memory)

    # ------------------------------------------------------------------- watching

    def _breaks(
        self, gateway: str, why: str, *, partly: bool = False, lasting: bool = False
    ) -> None:
        """Note a fault that keeps presence from being known."""
        broken = self._broken[gateway]
        if not partly:
            if not any(not other.startswith("~") for other in broken):
                self._unusable_since[gateway] = self.now
                self._outages[gateway].append([self.now, float("inf"), 0, 0])
            self._outages[gateway][-1][2] += 1
            self._outages[gateway][-1][3] += lasting
            broken.add(why)
        else:
            broken.add(f"~{why}")

    def _mended(self, gateway: str, why: str) -> None:
        broken = self._broken[gateway]
        broken.discard(why)
        broken.discard(f"~{why}")
        if not any(not other.startswith("~") for other in broken):
            if self._unusable_since[gateway] is not None:
                self._outages[gateway][-1][1] = self.now
                self._unusable_since[gateway] = None
                self._told.discard(f"stale {gateway}")
        if not broken:
            self._usable_since[gateway] = self.now

    async def _watch(self) -> None:
        last = self.now
        while True:
            await asyncio.sleep(1)
            self.oracle.now = now = self.now
            seconds, last = now - last, now
            for (gateway, chat_id), chat in self.oracle.chats.items():
                self.oracle.look(chat, seconds, away=self._long_away(gateway))
                self._watch_subscription(gateway, chat_id, chat, seconds)
            for gateway in self.world.accounts:
                if self._pending(gateway):
                    self._troubled_until[gateway] = now + 60
                    self._note_hitch(gateway)
                self._watch_availability(gateway)

    def _note_hitch(self, gateway: str) -> None:
        hitches = self._hitches[gateway]
        if hitches and self.now - hitches[-1][1] < 5:
            hitches[-1][1] = self.now
        else:
            hitches.append([self.now, self.now])

    def _refused_until(self, gateway: str) -> float:
        """When the pause ends that the gateway has asked for."""
        at, after = self.simulator.last_refusal.get(gateway, (0.0, 0.0))
        return at + min(after, 900.0)

    def _long_away(self, gateway: str) -> bool:
        """Whether an account has been away for longer than anything may be shown.

        When it said by itself that it was ready, the grace began anew.
        """
        since = self._unusable_since[gateway]
        anew = max(self._refused_until(gateway), self.world.told[gateway].ready_at)
        return since is not None and self.now - max(since, anew) > OUTAGE_LIMIT

    def _watch_availability(self, gateway: str) -> None:
        since = self._unusable_since[gateway]
        shown = [
            chat
            for (account, _), chat in self.oracle.chats.items()
            if account == gateway and chat.available
        ]
        if (
            since is not None
            and self._long_away(gateway)
            and shown
            and f"stale {gateway}" not in self._told
        ):
            self._told.add(f"stale {gateway}")
            self.oracle.complain(
                "outage not shown",
                f"{gateway} is down since {self.oracle.clock(since)} for "
                f"{sorted(self._broken[gateway])}",
                shown[0],
            )
        usable_since = max(
            self._usable_since[gateway],
            self._troubled_until[gateway],
            self._refused_until(gateway),
            self.world.told[gateway].refused_at + REFUSED,
        )
        tracked = {sub.data["chat"] for sub in self.world.tracked(gateway)}
        hidden = [
            chat
            for (account, chat_id), chat in self.oracle.chats.items()
            if account == gateway and not chat.available and chat_id in tracked
        ]
        away = self._broken[gateway] or "Home Assistant restart" in self._busy
        if away or not hidden:
            self._told.discard(f"lost {gateway}")
            self._hidden_since[gateway] = None
        else:
            since = self._hidden_since[gateway] = (
                self._hidden_since[gateway] or self.now
            )
            limit = RECOVERY_LIMIT
            tries = self.world.set_ups[gateway]
            if (try_at := next((t for t in tries if t >= usable_since), None)) is None:
                if self.world.entries[gateway].state in SETTING_UP:
                    # It was set up while the gateway was away; Home Assistant tries
                    # again after a pause of its own.
                    limit += SETUP_RETRY_MAX_WAIT
            else:
                # The first try must do.
                usable_since = try_at
            if (
                self.now - max(since, usable_since) > limit
                and f"lost {gateway}" not in self._told
            ):
                self._told.add(f"lost {gateway}")
                self.oracle.complain(
                    "recovery missed",
                    f"{gateway} is well since {self.oracle.clock(usable_since)}, "
                    f"its entry {self.world.entries[gateway].state}",
                    hidden[0],
                )

    def _watch_subscription(
        self, gateway: str, chat_id: str, chat: Watched, seconds: float
    ) -> None:
        account = self.world.accounts[gateway]
        if (
            not account.ready
            or chat_id in account.subscriptions
            or self._broken[gateway]
            or not self.world.loaded(gateway)
            or not any(s.data["chat"] == chat_id for s in self.world.tracked(gateway))
        ):
            chat.unsubscribed_since = None
            chat.told_unsubscribed = False
            return
        chat.tally.unsubscribed += seconds
        if chat.unsubscribed_since is None:
            chat.unsubscribed_since = self.now
        since = max(
            chat.unsubscribed_since,
            self._troubled_until[gateway],
            self._refused_until(gateway),
        )
        # What told of an earlier loss is no sign of this one.
        lost_at = self.world.told[gateway].emptied_at
        if chat.called_at >= max(chat.unsubscribed_since - MARGIN, lost_at):
            since = max(since, chat.called_at)
            limit = RESUBSCRIPTION + BUDGET
            if gateway != "waapi":
                limit += RECONNECTS
                if self.world.spent(gateway) > ANNOUNCED * HOUR - 3 * BUDGET:
                    # It would be shown online for too long, should a call hang.
                    since = self.now
        else:
            # Who was told nothing renews all the same.
            limit = RENEWAL[gateway] + RESUBSCRIPTION
        if self.now - since > limit and not chat.told_unsubscribed:
            chat.told_unsubscribed = True
            self.oracle.complain(
                "missed re-subscription",
                f"{chat.name} since {self.oracle.clock(since)}",
                chat,
            )

    def check_announcing(self) -> None:
        """At most a twentieth of an hour online because of what was asked."""
        for gateway in self.world.accounts:
            hours = self.world.announced(gateway, self.begin, self.end)
            most = max(hours, default=0.0)
            self.result.announced[gateway] = most / HOUR
            if most > ANNOUNCED * HOUR:
                self.oracle.complain(
                    "announced too long",
                    f"{gateway} {[round(seconds) for seconds in hours]}",
                )

    def check_log(self, log: LogWatch) -> None:
        """At most one line down and one up for each outage."""
        most_down = most_up = 0
        for gateway, outages in self._outages.items():
            name = {"waapi": "WaAPI", "wawp": "Wawp", "waha": "WAHA"}[gateway]
            for start, end, count, told in _merged(outages):
                if any(
                    first <= end + OUTAGE_LIMIT and start <= last
                    for first, last in self._hitches[gateway]
                ):
                    # What these cost is another matter.
                    continue
                self.result.outages += count
                lines = log.between(start, end + OUTAGE_LIMIT, f"{name} instance")
                down = sum(level > logging.INFO for level, _ in lines)
                up = len(lines) - down
                most_down = max(most_down, math.ceil(down / count))
                most_up = max(most_up, math.ceil(up / count))
                if max(down, up) > told:
                    said = "".join(f"\n    {text}" for _, text in lines)
                    self.oracle.complain(
                        "too many lines",
                        f"{down} down, {up} up for {told} outages from "
                        f"{self.oracle.clock(start)} to {self.oracle.clock(end)}{said}",
                    )
        self.result.most_lines = most_down, most_up


def _merged(outages: list[list[float]]) -> list[tuple[float, float, int, int]]:
    """Take outages together of which one begins before the other's end is noticed.

    Of each: how many there were, and how many of them could be told in the log; a blip
    is not.
    """
    merged: list[tuple[float, float, int, int]] = []
    for start, end, count, lasting in outages:
        told = int(count) if end - start > BLIP else int(lasting)
        if merged and start < merged[-1][1] + OUTAGE_LIMIT:
            first, _, others, others_told = merged.pop()
            # They may have become one that lasts.
            told = max(told, 1) if end - first > BLIP else told
            merged.append((first, end, others + int(count), others_told + told))
        else:
            merged.append((start, end, int(count), told))
    return merged


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _main(
    seed: int, hours: float, gateways: tuple[str, ...], only: Collection[str]
) -> Result:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ChaosLoop)
    async with world(seed, loop) as made:
        log = LogWatch(made.oracle, PACKAGE, lambda: made.muted)
        logging.getLogger().addHandler(log)
        logging.getLogger(PACKAGE).setLevel(logging.INFO)
        try:
            made.simulator.delivery.faults = Faults(seed=seed)
            made.oracle.start = BEGIN
            for gateway in gateways:
                made.add_account(gateway)
            # What Home Assistant itself keeps once it has loaded the integration.
            for gateway in gateways:
                await made.load(gateway)
            for gateway in gateways:
                await made.unload(gateway)
            await asyncio.sleep(300)
            before = len(asyncio.all_tasks()), len(loop.timers()), _open_files()
            chaos = Chaos(made, seed, hours, only)
            await chaos.run()
            for gateway in gateways:
                await made.unload(gateway)
            await made.hass.async_block_till_done(wait_background_tasks=True)
            await made.simulator.stop()
            await asyncio.sleep(600)
            await made.simulator.start()
            tasks = asyncio.all_tasks()
            timers, files = loop.timers(), _open_files()
            chaos.result.leaks = (
                len(tasks) - before[0],
                len(timers) - before[1],
                files - before[2],
            )
            if len(tasks) > before[0]:
                made.oracle.complain("leaked tasks", repr(tasks))
            if len(timers) > before[1]:
                made.oracle.complain("leaked timers", repr(timers))
            if files > before[2]:
                made.oracle.complain("leaked sockets", str(files - before[2]))
            if chaos.result.memory > MAX_GROWTH:
                made.oracle.complain("memory grew", f"{chaos.result.memory:.1%}")
            chaos.check_log(log)
            chaos.check_announcing()
            return chaos.result
        finally:
            logging.getLogger().removeHandler(log)


def run(
    seed: int,
    hours: float,
    gateways: tuple[str, ...] = ("waapi", "wawp", "waha"),
    only: Collection[str] = (),
) -> Result:
    """Run for some simulated hours, with all faults or with some."""
    began = time.perf_counter()
    # The integration's jitter, and Home Assistant's, come of it.
    random.seed(seed)
    loop = ChaosLoop(BEGIN - 301)
    with told_by(loop), asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(_main(seed, hours, gateways, only))
    result.seconds = time.perf_counter() - began
    return result
