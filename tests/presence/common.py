"""What the tests of the new states share: words of gateways, and a chat that hears them."""

from typing import Any

from custom_components.whatsapp_presence.presence.model import (
    Activity,
    ChatPresence,
    MemberUpdate,
    PresenceChange,
    PresenceUpdate,
    Source,
    changes,
)
from custom_components.whatsapp_presence.presence.tracker import PresenceTracker

NOW = 1_800_000_000.0
ANNA = "491511234567@c.us"
ANNA_LID = "169412345678900@lid"
BERT = "491511234568@c.us"
BERT_LID = "169412345678901@lid"
GROUP = "120363000000000001@g.us"

# What the gateways of one word for all mean by it.
WORDS: dict[str, dict[str, Any]] = {
    "online": {"online": True, "activity": Activity.IDLE},
    "offline": {"online": False, "activity": Activity.IDLE},
    "typing": {"online": True, "activity": Activity.TYPING, "implied": True},
    "recording": {"online": True, "activity": Activity.RECORDING, "implied": True},
    "paused": {"online": True, "activity": Activity.IDLE, "implied": True},
}


class Talk:
    """A tracker, a clock that starts at 0, and short ways to say what happens."""

    def __init__(self, *, is_group: bool = False, **options: Any) -> None:
        """Begin at 0, without a word."""
        self.is_group = is_group
        self.aliases: dict[str, str] = {}
        self.tracker = PresenceTracker(
            is_group=is_group, aliases=self.aliases, **{"settle_time": 3, **options}
        )
        self.now = NOW
        self.fired: list[PresenceChange] = []
        self.shown: list[ChatPresence] = [self.tracker.presence]

    @property
    def presence(self) -> ChatPresence:
        """What is shown now."""
        return self.tracker.presence

    @property
    def online(self) -> bool | None:
        """What is shown of being online."""
        return self.tracker.presence.online

    @property
    def last_seen(self) -> float | None:
        """When the contact was last seen, in seconds since the start."""
        seen = self.tracker.presence.last_seen
        return None if seen is None else seen - NOW

    def note(self, changed: bool) -> bool:
        """Note what is shown after a call, as the caller publishes it."""
        before, after = self.shown[-1], self.tracker.presence
        assert changed is (before != after)
        if changed:
            self.fired += changes(before, after)
            self.shown.append(after)
        return changed

    def at(self, seconds: float) -> Talk:
        """Go to a moment; the caller ticks at each deadline on the way."""
        moment = NOW + seconds
        while (due := self.tracker.deadline) is not None and due <= moment:
            assert due >= self.now
            self.now = due
            self.note(self.tracker.tick(due))
            assert self.tracker.deadline != due
        self.now = max(self.now, moment)
        return self

    def event(self, word: str, **fields: Any) -> Talk:
        """Let an event say something of a contact, or of a member."""
        self.note(self.tracker.apply(self.update(word, **fields), self.now))
        return self

    def answer(
        self, word: str, *, asked_at: float | None = None, **fields: Any
    ) -> Talk:
        """Let an answer repeat what the gateway remembers; returns itself."""
        fields.setdefault("source", Source.REMEMBERED)
        update = self.update(word, **fields)
        asked = self.now if asked_at is None else NOW + asked_at
        self.note(self.tracker.apply(update, self.now, asked_at=asked))
        return self

    def live(self, **fields: Any) -> Talk:
        """Let an answer tell how it is at present."""
        update = PresenceUpdate(
            chat_id=GROUP if self.is_group else ANNA, source=Source.LIVE, **fields
        )
        self.note(self.tracker.apply(update, self.now, asked_at=self.now))
        return self

    def update(
        self,
        word: str,
        *,
        chat_id: str = ANNA,
        member: str = ANNA,
        **fields: Any,
    ) -> PresenceUpdate:
        """Return what a gateway says with a word."""
        said = dict(WORDS.get(word, {}))
        if not self.is_group:
            return PresenceUpdate(
                chat_id=chat_id, has_data=word != "nothing", **said, **fields
            )
        if "last_seen" in fields:
            said["last_seen"] = fields.pop("last_seen")
        members = (MemberUpdate(member_id=member, **said),) if said else ()
        return PresenceUpdate(chat_id=GROUP, members=members, **fields)

    def renewed(self) -> Talk:
        """Let the gateway accept the subscription."""
        self.note(self.tracker.renewed(self.now))
        return self

    def failed(self, *, refused: bool = False) -> Talk:
        """Let a renewal fail."""
        self.note(self.tracker.failed(self.now, refused=refused))
        return self

    def interrupted(self, *, subscribed: bool = False) -> Talk:
        """Let events be missed from now on."""
        self.note(self.tracker.interrupted(self.now, subscribed=subscribed))
        return self

    def forgotten(self) -> Talk:
        """Let the grace be over."""
        self.note(self.tracker.forget())
        return self
