"""Who is asked when, and in which order: subscribing, renewing, polling."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
import math
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN, POLL_INTERVAL
from ..gateways.base import (
    Gateway,
    GatewayError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
)
from ..gateways.pacing import Priority, priority
from ..presence.model import Source
from .asking import Asker
from .budget import SHARE, AccountBudget
from .chat import Chat
from .delivery import Delivery

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
WORKERS: Final = 12


@dataclass(slots=True)
class _Turn:
    """How asking for a chat stands; `retry_at` is in loop time."""

    # Not subscribed since the gateway may have forgotten it.
    is_new: bool = True
    failures: int = 0
    retry_at: float = math.inf


class Rounds:
    """Keeps all chats of an instance subscribed, in few passes, close together.

    Where asking shows the account online to everybody, a pass waits until the account
    can bear it.
    """

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
        self._budget = budget
        self._delivery = delivery
        self._on_done = on_done
        self._turns: dict[Chat, _Turn] = {}
        # Who waits for being asked, and whether to renew or only to look.
        self._queue: dict[Chat, bool] = {}
        self._ready = False
        self._task: asyncio.Task[None] | None = None
        self._cancel_timer: CALLBACK_TYPE | None = None
        # In loop time: when new chats may be asked, and what began last.
        self._begin_at = 0.0
        self._reconnected_at = -math.inf
        self._round_at = -math.inf
        self._full_round_at = -math.inf
        # Since when an event makes asking needless.
        self._heard_since = -math.inf
        self._heard_since_full = -math.inf
        self._polled_at = -math.inf
        self._seconds_a_chat = 0.15
        entry.async_on_unload(self.async_end)

    @property
    def full_interval(self) -> float:
        """Every how many seconds each silent chat is asked for."""
        return max(FULL_ROUND_INTERVAL, self._bearable_interval)

    @property
    def poll_interval(self) -> float:
        """Every how many seconds each chat is asked for if no events arrive."""
        return max(POLL_INTERVAL.total_seconds(), self._bearable_interval)

    @property
    def _bearable_interval(self) -> float:
        """How far apart passes over all chats are at least."""
        duration = len(self._turns) * self._seconds_a_chat
        if self._budget.is_free:
            # Half of the time is left for others.
            return 2 * duration
        cost = duration + self._capabilities.announce_seconds
        return cost / (SHARE * PLANNED_SHARE)

    @callback
    def async_add(self, chat: Chat) -> None:
        """Ask for a chat from now on."""
        self._turns[chat] = _Turn()

    @callback
    def async_remove(self, chat: Chat) -> None:
        """Ask for a chat no longer."""
        del self._turns[chat]
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
        # Answers to earlier requests say nothing of these subscriptions.
        self._turns = {chat: _Turn() for chat in self._turns}
        now = self._hass.loop.time()
        if by_user:
            self._enqueue(self._turns, renew=True)
            return
        if not self._budget.is_free and self._full_round_at != -math.inf:
            self._begin_at = max(now, self._reconnected_at + RECONNECT_SPACING)
            self._reconnected_at = now
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
        self._polled_at = self._hass.loop.time()
        self._plan()

    @callback
    def _plan(self) -> None:
        """Begin what is due, or set the timer for it."""
        self._stop_timer()
        if not self._ready or not self._turns or self._is_busy():
            return
        now = self._hass.loop.time()
        wait = self._next(now) - now
        if wait <= 0:
            due = self._due(now)
            wait = self._budget.wait(now, len(due) * self._seconds_a_chat)
            if wait <= 0:
                self._begin(now, due)
                return
        self._cancel_timer = async_call_later(self._hass, wait, self._on_timer)

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._plan()

    def _next(self, now: float) -> float:
        """When something is due; at once, if something has been."""
        times = [self._full_round_at + self.full_interval]
        if self._budget.is_free:
            times.append(self._round_at + ROUND_INTERVAL)
        if not self._delivery.push:
            times.append(self._polled_at + self.poll_interval)
        if any(
            turn.is_new and turn.retry_at == math.inf for turn in self._turns.values()
        ):
            times.append(self._begin_at)
        times.extend(turn.retry_at for turn in self._turns.values())
        return min(times)

    def _due(self, now: float) -> list[Chat]:
        """Who is to be renewed in a pass that begins now."""
        is_full = now >= self._full_round_at + self.full_interval
        is_round = is_full or (
            self._budget.is_free and now >= self._round_at + ROUND_INTERVAL
        )
        return [
            chat
            for chat, turn in self._turns.items()
            if turn.retry_at <= now
            or (
                turn.retry_at == math.inf
                and (
                    (turn.is_new and now >= self._begin_at)
                    or (is_full and chat.pushed_at < self._heard_since_full)
                    or (
                        is_round
                        and chat.presence.online
                        and chat.pushed_at < self._heard_since
                    )
                )
            )
        ]

    @callback
    def _begin(self, now: float, due: list[Chat]) -> None:
        """Begin a pass, and count the time until the next from now."""
        if now >= self._full_round_at + self.full_interval:
            self._full_round_at = self._round_at = now
        elif now >= self._round_at + ROUND_INTERVAL:
            self._round_at = now
        if not self._delivery.push and now >= self._polled_at + self.poll_interval:
            self._polled_at = now
            for chat, turn in self._turns.items():
                if turn.retry_at == math.inf:
                    self._queue.setdefault(chat, False)
        if due or self._queue:
            self._enqueue(due, renew=True)
        else:
            self._plan()

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
        asked = len(self._queue)
        if await self._asker.async_look_at_all():
            self._queue = {chat: True for chat, renew in self._queue.items() if renew}
        silent = await self._async_work(wait=False)
        if asked:
            duration = self._hass.loop.time() - began_at
            self._seconds_a_chat = (self._seconds_a_chat + duration / asked) / 2
        if self._capabilities.answers is Source.LIVE:
            for chat in silent:
                if chat in self._turns and chat.pushed_at < began_at:
                    self._queue[chat] = True
            await self._async_work(wait=True)
        self._heard_since = self._hass.loop.time() + ECHO_TIME
        if self._full_round_at > self._heard_since_full:
            self._heard_since_full = self._heard_since
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
        if (turn := self._turns.get(chat)) is None:
            return True
        told = True
        try:
            with priority(Priority.FIRST if turn.is_new else Priority.RENEWAL):
                if renew:
                    told = await self._asker.async_renew(chat, wait=wait)
                else:
                    await self._asker.async_look(chat)
        except GatewayError as err:
            turn.retry_at = self._hass.loop.time() + _backoff(chat, turn, err)
        else:
            told = told or not turn.is_new
            turn.is_new = turn.is_new and not renew
            turn.failures, turn.retry_at = 0, math.inf
        return told

    @callback
    def _stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None


def _backoff(chat: Chat, turn: _Turn, err: GatewayError) -> float:
    """Return after how many seconds to ask again for a chat whose request failed."""
    if isinstance(err, (NotAllowedError, NotFoundError)):
        # What is shown must end, if nobody tells of it any more.
        return ROUND_INTERVAL if chat.presence.online is not None else REFUSED_INTERVAL
    wait: float = min(FIRST_RETRY * 2**turn.failures, LAST_RETRY)
    turn.failures += 1
    if isinstance(err, RateLimitedError):
        wait = max(wait, err.retry_after or 0.0)
    return wait
