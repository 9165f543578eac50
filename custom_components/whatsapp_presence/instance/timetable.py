"""Which chats are due to be asked, and when the next one is. Times are the loop's."""

from collections.abc import Iterator
from dataclasses import dataclass
import math
from typing import Final

from ..const import POLL_INTERVAL
from ..gateways.base import NotAllowedError, NotFoundError, RateLimitedError
from ..gateways.client import TIME_LIMIT
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
# From half a minute: a chat must not stay without a subscription for long when only
# asking for chats was out of order.
FIRST_RETRY: Final = 30.0
LAST_RETRY: Final = 120.0
RETRY_GROWTH: Final = 2.0
# Where asking shows the account online, it can't be bothered so often.
LAST_COSTLY_RETRY: Final = 900.0
COSTLY_RETRY_GROWTH: Final = 4.0
# What takes longer was out of order, and tells nothing of the next pass.
SLOWEST_CHAT: Final = 2.0
# By how much a pass may last longer than the last ones: one call that is given up at last.
OVERRUN: Final = TIME_LIMIT


@dataclass(slots=True)
class Turn:
    """How asking for a chat stands."""

    # Not subscribed since the gateway may have forgotten it.
    is_new: bool = True
    # How long it waits after a failure; 0: the last request was served.
    backoff: float = 0.0
    retry_at: float = math.inf

    def succeeded(self, *, renewed: bool) -> None:
        """Note that the chat was renewed, or only looked at."""
        self.is_new = self.is_new and not renewed
        self.backoff, self.retry_at = 0.0, math.inf

    def failed(self, chat: Chat, err: Exception, now: float, *, is_free: bool) -> None:
        """Note a failure, and when to ask again: not so soon where that is not free."""
        self.retry_at = now + self._wait(chat, err, is_free=is_free)

    def _wait(self, chat: Chat, err: Exception, *, is_free: bool) -> float:
        if isinstance(err, (NotAllowedError, NotFoundError)):
            # What is shown must end, if nobody tells of it any more.
            shows = chat.presence.online is not None
            return ROUND_INTERVAL if shows else REFUSED_INTERVAL
        growth = RETRY_GROWTH if is_free else COSTLY_RETRY_GROWTH
        last = LAST_RETRY if is_free else LAST_COSTLY_RETRY
        self.backoff = min(max(self.backoff * growth, FIRST_RETRY), last)
        if isinstance(err, RateLimitedError):
            return max(self.backoff, err.retry_after or 0.0)
        return self.backoff


