"""What is known of a chat, and what a gateway can say of it.

All times are unix seconds in UTC (float); the caller owns the clock.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum


class Activity(StrEnum):
    """What somebody is doing in the chat."""

    IDLE = "idle"
    TYPING = "typing"
    RECORDING = "recording"


class PresenceAccess(StrEnum):
    """How much of a chat's presence the account may see."""

    VISIBLE = "visible"
    WAITING = "waiting"
    LAST_SEEN_HIDDEN = "last_seen_hidden"
    NOT_SUBSCRIBED = "not_subscribed"


class Source(StrEnum):
    """How fresh a word is, and how sure."""

    # Told by itself, when it happened.
    EVENT = "event"
    # An answer: how it is at present.
    LIVE = "live"
    # An answer: the last word that the gateway has heard under the id, however old.
    REMEMBERED = "remembered"


class PresenceChange(StrEnum):
    """A change of a chat's presence from one known state to another."""

    CAME_ONLINE = "came_online"
    WENT_OFFLINE = "went_offline"
    STARTED_TYPING = "started_typing"
    STOPPED_TYPING = "stopped_typing"
    STARTED_RECORDING = "started_recording"
    STOPPED_RECORDING = "stopped_recording"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberUpdate:
    """What a gateway said of one member of a group; None is not said.

    `implied`: `online` was not said, it follows from typing, recording or paused.
    """

    member_id: str
    online: bool | None = None
    activity: Activity | None = None
    last_seen: float | None = None
    implied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceUpdate:
    """One thing that a gateway said of a chat, in an event or in an answer.

    A field that is None was not said and changes nothing, with one exception:
    `has_data=False` takes back what was said before (the gateway lost it).
    `chat_id` is normalised, and may be an alias of the chat's own id: it is the id
    under which the word came. `implied`: `online` was not said, it follows from
    typing, recording or paused.
    """

    chat_id: str
    source: Source = Source.EVENT
    has_data: bool = True
    online: bool | None = None
    activity: Activity | None = None
    last_seen: float | None = None
    implied: bool = False
    last_seen_hidden: bool | None = None
    subscribed: bool | None = None
    # The engine says "online" where others say "paused".
    never_pauses: bool = False
    # The id that was asked for, if the answer came under another one.
    asked_as: str | None = None
    # Groups whose gateway lists everybody who is typing or recording at once.
    typing_members: frozenset[str] | None = None
    recording_members: frozenset[str] | None = None
    # Groups whose gateway tells of some members at a time.
    members: tuple[MemberUpdate, ...] = ()
    # Identity and time of the event, on the gateway's clock, where it has them.
    event_id: str | None = None
    time: float | None = None
    # When the gateway was asked, on our clock, if this is an answer. Other answers that
    # say the same are the same.
    asked_at: float | None = dataclasses.field(default=None, compare=False)

    @property
    def member_ids(self) -> frozenset[str]:
        """The ids of all members that are named, whatever is said of them."""
        return frozenset(
            (
                *(member.member_id for member in self.members),
                *(self.typing_members or ()),
                *(self.recording_members or ()),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPresence:
    """What is known of a chat, ready to be shown; None is unknown.

    The members are sorted ids, and empty for a chat that is no group.
    """

    online: bool | None = None
    typing: bool | None = None
    recording: bool | None = None
    last_seen: float | None = None
    access: PresenceAccess = PresenceAccess.NOT_SUBSCRIBED
    online_members: tuple[str, ...] = ()
    typing_members: tuple[str, ...] = ()
    recording_members: tuple[str, ...] = ()

    @property
    def activity(self) -> Activity | None:
        """The one word for typing and recording; typing goes first in a group."""
        if self.typing:
            return Activity.TYPING
        if self.recording:
            return Activity.RECORDING
        if self.typing is None and self.recording is None:
            return None
        return Activity.IDLE


_CHANGES = (
    ("online", PresenceChange.CAME_ONLINE, PresenceChange.WENT_OFFLINE),
    ("typing", PresenceChange.STARTED_TYPING, PresenceChange.STOPPED_TYPING),
    ("recording", PresenceChange.STARTED_RECORDING, PresenceChange.STOPPED_RECORDING),
)


def changes(old: ChatPresence, new: ChatPresence) -> tuple[PresenceChange, ...]:
    """Name what changed between two presences.

    Nothing is a change that begins or ends in the unknown: nobody came online
    because the gateway told of them for the first time.
    """
    found: list[PresenceChange] = []
    for field, rise, fall in _CHANGES:
        before: bool | None = getattr(old, field)
        after: bool | None = getattr(new, field)
        if before is not None and after is not None and before != after:
            found.append(rise if after else fall)
    return tuple(found)
