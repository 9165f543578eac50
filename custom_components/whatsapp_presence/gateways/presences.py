"""What WAHA and Wawp, which runs on it, write alike: sessions, presences, ids."""

from collections.abc import Iterable
from typing import Any, Final

from ..presence.chat_id import is_group, is_lid
from ..presence.model import Activity, MemberUpdate, PresenceUpdate
from .base import ChatInfo, InstanceEvent, InstanceInfo, InstanceStatus
from .values import (
    Notice,
    as_chat_id,
    boolean,
    chats,
    display_name,
    items,
    mapping,
    pairs,
    text,
    timestamp,
)

EVENTS: Final = ("presence.update", "session.status")

# DOC and SRC; Wawp has three words more [OBS].
STATUS: Final = {
    "WORKING": InstanceStatus.READY,
    "READY": InstanceStatus.READY,
    "STARTING": InstanceStatus.STARTING,
    "SCAN_QR_CODE": InstanceStatus.LOGIN_REQUIRED,
    "PASSKEY_REQUIRED": InstanceStatus.LOGIN_REQUIRED,
    "PASSKEY_CONFIRMATION_REQUIRED": InstanceStatus.LOGIN_REQUIRED,
    "STOPPED": InstanceStatus.DISCONNECTED,
    "PAUSED": InstanceStatus.DISCONNECTED,
    "OFFLINE": InstanceStatus.DISCONNECTED,
    "FAILED": InstanceStatus.FAILED,
}

# One word tells everything: who is typing or has just paused is online [DOC].
_MEANING: Final[dict[str, tuple[bool, Activity]]] = {
    "online": (True, Activity.IDLE),
    "available": (True, Activity.IDLE),
    "typing": (True, Activity.TYPING),
    "composing": (True, Activity.TYPING),
    "recording": (True, Activity.RECORDING),
    "paused": (True, Activity.IDLE),
    "offline": (False, Activity.IDLE),
    "unavailable": (False, Activity.IDLE),
}


def read_status(value: Any) -> InstanceStatus:
    """Read a session's status; a word that is not known is UNKNOWN."""
    return STATUS.get((text(value) or "").upper(), InstanceStatus.UNKNOWN)


def read_info(session: dict[str, Any]) -> InstanceInfo:
    """Read a session's status and account."""
    me = mapping(session.get("me"))
    return InstanceInfo(
        status=read_status(session.get("status")),
        account_id=as_chat_id(me.get("id")),
        account_name=display_name(me.get("pushName")),
    )


def read_event(
    envelope: dict[str, Any], notice: Notice
) -> PresenceUpdate | InstanceEvent | None:
    """Read an event [DOC]; None if it is of no interest."""
    event, payload = envelope["event"], envelope.get("payload")
    about: dict[str, Any] = {
        "event_id": text(envelope.get("id")),
        "time": timestamp(envelope.get("timestamp")),
    }
    if event == "presence.update":
        update = read_presence(mapping(payload), notice, **about)
        if update is None:
            notice("a presence update in an unknown form")
        return update
    if event == "session.status" and (word := text(mapping(payload).get("status"))):
        return InstanceEvent(status=read_status(word), **about)
    return None


def read_presence(
    payload: dict[str, Any],
    notice: Notice,
    *,
    asked: str | None = None,
    **about: Any,
) -> PresenceUpdate | None:
    """Read a presence in either shape; None if it says nothing of any chat.

    The one is a list of presences, for a group one a member [DOC, SRC]; the other a
    single `type` of `from`, on Wawp alone [DOC]. `asked` is the chat for which this is
    the answer; `about` is what else is known of it: its id, its time, when it was asked.
    """
    if "presences" in payload:
        found = as_chat_id(payload.get("id")) or asked
        entries = [
            (
                as_chat_id(entry.get("participant")),
                entry.get("lastKnownPresence"),
                entry,
            )
            for entry in map(mapping, items(payload["presences"]))
        ]
    else:
        sender = as_chat_id(payload.get("from"))
        found = as_chat_id(payload.get("chatId")) or sender
        entries = [(sender, payload.get("type"), payload)]
    if found is None:
        return None
    if is_group(found):
        members = tuple(
            MemberUpdate(member_id=member, **_told(word, entry, notice))
            for member, word, entry in entries
            if member is not None and not is_group(member)
        )
        return PresenceUpdate(chat_id=found, members=members, **about)
    # Of a person there is one entry; should there be more, theirs is the one.
    word, entry = next(
        ((word, entry) for person, word, entry in entries if person == found),
        entries[0][1:] if entries else (None, {}),
    )
    return PresenceUpdate(chat_id=found, **_told(word, entry, notice), **about)


def read_contacts(entries: Iterable[Any]) -> list[ChatInfo]:
    """Read contacts; one under its opaque id is of no use without a name."""
    found = chats(
        (
            entry
            for entry in entries
            if boolean(mapping(entry).get("isWAContact")) is not False
        ),
        "name",
        "pushname",
        "pushName",
    )
    return [contact for contact in found if contact.name or not is_lid(contact.chat_id)]


def read_existing(number: str, answer: dict[str, Any]) -> str | None:
    """Read the chat id of a number; None: it is not on WhatsApp."""
    if boolean(answer.get("numberExists", answer.get("exists"))) is False:
        return None
    return as_chat_id(answer.get("chatId")) or f"{number}@c.us"


def read_alias(asked: str, answer: dict[str, Any]) -> dict[str, str]:
    """Read the other id of one; the number may be bare digits, which a lid never is."""
    other = answer.get("pn") or answer.get("number")
    if (digits := text(other)) and digits.lstrip("+").isdecimal():
        other = f"{digits.lstrip('+')}@c.us"
    return pairs([asked], [(asked, other), (asked, answer.get("lid"))])


def read_picture(answer: dict[str, Any]) -> str | None:
    """Read a picture's address, under either of its names."""
    return text(answer.get("url")) or text(answer.get("profilePictureURL"))


def _told(word: Any, entry: dict[str, Any], notice: Notice) -> dict[str, Any]:
    """Read what an entry tells of a person."""
    meaning = _MEANING.get(word) if isinstance(word, str) else None
    if word is not None and meaning is None:
        notice("a presence that is not known")
    online, activity = meaning or (None, None)
    last_seen = timestamp(entry.get("lastSeen"))
    return {"online": online, "activity": activity, "last_seen": last_seen}
