"""Who is asked when, and in which order: subscribing, renewing, polling."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
import logging
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..const import DOMAIN
from ..exceptions import unexpected
from ..gateways.base import Gateway, GatewayError, NotReadyError, NotWantedError
from ..gateways.pacing import Priority, priority
from ..presence.model import Source
from .asking import Asker
from .budget import AccountBudget
from .chat import Chat
from .delivery import Delivery
from .timetable import Timetable

_LOGGER = logging.getLogger(__name__)

WORKERS: Final = 12
# A clock that counts from long ago knows no smaller steps.
SHORTEST_WAIT: Final = 0.001


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
        if (wait := self._timetable.wait(now)) <= 0:
            self._begin(now)
            return
        self._cancel_timer = async_call_later(
            self._hass,
            max(wait, SHORTEST_WAIT),
            HassJob(self._on_timer, cancel_on_shutdown=True),
        )

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._plan()

    @callback
    def _begin(self, now: float) -> None:
        """Begin a pass over all who are due."""
        due, looks = self._timetable.begin(now)
        for chat in looks:
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
        try:
            await self._asker.async_look_at_all()
        except Exception as err:  # noqa: BLE001
            # Each is asked for by itself then.
            _LOGGER.error("%s, asking for all chats", unexpected(err))
        answered = self._timetable.answers_for_all = self._asker.answers_for_all
        if answered or self._timetable.wait_for(len(self._queue), began_at) > 0:
            self._queue = {chat: True for chat, renew in self._queue.items() if renew}
        asked = len(self._queue)
        silent = await self._async_work(wait=False)
        if asked:
            self._timetable.measured(self._hass.loop.time() - began_at, asked)
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
            level = Priority.FIRST if turn.is_new else Priority.RENEWAL
            with priority(level, lambda: self._is_wanted(chat)):
                if renew:
                    told = await self._asker.async_renew(chat, wait=wait)
                else:
                    await self._asker.async_look(chat)
        except NotWantedError:
            # It waits until the account can bear it, if it is there still.
            pass
        except Exception as err:  # noqa: BLE001
            if not isinstance(err, GatewayError):
                # Nobody else is to go without because of it.
                _LOGGER.error("%s, asking for a chat", unexpected(err))
            self._timetable.failed(chat, turn, err, self._hass.loop.time())
        else:
            told = told or not turn.is_new
            turn.succeeded(renewed=renew)
        return told

    def _is_wanted(self, chat: Chat) -> bool:
        """Whether a chat is still to be asked for, now that its turn has come."""
        is_asked = self._ready and chat in self._timetable
        return is_asked and self._timetable.bears(self._hass.loop.time())

    @callback
    def _stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
