"""Who is asked when, and in which order: subscribing, renewing, polling."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN
from ..gateways.base import Gateway, GatewayError, NotReadyError
from ..gateways.pacing import Priority, priority
from ..presence.model import Source
from .asking import Asker
from .budget import AccountBudget
from .chat import Chat
from .delivery import Delivery
from .timetable import Timetable

<<<<<<< HEAD
=======
# A silent chat that shows online is asked for in each round of a gateway whose asking
# costs the account nothing, all others in each fourth.
ROUND_INTERVAL: Final = 300.0
FULL_ROUND_INTERVAL: Final = 1200.0
# What is heard so soon after a round was caused by it: it says no more than an answer.
ECHO_TIME: Final = 5.0
# Of reconnects closer than this, only the last gets a round.
RECONNECT_SPACING: Final = 300.0
# Of what the account may be shown online, the part that rounds plan with.
PLANNED_SHARE: Final = 0.6
REFUSED_INTERVAL: Final = 1800.0
# From half a minute, doubled twice: a chat must not stay without a subscription for
# long when only asking for chats was out of order.
FIRST_RETRY: Final = 30.0
LAST_RETRY: Final = 120.0
# Where asking shows the account online, it can't be bothered so often.
LAST_COSTLY_RETRY: Final = 900.0
>>>>>>> newtests
WORKERS: Final = 12
# What takes longer was out of order, and tells nothing of the next pass.
SLOWEST_CHAT: Final = 2.0


class Rounds:
    """Keeps all chats of an instance subscribed, in few passes, close together."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        asker: Asker,
        budget: AccountBudget,
        delivery: Delivery,
        on_done: Callable[[], None],
    ) -> None:
        """Begin without chats; nobody is asked before the instance is ready.

        `on_done` is called after each pass.
        """
        self._hass = hass
        self._entry = entry
        self._capabilities = gateway.capabilities
        self._asker = asker
        self._on_done = on_done
        self._timetable = Timetable(
            self._capabilities.announce_seconds, budget, delivery
        )
        # Who waits for being asked, and whether to renew or only to look.
        self._queue: dict[Chat, bool] = {}
        self._ready = False
        self._task: asyncio.Task[None] | None = None
        self._cancel_timer: CALLBACK_TYPE | None = None
        entry.async_on_unload(self.async_end)

    @property
    def full_interval(self) -> float:
        """Every how many seconds each silent chat is asked for."""
        return self._timetable.full_interval

    @property
    def poll_interval(self) -> float:
        """Every how many seconds each chat is asked for if no events arrive."""
        return self._timetable.poll_interval

    @callback
    def async_add(self, chat: Chat) -> None:
        """Ask for a chat from now on."""
        self._timetable.add(chat)

    @callback
    def async_remove(self, chat: Chat) -> None:
        """Ask for a chat no longer."""
        self._timetable.remove(chat)
        self._queue.pop(chat, None)
        self._asker.forget(chat)

    @callback
    def async_begin(self) -> None:
        """The instance is ready: subscribe every chat."""
        self._ready = self._asker.active = True
        self.async_resubscribe()

    @callback
    def async_end(self) -> None:
        """The instance is ready no longer: nobody is asked."""
        self._ready = self._asker.active = False
        self._queue.clear()
        self._stop_timer()

    @callback
    def async_resubscribe(self, *, by_user: bool = False) -> None:
        """Subscribe every chat again: the gateway may have forgotten."""
        self._timetable.renew_all()
        if by_user:
            self._enqueue(self._timetable, renew=True)
            return
        self._timetable.reconnected(self._hass.loop.time())
        self._plan()

    @callback
    def async_subscribe(self, chat: Chat) -> None:
        """Subscribe a chat that the user has just added."""
        self._enqueue((chat,), renew=True)

    async def async_ask_now(self, chat: Chat) -> None:
        """Ask for a chat while somebody waits. Raises GatewayError."""
        if not self._ready:
            raise NotReadyError("The instance is not ready.")
        with priority(Priority.URGENT):
            await self._asker.async_renew(chat, wait=True)

    async def async_catch_up(self) -> None:
        """Events arrive again: look what they would have told."""
        if self._ready and not await self._asker.async_look_at_all():
            self.async_resubscribe()

    @callback
    def async_follow_push(self) -> None:
        """Poll without events, and only renew with them."""
        self._timetable.polled(self._hass.loop.time())
        self._plan()

    @callback
    def _plan(self) -> None:
        """Begin what is due, or set the timer for it."""
        self._stop_timer()
        if not self._ready or not self._timetable or self._is_busy():
            return
        now = self._hass.loop.time()
<<<<<<< HEAD
        if (wait := self._timetable.wait(now)) <= 0:
            self._begin(now)
            return
=======
        wait = self._next(now) - now
        if wait <= 0:
            due = self._due(now)
            for_all = not due and self._asker.answers_for_all
            wait = 0.0 if for_all else self._wait_for(len(due))
            if wait <= 0:
                self._begin(now, due)
                return
            if not self._delivery.push and self._asker.answers_for_all:
                # What costs nothing goes on.
                if (until_poll := self._polled_at + self.poll_interval - now) <= 0:
                    self._poll(now)
                    self._enqueue((), renew=True)
                    return
                wait = min(wait, until_poll)
