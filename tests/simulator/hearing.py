"""What an engine hears from WhatsApp of people and groups, and remembers of it."""

from typing import TYPE_CHECKING, Any

from .kindness import Kindness
from .memory import GOWS_SECONDS, Memory
from .world import Chat, Group, Person, State

if TYPE_CHECKING:
    from .engine import EngineAccount


class Hearing:
    """The ears of one session: words of one person each, kept under the id they had."""

    def __init__(self, account: EngineAccount) -> None:
        """Have heard nothing."""
        self.account = account
        self.memory = Memory(GOWS_SECONDS if account.engine == "GOWS" else None)
        self._spoken: dict[tuple[str, Person], int] = {}

    # ------------------------------------------------------------------- words

    def tells_of(self, person: Person) -> bool:
        """Who hides being online is not told of (README 11)."""
        hides = person.online_hidden and not self._kindness.hidden_goes_offline
        return person.has_data and not hides

    def word(self, person: Person, state: State) -> str:
        """The one word; typing, recording and paused imply online.

        NOWEB and WEBJS never say paused (RUN, DOC): a typing that ends reads online.
        """
        idle = state in {State.ONLINE, State.PAUSED}
        if idle and person.online_hidden and self._kindness.hidden_goes_offline:
            return State.OFFLINE.value
        if state is State.PAUSED and not self._says_paused:
            return State.ONLINE.value
        return state.value

    @property
    def _kindness(self) -> Kindness:
        return self.account.simulator.kindness

    @property
    def _says_paused(self) -> bool:
        if self.account.engine == "NOWEB":
            return self._kindness.pauses_told
        return self.account.engine != "WEBJS"

    def _of(
        self, person: Person, state: State, *, asked: str | None = None
    ) -> dict[str, Any]:
        """One of `presences` (DOC); lastSeen is null unless offline."""
        word = self.word(person, state)
        seen = person.last_seen_shown if word == "offline" else None
        return self._entry(self.account.shown_id(person, asked), word, seen)

    def _entry(
        self, participant: str, word: str, last_seen: int | None
    ) -> dict[str, Any]:
        entry: dict[str, Any] = {"participant": participant, "lastSeen": last_seen}
        account = self.account
        if account.engine != "GOWS" or word not in account.quirks.wordless:
            entry["lastKnownPresence"] = word
        return entry

    # ------------------------------------------------------------------ hearing

    def hear(self, chat: Chat, member: Person | None) -> list[dict[str, Any]]:
        """Hear what is true of a chat, as far as WhatsApp says it; the payloads."""
        if isinstance(chat, Group):
            return self._group(chat, member)
        return self._person(chat)

    def _person(self, person: Person) -> list[dict[str, Any]]:
        quiet = person.state in {State.ONLINE, State.OFFLINE}
        if not person.has_data or (quiet and not self.tells_of(person)):
            return []
        if person.online:
            self.account.announcer.seen_by(person.chat_id)
        entry = self._of(person, person.state, asked=self.account.asked_id(person))
        self._remember(entry["participant"], entry)
        return [{"id": entry["participant"], "presences": [entry]}]

    def _group(self, group: Group, member: Person | None) -> list[dict[str, Any]]:
        """Who types and records, and the group's own count; no offline (RUN).

        On GOWS one event an entry (SRC).
        """
        if self._kindness.members_told:
            return self._members(group, member)
        state = None if member is None else group.states.get(member)
        if member is not None and state is not None and state is not State.ONLINE:
            entry = self._of(member, state)
            self._remember(group.chat_id, entry, self._device(group, member))
        elif group.online:
            entry = self._entry(group.chat_id, State.ONLINE.value, None)
            self._remember(group.chat_id, entry)
        else:
            return []
        return [{"id": group.chat_id, "presences": [entry]}]

    def _device(self, group: Group, member: Person) -> int:
        """People write from two devices by turns (RUN: members are listed twice)."""
        key = (group.chat_id, member)
        self._spoken[key] = self._spoken.get(key, -1) + 1
        return self._spoken[key] % 2

    # ------------------------------------------------------------------- memory

    def _remember(self, chat_id: str, entry: dict[str, Any], device: int = 0) -> None:
        self.memory.hear(chat_id, entry, self.account.simulator.clock.now(), device)

    def recall(self, chat_id: str) -> list[dict[str, Any]]:
        """The last words under an id; the newer of two devices is last (RUN)."""
        found = self.memory.recall(chat_id, self.account.simulator.clock.now())
        if self._kindness.one_device:
            found = list({entry["participant"]: entry for entry in found}.values())
        return found

    def everything(self) -> list[dict[str, Any]]:
        """All that is remembered; GOWS tells nothing of it (SRC)."""
        if self.account.engine == "GOWS":
            return []
        return self.memory.everything(self.account.simulator.clock.now())

    # --------------------------------------------------------------- kindnesses

    def _state_in(self, group: Group, member: Person) -> State:
        """What a member does in the group, and else whether they are online."""
        state = group.states.get(member)
        if state is None:
            return State.ONLINE if member.online else State.OFFLINE
        return state

    def _members(self, group: Group, member: Person | None) -> list[dict[str, Any]]:
        """Tell each member, as no gateway does (`Kindness.members_told`)."""
        members = [m for m in group.members if m.has_data]
        if member is not None:
            members = [member]
        entries = [self._of(m, self._state_in(group, m)) for m in members]
        for entry in entries:
            self._remember(group.chat_id, entry)
        if self.account.engine == "GOWS":
            return [{"id": group.chat_id, "presences": [e]} for e in entries]
        return [{"id": group.chat_id, "presences": entries}]

    def live(self, chat: Chat, *, asked: str) -> dict[str, Any]:
        """Tell what is true now, as no gateway does (`Kindness.live_answers`)."""
        entries: list[dict[str, Any]] = []
        shown = chat.chat_id
        if isinstance(chat, Group):
            members = [m for m in chat.members if m.has_data]
            entries = [self._of(m, self._state_in(chat, m)) for m in members]
        else:
            shown = self.account.shown_id(chat, asked)
            if chat.has_data:
                entries = [self._of(chat, chat.state, asked=asked)]
        if chat.chat_id not in self.account.known:
            entries = []
        return {"id": shown, "presences": entries}
