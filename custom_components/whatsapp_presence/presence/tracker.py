"""Fold what a gateway says of one chat into what is known of it.

All times are unix seconds; those of `now`, `asked_at` and `deadline` are on the
caller's clock, `PresenceUpdate.time` is on the gateway's, which may be wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import math
from typing import Final

from .model import Activity, ChatPresence, MemberUpdate, PresenceAccess, PresenceUpdate

TYPING_TIMEOUT: Final = 30.0
"""Seconds after which typing and recording end if nobody repeats them."""

LATE_LIMIT: Final = 600.0
"""Seconds: what is older than this is not late, the gateway's clock was set back."""

CLOCK_JUMP: Final = 60.0
"""Seconds by which the caller's clock must go back to count as having been set."""

MAX_MEMBERS: Final = 1100
"""Members of a group that are kept apart; WhatsApp allows 1024."""

_REMEMBERED_EVENTS: Final = 16
_EARLIEST: Final = 1230768000.0
"""The beginning of 2009, the year of WhatsApp: nobody was seen on it before."""

_NEVER: Final = math.inf
_LONG_AGO: Final = -math.inf


class _Track:
    """One person, or a group's word about itself.

    `online` and `activity` are as shown; a fall that is not shown yet is an end
    in the future (`online_end`, `activity_end`), and `fell` is when it began,
    unless the gateway has said by itself when the person was last seen.
    `newest` is the time of the newest event, on the gateway's clock; `heard` is
    when the last event arrived, `answered` when the last answer was asked for.
    """

    __slots__ = (
        "activity",
        "activity_end",
        "answered",
        "fell",
        "heard",
        "newest",
        "online",
        "online_end",
    )

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.online: bool | None = None
        self.online_end = _NEVER
        self.fell = _LONG_AGO
        self.activity: Activity | None = None
        self.activity_end = _NEVER
        self.newest = _LONG_AGO
        self.heard = _LONG_AGO
        self.answered = _LONG_AGO

    @property
    def due(self) -> float:
        """When something ends."""
        return min(self.online_end, self.activity_end)

    def blank(self) -> None:
        """Take back what was said, but not when."""
        self.online = None
        self.online_end = _NEVER
        self.fell = _LONG_AGO
        self.activity = None
        self.activity_end = _NEVER

    def turn_back(self, seconds: float) -> None:
        """Follow the caller's clock; what it said before compares with nothing."""
        self.online_end -= seconds
        self.activity_end -= seconds
        self.heard = _LONG_AGO
        self.answered = _LONG_AGO

    def absorb(self, other: _Track) -> None:
        """Take in what was said of the same person under another id."""
        ours = max(self.heard, self.answered)
        theirs = max(other.heard, other.answered)
        newer = theirs > ours
        if self.online is None or (newer and other.online is not None):
            self.online = other.online
            self.online_end = other.online_end
            self.fell = other.fell
        if theirs == ours and other.activity in (Activity.TYPING, Activity.RECORDING):
            # A list named one of the ids alone, which ended what the other one did.
            newer = (
                self.activity is Activity.IDLE or other.activity_end > self.activity_end
            )
        if self.activity is None or (newer and other.activity is not None):
            self.activity = other.activity
            self.activity_end = other.activity_end
        self.newest = max(self.newest, other.newest)
        self.heard = max(self.heard, other.heard)
        self.answered = max(self.answered, other.answered)


@dataclass(slots=True)
class _Arrival:
    """When something was said: on our clock, and on the gateway's.

    `corrected` is the gateway's time brought to our clock; `began` is the moment
    that a fall, told now, is taken to have begun.
    """

    now: float
    time: float | None
    corrected: float
    began: float
    asked_at: float | None


