"""One chat: what is known of it, when that ends, and who wants to know."""

from bisect import insort
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
import logging
import math
from operator import attrgetter
import time
from typing import Protocol

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from ..const import CONF_CHAT, CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME
from ..exceptions import unexpected
from ..presence import chat_id as cid
from ..presence.clock import CLOCK_JUMP, LONG_AGO
from ..presence.model import ChatPresence, PresenceUpdate, changes
from ..presence.tracker import PresenceTracker
from .deadlines import Deadlines

_LOGGER = logging.getLogger(__name__)

# A chat of which a flood tells: so many changes are shown at once, and then one each
# half a second, the last one in any case.
TELLS_AT_ONCE = 30
TELL_SPAN = 0.5


def create_deadlines(hass: HomeAssistant) -> Deadlines[Chat]:
    """Return what wakes the chats of an instance."""

    @callback
    def wake(chat: Chat, _reached: float) -> None:
        chat.wake()

    return Deadlines(hass, "presence deadline", wake)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and when it was found to be a new one."""

    content: bytes
    content_type: str
    found_at: datetime


class Listener(Protocol):
    """Who shows something of a chat; no callback of its own is kept of each."""

    @property
    def turn(self) -> int:
        """When it is told: who has a lower one is told before."""

    def async_show(self) -> None:
        """Show what is known now."""


class Chat:
    """What is known of one chat. Those who listen are told when it has changed."""

    __slots__ = (
        "_ahead",
        "_deadlines",
        "_held_back",
        "_listeners",
        "_loop",
        "_on_seen",
        "_tells_until",
        "_wake_at",
        "chat_id",
        "is_group",
        "on_picture",
        "picture",
        "picture_path",
        "presence",
        "pushed_at",
        "pushes",
        "subentry",
        "tracker",
    )

    def __init__(
        self,
        hass: HomeAssistant,
        subentry: ConfigSubentry,
        aliases: dict[str, str],
        deadlines: Deadlines[Chat],
        *,
        ordered: bool,
        on_seen: Callable[[Chat], None],
    ) -> None:
        """Begin with nothing known. `on_seen` is told of a new last-seen.

        `aliases` leads from members to their main ids; events that come `ordered`
        come in the order in which they happened.
        """
        self.subentry = subentry
        self.chat_id: str = subentry.data[CONF_CHAT]
        self.is_group = cid.is_group(self.chat_id)
        self.tracker = PresenceTracker(
            is_group=self.is_group,
            settle_time=subentry.data.get(CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME),
            aliases=aliases,
            ordered=ordered,
        )
        # As it was told last; the tracker's may be a step ahead.
        self.presence: ChatPresence = self.tracker.presence
        self.picture: Picture | None = None
        # Where the front end finds it; and who shows it, if anybody does.
        self.picture_path: str | None = None
        self.on_picture: Callable[[], None] | None = None
        # How many events told of the chat, and when the last one did, in loop time.
        self.pushes = 0
        self.pushed_at = LONG_AGO
        self._deadlines = deadlines
        self._listeners: list[Listener] = []
        self._loop = hass.loop
        self._on_seen = on_seen
        # When all that was told would have been, at one each TELL_SPAN; in loop time.
        self._tells_until = LONG_AGO
        # Whether something waits to be told, which is sure to wake the chat.
        self._held_back = False
        self._wake_at = math.inf
        # By how much the time of day is ahead of the loop's, which nobody sets.
        self._ahead = time.time() - hass.loop.time()

    @callback
    def async_add_listener(self, listener: Listener) -> None:
        """Have a listener show it whenever something has changed."""
        insort(self._listeners, listener, key=attrgetter("turn"))

    @callback
    def async_remove_listener(self, listener: Listener) -> None:
        """Do so no longer."""
        self._listeners.remove(listener)

    @callback
    def async_tell(self) -> None:
        """Tell those who listen, whether or not one of them fails."""
        self._held_back = False
        before, self.presence = self.presence, self.tracker.presence
        if before.last_seen != self.presence.last_seen:
            self._on_seen(self)
        for listener in self._listeners:
            try:
                listener.async_show()
            except Exception as err:  # noqa: BLE001
                _LOGGER.error("%s, showing a chat", unexpected(err))

    @callback
    def hear(self, update: PresenceUpdate) -> None:
        """Take what an event said."""
        self.pushes += 1
        self.pushed_at = elapsed = self._loop.time()
        now = time.time()
        if abs(now - elapsed - self._ahead) > CLOCK_JUMP:
            self._follow_clock(now - elapsed)
        tracker = self.tracker
        changed = tracker.apply(update, now)
        if (deadline := tracker.deadline) is not None and deadline < self._wake_at:
            self._arm(now)
        if changed and not self._held_back:
            self._tell_in_time(elapsed)

    @callback
    def answer(self, update: PresenceUpdate, asked_at: float) -> bool:
        """Take an answer to what was asked at that time of the loop.

        Returns whether it told of a change from one known state to another.
        """
        now = self._now()
        before, asked = self.presence, now - (self._loop.time() - asked_at)
        if update.asked_at is not None and asked < update.asked_at <= now:
            # It had to wait for its turn; unless a clock was set meanwhile.
            asked = update.asked_at
        self._follow(self.tracker.apply(update, now, asked_at=asked), now)
        return bool(changes(before, self.presence))

    @callback
    def renewed(self) -> None:
        """The gateway has accepted the chat's subscription."""
        now = self._now()
        self._follow(self.tracker.renewed(now), now)

    @callback
    def failed(self, *, refused: bool) -> None:
        """A request for the chat failed, or was refused for it alone."""
        now = self._now()
        self._follow(self.tracker.failed(now, refused=refused), now)

    @callback
    def interrupted(self, *, subscribed: bool) -> None:
        """Events may be missed from now on, the subscription itself perhaps not."""
        now = self._now()
        self._follow(self.tracker.interrupted(now, subscribed=subscribed), now)

    @callback
    def resumed(self) -> None:
        """Events arrive again, and the subscription was not lost."""
        self.tracker.resumed(self._now())

    @callback
    def wake(self) -> None:
        """Show what ends at the deadline; the clock may have been set since."""
        now = self._now()
        wake_at, self._wake_at = self._wake_at, math.inf
        if now > wake_at - CLOCK_JUMP:
            # Not a moment early, unless the clock was set back.
            now = max(now, wake_at)
        self._follow(self.tracker.tick(now) or self._held_back, now)

    @callback
    def forget(self) -> None:
        """Forget all but the last-seen: it may have changed unseen."""
        self.tracker.forget()
        self.sleep()
        self.async_tell()

    @callback
    def sleep(self) -> None:
        """Wait for no deadline any more."""
        self._wake_at = math.inf
        self._deadlines.discard(self)

    @callback
    def restore_last_seen(self, last_seen: float) -> None:
        """Take over what was known before the restart."""
        # The tracker does not know yet what time it is.
        if self.tracker.restore(min(last_seen, self._now())):
            self.presence = self.tracker.presence
            self._on_seen(self)

    @callback
    def keep_members(self, listed: Collection[str]) -> None:
        """Drop who left the group, by the whole list of its members."""
        self._follow(self.tracker.keep_members(listed), self._now())

    @callback
    def update_subentry(self, subentry: ConfigSubentry) -> None:
        """Take over what the user changed."""
        self.subentry = subentry
        self.tracker.settle_time = subentry.data.get(
            CONF_SETTLE_TIME, DEFAULT_SETTLE_TIME
        )

    @callback
    def learn_aliases(self, pairs: list[tuple[str, str]]) -> None:
        """Fold members together that turned out to be one."""
        changed = [self.tracker.learn_alias(alias, main) for alias, main in pairs]
        self._follow(any(changed), self._now())

    @callback
    def take_picture(self, picture: Picture | None) -> None:
        """Take over the chat's picture, or that there is none any more."""
        self.picture = picture
        if self.on_picture is not None:
            self.on_picture()

    @callback
    def show_picture_at(self, path: str | None) -> None:
        """Take over where the front end finds the picture."""
        if path != self.picture_path:
            self.picture_path = path
            self.async_tell()

    def _now(self) -> float:
        """Return the time of day; if that was set, all that is known moves along."""
        now = time.time()
        ahead = now - self._loop.time()
        if abs(ahead - self._ahead) > CLOCK_JUMP:
            self._follow_clock(ahead)
        return now

    @callback
    def _follow_clock(self, ahead: float) -> None:
        """Move all that is known along with the time of day, which was set."""
        step = ahead - self._ahead
        self._ahead = ahead
        self._wake_at += step
        if self.tracker.clock_set(step):
            self.async_tell()

    @callback
    def _tell_in_time(self, now: float) -> None:
        """Tell those who listen: now, or soon if they were told much of late."""
        self._tells_until = max(self._tells_until, now) + TELL_SPAN
        if (wait := self._tells_until - now - TELLS_AT_ONCE * TELL_SPAN) > 0:
            self._held_back = True
            if (wake_at := time.time() + wait) < self._wake_at:
                self._wake_at = wake_at
                self._deadlines.set(self, wait)
        else:
            self.async_tell()

    @callback
    def _follow(self, changed: bool, now: float) -> None:
        self._arm(now)
        if changed:
            self.async_tell()

    @callback
    def _arm(self, now: float) -> None:
        """Make sure to wake at the tracker's deadline, or earlier."""
        deadline = self.tracker.deadline
        if deadline is not None and deadline < self._wake_at:
            self._wake_at = deadline
            self._deadlines.set(self, deadline - now)
