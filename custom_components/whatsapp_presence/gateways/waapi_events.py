"""What WaAPI tells: presences, how the instance stands, and the events of both."""

from typing import Any, Final

from ..presence.chat_id import is_group
from ..presence.members import MAX_MEMBERS
from ..presence.model import Activity, PresenceUpdate
from .base import InstanceEvent, InstanceStatus
from .values import Notice, as_chat_id, boolean, mapping, text, timestamp

EVENTS: Final = (
    "presence_update",
    "ready",
    "disconnected",
    "auth_failure",
    "change_state",
    "qr",
)
NEEDED_EVENTS: Final = frozenset({"presence_update", "ready"})

# DOC: the words of `instanceStatus`.
_STATUS: Final = {
    "ready": InstanceStatus.READY,
    "booting": InstanceStatus.STARTING,
    "loading_screen": InstanceStatus.STARTING,
    "authenticated": InstanceStatus.STARTING,
    "qr": InstanceStatus.LOGIN_REQUIRED,
    "auth_failure": InstanceStatus.FAILED,
    "disconnected": InstanceStatus.DISCONNECTED,
}
# SRC: the words of the web client that `change_state` tells.
_CONNECTION_STATE: Final = {
    "CONNECTED": InstanceStatus.READY,
    "OPENING": InstanceStatus.STARTING,
    "PAIRING": InstanceStatus.STARTING,
    "TIMEOUT": InstanceStatus.DISCONNECTED,
    "CONFLICT": InstanceStatus.DISCONNECTED,
    "UNLAUNCHED": InstanceStatus.DISCONNECTED,
    "UNPAIRED": InstanceStatus.LOGIN_REQUIRED,
    "UNPAIRED_IDLE": InstanceStatus.LOGIN_REQUIRED,
    "DEPRECATED_VERSION": InstanceStatus.FAILED,
    "PROXYBLOCK": InstanceStatus.FAILED,
    "SMB_TOS_BLOCK": InstanceStatus.FAILED,
    "TOS_BLOCK": InstanceStatus.FAILED,
}
# DOC. Whether somebody is online is told by `isOnline` alone.
_ACTIVITY: Final = {
    "available": Activity.IDLE,
    "unavailable": Activity.IDLE,
    "typing": Activity.TYPING,
    "recording_audio": Activity.RECORDING,
}

_PRESENCE_FIELDS: Final = frozenset({"id", "isOnline", "chatstate", "hasData"})


def read_status(value: Any) -> InstanceStatus:
    """Read the word for how the instance stands; one that is not known is UNKNOWN."""
    return _STATUS.get((text(value) or "").lower(), InstanceStatus.UNKNOWN)


def read_instance_event(envelope: dict[str, Any]) -> InstanceEvent | None:
    """Read an event of the instance, which has neither id nor time [DOC]."""
    event = envelope["event"]
    if event == "change_state":
        status = _CONNECTION_STATE.get(_state_word(envelope.get("data")))
    else:
        status = _STATUS.get(event)
    return None if status is None else InstanceEvent(status=status)


def read_presence_event(data: Any, notice: Notice) -> PresenceUpdate | None:
    """Read a presence event; UNKNOWN: where in `data` it is, so both places will do."""
    presence = mapping(data)
    if "presence" in presence:
        if presence["presence"] is None:
            return None
        presence = mapping(presence["presence"])
    if (found := as_chat_id(presence.get("id"))) is None:
        notice("a presence update in an unknown form", {"data": data})
        return None
    return read_presence(presence, notice, found)


def read_answer(payload: Any, asked: str, notice: Notice) -> PresenceUpdate | None:
    """Read the presence in an answer; it may come under the chat's other id [INF]."""
    presence = mapping(payload)
    presence = mapping(presence.get("presence", presence))
    if _PRESENCE_FIELDS.isdisjoint(presence):
        return None
    return read_presence(presence, notice, as_chat_id(presence.get("id")) or asked)


def read_presence(
    presence: dict[str, Any], notice: Notice, found: str
) -> PresenceUpdate:
    """Read a presence [DOC]; no field is sure to be there.

    Who is online is told by `isOnline` alone, and is never implied by what they do.
    """
    get = presence.get
    has_data = boolean(get("hasData"))
    subscribed = boolean(get("isSubscribed"))
    if has_data is False:
        return PresenceUpdate(chat_id=found, has_data=False, subscribed=subscribed)
    deny = boolean(get("deny"))
    activity = None
    if (word := get("chatstate")) is not None:
        activity = _ACTIVITY.get(word) if isinstance(word, str) else None
        if activity is None:
            notice("a chat state that is not known", presence)
    if is_group(found):
        return PresenceUpdate(
            chat_id=found,
            online=boolean(get("isOnline")),
            subscribed=subscribed,
            typing_members=_members(get("typingParticipants")),
            recording_members=_members(get("recordingParticipants")),
        )
    return PresenceUpdate(
        chat_id=found,
        online=boolean(get("isOnline")),
        activity=activity,
        last_seen=None if deny else timestamp(get("lastSeen")),
        # A deny that was left out says nothing, unless there is data to deny.
        last_seen_hidden=bool(deny) if has_data or deny is not None else None,
        subscribed=subscribed,
    )


def _state_word(data: Any) -> str:
    if isinstance(data, dict):
        data = data.get("state") or data.get("status")
    return (text(data) or "").upper()


def _members(value: Any) -> frozenset[str] | None:
    if not isinstance(value, list):
        return None
    return frozenset(found for found in map(as_chat_id, value[-MAX_MEMBERS:]) if found)
