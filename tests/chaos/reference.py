"""What the gateways' bodies say, read apart from the integration.

Written from the vendors' contracts; it shares nothing with the integration's own
reading of the same bodies.
"""

from dataclasses import dataclass, field
import json
from typing import Any, Final

# The words of the page that has one flat payload a participant.
_WORDS: Final = {
    "composing": "typing",
    "available": "online",
    "unavailable": "offline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a body says of one person, or of a group as a whole.

    `word` is the gateway's own where one word tells all. `implied`: online follows
    from what they do alone.
    """

    online: bool | None = None
    activity: str | None = None
    implied: bool = False
    word: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a body says of a chat; `own` is None if it names members alone.

    `chat` is the id under which it is said. `time` is in unix seconds, by the
    gateway's clock until the world puts it right. `pauses`: whether the engine says
    so when a typing ends.
    """

    chat: str
    has_data: bool = True
    own: Said | None = None
    members: dict[str, Said] = field(default_factory=dict)
    # Everybody who types or records in a group; the others do not.
    doing: dict[str, str] | None = None
    event_id: str | None = None
    time: float | None = None
    pauses: bool = True

    @property
    def empty(self) -> bool:
        """Whether nothing is said of anybody."""
        return self.own is None and not self.members and self.doing is None


def read_body(gateway: str, raw: bytes) -> tuple[Message | None, str | None]:
    """Read what was delivered: what is said of a chat, or the instance's new status."""
    body = json.loads(raw)
    if gateway == "waapi":
        if body["event"] == "presence_update":
            return read_waapi(body["data"]["presence"]), None
        if body["event"] == "change_state":
            return None, body["data"]["state"].lower()
        return None, body["event"]
    if body["event"] == "presence.update":
        return read_engine(
            body["payload"],
            event_id=body["id"],
            time=body["timestamp"] / 1000,
            pauses=body.get("engine") not in {"NOWEB", "WEBJS"},
        ), None
    return None, body["payload"]["status"].lower()


def read_answer(gateway: str, raw: bytes, *, pauses: bool = True) -> Message | None:
    """Read the answer to a request for a chat; None if it says nothing.

    Raises ValueError, KeyError or TypeError if it is none.
    """
    body = json.loads(raw)
    if gateway == "waapi":
        presence = body["data"]["data"]["presence"]
        return None if presence is None else read_waapi(presence)
    return read_engine(body, pauses=pauses) if body["presences"] else None


def read_answers(raw: bytes, *, pauses: bool = True) -> list[Message]:
    """Read the answer to a request for all chats at once."""
    body = json.loads(raw)
    return [read_engine(one, pauses=pauses) for one in body if one["presences"]]


def read_waapi(presence: dict[str, Any]) -> Message:
    """Read WaAPI's presence object (DOC)."""
    chat = presence["id"]
    if not presence["hasData"]:
        return Message(chat=chat, has_data=False)
    online = presence["isOnline"]
    if presence["isGroup"]:
        doing = dict.fromkeys(presence["recordingParticipants"], "recording")
        doing |= dict.fromkeys(presence["typingParticipants"], "typing")
        return Message(chat=chat, own=Said(online=online), doing=doing)
    activity = {"typing": "typing", "recording_audio": "recording"}.get(
        presence["chatstate"], "idle"
    )
    return Message(chat=chat, own=Said(online=online, activity=activity))


def read_engine(
    payload: dict[str, Any],
    *,
    event_id: str | None = None,
    time: float | None = None,
    pauses: bool = True,
) -> Message:
    """Read WAHA's and Wawp's list of presences, or Wawp's flat one (DOC).

    A group's own count, whose participant is the group itself, tells of nobody.
    """
    if "presences" not in payload:
        word = _WORDS.get(payload["type"], payload["type"])
        payload = {
            "id": payload["chatId"],
            "presences": [{"participant": payload["from"], "lastKnownPresence": word}],
        }
    chat = payload["id"]
    said = {
        entry["participant"]: read_word(entry["lastKnownPresence"])
        for entry in payload["presences"]
        if "lastKnownPresence" in entry
    }
    if chat.endswith("@g.us"):
        said.pop(chat, None)
        return Message(
            chat=chat, members=said, event_id=event_id, time=time, pauses=pauses
        )
    own = next(iter(said.values()), None)
    return Message(chat=chat, own=own, event_id=event_id, time=time, pauses=pauses)


def read_word(word: str) -> Said:
    """Read the one word that tells all."""
    return Said(
        online=word != "offline",
        activity=word if word in {"typing", "recording"} else "idle",
        implied=word in {"typing", "recording", "paused"},
        word=word,
    )
