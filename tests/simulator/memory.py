"""What an engine remembers of presences: the last word heard, under the id it came.

The memory has no age that is told (RUN): NOWEB keeps it until the session stops,
through reconnects; GOWS for an hour (SRC). Nobody's number leads to what was heard
under their lid.
"""

from dataclasses import dataclass
from typing import Any, Final

GOWS_SECONDS: Final = 3600.0
MAX_IDS: Final = 20_000
MAX_ENTRIES: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A word, and when it was heard."""

    entry: dict[str, Any]
    time: float


class Memory:
    """The last words under each id; `keep` in seconds, None: until it is wiped."""

    def __init__(self, keep: float | None) -> None:
        """Remember nothing."""
        self.keep = keep
        self._heard: dict[str, dict[tuple[str, int], Heard]] = {}

    def hear(
        self, chat_id: str, entry: dict[str, Any], now: float, device: int
    ) -> None:
        """Keep a word; one of the same participant and device goes, the newer is last."""
        entries = self._heard.pop(chat_id, {})
        key = (entry["participant"], device)
        entries.pop(key, None)
        entries[key] = Heard(entry=entry, time=now)
        while len(entries) > MAX_ENTRIES:
            del entries[next(iter(entries))]
        self._heard[chat_id] = entries
        while len(self._heard) > MAX_IDS:
            del self._heard[next(iter(self._heard))]

    def recall(self, chat_id: str, now: float) -> list[dict[str, Any]]:
        """What was heard under an id, however old, as far as it is kept."""
        return [
            heard.entry
            for heard in self._heard.get(chat_id, {}).values()
            if self.keep is None or heard.time > now - self.keep
        ]

    def everything(self, now: float) -> list[dict[str, Any]]:
        """All that is remembered, an id after the other."""
        found = ((chat_id, self.recall(chat_id, now)) for chat_id in self._heard)
        return [
            {"id": chat_id, "presences": entries}
            for chat_id, entries in found
            if entries
        ]

    def wipe(self) -> None:
        """Forget all, as the end of a session does."""
        self._heard.clear()
