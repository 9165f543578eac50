"""How a chat stands with the gateway, and for how long that vouches for its words."""

from typing import Final

from .clock import LONG_AGO, NEVER
from .model import PresenceAccess

CONFIRM_TIME: Final = 120.0
"""Seconds after a subscription in which an online must be confirmed by an event."""

HOLD_TIME: Final = 3.0
"""Seconds after a subscription in which an event may contradict an old offline."""

IMPLIED_LIFE: Final = 300.0
"""Seconds for which an online holds that follows from typing, recording or paused."""

SAID_LIFE: Final = 1800.0
"""Seconds without news of the chat for which an online holds that was said."""

SILENT_RENEWALS: Final = 3
"""Renewals without news of the chat that must have been, too, for it to lapse."""

FAILED_RENEWALS: Final = 3
FAILING_TIME: Final = 600.0
"""So many failures in a row that span so many seconds: nobody knows the chat."""


class Subscription:
    """Whether a chat is subscribed, what came of it, and how much may be seen.

    - `known`: the gateway has said something of the chat; `hidden`: the contact
      hides when they were last seen, None is not said.
    - `accepted_at`: when the chat was subscribed first, since the start or since the
      subscription was lost; NEVER: it was not, yet.
    - `lost_at`: when the subscription may have been lost; what was heard before has
      to be confirmed. LONG_AGO: it was not.
    - `complete_since`: since when no event can have been missed; NEVER: some may be
      missed at this moment.
    - `heard`: when there was news of the chat; `renewals` and `failures` are those
      since then, `failed_at` is the first failure's moment; `failing`: calls have
      failed for so long that the chat is not known.
    """

    __slots__ = (
        "accepted_at",
        "complete_since",
        "failed_at",
        "failing",
        "failures",
        "heard",
        "hidden",
        "known",
        "lost_at",
        "renewals",
        "subscribed",
    )

    def __init__(self) -> None:
        """Begin without a subscription."""
        self.subscribed = self.known = self.failing = False
        self.hidden: bool | None = None
        self.accepted_at = NEVER
        self.lost_at = self.complete_since = self.heard = self.failed_at = LONG_AGO
        self.renewals = self.failures = 0

    @property
    def access(self) -> PresenceAccess:
        """How much can be seen of the chat."""
        if not self.subscribed:
            return PresenceAccess.NOT_SUBSCRIBED
        if not self.known:
            return PresenceAccess.WAITING
        if self.hidden:
            return PresenceAccess.LAST_SEEN_HIDDEN
        return PresenceAccess.VISIBLE

    @property
    def lost(self) -> bool:
        """Whether it may have been lost and was not accepted again."""
        return self.lost_at != LONG_AGO and self.accepted_at == NEVER

    @property
    def sound(self) -> bool:
        """Whether somebody's going online would be heard of."""
        return self.subscribed and not self.failures and not self.lost

    @property
    def aged(self) -> bool:
        """Whether there was no news during so many renewals."""
        return self.renewals >= SILENT_RENEWALS

    @property
    def confirm_by(self) -> float:
        """Until when an online that nobody vouches for holds."""
        return self.accepted_at + CONFIRM_TIME

    def in_doubt(self, now: float, *, answered: bool) -> bool:
        """Whether that nothing is said means nothing, so soon after a loss.

        Or after the first subscription, if an answer has told what is known, and no
        event since: it may be older than that answer.
        """
        is_new = self.lost_at != LONG_AGO or (answered and self.accepted_at != NEVER)
        return is_new and now < self.confirm_by

    def lose(self, now: float) -> None:
        """Note that the gateway may have lost the subscription; again soon is one loss."""
        if not self.lost or now - self.lost_at > CONFIRM_TIME:
            self.lost_at = now
        self.accepted_at = self.complete_since = NEVER

    def accept(self, now: float) -> bool:
        """Note that it was accepted; returns whether that is the first since a loss."""
        self.subscribed = True
        self.failing = False
        self.failures = 0
        self.renewals += 1
        if self.accepted_at != NEVER:
            return False
        self.accepted_at = now
        if self.complete_since == NEVER:
            self.complete_since = now
        return True

    def fail(self, now: float) -> bool:
        """Note that a call failed; returns whether it has just been once too often."""
        if not self.failures:
            self.failed_at = now
        self.failures += 1
        before = self.failing
        self.failing = before or (
            self.failures >= FAILED_RENEWALS and now - self.failed_at >= FAILING_TIME
        )
        return self.failing and not before

    def forget(self, now: float) -> None:
        """Note that there is none, and that nothing is known."""
        self.lose(now)
        self.subscribed = self.known = False
        self.hidden = None
        self.renewals = 0

    def move(self, seconds: float) -> None:
        """Follow the caller's clock."""
        self.accepted_at += seconds
        self.lost_at += seconds
        self.complete_since += seconds
        self.heard += seconds
        self.failed_at += seconds
