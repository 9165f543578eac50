"""What WAHA and Wawp, which runs on it, write alike: sessions, presences, ids."""

from collections.abc import Iterable
import re
import sys
from typing import Any, Final

from ..presence.chat_id import is_group, is_lid
from ..presence.members import MAX_MEMBERS
from ..presence.model import Activity, MemberUpdate, PresenceUpdate
from ..presence.names import as_name
from .base import CannotTell, ChatInfo, InstanceEvent, InstanceInfo, InstanceStatus
from .values import (
    Notice,
    address,
    as_chat_id,
    boolean,
    chats,
    items,
    mapping,
    other_id,
    pairs,
    text,
    timestamp,
)

# RUN: NOWEB's library turns "paused" into "available". OBS: WEBJS never says it.
NEVER_PAUSE: Final = frozenset({"NOWEB", "WEBJS"})
# SRC: its list of all presences is always empty, and asking for one always subscribes.
SUBSCRIBES_WHEN_ASKED: Final = "GOWS"
# The first version of WEBJS whose presence calls work [OBS].
_WEBJS_WORKS: Final = "2026.9.1"

# What to add to a session's configuration [DOC], or to update the server to.
_REMEDIES: Final = {
    CannotTell.TAGS_OFF: "config.webjs.tagsEventsOn: true",
    CannotTell.VERSION_TOO_OLD: _WEBJS_WORKS,
    CannotTell.STORE_OFF: "config.noweb.store.enabled: true",
}

EVENTS: Final = ("presence.update", "session.status")

# DOC and SRC; Wawp has three words more [OBS]. Passing are STARTING, and what is told
# when a server or a session is restarted: STOPPED (so WAHA says when it is shut down
# [RUN]), PAUSED and OFFLINE [INF].
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

_LAST_KNOWN: Final = "lastKnownPresence"
# One word tells everything: who is typing or has just paused is online [DOC], as far
# as that implies it: contacts who hide being online type all the same.
_IMPLIED: Final = frozenset({"typing", "composing", "recording", "paused"})
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


def read_info(session: dict[str, Any], version: str | None = None) -> InstanceInfo:
    """Read a session's status, account and engine; `version` is the server's, if known.

    DOC: `config` is what the user configured; UNKNOWN where it is missing.
    """
    me = mapping(session.get("me"))
    engine = text(mapping(session.get("engine")).get("engine"))
    cannot_tell = _cannot_tell(engine, session, version) if engine else None
    return InstanceInfo(
        status=read_status(session.get("status")),
        account_id=as_chat_id(me.get("id")),
        account_name=as_name(me.get("pushName")),
        engine=engine,
        version=version,
        cannot_tell=cannot_tell,
        remedy=_REMEDIES[cannot_tell] if cannot_tell else None,
    )


def _cannot_tell(
    engine: str, session: dict[str, Any], version: str | None
) -> CannotTell | None:
    """Find what keeps an engine from telling presences.

    OBS: WEBJS tells them only with `webjs.tagsEventsOn`, and its presence calls failed
    before 2026.9.1. RUN: NOWEB looks no ids up without its store, which is off at first.
    """
    configured = "config" in session
    config = mapping(session.get("config"))
    if engine == "WEBJS":
        if configured and not boolean(mapping(config.get("webjs")).get("tagsEventsOn")):
            return CannotTell.TAGS_OFF
        if version and _number(version) < _number(_WEBJS_WORKS):
            return CannotTell.VERSION_TOO_OLD
    if engine == "NOWEB" and configured:
        store = mapping(mapping(config.get("noweb")).get("store"))
        if not boolean(store.get("enabled")):
            return CannotTell.STORE_OFF
    return None


def _number(version: str) -> list[int]:
    """Read what a version begins with; it may go on in words."""
    found = re.match(r"\d{1,9}(?:\.\d{1,9})*", version)
    return [int(part) for part in found[0].split(".")] if found else [sys.maxsize]


def read_engine(envelope: dict[str, Any]) -> str | None:
    """Read the engine that an event comes from [DOC]."""
    return text(envelope.get("engine"))


def read_version(envelope: dict[str, Any]) -> str | None:
    """Read the version of the server that an event comes from [DOC]."""
    return text(mapping(envelope.get("environment")).get("version"))


