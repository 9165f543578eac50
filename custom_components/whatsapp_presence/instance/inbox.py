"""What arrives for an account, worked off in order and a little at a time."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
import time
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback

from ..gateways.base import GatewayEvent, InstanceEvent

SLICE: Final = 0.005
"""Seconds for which the loop is held at a time, before everybody else has a turn."""

type Read = Callable[[], list[GatewayEvent]]


@dataclass(slots=True)
class _Delivery:
    """What arrived at once; `read` before it is read, then what is left of it."""

    read: Read
    done: asyncio.Future[None]
    parts: Iterator[list[GatewayEvent]] | None = None


class Inbox:
    """Hands on what arrives, in order; whoever brought it waits until that is done.

    The wait is what holds a flood back: a stream is read no faster than its events are
    worked off. What arrived is worked off even if nobody waits any more.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_events: Callable[[list[GatewayEvent]], None],
    ) -> None:
        """Begin with nothing; `on_events` is given some events at a time."""
        self._loop = hass.loop
        self._on_events = on_events
        self._waiting: deque[_Delivery] = deque()
        # For how long the loop was held beyond what everybody else had of it since, and
        # when that was reckoned; and what gives them their turn.
        self._held = self._reckoned = 0.0
        self._turn: asyncio.Handle | None = None
        self._closed = False
        entry.async_on_unload(self._close)

    async def async_take(self, read: Read) -> None:
        """Work off what arrived. Raises what reading it does."""
        if (done := self.take(read)) is not None:
            await done

    @callback
    def take(self, read: Read) -> asyncio.Future[None] | None:
        """Work off what arrived; returns what to wait for if that takes longer.

        That, or this at once, raises what reading it does.
        """
        if self._closed:
            return None
        parts: Iterator[list[GatewayEvent]] | None = None
        if not self._waiting:
            began = time.perf_counter()
            held = self._held - (began - self._reckoned)
            if held < SLICE:
                # So it is nearly always: nobody waits, and it is one thing.
                events = read()
                if len(events) == 1:
                    self._on_events(events)
                self._reckoned = ended = time.perf_counter()
                self._held = (held if held > 0 else 0.0) + ended - began
                if len(events) <= 1:
                    return None
                parts = _parts(events)
        delivery = _Delivery(read, self._loop.create_future(), parts)
        self._waiting.append(delivery)
        self._work()
        return delivery.done

    @callback
    def _work(self) -> None:
        """Work for as long as the loop may be held."""
        while self._waiting and self._held < SLICE:
            began = time.perf_counter()
            self._step(self._waiting[0])
            self._reckoned = ended = time.perf_counter()
            self._held += ended - began
        if self._waiting and self._turn is None:
            self._turn = self._loop.call_soon(self._take_turn)

    @callback
    def _take_turn(self) -> None:
        """Go on, everybody else having had their turn."""
        self._turn = None
        self._held = 0.0
        self._work()

    @callback
    def _step(self, delivery: _Delivery) -> None:
        """Do the next little thing."""
        try:
            if delivery.parts is None:
                delivery.parts = _parts(delivery.read())
                return
            if (events := next(delivery.parts, None)) is not None:
                self._on_events(events)
                return
        except Exception as err:  # noqa: BLE001
            # Theirs who brought it, not the loop's.
            if not delivery.done.done():
                delivery.done.set_exception(err)
        if not delivery.done.done():
            delivery.done.set_result(None)
        if self._waiting:
            self._waiting.popleft()

    @callback
    def _close(self) -> None:
        """Take nothing more, the account being gone."""
        self._closed = True
        for delivery in self._waiting:
            if not delivery.done.done():
                delivery.done.set_result(None)
        self._waiting.clear()
        if self._turn is not None:
            self._turn.cancel()


def _parts(events: list[GatewayEvent]) -> Iterator[list[GatewayEvent]]:
    """Cut what arrived at once into what can be done at once.

    All that was said of the instance is one thing, for only the last word counts.
    """
    said = [event for event in events if isinstance(event, InstanceEvent)]
    for event in events:
        if not isinstance(event, InstanceEvent):
            yield [event]
        elif event is said[-1]:
            yield [*said]