class Timetable:
    """Knows of each chat when it is to be asked.

    Where asking shows the account online to everybody, what is due waits until the
    account can bear it.
    """

    def __init__(
        self, announce_seconds: float, budget: AccountBudget, delivery: Delivery
    ) -> None:
        """Begin without chats; a call shows the account online for so many seconds."""
        self._announce_seconds = announce_seconds
        self._budget = budget
        self._delivery = delivery
        self._turns: dict[Chat, Turn] = {}
        # Whether one request tells of all chats, at no cost to the account.
        self.answers_for_all = False
        # When new chats may be asked, and what began last.
        self._begin_at = 0.0
        self._reconnected_at = -math.inf
        self._round_at = -math.inf
        self._full_round_at = -math.inf
        # Since when an event makes asking needless.
        self._heard_since = -math.inf
        self._heard_since_full = -math.inf
        self._polled_at = -math.inf
        self._seconds_a_chat = 0.15

    def __contains__(self, chat: Chat) -> bool:
        """Whether a chat is asked for at all."""
        return chat in self._turns

    def __iter__(self) -> Iterator[Chat]:
        """Iterate over all chats."""
        return iter(self._turns)

    def __len__(self) -> int:
        """Count the chats."""
        return len(self._turns)

    @property
    def full_interval(self) -> float:
        """Every how many seconds each silent chat is asked for."""
        return max(FULL_ROUND_INTERVAL, self._bearable_interval)

    @property
    def poll_interval(self) -> float:
        """Every how many seconds chats are asked for if no events arrive."""
        interval = POLL_INTERVAL.total_seconds()
        if self.answers_for_all:
            return interval
        return max(interval, self._bearable_interval)

    @property
    def _bearable_interval(self) -> float:
        """How far apart passes over all chats are at least."""
        duration = len(self._turns) * self._seconds_a_chat
        if self._budget.is_free:
            # Half of the time is left for others.
            return 2 * duration
        return (duration + self._announce_seconds) / (SHARE * PLANNED_SHARE)

    def add(self, chat: Chat) -> None:
        """Take in a chat, which is new."""
        self._turns[chat] = Turn()

    def remove(self, chat: Chat) -> None:
        """Forget a chat."""
        del self._turns[chat]

    def renew_all(self) -> None:
        """Take all chats for new: the gateway may have forgotten them."""
        # Answers to earlier requests say nothing of these subscriptions.
        self._turns = {chat: Turn() for chat in self._turns}

    def reconnected(self, now: float) -> None:
        """Let new chats wait if the last reconnect is not long ago, and asking costs."""
        if not self._budget.is_free and self._full_round_at != -math.inf:
            self._begin_at = max(now, self._reconnected_at + RECONNECT_SPACING)
            self._reconnected_at = now

    def polled(self, now: float) -> None:
        """Count the time until the next poll from now."""
        self._polled_at = now

    def turn(self, chat: Chat) -> Turn | None:
        """Return how asking for a chat stands; None for one that is not asked for."""
        return self._turns.get(chat)

    def failed(self, chat: Chat, turn: Turn, err: Exception, now: float) -> None:
        """Note a failure, and when to ask again.

        Who is unknown because of it shows nothing wrong. Where asking costs, they wait
        for a round, lest one chat spends what all others need after a reconnect.
        """
        turn.failed(chat, err, now, is_free=self._budget.is_free)
        if chat.tracker.failing and not self._budget.is_free:
            round_at = self._full_round_at + self.full_interval
            turn.retry_at = max(turn.retry_at, round_at)

    def wait(self, now: float) -> float:
        """Return in how many seconds something is due that the account can bear."""
        wait = self._next() - now
        if wait > 0:
            return wait
        due = len(self.due(now))
        wait = self.wait_for(due, now) if due else 0.0
        if not self._delivery.push and self.answers_for_all:
            # What costs nothing goes on.
            wait = min(wait, max(self._polled_at + self.poll_interval - now, 0.0))
        return wait

    def wait_for(self, chats: int, now: float) -> float:
        """Return in how many seconds the account can bear asking for so many."""
        return self._budget.wait(now, chats * self._seconds_a_chat + OVERRUN)

    def bears(self, now: float) -> bool:
        """Whether the account can bear one more request whose turn has come."""
        return self._budget.bears(now)

    def due(self, now: float) -> list[Chat]:
        """Return who is to be renewed in a pass that begins now."""
        is_full = self._is_full(now)
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

    def begin(self, now: float) -> tuple[list[Chat], list[Chat]]:
        """Count the time until the next pass from now.

        Returns who is to be renewed, and who is only to be looked at.
        """
        due = self.due(now)
        if due and self.wait_for(len(due), now) > 0:
            due = []
        elif self._is_full(now):
            self._full_round_at = self._round_at = now
            if not due:
                # Nobody need be asked this time; who is silent from now on, the next.
                self._heard_since_full = self._heard_since = now
        elif now >= self._round_at + ROUND_INTERVAL:
            self._round_at = now
        if self._delivery.push or now < self._polled_at + self.poll_interval:
            return due, []
        self._polled_at = now
        return due, [
            chat for chat, turn in self._turns.items() if turn.retry_at == math.inf
        ]

    def measured(self, duration: float, asked: int) -> None:
        """Learn how long asking takes: so many chats took so many seconds."""
        seconds = min(duration / asked, SLOWEST_CHAT)
        self._seconds_a_chat = (self._seconds_a_chat + seconds) / 2

    def ended(self, now: float) -> None:
        """A pass is over: what is heard from now on makes asking needless."""
        self._heard_since = now + ECHO_TIME
        if self._full_round_at > self._heard_since_full:
            self._heard_since_full = self._heard_since

    def _is_full(self, now: float) -> bool:
        return now >= self._full_round_at + self.full_interval

    def _next(self) -> float:
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