def read_event(
    envelope: dict[str, Any], notice: Notice, **about: Any
) -> PresenceUpdate | InstanceEvent | None:
    """Read an event [DOC]; None if it is of no interest. `about` is for a presence."""
    event, payload = envelope["event"], envelope.get("payload")
    when: dict[str, Any] = {
        "event_id": text(envelope.get("id")),
        "time": timestamp(envelope.get("timestamp")),
    }
    if event == "presence.update":
        update = read_presence(mapping(payload), notice, **when, **about)
        if update is None:
            notice("a presence update in an unknown form", envelope)
        return update
    if event == "session.status" and (word := text(mapping(payload).get("status"))):
        return InstanceEvent(status=read_status(word), **when)
    return None


def read_presence(
    payload: dict[str, Any], notice: Notice, *, asked: str | None = None, **about: Any
) -> PresenceUpdate | None:
    """Read a presence in either shape; None if it says nothing of any chat.

    The one is a list of presences, for a group one a member [DOC, SRC]; the other a
    single `type` of `from`, on Wawp alone [DOC]. RUN: who is there twice has two
    devices, the newer last; a group's own count comes as an entry of the group itself.
    SRC: GOWS may leave out the word. Of more entries than a group can have members, the
    last count. The list is used up. `asked` is the chat for which this is the answer;
    `about` is what else is known of it: its source, its time, when it was asked.
    """
    if "presences" in payload:
        found = as_chat_id(payload.get("id")) or asked
        entries, who, what = items(payload["presences"]), "participant", _LAST_KNOWN
    else:
        sender = as_chat_id(payload.get("from"))
        found = as_chat_id(payload.get("chatId")) or sender
        entries, who, what = [payload], "from", "type"
    if found is None:
        return None
    if asked is not None and found != asked:
        about["asked_as"] = asked
    if is_group(found):
        members = _read_members(entries, who, what, notice)
        return PresenceUpdate(chat_id=found, members=members, **about)
    # Of a person there is one entry; should there be more, theirs is the one.
    told = {
        as_chat_id(entry.get(who)): entry
        for entry in map(mapping, entries[-MAX_MEMBERS:])
    }
    entry = told.get(found) or next(iter(told.values()), {})
    return PresenceUpdate(
        chat_id=found, **_told(entry.get(what), entry, notice), **about
    )


def _read_members(
    entries: list[Any], who: str, what: str, notice: Notice
) -> tuple[MemberUpdate, ...]:
    """Read what is told of a group's members, the newest of each; empties the list.

    Else all of a large group would be there twice, and so many new objects call for
    garbage collections, of which each tenth of a tenth holds Home Assistant for longer
    than anything here does.
    """
    members: dict[str, MemberUpdate] = {}
    for _ in range(min(len(entries), MAX_MEMBERS)):
        entry = mapping(entries.pop())
        member = as_chat_id(entry.get(who))
        if member is not None and member not in members and not is_group(member):
            members[member] = MemberUpdate(
                member_id=member, **_told(entry.get(what), entry, notice)
            )
    return tuple(reversed(members.values()))


def read_contacts(entries: Iterable[Any]) -> list[ChatInfo]:
    """Read contacts; one under its opaque id is of no use without a name."""
    found = chats(
        (
            entry
            for entry in entries
            if boolean(mapping(entry).get("isWAContact")) is not False
        ),
    )
    return [
        contact
        for contact in found
        if contact.name or contact.alias or not is_lid(contact.chat_id)
    ]


def read_existing(number: str, answer: dict[str, Any]) -> str | None:
    """Read the chat id of a number; None: it is not on WhatsApp."""
    if boolean(answer.get("numberExists", answer.get("exists"))) is False:
        return None
    return as_chat_id(answer.get("chatId")) or f"{number}@c.us"


def read_alias(asked: str, answer: dict[str, Any]) -> dict[str, str]:
    """Read the other id of one; the number may be bare digits."""
    number = other_id(answer.get("pn") or answer.get("number"))
    return pairs([asked], [(asked, number), (asked, answer.get("lid"))])


def read_picture(answer: dict[str, Any]) -> str | None:
    """Read a picture's address, under either of its names."""
    return address(answer.get("url")) or address(answer.get("profilePictureURL"))


def _told(word: Any, entry: dict[str, Any], notice: Notice) -> dict[str, Any]:
    """Read what an entry tells of a person."""
    meaning = _MEANING.get(word) if isinstance(word, str) else None
    if word is not None and meaning is None:
        notice("a presence that is not known", entry)
    online, activity = meaning or (None, None)
    return {
        "online": online,
        "implied": meaning is not None and word in _IMPLIED,
        "activity": activity,
        "last_seen": timestamp(entry.get("lastSeen")),
    }