>>>>>>> newtests
        self._cancel_timer = async_call_later(
            self._hass, wait, HassJob(self._on_timer, cancel_on_shutdown=True)
        )

    def _wait_for(self, chats: int) -> float:
        """In how many seconds the account can bear that so many chats are asked for."""
        return self._budget.wait(self._hass.loop.time(), chats * self._seconds_a_chat)

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._plan()

    @callback
<<<<<<< HEAD
    def _begin(self, now: float) -> None:
        """Begin a pass over all who are due."""
        due = self._timetable.due(now)
        for chat in self._timetable.begin(now):
            self._queue.setdefault(chat, False)
=======
    def _begin(self, now: float, due: list[Chat]) -> None:
        """Begin a pass, and count the time until the next from now."""
        if now >= self._full_round_at + self.full_interval:
            self._full_round_at = self._round_at = now
        elif now >= self._round_at + ROUND_INTERVAL:
            self._round_at = now
        if not self._delivery.push and now >= self._polled_at + self.poll_interval:
            self._poll(now)
>>>>>>> newtests
        if due or self._queue:
            self._enqueue(due, renew=True)
        else:
            self._plan()

    @callback
    def _poll(self, now: float) -> None:
        """Let all be asked for whom no events come."""
        self._polled_at = now
        for chat, turn in self._turns.items():
            if turn.retry_at == math.inf:
                self._queue.setdefault(chat, False)

    @callback
    def _enqueue(self, chats: Iterable[Chat], *, renew: bool) -> None:
        for chat in chats:
            self._queue[chat] = renew
        if self._ready and not self._is_busy():
            self._task = self._entry.async_create_background_task(
                self._hass, self._async_pass(), f"{DOMAIN} ask for presence"
            )

    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _async_pass(self) -> None:
        """Ask all who wait; who tells nothing yet is waited for after the others."""
        began_at = self._hass.loop.time()
        # A turn of the loop later, so that set-up never waits for a chat.
        await asyncio.sleep(0)
<<<<<<< HEAD
        asked = len(self._queue)
        answered = await self._asker.async_look_at_all()
        self._timetable.answers_for_all = bool(self._asker.answers_for_all)
        if answered:
=======
        if (
            await self._asker.async_look_at_all()
            or self._wait_for(len(self._queue)) > 0
        ):
>>>>>>> newtests
            self._queue = {chat: True for chat, renew in self._queue.items() if renew}
        asked = len(self._queue)
        silent = await self._async_work(wait=False)
        if asked:
<<<<<<< HEAD
            self._timetable.measured(self._hass.loop.time() - began_at, asked)
=======
            duration = self._hass.loop.time() - began_at
            seconds = min(duration / asked, SLOWEST_CHAT)
            self._seconds_a_chat = (self._seconds_a_chat + seconds) / 2
>>>>>>> newtests
        if self._capabilities.answers is Source.LIVE:
            for chat in silent:
                if chat in self._timetable and chat.pushed_at < began_at:
                    self._queue[chat] = True
            await self._async_work(wait=True)
        self._timetable.ended(self._hass.loop.time())
        self._task = None
        self._on_done()
        self._plan()

    async def _async_work(self, *, wait: bool) -> list[Chat]:
        """Ask until nobody waits; returns the new ones of whom nothing was told."""
        silent: list[Chat] = []

        async def worker() -> None:
            while self._queue and self._ready:
                chat = next(iter(self._queue))
                renew = self._queue.pop(chat)
                if not await self._async_ask(chat, renew=renew, wait=wait):
                    silent.append(chat)

        while self._queue and self._ready:
            await asyncio.gather(*(worker() for _ in range(WORKERS)))
        return silent

    async def _async_ask(self, chat: Chat, *, renew: bool, wait: bool) -> bool:
        """Ask for a chat; returns False if it is new and nothing was told of it."""
        if (turn := self._timetable.turn(chat)) is None:
            return True
        told = True
        try:
            with priority(Priority.FIRST if turn.is_new else Priority.RENEWAL):
                if renew:
                    told = await self._asker.async_renew(chat, wait=wait)
                else:
                    await self._asker.async_look(chat)
        except GatewayError as err:
<<<<<<< HEAD
            turn.failed(chat, err, self._hass.loop.time())
=======
            last = LAST_RETRY if self._budget.is_free else LAST_COSTLY_RETRY
            turn.retry_at = self._hass.loop.time() + _backoff(chat, turn, err, last)
>>>>>>> newtests
        else:
            told = told or not turn.is_new
            turn.succeeded(renewed=renew)
        return told

    @callback
    def _stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
<<<<<<< HEAD
=======


def _backoff(chat: Chat, turn: _Turn, err: GatewayError, last: float) -> float:
    """Return after how many seconds to ask again for a chat whose request failed.

    `last` is the longest that a chat waits which keeps failing.
    """
    if isinstance(err, (NotAllowedError, NotFoundError)):
        # What is shown must end, if nobody tells of it any more.
        return ROUND_INTERVAL if chat.presence.online is not None else REFUSED_INTERVAL
    wait: float = min(FIRST_RETRY * 2**turn.failures, last)
    turn.failures += 1
    if isinstance(err, RateLimitedError):
        wait = max(wait, err.retry_after or 0.0)
    return wait
>>>>>>> newtests
