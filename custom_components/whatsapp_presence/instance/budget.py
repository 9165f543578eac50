"""For how long the account is shown online because of what is asked."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..gateways.base import NotWantedError

SHARE: Final = 0.05
"""Of each hour, the most that the account may be shown online because of us."""

WINDOW: Final = 3600.0


class AccountBudget:
    """Counts the seconds that asking shows the account online to everybody.

    Some gateways announce the account when they are asked, and take that back some
    seconds after the last request. Times are the loop's.
    """

    def __init__(self, seconds: float, on_request: Callable[[], None]) -> None:
        """Begin with nothing spent; a request costs so many seconds, 0 for nothing.

        `on_request` is told of each request that announces the account.
        """
        self._seconds = seconds
        self._on_request = on_request
        # When the account was announced and when that ended, the latest last.
        self._shown: deque[tuple[float, float]] = deque()

    @property
    def is_free(self) -> bool:
        """Whether asking costs the account nothing."""
        return self._seconds == 0.0

    def note(self, now: float) -> None:
        """Note a request that announces the account."""
        if self.is_free:
            return
        self._on_request()
        until = now + self._seconds
        if self._shown and self._shown[-1][1] >= now:
            self._shown[-1] = (self._shown[-1][0], until)
        else:
            self._shown.append((now, until))

    @contextmanager
    def request(self, clock: Callable[[], float]) -> Iterator[None]:
        """Note a request, which the gateway may have seen at any time until its answer."""
        self.note(clock())
        try:
            yield
        except NotWantedError:
            raise
        except BaseException:
            self.note(clock())
            raise
        self.note(clock())

    def bears(self, now: float) -> bool:
        """Whether one more request fits, should it have to wait for its turn for long.

        What goes on while the account is shown anyway was planned as a whole.
        """
        return self.shown_until(now) > now or self.wait(now, 0.0) <= 0

    def shown_until(self, now: float) -> float:
        """Return until when the account is shown online anyway."""
        return max(now, self._shown[-1][1]) if self._shown else now

    def spent(self, now: float) -> float:
        """Return the seconds of the last hour, those to come included."""
        while self._shown and self._shown[0][1] <= now - WINDOW:
            self._shown.popleft()
        return sum(end - max(begin, now - WINDOW) for begin, end in self._shown)

    def wait(self, now: float, duration: float) -> float:
        """Return in how many seconds requests that take `duration` may begin.

        What would never fit, alone, may begin once nothing else is spent.
        """
        if self.is_free:
            return 0.0
        room = max(SHARE * WINDOW - duration - self._seconds, 0.0)
        over = self.spent(now) - room
        # What is shown anyway costs nothing more.
        if over <= self.shown_until(now) - now:
            return 0.0
        for begin, end in self._shown:
            lasts = end - max(begin, now - WINDOW)
            if over <= lasts:
                return max(begin, now - WINDOW) + over + WINDOW - now
            over -= lasts
        return WINDOW
