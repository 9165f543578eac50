"""Who is asked when, and in which order: subscribing, renewing, polling."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
import random
import time

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN, POLL_INTERVAL, RENEW_INTERVAL
from ..gateways.base import (
    Gateway,
    GatewayError,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RateLimitedError,
)
from ..presence.model import PresenceUpdate
from ..repairs import Issue, async_clear_issue, async_raise_issue
from .chat import Chat
from .deadlines import Deadlines
from .delivery import Delivery
from .people import People

# Of the gateway's 60 requests a minute, what asking for chats may use up.
RENEWALS_PER_MINUTE = 48
SUBSCRIBE_WORKERS = 6
REFUSED_INTERVAL = timedelta(minutes=30)
# Doubled twice, from half a minute: a chat must not stay without a subscription for
# long when only asking for chats was out of order.
MAX_BACKOFF_STEPS = 2

# A push this soon after the last one leaves the renewal where it is.
_POSTPONE_STEP = 30.0


@dataclass(slots=True)
class _Turn:
    """When a chat is asked next, in loop time, and what came of the last times."""

    interval: float
    scheduled_at: float
    renewed_at: float | None = None
    # Whether the gateway may have forgotten the chat since it was last asked.
    in_doubt: bool = True
    failures: int = 0
    retrying: bool = False


class Rounds:
    """Keeps all chats of an instance subscribed, within the gateway's budget."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        gateway: Gateway,
        people: People,
        delivery: Delivery,
        on_trouble: Callable[[GatewayError], None],
        on_done: Callable[[], None],
    ) -> None:
        """Begin without chats; nobody is asked before the instance is ready.

        `on_trouble` is told of a failure whose reason is the instance's, `on_done`
        when all chats that were to be subscribed have been asked for.
        """
        self._hass = hass
        self._entry = entry
        self._gateway = gateway
        self._people = people
        self._delivery = delivery
        self._on_trouble = on_trouble
        self._on_done = on_done
        self._turns: dict[Chat, _Turn] = {}
        self._due = Deadlines(hass, "ask for presence", self._is_due)
        self._ready = False
        self._waiting: dict[Chat, None] = {}
        self._is_first = False
        self._task: asyncio.Task[None] | None = None
        delivery.async_on_push_changed(self._follow_push)
        entry.async_on_unload(self._due.clear)

    @property
    def renew_interval(self) -> timedelta:
        """How often a chat is subscribed, so that all stay within the budget."""
        return max(RENEW_INTERVAL, self._renewal_turn)

    @property
    def ask_interval(self) -> timedelta:
        """When a chat is asked again; jittered, lest all come at once."""
        if self._delivery.push:
            interval = self.renew_interval
        else:
            interval = max(POLL_INTERVAL, self._request_turn)
        return interval * random.uniform(0.9, 1)

    @property
    def _renewal_turn(self) -> timedelta:
        """How long it takes to subscribe each chat once within the budget."""
        return self._request_turn * self._gateway.capabilities.renewal_requests

    @property
    def _request_turn(self) -> timedelta:
        """How long one request for each chat takes within the budget."""
        return timedelta(minutes=len(self._turns) / RENEWALS_PER_MINUTE)

    @callback
    def async_add(self, chat: Chat) -> None:
        """Ask for a chat from now on."""
        self._turns[chat] = _Turn(
            interval=RENEW_INTERVAL.total_seconds(),
            scheduled_at=self._hass.loop.time(),
        )
        self._schedule(chat)

    @callback
    def async_remove(self, chat: Chat) -> None:
        """Ask for a chat no longer."""
        del self._turns[chat]
        self._waiting.pop(chat, None)
        self._due.discard(chat)
        async_clear_issue(self._hass, Issue.CHAT_REFUSED, chat.subentry.subentry_id)

    @callback
    def _follow_push(self) -> None:
        """Poll without events, and only renew with them."""
        for chat, turn in self._turns.items():
            if not turn.retrying:
                # What failed is tried again when it was to be.
                turn.interval = self.ask_interval.total_seconds()
                self._schedule(chat)

    @callback
    def async_begin(self) -> None:
        """The instance is ready: subscribe every chat."""
        self._ready = True
        self.async_resubscribe()

    @callback
    def async_resubscribe(self) -> None:
        """Subscribe every chat again: the gateway may have forgotten."""
        for chat in self._turns:
            self.async_subscribe(chat)

    @callback
    def async_end(self) -> None:
        """The instance is ready no longer: what is known of the chats may not hold."""
        self._ready = False
        self._waiting.clear()
        for chat, turn in self._turns.items():
            turn.in_doubt, turn.renewed_at = True, None
            async_clear_issue(self._hass, Issue.CHAT_REFUSED, chat.subentry.subentry_id)
            chat.forget()

    @callback
    def async_subscribe(self, chat: Chat) -> None:
        """Subscribe a chat as if it never had been, as soon as its turn comes."""
        turn = self._turns[chat]
        turn.in_doubt, turn.renewed_at = True, None
        self._is_first = True
        self._enqueue(chat)

    async def async_ask_now(self, chat: Chat) -> None:
        """Ask for a chat while somebody waits. Raises GatewayError."""
        if not self._ready:
            raise NotReadyError("The instance is not ready.")
        try:
            await self._async_request(chat, renew=True)
        except GatewayError as err:
            self._failed(chat, err)
            raise
        chat.settle()

    async def async_ask(self, chat: Chat) -> None:
        """Ask for a chat whose turn has come; what fails is tried again later."""
        turn = self._turns[chat]
        if self._ready:
            renew = (
                self._delivery.push
                or turn.renewed_at is None
                or self._hass.loop.time() - turn.renewed_at
                >= self.renew_interval.total_seconds()
            )
            try:
                await self._async_request(chat, renew=renew)
            except GatewayError as err:
                turn.interval = self._failed(chat, err).total_seconds()
            else:
                turn.interval = self.ask_interval.total_seconds()
        if chat in self._turns:
            # Should the clock have been set, no answer need tell of it.
            chat.settle()
            self._schedule(chat)

    @callback
    def _schedule(self, chat: Chat) -> None:
        """Count the time until a chat's next turn from now."""
        turn = self._turns[chat]
        turn.scheduled_at = self._hass.loop.time()
        self._due.set(chat, turn.interval)

    @callback
    def _is_due(self, chat: Chat, reached: float) -> None:
        """Ask for a chat, unless an event or another plan has put that off."""
        turn = self._turns[chat]
        if chat.pushed_at - turn.scheduled_at > _POSTPONE_STEP:
            turn.scheduled_at = chat.pushed_at
        wait = turn.scheduled_at + turn.interval - reached
        if wait > 0:
            self._due.set(chat, wait)
        elif self._ready:
            self._enqueue(chat)
        else:
            self._schedule(chat)

    @callback
    def _enqueue(self, chat: Chat) -> None:
        self._waiting[chat] = None
        if self._task is None or self._task.done():
            self._task = self._entry.async_create_background_task(
                self._hass, self._async_ask_waiting(), f"{DOMAIN} ask for presence"
            )

    async def _async_ask_waiting(self) -> None:
        async def worker() -> None:
            while self._waiting and self._ready:
                chat = next(iter(self._waiting))
                del self._waiting[chat]
                await self.async_ask(chat)

        # A turn of the loop later, so that set-up never waits for a chat.
        await asyncio.sleep(0)
        while self._waiting and self._ready:
            await asyncio.gather(*(worker() for _ in range(SUBSCRIBE_WORKERS)))
        if self._is_first:
            self._is_first = False
            self._on_done()

    async def _async_request(self, chat: Chat, *, renew: bool) -> None:
        """Renew the subscription, or only look at the presence. Raises GatewayError."""
        turn = self._turns[chat]
        asked_at, pushes = time.time(), chat.pushes
        ask = self._gateway.subscribe if renew else self._gateway.snapshot
        answer = await ask(chat.chat_id)
        turn.failures = 0
        turn.retrying = False
        if not self._ready or chat not in self._turns:
            # Either was lost while the answer was on its way.
            return
        if renew:
            turn.renewed_at = self._hass.loop.time()
            chat.tracker.subscribed(True)
            async_clear_issue(self._hass, Issue.CHAT_REFUSED, chat.subentry.subentry_id)
        if answer is not None:
            missed = self._take(chat, answer, asked_at)
            if missed and not turn.in_doubt and chat.pushes == pushes:
                self._delivery.async_note_missed_change()
        elif turn.in_doubt and chat.pushes == pushes:
            # Nobody can say whether what was known before the loss still holds.
            chat.tracker.forget()
            chat.tracker.subscribed(True)
        turn.in_doubt = False

    @callback
    def _take(self, chat: Chat, answer: PresenceUpdate, asked_at: float) -> bool:
        """Hand an answer to its chat; returns whether it told of a change."""
        if answer.chat_id != chat.chat_id:
            self._people.async_learn_pairs({answer.chat_id: chat.chat_id})
        # What was heard while the request waited for its turn is older.
        return chat.answer(answer, answer.asked_at or asked_at)

    @callback
    def _failed(self, chat: Chat, err: GatewayError) -> timedelta:
        """Deal with a request that failed; returns when to try again."""
        if (turn := self._turns.get(chat)) is None:
            return RENEW_INTERVAL
        turn.retrying = True
        if isinstance(err, (NotAllowedError, NotFoundError)):
            # It may also be the instance that is gone.
            self._on_trouble(err)
            self._refused(chat)
            return REFUSED_INTERVAL
        wait: timedelta = max(POLL_INTERVAL * 2**turn.failures, self._renewal_turn)
        turn.failures = min(turn.failures + 1, MAX_BACKOFF_STEPS)
        if isinstance(err, RateLimitedError):
            return max(wait, timedelta(seconds=err.retry_after or 0))
        self._on_trouble(err)
        return wait

    @callback
    def _refused(self, chat: Chat) -> None:
        """The gateway does not tell of this one chat."""
        chat.tracker.subscribed(False)
        silence = self._hass.loop.time() - chat.pushed_at
        if silence >= RENEW_INTERVAL.total_seconds():
            # Nobody will say when what was known before has ended.
            chat.tracker.forget()
        chat.async_tell()
        async_raise_issue(
            self._hass,
            Issue.CHAT_REFUSED,
            chat.subentry.subentry_id,
            chat=chat.subentry.title,
        )