class PresenceTracker:
    """Everything that is known of one chat, and when it stops being so.

    The caller hands in every update (`apply`) and calls `tick` at `deadline`.

    An event is late, and changes nothing, if it is older on the gateway's clock
    than the newest that was applied for the same person. An answer carries no
    such time, so the smallest difference between an event's arrival and its time
    serves as the distance of the clocks, and an event is late as well if, thus
    corrected, it happened before the last applied answer was asked for. An event
    older than LATE_LIMIT is taken for a clock that was set, which starts anew,
    and one late by the corrected clock moves the estimate half-way towards its
    own, so that a wrong estimate heals.
    """

    __slots__ = (
        "_aliases",
        "_clock",
        "_deadline",
        "_dirty",
        "_event_ids",
        "_hidden",
        "_is_group",
        "_known",
        "_last_seen",
        "_members",
        "_offset",
        "_own",
        "_pending",
        "_presence",
        "_subscribed",
        "settle_time",
    )

    def __init__(
        self,
        *,
        is_group: bool,
        settle_time: float,
        last_seen: float | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Begin with nothing known but, perhaps, a restored last-seen.

        `settle_time` is for how many seconds a fall must last to be shown; it can
        be set at any time, and counts for the falls that begin afterwards.
        `aliases` leads from the ids of members to their main ids; it is looked up
        at every update, and stays the caller's.
        """
        self.settle_time = settle_time
        self._is_group = is_group
        self._aliases: Mapping[str, str] = {} if aliases is None else aliases
        self._own = _Track()
        self._members: dict[str, _Track] = {}
        self._pending: set[_Track] = set()
        self._deadline = _NEVER
        self._event_ids: dict[str, None] = {}
        # No update can come later than this, so the first one sets the clock.
        self._clock = _NEVER
        self._offset = _NEVER
        self._subscribed = False
        self._known = False
        self._hidden: bool | None = None
        self._last_seen = _plausible(last_seen)
        self._dirty = False
        self._presence = ChatPresence(last_seen=self._last_seen)

    @property
    def presence(self) -> ChatPresence:
        """What is shown now; the same object for as long as nothing changes."""
        return self._presence

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called, on the caller's clock; None: need not be."""
        return None if self._deadline == _NEVER else self._deadline

    def apply(
        self, update: PresenceUpdate, now: float, *, asked_at: float | None = None
    ) -> bool:
        """Take in what the gateway said; returns whether the presence changed.

        `asked_at` is for an answer to a request of ours: when that was made. What
        was heard in an event since then is newer than the answer.
        """
        before = self._presence
        self._advance(now)
        if (event_id := update.event_id) is not None and seen_before(
            event_id, self._event_ids, _REMEMBERED_EVENTS
        ):
            return self._changed_since(before)
        self._hear(update, self._arrival(update.time, now, asked_at))
        if self._deadline <= now:
            # Nothing to settle: what fell just now is shown just now.
            self._end(now)
        if self._dirty:
            self._show()
        return self._changed_since(before)

    def tick(self, now: float) -> bool:
        """Show what has ended by now; returns whether the presence changed."""
        before = self._presence
        self._advance(now)
        return self._changed_since(before)

    def subscribed(self, subscribed: bool) -> bool:
        """Note that the chat was subscribed or refused; returns whether that is new.

        What is known of a refused chat stays: it may be told all the same.
        """
        before = self._presence
        self._set_subscribed(subscribed)
        self._show()
        return self._changed_since(before)

    def forget(self) -> bool:
        """Note that the instance was lost, and with it all but the last-seen."""
        before = self._presence
        for track in self._tracks():
            track.blank()
        self._pending.clear()
        self._deadline = _NEVER
        self._subscribed = self._known = False
        self._hidden = None
        self._show()
        return self._changed_since(before)

    def restore(self, last_seen: float) -> bool:
        """Take over the last-seen from before a restart, unless a newer is known."""
        before = self._presence
        if self._last_seen is None and (known := _plausible(last_seen)) is not None:
            self._last_seen = min(known, self._clock)
            self._show()
        return self._changed_since(before)

    def learn_alias(self, alias: str, main: str) -> bool:
        """Make one member of two that turned out to be the same person.

        The caller adds the pair to `aliases` by itself, so that what comes under
        the alias from now on goes to the main id.
        """
        if alias == main or (track := self._members.pop(alias, None)) is None:
            return False
        before = self._presence
        if (known := self._members.get(main)) is None:
            self._members[main] = track
        else:
            known.absorb(track)
            self._pending.discard(track)
            self._schedule(known)
        self._show()
        return self._changed_since(before)

    def _tracks(self) -> Iterable[_Track]:
        """Everybody that something may be known of."""
        yield self._own
        yield from self._members.values()

    def _changed_since(self, before: ChatPresence) -> bool:
        """Whether the presence is another; if not, put the old object back."""
        if self._presence is before:
            return False
        if self._presence == before:
            self._presence = before
            return False
        return True

    # The clock

    def _advance(self, now: float) -> None:
        """Show what has ended by now."""
        if now > self._clock:
            self._clock = now
        elif now < self._clock - CLOCK_JUMP:
            self._turn_back(now)
        if self._deadline <= now:
            self._end(now)
            self._show()

    def _turn_back(self, now: float) -> None:
        """Follow a clock that was set back, as if no time had passed."""
        if self._clock != _NEVER:
            seconds = self._clock - now
            for track in self._tracks():
                track.turn_back(seconds)
            self._offset -= seconds
            self._deadline -= seconds
        self._clock = now
        if self._last_seen is not None and self._last_seen > now:
            self._last_seen = now
            self._show()

    def _schedule(self, track: _Track) -> None:
        """Find the next end, one person's having changed."""
        if (due := track.due) == _NEVER:
            self._pending.discard(track)
        else:
            self._pending.add(track)
        if self._members:
            due = min((track.due for track in self._pending), default=_NEVER)
        self._deadline = due

    def _end(self, now: float) -> None:
        """End what ends now or has ended before."""
        fell = _LONG_AGO
        for track in [track for track in self._pending if track.due <= now]:
            if track.online_end <= now:
                track.online = False
                track.online_end = _NEVER
                fell = max(fell, track.fell)
            if track.activity_end <= now:
                track.activity = Activity.IDLE
                track.activity_end = _NEVER
            self._schedule(track)
        if fell != _LONG_AGO and not any(track.online for track in self._tracks()):
            self._see(min(fell, now))
        self._dirty = True

    # The gateway's word

    def _arrival(
        self, time: float | None, now: float, asked_at: float | None
    ) -> _Arrival:
        """Place an update in time."""
        if asked_at is not None or time is None or not 0 < time < _NEVER:
            return _Arrival(now, None, now, now, asked_at)
        self._offset = min(self._offset, now - time)
        began = time if _EARLIEST <= time <= now else now
        return _Arrival(now, time, time + self._offset, began, None)

    def _accept(self, track: _Track, arrival: _Arrival) -> bool:
        """Whether this is news of somebody; then it is the newest."""
        if (asked_at := arrival.asked_at) is not None:
            if track.heard > asked_at or track.answered > asked_at:
                return False
            track.answered = asked_at
            return True
        now = arrival.now
        if (time := arrival.time) is not None:
            if time < track.newest:
                if track.newest - time <= LATE_LIMIT:
                    return False
                self._offset = now - time
            elif arrival.corrected < track.answered:
                if track.answered - arrival.corrected <= LATE_LIMIT:
                    self._offset = (arrival.corrected + now) / 2 - time
                    return False
                self._offset = now - time
            track.newest = time
        track.heard = now
        return True

    def _hear(self, update: PresenceUpdate, arrival: _Arrival) -> None:
        """Take in an update about the chat, its members, or both."""
        heard = arrival.asked_at is not None
        if not self._is_group:
            heard |= self._hear_chat(update, arrival)
        else:
            # A word of some members is not the group's own, and not in its order.
            if not update.members or _speaks_of_chat(update):
                heard |= self._hear_chat(update, arrival)
            if update.has_data and update.members:
                heard |= self._hear_members(update.members, arrival)
        if not heard:
            return
        if update.subscribed is not None:
            self._set_subscribed(update.subscribed)
        elif update.has_data:
            self._set_subscribed(True)

    def _hear_chat(self, update: PresenceUpdate, arrival: _Arrival) -> bool:
        """Take in what was said of the chat itself; returns whether it was news."""
        fresh = self._accept(self._own, arrival)
        if not update.has_data:
            if fresh:
                self._blank(arrival)
            return fresh
        if not fresh and arrival.asked_at is None:
            return False
        hidden = update.last_seen_hidden
        if hidden is not None and hidden is not self._hidden:
            self._hidden = hidden
            self._dirty = True
        last_seen = self._readable(update.last_seen, arrival.now)
        if not fresh:
            if last_seen is not None:
                self._see(last_seen)
            return False
        online, activity = update.online, update.activity
        if (
            online is not None
            or activity is not None
            or last_seen is not None
            or hidden
            or (self._is_group and _speaks_of_activity(update))
        ):
            self._set_known()
        self._say(self._own, online, activity, last_seen, arrival)
        if last_seen is not None and last_seen != self._last_seen:
            self._last_seen = last_seen
            self._dirty = True
        if self._is_group:
            self._hear_lists(update, arrival)
        return True

    def _hear_lists(self, update: PresenceUpdate, arrival: _Arrival) -> None:
        """Take in the lists of all who type and record: the others do not.

        If nobody is online, nobody types, unless a list says so.
        """
        typing, recording = update.typing_members, update.recording_members
        if update.online is False:
            typing = typing or frozenset()
            recording = recording or frozenset()
        said: dict[str, Activity] = {}
        told: set[Activity] = set()
        for activity, listed in (
            (Activity.RECORDING, recording),
            (Activity.TYPING, typing),
        ):
            if listed is not None:
                told.add(activity)
                said.update(dict.fromkeys(map(self._main_id, listed), activity))
        if not told:
            return
        for member_id, track in self._members.items():
            if track.activity in told:
                said.setdefault(member_id, Activity.IDLE)
        for member_id, activity in said.items():
            listed_track = self._member(member_id)
            if listed_track is not None and self._accept(listed_track, arrival):
                self._say_activity(listed_track, activity, arrival.now)
        self._know_activity()

    def _hear_members(self, members: Iterable[MemberUpdate], arrival: _Arrival) -> bool:
        """Take in what was said of some members; returns whether any was news."""
        heard = False
        for member in members:
            track = self._member(self._main_id(member.member_id))
            if track is None or not self._accept(track, arrival):
                continue
            heard = True
            last_seen = self._readable(member.last_seen, arrival.now)
            self._say(track, member.online, member.activity, last_seen, arrival)
            if last_seen is not None:
                self._see(last_seen)
        if heard:
            self._set_known()
            self._know_activity()
        return heard

    def _say(
        self,
        track: _Track,
        online: bool | None,
        activity: Activity | None,
        last_seen: float | None,
        arrival: _Arrival,
    ) -> None:
        """Take in what was said of one person: rises are shown, falls must last."""
        if activity is None and online is False:
            activity = Activity.IDLE
        if online is not None:
            self._say_online(track, online, arrival)
        if last_seen is not None:
            # The gateway knows better than what was witnessed.
            track.fell = _LONG_AGO
        if activity is not None:
            self._say_activity(track, activity, arrival.now)

    def _say_online(self, track: _Track, online: bool, arrival: _Arrival) -> None:
        """Take in whether somebody is online."""
        if online:
            if not track.online:
                track.online = True
                self._dirty = True
            elif track.online_end != _NEVER:
                track.online_end = _NEVER
                self._schedule(track)
        elif track.online is None:
            track.online = False
            self._dirty = True
        elif track.online:
            if track.online_end == _NEVER:
                track.fell = arrival.began
            end = min(track.online_end, arrival.now + self.settle_time)
            if end != track.online_end:
                track.online_end = end
                self._schedule(track)

    def _say_activity(self, track: _Track, activity: Activity, now: float) -> None:
        """Take in what somebody is doing."""
        if activity is not Activity.IDLE:
            if track.activity is not activity:
                track.activity = activity
                self._dirty = True
            end = now + TYPING_TIMEOUT
        elif track.activity is None:
            track.activity = activity
            self._dirty = True
            return
        elif track.activity is Activity.IDLE:
            return
        else:
            end = min(track.activity_end, now + self.settle_time)
        if end != track.activity_end:
            track.activity_end = end
            self._schedule(track)

    def _blank(self, arrival: _Arrival) -> None:
        """Take back what was said of everybody, if there was nothing newer."""
        self._own.blank()
        for track in self._members.values():
            if self._accept(track, arrival):
                track.blank()
        for track in list(self._pending):
            self._schedule(track)
        self._known = False
        self._hidden = None
        self._dirty = True

    # What is known

    def _readable(self, last_seen: float | None, now: float) -> float | None:
        """Return the gateway's last-seen, if it makes sense and is not hidden."""
        if last_seen is None or self._hidden:
            return None
        known = _plausible(last_seen)
        return None if known is None else min(known, now)

    def _see(self, moment: float) -> None:
        """Move the last-seen forward."""
        if self._last_seen is None or moment > self._last_seen:
            self._last_seen = moment
            self._dirty = True

    def _set_subscribed(self, subscribed: bool) -> None:
        """Note whether events can be expected."""
        if subscribed is not self._subscribed:
            self._subscribed = subscribed
            self._dirty = True

    def _set_known(self) -> None:
        """Note that the gateway has said something."""
        if not self._known:
            self._known = True
            self._dirty = True

    def _know_activity(self) -> None:
        """Note that nobody does anything in a group but those who were named."""
        if self._own.activity is None:
            self._own.activity = Activity.IDLE
            self._dirty = True

    def _main_id(self, member_id: str) -> str:
        """Return the one id that a member is shown with."""
        return self._aliases.get(member_id, member_id)

    def _member(self, member_id: str) -> _Track | None:
        """Return a member's track; None if there is no room for another."""
        if (track := self._members.get(member_id)) is None:
            if len(self._members) >= MAX_MEMBERS and not self._make_room():
                return None
            track = self._members[member_id] = _Track()
        return track

    def _make_room(self) -> bool:
        """Drop the members of whom nothing is known, else one who is offline."""
        idle = {
            member_id: track
            for member_id, track in self._members.items()
            if not track.online and track.activity in (None, Activity.IDLE)
        }
        unknown = [key for key, track in idle.items() if track.online is None]
        for member_id in unknown or list(idle)[:1]:
            del self._members[member_id]
        return bool(idle)

    def _access(self) -> PresenceAccess:
        """How much can be seen of the chat."""
        if not self._subscribed:
            return PresenceAccess.NOT_SUBSCRIBED
        if not self._known:
            return PresenceAccess.WAITING
        if self._hidden:
            return PresenceAccess.LAST_SEEN_HIDDEN
        return PresenceAccess.VISIBLE

    def _show(self) -> None:
        """Show what is known."""
        self._dirty = False
        own = self._own
        if not self._is_group:
            activity = own.activity
            self._presence = ChatPresence(
                online=own.online,
                typing=None if activity is None else activity is Activity.TYPING,
                recording=None if activity is None else activity is Activity.RECORDING,
                last_seen=self._last_seen,
                access=self._access(),
            )
            return
        tracks = list(self._tracks())
        onlines = {track.online for track in tracks}
        activities = {track.activity for track in tracks}
        quiet = None if activities == {None} else False
        self._presence = ChatPresence(
            online=True in onlines or (False if False in onlines else None),
            typing=Activity.TYPING in activities or quiet,
            recording=Activity.RECORDING in activities or quiet,
            last_seen=self._last_seen,
            access=self._access(),
            online_members=tuple(
                sorted(key for key, track in self._members.items() if track.online)
            ),
            typing_members=self._doing(Activity.TYPING),
            recording_members=self._doing(Activity.RECORDING),
        )

    def _doing(self, activity: Activity) -> tuple[str, ...]:
        """Return the members who do something."""
        return tuple(
            sorted(
                key
                for key, track in self._members.items()
                if track.activity is activity
            )
        )


def seen_before(event_id: str, seen: dict[str, None], most: int) -> bool:
    """Whether an event's id is among the latest; it is from now on, the oldest goes."""
    if event_id in seen:
        return True
    seen[event_id] = None
    if len(seen) > most:
        del seen[next(iter(seen))]
    return False


def _plausible(last_seen: float | None) -> float | None:
    """Return a moment at which somebody can have been on WhatsApp, else None."""
    if last_seen is not None and _EARLIEST <= last_seen < _NEVER:
        return last_seen
    return None


def _speaks_of_activity(update: PresenceUpdate) -> bool:
    """Whether an update lists who is typing or recording."""
    return update.typing_members is not None or update.recording_members is not None


def _speaks_of_chat(update: PresenceUpdate) -> bool:
    """Whether an update tells of a group, and not only of some members."""
    return (
        not update.has_data
        or update.online is not None
        or update.activity is not None
        or update.last_seen is not None
        or update.last_seen_hidden is not None
        or _speaks_of_activity(update)
    )
