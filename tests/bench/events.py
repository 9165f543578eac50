"""What the gateway sends, and what Home Assistant is given to make of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import json
import random
from typing import Any, Final

INSTANCE: Final = "12345"
# All as long as the integration's own: Home Assistant pays for a path's length.
_ID: Final = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
OUR_WEBHOOK: Final = f"{_ID}0"
EMPTY_WEBHOOK: Final = f"{_ID}1"
TEMPLATE_WEBHOOK: Final = f"{_ID}2"
IDEAL_WEBHOOK: Final = f"{_ID}3"

# Home Assistant's own alternative: of each chat the same four facts.
_TEMPLATE: Final = """\
  - triggers:
      - trigger: webhook
        webhook_id: {webhook_id}
        allowed_methods: [POST]
        local_only: false
    conditions: "{{{{ trigger.json.data.presence.id == '{chat_id}' }}}}"
    binary_sensor:
      - name: "{name} online"
        unique_id: "{name}_online"
        state: "{{{{ trigger.json.data.presence.isOnline }}}}"
      - name: "{name} typing"
        unique_id: "{name}_typing"
        state: "{{{{ trigger.json.data.presence.chatstate == 'typing' }}}}"
    sensor:
      - name: "{name} activity"
        unique_id: "{name}_activity"
        state: >-
          {{{{ {{'typing': 'typing', 'recording_audio': 'recording'}}.get(
             trigger.json.data.presence.chatstate, 'idle') }}}}
      - name: "{name} last seen"
        unique_id: "{name}_last_seen"
        device_class: timestamp
        state: >-
          {{{{ as_datetime(trigger.json.data.presence.lastSeen)
             if trigger.json.data.presence.lastSeen else this.state }}}}
"""


@dataclass(slots=True)
class Chat:
    """A chat, and what was last sent of it."""

    number: int
    _last_seen: int = field(default=1_790_000_000)
    _here: bool = field(default=False)

    @property
    def digits(self) -> str:
        """The phone number, a fictional one."""
        return f"1555{self.number:07d}"

    @property
    def chat_id(self) -> str:
        """The chat's id."""
        return f"{self.digits}@c.us"

    @property
    def name(self) -> str:
        """The chat's name."""
        return f"Contact {self.number}"

    def change(self) -> bytes:
        """Another event than the last: all four facts of it are new."""
        self._here = not self._here
        self._last_seen += 60
        return self.repeat()

    def leave(self) -> bytes:
        """Whatever was before: they are not there any more."""
        self._here = False
        return self.repeat()

    def repeat(self) -> bytes:
        """The last event once more."""
        word = "typing" if self._here else "unavailable"
        return event(
            self.chat_id, online=self._here, word=word, last_seen=self._last_seen
        )


def event(
    chat_id: str, *, online: bool, word: str, last_seen: int | None = None
) -> bytes:
    """Write a `presence_update` of WaAPI, with all the fields that are documented."""
    return json.dumps(
        {
            "event": "presence_update",
            "instanceId": INSTANCE,
            "data": {
                "presence": {
                    "id": chat_id,
                    "isGroup": False,
                    "isOnline": online,
                    "chatstate": word,
                    "lastSeen": last_seen,
                    "deny": False,
                    "typingParticipants": [],
                    "recordingParticipants": [],
                    "hasData": True,
                    "isSubscribed": True,
                }
            },
        },
        separators=(",", ":"),
    ).encode()


def template_configuration(chats: list[Chat]) -> str:
    """Return the YAML of the template entities."""
    if not chats:
        return ""
    return "template:\n" + "".join(
        _TEMPLATE.format(
            webhook_id=TEMPLATE_WEBHOOK, chat_id=chat.chat_id, name=chat.name
        )
        for chat in chats
    )


def entry(chats: list[Chat], url: str, settle_time: float) -> dict[str, Any]:
    """Return an entry of the integration as its flow stores it."""
    return {
        "domain": "whatsapp_presence",
        "unique_id": f"waapi_{INSTANCE}",
        "data": {
            "gateway": "waapi",
            "instance_id": INSTANCE,
            "api_token": "bench-token",
            "url": f"{url}/api/v1",
            "webhook_id": OUR_WEBHOOK,
        },
        "chats": [
            {
                "data": {"chat": chat.chat_id, "settle_time": settle_time},
                "title": chat.name,
                "unique_id": chat.chat_id,
            }
            for chat in chats
        ],
    }


def flood(
    chats: list[Chat], seconds: float, seed: int
) -> Iterator[tuple[float, bytes]]:
    """Yield what chats send who all write for a while: when, and what.

    Every chat comes online at the start and goes offline at the end. Between, it
    sends 16 events a minute or so: half of them repeat the one before, the others
    are typing and pausing in turns; whoever pauses types on within three seconds.
    """
    chance = random.Random(seed)
    planned: list[tuple[float, bytes]] = []
    for chat in chats:
        moment = chance.uniform(0, min(10.0, seconds / 4))
        word = "available"
        while moment < seconds - 5:
            planned.append((moment, event(chat.chat_id, online=True, word=word)))
            if word == "available" and chance.random() < 0.6:
                # A repeat, at once or nearly so; then they go on typing.
                again = moment + chance.uniform(0.1, 1)
                planned.append((again, event(chat.chat_id, online=True, word=word)))
                moment = again + chance.uniform(0.5, 1.5)
                word = "typing"
            elif word == "available":
                moment += chance.uniform(1, 2.5)
                word = "typing"
            elif chance.random() < 0.6:
                moment += chance.uniform(3, 8)
            else:
                moment += chance.uniform(3, 8)
                word = "available"
        planned.append(
            (
                seconds - chance.uniform(0, 4),
                event(
                    chat.chat_id,
                    online=False,
                    word="unavailable",
                    last_seen=1_790_000_000,
                ),
            )
        )
    yield from sorted(planned)
